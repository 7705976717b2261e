"""`status` on a real server: every kind of drift is found and named, and nothing else is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cluster import Cluster, cluster
from support.resolvers import LIMITS, key
from support.workspaces import Spec
from test_push_session import FOREIGNER, operator_key, smuggle

from natsbackend.claims.codec import Claims, TokenKind, sign
from natsbackend.keys import KeyRole
from natsbackend.workflow.drift import Code

STRANGER = key(KeyRole.ACCOUNT, 78)
DOCS = Path(__file__).parent.parent / "docs"


def spec() -> Spec:
    """Return an exporter and an importer."""
    return {
        "version": 1,
        "operator": {"name": "acme"},
        "accounts": {
            "shop": {"exports": [{"stream": "orders.>"}], "users": {"clerk": {"publish": ["orders.>"]}}},
            "lab": {"imports": [{"from": "shop", "stream": "orders.>"}], "limits": {"connections": 10}},
        },
    }


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path, spec(), names=("n1",)) as running:
        running.run("push", "--to", "main", "--yes")
        yield running


def drifts(one: Cluster, *more: str, code: int = 3) -> list[dict[str, object]]:
    """Return what `status` finds."""
    answer = json.loads(one.run("status", "--to", "main", "--format", "json", *more, code=code).out)
    assert answer["format"] == 1
    assert answer["clean"] is (code == 0)
    found: list[dict[str, object]] = answer["drift"]
    return found


def ids(found: list[dict[str, object]]) -> list[object]:
    """Return the kinds of drift."""
    return [each["id"] for each in found]


def test_what_was_pushed_is_clean_and_said_so(one: Cluster) -> None:
    assert drifts(one, code=0) == []
    said = one.run("status", "--to", "main")
    assert "3 accounts on 1 server, all as the spec says" in said.out
    more = one.run("status", "--to", "main", "-v")
    assert one.space.key("accounts/lab") in more.out
    assert "in sync, complete" in more.out


def test_the_observer_is_enough(one: Cluster) -> None:
    """No seed is here but that of the role that may only look."""
    observer = one.space.key("accounts/SYS/roles/observer")
    for seed in one.space.project.keys.rglob("*.nk"):
        if seed.stem != observer:
            seed.unlink()
    assert drifts(one, code=0) == []


def test_a_spec_that_moved_on_is_not_generated(one: Cluster) -> None:
    one.space.accounts["lab"]["limits"] = {"connections": 5}
    one.space.accounts["new"] = {}
    one.space.save()
    found = drifts(one)
    assert [(each["id"], each["account"]) for each in found] == [
        ("not-generated", "lab"),
        ("not-generated", "new"),
    ]
    assert "10 → 5" in " ".join(map(str, found[0]["details"]))  # type: ignore[call-overload]
    assert found[0]["at"]
    one.run("generate")
    assert [(each["id"], each["account"]) for each in drifts(one)] == [
        ("account-differs", "lab"),
        ("account-missing", "new"),
    ]


def test_what_somebody_pushed_by_hand_is_shown_word_by_word(one: Cluster) -> None:
    smuggle(one, one.space.key("accounts/lab"), operator_key(one), limits={**LIMITS, "conn": 99})
    (found,) = drifts(one)
    assert found["id"] == "account-differs"
    assert found["servers"] == ["n1"]
    assert "newer" in str(found["message"])
    assert "99 → 10" in " ".join(map(str, found["details"]))  # type: ignore[call-overload]
    assert "--force" in str(found["hint"])


def test_a_stranger_is_found_unless_the_spec_names_it(one: Cluster) -> None:
    smuggle(one, STRANGER.public, operator_key(one))
    (found,) = drifts(one)
    assert found["id"] == "stranger"
    assert STRANGER.public in str(found["message"])
    one.space.spec["outside"] = {"theirs": {"public_key": STRANGER.public}}
    one.space.save()
    assert drifts(one, code=0) == []


def test_an_import_that_the_server_dropped_has_its_line(one: Cluster) -> None:
    one.space.spec["outside"] = {"billing": {"public_key": STRANGER.public}}
    one.space.accounts["lab"]["imports"].append({"from": "billing", "stream": "bills.>"})
    one.space.save()
    one.run("generate")
    one.run("push", "--to", "main", "--yes", "--force", code=1)
    (found,) = drifts(one)
    assert (found["id"], found["account"], found["servers"]) == ("import-dropped", "lab", ["n1"])
    assert 'stream "bills.>" from "billing"' in str(found["message"])
    assert str(found["at"]).startswith("natsbackend.yaml:")


def test_a_server_that_lost_an_account(one: Cluster) -> None:
    one.stop("n1")
    (one.nodes["n1"].store / f"{one.space.key('accounts/shop')}.jwt").unlink()
    one.start("n1")
    found = [(each["id"], each["account"]) for each in drifts(one) if each["id"] != "import-dropped"]
    assert found == [("account-missing", "shop")]
    one.run("push", "--to", "main", "--yes")
    assert drifts(one, code=0) == []


def test_an_account_that_the_spec_dropped_is_still_live(one: Cluster) -> None:
    del one.space.accounts["lab"]
    one.space.save()
    one.run("generate")
    (found,) = drifts(one)
    assert (found["id"], found["account"]) == ("account-dropped", "lab")
    assert "--prune" in str(found["hint"])


def test_servers_with_another_operator_jwt(one: Cluster) -> None:
    one.space.spec["operator"]["tags"] = ["prod"]
    one.space.save()
    assert "not-generated" in ids(drifts(one))
    one.run("generate")
    (found,) = drifts(one)
    assert found["id"] == "operator-differs"
    assert "prod" in " ".join(map(str, found["details"]))  # type: ignore[call-overload]


def test_what_ends_soon_is_drift_if_it_is_asked_about(one: Cluster) -> None:
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3 * 86400))
    one.space.accounts["lab"]["expires"] = ends
    one.space.save()
    one.run("generate")
    one.run("push", "--to", "main", "--yes")
    assert ids(drifts(one)) == ["expires"]
    assert drifts(one, "--expires-within", "1d", code=0) == []


def test_metrics_name_every_kind_of_drift(one: Cluster) -> None:
    clean = one.run("status", "--to", "main", "--format", "prometheus").out
    assert 'natsbackend_status_clean{target="main"} 1' in clean
    smuggle(one, STRANGER.public, operator_key(one))
    lines = one.run("status", "--to", "main", "--format", "prometheus", code=3).out.splitlines()
    for code in Code:
        value = int(code is Code.STRANGER)
        assert f'natsbackend_status_drift{{target="main",id="{code}"}} {value}' in lines
    assert 'natsbackend_status_account_in_sync{target="main",account="lab",server="n1"} 1' in lines


def test_watching_says_what_changes_until_it_is_ended(one: Cluster) -> None:
    command = (sys.executable, "-m", "natsbackend", "status", "--to", "main", "--watch", "--interval", "1s")
    with subprocess.Popen(
        (*command, "--format", "json"),
        cwd=one.space.root,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    ) as watching:
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline())["clean"] is True
        smuggle(one, STRANGER.public, operator_key(one))
        deadline = time.monotonic() + 30
        while json.loads(watching.stdout.readline())["clean"]:
            assert time.monotonic() < deadline
        watching.send_signal(signal.SIGINT)
        assert watching.wait(timeout=20) == 3


def test_a_directory_is_looked_at_as_well(one: Cluster, tmp_path: Path) -> None:
    """Whom its servers trust is not known: what the spec's operator did not sign is drift all the same."""
    store = tmp_path / "volume"
    store.mkdir()
    one.space.spec["targets"]["volume"] = {"directory": str(store)}
    one.space.save()
    one.run("push", "--to", "volume", "--yes")
    one.run("status", "--to", "volume")
    pulled = one.run("pull", "--to", "volume", "--out", str(tmp_path / "copy"))
    assert "3 accounts written" in pulled.out
    lab = store / f"{one.space.key('accounts/lab')}.jwt"
    claims = Claims(kind=TokenKind.ACCOUNT, subject=lab.stem, name="lab", nats={"limits": LIMITS})
    lab.write_text(sign(claims, FOREIGNER, int(time.time()) + 5))
    (store / f"{one.space.key('accounts/shop')}.jwt").unlink()
    found = one.run("status", "--to", "volume", code=3).out
    for word in ("issuer-not-trusted", "account-differs", "account-missing"):
        assert word in found


def test_nobody_who_answers_is_an_error(one: Cluster) -> None:
    one.stop("n1")
    failed = one.run("status", "--to", "main", code=1)
    assert str(one.nodes["n1"].port) in failed.err
    assert failed.out == ""


def test_the_page_names_every_kind_of_drift() -> None:
    page = (DOCS / "status.md").read_text(encoding="utf-8")
    assert [code for code in Code if f"| `{code}` |" not in page] == []
