"""Rules about the log of the server and the proxies it believes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from natsbackend.errors import Diagnostic, InvalidKey, Severity
from natsbackend.keys import public_role
from natsbackend.model.checks.places import place
from natsbackend.model.entities import Backend, Role, User


def log_word_alone(backend: Backend) -> Iterable[Diagnostic]:
    """A limit of the log's files, and no file or no size: the server reads over it (nats-server 2.15 `log.go`)."""
    server = backend.server
    if server is None:
        return
    log = server.log
    for word, value, needed, other in (
        ("size_limit", log.size_limit, "file", log.file),
        ("max_files", log.max_files, "size_limit", log.size_limit),
        ("trace_length", log.trace_length, "trace", log.trace or None),
    ):
        if value is not None and other is None:
            yield Diagnostic(
                code="log-word-alone",
                message=f"`{word}` says nothing without `{needed}`",
                at=place(server, "log", word),
                hint=f"add `{needed}`, or take it out",
                severity=Severity.WARNING,
            )


def log_trace(backend: Backend) -> Iterable[Diagnostic]:
    """A log of every line of the protocol: it holds whole tokens of browsers (nats-server 2.15 `client.go`)."""
    server = backend.server
    if server and server.log.trace:
        yield Diagnostic(
            code="log-trace",
            message="a trace logs every CONNECT, with the whole token of every browser",
            at=place(server, "log", "trace"),
            hint="take it out once the fault is found, and keep the log as you would keep the tokens",
            severity=Severity.WARNING,
        )


def proxy_key(backend: Backend) -> Iterable[Diagnostic]:
    """A trusted proxy whose key is no public key: the server does not start (nats-server 2.15 `auth.go`)."""
    server = backend.server
    for index, key in enumerate((server.proxies or ()) if server else ()):
        try:
            public_role(key)
        except InvalidKey:
            yield Diagnostic(
                code="proxy-key",
                message=f"{key[:80]!r} is not a public key",
                at=place(server, "proxies", "trusted", index) if server else None,
                hint="copy the public key of the proxy again, for instance a U…",
            )


def proxy_untrusted(backend: Backend) -> Iterable[Diagnostic]:
    """`proxy_required`, and a server that trusts no proxy: nobody of that role or name gets in."""
    server = backend.server
    if server is None or server.proxies:
        return
    for holder in _behind_a_proxy(backend):
        yield Diagnostic(
            code="proxy-untrusted",
            message=f'"{holder.name}" must come through a trusted proxy, and the server trusts none: it is always '
            "refused",
            at=holder.at,
            hint="name the proxy: server: {proxies: {trusted: [U…]}}",
            severity=Severity.WARNING,
        )


def _behind_a_proxy(backend: Backend) -> Iterator[Role | User]:
    for account in backend.accounts.values():
        yield from (role for role in account.roles.values() if role.restrictions.proxy_required)
        yield from (user for user in account.users.values() if user.restrictions.proxy_required)


def proxy_unneeded(backend: Backend) -> Iterable[Diagnostic]:
    """Trusted proxies, and nobody who must come through one: whoever goes around them gets in, too."""
    server = backend.server
    if server is None or server.proxies is None:
        return
    if next(_behind_a_proxy(backend), None) is None:
        yield Diagnostic(
            code="proxy-unneeded",
            message="no role or user has `proxy_required`: whoever goes around the trusted proxies gets in as well",
            at=place(server, "proxies"),
            hint="add `proxy_required: true` to those who come through a proxy",
            severity=Severity.WARNING,
        )
