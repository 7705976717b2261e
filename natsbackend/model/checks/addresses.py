"""Rules about the addresses of all listeners: where they are, and what others are told of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from natsbackend.errors import Diagnostic
from natsbackend.model.checks.places import place
from natsbackend.model.clustering import DEFAULT_CLUSTER_PORT, DEFAULT_GATEWAY_PORT
from natsbackend.model.entities import Backend
from natsbackend.model.leafnodes import DEFAULT_LEAFNODE_PORT
from natsbackend.model.listening import ANYWHERE
from natsbackend.model.serving import DEFAULT_PORT, Listen, Server

_DEFAULT_MONITOR_PORT = 8222


@dataclass(frozen=True, slots=True)
class _Listener:
    """Who listens where; port None: any."""

    who: str
    host: str
    port: int | None
    path: tuple[str, ...]

    def meets(self, other: _Listener) -> bool:
        """Whether the two cannot both be there."""
        hosts = {self.host, other.host}
        return bool(self.port) and self.port == other.port and (len(hosts) == 1 or bool(hosts & _EVERYWHERE))


_EVERYWHERE = frozenset({ANYWHERE, "::"})


def same_address(backend: Backend) -> Iterable[Diagnostic]:
    """Two listeners on one port: the server does not start."""
    server = backend.server
    if server is None:
        return
    before: list[_Listener] = []
    for listener in _listeners(server):
        taken = next((other for other in before if other.meets(listener)), None)
        if taken is not None:
            yield Diagnostic(
                code="same-address",
                message=f"{taken.who} and {listener.who} cannot both be on port {listener.port}",
                at=place(server, *listener.path),
                hint="give one of them another port",
            )
        before.append(listener)


def _listeners(server: Server) -> Iterator[_Listener]:
    def listener(who: str, listen: Listen, default: int | None, *path: str) -> _Listener:
        port = default if listen.port is None else listen.port
        return _Listener(who, listen.host, port, (*path, "listen"))

    yield listener("clients", server.listen, DEFAULT_PORT)
    if server.monitor is not None:
        yield listener("monitoring", server.monitor.listen, _DEFAULT_MONITOR_PORT, "monitor")
    if server.websocket is not None:
        default = 8080 if server.websocket.tls is None else 8443
        yield listener("websockets", server.websocket.listen, default, "websocket")
    if server.mqtt is not None:
        yield listener("MQTT", server.mqtt.listen, server.mqtt.default_port, "mqtt")
    if server.leafnodes is not None and server.leafnodes.listen is not None:
        yield listener("leaf nodes", server.leafnodes.listen, DEFAULT_LEAFNODE_PORT, "leafnodes")
    if server.cluster is not None:
        yield listener("routes", server.cluster.listen, DEFAULT_CLUSTER_PORT, "cluster")
    if server.gateway is not None:
        yield listener("gateways", server.gateway.listen, DEFAULT_GATEWAY_PORT, "gateway")


def advertise(backend: Backend) -> Iterable[Diagnostic]:
    """What clients, leaf nodes or other servers are told is no HOST:PORT: no start (`route.go`), or nobody connects."""
    server = backend.server
    if server is None:
        return
    told = {
        "": server.advertise,
        "websocket": server.websocket.advertise if server.websocket else None,
        "leafnodes": server.leafnodes.advertise if server.leafnodes else None,
        "cluster": server.cluster.advertise if server.cluster else None,
        "gateway": server.gateway.advertise if server.gateway else None,
    }
    for word, text in told.items():
        if text is not None and not _is_address(text):
            yield Diagnostic(
                code="advertise",
                message=f"{text[:80]!r} is not an address that others could connect to",
                at=place(server, *filter(None, (word, "advertise"))),
                hint="write HOST:PORT, an IPv6 address in brackets",
            )


def _is_address(text: str) -> bool:
    """Tell whether Go's `net.SplitHostPort` would find a host, and a port if one is given; 0 is that of `listen`."""
    host, colon, port = text.rpartition(":")
    if text.endswith("]") or not colon:
        host, port = text, ""
    elif not (port.isascii() and port.isdigit() and int(port) <= 65535):
        return False
    if host.startswith("["):
        return host.endswith("]") and ":" in host
    return bool(host) and ":" not in host and not any(c.isspace() for c in host)
