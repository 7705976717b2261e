"""`token inspect` agrees with the official library, gives advice, and never shows a secret or a traceback."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from natsbackend.claims.advice import ADVICE
from natsbackend.claims.codec import Claims, TokenKind, canonical_json, sign
from natsbackend.claims.creds import decorate, format_creds
from natsbackend.cli.inspected import moment, report
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.workflow.inspect import CREDS_CHECKS, Inspection, inspect_text, inspect_token
from tests.support.cli import COMMAND, Ran, environment, judge, natsbackend_here

VECTORS = Path(__file__).parent / "vectors"
NOW = 1_790_000_000
OPERATOR = KeyPair(KeyRole.OPERATOR, b"o" * 32)
ACCOUNT = KeyPair(KeyRole.ACCOUNT, b"a" * 32)
OTHER = KeyPair(KeyRole.ACCOUNT, b"b" * 32)
USER = KeyPair(KeyRole.USER, b"u" * 32)
SERVER = KeyPair(KeyRole.SERVER, b"n" * 32)
CURVE = KeyPair(KeyRole.CURVE, b"x" * 32)
OPEN = {"subs": -1, "data": -1, "payload": -1}
LIMITS = {**OPEN, "imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1}


def vectors(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (VECTORS / name).read_text("utf-8").splitlines()]


CASES = vectors("jwt.jsonl")
STRICTER = {
    "account-duplicate-member": "decode-member-name",
    "account-field-names-case": "decode-member-name",
    "payload-invalid-utf8": "decode-json-syntax",
    "payload-lone-surrogate": "decode-json-syntax",
    "signing-key-not-a-string": "decode-json-type",
}
"""Quirks that are refused instead of read: two readers could see two different tokens."""


def fed(text: str | bytes, *options: str) -> Ran:
    """Run `token inspect -` in a process of its own, with a text on its standard input."""
    done = subprocess.run(
        [*COMMAND, "token", "inspect", "-", *options],
        input=text.encode() if isinstance(text, str) else text,
        env=environment(),
        capture_output=True,
        timeout=30,
        check=False,
    )
    ran = Ran(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())
    judge(ran)
    return ran


def answers(ran: Ran) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ran.out.splitlines()]


@pytest.fixture(scope="module")
def streamed() -> Mapping[str, dict[str, Any]]:
    """The answer to every vector, from one process fed one token a line."""
    ran = fed("".join(f"{case['token']}\n" for case in CASES), "--format", "json")
    assert (ran.code, ran.err) == (1, "")
    return dict(zip((case["id"] for case in CASES), answers(ran), strict=True))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_answer_agrees_with_the_official_verdict(
    case: dict[str, Any], streamed: Mapping[str, dict[str, Any]]
) -> None:
    answer = streamed[case["id"]]
    found = sorted({issue["rule"] for issue in answer["errors"] + answer["warnings"]})
    if case["id"] in STRICTER:
        assert case["quirk"]
        assert (answer["decodes"], found) == (False, [STRICTER[case["id"]]])
        return
    assert answer["decodes"] == case["decodes"]
    assert (answer["decode_error"] is None) == case["decodes"]
    assert answer["valid_signature"] == case["valid_signature"]
    assert found == case["rules"]
    assert answer["jti_ok"] == case.get("jti_ok")
    assert len(answer["warnings"]) == len(case["warnings"])
    if case["decodes"]:
        assert len(answer["errors"]) == len(case["errors"])
        assert (answer["kind"], answer["claims"]) == (case["kind"], case["claims"])
        assert answer["subject"] == case["claims"].get("sub", "")
        assert answer["issuer"] == case["claims"]["iss"]
        assert answer["name"] == case["claims"].get("name", "")
        assert answer["expires"] == case["claims"].get("exp")
        assert answer["hash_id"] == case.get("hash_id")


def test_no_answer_holds_a_token_or_more_official_rules_than_there_are(
    streamed: Mapping[str, dict[str, Any]],
) -> None:
    rules = set()
    for line in (VECTORS / "README.md").read_text("utf-8").splitlines():
        if line.startswith("| `"):
            rules.add(line.split("`")[1])
    for case in CASES:
        answer = streamed[case["id"]]
        found = {issue["rule"] for issue in answer["errors"] + answer["warnings"]}
        assert found <= rules | {"decode-member-name"}
        assert {advice["check"] for advice in answer["advice"]} <= set(ADVICE)
        assert not case["token"] or case["token"] not in json.dumps(answer)


# --- creds ---


def creds_text(jwt: str, key: KeyPair = USER) -> str:
    return format_creds(jwt, key)


def user(nats: Mapping[str, Any] = OPEN, *, issuer: KeyPair = ACCOUNT, at: int = 1, **members: Any) -> str:
    return sign(
        Claims(**{"kind": TokenKind.USER, "subject": USER.public, "name": "alice", "nats": nats, **members}),
        issuer,
        at,
    )


@pytest.mark.parametrize("case", vectors("creds.jsonl"), ids=lambda case: case["id"])
def test_creds_agree_with_the_official_verdict(case: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "x.creds"
    file.write_bytes(case["creds"].encode())
    ran = natsbackend_here("token", "inspect", file, "--format", "json", cwd=tmp_path, code=None)
    (answer,) = answers(ran)
    assert answer["decodes"] == case["jwt_decodes"]
    for member in ("seed_ok", "seed_public", "seed_matches", "usable"):
        assert answer[member] == case[member], member
    assert (answer["seed_error"] is None) == (case["seed_error"] is None)
    if case["jwt_decodes"]:
        assert (answer["kind"], answer["subject"], answer["name"]) == (
            case["kind"],
            case["subject"],
            case["name"],
        )
    bare = case["id"] in ("raw-jwt", "raw-jwt-no-newline", "no-seed-block")
    assert (ran.code == 0) == (case["usable"] or bare)


@pytest.mark.parametrize("case", vectors("creds.jsonl"), ids=lambda case: case["id"])
@pytest.mark.parametrize("form", ["human", "json"])
def test_neither_token_nor_seed_is_ever_shown(case: dict[str, Any], form: str, tmp_path: Path) -> None:
    file = tmp_path / "x.creds"
    file.write_bytes(case["creds"].encode())
    ran = natsbackend_here("token", "inspect", file, "--format", form, cwd=tmp_path, code=None)
    secrets = [
        line.strip() for line in case["creds"].splitlines() if len(line.strip()) >= 50 and "*" not in line
    ]
    assert secrets
    for secret in secrets:
        assert secret[:40] not in ran.out + ran.err


def test_a_seed_of_another_key_is_told_by_its_public_key(tmp_path: Path) -> None:
    stranger = KeyPair(KeyRole.USER, b"s" * 32)
    text = creds_text(user()).replace(USER.reveal_seed(), stranger.reveal_seed())
    answer = inspect_text(text, now=NOW)
    assert not answer.sound
    assert [(a.check, stranger.public in a.message) for a in answer.advice] == [("creds-seed", True)]


@pytest.mark.parametrize("seed", ["", "SUAAA", "XXXX"])
def test_creds_without_a_good_seed_are_not_sound(seed: str) -> None:
    text = creds_text(user()).replace(USER.reveal_seed(), seed)
    answer = inspect_text(text, now=NOW)
    assert [a.check for a in answer.advice] == ["creds-seed"]
    assert not answer.sound


def test_creds_with_an_account_where_the_user_belongs() -> None:
    token = sign(
        Claims(kind=TokenKind.ACCOUNT, subject=ACCOUNT.public, name="a", nats={"limits": LIMITS}), OPERATOR, 1
    )
    text = creds_text(user()).replace(user(), token)
    assert [a.check for a in inspect_text(text, now=NOW).advice] == ["creds-kind"]
    assert set(CREDS_CHECKS) == {"creds-kind", "creds-seed"}


def test_a_decorated_token_is_sound_without_a_seed(tmp_path: Path) -> None:
    file = tmp_path / "user.jwt"
    file.write_text(decorate(TokenKind.USER, user()), encoding="ascii")
    ran = natsbackend_here("token", "inspect", file, cwd=tmp_path)
    assert "seed" not in ran.out


# --- the stream ---


def test_every_line_has_its_answer_in_order_however_broken() -> None:
    names = [f"u{number}" for number in range(5)]
    good = [user(name=name) for name in names]
    lines = [good[0], "", good[1], "\xff\x00.\u2028.x", good[2] + "\r", " " + good[3], good[4]]
    ran = fed("\n".join(lines), "--format", "json")
    assert [answer["name"] for answer in answers(ran)] == ["u0", None, "u1", None, "u2", None, "u4"]
    assert ran.code == 1


def test_bytes_that_are_no_text_are_no_token() -> None:
    ran = fed(b"\xff\xfe\xff.\x80.\xc3\n" + user().encode(), "--format", "json")
    assert [answer["decodes"] for answer in answers(ran)] == [False, True]


def test_sound_tokens_end_with_exit_code_0() -> None:
    ran = fed(f"{user()}\n{user(name='bob')}\n")
    assert ran.code == 0
    assert [line for line in ran.out.splitlines() if line.endswith(": sound")] == [
        'user "alice": sound',
        'user "bob": sound',
    ]


def test_creds_on_standard_input_are_one_text() -> None:
    (answer,) = answers(fed(creds_text(user()), "--format", "json"))
    assert answer["usable"]


def test_empty_standard_input_is_an_error_and_not_sound() -> None:
    ran = fed("")
    assert (ran.code, ran.out) == (1, "")
    assert "standard input is empty" in ran.err


def test_a_token_longer_than_the_server_reads_is_told_by_its_rule() -> None:
    (answer,) = answers(fed("e" * (1024 * 1024 + 1), "--format", "json"))
    assert answer["errors"][0]["rule"] == "decode-token-size"


# --- wrong input ---


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    ran = natsbackend_here("token", "inspect", "nope.jwt", cwd=tmp_path, code=1)
    assert "there is no nope.jwt" in ran.err
    ran = natsbackend_here("token", "inspect", tmp_path, cwd=tmp_path, code=1)
    assert "cannot read" in ran.err
    ran = natsbackend_here("token", "inspect", "a\0b", cwd=tmp_path, code=1)
    assert "cannot read" in ran.err


def test_a_token_given_as_a_file_name_is_not_repeated(tmp_path: Path) -> None:
    token = user()
    ran = natsbackend_here("token", "inspect", token, cwd=tmp_path, code=1)
    assert token[:20] not in ran.err + ran.out
    assert "standard input" in ran.err


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "huge"
    with file.open("wb") as out:
        out.truncate(5 * 1024 * 1024)
    ran = natsbackend_here("token", "inspect", file, cwd=tmp_path, code=1)
    assert "larger than" in ran.err


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text(alphabet="-\nSUA.e", max_size=60)))
def test_any_text_has_an_answer(text: str) -> None:
    for answer in (inspect_token(text, now=NOW), inspect_text(text, now=NOW)):
        assert not answer.sound
        assert json.loads(json.dumps(answer.to_json()))["decodes"] is False


def test_claims_nested_too_deeply_to_be_written_are_left_out() -> None:
    deep = b'{"sub":"x","nats":' + b"[" * 900 + b"]" * 900 + b"}"
    parts = (b'{"typ":"JWT","alg":"ed25519-nkey"}', deep, b"x" * 64)
    text = ".".join(map(_part, parts))
    assert inspect_token(text, now=NOW).to_json()["claims"] is None


# --- soundness ---


@pytest.mark.parametrize(
    ("token", "sound"),
    [
        (user(expires=NOW), True),
        (user(expires=NOW - 1), False),
        (user(not_before=NOW + 1), False),
        (user({**OPEN, "src": ["office"]}), False),
        (user({**OPEN, "resp": {}}), True),
        (user()[:-3] + "AAA", False),
    ],
)
def test_what_is_sound(token: str, sound: bool) -> None:
    assert inspect_token(token, now=NOW).sound is sound


# --- words ---


def human(text: str, tmp_path: Path, code: int = 0) -> str:
    file = tmp_path / "token"
    file.write_text(text, encoding="utf-8")
    return natsbackend_here("token", "inspect", file, cwd=tmp_path, code=code).out


def test_the_words_are_the_specs_and_the_numbers_have_units(tmp_path: Path) -> None:
    resp = {"max": 1, "ttl": 120_000_000_000}
    nats = {"pub": {"allow": ["a", "b"]}, "resp": resp, "subs": -1, "data": 1500, "payload": 65536}
    out = human(user(nats), tmp_path)
    assert "publish:\n    allow: a, b\n" in out
    assert "responses:\n    max: 1\n    ttl: 2m\n" in out
    assert "subscriptions: unlimited" in out
    assert "payload: 64KiB" in out
    assert "data: 1500B" in out


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_every_token_can_be_told_to_people(case: dict[str, Any]) -> None:
    lines = list(report(inspect_token(case["token"], now=NOW), NOW))
    assert all(line.isprintable() for line in lines)
    assert sum(line.startswith("error[") for line in lines) == max(
        len(case["errors"]), not case["decodes"]
    ) or (case["id"] in STRICTER)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["revocations", "exports", "ttl", "subs", "x\n", "pass", "type"]),
        st.recursive(
            st.one_of(
                st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=3)
            ),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)
            ),
            max_leaves=6,
        ),
        max_size=4,
    )
)
def test_a_generic_token_may_mean_anything_by_its_words(nats: dict[str, Any]) -> None:
    payload = canonical_json({"iss": ACCOUNT.public, "sub": "x", "nats": nats}) if _is_json(nats) else b"{}"
    head, body = (_part(part) for part in (b'{"typ":"JWT","alg":"ed25519"}', payload))
    answer = inspect_token(f"{head}.{body}.{_part(ACCOUNT.sign(body.encode()))}", now=NOW)
    assert all(line.isprintable() for line in report(answer, NOW))
    json.dumps(answer.to_json())


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:
        return False
    return True


def _part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (NOW + 14 * 60 + 59, "(in 14 minutes)"),
        (NOW + 1, "(in 1 second)"),
        (NOW, "(now)"),
        (NOW - 3600, "(1 hour ago)"),
        (NOW - 86_400 * 3, "(3 days ago)"),
        (2**63 - 1, "which is no date"),
        (-(2**62), "which is no date"),
    ],
)
def test_moments_are_dates_with_how_far_they_are(seconds: int, text: str) -> None:
    assert text in moment(seconds, NOW)


def test_no_claim_can_write_to_the_terminal(tmp_path: Path) -> None:
    evil = "\x1b[2J\x9b31m\r\u202eoops\nerror[x]: y"
    nats = {**OPEN, "pub": {"allow": [f"{evil} {evil} c"]}, "tags": [evil], "times_location": evil}
    out = human(user(nats, name=evil, audience=evil), tmp_path, code=1)
    assert not any(c in out for c in "\x1b\x9b\r\u202e")
    assert not any(line.startswith("error[x]") for line in out.splitlines())


def test_passwords_and_tokens_inside_claims_are_not_shown_to_people(tmp_path: Path) -> None:
    options = {"pass": "hunter2", "auth_token": "s3cret", "jwt": user(), "user": "alice"}
    nats = {"user_nkey": USER.public, "connect_opts": options}
    token = sign(
        Claims(kind=TokenKind.AUTHORIZATION_REQUEST, subject=ACCOUNT.public, name="", nats=nats), SERVER, 1
    )
    out = human(token, tmp_path)
    assert "user: alice" in out
    for secret in ("hunter2", "s3cret", user()):
        assert secret not in out


def test_broken_and_wrong_tokens_are_told_with_their_rules(tmp_path: Path) -> None:
    assert "error[decode-chunks]:" in human("nonsense", tmp_path, code=1)
    assert "its signature does not fit" in human(user()[:-3] + "AAA", tmp_path, code=1)
    out = human(user({**OPEN, "src": ["office"], "tags": ["A"]}, expires=5), tmp_path, code=1)
    assert "error[source-cidr]: invalid cidr" in out
    assert "warning[time-expired]: claim is expired" in out
    assert "advice[user-tags]:" in out


# --- advice: every check fires, and is silent about the same thing done right ---


def checks(token: str) -> set[str]:
    answer: Inspection = inspect_token(token, now=NOW)
    assert answer.decode_error is None, answer.decode_error
    return {advice.check for advice in answer.advice}


def operator(issuer: KeyPair = OPERATOR, **nats: Any) -> str:
    members = {"system_account": ACCOUNT.public, **nats}
    return sign(Claims(kind=TokenKind.OPERATOR, subject=OPERATOR.public, name="o", nats=members), issuer, 1)


def account(*, name: str = "a", **nats: Any) -> str:
    members = {"limits": LIMITS, **nats}
    return sign(Claims(kind=TokenKind.ACCOUNT, subject=ACCOUNT.public, name=name, nats=members), OPERATOR, 1)


def scope(**template: Any) -> str:
    key = {
        "kind": "user_scope",
        "key": OTHER.public,
        "role": "viewer",
        "template": template,
        "description": "",
    }
    return account(signing_keys=[key])


def export(**members: Any) -> str:
    return account(exports=[{"subject": "a", "type": "service", **members}])


def imported(*members: Mapping[str, Any]) -> str:
    usual = {"subject": "a", "type": "stream", "account": OTHER.public}
    return account(imports=[{**usual, **member} for member in members])


def mapping(*destinations: Mapping[str, Any], source: str = "m") -> str:
    return account(mappings={source: list(destinations)})


def activation(subject: str = "a", expires: int = 0) -> str:
    nats = {"subject": subject, "kind": "stream"}
    claims = Claims(kind=TokenKind.ACTIVATION, subject=ACCOUNT.public, name="x", nats=nats, expires=expires)
    return sign(claims, OTHER, 1)


def response(jwt: str) -> str:
    claims = Claims(
        kind=TokenKind.AUTHORIZATION_RESPONSE,
        subject=USER.public,
        name="",
        nats={"jwt": jwt},
        audience=SERVER.public,
    )
    return sign(claims, ACCOUNT, 1)


def handmade(jti: str | None = None, version: int = 2, subject: str = USER.public) -> str:
    """Sign what our own writer refuses to write."""
    payload: dict[str, Any] = {"iat": 1, "iss": ACCOUNT.public, "name": "x", "sub": subject}
    if jti is not None:
        payload["jti"] = jti
    if version == 1:
        payload |= {"type": "user", "nats": {}}
    else:
        payload["nats"] = {**OPEN, "type": "user", "version": 2}
    head, body = (_part(part) for part in (b'{"typ":"JWT","alg":"ed25519-nkey"}', canonical_json(payload)))
    signed = body if version == 1 else f"{head}.{body}"
    return f"{head}.{body}.{_part(ACCOUNT.sign(signed.encode()))}"


BEARER = {
    **OPEN,
    "bearer_token": True,
    "allowed_connection_types": ["websocket"],
    "pub": {"deny": [">"]},
    "sub": {"allow": ["a"]},
}
ROLE = {"issuer_account": ACCOUNT.public}

FIRES: Mapping[str, tuple[str, str]] = {
    "token-subject": (handmade(subject=ACCOUNT.public), user()),
    "token-jti": (handmade(jti="x"), user()),
    "token-version-1": (handmade(version=1), user()),
    "token-issued-later": (user(at=NOW + 1), user(at=NOW)),
    "token-never-valid": (user(not_before=5, expires=5), user(not_before=5, expires=6)),
    "token-name": (account(name=""), account()),
    "token-cookie-size": (
        user({**BEARER, "tags": ["t" * 4000]}),
        user({**OPEN, "tags": ["t" * 4000]}),
    ),
    "operator-issuer": (
        operator(KeyPair(KeyRole.OPERATOR, b"p" * 32)),
        operator(
            KeyPair(KeyRole.OPERATOR, b"p" * 32), signing_keys=[KeyPair(KeyRole.OPERATOR, b"p" * 32).public]
        ),
    ),
    "operator-strict": (
        operator(strict_signing_key_usage=True),
        operator(strict_signing_key_usage=True, signing_keys=[OPERATOR.public]),
    ),
    "operator-system-account": (operator(system_account=""), operator()),
    "limits-zero": (account(limits={**LIMITS, "conn": 0}), account()),
    "limits-beside-tiers": (
        account(limits={**LIMITS, "streams": 1, "tiered_limits": {"R1": {}}}),
        account(limits={**LIMITS, "tiered_limits": {"R1": {"streams": 1}}}),
    ),
    "limits-wildcards": (
        account(limits={**LIMITS, "wildcards": False}),
        account(limits={**LIMITS, "wildcards": False, "exports": 1}),
    ),
    "mapping-subject": (mapping(source="a.>.b"), mapping(source="a.*")),
    "mapping-duplicate": (
        mapping({"subject": "b", "weight": 1}, {"subject": "b", "weight": 2, "cluster": "eu"}),
        mapping({"subject": "b", "weight": 1}, {"subject": "c", "weight": 2, "cluster": "eu"}),
    ),
    "mapping-loss": (
        mapping({"subject": "m", "weight": 40}, {"subject": "b", "weight": 50}),
        mapping({"subject": "b", "weight": 50}),
    ),
    "revocation-key": (account(revocations={"x": 1}), account(revocations={"*": 1, USER.public: 1})),
    "authorization-off": (
        account(authorization={"xkey": CURVE.public}),
        account(authorization={"xkey": CURVE.public, "auth_users": [USER.public]}),
    ),
    "signing-key-identity": (account(signing_keys=[ACCOUNT.public]), account(signing_keys=[OTHER.public])),
    "role-bearer-disallowed": (
        account(
            limits={**LIMITS, "disallow_bearer": True},
            signing_keys=[
                {
                    "kind": "user_scope",
                    "key": OTHER.public,
                    "role": "viewer",
                    "template": {"bearer_token": True},
                }
            ],
        ),
        scope(bearer_token=True),
    ),
    "role-limits": (scope(times_location="Mars"), scope(times_location="UTC")),
    "default-permission-subject": (
        account(default_permissions={"pub": {"allow": ["{{name()}}"]}}),
        account(default_permissions={"pub": {"allow": ["a.>"]}}),
    ),
    "export-subject": (export(subject="a.>.b"), export(subject="a.>")),
    "export-threshold": (export(response_threshold=1), export()),
    "export-latency": (
        export(service_latency={"results": "a"}),
        export(service_latency={"results": "latency"}),
    ),
    "import-subject": (imported({"subject": "*x"}), imported({"subject": "*"})),
    "import-local-subject": (
        imported({"subject": "a.*", "local_subject": "b.$0"}),
        imported({"subject": "a.*", "local_subject": "b.$1"}),
    ),
    "import-account": (imported({"account": "telemetry"}), imported({})),
    "import-duplicate": (imported({}, {"local_subject": "b"}), imported({}, {"subject": "b"})),
    "import-to": (
        imported({"type": "service", "to": "b"}),
        imported({"type": "service", "local_subject": "b"}),
    ),
    "import-activation": (
        imported({"token": activation(expires=NOW - 1)}),
        imported({"token": activation(expires=NOW)}),
    ),
    "permission-subject": (
        user({**OPEN, "pub": {"allow": ["a.>.b"]}}),
        user({**OPEN, "pub": {"allow": ["a.>"]}}),
    ),
    "permission-template": (
        scope(pub={"allow": ["u.{{nmae()}}"]}),
        scope(pub={"allow": ["u.{{name()}}"]}),
    ),
    "permission-queue-template": (
        scope(sub={"allow": ["a q", "u.{{name()}}"]}),
        scope(sub={"allow": ["a q"]}),
    ),
    "permission-star": (
        user({**OPEN, "sub": {"allow": ["a.* q"]}}),
        user({**OPEN, "sub": {"allow": ["a.*.b"]}, "pub": {"allow": ["a.*"]}}),
    ),
    "permission-responses": (
        user({**OPEN, "resp": {"max": 1}}),
        user({**OPEN, "resp": {"max": 1}, "pub": {"allow": ["a"]}}),
    ),
    "connection-types": (
        user({**OPEN, "allowed_connection_types": ["WEBSOCKETS"]}),
        user({**OPEN, "allowed_connection_types": ["websocket", "In_Process"]}),
    ),
    "user-limits-zero": (user({"subs": -1}), user(ROLE)),
    "user-times-zone": (
        user({**OPEN, "times": [{"start": "08:00:00", "end": "09:00:00"}]}),
        user({**OPEN, "times": [{"start": "08:00:00", "end": "09:00:00"}], "times_location": "UTC"}),
    ),
    "user-tags": (user({**OPEN, "tags": ["Team:a"]}), user({**OPEN, "tags": ["team:a"]})),
    "user-template-name": (user(ROLE, name="bob.*"), user(OPEN, name="bob.*")),
    "bearer-everywhere": (
        user({**BEARER, "allowed_connection_types": ["WEBSOCKET", "STANDARD"]}),
        user({**BEARER, "allowed_connection_types": ["MQTT", "mqtt_ws", "WEBSOCKET"]}),
    ),
    "bearer-unrestricted": (scope(**{**BEARER, "sub": {"deny": ["a"]}}), user(BEARER)),
    "bearer-without-expiry": (user(BEARER), user(BEARER, expires=NOW)),
    "activation-subject": (activation(subject="a.>.b"), activation()),
    "response-user": (response("x"), response(user())),
}


def test_every_check_has_its_tokens_and_a_summary() -> None:
    assert list(FIRES) == list(ADVICE)
    assert all(advisor.summary.endswith(".") for advisor in ADVICE.values())


@pytest.mark.parametrize("check", FIRES)
def test_advice_fires_and_is_silent_when_it_is_done_right(check: str) -> None:
    wrong, right = FIRES[check]
    assert check in checks(wrong)
    assert check not in checks(right)


@pytest.mark.parametrize("token", [user(), account(), operator(), activation(), user(BEARER, expires=NOW)])
def test_there_is_no_advice_about_a_good_token(token: str) -> None:
    assert checks(token) == set()


def test_advice_does_not_repeat_the_official_findings() -> None:
    answer = inspect_token(user({**OPEN, "pub": {"allow": ["a..b", "c d"]}}), now=NOW)
    assert len(answer.findings) == 2
    assert answer.advice == ()


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        ({"results": "l.*"}, True),
        ({"results": ""}, False),
        ({"results": "l"}, False),
    ],
)
def test_latency_results_go_to_a_literal_subject(members: dict[str, Any], wanted: bool) -> None:
    assert ("export-latency" in checks(export(service_latency=members))) is wanted


def test_a_response_carries_the_troubles_of_its_user() -> None:
    stranger = sign(
        Claims(kind=TokenKind.USER, subject=KeyPair(KeyRole.USER, b"s" * 32).public, name="x", nats=OPEN),
        ACCOUNT,
        1,
    )
    told = [inspect_token(response(jwt), now=NOW).advice for jwt in (stranger, user(expires=1), account())]
    assert [["another key" in a.message for a in told[0]], [a.message[-16:] for a in told[1]]] == [
        [True],
        ["claim is expired"],
    ]
    assert "not a user's" in told[2][0].message


def test_unknown_connection_types_beside_known_ones_are_told_apart() -> None:
    some = inspect_token(user({**OPEN, "allowed_connection_types": ["MQTT", "x"]}), now=NOW).advice
    none = inspect_token(user({**OPEN, "allowed_connection_types": ["x"]}), now=NOW).advice
    assert "ignored" in some[0].message
    assert "refused" in none[0].message
