"""Which key is whose: kept through renames, and never replaced because something looks new."""

from __future__ import annotations

import copy
import shutil
from typing import Any

import pytest
from support.workspaces import NOW, Workspace

from natsbackend.errors import KeyStoreError, LockError, NatsBackendError, SpecError
from natsbackend.lock import KeyState

LATER = NOW + 100


def renamed(items: dict[str, Any], old: str, new: str, *, was: bool = True) -> dict[str, Any]:
    """Return the same map with one name changed, in its place, and `was:` under the new one."""
    return {
        new if key == old else key: {**value, "was": old} if key == old and was else value
        for key, value in items.items()
    }


def keys_of(space: Workspace) -> dict[str, str]:
    return dict(space.lock().keyring().public)


# --- renames ---


def test_a_renamed_account_keeps_every_key_at_and_below_it(generated: Workspace) -> None:
    before = keys_of(generated)
    generated.spec["accounts"] = renamed(generated.accounts, "shop", "store")
    generated.accounts["lab"]["imports"][0]["from"] = "store"
    generated.generate(now=LATER)
    assert keys_of(generated) == {
        path.replace("accounts/shop", "accounts/store"): key for path, key in before.items()
    }
    account = generated.account("store")
    assert account.claims["name"] == "store"
    assert account.subject == before["accounts/shop"]
    assert not generated.project.account_jwt("shop").exists()


def test_a_rename_of_an_account_changes_its_jwt_and_not_that_of_who_imports_from_it_or_of_its_users(
    generated: Workspace,
) -> None:
    lab, clerk = generated.account("lab"), generated.user("shop", "clerk")
    generated.spec["accounts"] = renamed(generated.accounts, "shop", "store")
    generated.accounts["lab"]["imports"][0]["from"] = "store"
    generated.generate(now=LATER)
    assert generated.account("store").issued_at == LATER
    assert generated.account("lab") == lab
    assert generated.user("store", "clerk") == clerk


@pytest.mark.parametrize("kind", ["roles", "users"])
def test_a_renamed_role_or_user_keeps_its_key(generated: Workspace, kind: str) -> None:
    old = {"roles": "visitor", "users": "clerk"}[kind]
    shop = generated.accounts["shop"]
    before = keys_of(generated)
    shop[kind] = renamed(shop[kind], old, "other")
    generated.generate(now=LATER)
    assert keys_of(generated) == {
        path.replace(f"{kind}/{old}", f"{kind}/other"): key for path, key in before.items()
    }


@pytest.mark.parametrize("where", ["operator", "account"])
def test_a_renamed_signing_key_keeps_its_key_and_nothing_is_signed_again(
    generated: Workspace, where: str
) -> None:
    before = keys_of(generated)
    holder = generated.spec["operator"] if where == "operator" else generated.accounts["shop"]
    holder["signing_keys"] = {"first": {"was": "main"}}
    done = generated.generate(now=LATER)
    assert done.signed == ()
    prefix = "operator" if where == "operator" else "accounts/shop"
    assert keys_of(generated)[f"{prefix}/signing/first"] == before[f"{prefix}/signing/main"]
    assert sorted(keys_of(generated).values()) == sorted(before.values())


def test_a_rename_within_a_renamed_account_keeps_both(generated: Workspace) -> None:
    before = keys_of(generated)
    generated.spec["accounts"] = renamed(generated.accounts, "shop", "store")
    generated.accounts["lab"]["imports"][0]["from"] = "store"
    store = generated.accounts["store"]
    store["roles"] = renamed(store["roles"], "visitor", "guest")
    store["users"] = renamed(store["users"], "clerk", "seller")
    generated.generate(now=LATER)
    after = keys_of(generated)
    assert after["accounts/store/roles/guest"] == before["accounts/shop/roles/visitor"]
    assert after["accounts/store/users/seller"] == before["accounts/shop/users/clerk"]
    assert sorted(after.values()) == sorted(before.values())


