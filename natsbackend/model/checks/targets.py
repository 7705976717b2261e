"""Rules about where `push` goes: one way each, URLs it can use, and TLS on both sides or on none."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from urllib.parse import SplitResult, urlsplit

from natsbackend.errors import Diagnostic, Location, Severity
from natsbackend.model.entities import Backend, Target

_SCHEMES = ("nats", "tls")
_HINT = "write nats://HOST:PORT or tls://HOST:PORT"
_WEB = ("http", "https")
_WAYS = {
    "nats": frozenset({"servers", "creds", "context", "tls"}),
    "http": frozenset({"tls"}),
    "directory": frozenset[str](),
    "config": frozenset({"pid_file"}),
}
"""The ways of a target, and the words that each takes besides."""
_PATHS = re.compile(r"[/\\.]")


def _urls(backend: Backend) -> Iterator[tuple[str, SplitResult | None, Location | None]]:
    """Every URL of every target, its parts if it has any, and where it stands."""
    for target in backend.targets.values():
        for index, url in enumerate(target.urls):
            at = target.places[index] if index < len(target.places) else target.at
            yield url, _split(url), at


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url if "://" in url else f"nats://{url}")
        _ = parts.port
    except ValueError:
        return None
    return parts if url.isprintable() and " " not in url else None


def target_words(backend: Backend) -> Iterable[Diagnostic]:
    """A target with no way to push or with several, or with words that its way does not take."""
    for target in backend.targets.values():
        for message, word, hint in _wrong_words(target):
            yield Diagnostic(
                code="target-words",
                message=f'target "{target.name}": {message}',
                at=target.words.get(word, target.at),
                hint=hint,
            )


def _wrong_words(target: Target) -> Iterator[tuple[str, str, str]]:
    """Message, word and hint of everything that is wrong with the words of a target."""
    one = f"give it one of {', '.join(f'`{way}`' for way in _WAYS)}"
    ways = [way for way in _WAYS if way in target.words]
    if len(ways) != 1:
        both = " and ".join(f"`{way}`" for way in ways)
        yield f"it goes {both}" if ways else "nothing says where it is", (*ways, "")[-1], one
        return
    (way,) = ways
    for word in sorted(target.words.keys() - _WAYS[way] - {way}):
        fitting = " or ".join(f"`{other}`" for other, words in _WAYS.items() if word in words)
        yield f"`{word}` means nothing with `{way}`", word, f"leave it out; it goes with {fitting}"
    if (way == "nats" and not target.urls) or not target.where:
        yield f"`{way}` is empty", way, "write where it is, or take the target out"
    if way == "config" and not target.pid_file:
        yield (
            "nobody tells the server to reload its `config`",
            way,
            "add `pid_file`, as the server's config names it",
        )
    if "creds" in target.words and "context" in target.words:
        yield "`creds` and `context` are two logins", "context", "leave one out"
    if target.context is not None and (not target.context or _PATHS.search(target.context)):
        yield f"{target.context[:80]!r} is no name of a context", "context", "`nats context ls` lists them"
    if target.tls and target.tls.key_file is not None and target.tls.cert_file is None:
        yield "`tls.key_file` is of no use without `cert_file`", "tls", "add the certificate"


def target_url(backend: Backend) -> Iterable[Diagnostic]:
    """A URL of a target that nothing can be pushed to, or that holds a login, which is not what `push` shows."""
    for target in backend.targets.values():
        reason = None if not target.http else _why_unusable(_split(target.http), _WEB)
        if reason is not None:
            yield Diagnostic(
                code="target-url",
                message=f'the URL of target "{target.name}" is none of an account server: {reason}',
                at=target.words.get("http", target.at),
                hint="write https://HOST:PORT/jwt/v1",
            )
    for url, parts, at in _urls(backend):
        reason = _why_unusable(parts)
        if reason is not None:
            shown = "this" if parts is None or "@" in parts.netloc else repr(url[:80])
            yield Diagnostic(
                code="target-url", message=f"{shown} is no URL to push to: {reason}", at=at, hint=_HINT
            )


def _why_unusable(parts: SplitResult | None, schemes: tuple[str, ...] = _SCHEMES) -> str | None:
    if parts is None:
        return "it cannot be read"
    if parts.scheme in ("ws", "wss"):
        return "`push` speaks to the listener for clients, and not over a websocket"
    if parts.scheme not in schemes:
        return f"its scheme is none of {', '.join(schemes)}"
    if not parts.hostname or parts.port == 0:
        return "it names no host and port"
    if "@" in parts.netloc:
        return "it holds a login, which would stand in Git"
    if parts.query or parts.fragment or (parts.path.strip("/") and schemes is _SCHEMES):
        return "it has a path, a query or a fragment"
    return None


def target_tls(backend: Backend) -> Iterable[Diagnostic]:
    """TLS in the URL of a target and not at the server of the spec, or the other way round.

    Over `tls://` nothing is said to a server that offers no TLS. Over `nats://` the server's first word decides, which
    whoever is on the way can change. And `push` waits for that word, which `handshake_first: true` does not give.
    """
    server = backend.server
    if server is None:
        return
    for _, parts, at in _urls(backend):
        if _why_unusable(parts) is not None or parts is None:
            continue
        said: tuple[str, str] | None = None
        if parts.scheme == "tls" and server.tls is None:
            said = (
                "the server of this spec has no TLS for clients, so nothing can be pushed over `tls://`",
                "add server.tls: {cert_file, key_file}, or write nats://",
            )
        elif parts.scheme == "nats" and server.tls is not None and not _is_loopback(str(parts.hostname)):
            said = (
                "over `nats://` whoever is on the way can leave the server's TLS out, and `push` would not know",
                f"write tls://{parts.netloc}",
            )
        elif server.tls is not None and server.tls.handshake_first is True:
            said = (
                "with `handshake_first: true` the server says nothing before TLS, and `push` waits for its first word",
                "write server.tls: {handshake_first: auto}",
            )
        if said is not None:
            yield Diagnostic(
                code="target-tls", message=said[0], at=at, hint=said[1], severity=Severity.WARNING
            )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
