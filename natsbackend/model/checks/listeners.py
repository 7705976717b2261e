"""Rules about the listeners of the server: limits, monitoring, and what a websocket sends and reads."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from natsbackend.errors import Diagnostic, Severity
from natsbackend.model.checks.places import place
from natsbackend.model.entities import Backend
from natsbackend.model.serving import ServerLimits

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A name of a header or a cookie (RFC 9110, RFC 6265)."""

_FORBIDDEN = frozenset({"host", "content-length", "connection", "upgrade", "nats-no-masking"})
_UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_INT32 = 2**31 - 1
_MIB = 1024 * 1024
_SECOND = 1_000_000_000


def server_limits(backend: Backend) -> Iterable[Diagnostic]:
    """Limits that stop the server from starting, or that it would replace (nats-server 2.15 `opts.go`, `server.go`)."""
    server = backend.server
    if server is None:
        return
    for word, message, hint in _bad_limits(server.limits):
        yield Diagnostic(code="server-limits", message=message, at=place(server, "limits", word), hint=hint)


def _bad_limits(limits: ServerLimits) -> Iterable[tuple[str, str, str]]:
    for word in ("max_payload", "max_control_line", "max_pending"):
        size = getattr(limits, word)
        if size == 0:
            yield word, f"`{word}: 0` would be the server's default", "take it out, or give a size"
        elif size is not None and size > _INT32 and word != "max_pending":
            yield word, f"`{word}` is more than the server can hold", "give at most 2147483647 bytes"
    payload, pending = limits.max_payload, 64 * _MIB if limits.max_pending is None else limits.max_pending
    if payload is not None and pending and _INT32 >= payload > pending:
        message = f"`max_payload` is larger than `max_pending`, {pending} bytes: the server does not start"
        yield "max_payload", message, "raise `max_pending` above it"
    duration = limits.lame_duck_duration
    if duration is not None and duration < 30 * _SECOND:
        yield "lame_duck_duration", "`lame_duck_duration` must be at least 30s", "give 30s or more"
    grace = 10 * _SECOND if limits.lame_duck_grace_period is None else limits.lame_duck_grace_period
    if grace >= (120 * _SECOND if duration is None else max(duration, 30 * _SECOND)):
        message = "`lame_duck_grace_period` must be shorter than `lame_duck_duration`"
        yield "lame_duck_grace_period", message, "the defaults are 10s and 2m"


def server_max_payload(backend: Backend) -> Iterable[Diagnostic]:
    """Messages of more than 8 MiB: the server warns of them at every start."""
    server = backend.server
    payload = server.limits.max_payload if server else None
    if server and payload is not None and payload > 8 * _MIB:
        yield Diagnostic(
            code="server-max-payload",
            message="the server discourages a `max_payload` above 8MiB, and warns of it at every start",
            at=place(server, "limits", "max_payload"),
            hint="send large things in pieces, as an object store does",
            severity=Severity.WARNING,
        )


def monitor_open(backend: Backend) -> Iterable[Diagnostic]:
    """Monitoring that others can reach: it asks for no login, and shows every account's JWT."""
    server = backend.server
    if server and server.monitor and not _is_loopback(server.monitor.listen.host):
        yield Diagnostic(
            code="monitor-open",
            message="monitoring is open to whoever reaches "
            f"{server.monitor.listen.host}: it asks for no login and shows the JWT of every account",
            at=place(server, "monitor", "listen"),
            hint="listen on 127.0.0.1, or keep others out with a firewall",
            severity=Severity.WARNING,
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def monitor_tls(backend: Backend) -> Iterable[Diagnostic]:
    """Monitoring over HTTPS without `server.tls`, whose certificate it would have: the server does not start."""
    server = backend.server
    if server and server.monitor and server.monitor.https and server.tls is None:
        yield Diagnostic(
            code="monitor-tls",
            message="monitoring over HTTPS needs the certificate of `server.tls`",
            at=place(server, "monitor", "https"),
            hint="add server.tls: {cert_file, key_file}",
        )


def websocket_header(backend: Backend) -> Iterable[Diagnostic]:
    """A header that the server refuses, or whose value would begin another line: it is written as it is."""
    server = backend.server
    headers = server.websocket.headers if server and server.websocket else {}
    for name, value in headers.items():
        message = None
        if name.lower() in _FORBIDDEN or name.lower().startswith("sec-websocket-"):
            message = f"the server lets nobody set the header {name[:60]!r}"
        elif not _TOKEN.fullmatch(name):
            message = f"{name[:60]!r} is not the name of a header"
        elif _UNSAFE.search(value):
            message = f"the value of the header {name[:60]!r} holds a line break or control character"
        if server and message:
            yield Diagnostic(
                code="websocket-header", message=message, at=place(server, "websocket", "headers", name)
            )


def websocket_other_cookie(backend: Backend) -> Iterable[Diagnostic]:
    """A further cookie whose name is none, or is that of another one."""
    server = backend.server
    websocket = server.websocket if server else None
    if server is None or websocket is None:
        return
    taken = {websocket.cookie.name} if websocket.cookie else set()
    for word in ("user_cookie", "pass_cookie", "token_cookie"):
        name = getattr(websocket, word)
        if name is None:
            continue
        at = place(server, "websocket", word)
        if not _TOKEN.fullmatch(name):
            message = f"{name[:60]!r} is not a cookie name"
            yield Diagnostic(code="websocket-other-cookie", message=message, at=at)
        elif name in taken:
            message = f"the cookie {name[:60]!r} is another one's already"
            yield Diagnostic(code="websocket-other-cookie", message=message, at=at)
        taken.add(name)


def websocket_same_origin(backend: Backend) -> Iterable[Diagnostic]:
    """`same_origin` without TLS: behind a proxy that ends TLS, every browser is refused with 403."""
    server = backend.server
    websocket = server.websocket if server else None
    if server and websocket and websocket.same_origin and websocket.tls is None:
        yield Diagnostic(
            code="websocket-same-origin",
            message="`same_origin` compares with `http`, since this listener is plain: behind a proxy that ends "
            "TLS, every browser is refused",
            at=place(server, "websocket", "same_origin"),
            hint="list the origins instead: allowed_origins: [https://app.example.com]",
            severity=Severity.WARNING,
        )
