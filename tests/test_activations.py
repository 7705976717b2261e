"""Activations of private exports: made for who is named, carried, kept, and never made anew without need."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from support.workspaces import NOW, Workspace

from natsbackend.claims.codec import Token, TokenKind, decode
from natsbackend.errors import KeyStoreError, SpecError
from natsbackend.lock import Issued, parse_lock, render_lock

LATER = NOW + 100
PATH = "accounts/back/activations/web/stream/news.%3E"


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    spec = {
        "version": 1,
        "operator": {"name": "acme"},
        "accounts": {
            "back": {"exports": [{"stream": "news.>", "private": ["web"]}]},
            "web": {
                "imports": [{"from": "back", "stream": "news.eu"}, {"from": "back", "stream": "news.us"}]
            },
            "other": {},
        },
    }
    made = Workspace(root=tmp_path / "project", spec=spec)
    made.root.mkdir()
    made.generate()
    return made


def imports(space: Workspace, account: str = "web") -> list[dict[str, Any]]:
    found: Any = space.account(account).nats["imports"]
    return [dict(each) for each in found]


def activation(space: Workspace) -> Token:
    (text,) = {each["token"] for each in imports(space)}
    return decode(text)


def test_an_importer_that_is_named_carries_an_activation_of_the_exporter(space: Workspace) -> None:
    token = activation(space)
    assert token.kind is TokenKind.ACTIVATION
    assert (token.subject, token.issuer) == (
        space.key("accounts/web"),
        space.key("accounts/back/signing/main"),
    )
    assert (token.nats["subject"], token.nats["kind"]) == ("news.>", "stream")
    assert token.nats["issuer_account"] == space.key("accounts/back")
    exports: Any = space.account("back").nats["exports"]
    assert exports[0]["token_req"] is True
    assert space.lock().issued[PATH].issued_at == NOW


def test_an_identity_signs_where_it_may_and_nothing_else_is_there(space: Workspace) -> None:
    space.spec["operator"]["require_signing_keys"] = False
    space.accounts["back"]["signing_keys"] = []
    space.generate(now=LATER)
    token = activation(space)
    assert token.issuer == space.key("accounts/back")
    assert "issuer_account" not in token.nats


def test_an_activation_is_kept_when_something_else_of_its_carrier_changes(space: Workspace) -> None:
    before = activation(space).text
    space.accounts["web"]["imports"].pop()
    done = space.generate(now=LATER)
    assert set(done.signed) == {"accounts/web"}
    assert activation(space).text == before


def test_an_activation_of_another_subject_is_another(space: Workspace) -> None:
    space.accounts["back"]["exports"][0] = {"stream": "news.*", "private": ["web"]}
    done = space.generate(now=LATER)
    assert "accounts/back/activations/web/stream/news.%2A" in done.signed
    assert activation(space).nats["subject"] == "news.*"
    assert space.lock().issued[PATH].issued_at == NOW  # known, should it come back


def test_seeds_and_lock_make_the_same_activation_again(space: Workspace) -> None:
    before = space.tree()
    shutil.rmtree(space.project.build)
    space.generate(now=LATER)
    assert space.tree() == before


def test_an_exporters_seed_is_needed_only_to_sign(space: Workspace) -> None:
    seed = space.seed_file("accounts/back/signing/main")
    seed.unlink()
    space.accounts["web"]["limits"] = {"connections": 5}
    assert set(space.generate(now=LATER).signed) == {"accounts/web"}
    space.project.account_jwt("web").unlink()
    space.project.stamp.unlink(missing_ok=True)
    with pytest.raises(KeyStoreError, match=rf"not here: accounts/back/signing/main \(to sign {PATH}"):
        space.generate(now=LATER)


def test_an_activation_that_was_tampered_with_is_signed_again(space: Workspace) -> None:
    before = space.project.account_jwt("web").read_text()
    space.project.account_jwt("web").write_text("nothing")
    space.project.stamp.unlink()
    assert PATH in space.generate(now=LATER).signed
    assert activation(space).issued_at == NOW
    assert space.project.account_jwt("web").read_text() == before


def test_nobody_else_may_import(space: Workspace) -> None:
    space.accounts["other"]["imports"] = [{"from": "back", "stream": "news.eu"}]
    with pytest.raises(SpecError) as caught:
        space.generate(now=LATER)
    assert [found.code for found in caught.value.diagnostics] == ["import-private"]


def test_a_lock_keeps_activations_of_accounts_alone(space: Workspace) -> None:
    assert space.lock().issued[PATH] == Issued(NOW, space.lock().issued[PATH].digest)
    assert PATH not in space.lock().keys


# --- who is no longer named ---

EXPORT = "accounts/back/exports/stream/news.%3E"


def revocations(space: Workspace) -> Any:
    exports: Any = space.account("back").nats["exports"]
    return exports[0].get("revocations")


def unname(space: Workspace, *others: str) -> None:
    space.accounts["back"]["exports"][0]["private"] = list(others)
    space.accounts["web"]["imports"] = []


def test_who_is_no_longer_named_is_revoked_once(space: Workspace) -> None:
    unname(space)
    space.generate(now=LATER)
    assert revocations(space) == {space.key("accounts/web"): LATER}
    assert space.lock().revoked == {EXPORT: {space.key("accounts/web"): LATER}}
    before = space.tree()
    space.project.stamp.unlink()
    assert not space.generate(now=LATER + 5).changed
    assert space.tree() == before


def test_a_revocation_is_never_before_what_it_revokes(space: Workspace) -> None:
    unname(space)
    space.generate(now=NOW - 50)  # a clock that is behind
    assert revocations(space) == {space.key("accounts/web"): NOW}


def test_who_was_named_without_an_import_has_nothing_to_revoke(space: Workspace) -> None:
    space.accounts["back"]["exports"][0]["private"] = ["web", "other"]
    space.generate(now=LATER)
    space.accounts["back"]["exports"][0]["private"] = ["web"]
    space.generate(now=LATER + 1)
    assert revocations(space) is None


def test_who_is_named_again_is_no_longer_revoked(space: Workspace) -> None:
    imported = space.accounts["web"]["imports"]
    unname(space)
    space.generate(now=LATER)
    space.accounts["back"]["exports"][0]["private"] = ["web"]
    space.accounts["web"]["imports"] = imported
    space.generate(now=LATER + 1)
    assert revocations(space) is None
    unname(space)
    space.generate(now=LATER + 2)
    assert revocations(space) == {space.key("accounts/web"): LATER + 2}


def test_an_account_that_is_gone_is_revoked_by_its_last_key(space: Workspace) -> None:
    key = space.key("accounts/web")
    unname(space)
    del space.accounts["web"]
    space.generate(now=LATER)
    assert revocations(space) == {key: LATER}


def test_a_rename_keeps_activation_and_can_be_revoked_by_its_new_name(space: Workspace) -> None:
    before, key = activation(space).text, space.key("accounts/web")
    space.accounts["shop"] = {"was": "web", **space.accounts.pop("web")}
    space.accounts["back"]["exports"][0]["private"] = ["shop"]
    space.generate(now=LATER)
    assert {each["token"] for each in imports(space, "shop")} == {before}
    assert revocations(space) is None
    space.accounts["back"]["exports"][0]["private"] = []
    space.accounts["shop"]["imports"] = []
    space.generate(now=LATER + 1)
    assert revocations(space) == {key: LATER + 1}


def test_of_two_times_of_a_merge_the_later_counts(space: Workspace) -> None:
    key = space.key("accounts/web")
    text = render_lock(space.lock())
    merged = parse_lock(f"{text}{EXPORT} revoked {key} 7\n{EXPORT} revoked {key} 5\n", "lock")
    assert merged.revoked == {EXPORT: {key: 7}}
    assert parse_lock(render_lock(merged), "lock") == merged
