"""What a plan says of those who are connected, and of importers, held against a real nats-server.

Each test pushes one account alone and looks at what it does: to a service's importers that are not pushed with it, and
to connections that are open.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from support.plans import copied, desired_of, held_of
from support.running import HOST, TIMEOUT, Running, running

from natsbackend.claims.codec import Claims, TokenKind, decode, sign
from natsbackend.live.parser import Message
from natsbackend.live.wire import Connection, Deadline, Disconnected, connect_tcp
from natsbackend.model.entities import Target
from natsbackend.plan.diff import diff
from natsbackend.plan.problems import find_problems
from natsbackend.plan.values import AccountChange, Action, Desired, Impact, Snapshot
from natsbackend.resolvers.interface import AccountPush
from natsbackend.workflow.opening import open_spec
from natsbackend.workflow.push import pushing

SPEC = """\
version: 1
operator: {name: acme}
accounts:
  back:
    exports:
      - {service: svc.get}
      - {service: slow, response_threshold: 400ms}
      - {stream: events.>}
    users:
      worker: {respond: [svc.get, slow], allow_responses: {max: 5}, publish: [events.>], subscribe: [lat.>]}
  front:
    imports:
      - {from: back, service: svc.get}
      - {from: back, service: slow}
      - {from: back, stream: events.>}
    users: {asks: {request: [svc.get, slow], subscribe: [events.>]}}
    roles: {viewer: {subscribe: [a.>, b.>]}}