def test_a_rename_that_stays_in_the_spec_is_carried_out_once(generated: Workspace) -> None:
    generated.spec["accounts"] = renamed(generated.accounts, "lab", "lab2")
    generated.generate(now=LATER)
    before = generated.tree()
    assert not generated.generate(now=LATER + 1).changed
    assert generated.tree() == before


def test_a_rename_may_be_forgotten_once_it_is_done(generated: Workspace) -> None:
    generated.spec["accounts"] = renamed(generated.accounts, "lab", "lab2")
    generated.generate(now=LATER)
    before = generated.tree()
    del generated.accounts["lab2"]["was"]
    assert not generated.generate(now=LATER + 1).changed
    assert generated.tree() == before


def test_a_look_alike_of_the_renamed_name_keeps_its_own_keys(workspace: Workspace) -> None:
    workspace.accounts["lab2"] = {"users": {"x": {"publish": ["a"]}}}
    workspace.generate()
    before = keys_of(workspace)
    workspace.spec["accounts"] = renamed(workspace.accounts, "lab", "den")
    workspace.generate(now=LATER)
    after = keys_of(workspace)
    assert {p: k for p, k in after.items() if p.startswith("accounts/lab2")} == {
        p: k for p, k in before.items() if p.startswith("accounts/lab2")
    }


def test_a_name_that_was_freed_by_a_rename_becomes_somebody_new(generated: Workspace) -> None:
    before = keys_of(generated)
    generated.spec["accounts"] = renamed(generated.accounts, "lab", "den")
    generated.generate(now=LATER)
    del generated.accounts["den"]["was"]
    generated.accounts["lab"] = {}
    generated.generate(now=LATER + 1)
    after = keys_of(generated)
    assert after["accounts/den"] == before["accounts/lab"]
    assert after["accounts/lab"] not in before.values()


def test_a_chain_or_a_swap_of_names_is_refused_in_one_step_and_moves_nothing(generated: Workspace) -> None:
    """`lab` becomes `shop` while `shop` becomes something else: which is which depends on the order."""
    before = generated.tree()
    lab, shop = generated.accounts["lab"], generated.accounts["shop"]
    for accounts in (
        {"shop": {**lab, "was": "lab"}, "lab": {**shop, "was": "shop"}},
        {"shop": {"was": "lab"}, "store": {"was": "shop"}},
    ):
        generated.spec["accounts"] = accounts
        with pytest.raises(SpecError, match="was-still-here"):
            generated.generate(now=LATER)
    assert generated.tree() == before


def test_a_rename_onto_a_name_that_was_used_before_keeps_the_keys_of_the_renamed(
    generated: Workspace,
) -> None:
    generated.accounts["old"] = {}
    generated.generate(now=LATER)
    del generated.accounts["old"]
    generated.generate(now=LATER + 1)
    before = keys_of(generated)
    generated.spec["accounts"] = renamed(generated.accounts, "lab", "old")
    generated.generate(now=LATER + 2)
    assert generated.key("accounts/old") == before["accounts/lab"]


def test_a_rename_of_something_that_never_was_is_no_error_and_takes_no_key(workspace: Workspace) -> None:
    workspace.accounts["lab"]["was"] = "ghost"
    workspace.generate()
    assert "accounts/ghost" not in workspace.lock().keys


def test_a_renamed_operator_keeps_its_key(generated: Workspace) -> None:
    before = keys_of(generated)
    generated.spec["operator"] = {"name": "acme2", "was": "acme"}
    assert generated.generate(now=LATER).signed == ("operator",)
    assert keys_of(generated) == before


def test_a_system_account_of_another_name_keeps_its_keys_if_it_says_what_it_was(generated: Workspace) -> None:
    before = keys_of(generated)
    generated.spec["operator"]["system_account"] = "CORE"
    generated.accounts["CORE"] = {"was": "SYS"}
    generated.generate(now=LATER)
    assert generated.key("accounts/CORE") == before["accounts/SYS"]
    assert generated.key("accounts/CORE/roles/pusher") == before["accounts/SYS/roles/pusher"]


# --- gone and new at once ---

