"""What differs between two accounts: everything that a server could tell apart, in the words of the spec."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from natsbackend.plan.account_facts import account_facts, operator_facts
from natsbackend.plan.compare import compare
from natsbackend.plan.facts import Names
from natsbackend.plan.values import Action, Change

GOLDEN = Path(__file__).parent / "golden"
NOBODY = Names({})
UNORDERED = {
    "allow",
    "deny",
    "exports",
    "imports",
    "signing_keys",
    "tags",
    "src",
    "times",
    "auth_users",
    "allowed_accounts",
}


def accounts() -> list[Any]:
    """Return the payload of every account of the golden specs."""
    found = []
    for file in sorted(GOLDEN.glob("*/claims.json")):
        claims = json.loads(file.read_text(encoding="utf-8"))
        for path, payload in claims.items():
            if path.startswith("accounts/") and path.count("/") == 1:
                payload["iss"] = payload.pop("signed by")
                found.append(payload)
    return found


ACCOUNTS = accounts()


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a payload that holds no list and no object."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, (*path, name))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from leaves(member, (*path, number))
    else:
        yield path


def changed(payload: Any, path: tuple[Any, ...]) -> Any:
    """Return a payload in which one leaf is another."""
    out = copy.deepcopy(payload)
    inner = out
    for step in path[:-1]:
        inner = inner[step]
    old = inner[path[-1]]
    inner[path[-1]] = not old if isinstance(old, bool) else old + 1 if isinstance(old, int) else f"{old}x"
    return out


def shuffled(value: Any, seed: int, name: str = "") -> Any:
    """Return a payload with every list in another order that means the same in any order."""
    if isinstance(value, dict):
        items = [(key, shuffled(member, seed, key)) for key, member in value.items()]
        random.Random(seed).shuffle(items)
        return dict(items)
    if isinstance(value, list):
        out = [shuffled(member, seed) for member in value]
        if name in UNORDERED:
            random.Random(seed).shuffle(out)
        return out
    return value


def differences(before: Any, after: Any, names: Names = NOBODY) -> tuple[Change, ...]:
    return compare(account_facts(before, names), account_facts(after, names))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_whatever_changes_is_a_change(data: st.DataObject) -> None:
    payload = data.draw(st.sampled_from(ACCOUNTS))
    path = data.draw(st.sampled_from([p for p in leaves(payload) if p[-1] not in ("type", "version", "sub")]))
    assert differences(payload, changed(payload, path)) != (), path


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(ACCOUNTS), st.integers())
def test_an_order_that_means_nothing_is_no_change(payload: Any, seed: int) -> None:
    assert differences(payload, shuffled(payload, seed)) == ()


BASE: dict[str, Any] = {
    "name": "web",
    "iss": "O",
    "sub": "A",
    "nats": {"limits": {"conn": -1, "wildcards": True}},
}


def with_nats(**members: Any) -> dict[str, Any]:
    return {**BASE, "nats": {**BASE["nats"], **members}}


NAMES = Names({"AB": "accounts/back", "AR": "accounts/web/roles/viewer", "UC": "accounts/web/users/clerk"})
ROLE = {
    "kind": "user_scope",
    "key": "AR",
    "role": "viewer",
    "template": {"pub": {"deny": [">"]}, "sub": {"allow": ["a"]}},
}

ASKED = Change(
    where="exports: service q", word="response", action=Action.CHANGED, before="singleton", after="stream"
)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            {"limits": {"conn": -1, "payload": 1024}},
            {"limits": {"conn": 5, "payload": 1 << 20}},
            [
                Change(
                    where="limits", word="connections", action=Action.CHANGED, before="unlimited", after="5"
                ),
                Change(where="limits", word="payload", action=Action.CHANGED, before="1KiB", after="1MiB"),
            ],
        ),
        (
            {},
            {"imports": [{"name": "a.>", "subject": "a.>", "account": "AB", "type": "stream"}]},
            [Change(where="imports: stream a.> from back", word="", action=Action.ADDED)],
        ),
        (
            {"exports": [{"name": "q", "subject": "q", "type": "service", "response_type": "Singleton"}]},
            {"exports": [{"name": "q", "subject": "q", "type": "service", "response_type": "Stream"}]},
            [ASKED],
        ),
        (
            {"signing_keys": [ROLE]},
            {"signing_keys": [{**ROLE, "template": {"pub": {"allow": ["x"]}, "sub": {"allow": ["a", "b"]}}}]},
            [
                Change(
                    where="roles: viewer",
                    word="publish",
                    action=Action.CHANGED,
                    before="nothing",
                    after="[x]",
                ),
                Change(where="roles: viewer", word="subscribe", action=Action.ADDED, after="b"),
            ],
        ),
        (
            {},
            {"revocations": {"UC": 1_700_000_000}},
            [Change(where="revocations", word="clerk", action=Action.ADDED, after="2023-11-14T22:13:20Z")],
        ),
        (
            {},
            {"later": {"x": 1}},
            [Change(where="claims", word="later", action=Action.ADDED, after='{"x":1}')],
        ),
    ],
)
def test_changes_are_in_the_words_of_the_spec(before: Any, after: Any, expected: list[Change]) -> None:
    assert list(differences(with_nats(**before), with_nats(**after), NAMES)) == expected


def test_a_token_is_never_shown() -> None:
    taken = {"name": "a", "subject": "a", "account": "AB", "type": "stream"}
    before, after = (with_nats(imports=[{**taken, "token": token}]) for token in ("eyJa.b.c", "eyJd.e.f"))
    (change,) = differences(before, after, NAMES)
    assert change.word == "activation"
    assert "eyJ" not in repr(change)


def test_an_operator_is_compared_likewise() -> None:
    before = {
        "name": "acme",
        "sub": "O",
        "iss": "O",
        "nats": {"signing_keys": ["O1"], "system_account": "AS"},
    }
    after = {**before, "nats": {"signing_keys": ["O2", "O1"], "system_account": "AS"}}
    names = Names({"O1": "operator/signing/main", "O2": "operator/signing/next"})
    (change,) = compare(operator_facts(before, names), operator_facts(after, names))
    assert (change.word, change.action, change.after) == (
        "signing_keys",
        Action.ADDED,
        "operator/signing/next",
    )
