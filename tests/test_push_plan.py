"""What a push asks, what it refuses to do unasked, and a plan that was reviewed before."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import time
from pathlib import Path

import pytest
from support.byhand import ByHand
from support.cli import COMMAND, Ran, environment, natsbackend_here
from support.workspaces import NOW, Workspace
from test_push_cli import push, server, space, stored

from natsbackend.live.server import NatsServer
from natsbackend.plan.document import to_json
from natsbackend.workflow.opening import open_spec
from natsbackend.workflow.push import choose_target
from natsbackend.workflow.push_run import Request, prepare

__all__ = ["server", "space"]


def reviewed(space: Workspace) -> Path:
    """Write down the plan of a push as it is now."""
    opened = open_spec(str(space.file))
    target = choose_target(opened.backend, None, ())
    request = Request(
        spec=space.file, opened=opened, project=space.project, target=target, now=int(time.time())
    )
    file = space.root / "plan.json"
    file.write_text(json.dumps(to_json(prepare(request).plan)))
    return file


def pushed(space: Workspace, *arguments: str) -> set[str]:
    answer = push(space, "--format", "json", *arguments).json
    return {result["account"] for result in answer["results"] if not result["unchanged"]}


def change(space: Workspace, *accounts: str, later: int = 100) -> None:
    """Change accounts of the spec, and generate."""
    for name in accounts:
        space.accounts.setdefault(name, {})["description"] = f"changed {later}"
    space.generate(now=NOW + later)


def test_the_plan_is_shown_and_is_no_answer(space: Workspace, server: NatsServer) -> None:
    push(space, "--yes")
    change(space, "lab")
    ran = push(space, "--yes")
    assert "~ account lab" in ran.err
    assert "~ account lab" not in ran.out
    assert "nothing to change" in push(space, "--yes").err


def test_a_plan_that_was_reviewed_is_pushed_without_a_question(space: Workspace, server: NatsServer) -> None:
    push(space, "--yes")
    change(space, "lab")
    assert pushed(space, "--plan", str(reviewed(space))) == {"lab"}


def test_an_old_plan_is_refused_and_says_what_differs(space: Workspace, server: NatsServer) -> None:
    push(space, "--yes")
    change(space, "lab")
    plan, before = reviewed(space), stored(space)
    change(space, "lab", later=200)
    ran = push(space, "--plan", str(plan), code=1)
    assert "the plan is not what would be pushed now: the spec has changed, the lock has changed" in ran.err
    assert 'account "lab" would be another' in ran.err
    assert stored(space) == before


def test_a_plan_for_what_the_target_held_is_refused(space: Workspace, server: NatsServer) -> None:
    push(space, "--yes")
    change(space, "lab")
    plan = reviewed(space)
    hand = ByHand(space=space, port=int(space.spec["server"]["listen"].rpartition(":")[2]))
    hand.edit(space.key("accounts/SYS"), revocations={})
    before = stored(space)
    ran = push(space, "--plan", str(plan), "--force", code=1)
    assert "the plan is not what would be pushed now" in ran.err
    assert "the lock has changed" not in ran.err
    assert stored(space) == before


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": 2}', '{"format": 1}', "\x00", "[" * 100_000])
def test_what_is_no_plan_is_refused(space: Workspace, server: NatsServer, text: str) -> None:
    file = space.root / "plan.json"
    file.write_text(text)
    before = stored(space)
    assert "plan" in push(space, "--plan", str(file), code=1).err
    assert "plan" in push(space, "--plan", str(space.root / "nowhere.json"), code=1).err
    assert stored(space) == before


def test_many_accounts_at_once_need_force(space: Workspace, server: NatsServer) -> None:
    names = [f"one{number}" for number in range(4)]
    change(space, *names)
    assert pushed(space, "--yes") >= set(names)  # what is new endangers nobody
    change(space, *names, later=200)
    before = stored(space)
    ran = push(space, "--yes", code=1)
    assert "refused without --force: 4 of 7 accounts would be changed or removed" in ran.err
    assert stored(space) == before
    assert pushed(space, "--yes", "--force") == set(names)


def test_the_system_account_is_not_changed_by_accident(space: Workspace, server: NatsServer) -> None:
    push(space, "--yes")
    change(space, "SYS")
    before = stored(space)
    assert 'the system account "SYS" would be changed' in push(space, "--yes", code=1).err
    assert stored(space) == before
    assert pushed(space, "--yes", "--force") == {"SYS"}


def on_a_terminal(space: Workspace, answers: str, *arguments: str) -> Ran:
    """Run a push whose questions are answered on a terminal."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [*COMMAND, "push", *arguments],
            cwd=space.root,
            env=environment(),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            os.write(ours, answers.encode())
            out, err = process.communicate(timeout=30)
    finally:
        os.close(ours)
        os.close(theirs)
    assert "Traceback" not in err
    return Ran(code=process.returncode, out=out, err=err)


@pytest.mark.parametrize(
    ("answers", "sent"), [("n\n", False), ("y\nn\n", False), ("y\ny\n", True)], ids=["no", "not so", "yes"]
)
def test_on_a_terminal_it_asks_for_the_system_account_by_itself(
    space: Workspace, server: NatsServer, answers: str, sent: bool
) -> None:
    push(space, "--yes")
    change(space, "SYS")
    before = stored(space)
    ran = on_a_terminal(space, answers)
    assert 'the system account "SYS" would be changed; is that meant?' in ran.err
    assert (ran.code == 0) is sent, ran.err
    assert (stored(space) != before) is sent


def test_on_a_terminal_nothing_is_asked_where_nothing_is_to_be_done(
    space: Workspace, server: NatsServer
) -> None:
    push(space, "--yes")
    ran = on_a_terminal(space, "n\n")
    assert ran.code == 0
    assert "?" not in ran.err


def test_what_the_servers_do_not_trust_is_refused_before_anything_is_sent(
    space: Workspace, server: NatsServer
) -> None:
    push(space, "--yes")
    before, lock = stored(space), space.project.lock.read_text()
    space.spec["operator"]["signing_keys"] = ["next", "main"]
    space.generate(now=NOW + 100)
    assert space.project.lock.read_text() != lock
    lock = space.project.lock.read_text()
    ran = push(space, "--yes", "--force", code=1)
    assert "do not trust" in ran.err
    assert 'account "shop"' in ran.err
    assert stored(space) == before
    assert space.project.lock.read_text() == lock


def test_what_plan_wrote_down_is_what_push_takes(space: Workspace, server: NatsServer) -> None:
    push(space, "--yes")
    change(space, "lab")
    dropped = space.accounts.pop("shop")["exports"]
    space.accounts["lab"].pop("imports")
    space.generate(now=NOW + 200)
    assert dropped
    plan = space.root / "plan.json"
    natsbackend_here("plan", "--to", "main", "--out", str(plan), cwd=space.root)
    assert pushed(space, "--plan", str(plan)) == {"lab"}
    assert "the plan is not what would be pushed now" in push(space, "--plan", str(plan), code=1).err
    change(space, "lab", later=300)
    natsbackend_here("plan", "--to", "main", "--prune", "--out", str(plan), cwd=space.root)
    answer = push(space, "--plan", str(plan), "--prune", "--format", "json", code=1).json
    assert all(
        "delete must be enabled" in words for words in answer["pruned"]["deletion"]["refused"].values()
    )
    assert [each["account"] for each in answer["pruned"]["accounts"]] == ["shop"]
