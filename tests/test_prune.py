"""Accounts that the spec dropped, on real servers: ended by a tombstone, deleted where every server is there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.byhand import ByHand
from support.nodes import Node, eventually, nodes
from support.workspaces import NOW, Workspace
from test_push_cli import push

from natsbackend.claims.codec import Claims, Token, TokenKind, decode, sign
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.live.wire import Connection, Disconnected, Refused, connect_tcp
from natsbackend.lock import Lock

ROBOT = "accounts/lab/users/robot"
STOLEN = KeyPair(KeyRole.USER, b"stolen" + bytes(26)).public


@pytest.fixture
def space(generated: Workspace) -> Workspace:
    """A generated project without a websocket."""
    generated.spec["server"] = {"listen": "127.0.0.1:4222"}
    del generated.accounts["shop"]["roles"]["visitor"]
    return generated


@pytest.fixture
def one(space: Workspace, tmp_path: Path) -> Iterator[Node]:
    """One server, to which everything was pushed."""
    with nodes(space, tmp_path / "nodes", names=("n1",)) as running:
        push(space, "--yes")
        yield running["n1"]


@pytest.fixture
def three(space: Workspace, tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Three servers, to which everything was pushed."""
    with nodes(space, tmp_path / "nodes") as running:
        push(space, "--yes")
        yield running


def drop(space: Workspace, later: int = 100) -> tuple[dict[str, Any], str]:
    """Take the account out of the spec; return its words and its key."""
    key = space.key("accounts/lab")
    words: dict[str, Any] = space.accounts.pop("lab")
    space.generate(now=NOW + later)
    return words, key


def prune(space: Workspace, *arguments: str, code: int = 0) -> dict[str, Any]:
    answer: dict[str, Any] = push(space, "--yes", "--prune", "--format", "json", *arguments, code=code).json
    return answer


def login(space: Workspace, node: Node, jwt: str, seed: str) -> Connection:
    return connect_tcp("127.0.0.1", node.port, jwt=jwt, key=KeyPair.from_seed(seed), timeout=5)


def robot(space: Workspace) -> tuple[str, str]:
    """Return the JWT and seed of the user of the account that goes."""
    return space.user("lab", "robot").text, space.seed_file(ROBOT).read_text()


def grave(space: Workspace) -> tuple[Lock, list[str]]:
    """Return the lock, and its words about the account that went."""
    text = space.project.lock.read_text()
    words = [line.split(" ")[1] for line in text.splitlines() if line.startswith("accounts/lab ")]
    return space.lock(), [word for word in words if word in ("tombstone", "pruned")]


def held(node: Node, key: str) -> Token | None:
    text = node.stored().get(key)
    return decode(text) if text else None


def test_without_prune_it_stays_and_is_named(space: Workspace, one: Node) -> None:
    creds = robot(space)
    _, key = drop(space)
    ran = push(space, "--yes")
    assert 'dropped by the spec and still live: "lab"; --prune ends them' in ran.err
    assert key in one.stored()
    login(space, one, *creds).close()
    assert push(space, "--yes", "--format", "json").json["dropped_accounts"] == ["lab"]


def test_with_prune_its_clients_are_cut_off_and_it_is_deleted(space: Workspace, one: Node) -> None:
    creds = robot(space)
    connected = login(space, one, *creds)
    _, key = drop(space)
    ran = push(space, "--yes", "--prune")
    assert '- account "lab" ends; cut off: users/robot' in ran.err
    assert '✓ deleted on every server: "lab"' in ran.out
    eventually("the client is cut off", lambda: _is_closed(connected))
    assert key not in one.stored()
    with pytest.raises(Refused):
        login(space, one, *creds)
    assert grave(space)[1] == ["pruned"]
    assert not space.generate(now=NOW + 200).changed
    again = prune(space)
    assert again["pruned"]["accounts"] == []
    assert again["changes"] == []


