"""A push to three servers: one is missing, comes back, is repaired; and accounts that nobody has used are seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.byhand import ByHand
from support.nodes import Node, eventually, nodes
from support.workspaces import NOW, Workspace
from test_push_cli import push

from natsbackend.keys import KeyPair, KeyRole


@pytest.fixture
def space(generated: Workspace) -> Workspace:
    """A generated project without a websocket."""
    generated.spec["server"] = {"listen": "127.0.0.1:4222"}
    del generated.accounts["shop"]["roles"]["visitor"]
    return generated


@pytest.fixture
def three(space: Workspace, tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Three servers, to which nothing was pushed."""
    with nodes(space, tmp_path / "nodes") as running:
        yield running


def change(space: Workspace, later: int) -> str:
    """Change an account; return what every server has to store of it."""
    space.accounts["lab"]["description"] = f"changed {later}"
    space.generate(now=NOW + later)
    return space.account("lab").text


def test_a_session(space: Workspace, three: dict[str, Node]) -> None:
    first = push(space, "--yes", "--format", "json").json
    for result in first["results"]:
        assert result["stored"] == ["n1", "n2", "n3"]
        assert result["effect"] == dict.fromkeys(three, "complete")
        assert result["not_verified"] == []
    lab = space.key("accounts/lab")

    wanted = change(space, 100)
    three["n2"].down()
    ran = push(space, "--yes", code=1)
    assert f"lab: 1 of 3 expected servers did not answer (127.0.0.1:{three['n2'].port}" in ran.out.replace(
        "nats://", ""
    )
    assert {name: node.stored()[lab] == wanted for name, node in three.items()} == {
        "n1": True,
        "n2": False,
        "n3": True,
    }
    assert push(space, "--yes", "--servers", "2").out.startswith(
        "0 accounts pushed and read back, 3 unchanged"
    )

    wanted = change(space, 200)
    push(space, "--yes", "--servers", "2")
    three["n2"].up()
    # the way back: either the servers have compared what they have by then, or the push stores it
    eventually("all is well", lambda: push(space, "--yes", code=None).code == 0)
    assert {node.stored()[lab] for node in three.values()} == {wanted}


def test_what_was_revoked_at_one_server_is_kept_at_all(space: Workspace, three: dict[str, Node]) -> None:
    push(space, "--yes")
    stolen = KeyPair(KeyRole.USER, b"stolen" + bytes(26)).public
    shop = space.key("accounts/shop")
    for node in (three["n1"], three["n2"]):
        node.down()
    ByHand(space=space, port=three["n3"].port).edit(shop, revocations={stolen: NOW + 5})
    for node in (three["n1"], three["n2"]):
        node.up()
    # before or after the servers have compared: the newest of each account counts
    eventually("all three are there", lambda: push(space, "--yes", code=None).code == 0)
    assert space.account("shop").nats["revocations"] == {stolen: NOW + 5}
    assert {node.stored()[shop] for node in three.values()} == {space.account("shop").text}
