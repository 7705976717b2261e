"""Rules about the resolver: what its kind takes, what the server would read otherwise, and whom it pins."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from urllib.parse import urlsplit

from natsbackend.errors import Diagnostic, Severity
from natsbackend.model.checks.places import place
from natsbackend.model.entities import Backend
from natsbackend.model.serving import ResolverKind

_WORDS = {
    ResolverKind.FULL: {"dir", "allow_delete", "hard_delete", "interval", "timeout", "limit"},
    ResolverKind.CACHE: {"dir", "ttl", "timeout", "limit"},
    ResolverKind.MEMORY: set[str](),
    ResolverKind.URL: {"url", "tls"},
}
_ALWAYS = {"type", "pinned"}


def resolver_option(backend: Backend) -> Iterable[Diagnostic]:
    """A word that the resolver's kind does not have: the server does not start, or ignores it silently."""
    server = backend.server
    if server is None:
        return
    kind = server.resolver.kind
    written = [path[1] for path in server.places if len(path) == 2 and path[0] == "resolver"]
    for word in written:
        if word not in _WORDS[kind] | _ALWAYS:
            known = ", ".join(f"`{w}`" for w in sorted(_WORDS[kind])) or "nothing but its type"
            yield Diagnostic(
                code="resolver-option",
                message=f"a resolver of the type `{kind}` has no `{word}`",
                at=place(server, "resolver", word),
                hint=f"it takes {known}",
            )


def resolver_url(backend: Backend) -> Iterable[Diagnostic]:
    """A URL resolver without a URL, or with one that holds "mem": the server makes it a memory resolver."""
    server = backend.server
    if server is None or server.resolver.kind is not ResolverKind.URL:
        return
    url = server.resolver.url
    message, hint = None, "it is asked for /, and for each account's public key below it"
    if url is None:
        message = "a resolver of the type `url` needs a `url`"
    elif "mem" in url.lower():
        message = 'the server takes any address with "mem" in it for a memory resolver, without a word'
        hint = "give the server of the JWTs another name"
    elif not _is_http(url):
        message = f"{url[:80]!r} is no address of an account server"
        hint = "write https://HOST/PATH/, without query, blanks, quotes and user"
    if message:
        yield Diagnostic(code="resolver-url", message=message, at=place(server, "resolver", "url"), hint=hint)


def resolver_tls(backend: Backend) -> Iterable[Diagnostic]:
    """A certificate without its key or the reverse, which stops the server, or TLS towards a plain address."""
    server = backend.server
    tls = server.resolver.tls if server else None
    if server is None or tls is None:
        return
    message, hint = None, "write https:// if it speaks TLS, or take `tls` out"
    if (tls.cert_file is None) != (tls.key_file is None):
        message, hint = "`cert_file` and `key_file` go together", "give both, or none"
    elif (server.resolver.url or "").lower().startswith("http://"):
        message = "the resolver asks a plain address, and `tls` says nothing of it"
    if message:
        yield Diagnostic(code="resolver-tls", message=message, at=place(server, "resolver", "tls"), hint=hint)


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        sound = parts.hostname and parts.port != 0
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and not any(c in ' "()\\' for c in url)
    return bool(sound and plain and parts.scheme in ("http", "https")) and not (
        parts.query or parts.fragment or parts.username is not None
    )


def resolver_pinned(backend: Backend) -> Iterable[Diagnostic]:
    """A pinned account that is not in the spec."""
    server = backend.server
    for index, name in enumerate((server.resolver.pinned or ()) if server else ()):
        if server and name not in backend.accounts:
            close = get_close_matches(name, backend.accounts, 1, 0.6)
            yield Diagnostic(
                code="resolver-pinned",
                message=f'the pinned account "{name}" is not in this spec',
                at=place(server, "resolver", "pinned", index),
                hint=f"did you mean {close[0]!r}?" if close else None,
            )


def resolver_outside(backend: Backend) -> Iterable[Diagnostic]:
    """An import from outside the spec, and a server that has no accounts but those of its config."""
    server = backend.server
    if server is None or server.resolver.kind is not ResolverKind.MEMORY:
        return
    for account in backend.accounts.values():
        for taken in account.imports:
            if taken.outside_key is not None:
                yield Diagnostic(
                    code="resolver-outside",
                    message=f'account "{account.name}" imports from "{taken.account}", which the config of a server '
                    "with a memory resolver does not hold: it drops the import",
                    at=taken.at,
                    hint="take `server.resolver.type: full`, where accounts of others can be pushed, too",
                    severity=Severity.WARNING,
                )


def resolver_push(backend: Backend) -> Iterable[Diagnostic]:
    """Targets to push to over NATS, and servers whose resolver takes no push: they answer that nobody responds."""
    server = backend.server
    kind = server.resolver.kind if server else ResolverKind.FULL
    over_nats = any(target.urls for target in backend.targets.values())
    if server and over_nats and kind in (ResolverKind.MEMORY, ResolverKind.URL):
        way = (
            "{http: URL} of its account server"
            if kind is ResolverKind.URL
            else "{config: FILE, pid_file: FILE}"
        )
        yield Diagnostic(
            code="resolver-push",
            message=f"`push` cannot reach a server whose resolver is of the type `{kind}`",
            at=place(server, "resolver", "type"),
            hint=f"take `type: full`, or a target {way}",
            severity=Severity.WARNING,
        )
