"""What the words of exports and imports do on a real nats-server, each beside its opposite."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.golden import GOLDEN, opened
from support.running import HOST, TIMEOUT, Running, running

from natsbackend.claims.codec import Claims, TokenKind, read_unverified, sign
from natsbackend.live.parser import Message
from natsbackend.live.wire import Connection, Deadline
from natsbackend.model.entities import Target
from natsbackend.resolvers.interface import AccountPush, PushResult
from natsbackend.workflow.push import pushing

SOON = 0.5
LATER = itertools.count(1)
"""Seconds after the first push; a resolver keeps the newer JWT."""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(opened(GOLDEN / "018-sharing"), tmp_path_factory.mktemp("sharing")) as started:
        yield started


def connect(live: Running, account: str, user: str) -> Connection:
    found = live.tree.backend.accounts[account]
    return live.connect(found, found.users[user])


def key(live: Running, account: str) -> str:
    return live.tree.lock.keyring()[live.tree.backend.accounts[account].path]


def arrival(connection: Connection, seconds: float = TIMEOUT) -> Message | None:
    return connection.wait_for(lambda _: True, Deadline(seconds))


def smuggle(live: Running, account: str, **changed: object) -> PushResult:
    """Push an account with claims that the tool would not make, signed by the operator."""
    old = read_unverified(live.tree.tokens[live.tree.backend.accounts[account].path])
    inner = {name: value for name, value in old.nats.items() if name not in ("type", "version")}
    # in the order of the wire: imports come first
    claims = Claims(
        kind=TokenKind.ACCOUNT, subject=old.subject, name=account, nats={**changed, **inner, **changed}
    )
    token = sign(claims, live.key_of("operator/signing/main"), old.issued_at + next(LATER))
    target = Target(name="test", urls=(f"nats://{HOST}:{live.port}",), servers=1)
    with pushing(live.tree, target, now=live.now) as resolver:
        (result,) = resolver.push((AccountPush(account=old.subject, jwt=token, name=account),), expected=1)
    return result


def restore(live: Running, account: str) -> None:
    """Push an account as it was, but newer."""
    assert smuggle(live, account).problems() == ()


def imports_of(live: Running, account: str) -> list[dict[str, Any]]:
    token = read_unverified(live.tree.tokens[live.tree.backend.accounts[account].path])
    found: Any = token.nats["imports"]
    return [dict(each) for each in found]


def test_a_request_arrives_with_the_key_of_the_account_that_asks(live: Running) -> None:
    with (
        connect(live, "back", "worker") as worker,
        connect(live, "front", "asks") as front,
        connect(live, "side", "asks") as side,
    ):
        worker.subscribe("jobs.*.add.*")
        assert worker.flush() == []
        for connection, subject, account in (
            (front, "jobs.add.x", "front"),
            (side, "back.x", "side"),
        ):
            connection.publish(subject, b"do it", reply="_INBOX.@asks.1")
            assert connection.flush() == []
            message = arrival(worker)
            assert message is not None
            assert message.subject == f"jobs.{key(live, account)}.add.x"


def test_events_for_one_account_do_not_reach_another(live: Running) -> None:
    with (
        connect(live, "back", "worker") as worker,
        connect(live, "front", "asks") as front,
        connect(live, "side", "asks") as side,
    ):
        front.subscribe("events.>")
        side.subscribe("back.events.>")
        assert (front.flush(), side.flush()) == ([], [])
        worker.publish(f"events.{key(live, 'front')}.news", b"for front")
        assert worker.flush() == []
        message = arrival(front)
        assert message is not None
        assert (message.subject, message.payload) == ("events.news", b"for front")
        assert arrival(side, SOON) is None


def test_an_import_of_another_accounts_space_is_dropped(live: Running) -> None:
    imports = imports_of(live, "side")
    stream = next(each for each in imports if each["type"] == "stream")
    stream["subject"] = f"events.{key(live, 'front')}.>"
    with connect(live, "back", "worker") as worker, connect(live, "side", "asks") as side:
        side.subscribe("back.events.>")
        assert side.flush() == []
        try:
            assert smuggle(live, "side", imports=imports).problems() != ()
            worker.publish(f"events.{key(live, 'front')}.news")
            assert worker.flush() == []
            assert arrival(side, SOON) is None
        finally:
            restore(live, "side")


def ask(live: Running, subject: str, answers: tuple[bytes, ...], account: str = "front") -> list[bytes]:
    """Ask a service, let the worker send these answers, and return what comes in."""
    with connect(live, "back", "worker") as worker, connect(live, account, "asks") as front:
        worker.subscribe(subject)
        assert worker.flush() == []
        front.subscribe("_INBOX.@asks.>")
        front.publish(subject, b"?", reply="_INBOX.@asks.1")
        assert front.flush() == []
        request = arrival(worker)
        assert request is not None
        assert request.reply is not None
        for answer in answers:
            worker.publish(request.reply, answer)
        assert worker.flush() == []
        found = []
        while (message := arrival(front, SOON)) is not None:
            found.append(message.payload)
        return found


def test_a_service_answers_as_often_as_its_response_says(live: Running) -> None:
    answers = (b"1", b"2", b"")
    assert ask(live, "one", answers) == [b"1"]
    assert ask(live, "many", answers) == [b"1", b"2", b""]
    assert ask(live, "parts", answers) == [b"1", b"2", b""]


@pytest.mark.parametrize(("account", "names_client"), [("front", True), ("side", False)])
def test_a_latency_is_measured_and_names_the_client_where_the_import_shares_it(
    live: Running, account: str, names_client: bool
) -> None:
    with connect(live, "back", "worker") as watcher:
        watcher.subscribe("latency.>")
        assert watcher.flush() == []
        assert ask(live, "one", (b"1",), account) == [b"1"]
        message = arrival(watcher)
        assert message is not None
        assert message.subject == "latency.one"
        measured = json.loads(message.payload)
        assert measured["status"] == 200
        assert ("name" in measured["requestor"]) is names_client


def test_a_latency_sampled_by_header_needs_the_header(live: Running) -> None:
    with connect(live, "back", "worker") as watcher:
        watcher.subscribe("latency.>")
        assert watcher.flush() == []
        assert ask(live, "traced", (b"1",)) == [b"1"]
        assert arrival(watcher, SOON) is None
