"""A backend as it can run on this machine alone: what `up` puts in place of what the spec says, and why.

Every listener is bound to loopback. Where the spec's certificates are not here, the websocket is plain, and the
listener's own origin is allowed, so that a page on this machine can connect. Each substitution is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from natsbackend.model.entities import Backend
from natsbackend.model.server_options import LOCAL
from natsbackend.model.serving import (
    Cookie,
    Listen,
    Log,
    Monitor,
    Resolver,
    ResolverKind,
    Server,
    ServerJetStream,
    Tls,
    Websocket,
)
from natsbackend.workflow.alone import LOOPBACK as LOOPBACK
from natsbackend.workflow.alone import alone

COOKIE = Cookie(name="nats_token")
"""The cookie of a listener that the spec does not describe."""


@dataclass(frozen=True, slots=True)
class LoopbackPorts:
    """The ports to use where the spec leaves them open."""

    nats: int
    websocket: int


@dataclass(frozen=True, slots=True)
class Loopback:
    """A backend that runs here, and what was put in place of what."""

    backend: Backend
    substitutions: tuple[str, ...]
    origin: str | None
    """An origin the websocket listener allows."""

    @property
    def server(self) -> Server:
        """The server section; there always is one."""
        assert self.backend.server is not None
        return self.backend.server


def on_loopback(backend: Backend, ports: LoopbackPorts, *, spec_dir: Path, data: Path) -> Loopback:
    """Put a backend on loopback.

    Args:
        backend: what the spec says.
        ports: used where the spec names no port.
        spec_dir: where relative certificate paths begin.
        data: where the server keeps its streams and JWTs.
    """
    said: list[str] = []
    backend = _without_outside(backend, said)
    server = backend.server or Server()
    listen = _listen(server.listen, ports.nats, "listen", said)
    websocket, origin = _websocket(backend, server.websocket, ports.websocket, spec_dir, said)
    store_dir = str(data / "jetstream")
    jetstream = replace(server.jetstream, store_dir=store_dir, encryption=None) if server.jetstream else None
    if server.jetstream and server.jetstream.encryption:
        said.append("JetStream stores unencrypted, since its key is the server's alone")
    if jetstream is None and _wants_jetstream(backend):
        jetstream = ServerJetStream(store_dir=store_dir)
        said.append("JetStream is on, since an account has a share of it")
    elif jetstream is None and server.mqtt is not None:
        jetstream = ServerJetStream(store_dir=store_dir)
        said.append("JetStream is on, since MQTT keeps its sessions there")
    if server.tls is not None:
        said.append("listen: no TLS, since it is on loopback")
    said.append(f"the server's data is in {data}")
    if server.log.file is not None or server.log.trace:
        said.append("log: into server.log there, without a trace")
    elsewhere = ", ".join(name for name in server.extra if name not in LOCAL)
    if elsewhere:
        said.append(f"extra: without {elsewhere}")
    local = replace(
        alone(server, said),
        listen=listen,
        extra={name: value for name, value in server.extra.items() if name in LOCAL},
        log=Log(debug=server.log.debug),
        tls=None,
        advertise=None,
        monitor=_monitor(server.monitor, said),
        jetstream=jetstream,
        resolver=_resolver(server.resolver, str(data / "jwt"), said),
        websocket=websocket,
    )
    return Loopback(replace(backend, server=local, targets={}), tuple(said), origin)


def _without_outside(backend: Backend, said: list[str]) -> Backend:
    """Leave out imports from accounts outside the spec, which this machine's server does not have."""
    accounts = {}
    for name, account in backend.accounts.items():
        kept = tuple(taken for taken in account.imports if taken.outside_key is None)
        if kept != account.imports:
            account = replace(account, imports=kept)
        accounts[name] = account
    names = {taken.account for a in backend.accounts.values() for taken in a.imports if taken.outside_key}
    if not names:
        return backend
    said.append(f"no imports from {', '.join(sorted(names))}: accounts outside the spec are not here")
    return replace(backend, accounts=accounts)


def _wants_jetstream(backend: Backend) -> bool:
    return any(a.jetstream.disk or a.jetstream.memory or a.details.tiers for a in backend.accounts.values())


def _listen(listen: Listen, free: int, what: str, said: list[str]) -> Listen:
    port = listen.port or free
    local = Listen(host=LOOPBACK, port=port)
    if listen.host != LOOPBACK:
        said.append(
            f"{what}: {LOOPBACK}:{port} instead of {listen.host}" + (f":{port}" if listen.port else "")
        )
    elif not listen.port:
        said.append(f"{what}: a free port, {port}")
    return local


def _monitor(monitor: Monitor | None, said: list[str]) -> Monitor | None:
    """Keep monitoring, on loopback, and without the certificate that the listener for clients has lost."""
    if monitor is None:
        return None
    local = Listen(host=LOOPBACK, port=monitor.listen.port or 0)
    if monitor.https or monitor.listen.host != LOOPBACK:
        said.append(f"monitoring: plain HTTP on {LOOPBACK}:{local.port or '(any port)'}")
    return replace(monitor, listen=local, https=False)


def _resolver(resolver: Resolver, directory: str, said: list[str]) -> Resolver:
    """Keep a full resolver, or put one in the place of another, since accounts are pushed to it."""
    if resolver.kind is ResolverKind.FULL:
        return replace(resolver, dir=directory)
    said.append(f"resolver: a full one instead of `{resolver.kind}`, to push to")
    return Resolver(dir=directory, pinned=resolver.pinned)


def _websocket(
    backend: Backend, websocket: Websocket | None, free: int, spec_dir: Path, said: list[str]
) -> tuple[Websocket | None, str | None]:
    if websocket is None:
        if not any(
            role.websocket for account in backend.accounts.values() for role in account.roles.values()
        ):
            return None, None
        said.append("websocket: a plain listener with the cookie nats_token, since roles need one")
        websocket = Websocket(listen=Listen(host=LOOPBACK), cookie=COOKIE)
    listen = _listen(websocket.listen, free, "websocket", said)
    tls = _tls_here(websocket.tls, spec_dir)
    if tls is not None and websocket.tls is not None:
        if websocket.tls.verify:
            said.append("websocket: no client certificate is asked for")
        local = replace(websocket, listen=listen, tls=tls, advertise=None)
        return local, next(iter(websocket.allowed_origins), None)
    if websocket.tls is not None:
        said.append(
            f"websocket: no TLS, since {websocket.tls.cert_file} or {websocket.tls.key_file} is not here"
        )
    own = tuple(f"http://{host}:{listen.port}" for host in ("localhost", LOOPBACK))
    said.append(f"websocket: pages from {own[0]} may connect, too")
    origins = tuple(dict.fromkeys((*websocket.allowed_origins, *own)))
    local = replace(
        websocket, listen=listen, tls=None, allowed_origins=origins, same_origin=False, advertise=None
    )
    return local, own[0]


def _tls_here(tls: Tls | None, spec_dir: Path) -> Tls | None:
    if tls is None:
        return None
    cert, key = spec_dir / tls.cert_file, spec_dir / tls.key_file
    if not (cert.is_file() and key.is_file()):
        return None
    return Tls(cert_file=str(cert.resolve()), key_file=str(key.resolve()), min_version=tls.min_version)
