"""A spec that runs on a real nats-server on free ports, with every account pushed and everybody able to connect."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from natsbackend.claims.codec import Claims, TokenKind, sign
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.live.server import NatsServer, find_server
from natsbackend.live.wire import Connection, Deadline, Refused, connect_tcp, connect_websocket
from natsbackend.model.entities import Account, Backend, Target, User
from natsbackend.model.serving import Listen
from natsbackend.model.system import PUSHER
from natsbackend.project import Project
from natsbackend.workflow.loopback import Loopback, LoopbackPorts, on_loopback
from natsbackend.workflow.opening import Opened
from natsbackend.workflow.push import push
from natsbackend.workflow.signing import RoleSigner
from natsbackend.workflow.tree import Tree, plan_tree
from support.golden import counted_entropy
from support.resolvers import free_ports

HOST = "127.0.0.1"
TIMEOUT = 5.0
PROBE = "probe"
STRANGER = KeyPair(KeyRole.USER, b"s" * 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A spec that runs, with every account pushed."""

    tree: Tree
    server: NatsServer
    loopback: Loopback
    now: int

    @property
    def port(self) -> int:
        """Where clients connect over TCP."""
        port = self.loopback.server.listen.port
        assert port is not None
        return port

    def key_of(self, path: str) -> KeyPair:
        """Return the active key of a path."""
        pair = self.tree.store.find(path, self.tree.lock.keyring()[path])
        assert pair is not None
        return pair

    def signer(self) -> RoleSigner:
        """Return what mints tokens of the roles."""
        return RoleSigner(self.tree.backend, self.tree.lock.keyring(), self.tree.store)

    def over_websocket(self, token: str) -> Connection:
        """Connect as a browser does, with a token in the cookie."""
        websocket = self.loopback.server.websocket
        assert websocket is not None
        assert websocket.cookie is not None
        url = f"ws://{HOST}:{websocket.listen.port}"
        cookie = (websocket.cookie.name, token)
        return connect_websocket(url, cookie=cookie, origin=self.loopback.origin, timeout=TIMEOUT)

    def info(self, account: Account) -> dict[str, object]:
        """Ask the server what it makes of an account that it has loaded; objects are lists of pairs, in order."""
        system = self.tree.backend.system_account
        login = self.signer().mint(system, system.roles[PUSHER], name=PROBE, now=self.now)
        with connect_tcp(HOST, self.port, jwt=login.jwt, key=login.key, timeout=TIMEOUT) as connection:
            connection.subscribe(f"_INBOX.{PROBE}.>")
            public = self.tree.lock.keyring()[account.path]
            connection.publish(f"$SYS.REQ.ACCOUNT.{public}.INFO", reply=f"_INBOX.{PROBE}.1")
            message = connection.wait_for(lambda _: True, Deadline(TIMEOUT))
        assert message is not None
        answer = dict(json.loads(message.payload, object_pairs_hook=in_order))
        return dict(answer["data"])

    def load(self, account: Account) -> None:
        """Make the server read an account from its resolver, which it does for whoever claims to be of it."""
        nats = {"pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1}
        claims = Claims(kind=TokenKind.USER, subject=STRANGER.public, name="stranger", nats=nats)
        stranger = sign(claims, self.key_of(account.path), self.now)
        with contextlib.suppress(Refused):  # a strict operator lets no identity key sign users
            connect_tcp(HOST, self.port, jwt=stranger, key=STRANGER, timeout=TIMEOUT).close()

    def connect(self, account: Account, user: User) -> Connection:
        """Connect a static user as what its role is for."""
        token, key = self.tree.tokens[user.path], self.key_of(user.path)
        role = account.roles[user.role] if user.role is not None else None
        if role is None or not role.websocket:
            return connect_tcp(HOST, self.port, jwt=token, key=key, timeout=TIMEOUT)
        return self.over_websocket(token)


@contextmanager
def running(spec: Opened, directory: Path) -> Iterator[Running]:
    """Generate, start and push a spec on free ports of this machine."""
    nats, websocket = free_ports(2)
    ports = LoopbackPorts(nats=nats, websocket=websocket)
    backend = without_ports(spec.backend)
    loopback = on_loopback(backend, ports, spec_dir=directory, data=directory / "data")
    project = Project(directory)
    project.make_private()
    now = int(time.time())
    tree = plan_tree(Opened(loopback.backend, ()), project, now=now, entropy=counted_entropy())
    tree.write()
    with NatsServer(
        find_server(), project.server_conf, log=directory / "server.log", cwd=directory
    ) as server:
        target = Target(name="test", urls=(f"nats://{HOST}:{nats}",), servers=1)
        assert [r.problems() for r in push(tree, target, now=now)] == [()] * len(backend.accounts)
        yield Running(tree=tree, server=server, loopback=loopback, now=now)


def without_ports(backend: Backend) -> Backend:
    """Leave the ports open: those of the spec may be in use here."""
    server = backend.server
    if server is None:
        return backend
    websocket = server.websocket
    if websocket is not None:
        websocket = replace(websocket, listen=Listen(host=websocket.listen.host))
    monitor = server.monitor
    if monitor is not None:
        monitor = replace(monitor, listen=Listen(host=monitor.listen.host))
    mqtt, leafnodes = server.mqtt, server.leafnodes
    if mqtt is not None:
        mqtt = replace(mqtt, listen=Listen(host=mqtt.listen.host))
    if leafnodes is not None and leafnodes.listen is not None:
        leafnodes = replace(leafnodes, listen=Listen(host=leafnodes.listen.host))
    server = replace(server, websocket=websocket, monitor=monitor, mqtt=mqtt, leafnodes=leafnodes)
    return replace(backend, server=replace(server, listen=Listen(host=server.listen.host)))


def in_order(pairs: list[tuple[str, object]]) -> list[list[object]]:
    """Keep the order of an object's members."""
    return [list(pair) for pair in pairs]
