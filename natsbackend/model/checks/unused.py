"""Rules about words of the server that have nothing to act on: it reads them, and then does nothing."""

from __future__ import annotations

from collections.abc import Iterable

from natsbackend.errors import Diagnostic, Severity
from natsbackend.model.checks.places import place
from natsbackend.model.entities import Backend, ConnectionType, Role
from natsbackend.model.holders import holders
from natsbackend.model.leafnodes import Leafnodes
from natsbackend.model.serving import Server

_COOKIES = ("user_cookie", "pass_cookie", "token_cookie")
_OF_LISTENER = ("tls", "advertise", "no_advertise", "min_version", "compression")
_OF_REMOTES = ("reconnect", "dial_timeout")


def websocket_origin_never(backend: Backend) -> Iterable[Diagnostic]:
    """An allowed origin beside `same_origin` that can never be the same: both have to hold.

    The same origin has the listener's own scheme (nats-server 2.15 `websocket.go`, checkOrigin).
    """
    server = backend.server
    websocket = server.websocket if server else None
    if server is None or websocket is None or not websocket.same_origin:
        return
    own = "http" if websocket.tls is None else "https"
    for index, origin in enumerate(websocket.allowed_origins):
        found = origin.partition("://")[0].lower()
        if found in ("http", "https") and found != own:
            yield Diagnostic(
                code="websocket-origin-never",
                message=f"{origin[:80]!r} is never let in: with `same_origin` it would have to be {own}, as the "
                "listener is",
                at=place(server, "websocket", "allowed_origins", index),
                hint="take `same_origin` out: the list says who may connect",
                severity=Severity.WARNING,
            )


def websocket_cookie_unused(backend: Backend) -> Iterable[Diagnostic]:
    """A cookie for an authorization callout, and no account that has one: users of an operator have JWTs alone."""
    server = backend.server
    websocket = server.websocket if server else None
    if server is None or websocket is None:
        return
    if (
        any(account.details.external_authorization for account in backend.accounts.values())
        or backend.outside
    ):
        return
    for word in _COOKIES:
        if getattr(websocket, word) is not None:
            yield Diagnostic(
                code="websocket-cookie-unused",
                message=f"nobody looks into this `{word}`: no account asks an authorization callout",
                at=place(server, "websocket", word),
                hint="add accounts.NAME.external_authorization; a JWT comes in `cookie`",
                severity=Severity.WARNING,
            )


def leafnode_word_alone(backend: Backend) -> Iterable[Diagnostic]:
    """A word for the listener of leaf nodes without one, or for remotes where there are none."""
    server = backend.server
    leafnodes = server.leafnodes if server else None
    if server is None or leafnodes is None:
        return
    for word, needs in _without_effect(leafnodes):
        yield Diagnostic(
            code="leafnode-word-alone",
            message=f"`{word}` is for {needs}",
            at=place(server, "leafnodes", word),
            hint="take it out, or add `listen`" if word in _OF_LISTENER else "take it out, or add `remotes`",
            severity=Severity.WARNING,
        )
    for index, remote in enumerate(leafnodes.remotes):
        if remote.jetstream_cluster_migrate and (server.cluster is None or server.jetstream is None):
            yield Diagnostic(
                code="leafnode-word-alone",
                message="`jetstream_cluster_migrate` is for JetStream in a cluster, which this server is not in",
                at=place(server, "leafnodes", "remotes", index, "jetstream_cluster_migrate"),
                hint="take it out",
                severity=Severity.WARNING,
            )


def _without_effect(leafnodes: Leafnodes) -> Iterable[tuple[str, str]]:
    """Return each word that does nothing, and what it would need."""
    if leafnodes.listen is None:
        words = (
            word for word in _OF_LISTENER if getattr(leafnodes, word) and not _pins_remotes(leafnodes, word)
        )
        yield from ((word, "leaf nodes that connect here, and there is no `listen`") for word in words)
    if not leafnodes.remotes:
        words = (word for word in _OF_REMOTES if getattr(leafnodes, word))
        yield from ((word, "connections from here, and there are no `remotes`") for word in words)


def _pins_remotes(leafnodes: Leafnodes, word: str) -> bool:
    """Whether a word is the `tls` whose pinned certificates hold for remotes, too (nats-server 2.15 `leafnode.go`)."""
    return bool(word == "tls" and leafnodes.remotes and leafnodes.tls and leafnodes.tls.pinned_certs)


def extra_proxy_protocol(backend: Backend) -> Iterable[Diagnostic]:
    """`proxy_protocol`, which the listener for clients alone reads (nats-server 2.15 `server.go`, createClientEx)."""
    server = backend.server
    if server is None or server.extra.get("proxy_protocol") is not True:
        return
    others = [word for word in ("websocket", "mqtt", "leafnodes") if getattr(server, word) is not None]
    if others:
        yield Diagnostic(
            code="extra-proxy-protocol",
            message=f"only the listener for clients reads PROXY's header: one before it at {', '.join(others)} breaks "
            "the connection",
            at=place(server, "extra", "proxy_protocol"),
            hint="let the balancer write it for the listener for clients alone",
            severity=Severity.WARNING,
        )


def connection_type_listener(backend: Backend) -> Iterable[Diagnostic]:
    """A role or user whose connection types are none that the server has a listener for: nobody gets in as it.

    Where this server has leaf node remotes, those for leaf nodes may be for the servers there. Roles for browsers have
    `websocket-unused`.
    """
    server = backend.server
    if server is None:
        return
    open_types = _served(server)
    for holder in holders(backend):
        entity = holder.entity
        if not entity.connection_types or (isinstance(entity, Role) and entity.websocket):
            continue
        if open_types.isdisjoint(entity.connection_types):
            types = ", ".join(kind.value.lower() for kind in entity.connection_types)
            yield Diagnostic(
                code="connection-type-listener",
                message=f"{holder.shown} connects by {types} alone, and the server has no listener for that",
                at=holder.at,
                hint="add the listener under `server`, or another of its `connection_types`",
                severity=Severity.WARNING,
            )


def _served(server: Server) -> set[ConnectionType]:
    """The connection types that the server has a listener for; over a websocket, the other one is needed, too."""
    found = {ConnectionType.STANDARD, ConnectionType.IN_PROCESS}
    leafnodes = server.leafnodes is not None and server.leafnodes.listen is not None
    if leafnodes:
        found.add(ConnectionType.LEAFNODE)
    if server.leafnodes is not None and server.leafnodes.remotes:
        found |= {ConnectionType.LEAFNODE, ConnectionType.LEAFNODE_WS}
    found |= {ConnectionType.MQTT} if server.mqtt is not None else set()
    if server.websocket is not None:
        found.add(ConnectionType.WEBSOCKET)
        found |= {ConnectionType.LEAFNODE_WS} if leafnodes else set()
        found |= {ConnectionType.MQTT_WS} if server.mqtt is not None else set()
    return found
