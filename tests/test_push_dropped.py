"""An import that a server does not have in effect is an error with the line of the spec (`import-dropped`)."""

from __future__ import annotations

from dataclasses import replace

from support.byhand import ByHand
from support.workspaces import NOW, Workspace
from test_push_cli import push, server, space

from natsbackend.keys import KeyPair, KeyRole
from natsbackend.live.server import NatsServer

__all__ = ["server", "space"]

BILLING = KeyPair(KeyRole.ACCOUNT, b"billing" + bytes(25))


def line_of(space: Workspace, text: str) -> int:
    lines = space.file.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_an_import_from_an_account_that_is_not_there(space: Workspace, server: NatsServer) -> None:
    space.spec["outside"] = {"billing": {"public_key": BILLING.public}}
    space.accounts["lab"]["imports"].append({"from": "billing", "stream": "bills.>"})
    space.generate(now=NOW + 10)
    refused = push(space, "--yes", code=1)
    assert "error[import-not-offered]" in refused.err
    at = line_of(space, '"from": "billing"') - 1
    assert f"natsbackend.yaml:{at}:" in refused.err
    assert refused.out == ""  # nothing was sent
    ran = push(space, "--yes", "--force", code=1)
    line = line_of(space, '"from": "billing"') - 1  # where the import begins
    where = f"natsbackend.yaml:{line}:"
    said = 'account "lab": the import of stream "bills.>" from "billing" is not in effect on '
    assert f"error[import-dropped]: {said}" in ran.err
    assert where in ran.err.partition("error[import-dropped]")[0].splitlines()[-1]
    assert "1 failed" in ran.out
    answer = push(space, "--yes", "--force", "--format", "json", code=1).json
    (finding,) = answer["findings"]
    assert finding["id"] == "import-dropped"
    assert finding["at"].startswith(where)
    # the other import of the account is in effect, and nothing is said of it
    assert "orders.>" not in finding["message"]


def test_the_live_exporter_was_changed_by_hand(space: Workspace, server: NatsServer) -> None:
    push(space, "--yes")
    hand = ByHand(space=space, port=int(space.spec["server"]["listen"].rpartition(":")[2]))
    hand.edit(space.key("accounts/shop"), exports=[])
    assert 'newer for account "shop"' in push(space, "--yes", code=1).err
    answer = push(space, "--yes", "--force", "--format", "json").json
    assert answer["findings"] == []
    assert {r["account"]: list(r["effect"].values()) for r in answer["results"]}["lab"] == ["complete"]


def test_an_exporter_of_others_that_comes_later_is_taken_up_by_the_next_push(
    space: Workspace, server: NatsServer
) -> None:
    space.spec["outside"] = {"billing": {"public_key": BILLING.public}}
    space.accounts["lab"]["imports"].append({"from": "billing", "stream": "bills.>"})
    space.generate(now=NOW + 10)
    assert "error[import-dropped]" in push(space, "--yes", "--force", code=1).err
    hand = ByHand(space=space, port=int(space.spec["server"]["listen"].rpartition(":")[2]))
    shop = hand.held(space.key("accounts/shop"))
    assert shop is not None
    exports = [{"name": "bills", "subject": "bills.>", "type": "stream"}]
    hand.store(
        BILLING.public, like=replace(shop, claims={**shop.claims, "nats": {**shop.nats, "exports": exports}})
    )
    answer = push(space, "--yes", "--format", "json").json
    assert answer["findings"] == []
    assert {r["account"]: list(r["effect"].values()) for r in answer["results"]}["lab"] == ["complete"]
