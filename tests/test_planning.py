"""`plan` as its users run it: against `build/` and against a real server, without a seed that it does not need."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cli import Ran, natsbackend_here
from support.cluster import Cluster, cluster
from support.workspaces import Spec, Workspace, base_spec

from natsbackend.plan.document import from_json
from natsbackend.plan.values import Action, Impact


def plan(space: Workspace, *options: str, code: int = 0) -> Ran:
    return natsbackend_here("plan", *options, cwd=space.root, code=code)


def read(space: Workspace, *options: str, code: int = 0) -> Any:
    return from_json(plan(space, *options, "--format", "json", code=code).json)


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    made = Workspace(root=tmp_path, spec=base_spec())
    made.generate()
    return made


def test_a_new_project_is_all_to_be_made(tmp_path: Path) -> None:
    space = Workspace(root=tmp_path, spec=base_spec())
    space.save()
    found = read(space)
    assert {account.action for account in found.accounts} == {Action.ADDED}
    assert "accounts/shop" in found.keys_to_make
    assert all(account.public_key == "" for account in found.accounts)
    assert [path.name for path in tmp_path.iterdir()] == ["natsbackend.yaml"]  # nothing was made
    said = "nothing has been generated from this spec yet: `natsbackend generate` makes the keys"
    assert said in plan(space, "--detailed-exitcode", code=3).out
    space.generate()
    space.accounts["new"] = {}
    space.save()
    out = plan(space).out
    assert "+ accounts/new\n" in out
    assert said not in out


def test_nothing_changed_is_said_and_needs_no_seed(space: Workspace) -> None:
    shutil.rmtree(space.project.keys)
    assert "nothing to change" in plan(space, "--detailed-exitcode").out
    found = read(space)
    assert found.is_empty
    assert found.seeds == ()


def test_a_changed_role_is_said_in_the_words_of_the_spec(space: Workspace) -> None:
    shutil.rmtree(space.project.keys)
    space.accounts["shop"]["roles"]["worker"]["publish"] = ["jobs.new.>"]
    space.save()
    before = space.tree()
    out = plan(space, "--detailed-exitcode", code=3).out
    assert "- publish  jobs.>" in out
    assert "+ publish  jobs.new.>" in out
    assert "! disconnects" in out
    assert "operator/signing/main  missing" in out
    assert "account lab" not in out
    assert space.tree() == before


def test_a_user_that_goes_is_revoked_and_a_new_one_gets_a_key(space: Workspace) -> None:
    users = space.accounts["shop"]["users"]
    del users["clerk"]
    space.save()
    found = read(space, "--not-renamed")
    (gone,) = found.users
    assert (gone.path, gone.action) == ("accounts/shop/users/clerk", Action.REMOVED)
    (account,) = found.accounts
    assert "revocations" in [change.where for change in account.changes]
    assert account.consequences[0].impact is Impact.DISCONNECTS
    users["other"] = {"publish": ["a"]}
    space.save()
    found = read(space, "--not-renamed")
    assert {user.action for user in found.users} == {Action.ADDED, Action.REMOVED}
    assert found.keys_to_make == ("accounts/shop/users/other",)


def test_a_private_export_needs_the_exporters_key_without_its_seed(space: Workspace) -> None:
    space.accounts["shop"]["exports"][0]["private"] = ["lab"]
    space.save()
    needs = {seed.path: seed.purposes for seed in read(space).seeds}
    assert needs["accounts/shop/signing/main"] == ("accounts/shop/activations/lab/stream/orders.%3E",)
    space.generate()
    shutil.rmtree(space.project.keys)
    assert read(space).is_empty
    shutil.rmtree(space.project.build)  # a fresh clone: what is carried is not here to be compared
    assert {account.action for account in read(space).accounts} == {Action.ADDED}


def test_a_plan_is_written_for_a_push_and_for_a_pull_request(space: Workspace) -> None:
    space.accounts["shop"]["description"] = "`x` <img src=x> @everybody\n# head"
    space.save()
    plan(space, "--out", "plan.json")
    written = json.loads((space.root / "plan.json").read_text(encoding="utf-8"))
    assert written["format"] == 1
    comment, github = (plan(space, "--format", form).out for form in ("markdown", "github"))
    assert github == f"<!-- natsbackend plan -->\n{comment}"
    outside = re.sub(r"```diff.*?```", "", comment, flags=re.DOTALL)  # in a block of code nothing is Markdown
    assert "@everybody" not in outside
    assert "<img" not in outside


def test_every_secret_stays_out_of_a_plan(space: Workspace) -> None:
    space.accounts["shop"]["exports"][0]["private"] = ["lab"]
    space.generate()
    space.accounts["lab"]["description"] = "changed"
    space.save()
    for form in ("human", "json", "markdown", "github"):
        out = plan(space, "--format", form).out
        assert "eyJ" not in out
        assert not any(seed in out for seed in space.seeds())


def live_spec() -> Spec:
    services = [{"service": "ask", "response": "singleton"}]
    return {
        "version": 1,
        "operator": {"name": "acme"},
        "accounts": {
            "back": {"exports": services, "users": {"worker": {"respond": ["ask"]}}},
            "front": {
                "imports": [{"from": "back", "service": "ask"}],
                "users": {"asker": {"request": ["ask"]}},
            },
            "old": {"users": {"ghost": {"publish": ["boo"]}}},
        },
    }


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path, live_spec(), names=("n1",)) as running:
        running.run("push", "--to", "main", "--yes")
        yield running


def test_a_live_target_is_read_with_the_observer_alone(one: Cluster) -> None:
    space = one.space
    observer = space.seed_file("accounts/SYS/roles/observer")
    for seed in space.project.keys.rglob("*.nk"):
        if seed != observer:
            seed.unlink()
    assert "nothing to change" in plan(space, "--to", "main", "--detailed-exitcode").out
    space.accounts["back"]["description"] = "answers"
    space.save()
    found = read(space, "--to", "main")
    assert [(a.name, a.action) for a in found.accounts] == [("back", Action.CHANGED)]
    assert {seed.path: seed.is_here for seed in found.seeds} == {
        "operator/signing/main": False,
        "accounts/SYS/roles/pusher": False,
    }
    observer.unlink()
    assert "observer" in plan(space, "--to", "main", code=1).err


def test_importers_of_a_service_that_answers_otherwise_are_pushed_again(one: Cluster) -> None:
    one.space.accounts["back"]["exports"][0]["response"] = "stream"
    one.space.save()
    found = read(one.space, "--to", "main")
    assert [(a.name, a.action) for a in found.accounts] == [
        ("back", Action.CHANGED),
        ("front", Action.RENEWED),
    ]
    assert "response type of service ask" in found.accounts[1].because[0]


def test_a_plan_that_was_reviewed_is_pushed_and_another_is_not(one: Cluster) -> None:
    space = one.space
    space.accounts["back"]["description"] = "answers"
    space.save()
    one.run("generate")
    plan(space, "--to", "main", "--out", "plan.json")
    one.run("push", "--to", "main", "--plan", "plan.json")
    plan(space, "--to", "main", "--detailed-exitcode")
    refused = one.run("push", "--to", "main", "--plan", "plan.json", code=1)
    assert "the plan is not what would be pushed now" in refused.err


def test_dropped_accounts_go_only_by_pruning(one: Cluster) -> None:
    del one.space.accounts["old"]
    one.space.save()
    (gone,) = read(one.space, "--to", "main").accounts
    assert (gone.name, gone.action, gone.is_pruned) == ("old", Action.REMOVED, True)
    assert gone.consequences[0].impact is Impact.DISCONNECTS


def test_an_account_that_is_there_under_another_key_is_a_changed_identity(one: Cluster) -> None:
    space = one.space
    lock = space.project.lock.read_text(encoding="utf-8")
    kept = [line for line in lock.splitlines() if not line.startswith("accounts/old")]
    space.project.lock.write_text("\n".join(kept) + "\n", encoding="utf-8")
    space.project.account_jwt("old").unlink()
    shutil.rmtree(space.project.creds_dir / "old")
    found = read(space, "--to", "main")
    assert [each.path for each in found.identities] == ["accounts/old"]
    assert "refused without --force-identity" in plan(space, "--to", "main").out
    one.run("generate")
    refused = one.run("push", "--to", "main", "--yes", "--force", code=1)
    assert (
        f"refused without --force-identity: accounts/old is {found.identities[0].before} there" in refused.err
    )
    assert [each.path for each in read(space, "--to", "main").identities] == [
        "accounts/old"
    ]  # nothing was sent
    one.run("push", "--to", "main", "--yes", "--force-identity")
