"""The official Go decoder reads back every field we meant, and every static user gets in.

Each sound spec of the golden corpus is generated, run on a real nats-server, and pushed. The server answers
`$SYS.REQ.ACCOUNT.<id>.INFO` with `decoded_jwt`: what its Go library made of our JWT, encoded again by it
(nats-server 2.15, `monitor.go`, `accountInfo`). So a member that it does not know, reads otherwise or drops shows.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from support.golden import SOUND, counted_entropy, opened
from support.resolvers import free_ports
from support.servers import PLAIN_WEBSOCKET

from natsbackend.claims.codec import Claims, TokenKind, read_unverified, sign
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

    def info(self, account: Account) -> dict[str, object]:
        """Ask the server what it makes of an account that it has loaded; objects are lists of pairs, in order."""
        system = self.tree.backend.system_account
        signer = RoleSigner(self.tree.backend, self.tree.lock.keyring(), self.tree.store)
        login = signer.mint(system, system.roles[PUSHER], name=PROBE, now=self.now)
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
        websocket = self.loopback.server.websocket
        assert websocket is not None
        assert websocket.cookie is not None
        url = f"ws://{HOST}:{websocket.listen.port}"
        return connect_websocket(
            url, cookie=(websocket.cookie.name, token), origin=self.loopback.origin, timeout=TIMEOUT
        )


@contextmanager
def running(folder: Path, directory: Path) -> Iterator[Running]:
    """Generate, start and push a golden spec on free ports of this machine."""
    nats, websocket = free_ports(2)
    ports = LoopbackPorts(nats=nats, websocket=websocket)
    backend = without_ports(opened(folder).backend)
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
    return replace(
        backend,
        server=replace(server, listen=Listen(host=server.listen.host), websocket=websocket, monitor=monitor),
    )


@pytest.mark.parametrize("folder", SOUND, ids=lambda folder: folder.name)
def test_the_go_decoder_reads_what_was_meant_and_every_user_gets_in(folder: Path, tmp_path: Path) -> None:
    with running(folder, tmp_path) as live:
        accounts = live.tree.backend.accounts.values()
        for account in accounts:
            for user in account.users.values():
                with live.connect(account, user) as connection:
                    assert connection.flush() == []
        assert live.server.warnings() in ((), (PLAIN_WEBSOCKET,))
        for account in accounts:
            live.load(account)
        for account in accounts:
            assert_read_back(live, account)
        noise = [line for line in live.server.warnings() if not line.endswith("authentication error")]
        assert noise in ([], [PLAIN_WEBSOCKET])


def assert_read_back(live: Running, account: Account) -> None:
    """Hold what the server made of an account against what was meant, the order of members included."""
    info = live.info(account)
    token = live.tree.tokens[account.path]
    meant = json.loads(json.dumps(read_unverified(token).claims), object_pairs_hook=in_order)
    assert info["decoded_jwt"] == meant
    assert (info["jwt"], info["complete"], info["expired"]) == (token, True, False)
    assert info["jetstream_enabled"] == bool(account.jetstream.disk or account.jetstream.memory)


def in_order(pairs: list[tuple[str, object]]) -> list[list[object]]:
    """Keep the order of an object's members."""
    return [list(pair) for pair in pairs]
