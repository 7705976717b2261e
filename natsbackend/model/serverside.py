"""The `server` section to entities."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from natsbackend.errors import Location
from natsbackend.model.serving import (
    Cookie,
    Encryption,
    Listen,
    Monitor,
    Resolver,
    ResolverKind,
    Server,
    ServerJetStream,
    ServerLimits,
    Tls,
    Websocket,
)
from natsbackend.spec.limit_models import ServerLimitsSpec
from natsbackend.spec.load import Spec, Step
from natsbackend.spec.resolver_models import ResolverSpec
from natsbackend.spec.server_models import (
    ClientTlsSpec,
    EncryptionSpec,
    MonitorSpec,
    ServerJetStreamSpec,
    ServerSpec,
    TlsSpec,
    WebsocketSpec,
)
from natsbackend.spec.tree import Node

Say = Callable[..., None]
"""Records a diagnostic: code, message, location, hint."""

ANYWHERE = "0.0.0.0"  # noqa: S104 - the server's own default, and what a public listener needs
_LOOPBACK = "127.0.0.1"


_LISTEN = re.compile(
    r"""(?P<alone>[0-9]{1,5})
    |(?:\[(?P<ipv6>[0-9A-Fa-f:.]+(?:%\w+)?)\]|(?P<host>(?![0-9]+$)(?:\w[\w.-]*)?))(?::(?P<port>[0-9]{1,5}))?""",
    re.ASCII | re.VERBOSE,
)


def server(model: ServerSpec, spec: Spec, say: Say) -> Server:
    """Turn the `server` section into what goes into the config."""
    node = spec.node.get("server")
    return Server(
        name=model.name,
        listen=_listen(model.listen, spec.at("server", "listen"), say),
        tls=_tls(model.tls),
        advertise=model.advertise,
        limits=_limits(model.limits),
        monitor=_monitor(model.monitor, spec, say) if model.monitor else None,
        jetstream=_jetstream(model.jetstream),
        resolver=_resolver(model.resolver),
        websocket=_websocket(model.websocket, spec, say) if model.websocket else None,
        at=spec.key_at("server"),
        places=dict(_places(node)) if node else {},
    )


def _places(node: Node, path: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], Location]]:
    """Where everything below a node stands: a scalar itself, the key of a map or list."""
    children = node.children
    for step, child in children.items() if isinstance(children, dict) else enumerate(children or ()):
        here = (*path, step)
        yield here, node.key_at(step) if isinstance(step, str) and child.children is not None else child.at
        yield from _places(child, here)


def _listen(text: str | int | None, at: Location, say: Say, host: str = ANYWHERE) -> Listen:
    """Read `HOST:PORT`, `:PORT`, `PORT` or `HOST`; an IPv6 address stands in brackets."""
    match = _LISTEN.fullmatch("" if text is None else str(text))
    port = match and (match["alone"] or match["port"])
    if match is None or (port and int(port) > 65535) or text == "":
        hint = "write HOST:PORT, for instance 0.0.0.0:4222 or [::1]:4222; port 0 leaves it open"
        say("listen", f"{str(text)[:80]!r} is not an address to listen on", at, hint)
        return Listen(host=host)
    return Listen(host=match["ipv6"] or match["host"] or host, port=int(port) if port else None)


def _tls(model: TlsSpec | None) -> Tls | None:
    if model is None:
        return None
    client = model if isinstance(model, ClientTlsSpec) else None
    return Tls(
        cert_file=model.cert_file,
        key_file=model.key_file,
        ca_file=model.ca_file,
        verify=model.verify,
        min_version=model.min_version,
        timeout=client.timeout if client else None,
        handshake_first=client.handshake_first if client else False,
    )


def _limits(model: ServerLimitsSpec | None) -> ServerLimits:
    """Take the limits over: they have the same names here, in the spec and in the config."""
    return ServerLimits(**model.model_dump(exclude_unset=True)) if model else ServerLimits()


def _monitor(model: MonitorSpec, spec: Spec, say: Say) -> Monitor:
    at = spec.at("server", "monitor", "listen")
    listen = _listen(model.listen, at, say, host=_LOOPBACK)
    return Monitor(listen=listen, https=model.https, base_path=model.base_path)


def _jetstream(model: bool | ServerJetStreamSpec) -> ServerJetStream | None:
    if model is False:
        return None
    spec = ServerJetStreamSpec() if model is True else model
    return ServerJetStream(
        store_dir=spec.store_dir,
        memory=spec.memory,
        disk=spec.disk,
        domain=spec.domain,
        encryption=_encryption(spec.encryption),
    )


def _encryption(spec: EncryptionSpec | None) -> Encryption | None:
    if spec is None:
        return None
    previous = spec.previous_key.env if spec.previous_key else None
    return Encryption(key=spec.key.env, previous_key=previous, cipher=spec.cipher)


def _resolver(model: ResolverSpec | None) -> Resolver:
    spec = model or ResolverSpec()
    return Resolver(
        kind=ResolverKind(spec.type),
        dir=spec.dir,
        url=spec.url,
        allow_delete=spec.allow_delete,
        hard_delete=spec.hard_delete,
        interval=spec.interval,
        timeout=spec.timeout,
        limit=spec.limit,
        ttl=spec.ttl,
        pinned=None if spec.pinned is None else tuple(spec.pinned),
    )


def _websocket(model: WebsocketSpec, spec: Spec, say: Say) -> Websocket:
    base = ("server", "websocket")
    at = spec.key_at(*base)
    if model.tls is None and not model.no_tls:
        hint = "give `tls: {cert_file, key_file}`, or `no_tls: true` behind a proxy that ends TLS"
        say("websocket-tls", "the websocket listener has neither `tls` nor `no_tls`", at, hint)
    elif model.tls is not None and model.no_tls:
        say("websocket-tls", "`tls` and `no_tls` exclude each other", spec.at(*base, "no_tls"))
    cookie = model.cookie
    return Websocket(
        listen=_listen(model.listen, spec.at(*base, "listen"), say),
        tls=_tls(model.tls),
        cookie=Cookie(name=cookie.name, domain=cookie.domain, same_site=cookie.same_site) if cookie else None,
        allowed_origins=tuple(model.allowed_origins or ()),
        same_origin=model.same_origin,
        compression=model.compression,
        handshake_timeout=model.handshake_timeout,
        advertise=model.advertise,
        ping_interval=model.ping_interval,
        headers=model.headers,
        user_cookie=model.user_cookie,
        pass_cookie=model.pass_cookie,
        token_cookie=model.token_cookie,
        at=at,
    )
