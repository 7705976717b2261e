"""The `server` section to entities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from natsbackend.errors import Location
from natsbackend.model.listening import ANYWHERE as ANYWHERE
from natsbackend.model.listening import Say as Say
from natsbackend.model.listening import read_listen as _listen
from natsbackend.model.listening import read_secret as _secret
from natsbackend.model.listening import read_tls as _tls
from natsbackend.model.serving import (
    Cookie,
    Encryption,
    JetStreamTuning,
    Log,
    Monitor,
    Resolver,
    ResolverKind,
    ResolverTls,
    Server,
    ServerJetStream,
    ServerLimits,
    Websocket,
)
from natsbackend.spec.jetstream_models import EncryptionSpec, ServerJetStreamSpec
from natsbackend.spec.limit_models import ServerLimitsSpec
from natsbackend.spec.load import Spec, Step
from natsbackend.spec.resolver_models import ResolverSpec
from natsbackend.spec.server_models import (
    MonitorSpec,
    ServerSpec,
    WebsocketSpec,
)
from natsbackend.spec.tree import Node

_LOOPBACK = "127.0.0.1"


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
        log=Log(**model.log.model_dump()) if model.log else Log(),
        tags=tuple(model.tags),
        metadata=model.metadata,
        proxies=tuple(model.proxies.trusted) if model.proxies else None,
        default_sentinel=model.default_sentinel,
        extra=model.extra,
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
        tuning=_tuning(spec),
    )


_TUNING = tuple(each.name for each in fields(JetStreamTuning) if each.name not in ("limits", "batch"))


def _tuning(spec: ServerJetStreamSpec) -> JetStreamTuning:
    """Take the words over; they have the same names here, in the spec and in the config."""
    limits = spec.limits.model_dump(exclude={"batch"}, exclude_none=True) if spec.limits else {}
    batch = spec.limits.batch.model_dump(exclude_none=True) if spec.limits and spec.limits.batch else {}
    words = {name: getattr(spec, name) for name in _TUNING}
    return JetStreamTuning(limits=limits, batch=batch, **words)


def _encryption(spec: EncryptionSpec | None) -> Encryption | None:
    if spec is None:
        return None
    previous = _secret(spec.previous_key) if spec.previous_key else None
    return Encryption(key=_secret(spec.key), previous_key=previous, cipher=spec.cipher)


def _resolver(model: ResolverSpec | None) -> Resolver:
    spec = model or ResolverSpec()
    return Resolver(
        kind=ResolverKind(spec.type),
        dir=spec.dir,
        url=spec.url,
        tls=ResolverTls(**spec.tls.model_dump()) if spec.tls else None,
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
        auth_timeout=model.auth_timeout,
        advertise=model.advertise,
        ping_interval=model.ping_interval,
        headers=model.headers,
        user_cookie=model.user_cookie,
        pass_cookie=model.pass_cookie,
        token_cookie=model.token_cookie,
        at=at,
    )
