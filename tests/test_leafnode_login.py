"""The one login of a listener for leaf nodes, on real servers: who shows it is in its account, and nobody else is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.resolvers import free_ports
from support.workspaces import Spec, Workspace
from test_joining_on_server import (
    EDGE,
    HOST,
    IN_CONFIG,
    connected,
    crosses,
    eventually,
    page,
    serving,
    spec_of,
    written,
)
from test_peer_secrets import PASSWORD, QUOTED, complaining, generated, secret

from natsbackend.errors import SpecError
from natsbackend.keys import KeyPair, KeyRole

KEY = KeyPair(KeyRole.USER, bytes(range(32)))
WEB = {"users": {"center": EDGE, "edge": {"connection_types": ["leafnode", "standard"], **EDGE}}}


def hub(root: Path, ports: tuple[int, int, int], login: Spec) -> Workspace:
    """Return a server that takes leaf nodes with one login into `web`, and has another account."""
    nats, leaf, monitor = ports
    leafnodes = {"listen": f"{HOST}:{leaf}", "authorization": {"account": "web", "timeout": "5s", **login}}
    here = {"listen": f"{HOST}:{nats}", "monitor": {"listen": monitor}, "resolver": {"type": "full"}}
    return generated(root, spec_of({**here, "leafnodes": leafnodes}, web=WEB, other={}))


def far(root: Path, nats: int, remote: Spec, like: Workspace) -> Workspace:
    """Return a server elsewhere that goes there."""
    space = written(root, like.spec, like=like)
    remotes = [{"account": "web", **remote}]
    here = {"listen": f"{HOST}:{nats}", "resolver": IN_CONFIG}
    leafnodes = {"remotes": remotes, "reconnect": "1s"}
    return generated(space.root, spec_of({**here, "leafnodes": leafnodes}, web=WEB))


@pytest.mark.parametrize("kind", ["password", "nkey", "wrong-password", "wrong-nkey", "creds"])
def test_who_shows_the_login_is_in_its_account(kind: str, tmp_path: Path) -> None:
    """The account has not been pushed: it is there from the start, as the full resolver's preload."""
    nats, leaf, monitor, edge = free_ports(4)
    there = tmp_path / "hub"
    by_key = kind.endswith("nkey")
    password = {"user": "edge", "password": secret(there, "leafnodes", PASSWORD)}
    one = hub(there, (nats, leaf, monitor), {"nkey": KEY.public} if by_key else password)
    url = f"nats://edge:{QUOTED if kind == 'password' else 'wrong'}@{HOST}:{leaf}"
    seed = KEY if kind == "nkey" else KeyPair(KeyRole.USER, bytes(32))
    remote: dict[str, Any] = {"urls": [secret(there, "hub", url)]}
    if by_key:
        remote = {
            "urls": [f"nats://{HOST}:{leaf}"],
            "nkey": secret(there, "seed", seed.reveal_seed()),
        }
    elif kind == "creds":
        remote = {"urls": [f"nats://{HOST}:{leaf}"], "creds": "web/edge"}
    other = far(tmp_path / "far", edge, remote, one)
    with serving(one) as a, complaining(other):
        if kind not in ("password", "nkey"):
            eventually(lambda: any("authentication error" in line for line in a.warnings()))
            assert not page(monitor, "leafz").get("leafs")
            return
        (joined,) = eventually(lambda: page(monitor, "leafz").get("leafs"))
        assert joined["account"] == one.key("accounts/web")
        # clients of the hub are users of `web`, which only its own config knows so far
        with (
            connected(edge, other, "web", "center") as local,
            connected(nats, one, "web", "center") as center,
        ):
            assert crosses(local, center, "down.1")
            assert crosses(center, local, "up.1")


def test_a_seed_in_the_place_of_the_key_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="the secret half of a key") as refused:
        hub(tmp_path, (1, 2, 3), {"nkey": KEY.reveal_seed()})
    assert KEY.reveal_seed() not in str(refused.value)


@pytest.mark.parametrize("migrate", [True, "10s"])
def test_the_server_takes_when_leaders_are_to_move(migrate: object, tmp_path: Path) -> None:
    nats, leaf = free_ports(2)
    remote = {"urls": [f"nats://{HOST}:{leaf}"], "account": "web", "jetstream_cluster_migrate": migrate}
    server = {"listen": f"{HOST}:{nats}", "resolver": IN_CONFIG, "leafnodes": {"remotes": [remote]}}
    space = written(tmp_path / "n", spec_of(server, web=WEB))
    text = space.project.server_conf.read_text(encoding="utf-8")
    assert ('leader_migrate_delay: "10s"' in text) is (migrate == "10s")
    with complaining(space) as running:
        assert running.alive
