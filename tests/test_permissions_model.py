"""From words to what the server enforces: nothing is allowed that no word allows, and nothing denied is.

The server's rule (nats-server 2.15 `client.go`): a subject is allowed if the allow list is empty or matches it,
and the deny list does not. So an empty allow list is everything, and must never be written by mistake.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.findings import FILE, HEAD, findings

from natsbackend.claims.build import account_claims, build, key_paths, user_claims
from natsbackend.keys import KeyPair, Keyring, KeyRole
from natsbackend.model.entities import Backend, ConnectionType, User
from natsbackend.model.permissions import ROLE_INBOX, user_inbox
from natsbackend.model.resolve import resolve
from natsbackend.model.system import OBSERVER, PUSHER, WRITE_SUBJECTS
from natsbackend.spec.load import parse_spec
from natsbackend.subjects import matches, overlaps, split_queue

EXPORTS = (
    "exports: [{service: one}, {service: many.*, response: stream}, {service: parts, response: chunked}]"
)
NOTHING = {"deny": [">"]}


def backend_of(text: str) -> Backend:
    """Resolve a spec without errors in shape."""
    resolved = resolve(parse_spec(HEAD + text, FILE))
    assert resolved.diagnostics == ()
    return resolved.backend


def keyring_of(backend: Backend) -> Keyring:
    """Give every path a key."""
    paths = enumerate(dict.fromkeys(key_paths(backend)))
    return Keyring({path: KeyPair(KeyRole.ACCOUNT, n.to_bytes(32, "big")).public for n, path in paths})


def user_nats(words: str) -> Mapping[str, Any]:
    """Return the `nats` part of a user with these words."""
    backend = backend_of(f"accounts: {{web: {{{EXPORTS}, users: {{one: {{{words}}}}}}}}}")
    account = backend.accounts["web"]
    return user_claims(account, account.users["one"], keyring_of(backend)).claims.nats


def template(words: str) -> Mapping[str, Any]:
    """Return the template of a role with these words."""
    backend = backend_of(f"accounts: {{web: {{{EXPORTS}, roles: {{r: {{{words}}}}}}}}}")
    nats: Mapping[str, Any] = account_claims(
        backend, backend.accounts["web"], keyring_of(backend)
    ).claims.nats
    (scope,) = nats["signing_keys"]
    found: Mapping[str, Any] = scope["template"]
    return found


def may(rules: Mapping[str, list[str]], subject: str) -> bool:
    """Decide as the server does for a literal subject."""
    allow = [split_queue(entry)[0] for entry in rules.get("allow", [])]
    allowed = not allow or any(matches(pattern, subject) for pattern in allow)
    return allowed and not any(matches(pattern, subject) for pattern in rules.get("deny", []))


# --- words ---

INBOX = "_INBOX.@one.>"
SINGLE, MANY = {"max": 1, "ttl": 0}, {"max": -1, "ttl": 0}


@pytest.mark.parametrize(
    ("words", "publish", "subscribe", "responses"),
    [
        ("", NOTHING, NOTHING, None),
        ("permissions: all", {}, {}, None),
        ("publish: []", NOTHING, NOTHING, None),
        ("publish: {}", NOTHING, NOTHING, None),
        ("publish: [a, b.>, a]", {"allow": ["a", "b.>"]}, NOTHING, None),
        ("publish: {allow: [a.>], deny: [a.b]}", {"allow": ["a.>"], "deny": ["a.b"]}, NOTHING, None),
        ("publish: {deny: [a.b]}", NOTHING, NOTHING, None),
        ("subscribe: [a, b q]", NOTHING, {"allow": ["a", "b q"]}, None),
        ("subscribe: {allow: [a.>], deny: [a.b]}", NOTHING, {"allow": ["a.>"], "deny": ["a.b"]}, None),
        ("request: [a]", {"allow": ["a"]}, {"allow": [INBOX]}, None),
        ("request: []", NOTHING, NOTHING, None),
        ("request: [a], inbox: private", {"allow": ["a"]}, {"allow": [INBOX]}, None),
        ("request: [a], inbox: shared", {"allow": ["a"]}, {"allow": ["_INBOX.>"]}, None),
        ("request: [a], inbox: none", {"allow": ["a"]}, NOTHING, None),
        ("request: [a], inbox: me.in", {"allow": ["a"]}, {"allow": ["me.in.>"]}, None),
        ("request: [a], inbox: me.in.>", {"allow": ["a"]}, {"allow": ["me.in.>"]}, None),
        ("publish: [a], inbox: private", {"allow": ["a"]}, {"allow": [INBOX]}, None),
        ("inbox: none", NOTHING, NOTHING, None),
        ("respond: [one]", NOTHING, {"allow": ["one"]}, SINGLE),
        ("respond: [{subject: one, queue: q}]", NOTHING, {"allow": ["one q"]}, SINGLE),
        ("respond: [many.x]", NOTHING, {"allow": ["many.x"]}, MANY),
        ("respond: [{subject: many.x, queue: q}]", NOTHING, {"allow": ["many.x q"]}, MANY),
        ("respond: [parts, one]", NOTHING, {"allow": ["parts", "one"]}, MANY),
        ("respond: [other]", NOTHING, {"allow": ["other"]}, SINGLE),
        ("respond: []", NOTHING, NOTHING, None),
        ("respond: [one], allow_responses: false", NOTHING, {"allow": ["one"]}, None),
        (
            "respond: [many.x], allow_responses: {max: 2}",
            NOTHING,
            {"allow": ["many.x"]},
            {"max": 2, "ttl": 0},
        ),
        ("subscribe: [a], allow_responses: true", NOTHING, {"allow": ["a"]}, SINGLE),
        ("allow_responses: {ttl: 1s}", NOTHING, NOTHING, {"max": 1, "ttl": 10**9}),
        ("allow_responses: {max: unlimited}", NOTHING, NOTHING, MANY),
        ("publish: [p], request: [a], subscribe: [s]", {"allow": ["p", "a"]}, {"allow": ["s", INBOX]}, None),
    ],
)
def test_the_words_of_a_user(
    words: str, publish: object, subscribe: object, responses: Mapping[str, int] | None
) -> None:
    nats = user_nats(words)
    assert (nats["pub"], nats["sub"], nats.get("resp")) == (publish, subscribe, responses)


def test_the_words_of_a_role_have_an_inbox_by_name() -> None:
    assert template("request: [a]")["sub"] == {"allow": ["_INBOX.{{name()}}.>"]}


def test_a_role_for_browsers_is_a_bearer_on_websockets_alone() -> None:
    found = template("websocket: true, ttl: 1m")
    assert (found["bearer_token"], found["allowed_connection_types"]) == (True, ["WEBSOCKET"])
    other = template("ttl: 1m")
    assert not other.keys() & {"bearer_token", "allowed_connection_types"}


@pytest.mark.parametrize(
    "word", ["publish: []", "subscribe: {deny: [a]}", "request: [a]", "inbox: none", "respond: [a]"]
)
def test_no_word_beside_permissions_all_is_silently_dropped(word: str) -> None:
    for kind in ("users", "roles"):
        (found,) = findings(f"{HEAD}accounts: {{web: {{{kind}: {{one: {{permissions: all, {word}}}}}}}}}")
        assert (found.code, word.partition(":")[0] in found.message) == ("spec-value", True)


@pytest.mark.parametrize(
    "inbox", ["''", "'.'", "'a b'", "a.*", "'>'", "'*'", "a.>.b", '"a\\tb"', '"a\\u00a0b"']
)
def test_an_inbox_that_would_show_replies_of_others_is_refused(inbox: str) -> None:
    (found,) = findings(f"{HEAD}accounts: {{web: {{users: {{one: {{request: [a], inbox: {inbox}}}}}}}}}")
    assert (found.code, "prefix for replies" in found.message) == ("spec-value", True)


# --- properties ---

tokens = st.sampled_from(["a", "b", "c", "*"])
subjects = st.one_of(
    st.lists(tokens, min_size=1, max_size=3).map(".".join),
    st.lists(tokens, max_size=2).map(lambda t: ".".join([*t, ">"])),
)
lists = st.lists(subjects, max_size=3)
rules = st.one_of(lists, st.fixed_dictionaries({}, optional={"allow": lists, "deny": lists}))
words = st.fixed_dictionaries(
    {},
    optional={
        "publish": rules,
        "subscribe": rules,
        "request": lists,
        "respond": lists,
        "inbox": st.sampled_from(["private", "shared", "none", "own.inbox"]),
        "allow_responses": st.sampled_from([True, False, {"max": 3}]),
    },
)
literals = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4).map(".".join)


def _allowed(spec: Any, extra: list[str], subject: str) -> bool:
    """Decide from the words alone."""
    allow = [*(spec.get("allow", []) if isinstance(spec, dict) else spec), *extra]
    deny = spec.get("deny", []) if isinstance(spec, dict) else []
    return any(matches(p, subject) for p in allow) and not any(matches(p, subject) for p in deny)


@given(words, literals)
@settings(max_examples=300)
def test_the_wire_allows_exactly_what_the_words_do(spec: dict[str, Any], subject: str) -> None:
    flow = json.dumps(spec)[1:-1]
    for nats in (user_nats(flow), template(flow)):
        assert may(nats["pub"], subject) == _allowed(
            spec.get("publish", []), spec.get("request", []), subject
        )
        assert may(nats["sub"], subject) == _allowed(
            spec.get("subscribe", []), spec.get("respond", []), subject
        )
        for direction in (nats["pub"], nats["sub"]):
            assert direction.get("allow") or direction["deny"] == [">"]
        assert ("resp" in nats) == bool(spec.get("allow_responses", spec.get("respond")))


names = st.text(min_size=1, max_size=12)


@given(names, names)
def test_private_inboxes_of_two_users_never_overlap(one: str, other: str) -> None:
    if one != other:
        assert not overlaps(f"{user_inbox(one)}.>", f"{user_inbox(other)}.>")


@given(names, st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True))
def test_no_name_on_a_token_spells_the_inbox_of_a_user(user: str, token: str) -> None:
    assert not overlaps(f"{user_inbox(user)}.>", f"{ROLE_INBOX.replace('{{name()}}', token)}.>")


# --- accounts ---


def test_a_user_of_a_role_carries_no_permission_and_no_limit() -> None:
    text = "accounts: {web: {roles: {r: {ttl: 1m}}, users: {one: {role: r, tags: [Team:Red, ' x ', X, 'team:Red']}}}}"
    backend = backend_of(text)
    account, keyring = backend.accounts["web"], keyring_of(backend)
    found = user_claims(account, account.users["one"], keyring)
    assert found.issuer_path == "accounts/web/roles/r"
    assert found.claims.nats == {
        "pub": {},
        "sub": {},
        "issuer_account": keyring["accounts/web"],
        "tags": ["team:Red", "x"],
    }


def test_who_signs_whom() -> None:
    users = "users: {one: {}}"
    accounts = f"accounts: {{a: {{signing_keys: [x, y], {users}}}, b: {{{users}}}}}"
    strict = backend_of(accounts)
    assert _issuers(strict) == {
        "operator": "operator",
        "accounts/a": "operator/signing/main",
        "accounts/a/users/one": "accounts/a/signing/x",
        "accounts/b": "operator/signing/main",
        "accounts/b/users/one": "accounts/b/signing/main",
        "accounts/SYS": "operator/signing/main",
    }
    loose = resolve(
        parse_spec(f"version: 1\noperator: {{name: acme, require_signing_keys: false}}\n{accounts}", FILE)
    ).backend
    assert _issuers(loose) == {
        "operator": "operator",
        "accounts/a": "operator",
        "accounts/a/users/one": "accounts/a/signing/x",
        "accounts/b": "operator",
        "accounts/b/users/one": "accounts/b",
        "accounts/SYS": "operator",
    }


def _issuers(backend: Backend) -> dict[str, str]:
    return {unsigned.path: unsigned.issuer_path for unsigned in build(backend, keyring_of(backend))}


def test_all_base_limits_but_those_of_zero_are_always_written() -> None:
    backend = backend_of(
        "defaults: {limits: {payload: 1KB}}\naccounts: {a: {limits: {connections: 0}}, SYS: {}}"
    )
    limits = {
        name: account_claims(backend, account, keyring_of(backend)).claims.nats["limits"]
        for name, account in backend.accounts.items()
    }
    unlimited = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1)
    assert limits["SYS"] == {**unlimited, "wildcards": True}
    del unlimited["conn"]
    assert limits["a"] == {**unlimited, "wildcards": True, "payload": 1000}


# --- the system account ---


@pytest.mark.parametrize("role", [PUSHER, OBSERVER])
def test_a_system_role_may_ask_for_no_token_of_a_client_and_listens_to_itself_alone(role: str) -> None:
    backend = backend_of("")
    found = backend.system_account.roles[role]
    asked = [grant.subject for grant in found.permissions.publish.allow]
    for subject in (
        "$SYS.REQ.SERVER.PING.CONNZ",
        "$SYS.REQ.ACCOUNT.A.CONNZ",
        "$SYS.REQ.SERVER.N.RELOAD",
        "x",
    ):
        assert not any(matches(pattern, subject) for pattern in asked)
    writes = [s for s in WRITE_SUBJECTS if s in asked]
    assert len(writes) == (3 if role == PUSHER else 0)
    assert [grant.subject for grant in found.permissions.subscribe.allow] == [f"{ROLE_INBOX}.>"]
    assert found.ttl == 900
    assert not found.bearer
    assert set(found.connection_types) == {ConnectionType.STANDARD, ConnectionType.WEBSOCKET}


def test_a_described_system_account_keeps_what_it_does_not_describe() -> None:
    backend = backend_of("accounts: {SYS: {roles: {observer: {ttl: 1m}}, users: {root: {permissions: all}}}}")
    account = backend.system_account
    assert list(account.roles) == [PUSHER, OBSERVER]
    assert account.roles[OBSERVER].ttl == 60
    assert account.roles[PUSHER] == backend_of("").system_account.roles[PUSHER]
    assert isinstance(account.users["root"], User)
