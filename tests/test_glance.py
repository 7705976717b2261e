"""A plan of nothing is made without reading the spec, is the same as if it were read, and misses nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.byhand import ByHand
from support.cli import natsbackend_here
from support.cluster import Cluster, cluster
from support.plans import pair
from support.workspaces import Spec

from natsbackend.errors import ProjectError
from natsbackend.keys import KeyRole
from natsbackend.plan.values import Plan
from natsbackend.spec.gist import gist
from natsbackend.spec.load import parse_spec
from natsbackend.workflow.glance import plan_at_a_glance


def live_spec() -> Spec:
    return {
        "version": 1,
        "operator": {"name": "acme"},
        "accounts": {
            "back": {
                "exports": [{"service": "ask", "private": ["front ☃"]}],
                "users": {"worker": {"respond": ["ask"]}},
            },
            "front ☃": {"imports": [{"from": "back", "service": "ask"}]},
            "old": {"users": {"ghost": {"publish": ["boo"]}}},
        },
    }


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path, live_spec(), names=("n1",)) as running:
        running.run("push", "--to", "main", "--yes")
        running.run("generate")
        yield running


def glance(one: Cluster, to: str = "main") -> Plan | None:
    space = one.space
    return plan_at_a_glance(space.file, space.project, to=to, servers=(), now=int(time.time()), timeout=5)


def document(one: Cluster) -> Any:
    return natsbackend_here("plan", "--to", "main", "--format", "json", cwd=one.space.root).json


def test_it_is_the_plan_that_reading_the_spec_gives(one: Cluster) -> None:
    found = glance(one)
    assert found is not None
    assert found.is_empty
    quick = document(one)
    one.space.project.stamp.unlink()
    assert glance(one) is None
    assert quick == document(one)
    assert quick["unchanged"] == 4
    assert [seed["path"] for seed in quick["seeds"]] == ["accounts/SYS/roles/pusher"]


def test_accounts_of_others_make_no_difference(one: Cluster) -> None:
    hand = ByHand(space=one.space, port=one.nodes["n1"].port)
    token = hand.held(one.space.lock().keyring()["accounts/old"])
    assert token is not None
    hand.store(pair(KeyRole.ACCOUNT, 7).public, like=token)
    assert glance(one) is not None
    quick = document(one)
    one.space.project.stamp.unlink()
    assert quick == document(one)


def _change_spec(one: Cluster) -> None:
    one.space.accounts["back"]["description"] = "changed"
    one.space.save()


def _edit_by_hand(one: Cluster) -> None:
    public = one.space.lock().keyring()["accounts/old"]
    ByHand(space=one.space, port=one.nodes["n1"].port).edit(public, description="by hand")


def _lose_an_account(one: Cluster) -> None:
    public = one.space.lock().keyring()["accounts/old"]
    one.stop("n1")
    next(one.nodes["n1"].store.rglob(f"{public}.jwt")).unlink()
    one.start("n1")


def _touch_build(one: Cluster) -> None:
    one.space.project.account_jwt("old").unlink()


def _drop_an_account(one: Cluster) -> None:
    del one.space.accounts["old"]
    one.space.save()
    one.run("generate")


def _change_the_operator(one: Cluster) -> None:
    one.space.spec["operator"]["tags"] = ["other"]
    one.space.save()
    one.run("generate")


@pytest.mark.parametrize(
    "happens",
    [_change_spec, _edit_by_hand, _lose_an_account, _touch_build, _drop_an_account, _change_the_operator],
)
def test_whatever_is_not_as_generated_and_pushed_takes_the_long_way(
    one: Cluster, happens: Callable[[Cluster], None]
) -> None:
    assert glance(one) is not None
    happens(one)
    assert glance(one) is None


def test_a_target_that_is_not_there_is_said(one: Cluster) -> None:
    with pytest.raises(ProjectError, match='there is no target "other"'):
        glance(one, to="other")


def test_the_gist_of_a_spec_is_what_leads_to_its_targets() -> None:
    spec = {
        "version": 1,
        "operator": {"name": 'é "\U0001f600', "system_account": "ROOT", "tags": ["a"]},
        "accounts": {
            "ROOT": {"roles": {"observer": {"ttl": "5m"}}, "users": {"u": {"publish": ["a"]}}},
            "web": {},
        },
        "targets": {"main": {"nats": ["nats://n1:4222"], "servers": 3}},
    }
    text = gist(parse_spec(json.dumps(spec, ensure_ascii=False), "spec"))
    read = parse_spec(text, "gist").node.plain
    assert read == {
        "version": 1,
        "operator": {"name": 'é "\U0001f600', "system_account": "ROOT"},
        "accounts": {"ROOT": {"roles": {"observer": {"ttl": "5m"}}}},
        "targets": {"main": {"nats": ["nats://n1:4222"], "servers": 3}},
    }


def test_a_spec_without_targets_and_system_account_has_a_gist_too() -> None:
    text = gist(parse_spec("version: 1\noperator: {name: o}\naccounts: {a: {}}", "spec"))
    assert parse_spec(text, "gist").node.plain == {"version": 1, "operator": {"name": "o"}}


def test_a_text_that_yaml_would_read_otherwise_leaves_no_gist() -> None:
    spec = parse_spec('version: 1\noperator: {name: "a \\u2028 b"}\naccounts: {a: {}}', "spec")
    assert spec.model.operator.name == "a \u2028 b"
    assert gist(spec) == ""
