"""Rules about how long a login may take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from natsbackend.errors import Diagnostic, Location, Severity
from natsbackend.model.checks.places import place
from natsbackend.model.entities import Backend
from natsbackend.model.serving import Server

_SECOND = 1_000_000_000
_LONGEST = 60 * _SECOND


def auth_timeout_long(backend: Backend) -> Iterable[Diagnostic]:
    """More than a minute to log in: whoever says nothing keeps a connection as long, and the server warns of it."""
    for timeout, at in _timeouts(backend.server) if backend.server else ():
        if timeout > _LONGEST:
            yield Diagnostic(
                code="auth-timeout-long",
                message="whoever never logs in keeps a connection for as long as this, more than a minute",
                at=at,
                hint="give 60s or less",
                severity=Severity.WARNING,
            )


def _timeouts(server: Server) -> Iterator[tuple[int, Location | None]]:
    """Every time that a login may take, in nanoseconds, and where it stands."""
    if server.limits.auth_timeout is not None:
        yield server.limits.auth_timeout, place(server, "limits", "auth_timeout")
    for word, seconds in _listeners(server):
        yield seconds * _SECOND, place(server, word, "auth_timeout")
    logins = {
        "leafnodes": server.leafnodes.authorization if server.leafnodes else None,
        "cluster": server.cluster.authorization if server.cluster else None,
        "gateway": server.gateway.authorization if server.gateway else None,
    }
    for word, login in logins.items():
        if login is not None and login.timeout is not None:
            yield login.timeout, place(server, word, "authorization", "timeout")


def _listeners(server: Server) -> Iterator[tuple[str, int]]:
    """The listeners that have a time of their own for it, in seconds."""
    if server.websocket is not None and server.websocket.auth_timeout is not None:
        yield "websocket", server.websocket.auth_timeout
    if server.mqtt is not None and server.mqtt.auth_timeout is not None:
        yield "mqtt", server.mqtt.auth_timeout