def _is_closed(connection: Connection) -> bool:
    try:
        connection.publish("x")
        connection.flush()
    except Disconnected:
        return True
    return False


def test_an_account_that_comes_back_works_again(space: Workspace, one: Node) -> None:
    words, key = drop(space)
    prune(space)
    space.accounts["lab"] = words
    space.generate(now=NOW + 200)
    assert space.key("accounts/lab") == key
    assert push(space, "--yes", "--format", "json").json["ok"]
    login(space, one, *robot(space)).close()
    # and it goes and comes a second time
    drop(space, 300)
    assert push(space, "--yes", "--format", "json").json["dropped_accounts"] == ["lab"]
    assert prune(space)["pruned"]["deleted"]
    space.accounts["lab"] = words
    space.generate(now=NOW + 400)
    push(space, "--yes")
    login(space, one, *robot(space)).close()


def test_what_was_revoked_by_hand_is_revoked_when_it_comes_back(space: Workspace, one: Node) -> None:
    hand = ByHand(space=space, port=one.port)
    hand.edit(space.key("accounts/lab"), revocations={STOLEN: NOW + 5})
    words, _ = drop(space)
    prune(space)
    space.accounts["lab"] = words
    space.generate(now=NOW + 200)
    push(space, "--yes")
    assert space.account("lab").nats["revocations"] == {STOLEN: NOW + 5}


def test_the_system_account_is_never_pruned(space: Workspace, one: Node) -> None:
    lock = space.project.lock.read_text()
    system = space.key("accounts/SYS")
    # an older name of it: the lock has its key as one that was dropped
    space.project.lock.write_text(lock + f"accounts/OLD key retired {system}\n")
    space.generate(now=NOW + 50)
    answer = prune(space)
    assert answer["pruned"]["accounts"] == []
    assert answer["dropped_accounts"] == []
    assert system in one.stored()


def test_an_account_of_strangers_is_never_pruned(space: Workspace, one: Node) -> None:
    other = KeyPair(KeyRole.ACCOUNT, b"other" + bytes(27))
    token = space.account("lab")
    hand = ByHand(space=space, port=one.port)
    hand.store(other.public, token)
    drop(space)
    prune(space)
    assert set(one.stored()) == {other.public, space.key("accounts/shop"), space.key("accounts/SYS")}


def test_an_account_that_others_have_taken_over_is_never_pruned(space: Workspace, one: Node) -> None:
    key = space.key("accounts/lab")
    space.accounts["shop"]["imports"] = [{"from": "theirs", "stream": "theirs.>"}]
    space.spec["outside"] = {"theirs": {"public_key": key}}
    drop(space)
    answer = prune(space, "--force", code=1)  # what is imported is not offered there
    assert answer["pruned"]["accounts"] == answer["dropped_accounts"] == []
    assert key in one.stored()


def test_where_servers_do_not_delete_the_tombstone_stays(space: Workspace, tmp_path: Path) -> None:
    with nodes(space, tmp_path / "nodes", names=("n1",), deletes=False) as running:
        push(space, "--yes")
        creds = robot(space)
        _, key = drop(space)
        answer = prune(space, code=1)
        assert not answer["pruned"]["deleted"]
        assert "delete must be enabled" in answer["pruned"]["deletion"]["refused"]["n1"]
        assert key in running["n1"].stored()
        with pytest.raises(Refused):
            login(space, running["n1"], *creds)
        assert grave(space)[1] == ["tombstone"]
        later = push(space, "--yes")  # it was not asked to delete, and what it pushes is in effect
        assert '· nobody gets into "lab" any more, and it is not deleted yet' in later.out


def test_without_a_number_of_servers_nothing_is_deleted(space: Workspace, one: Node) -> None:
    del space.spec["targets"]["main"]["servers"]
    _, key = drop(space)
    answer = prune(space)
    assert "give --servers" in answer["pruned"]["waits_for"]
    assert key in one.stored()
    assert push(space, "--yes", "--servers", "1", "--format", "json").json["pruned"]["deleted"]
    assert key not in one.stored()


