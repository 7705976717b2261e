"""Accounts that are pushed again though none of their words changed, for what changed in another."""

from __future__ import annotations

from typing import Any

from support.workspaces import NOW, Workspace
from test_push_cli import push, server, space

from natsbackend.keys import KeyPair
from natsbackend.live.server import NatsServer
from natsbackend.live.wire import Connection, Deadline, connect_tcp

__all__ = ["server", "space"]


def connect(space: Workspace, account: str, user: str) -> Connection:
    port = int(space.spec["server"]["listen"].rpartition(":")[2])
    key = KeyPair.from_seed(space.seed_file(f"accounts/{account}/users/{user}").read_text())
    return connect_tcp("127.0.0.1", port, jwt=space.user(account, user).text, key=key, timeout=5)


def answers(space: Workspace) -> list[bytes]:
    """Ask the service once, let it answer twice, and return what comes in."""
    with connect(space, "shop", "teller") as teller, connect(space, "lab", "asker") as asker:
        teller.subscribe("ask")
        assert teller.flush() == []
        asker.subscribe("_INBOX.@asker.>")
        asker.publish("ask", b"?", reply="_INBOX.@asker.1")
        assert asker.flush() == []
        request = teller.wait_for(lambda _: True, Deadline(5))
        assert request is not None
        assert request.reply is not None
        for number in (b"1", b"2"):
            teller.publish(request.reply, number)
        teller.flush()
        found = [asker.wait_for(lambda _: True, Deadline(wait)) for wait in (5, 0.5)]
    return [message.payload for message in found if message is not None]


def test_who_imports_a_service_whose_answers_change_is_pushed_again(
    space: Workspace, server: NatsServer
) -> None:
    shop, lab = space.accounts["shop"], space.accounts["lab"]
    shop["exports"].append({"service": "ask"})
    shop["users"]["teller"] = {"respond": ["ask"], "allow_responses": {"max": 10}}
    lab["imports"].append({"from": "shop", "service": "ask"})
    lab["users"]["asker"] = {"request": ["ask"]}
    space.generate(now=NOW + 10)
    push(space, "--yes")
    assert answers(space) == [b"1"]
    before = space.account("lab")
    shop["exports"][-1]["response"] = "stream"
    space.generate(now=NOW + 20)
    assert space.account("lab").text == before.text
    answer: dict[str, Any] = push(space, "--yes", "--format", "json").json
    assert answer["changes"] == [
        {"account": "shop", "action": "changed"},
        {"account": "lab", "action": "renewed"},
    ]
    assert {r["account"] for r in answer["results"] if not r["unchanged"]} == {"shop", "lab"}
    assert answers(space) == [b"1", b"2"]
    assert space.account("lab").issued_at > before.issued_at
    assert space.account("lab").nats == before.nats
    assert not space.generate(now=NOW + 30).changed
    assert all(r["unchanged"] for r in push(space, "--yes", "--format", "json").json["results"])
