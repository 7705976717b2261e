"""What of the servers' config a plan says: in the spec's words, with what it takes to bring it, and without secrets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.cli import Ran, natsbackend_here
from support.golden import NOW, SOUND, opened, tree
from support.workspaces import Workspace

from natsbackend.plan.document import from_json
from natsbackend.plan.server_words import server_diff
from natsbackend.plan.values import Action, Impact, Plan
from natsbackend.project import Project
from natsbackend.workflow.reckoning import reckon
from natsbackend.workflow.server_plan import with_server


def spec() -> dict[str, Any]:
    return {
        "version": 1,
        "operator": {"name": "acme"},
        "accounts": {"web": {"users": {"kiosk": {"publish": ["a"]}}}, "other": {}},
        "server": {
            "name": "n0",
            "listen": "127.0.0.1:4222",
            "limits": {"max_payload": "1MiB"},
            "jetstream": {
                "store_dir": "d",
                "disk": "10GiB",
                "encryption": {"key": {"env": "OLD_KEY"}, "cipher": "aes"},
            },
            "cluster": {"name": "c", "routes": ["nats://n2:6222"]},
        },
    }


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    made = Workspace(root=tmp_path, spec=spec())
    made.generate()
    return made


def run(space: Workspace, *options: str, code: int = 0) -> Ran:
    space.save()
    return natsbackend_here("plan", *options, cwd=space.root, code=code)


def planned(space: Workspace) -> Plan:
    return from_json(run(space, "--format", "json").json)


def said(plan: Plan) -> list[tuple[str, str, str | None, str | None]]:
    return [(each.where, each.word, each.before, each.after) for each in plan.server]


@pytest.mark.parametrize("folder", SOUND, ids=lambda folder: folder.name)
def test_a_config_that_was_just_generated_is_as_it_should_be(folder: Path, tmp_path: Path) -> None:
    project = Project(tmp_path)
    tree(folder, project).write()
    plan = with_server(Plan(source="", is_live=False), reckon(opened(folder), project, now=NOW), project)
    assert (plan.server, plan.server_consequences) == ((), ())


def test_what_a_reload_brings_is_said_so(space: Workspace) -> None:
    space.spec["server"]["limits"]["max_payload"] = "2MiB"
    space.spec["server"]["jetstream"]["disk"] = "20GiB"
    found = planned(space)
    assert said(found) == [
        ("limits", "max_payload", "1MiB", "2MiB"),
        ("jetstream", "disk", "10GiB", "20GiB"),
    ]
    (consequence,) = found.server_consequences
    assert consequence.impact is Impact.NOTE
    assert "reload" in consequence.text
    assert not found.is_empty
    run(space, "--detailed-exitcode", code=3)


def test_what_asks_for_a_restart_is_said_so(space: Workspace) -> None:
    space.spec["server"] |= {"name": "n1", "tags": ["a"]}
    found = planned(space)
    assert said(found) == [("", "name", "n0", "n1"), ("", "tags", None, "[a]")]
    (consequence,) = found.server_consequences
    assert consequence.impact is Impact.NOT_EFFECTIVE
    assert consequence.text.startswith("name: no reload brings this")
    for form in ("human", "markdown", "github"):
        out = run(space, "--format", form).out
        assert "not effective: name: no reload brings this" in out
        assert "server" in out


def test_accounts_and_users_have_their_names(space: Workspace) -> None:
    space.spec["server"] |= {"default_sentinel": "web/kiosk"}
    space.spec["server"]["resolver"] = {"type": "full", "pinned": ["web"]}
    space.spec["server"]["cluster"]["accounts"] = ["web"]
    space.accounts["web"]["users"]["kiosk"]["bearer"] = True
    found = said(planned(space))
    assert ("", "default_sentinel", None, "web/kiosk") in found
    assert ("resolver", "pinned", None, "[SYS, web]") in found
    assert ("cluster", "accounts", None, "[web]") in found
    assert ("", "resolver_preload", "[SYS]", "[SYS, web]") in found


def test_a_secret_is_shown_as_the_reference_that_it_is(space: Workspace) -> None:
    (space.root / "key").write_text("hunter2")
    space.spec["server"]["jetstream"]["encryption"]["key"] = {"file": "key"}
    out = run(space).out
    assert "{env: OLD_KEY} → from a file" in out
    assert "hunter2" not in out


def test_a_plain_secret_of_another_hand_is_not_shown() -> None:
    changes, _ = server_diff({"x.password": "hunter2"}, {"x.password": "hunter3", "y": "nats://a:hunter4@h"})
    assert [(each.before, each.after) for each in changes] == [
        ("(not shown)", "(not shown)"),
        (None, "nats://*********@h"),
    ]


def test_elements_of_lists_have_their_numbers(space: Workspace) -> None:
    remotes = [{"urls": ["tls://hub:7422"], "account": "web", "creds": "web/kiosk"}]
    space.spec["server"]["leafnodes"] = {"remotes": remotes}
    found = said(planned(space))
    assert ("leafnodes", "remotes[0].account", None, "web") in found


def _edit(path: Path) -> None:
    path.write_text(path.read_text().replace("max_payload: 1048576", "max_payload: 1MB"))


@pytest.mark.parametrize(
    ("happens", "expected"), [(_edit, "cannot be compared: line"), (Path.unlink, "nothing to change")]
)
def test_a_config_that_is_not_as_generated_is_said_and_none_is_no_change(
    space: Workspace, happens: Callable[[Path], None], expected: str
) -> None:
    happens(space.project.server_conf)
    assert expected in run(space).out


def test_what_goes_is_a_removed_word(space: Workspace) -> None:
    del space.spec["server"]["cluster"]
    found = planned(space)
    assert {(each.where, each.action) for each in found.server} == {("cluster", Action.REMOVED)}