_VANISHING = [
    ("accounts", None, "lab"),
    ("roles", "shop", "visitor"),
    ("users", "shop", "clerk"),
]


@pytest.mark.parametrize(("kind", "account", "old"), _VANISHING)
def test_a_name_that_vanishes_while_another_appears_is_refused_with_the_way_out(
    generated: Workspace, kind: str, account: str | None, old: str
) -> None:
    before = generated.tree()
    holder = generated.spec if account is None else generated.accounts[account]
    holder[kind] = renamed(holder[kind], old, "brandnew", was=False)
    with pytest.raises(LockError) as caught:
        generated.generate(now=LATER)
    assert "brandnew" in caught.value.message
    assert old in caught.value.message
    assert f"was: {old}" in str(caught.value.hint)
    assert "--not-renamed" in str(caught.value.hint)
    assert generated.tree() == before


@pytest.mark.parametrize(("kind", "account", "old"), _VANISHING)
def test_with_not_renamed_it_gets_keys_of_its_own(
    generated: Workspace, kind: str, account: str | None, old: str
) -> None:
    before = keys_of(generated)
    holder = generated.spec if account is None else generated.accounts[account]
    holder[kind] = renamed(holder[kind], old, "brandnew", was=False)
    done = generated.generate(now=LATER, not_renamed=True)
    path = "accounts/brandnew" if account is None else f"accounts/{account}/{kind}/brandnew"
    assert path in done.keys_made
    assert generated.key(path) not in before.values()
    gone = path.replace("brandnew", old)
    assert gone in done.retired
    assert set(generated.lock().keys[gone].values()) == {KeyState.RETIRED}


def test_a_name_written_with_escapes_is_shown_as_the_spec_has_it(workspace: Workspace) -> None:
    workspace.accounts["été"] = {}
    workspace.generate()
    workspace.spec["accounts"] = renamed(workspace.accounts, "été", "hiver", was=False)
    with pytest.raises(LockError) as caught:
        workspace.generate(now=LATER)
    assert "was: été" in str(caught.value.hint)


def test_something_that_only_appears_or_only_vanishes_needs_no_word(generated: Workspace) -> None:
    generated.accounts["extra"] = {"users": {"u": {"publish": ["x"]}}}
    assert "accounts/extra" in generated.generate(now=LATER).keys_made
    del generated.accounts["extra"]
    done = generated.generate(now=LATER + 1)
    assert set(done.retired) == {"accounts/extra", "accounts/extra/users/u", "accounts/extra/signing/main"}
    assert not generated.project.account_jwt("extra").exists()


def test_one_vanishing_here_and_one_appearing_there_are_not_the_same(generated: Workspace) -> None:
    del generated.accounts["shop"]["users"]["clerk"]
    generated.accounts["lab"]["users"]["clerk"] = {"publish": ["x"]}
    generated.generate(now=LATER)
    assert generated.key("accounts/lab/users/clerk")


# --- gone and back ---


def test_an_account_and_its_users_that_come_back_have_their_identities(generated: Workspace) -> None:
    before, lab = keys_of(generated), copy.deepcopy(generated.accounts["lab"])
    first = generated.account("lab")
    del generated.accounts["lab"]
    generated.generate(now=LATER)
    assert not generated.project.account_jwt("lab").exists()
    generated.accounts["lab"] = lab
    generated.generate(now=LATER + 1)
    assert generated.key("accounts/lab") == before["accounts/lab"]
    assert generated.key("accounts/lab/users/robot") == before["accounts/lab/users/robot"]
    assert generated.account("lab").issued_at > first.issued_at


def test_a_role_that_comes_back_has_a_new_key_and_the_old_one_stays_retired(generated: Workspace) -> None:
    path = "accounts/shop/roles/visitor"
    before = generated.key(path)
    visitor = generated.accounts["shop"]["roles"].pop("visitor")
    generated.generate(now=LATER)
    generated.accounts["shop"]["roles"]["visitor"] = visitor
    generated.generate(now=LATER + 1)
    assert generated.key(path) != before
    assert generated.lock().keys[path][before] is KeyState.RETIRED
    assert before not in str(generated.account("shop").claims["nats"])