"""
SOON = 0.3


@dataclass(slots=True, kw_only=True)
class Pushed:
    """A server, and what was pushed to it last."""

    live: Running
    desired: Desired
    held: Snapshot
    issued: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def plan(self, account: str, **changed: object) -> dict[str, AccountChange]:
        """Say what a push of an account with other claims would do; nothing is pushed."""
        return {each.name: each for each in diff(self._wanting(account, changed), self.held)}

    def problems(self, account: str, **changed: object) -> list[str]:
        want = self._wanting(account, changed)
        return [each.code for each in find_problems(want, self.held, diff(want, self.held))]

    def push(self, account: str, **changed: object) -> None:
        """Push an account alone, with other claims."""
        self.desired = self._wanting(account, changed)
        (wanted,) = (each for each in self.desired.accounts if each.name == account)
        claims, issuer = wanted.unsigned.claims, self.live.key_of("operator/signing/main")
        jwt = sign(claims, issuer, self.live.now + next(self.issued))
        target = Target(name="test", urls=(f"nats://{HOST}:{self.live.port}",), servers=1)
        with pushing(self.live.tree, target, now=self.live.now) as resolver:
            (result,) = resolver.push(
                (AccountPush(account=claims.subject, jwt=jwt, name=account),), expected=1
            )
        assert (result.refused, len(result.stored)) == ({}, 1)
        self.held = replace(self.held, accounts={**self.held.accounts, claims.subject: decode(jwt)})

    def nats(self, account: str) -> dict[str, Any]:
        (wanted,) = (each for each in self.desired.accounts if each.name == account)
        found: dict[str, Any] = copied(wanted.unsigned.claims.nats)
        return found

    def export(self, of: str, /, **changed: object) -> list[dict[str, Any]]:
        """Return the exports of `back` with one of them changed."""
        return [e | changed if e["subject"] == of else e for e in self.nats("back")["exports"]]

    def connect(self, account: str, user: str) -> Connection:
        found = self.live.tree.backend.accounts[account]
        return self.live.connect(found, found.users[user])

    def ask(self, subject: str, *answers: bytes, after: float = 0) -> list[bytes]:
        """Ask a service, let it answer after a time, and return what comes in."""
        with self.connect("back", "worker") as worker, self.connect("front", "asks") as front:
            worker.subscribe(subject)
            assert worker.flush() == []
            front.subscribe("_INBOX.@asks.>")
            front.publish(subject, b"?", reply="_INBOX.@asks.1")
            assert front.flush() == []
            request = arrival(worker, SOON)
            if request is None:
                return []
            time.sleep(after)
            for answer in answers:
                worker.publish(str(request.reply), answer)
            assert worker.flush() == []
            found = []
            while (message := arrival(front, SOON)) is not None:
                found.append(message.payload)
            return found

    def measured(self) -> list[str]:
        """Ask `svc.get`, and return the subjects on which its latency is told."""
        with self.connect("back", "worker") as watcher:
            watcher.subscribe("lat.>")
            assert watcher.flush() == []
            assert self.ask("svc.get", b"1") == [b"1"]
            told = []
            while (message := arrival(watcher, SOON)) is not None:
                told.append(message.subject)
            return told

    def _wanting(self, account: str, changed: dict[str, object]) -> Desired:
        def with_it(each: Any) -> Any:
            if each.name != account:
                return each
            old = each.unsigned.claims
            claims = Claims(
                kind=TokenKind.ACCOUNT, subject=old.subject, name=old.name, nats={**old.nats, **changed}
            )
            return replace(each, unsigned=replace(each.unsigned, claims=claims), digest="")

        return replace(self.desired, accounts=tuple(with_it(each) for each in self.desired.accounts))


def arrival(connection: Connection, seconds: float = TIMEOUT) -> Message | None:
    return connection.wait_for(lambda _: True, Deadline(seconds))


@contextmanager
def on_server(directory: Path) -> Iterator[Pushed]:
    (directory / "natsbackend.yaml").write_text(SPEC)
    with running(open_spec(str(directory / "natsbackend.yaml")), directory) as live:
        yield Pushed(live=live, desired=desired_of(live.tree), held=held_of(live.tree))


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pushed]:
    with on_server(tmp_path_factory.mktemp("plans")) as pushed:
        yield pushed


@pytest.fixture
def pushed(started: Pushed) -> Iterator[Pushed]:
    """A server on which everything is as the spec has it, when the test begins and when it ends."""
    original = started.desired
    yield started
    started.desired = original
    for account in ("back", "front"):
        started.push(account)


def renewed(plan: dict[str, AccountChange]) -> list[str]:
    return [each.name for each in plan.values() if each.action is Action.RENEWED]


def impacts(change: AccountChange) -> list[Impact]:
    return [each.impact for each in change.consequences]


def test_a_response_type_reaches_importers_only_when_they_are_pushed_again(pushed: Pushed) -> None:
    exports = pushed.export("svc.get", response_type="Stream")
    plan = pushed.plan("back", exports=exports)
    assert renewed(plan) == ["front"]
    assert pushed.ask("svc.get", b"1", b"2") == [b"1"]
    (why,) = plan["front"].because
    assert (
        why
        == 'the response type of service svc.get, which it imports from "back", changes from singleton to stream'
    )
    pushed.push("back", exports=exports)
    assert pushed.ask("svc.get", b"1", b"2") == [b"1"]
    pushed.push("front")
    assert pushed.ask("svc.get", b"1", b"2") == [b"1", b"2"]


def test_latency_reaches_importers_by_itself(pushed: Pushed) -> None:
    assert pushed.measured() == []
    first = pushed.export("svc.get", service_latency={"sampling": 100, "results": "lat.one"})
    elsewhere = pushed.export("svc.get", service_latency={"sampling": 100, "results": "lat.two"})
    for exports, told in ((first, ["lat.one"]), (elsewhere, ["lat.two"]), (pushed.export("svc.get"), [])):
        assert renewed(pushed.plan("back", exports=exports)) == []
        pushed.push("back", exports=exports)
        assert pushed.measured() == told


def test_an_export_that_goes_and_comes_back_reaches_importers_by_itself(pushed: Pushed) -> None:
    original = pushed.nats("back")["exports"]
    without = [e for e in original if e["subject"] != "svc.get"]
    assert renewed(pushed.plan("back", exports=without)) == []
    assert pushed.problems("back", exports=without) == ["import-not-offered"]
    pushed.push("back", exports=without)
    assert pushed.ask("svc.get", b"1") == []
    assert renewed(pushed.plan("back", exports=original)) == []
    pushed.push("back", exports=original)
    assert pushed.ask("svc.get", b"1") == [b"1"]


def test_an_export_that_becomes_private_and_public_again_reaches_importers_by_itself(pushed: Pushed) -> None:
    private = pushed.export("svc.get", token_req=True)
    assert renewed(pushed.plan("back", exports=private)) == []
    assert pushed.problems("back", exports=private) == ["import-not-offered"]
    pushed.push("back", exports=private)
    assert pushed.ask("svc.get", b"1") == []
    pushed.push("back", exports=pushed.export("svc.get", token_req=False))
    assert pushed.ask("svc.get", b"1") == [b"1"]


def test_an_export_of_more_reaches_importers_by_itself_and_one_with_the_importers_key_shuts_them_out(
    pushed: Pushed,
) -> None:
    wider = pushed.export("svc.get", subject="svc.*")
    assert renewed(pushed.plan("back", exports=wider)) == []
    pushed.push("back", exports=wider)
    assert pushed.ask("svc.get", b"1") == [b"1"]
    keyed = pushed.export("svc.*", account_token_position=2)
    assert pushed.problems("back", exports=keyed) == ["import-not-offered"]
    pushed.push("back", exports=keyed)
    assert pushed.ask("svc.get", b"1") == []


def test_a_response_threshold_holds_only_where_the_account_was_loaded_with_it(tmp_path: Path) -> None:
    """An import keeps the export that it was made with: the old threshold holds until the importer is pushed, too."""
    late = 1.5
    with on_server(tmp_path) as fresh:
        assert fresh.ask("slow", b"1", after=late) == []
        longer = fresh.export("slow", response_threshold=10_000_000_000)
        plan = fresh.plan("back", exports=longer)
        assert impacts(plan["back"]) == [Impact.NOT_EFFECTIVE]
        assert impacts(fresh.plan("back", description="x")["back"]) == [Impact.NOT_EFFECTIVE]
        fresh.push("back", exports=longer)
        assert fresh.ask("slow", b"1", after=late) == []
        fresh.push("front")
        assert fresh.ask("slow", b"1", after=late) == [b"1"]
        fresh.push("back", exports=fresh.export("slow", response_threshold=400_000_000))
        fresh.push("front")
        assert fresh.ask("slow", b"1", after=late) == [b"1"]


def test_a_scope_that_changes_ends_connections_and_the_same_token_gets_in_again(pushed: Pushed) -> None:
    live = pushed.live
    account = live.tree.backend.accounts["front"]
    login = live.signer().mint(account, account.roles["viewer"], name="alice", now=live.now)

    def alice() -> Connection:
        return connect_tcp(HOST, live.port, jwt=login.jwt, key=login.key, timeout=TIMEOUT)

    (scope,) = (each for each in pushed.nats("front")["signing_keys"] if isinstance(each, dict))
    plain = [each for each in pushed.nats("front")["signing_keys"] if isinstance(each, str)]
    turned = {**scope, "template": {**scope["template"], "sub": {"allow": ["b.>", "a.>"]}}}
    assert pushed.plan("front", signing_keys=[*plain, turned]) == {}  # the order alone is no change
    for changed in ({**scope, "description": "x"}, {**turned, "description": "y"}):
        plan = pushed.plan("front", signing_keys=[*plain, changed])
        assert impacts(plan["front"]) == [Impact.DISCONNECTS]
        with alice() as connection, pushed.connect("front", "asks") as other:
            pushed.push("front", signing_keys=[*plain, changed])
            with pytest.raises(Disconnected) as ended:
                connection.wait_for(lambda _: False, Deadline(TIMEOUT))
            assert ended.value.error == "the server closed the connection"  # no word of its own
            assert other.flush() == []
        alice().close()


def test_an_order_alone_ends_connections_when_something_else_is_pushed(pushed: Pushed) -> None:
    """The server compares lists in their order, so a plan that pushes another word says what the order does."""
    keys = pushed.nats("front")["signing_keys"]
    turned = [
        each
        if isinstance(each, str)
        else {**each, "template": {**each["template"], "sub": {"allow": ["b.>", "a.>"]}}}
        for each in keys
    ]
    plan = pushed.plan("front", signing_keys=turned, description="new")
    assert impacts(plan["front"]) == [Impact.DISCONNECTS]


def limited(pushed: Pushed, **changed: object) -> dict[str, object]:
    return {**pushed.nats("front")["limits"], **changed}


@pytest.mark.parametrize(("limit", "value"), [("conn", 1), ("subs", 1), ("disallow_bearer", True)])
def test_limits_that_are_lowered_end_connections(pushed: Pushed, limit: str, value: object) -> None:
    limits = limited(pushed, **{limit: value})
    assert impacts(pushed.plan("front", limits=limits)["front"]) == [Impact.DISCONNECTS]
    with pushed.connect("front", "asks") as first, pushed.connect("front", "asks") as second:
        for subject in ("_INBOX.@asks.one", "_INBOX.@asks.two"):
            second.subscribe(subject)
        assert (first.flush(), second.flush()) == ([], [])
        pushed.push("front", limits=limits)
        ended = pytest.raises(Disconnected) if limit != "disallow_bearer" else contextlib.nullcontext()
        with ended:  # nobody here has a bearer token
            second.wait_for(lambda _: False, Deadline(SOON))
        assert first.flush() == []


def test_a_limit_that_is_raised_means_nothing_to_anybody(pushed: Pushed) -> None:
    pushed.push("front", limits=limited(pushed, conn=5))
    assert impacts(pushed.plan("front", limits=limited(pushed, conn=-1))["front"]) == []


def test_an_import_that_goes_falls_silent_and_the_connection_stays(pushed: Pushed) -> None:
    imports = [each for each in pushed.nats("front")["imports"] if each["type"] == "service"]
    plan = pushed.plan("front", imports=imports)
    assert impacts(plan["front"]) == [Impact.REFUSES]
    with pushed.connect("front", "asks") as front, pushed.connect("back", "worker") as worker:
        front.subscribe("events.>")
        assert front.flush() == []
        worker.publish("events.1")
        assert arrival(front) is not None
        pushed.push("front", imports=imports)
        worker.publish("events.2")
        assert arrival(front, SOON) is None
        assert front.flush() == []


def test_a_revoked_user_is_disconnected_and_nobody_else(pushed: Pushed) -> None:
    account = pushed.live.tree.backend.accounts["front"]
    public = pushed.live.tree.lock.keyring()[account.users["asks"].path]
    revoked = {public: pushed.live.now + 100}
    plan = pushed.plan("front", revocations=revoked)
    (said,) = plan["front"].consequences
    assert (said.impact, said.text.startswith('"asks" is disconnected')) == (Impact.DISCONNECTS, True)
    with pushed.connect("front", "asks") as asks, pushed.connect("back", "worker") as worker:
        pushed.push("front", revocations=revoked)
        with pytest.raises(Disconnected, match="Revoked"):
            asks.wait_for(lambda _: False, Deadline(TIMEOUT))
        assert worker.flush() == []
    (said,) = pushed.plan("front", revocations={})["front"].consequences
    assert (said.impact, "good again" in said.text) == (Impact.NOTE, True)
