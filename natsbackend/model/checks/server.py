"""Rules about the `server` section."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from natsbackend.errors import Diagnostic, Severity
from natsbackend.model.checks.places import place
from natsbackend.model.entities import Backend

_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?|[0-9a-f:.]+")
"""A host's name, or an IPv6 address as `urlsplit` gives it, without its brackets."""


def jetstream_off(backend: Backend) -> Iterable[Diagnostic]:
    """An account has a share of JetStream, and the server of the spec has none to share."""
    if backend.server is None or backend.server.jetstream is not None:
        return
    for account in backend.accounts.values():
        if account.jetstream.disk or account.jetstream.memory or account.details.tiers:
            yield Diagnostic(
                code="jetstream-off",
                message=f'account "{account.name}" has a share of JetStream, and the server has none',
                at=account.at,
                hint="add `jetstream: true` under `server`, or its `store_dir`",
                severity=Severity.WARNING,
            )


def jetstream_unique_tag(backend: Backend) -> Iterable[Diagnostic]:
    """`unique_tag`, and no tag of this server that begins so: JetStream puts no replica on it.

    nats-server 2.15 `jetstream_cluster.go`, selectPeerGroup: the tag has to be there to be unique.
    """
    server = backend.server
    tag = server.jetstream.tuning.unique_tag if server and server.jetstream else None
    if server is None or tag is None:
        return
    begins = tag.strip().lower()
    if not begins or not any(each.startswith(begins) for each in server.tags):
        yield Diagnostic(
            code="jetstream-unique-tag",
            message=f"no tag of this server begins with {tag[:60]!r}: no replica of a stream is put on it",
            at=place(server, "jetstream", "unique_tag"),
            hint=f"add one to `server.tags`: {begins or 'az:'}1",
            severity=Severity.WARNING,
        )


def server_name(backend: Backend) -> Iterable[Diagnostic]:
    """A server name with a blank: the server does not start (nats-server 2.15 `server.go`)."""
    server = backend.server
    if server and server.name is not None and (not server.name or any(c.isspace() for c in server.name)):
        message = f"{server.name[:60]!r} cannot be a server's name; it cannot be empty or hold blanks"
        yield Diagnostic(
            code="server-name", message=message, at=place(server, "name"), hint="use - or _ instead"
        )


def resolver_delete(backend: Backend) -> Iterable[Diagnostic]:
    """`hard_delete` without `allow_delete`: the server does not start (nats-server 2.15 `opts.go`)."""
    server = backend.server
    if server and server.resolver.hard_delete and not server.resolver.allow_delete:
        message = "`hard_delete` needs `allow_delete`"
        yield Diagnostic(
            code="resolver-delete",
            message=message,
            at=place(server, "resolver", "hard_delete"),
            hint="add `allow_delete: true`",
        )


def jetstream_domain(backend: Backend) -> Iterable[Diagnostic]:
    """A JetStream domain that is not one token of a subject: the server does not start, or nobody can name it."""
    server = backend.server
    domain = server.jetstream.domain if server and server.jetstream else None
    if server and domain is not None and (not domain or any(c in ".*>" or c.isspace() for c in domain)):
        yield Diagnostic(
            code="jetstream-domain",
            message=f"{domain[:60]!r} cannot be a JetStream domain",
            at=place(server, "jetstream", "domain"),
            hint="use one name without dots, wildcards and blanks",
        )


def websocket_origins(backend: Backend) -> Iterable[Diagnostic]:
    """A cookie without origins: any site could open a socket with the visitor's cookie."""
    websocket = backend.server.websocket if backend.server else None
    if websocket and websocket.cookie and not (websocket.allowed_origins or websocket.same_origin):
        yield Diagnostic(
            code="websocket-origins",
            message="a listener with a cookie needs `allowed_origins`: without it any site can connect with a "
            "visitor's cookie",
            at=websocket.at,
            hint="list the origins of your pages: allowed_origins: [https://app.example.com]",
        )


def websocket_origin(backend: Backend) -> Iterable[Diagnostic]:
    """An origin that is no http or https address stops the server; one with wildcards or a path would mislead.

    The server reads scheme, host and port alone (nats-server 2.15 `websocket.go`, `checkOrigin`).
    """
    server = backend.server
    origins = server.websocket.allowed_origins if server and server.websocket else ()
    for index, origin in enumerate(origins):
        if not _is_origin(origin):
            yield Diagnostic(
                code="websocket-origin",
                message=f"{origin[:80]!r} is not an origin",
                at=place(server, "websocket", "allowed_origins", index) if server else None,
                hint="write scheme, host and port alone, without wildcards: https://app.example.com",
            )


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    alone = not (parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None)
    host = parts.hostname or ""
    return parts.scheme in ("http", "https") and alone and port != 0 and _HOST.fullmatch(host) is not None


def websocket_cookie(backend: Backend) -> Iterable[Diagnostic]:
    """A cookie that browsers would not keep: its name, a domain that its prefix forbids, or one that is none."""
    server = backend.server
    cookie = server.websocket.cookie if server and server.websocket else None
    if server is None or cookie is None:
        return
    if not _COOKIE_NAME.fullmatch(cookie.name):
        yield Diagnostic(
            code="websocket-cookie",
            message=f"{cookie.name[:60]!r} is not a cookie name",
            at=place(server, "websocket", "cookie", "name"),
            hint="use letters, digits, - and _",
        )
    if cookie.domain is not None and not _HOST.fullmatch(cookie.domain.removeprefix(".")):
        yield Diagnostic(
            code="websocket-cookie",
            message=f"{cookie.domain[:60]!r} is not a domain",
            at=place(server, "websocket", "cookie", "domain"),
            hint="write a host's name alone, without scheme or port: example.com",
        )
    elif cookie.name.lower().startswith("__host-") and cookie.domain:  # browsers compare in any case
        yield Diagnostic(
            code="websocket-cookie",
            message="a cookie whose name begins with __Host- can have no domain; browsers would drop it",
            at=place(server, "websocket", "cookie", "domain"),
            hint="call it __Secure-…",
        )


def websocket_unused(backend: Backend) -> Iterable[Diagnostic]:
    """There is a cookie and no role that could use it, or roles for browsers and no listener."""
    websocket = backend.server.websocket if backend.server else None
    roles = [
        role for account in backend.accounts.values() for role in account.roles.values() if role.websocket
    ]
    if websocket and websocket.cookie and not roles:
        yield Diagnostic(
            code="websocket-unused",
            message="there is a cookie, and no role with `websocket: true` whose token it could carry",
            at=websocket.at,
            severity=Severity.WARNING,
        )
    if roles and not (websocket and websocket.cookie):
        yield Diagnostic(
            code="websocket-unused",
            message=f'role "{roles[0].name}" is for browsers, and the server has no websocket listener with a cookie',
            at=roles[0].at,
            hint="add server.websocket with a cookie",
            severity=Severity.WARNING,
        )