# --- seeds that are not here ---


def test_nothing_needs_a_seed_while_nothing_changes_but_creds_need_their_own(generated: Workspace) -> None:
    before = generated.build()
    for file in list(generated.project.keys.rglob("*.nk")):
        file.unlink()
    generated.project.stamp.unlink()
    done = generated.generate(now=LATER, frozen=True)
    assert done.signed == ()
    assert set(done.without_creds) == {
        "accounts/shop/users/clerk",
        "accounts/shop/users/temp",
        "accounts/lab/users/robot",
    }
    assert generated.build() == before


_SIGNING = [
    "operator",
    "operator/signing/main",
    "accounts/shop/signing/main",
    "accounts/shop/roles/worker",
    "accounts/lab/signing/main",
]
_NOT_SIGNING = [
    "accounts/shop",
    "accounts/shop/roles/visitor",
    "accounts/shop/users/clerk",
    "accounts/lab",
    "accounts/SYS",
    "accounts/SYS/roles/pusher",
]


def without_results(space: Workspace) -> Workspace:
    """Remove build and creds: everything is to be signed again."""
    shutil.rmtree(space.project.build)
    shutil.rmtree(space.project.creds_dir)
    return space


@pytest.mark.parametrize("path", _SIGNING)
def test_a_missing_seed_that_must_sign_is_named_and_never_becomes_a_new_identity(
    generated: Workspace, path: str
) -> None:
    generated.seed_file(path).unlink()
    before = without_results(generated).tree()
    with pytest.raises(KeyStoreError, match=rf"not here: {path} \(to sign ") as caught:
        generated.generate(now=LATER)
    assert caught.value.hint
    assert generated.tree() == before


@pytest.mark.parametrize("path", _NOT_SIGNING)
def test_a_missing_seed_that_signs_nothing_is_not_missed(generated: Workspace, path: str) -> None:
    before = generated.lock()
    generated.seed_file(path).unlink()
    done = without_results(generated).generate(now=LATER)
    assert done.keys_made == ()
    assert done.without_creds == ((path,) if "/users/" in path else ())
    assert generated.lock() == before


def _changed_and_with_one_seed(space: Workspace, path: str) -> None:
    for file in list(space.project.keys.rglob("*.nk")):
        if file != space.seed_file(path):
            file.unlink()
    space.accounts["shop"]["roles"]["visitor"]["subscribe"].append("more.>")


def test_the_operators_signing_seed_alone_is_enough_to_change_an_account(generated: Workspace) -> None:
    _changed_and_with_one_seed(generated, "operator/signing/main")
    assert generated.generate(now=LATER).signed == ("accounts/shop",)


@pytest.mark.parametrize("path", ["operator", "accounts/shop", "accounts/shop/signing/main"])
def test_no_other_seed_is_enough_to_change_an_account(generated: Workspace, path: str) -> None:
    before = generated.lock()
    _changed_and_with_one_seed(generated, path)
    with pytest.raises(KeyStoreError, match=r"operator/signing/main \(to sign accounts/shop"):
        generated.generate(now=LATER)
    assert generated.lock() == before


def test_every_seed_that_is_missed_is_named_at_once(generated: Workspace) -> None:
    shutil.rmtree(generated.project.build)
    shutil.rmtree(generated.project.keys)
    with pytest.raises(KeyStoreError) as caught:
        generated.generate(now=LATER)
    assert "operator (to sign operator)" in caught.value.message
    assert "operator/signing/main (to sign accounts/" in caught.value.message


def test_with_frozen_a_missing_key_is_an_error_that_names_it_and_nothing_is_made(
    workspace: Workspace,
) -> None:
    with pytest.raises(KeyStoreError) as caught:
        workspace.generate(frozen=True)
    for path in ("operator", "accounts/shop", "accounts/shop/roles/visitor"):
        assert path in caught.value.message
    assert not workspace.project.keys.exists()
    assert not workspace.project.lock.exists()


