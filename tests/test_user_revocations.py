"""A user that the spec no longer has, or whose key is another, is revoked by its account's next JWT."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from support.running import HOST, TIMEOUT
from support.workspaces import NOW, Workspace
from test_push_cli import push, server, space

from natsbackend.keys import KeyPair
from natsbackend.live.wire import Refused, connect_tcp
from natsbackend.lock import KeyState, render_lock

__all__ = ["server", "space"]

LATER = NOW + 100
CLERK = "accounts/shop/users/clerk"


def revocations(space: Workspace, account: str = "shop") -> object:
    return space.account(account).nats.get("revocations")


def without_clerk(space: Workspace) -> str:
    """Take the user out of the spec; return its key."""
    key = space.key(CLERK)
    del space.accounts["shop"]["users"]["clerk"]
    return key


def test_a_user_that_is_taken_out_is_revoked(generated: Workspace) -> None:
    assert revocations(generated) is None
    key = without_clerk(generated)
    assert CLERK in generated.generate(now=LATER).retired
    assert revocations(generated) == {key: LATER}
    assert generated.account("shop").issued_at == LATER
    assert f"accounts/shop revoked {key} {LATER}" in generated.project.lock.read_text()
    assert revocations(generated, "lab") is None


def test_it_is_revoked_up_to_what_it_was_issued_even_by_a_clock_that_is_behind(generated: Workspace) -> None:
    key = without_clerk(generated)
    generated.generate(now=NOW - 1000)
    assert revocations(generated) == {key: NOW}


def test_nothing_changes_after_that(generated: Workspace) -> None:
    without_clerk(generated)
    generated.generate(now=LATER)
    before = generated.tree()
    assert not generated.generate(now=LATER + 5).changed
    generated.accounts["lab"]["description"] = "else"
    assert generated.generate(now=LATER + 6).signed == ("accounts/lab",)
    assert {n: c for n, c in generated.tree().items() if "shop" in n} == {
        n: c for n, c in before.items() if "shop" in n
    }


def test_one_that_comes_back_gets_newer_creds_and_what_was_taken_stays_revoked(generated: Workspace) -> None:
    words = generated.accounts["shop"]["users"]["clerk"]
    key = without_clerk(generated)
    generated.generate(now=LATER)
    generated.accounts["shop"]["users"]["clerk"] = words
    generated.generate(now=LATER)  # within the same second
    assert generated.user("shop", "clerk").subject == key
    assert generated.user("shop", "clerk").issued_at == LATER + 1
    assert revocations(generated) == {key: LATER}
    assert not generated.generate(now=LATER + 50).changed
    del generated.accounts["shop"]["users"]["clerk"]
    generated.generate(now=LATER)
    assert revocations(generated) == {key: LATER + 1}


def test_a_user_that_gets_another_key_is_revoked_by_the_old_one(generated: Workspace) -> None:
    old, new = generated.key(CLERK), KeyPair.from_seed(generated.seed_file(CLERK).read_text())
    other = KeyPair(new.role, b"other" + bytes(27))
    lock = generated.lock().with_keys({CLERK: other.public})
    generated.project.lock.write_text(render_lock(lock))
    generated.generate(now=LATER)
    assert revocations(generated) == {old: LATER}
    assert not generated.generate(now=LATER + 50).changed


def test_nobody_is_revoked_in_an_account_that_goes_whole(generated: Workspace) -> None:
    lab = generated.accounts.pop("lab")
    generated.generate(now=LATER)
    assert generated.lock().revoked == {}
    del lab["users"]["robot"]
    generated.accounts["lab"] = lab
    robot = next(iter(generated.lock().keys["accounts/lab/users/robot"]))
    generated.generate(now=LATER + 1)
    assert revocations(generated, "lab") == {robot: LATER + 1}


def test_a_user_that_moves_with_its_key_is_not_revoked(generated: Workspace) -> None:
    generated.accounts["shop"]["users"]["seller"] = {
        "was": "clerk",
        **generated.accounts["shop"]["users"].pop("clerk"),
    }
    generated.generate(now=LATER)
    assert revocations(generated) is None
    assert list(generated.lock().keys["accounts/shop/users/seller"].values()) == [KeyState.ACTIVE]


def test_a_revocation_of_everybody_in_the_spec_stands_for_older_ones(generated: Workspace) -> None:
    key = without_clerk(generated)
    generated.generate(now=LATER)
    shop = generated.accounts["shop"]
    for everybody, holds in ((LATER, {}), (LATER - 1, {key: LATER})):
        shop["revocations"] = {"all_before": _at(everybody)}
        generated.generate(now=LATER + 10)
        assert revocations(generated) == {"*": everybody, **holds}
    del shop["revocations"]
    generated.generate(now=LATER + 20)
    assert revocations(generated) == {key: LATER}


def test_the_lock_knows_what_the_spec_revoked(generated: Workspace) -> None:
    generated.accounts["shop"]["revocations"] = {"all_before": _at(NOW), "users": {"clerk": _at(LATER)}}
    generated.generate(now=LATER)
    known = {"accounts/shop": {"*": NOW, generated.key(CLERK): LATER}}
    assert generated.lock().known == known
    del generated.accounts["shop"]["revocations"]
    generated.generate(now=LATER)
    assert generated.lock().known == known
    assert revocations(generated) is None


def _at(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"


# --- on a server ---


@pytest.fixture
def login(space: Workspace, server: Any) -> Any:
    """A function that logs in with creds as they are now."""
    host, _, port = space.spec["server"]["listen"].partition(":")
    key = KeyPair.from_seed(space.seed_file(CLERK).read_text())

    def connect(jwt: str) -> Any:
        return connect_tcp(host, int(port), jwt=jwt, key=key, timeout=TIMEOUT)

    assert host == HOST
    return connect


def test_on_a_server_old_creds_end_and_new_ones_work(space: Workspace, login: Any) -> None:
    push(space, "--yes")
    old = space.user("shop", "clerk").text
    login(old).close()
    words = space.accounts["shop"]["users"].pop("clerk")
    space.generate(now=LATER)
    push(space, "--yes")
    with pytest.raises(Refused):
        login(old)
    space.accounts["shop"]["users"]["clerk"] = words
    space.generate(now=LATER + 1)
    push(space, "--yes")
    with pytest.raises(Refused):
        login(old)
    login(space.user("shop", "clerk").text).close()
