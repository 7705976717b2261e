"""What a push finds on a real server that neither spec nor lock knows: kept, replaced or refused, and always said."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest
from support.byhand import ByHand
from support.cli import natsbackend_here
from support.workspaces import NOW, Workspace
from test_push_cli import push, server, space, stored

from natsbackend.keys import KeyPair, KeyRole
from natsbackend.live.server import NatsServer

__all__ = ["server", "space"]

STOLEN = KeyPair(KeyRole.USER, b"stolen" + bytes(26)).public
STRANGER = KeyPair(KeyRole.OPERATOR, b"stranger" + bytes(24))
SHOP = "accounts/shop"


@pytest.fixture
def hand(space: Workspace, server: NatsServer) -> ByHand:
    """Somebody at the server, to which everything was pushed."""
    push(space, "--yes")
    return ByHand(space=space, port=int(space.spec["server"]["listen"].rpartition(":")[2]))


def answer(space: Workspace, *arguments: str, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = push(space, "--yes", "--format", "json", *arguments, code=code).json
    return found


def live(space: Workspace, hand: ByHand, path: str = SHOP) -> Any:
    token = hand.held(space.key(path))
    assert token is not None
    return token


def test_a_revocation_found_there_is_kept_recorded_and_said(space: Workspace, hand: ByHand) -> None:
    revoked = {STOLEN: NOW + 50, "*": NOW - 50, "not a key": 7}
    edited = hand.edit(space.key(SHOP), revocations=revoked)
    found = push(space, "--yes")
    assert f'! account "shop" has {STOLEN} revoked there; that is kept, and recorded in the lock' in found.err
    assert "has everybody revoked there" in found.err
    assert live(space, hand).nats["revocations"] == {STOLEN: NOW + 50, "*": NOW - 50}
    assert live(space, hand).issued_at > edited.issued_at
    assert space.lock().revoked == {SHOP: {STOLEN: NOW + 50, "*": NOW - 50}}
    assert space.account("shop").text == live(space, hand).text
    assert not space.generate(now=NOW + 100).changed
    again = answer(space)
    assert again["kept_revocations"] == again["changes"] == []
    assert all(result["unchanged"] for result in again["results"])


def test_it_is_kept_over_a_change_of_the_spec(space: Workspace, hand: ByHand) -> None:
    hand.edit(space.key(SHOP), revocations={STOLEN: NOW + 50})
    space.accounts["shop"]["description"] = "changed"
    space.generate(now=NOW + 1000)
    found = answer(space)
    assert found["kept_revocations"] == [{"account": "shop", "key": STOLEN, "until": NOW + 50}]
    assert live(space, hand).nats["description"] == "changed"
    assert live(space, hand).nats["revocations"] == {STOLEN: NOW + 50}


def test_a_checkout_that_never_got_the_recorded_lock_takes_over_what_is_there(
    space: Workspace, hand: ByHand, clone: Callable[[Workspace], Workspace]
) -> None:
    other = clone(space)
    hand.edit(space.key(SHOP), revocations={STOLEN: NOW + 50})
    push(space, "--yes")
    before = stored(space)
    found = natsbackend_here("push", "--yes", "--format", "json", cwd=other.root).json
    assert found["kept_revocations"] == [{"account": "shop", "key": STOLEN, "until": NOW + 50}]
    assert all(result["unchanged"] for result in found["results"])
    assert stored(space) == before
    assert other.lock() == space.lock()


def test_what_the_spec_revoked_and_takes_back_is_taken_back(space: Workspace, hand: ByHand) -> None:
    space.accounts["shop"]["revocations"] = {"users": {STOLEN: "2025-06-20"}}
    space.generate(now=NOW + 1000)
    push(space, "--yes")
    assert STOLEN in live(space, hand).nats["revocations"]
    del space.accounts["shop"]["revocations"]
    space.generate(now=NOW + 2000)
    assert answer(space)["kept_revocations"] == []
    assert "revocations" not in live(space, hand).nats


def test_one_that_was_found_is_taken_back_by_its_line_in_the_lock(space: Workspace, hand: ByHand) -> None:
    hand.edit(space.key(SHOP), revocations={STOLEN: NOW + 50})
    push(space, "--yes")
    lock = space.project.lock
    lock.write_text(lock.read_text().replace(f"revoked {STOLEN}", f"known {STOLEN}"))
    space.generate(now=NOW + 1000)
    assert answer(space)["kept_revocations"] == []
    assert "revocations" not in live(space, hand).nats


def test_without_the_seed_it_is_refused_with_the_list_and_never_dropped(
    space: Workspace, hand: ByHand
) -> None:
    hand.edit(space.key(SHOP), revocations={STOLEN: NOW + 50})
    before, lock = stored(space), space.project.lock.read_text()
    space.accounts["shop"]["description"] = "changed"
    space.generate(now=NOW + 1000)
    lock = space.project.lock.read_text()
    space.seed_file("operator/signing/main").unlink()
    ran = push(space, "--yes", code=1)
    assert f'"shop" revokes {STOLEN} until {NOW + 50}' in ran.err
    assert "operator/signing/main" in ran.err
    assert stored(space) == before
    assert space.project.lock.read_text() == lock


def test_the_push_of_a_stale_checkout_is_refused(
    space: Workspace, hand: ByHand, clone: Callable[[Workspace], Workspace]
) -> None:
    stale = clone(space)
    space.accounts["lab"]["limits"] = {"connections": 7}
    space.generate(now=NOW + 1000)
    push(space, "--yes")
    before = stored(space)
    ran = natsbackend_here("push", "--yes", cwd=stale.root, code=1)
    assert 'as new or newer for account "lab"; nothing was sent' in ran.err
    assert stored(space) == before
    natsbackend_here("push", "--yes", "--force", cwd=stale.root)
    assert live(space, hand, "accounts/lab").nats["limits"]["conn"] == -1


def test_a_checkout_that_only_issued_later_takes_over_what_is_there(
    space: Workspace, hand: ByHand, clone: Callable[[Workspace], Workspace]
) -> None:
    other = clone(space)
    lock = other.project.lock.read_text()
    other.project.lock.write_text(lock.replace(f" jwt {NOW} ", f" jwt {NOW - 9} "))
    other.generate(now=NOW)
    before = stored(space)
    for file in other.project.keys.rglob("*.nk"):
        if file.stem != space.key("accounts/SYS/roles/pusher"):
            file.unlink()
    natsbackend_here("push", "--yes", cwd=other.root)
    assert stored(space) == before
    assert other.lock().issued["accounts/lab"] == space.lock().issued["accounts/lab"]


def test_a_change_by_hand_is_refused_and_replaced_with_force(space: Workspace, hand: ByHand) -> None:
    edited = hand.edit(space.key(SHOP), description="by hand", revocations={STOLEN: 5})
    assert 'as new or newer for account "shop"' in push(space, "--yes", code=1).err
    assert live(space, hand).text == edited.text
    push(space, "--yes", "--force")
    assert "description" not in live(space, hand).nats
    assert live(space, hand).nats["revocations"] == {STOLEN: 5}


def test_an_account_that_a_stranger_signed_is_replaced_whatever_it_says(
    space: Workspace, hand: ByHand
) -> None:
    good = live(space, hand)
    hand.edit(space.key(SHOP), signer=STRANGER, later=100, revocations={"*": NOW + 9999})
    found = answer(space)
    assert found["foreign"] == ["shop"]
    assert found["kept_revocations"] == []
    assert live(space, hand).issuer == good.issuer
    assert live(space, hand).nats == good.nats
    assert live(space, hand).issued_at > NOW + 100
    assert space.lock().revoked == {}


def test_nothing_is_sent_if_the_target_changes_while_somebody_thinks(space: Workspace, hand: ByHand) -> None:
    import time

    from natsbackend.errors import ProjectError, ResolverRejected
    from natsbackend.workflow.opening import open_spec
    from natsbackend.workflow.push import choose_target
    from natsbackend.workflow.push_run import Request, apply, prepare

    space.accounts["lab"]["description"] = "new"
    space.generate(now=NOW + 1000)
    opened = open_spec(str(space.file))
    request = Request(
        spec=space.file,
        opened=opened,
        project=space.project,
        target=choose_target(opened.backend, None, ()),
        now=int(time.time()),
    )
    prepared = prepare(request)
    hand.edit(space.key(SHOP), revocations={STOLEN: 5})
    before = stored(space)
    with pytest.raises(ResolverRejected, match="the target has changed"):
        apply(prepared)
    assert stored(space) == before
    prepared = prepare(request)
    shutil.copy(space.project.lock, space.root / "aside")
    space.project.lock.write_text(space.project.lock.read_text() + f"{SHOP} revoked {STOLEN} 3\n")
    with pytest.raises(ProjectError, match="the lock has changed"):
        apply(prepared)
    assert stored(space) == before
