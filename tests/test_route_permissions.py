"""Which subjects cross the routes of two real servers, and what is silent if what servers say does not."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.findings import codes, with_head
from support.resolvers import free_ports
from support.servers import NOW
from support.workspaces import Spec, Workspace
from test_joining_on_server import (
    EDGE,
    HOST,
    connected,
    crosses,
    eventually,
    page,
    spec_of,
    written,
)
from test_peer_secrets import complaining

from natsbackend.live.wire import Deadline
from natsbackend.model.checks.routes import SERVERS_OWN
from natsbackend.model.entities import Target
from natsbackend.workflow.opening import open_spec
from natsbackend.workflow.push import push
from natsbackend.workflow.tree import plan_tree

ASK = {"imports": [{"from": "shop", "service": "ask"}], "users": {"one": EDGE}}
ACCOUNTS = {"shop": {"exports": [{"service": "ask"}], "users": {"two": EDGE}}, "web": ASK}


@contextmanager
def pair(root: Path, permissions: Any) -> Iterator[tuple[Workspace, Workspace, tuple[int, int]]]:
    """Run two servers of a cluster with these permissions; all of what they need is in their configs."""
    ports = free_ports(6)
    nats, routes, monitors = ports[:2], ports[2:4], ports[4:]

    def server(i: int) -> Spec:
        cluster = {
            "name": "eu",
            "listen": f"{HOST}:{routes[i]}",
            "routes": [f"nats://{HOST}:{routes[0]}"],
            "permissions": permissions,
            "accounts": list(ACCOUNTS),
        }
        here = {"listen": f"{HOST}:{nats[i]}", "monitor": {"listen": monitors[i]}}
        return spec_of({"name": f"n{i}", **here, "cluster": cluster}, **ACCOUNTS)

    first = written(root / "n0", server(0))
    second = written(root / "n1", server(1), like=first)
    with complaining(first), complaining(second):
        eventually(lambda: page(monitors[1], "routez")["num_routes"] >= 6)
        yield first, second, (nats[0], nats[1])


def heard(space: Workspace, port: int) -> int:
    """Push, and return how many servers confirmed it."""
    tree = plan_tree(open_spec(str(space.file)), space.project, now=NOW)
    target = Target(name="eu", urls=(f"nats://{HOST}:{port}",), servers=2)
    return min(len(result.stored) for result in push(tree, target, now=int(time.time()), timeout=1.0))


def answered(second: Workspace, first: Workspace, ports: tuple[int, int]) -> bool:
    """Tell whether a request of an account on one server is answered by the exporting one on the other."""
    with (
        connected(ports[0], first, "web", "one") as asking,
        connected(ports[1], second, "shop", "two") as other,
    ):
        service = other.subscribe("ask")
        reply = asking.subscribe("answers.1")
        assert other.flush() == asking.flush() == []
        end = time.monotonic() + 2
        while time.monotonic() < end:
            asking.publish("ask", b"?", "answers.1")
            request = other.wait_for(lambda message: message.sid == service, Deadline(0.2))
            if request is not None and request.reply is not None:
                other.publish(request.reply, b"!")
            if asking.wait_for(lambda message: message.sid == reply, Deadline(0.2)) is not None:
                return True
    return False


@pytest.mark.parametrize("word", ["import", "export"])
@pytest.mark.parametrize("without", [None, "$SYS.>", "_INBOX.>", "_R_.>"])
def test_servers_hear_each_other_only_if_their_own_subjects_cross(
    word: str, without: str | None, tmp_path: Path
) -> None:
    allow = [subject for subject in (*SERVERS_OWN, "ask", "answers.>") if subject != without]
    outcomes = set()
    for attempt in range(
        4 if without == "_R_.>" else 1
    ):  # which reply gets through is a race with the route's INFO
        with pair(tmp_path / str(attempt), {word: {"allow": allow}}) as (first, second, ports):
            pushed = heard(first, ports[0])
            outcomes.add(answered(second, first, ports))
            found = codes(first.file.read_text(encoding="utf-8"))
        assert pushed == (1 if without in ("$SYS.>", "_INBOX.>") else 2)
        if False in outcomes:
            break
    assert (False in outcomes) == (without == "_R_.>")
    assert ("cluster-permission-system" in found) == (without is not None)


@pytest.mark.parametrize(
    ("permissions", "subject", "outcome"),
    [
        ({}, "local.1", True),
        ({"import": {"deny": ["local.>"]}}, "local.1", False),
        ({"export": {"deny": ["local.>"]}}, "local.1", False),
        ({"import": {"deny": ["local.>"]}}, "other.1", True),
        ({"import": {"allow": [*SERVERS_OWN, "fence"]}}, "other.1", False),
    ],
)
def test_what_crosses_a_route(permissions: Any, subject: str, outcome: bool, tmp_path: Path) -> None:
    outcomes = set()
    for attempt in range(1 if outcome else 4):  # a race, as above
        with pair(tmp_path / str(attempt), permissions) as (first, second, ports):
            one = connected(ports[0], first, "web", "one")
            other = connected(ports[1], second, "web", "one")
            with one, other:
                outcomes.add(crosses(other, one, subject))
        if outcome in outcomes:
            break
    assert outcome in outcomes


@pytest.mark.parametrize(
    ("word", "outcome"),
    [("import", True), ("export", False)],
)
def test_a_denied_subject_and_who_subscribes_to_more(word: str, outcome: bool, tmp_path: Path) -> None:
    """`import` looks at subscriptions alone, and `>` is not `local.>`; `export` looks at messages, too."""
    outcomes = set()
    for attempt in range(1 if outcome else 4):  # a race, as above
        with pair(tmp_path / str(attempt), {word: {"deny": ["local.>"]}}) as (first, second, ports):
            one = connected(ports[0], first, "web", "one")
            other = connected(ports[1], second, "web", "one")
            with one, other:
                outcomes.add("local.1" in messages(one, other, ["local.1", "end"]))
        if outcome in outcomes:
            break
    assert outcome in outcomes


def messages(sender: Any, receiver: Any, subjects: Sequence[str]) -> set[str]:
    """Return which subjects reach who subscribes to everything, until the last one does."""
    receiver.subscribe(">")
    assert receiver.flush() == []
    seen: set[str] = set()
    end = time.monotonic() + 5
    while subjects[-1] not in seen and time.monotonic() < end:
        for subject in subjects:
            sender.publish(subject, b"1")
        assert sender.flush() == []
        while (message := receiver.wait_for(lambda _: True, Deadline(0.1))) is not None:
            seen.add(message.subject)
    assert subjects[-1] in seen
    return seen


def test_no_permissions_are_no_words() -> None:
    assert "cluster-permission-system" not in codes(
        with_head("server: {cluster: {name: eu, permissions: {}}}")
    )
