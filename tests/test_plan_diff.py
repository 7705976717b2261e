"""What differs between two sets of claims: nothing is passed over, and nothing is made up."""

from __future__ import annotations

import base64
import json
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support.golden import GOLDEN, NOW, SOUND, tree
from support.plans import copied, desired_of, held_of, pair, token_of, wanted

from natsbackend.claims.codec import Token, canonical_json, read_unverified
from natsbackend.keys import KeyRole
from natsbackend.plan.account_words import account_changes
from natsbackend.plan.diff import diff, operator_diff, strangers
from natsbackend.plan.naming import Names
from natsbackend.plan.operator_words import operator_changes
from natsbackend.plan.payloads import held_digest, held_payload
from natsbackend.plan.values import Action, Change, Desired, Impact, Snapshot
from natsbackend.project import Project

Step = str | int
ISSUER = pair(KeyRole.OPERATOR, 1)
WEB, TELEMETRY = pair(KeyRole.ACCOUNT, 2), pair(KeyRole.ACCOUNT, 3)


@cache
def of(folder: Path) -> tuple[Desired, Snapshot]:
    made = tree(folder, Project(Path("/nonexistent")))
    return desired_of(made), held_of(made)


@pytest.fixture(params=SOUND, ids=lambda folder: folder.name)
def both(request: pytest.FixtureRequest) -> tuple[Desired, Snapshot]:
    return of(request.param)


def retold(token: Token, payload: dict[str, Any]) -> Token:
    """Return a token with another payload; nobody here looks at its signature."""
    body = base64.urlsafe_b64encode(canonical_json(payload)).decode().rstrip("=")
    head, _, rest = token.text.partition(".")
    return read_unverified(f"{head}.{body}.{rest.partition('.')[2]}")