def test_with_frozen_what_needs_no_new_key_is_done(generated: Workspace) -> None:
    generated.accounts["lab"]["users"]["robot"]["publish"] = ["x"]
    assert generated.generate(now=LATER, frozen=True).signed == ("accounts/lab/users/robot",)


def test_with_frozen_a_key_for_something_new_is_an_error_and_nothing_is_written(generated: Workspace) -> None:
    before = generated.tree()
    generated.accounts["extra"] = {}
    with pytest.raises(KeyStoreError, match="accounts/extra"):
        generated.generate(now=LATER, frozen=True)
    assert generated.tree() == before


def test_a_lost_lock_beside_a_build_is_refused_and_no_new_identity_is_made(generated: Workspace) -> None:
    generated.project.lock.unlink()
    before = generated.tree()
    with pytest.raises(LockError) as caught:
        generated.generate(now=LATER)
    assert "would replace its identity" in caught.value.message
    assert caught.value.hint
    assert generated.tree() == before


@pytest.mark.parametrize("content", ["", "{}", "format 1\n<<<<<<< HEAD\n", "\xff"])
def test_a_lock_that_cannot_be_read_stops_everything(generated: Workspace, content: str) -> None:
    generated.project.lock.write_bytes(content.encode("latin-1"))
    before = generated.tree()
    with pytest.raises(LockError, match=r"natsbackend\.lock"):
        generated.generate(now=LATER)
    assert generated.tree() == before


@pytest.mark.parametrize("lost", ["", "operator", "operator ", "accounts/lab ", "accounts/shop"])
def test_lines_lost_from_the_lock_are_refused_where_the_build_still_knows_the_identity(
    generated: Workspace, lost: str
) -> None:
    """What a merge that went wrong leaves; an empty lock is the worst of them."""
    lines = generated.project.lock.read_text().splitlines()
    kept = [line for line in lines if line.startswith(("#", "format")) or not line.startswith(lost)]
    generated.project.lock.write_text("\n".join(kept) + "\n")
    before = generated.tree()
    with pytest.raises(LockError) as caught:
        generated.generate(now=LATER)
    assert caught.value.hint
    assert generated.tree() == before


def test_the_key_of_another_role_in_the_lock_is_refused(generated: Workspace) -> None:
    """An account's public key where the operator's belongs: whoever edits the lock gains nothing."""
    lines = generated.project.lock.read_text().splitlines()
    account = generated.key("accounts/lab")
    operator = generated.key("operator")
    generated.project.lock.write_text("\n".join(line.replace(operator, account) for line in lines) + "\n")
    with pytest.raises(NatsBackendError):
        generated.generate(now=LATER)


def test_a_damaged_seed_is_an_error_and_not_a_missing_one(generated: Workspace) -> None:
    file = generated.seed_file("operator/signing/main")
    seed = file.read_text()
    file.write_text(seed[:40])
    generated.accounts["shop"]["roles"]["visitor"]["subscribe"].append("more.>")
    with pytest.raises(KeyStoreError, match="damaged") as caught:
        generated.generate(now=LATER)
    assert seed[:30] not in str(caught.value)


def test_every_name_gets_a_key_of_its_own(generated: Workspace) -> None:
    public = list(keys_of(generated).values())
    assert len(public) == len(set(public))
    for path, key in keys_of(generated).items():
        letter = "O" if path.startswith("operator") else "U" if "/users/" in path else "A"
        assert key.startswith(letter), path


def test_the_same_names_in_two_accounts_are_not_the_same(workspace: Workspace) -> None:
    workspace.accounts["lab"]["users"]["clerk"] = {"publish": ["x"]}
    workspace.generate()
    assert workspace.key("accounts/lab/users/clerk") != workspace.key("accounts/shop/users/clerk")


def test_a_spec_with_errors_changes_nothing(generated: Workspace) -> None:
    before = generated.tree()
    generated.accounts["lab"]["imports"][0]["from"] = "nobody"
    with pytest.raises(SpecError):
        generated.generate(now=LATER)
    assert generated.tree() == before