def test_without_the_seed_nothing_is_begun(space: Workspace, one: Node) -> None:
    drop(space)
    before, lock = one.stored(), space.project.lock.read_text()
    space.seed_file("operator/signing/main").unlink()
    ran = push(space, "--yes", "--prune", code=1)
    assert "the seed of operator/signing/main must sign the end of accounts" in ran.err
    assert (one.stored(), space.project.lock.read_text()) == (before, lock)


def test_a_server_that_was_down_does_not_bring_it_back(space: Workspace, three: dict[str, Node]) -> None:
    creds = robot(space)
    three["n3"].down()
    _, key = drop(space)
    answer = prune(space, code=1)
    assert answer["pruned"]["waits_for"] == "not every server has their tombstones"
    assert grave(space)[1] == ["tombstone"]
    for name in ("n1", "n2"):
        with pytest.raises(Refused):
            login(space, three[name], *creds)
    three["n3"].up()
    eventually("n3 has the tombstone", lambda: _has_tombstone(three["n3"], key))
    assert all(_has_tombstone(node, key) for node in three.values())
    finished = push(space, "--yes", "--format", "json").json  # any later push finishes it
    assert finished["pruned"]["deleted"], finished
    assert grave(space)[1] == ["pruned"]
    time.sleep(2)  # several rounds of comparing
    for node in three.values():
        assert key not in node.stored()
        with pytest.raises(Refused):
            login(space, node, *creds)


def _has_tombstone(node: Node, key: str) -> bool:
    token = held(node, key)
    return token is not None and set(token.nats.get("revocations", {})) == {"*"}  # type: ignore[call-overload]


def test_a_permit_to_delete_is_nowhere_to_be_found(space: Workspace, one: Node) -> None:
    drop(space)
    ran = push(space, "--yes", "--prune", "--verbose")
    generic = [
        part for part in (ran.out + ran.err).split() if part.count(".") == 2 and part.startswith("eyJ")
    ]
    assert generic == []
    for file in space.root.rglob("*"):
        if file.is_file():
            assert b"ImFjY291bnRzIj" not in file.read_bytes(), file


def delete_by_hand(space: Workspace, node: Node, key: str) -> None:
    pair = KeyPair.from_seed(space.seed_file("operator/signing/main").read_text())
    claims = Claims(kind=TokenKind.GENERIC, subject=pair.public, name="", nats={"accounts": [key]})
    hand = ByHand(space=space, port=node.port)
    assert "deleted 1 accounts" in hand.request("$SYS.REQ.CLAIMS.DELETE", sign(claims, pair, NOW))
    assert key not in node.stored()


def test_what_somebody_deleted_by_hand_works_again(space: Workspace, one: Node) -> None:
    creds, before = robot(space), space.account("lab")
    login(space, one, *creds).close()
    delete_by_hand(space, one, before.subject)
    answer = push(space, "--yes", "--format", "json").json
    assert answer["ok"], answer
    login(space, one, *creds).close()
    assert space.account("lab").issued_at > before.issued_at
    assert one.stored()[before.subject] == space.account("lab").text
    assert not space.generate(now=NOW + 100).changed


def test_a_run_that_ended_between_deleting_and_recording_it_is_finished(space: Workspace, one: Node) -> None:
    del space.spec["targets"]["main"]["servers"]
    drop(space)
    key = prune(space)["pruned"]["accounts"][0]["public_key"]
    assert grave(space)[1] == ["tombstone"]
    delete_by_hand(space, one, key)
    answer = push(space, "--yes", "--servers", "1", "--format", "json").json
    assert answer["pruned"]["deleted"], answer
    assert grave(space)[1] == ["pruned"]
    assert key not in one.stored()