def leaves(value: object, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, (*path, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from leaves(each, (*path, number))
    else:
        yield path


def objects(value: object, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Every object whose members have fixed names."""
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from objects(each, (*path, number))
    elif isinstance(value, dict):
        if not path or path[-1] not in ("revocations", "mappings", "tiered_limits"):
            yield path
        for name, each in value.items():
            yield from objects(each, (*path, name))


def at(value: Any, path: tuple[Step, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def another(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 7
    return f"{value}x"


def meaningful(payload: dict[str, Any]) -> Iterator[tuple[Step, ...]]:
    return (path for path in leaves(payload) if path not in (("sub",), ("iat",), ("jti",)))


def told(names: Names, before: Token, after: dict[str, Any]) -> list[Change]:
    changes = operator_changes if before.kind == "operator" else account_changes
    kept = {name: value for name, value in after.items() if name not in ("iat", "jti")}
    return [*changes(held_payload(before), kept, names)]


def tokens(held: Snapshot) -> Iterator[Token]:
    yield from held.operators
    yield from held.accounts.values()


def test_a_target_that_holds_what_is_wanted_differs_in_nothing(both: tuple[Desired, Snapshot]) -> None:
    desired, held = both
    assert diff(desired, held) == ()
    assert operator_diff(desired, held) == ((), ())
    assert strangers(desired, held) == ()


def test_words_alone_find_nothing_either(both: tuple[Desired, Snapshot]) -> None:
    """Without the digests every word is compared."""
    desired, held = both
    assert diff(replace(desired, accounts=tuple(replace(a, digest="") for a in desired.accounts)), held) == ()


def test_the_digest_of_a_held_token_is_that_of_its_claims(both: tuple[Desired, Snapshot]) -> None:
    desired, held = both
    for each in desired.accounts:
        assert held_digest(held.accounts[each.unsigned.claims.subject]) == each.digest


def test_every_leaf_that_is_another_is_a_change(both: tuple[Desired, Snapshot]) -> None:
    desired, held = both
    names = Names(desired, held)
    for token in tokens(held):
        original = copied(token.claims)
        for path in meaningful(original):
            changed = copied(original)
            at(changed, path[:-1])[path[-1]] = another(at(changed, path))
            assert told(names, token, changed), path


def test_every_leaf_that_goes_or_comes_is_a_change(both: tuple[Desired, Snapshot]) -> None:
    """A member that is empty, 0 or false is to the server as if it were not there (Go library, omitempty)."""
    desired, held = both
    names = Names(desired, held)
    for token in tokens(held):
        original = copied(token.claims)
        for path in meaningful(original):
            changed = copied(original)
            value = at(changed, path)
            del at(changed, path[:-1])[path[-1]]
            says_default = any(
                path[-len(told_at) :] == told_at and value == said for told_at, said in DEFAULTS
            )
            assert bool(told(names, token, changed)) is not (value in ("", 0, False) or says_default), path
            back = told(names, retold(token, changed), original)
            assert bool(back) is not (value in ("", 0, False) or says_default), path


DEFAULTS = (
    (("response_type",), "Singleton"),
    (("weight",), 100),
    (("trace", "sampling"), 100),
    (("service_latency", "sampling"), "headers"),
)
"""Members that say what the server would assume without them."""


def test_what_nobody_knows_is_told_by_its_path(both: tuple[Desired, Snapshot]) -> None:
    desired, held = both
    names = Names(desired, held)
    for token in tokens(held):
        original = copied(token.claims)
        for path in objects(original):
            changed = copied(original)
            at(changed, path)["a_later_word"] = {"x": [1]}
            changes = told(names, token, changed)
            assert len(changes) in (1, 2), path  # an element that is a whole value comes and goes
            assert "a_later_word" in f"{changes[-1].word}{changes[-1].after}", (path, changes)


WITHOUT_ORDER = frozenset(
    {
        "imports",
        "exports",
        "signing_keys",
        "allow",
        "deny",
        "tags",
        "src",
        "times",
        "allowed_connection_types",
    }
    | {"auth_users", "allowed_accounts"}
)


def test_order_that_means_nothing_is_no_change(both: tuple[Desired, Snapshot]) -> None:
    desired, held = both
    names = Names(desired, held)
    chance = random.Random(4)

    def shuffled(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            items = list(value.items())
            chance.shuffle(items)
            return {key: shuffled(each, key) for key, each in items}
        if isinstance(value, list):
            items = [shuffled(each) for each in value]
            if name in WITHOUT_ORDER:
                chance.shuffle(items)
            return items
        return value

    for token in tokens(held):
        assert told(names, token, shuffled(copied(token.claims))) == []


def one_account(before: dict[str, object], after: dict[str, object]) -> tuple[Change, ...]:
    """Return how an account `web` changes, with another one, `telemetry`, beside it."""
    limits = {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": True}
    base: dict[str, object] = {"limits": {**limits, "conn": -1, "leaf": -1}}
    new = wanted("web", {**base, **after}, key=WEB, issuer=ISSUER)
    old = wanted("web", {**base, **before}, key=WEB, issuer=ISSUER)
    other = wanted("telemetry", base, key=TELEMETRY, issuer=ISSUER)
    desired = Desired(operator=new.unsigned, accounts=(new, other), system_account="", names={})
    accounts = {each.unsigned.claims.subject: token_of(each, ISSUER) for each in (old, other)}
    (found,) = diff(desired, Snapshot(source="x", accounts=accounts))
    assert (found.name, found.action, found.held_iat) == ("web", Action.CHANGED, NOW)
    return found.changes


def test_limits_are_written_as_in_a_spec() -> None:
    limits = {"conn": 5, "payload": 64 * 1024, "subs": -1, "disk_storage": 10 * 1024**3, "streams": -1}
    changes = one_account({}, {"limits": limits})
    assert (
        Change(where="limits", word="connections", action=Action.CHANGED, before="unlimited", after="5")
        in changes
    )
    assert (
        Change(where="limits", word="payload", action=Action.CHANGED, before="unlimited", after="64KiB")
        in changes
    )
    assert (
        Change(where="limits", word="leaf_nodes", action=Action.CHANGED, before="unlimited", after="0")
        in changes
    )
    assert (
        Change(where="jetstream", word="", action=Action.ADDED, after="{disk: 10GiB, consumers: 0}")
        in changes
    )


def test_subjects_that_come_and_go_are_told_one_by_one() -> None:
    def role(*subjects: str) -> dict[str, object]:
        template = {
            "pub": {"deny": [">"]},
            "sub": {"allow": [*subjects]},
            "subs": -1,
            "data": -1,
            "payload": -1,
        }
        scope = {"kind": "user_scope", "key": TELEMETRY.public, "role": "viewer", "template": template}
        return {"signing_keys": [{**scope, "description": ""}]}

    assert one_account(role("a.>", "b"), role("c", "a.>")) == (
        Change(where="roles: viewer", word="subscribe", action=Action.REMOVED, before="b"),
        Change(where="roles: viewer", word="subscribe", action=Action.ADDED, after="c"),
    )
    assert one_account(role("a.>"), role()) == (
        Change(
            where="roles: viewer", word="subscribe", action=Action.CHANGED, before="[a.>]", after="everything"
        ),
    )


def test_imports_name_their_exporter_and_hide_their_activation() -> None:
    taken = {"name": "s.>", "subject": "s.>", "account": TELEMETRY.public, "type": "stream"}
    tokens_ = ({}, {"token": "eyJsecret.one.x"}, {"token": "eyJsecret.two.x"})
    none, first, second = ({"imports": [{**taken, **token}]} for token in tokens_)
    label = "imports: stream s.> from telemetry"
    assert one_account({}, none) == (Change(where=label, word="", action=Action.ADDED),)
    assert one_account(none, first) == (
        Change(where=label, word="activation", action=Action.ADDED, after="present"),
    )
    assert one_account(first, second) == (
        Change(
            where=label,
            word="activation",
            action=Action.CHANGED,
            before="present",
            after="present, another one",
        ),
    )


def test_an_account_of_others_has_the_name_that_the_spec_gives_it() -> None:
    new = wanted("web", {}, key=WEB, issuer=ISSUER)
    token = token_of(wanted("what it calls itself", {}, key=TELEMETRY, issuer=ISSUER), ISSUER)
    held = Snapshot(source="x", accounts={TELEMETRY.public: token})
    desired = Desired(operator=new.unsigned, accounts=(new,), system_account="", names={})
    assert Names(desired, held).account(TELEMETRY.public) == "what it calls itself"
    assert Names(desired, Snapshot(source="x", accounts={})).account(TELEMETRY.public).startswith("A")
    named = replace(desired, outside={TELEMETRY.public: "accounts/partner"})
    assert Names(named, held).account(TELEMETRY.public) == "partner"


def test_a_new_account_and_one_that_goes() -> None:
    new = wanted("web", {"limits": {"conn": -1}, "description": "x"}, key=WEB, issuer=ISSUER)
    gone = token_of(wanted("old", {}, key=TELEMETRY, issuer=ISSUER), ISSUER)
    desired = Desired(operator=new.unsigned, accounts=(new,), system_account="", names={})
    held = Snapshot(source="x", accounts={TELEMETRY.public: gone}, is_live=True)
    (added,) = diff(desired, held)
    assert (added.name, added.action) == ("web", Action.ADDED)
    assert Change(where="", word="description", action=Action.ADDED, after="x") in added.changes
    assert strangers(desired, held) == (gone,)
    _, removed = diff(replace(desired, owned=frozenset((TELEMETRY.public,))), held)
    assert (removed.name, removed.action, removed.is_pruned) == ("old", Action.REMOVED, True)
    assert removed.consequences[0].impact is Impact.DISCONNECTS


def test_only_the_signer_may_differ() -> None:
    other = pair(KeyRole.OPERATOR, 9)
    new = wanted("web", {"limits": {"conn": -1}}, key=WEB, issuer=ISSUER)
    old = wanted("web", {"limits": {"conn": -1}}, key=WEB, issuer=other)
    names = {ISSUER.public: "operator/signing/main"}
    desired = Desired(operator=new.unsigned, accounts=(new,), system_account="", names=names)
    (found,) = diff(desired, Snapshot(source="x", accounts={WEB.public: token_of(old, other)}))
    assert [(each.word, each.after) for each in found.changes] == [("signed by", "operator/signing/main")]


def test_ten_thousand_equal_accounts_are_compared_at_the_cost_of_a_digest_each() -> None:
    desired, held = of(GOLDEN / "002-every-word")
    account = max(desired.accounts, key=lambda each: len(held.accounts[each.unsigned.claims.subject].text))
    token = held.accounts[account.unsigned.claims.subject]
    start = time.process_time()
    for _ in range(10_000):
        assert held_digest(token) == account.digest
    assert time.process_time() - start < 2  # 0.15 s on an idle machine


def test_members_in_another_order_have_another_digest_and_no_difference() -> None:
    desired, held = of(GOLDEN / "018-sharing")
    names = Names(desired, held)
    for key, token in held.accounts.items():
        turned = retold(token, json.loads(json.dumps(token.claims, sort_keys=True)))
        assert told(names, turned, copied(token.claims)) == []
        assert diff(desired, replace(held, accounts={**held.accounts, key: turned})) == ()
