"""The validator finds what the official one finds: on every vector, at every boundary, and nothing else."""

from __future__ import annotations

import base64
import copy
import json
import zoneinfo
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from natsbackend.claims.advice import advise
from natsbackend.claims.codec import Claims, Token, TokenKind, canonical_json, decode, sign
from natsbackend.claims.gotext import integer, lower, quoted, trim_space
from natsbackend.claims.gourl import UrlError, parse_url
from natsbackend.claims.validate import Finding, decoded, hash_id, validate
from natsbackend.claims.validate.finding import Findings
from natsbackend.claims.validate.sharing import check_exports, check_imports
from natsbackend.claims.validate.subjects import is_contained
from natsbackend.claims.validate.times import is_network, is_time_of_day, why_unknown_zone
from natsbackend.errors import ClaimsError
from natsbackend.keys import KeyPair, KeyRole

CASES = [
    json.loads(line) for line in (Path(__file__).parent / "vectors/jwt.jsonl").read_text("utf-8").splitlines()
]
STRICTER = {
    "account-duplicate-member",
    "account-field-names-case",
    "payload-invalid-utf8",
    "payload-lone-surrogate",
    "signing-key-not-a-string",
}
"""Quirks that the library reads and the codec refuses (`test_codec.py` says why)."""
READABLE = [case for case in CASES if case["decodes"] and case["id"] not in STRICTER]
UNWRITABLE = {"export-latency-101"}
"""What Go decodes and cannot write again, so that the vectors have no `go_claims` of it."""
GO_TEXTS = ("error parsing ", "could not parse iana time zone")
"""How messages begin whose end is not the library's but Go's own, and changes with its version."""

NOW = 1_790_000_000
OPERATOR = KeyPair(KeyRole.OPERATOR, b"o" * 32)
ACCOUNT = KeyPair(KeyRole.ACCOUNT, b"a" * 32)
OTHER = KeyPair(KeyRole.ACCOUNT, b"b" * 32)
USER = KeyPair(KeyRole.USER, b"u" * 32)
SERVER = KeyPair(KeyRole.SERVER, b"n" * 32)
CURVE = KeyPair(KeyRole.CURVE, b"x" * 32)
UNLIMITED = {
    "subs": -1,
    "data": -1,
    "payload": -1,
    "imports": -1,
    "exports": -1,
    "wildcards": True,
    "conn": -1,
    "leaf": -1,
}
MADE = {
    TokenKind.OPERATOR: (OPERATOR.public, OPERATOR),
    TokenKind.ACCOUNT: (ACCOUNT.public, OPERATOR),
    TokenKind.USER: (USER.public, ACCOUNT),
    TokenKind.ACTIVATION: (ACCOUNT.public, OTHER),
    TokenKind.AUTHORIZATION_REQUEST: (ACCOUNT.public, SERVER),
    TokenKind.AUTHORIZATION_RESPONSE: (USER.public, ACCOUNT),
    TokenKind.GENERIC: (USER.public, ACCOUNT),
}
Issue = tuple[str, str]


def make(kind: TokenKind, nats: dict[str, Any], issuer: KeyPair | None = None, **members: Any) -> Token:
    subject, usual = MADE[kind]
    claims = Claims(kind=kind, **{"subject": subject, "name": "x", "nats": nats, **members})
    # Go reads the signature of a generic token the version 1 way, so that it refuses what it writes itself
    return decode(sign(claims, issuer or usual, 1_780_000_000), verify=kind is not TokenKind.GENERIC)


def of_version_1(kind: str, subject: str, issuer: KeyPair, nats: dict[str, Any], **beside: Any) -> str:
    payload = {"iat": 1, "iss": issuer.public, "sub": subject, "type": kind, **beside, "nats": nats}
    head, body = (
        base64.urlsafe_b64encode(part).decode().rstrip("=")
        for part in (b'{"typ":"jwt","alg":"ed25519"}', canonical_json(payload))
    )
    signature = base64.urlsafe_b64encode(issuer.sign(body.encode())).decode().rstrip("=")
    return f"{head}.{body}.{signature}"


def rules(token: Token) -> list[str]:
    return sorted(finding.rule for finding in validate(token, now=NOW))


def account_rules(**nats: Any) -> list[str]:
    return rules(make(TokenKind.ACCOUNT, {"limits": UNLIMITED, **nats}))


def export_rules(**export: Any) -> list[str]:
    return account_rules(exports=[{"subject": "a", "type": "service", **export}])


def import_rules(**imported: Any) -> list[str]:
    return account_rules(
        imports=[{"subject": "a", "type": "service", "account": OTHER.public, **imported}],
    )


def user_rules(**nats: Any) -> list[str]:
    return rules(make(TokenKind.USER, nats))


def operator_rules(**nats: Any) -> list[str]:
    return rules(make(TokenKind.OPERATOR, nats))


# --- the vectors ---


def told(texts: list[str]) -> list[str]:
    """Sort messages, each cut off where Go's own text begins."""
    return sorted(next((start for start in GO_TEXTS if text.startswith(start)), text) for text in texts)


@pytest.mark.parametrize("case", READABLE, ids=lambda case: case["id"])
def test_findings_agree_with_the_official_validator(case: dict[str, Any]) -> None:
    found = validate(decode(case["token"]), now=NOW)
    assert sorted({f.rule for f in found}) == case["rules"]
    assert told([f.message for f in found if f.blocking]) == told(case["errors"])
    assert told([f.message for f in found if not f.blocking]) == told(case["warnings"])


@pytest.mark.parametrize("case", READABLE, ids=lambda case: case["id"])
def test_what_go_has_after_decoding_is_known(case: dict[str, Any]) -> None:
    token = decode(case["token"])
    if case["id"] not in UNWRITABLE:
        assert decoded(token) == case.get("go_claims", case["claims"])
    assert hash_id(token) == case.get("hash_id")


def test_no_vector_is_left_out_but_the_quirks() -> None:
    left_out = {case["id"] for case in CASES if case["decodes"]} - {case["id"] for case in READABLE}
    assert left_out == STRICTER
    assert all(case["quirk"] for case in CASES if case["id"] in STRICTER)


def test_go_writes_claims_in_the_order_they_are_decoded_to() -> None:
    for case in READABLE:
        if case.get("canonical") and "go_claims" not in case and not case["id"].startswith("generic"):
            assert json.dumps(decoded(decode(case["token"]))) == json.dumps(case["claims"]), case["id"]


# --- time ---


def test_a_token_is_good_in_the_very_second_it_expires_and_begins() -> None:
    token = make(TokenKind.GENERIC, {}, expires=NOW, not_before=NOW)
    assert validate(token, now=NOW) == ()
    expired = Finding(rule="time-expired", message="claim is expired", blocking=False, time_check=True)
    assert validate(token, now=NOW + 1) == (expired,)
    early = Finding(
        rule="time-not-yet-valid", message="claim is not yet valid", blocking=False, time_check=True
    )
    assert validate(token, now=NOW - 1) == (early,)


# --- operators ---


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://acme.example/jwt/v1", None),
        ("acme:opaque", None),
        ("acme.example", "no-protocol"),
        ("/jwt/v1", "no-protocol"),
        ("*", "no-protocol"),
        ("#fragment", "no-protocol"),
        (":4222", "unparsable"),
        ("acme.example:4222/x", None),
        ("1acme:4222", "unparsable"),
        ("http://acme.example/%2", "unparsable"),
    ],
)
def test_account_server_url(url: str, rule: str | None) -> None:
    expected = [f"operator-account-server-url-{rule}"] if rule else []
    assert operator_rules(account_server_url=url) == expected


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("TLS://h", None),
        ("nats:h:4222", None),  # opaque: neither host nor path
        ("nats://h?x#y", None),
        ("nats://h:", None),
        ("nats://@h", "credentials"),
        ("nats://u@h/p", "credentials"),
        ("https://h/p", "path"),
        ("nats:/p", "path"),
        ("h", "path"),
        ("h:4222", "protocol"),
        ("//h", "protocol"),
        ("nats://h:x", "unparsable"),
        ("nats://[::1", "unparsable"),
        ("nats://h ", "unparsable"),
        ("4222:h", "unparsable"),
    ],
)
def test_operator_service_url_tells_the_first_thing_only(url: str, rule: str | None) -> None:
    expected = [f"operator-service-url-{rule}"] if rule else []
    assert operator_rules(operator_service_urls=["", url]) == expected


@pytest.mark.parametrize(
    ("version", "rule"),
    [
        ("2.10.0", None),
        ("+2.010.0", None),
        ("2.10", "form"),
        ("2.10.0.1", "form"),
        ("2.10.", "number"),
        ("2. 1.0", "number"),
        ("2.1_0.0", "number"),
        ("2.10.٣", "number"),
        ("9223372036854775807.0.0", None),
        ("9223372036854775808.0.0", "number"),
        ("-1.x.0", "number"),
        ("2.-1.0", "negative"),
        ("-0.1.0", None),
    ],
)
def test_assert_server_version(version: str, rule: str | None) -> None:
    expected = [f"operator-assert-version-{rule}"] if rule else []
    assert operator_rules(assert_server_version=version) == expected


def test_operator_keys_are_of_their_roles() -> None:
    assert operator_rules(signing_keys=[OPERATOR.public], system_account=ACCOUNT.public) == []
    assert operator_rules(signing_keys=[None, USER.public, ""], system_account=OPERATOR.public) == [
        *["operator-signing-key"] * 3,
        "operator-system-account",
    ]


# --- accounts ---


@pytest.mark.parametrize(
    ("destinations", "expected"),
    [
        ([{"subject": "b"}], []),
        ([{"subject": "b", "weight": 0}, {"subject": "c", "weight": 1}], ["mapping-sum-above-100"]),
        ([{"subject": "b", "weight": 60}, {"subject": "c", "weight": 40}], []),
        ([{"subject": "b", "weight": 60}, {"subject": "c", "weight": 41}], ["mapping-sum-above-100"]),
        ([{"subject": "b", "weight": 100}, {"subject": "c", "cluster": "eu"}], []),
        (
            [{"subject": "b", "weight": 101, "cluster": ""}],
            ["mapping-sum-above-100", "mapping-weight-above-100"],
        ),
        (
            [{"subject": "b", "cluster": "eu", "weight": weight} for weight in (100, 1, 1)],
            ["mapping-cluster-sum-above-100"] * 2,
        ),
        ([None], ["subject-empty"]),
        (None, []),
    ],
)
def test_mapping_weights(destinations: list[Any] | None, expected: list[str]) -> None:
    assert account_rules(mappings={"a": destinations}) == expected


@pytest.mark.parametrize(
    ("limits", "imports", "expected"),
    [
        ({**UNLIMITED, "imports": 1}, 1, 0),
        ({**UNLIMITED, "imports": 1}, 2, 2),
        ({**UNLIMITED, "imports": -1}, 2, 0),
        ({**UNLIMITED, "imports": -2}, 0, 1),
        ({"conn": 1}, 1, 2),
        ({}, 1, 1),
        ({}, 0, 0),
        ({"tiered_limits": {"R1": None}}, 1, 2),
    ],
)
def test_imports_are_counted_twice_unless_all_limits_are_zero(
    limits: dict[str, Any], imports: int, expected: int
) -> None:
    items = [{"subject": f"s{n}", "type": "stream", "account": OTHER.public} for n in range(imports)]
    assert account_rules(limits=limits, imports=items) == ["account-too-many-imports"] * expected


@pytest.mark.parametrize(
    ("limits", "subjects", "expected"),
    [
        ({"exports": -1, "wildcards": False}, ["a.*"], []),
        ({"exports": 2, "wildcards": False}, ["a.*", ">x"], ["account-wildcard-exports"]),
        (
            {"exports": 2, "wildcards": False},
            ["*", ">"],
            ["account-wildcard-exports"] * 2 + ["export-overlap-stream"] * 2,
        ),
        ({"exports": 1, "wildcards": True}, ["a.*", "b"], ["account-too-many-exports"]),
        ({"exports": -2, "wildcards": True}, ["a"], ["account-too-many-exports"]),
    ],
)
def test_exports_are_held_against_the_limits(
    limits: dict[str, Any], subjects: list[str], expected: list[str]
) -> None:
    exports = [{"subject": subject, "type": "stream"} for subject in subjects]
    assert account_rules(limits={**UNLIMITED, **limits}, exports=exports) == expected


def test_a_null_export_beside_forbidden_wildcards_does_no_harm() -> None:
    limits = {**UNLIMITED, "exports": 1, "wildcards": False}
    assert account_rules(limits=limits, exports=[None]) == ["export-null"]


def test_a_tier_without_a_name_is_found_and_flat_limits_beside_tiers_are_not() -> None:
    tiers = {"": {"disk_storage": 1}, "R1": {}}
    assert account_rules(limits={**UNLIMITED, "disk_storage": 5, "tiered_limits": tiers}) == [
        "limits-tier-blank-name"
    ]


def test_external_authorization() -> None:
    good = {"auth_users": [USER.public], "allowed_accounts": ["*"], "xkey": CURVE.public}
    assert account_rules(authorization=good) == []
    assert account_rules(authorization={"allowed_accounts": ["*", OTHER.public, "*"]}) == [
        "authorization-accounts-without-users",
        *["authorization-any-account-with-others"] * 2,
    ]
    assert account_rules(authorization={"auth_users": [ACCOUNT.public, None], "xkey": ACCOUNT.public}) == [
        *["authorization-auth-user"] * 2,
        "authorization-xkey",
    ]
    assert account_rules(authorization={"auth_users": [USER.public], "allowed_accounts": [USER.public]}) == [
        "authorization-allowed-account"
    ]


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        (None, []),
        ({"dest": "a.b"}, []),
        ({"dest": "a", "sampling": 100}, []),
        ({}, ["trace-destination"]),
        ({"dest": "a..b c"}, ["trace-destination"]),
        ({"dest": "a.*.b"}, ["trace-destination-wildcard"]),
        ({"dest": "a.*x"}, []),
        ({"dest": "a", "sampling": -1}, ["trace-sampling"]),
        ({"dest": "a", "sampling": 101}, ["trace-sampling"]),
    ],
)
def test_trace(trace: dict[str, Any] | None, expected: list[str]) -> None:
    assert account_rules(trace=trace) == expected


def test_signing_keys_of_one_name_are_one() -> None:
    scope = {"kind": "user_scope", "key": "nope"}
    assert account_rules(signing_keys=["nope", scope, None]) == ["scoped-signing-key"]
    assert account_rules(signing_keys=[scope, "nope", "nope"]) == ["signing-key"]
    assert account_rules(signing_keys=[{"kind": "user_scope"}]) == ["scoped-signing-key"]
    assert account_rules(signing_keys=[OTHER.public]) == []


def test_an_account_that_signs_itself_is_warned_about_limits_of_its_own() -> None:
    signed = make(TokenKind.ACCOUNT, {"limits": {"conn": 1}}, ACCOUNT)
    (finding,) = validate(signed, now=NOW)
    assert (finding.rule, finding.blocking, finding.time_check) == (
        "account-self-signed-limits",
        False,
        False,
    )
    assert rules(make(TokenKind.ACCOUNT, {"limits": {"wildcards": False}}, ACCOUNT)) == []


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"description": "d" * 8192}, []),
        ({"description": "d" * 8193}, ["description-too-long"]),
        ({"description": "é" * 4097}, ["description-too-long"]),
        ({"info_url": "https://h/" + "p" * 8182}, []),
        ({"info_url": "https://h/" + "p" * 8183}, ["info-url-too-long"]),
        ({"info_url": "h" * 8193}, ["info-url-too-long", "info-url-unparsable"]),
        ({"info_url": "https://:80/"}, ["info-url-unparsable"]),
        ({"info_url": "//h/"}, ["info-url-unparsable"]),
        ({"info_url": "x://[::1]:80"}, []),
        ({"info_url": "https:// h"}, ["info-url-unparsable"]),
    ],
)
def test_info_of_accounts_and_exports(info: dict[str, Any], expected: list[str]) -> None:
    assert account_rules(**info) == expected
    assert export_rules(**info) == expected


def test_cluster_traffic() -> None:
    assert account_rules(cluster_traffic="owner") == []
    assert account_rules(cluster_traffic="system") == []
    assert account_rules(cluster_traffic=" ") == ["account-cluster-traffic"]


# --- exports ---


@pytest.mark.parametrize(
    ("export", "expected"),
    [
        ({"response_type": "Chunked"}, []),
        ({"response_type": "chunked"}, ["export-response-type"]),
        ({"type": "stream", "response_type": "x"}, ["export-response-type-on-stream"]),
        ({"type": "stream", "allow_trace": True}, ["export-allow-trace-on-stream"]),
        ({"response_threshold": -1}, ["export-threshold-negative"]),
        ({"type": "stream", "response_threshold": -1}, ["export-threshold-negative"]),
        ({"type": "stream", "response_threshold": 1}, ["export-threshold-on-stream"]),
        ({"service_latency": {}}, ["subject-empty"]),
        ({"service_latency": {"sampling": None, "results": "r"}}, []),
        ({"service_latency": {"sampling": 100, "results": "r"}}, []),
        ({"service_latency": {"sampling": -1, "results": "r"}}, ["latency-sampling"]),
        ({"service_latency": {"sampling": "HEADERS", "results": "r.>"}}, ["latency-results-wildcard"]),
        ({"type": "stream", "service_latency": {"results": "r"}}, ["export-latency-on-stream"]),
        ({"subject": "a.*", "account_token_position": 2}, []),
        ({"subject": "*", "account_token_position": 1}, []),
        ({"subject": "a.*", "account_token_position": 1}, ["export-token-position-not-star"]),
        ({"subject": "a.*", "account_token_position": 3}, ["export-token-position-too-large"]),
        ({"subject": "a.*x", "account_token_position": 2}, ["export-token-position-no-wildcard"]),
        ({"subject": "a.*", "account_token_position": 2**64 - 1}, ["export-token-position-too-large"]),
        ({"subject": None}, ["subject-empty"]),
    ],
)
def test_an_export(export: dict[str, Any], expected: list[str]) -> None:
    assert export_rules(**export) == expected


def test_an_export_without_a_type_is_neither_stream_nor_service() -> None:
    members = {"subject": "a", "response_type": "x", "allow_trace": True, "response_threshold": 1}
    assert account_rules(exports=[{**members, "service_latency": {"results": "r"}}]) == [
        "export-latency-on-stream",
        "export-threshold-on-stream",
        "export-type",
    ]


def test_exports_of_no_type_are_compared_with_streams() -> None:
    exports = [
        {"subject": "a.b"},
        {"subject": "a.>", "type": "stream"},
        {"subject": "a.b", "type": "service"},
    ]
    assert account_rules(exports=exports) == ["export-overlap-stream", "export-type"]


# --- imports ---


@pytest.mark.parametrize(
    ("imported", "expected"),
    [
        ({"allow_trace": True}, ["import-allow-trace-on-service"]),
        ({"type": "stream", "share": True}, ["import-share-on-stream"]),
        ({"account": None}, ["import-account-missing"]),
        ({"account": "nope"}, []),
        ({"to": "b"}, ["import-to-deprecated"]),
        ({"to": "b", "local_subject": "c"}, ["import-to-and-local-subject", "import-to-deprecated"]),
        ({"local_subject": "b.>"}, ["local-subject-suffix"]),
        ({"subject": "a.>", "local_subject": ">"}, []),
        ({"subject": "a.*", "local_subject": "b.$1"}, []),
        ({"subject": "a.*", "local_subject": "b.$+1"}, []),
        ({"subject": "a.*", "local_subject": "b.$0"}, []),
        ({"subject": "a.*", "local_subject": "b.$-5"}, []),
        ({"subject": "a.*", "local_subject": "b.$1x"}, ["local-subject-wildcard-count"]),
        (
            {"subject": "a.*", "local_subject": "b.$2"},
            ["local-subject-reference", "local-subject-wildcard-count"],
        ),
        ({"subject": "a.*", "local_subject": "b.$1.*"}, ["local-subject-wildcard-count"]),
        ({"subject": "a.*", "local_subject": f"b.${2**63}"}, ["local-subject-wildcard-count"]),
        ({"subject": "", "local_subject": "b c"}, ["subject-empty"] * 2 + ["subject-spaces"] * 2),
        ({"subject": "a.*.*", "local_subject": "b.$1.$1"}, []),
        ({"token": "x"}, ["import-token-invalid"]),
    ],
)
def test_an_import(imported: dict[str, Any], expected: list[str]) -> None:
    assert import_rules(**imported) == expected


def activation(issuer: KeyPair = OTHER, subject: str = ACCOUNT.public, **nats: Any) -> str:
    members = {"subject": "a", "kind": "service", **nats}
    claims = Claims(kind=TokenKind.ACTIVATION, subject=subject, name="x", nats=members, expires=1)
    return sign(claims, issuer, 1)


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (activation(), []),  # it has expired, which is not asked
        (activation(issuer=ACCOUNT), ["import-token-issuer"]),
        (activation(issuer=ACCOUNT, issuer_account=OTHER.public), []),
        (activation(issuer=OPERATOR), ["import-token-issuer"]),
        (activation(subject=OTHER.public), ["import-token-subject"]),
        (activation(kind="stream"), ["import-token-type"]),
        (activation(subject_="b"), []),
        (activation() + "\n", []),
        (of_version_1("activation", ACCOUNT.public, OTHER, {"subject": "*", "type": "service"}), []),
        (
            of_version_1("activation", ACCOUNT.public, OTHER, {"subject": "a b"}),
            ["import-token-import-subject", "import-token-type", "import-type", "subject-spaces"],
        ),
        (
            of_version_1(
                "activation", ACCOUNT.public, ACCOUNT, {"subject": "a", "type": "service"}, issuer_account="x"
            ),
            ["activation-issuer-account", "import-token-issuer"],
        ),
        (
            sign(Claims(kind=TokenKind.GENERIC, subject="x", name="x", nats={}), OTHER, 1),
            ["import-token-invalid"],
        ),
    ],
)
def test_the_activation_inside_an_import(token: str, expected: list[str]) -> None:
    assert import_rules(token=token) == expected


def test_no_finding_repeats_the_activation_it_is_about() -> None:
    token = activation(issuer=ACCOUNT, subject=OTHER.public, kind="stream")
    for text in (token, token[:-4] + "AAAA", "not a token"):
        claims = {"imports": [{"subject": "b", "type": "service", "account": "x", "token": text}]}
        found = validate(make(TokenKind.ACCOUNT, {"limits": UNLIMITED, **claims}), now=NOW)
        assert found
        assert not any(text in finding.message for finding in found)


def test_services_overlap_only_within_one_exporter() -> None:
    one = {"subject": "a", "type": "service", "account": OTHER.public}
    assert account_rules(imports=[one, {**one, "account": ACCOUNT.public}]) == []
    assert account_rules(imports=[one, {**one, "type": "stream"}]) == []
    assert account_rules(imports=[one, one]) == ["import-overlap", "import-overlap-identical"]
    assert account_rules(imports=[one, {**one, "subject": "b", "to": "*"}]) == [
        "import-overlap",
        "import-to-deprecated",
    ]


# --- users, activations, authorization ---


@pytest.mark.parametrize(
    ("entry", "publish", "subscribe"),
    [
        ("a", [], []),
        ("a b", ["permission-queue"], []),
        ("a b c", ["permission-too-many-spaces"], ["permission-too-many-spaces"]),
        (" ", ["permission-queue", "subject-empty", "subject-empty"], ["subject-empty", "subject-empty"]),
        ("", ["subject-empty"], ["subject-empty"]),
        (None, ["subject-empty"], ["subject-empty"]),
        ("a .b", ["permission-queue", "subject-edge-dot"], ["subject-edge-dot"]),
        ("..", ["subject-double-dot", "subject-edge-dot"], ["subject-double-dot", "subject-edge-dot"]),
        ("a\tb.>.c", [], []),
        ("{{name()}} q", ["permission-queue"], []),
    ],
)
def test_permission_entries(entry: str | None, publish: list[str], subscribe: list[str]) -> None:
    for verdict in ("allow", "deny"):
        lists = {verdict: [entry]}
        assert user_rules(pub=lists) == publish
        assert user_rules(sub=lists) == subscribe
        assert account_rules(default_permissions={"pub": lists}) == publish
        assert account_rules(default_permissions={"sub": lists}) == subscribe


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("00:00:00", True),
        ("23:59:59", True),
        ("9:00:00", True),
        ("09:00:00,25", True),
        ("09:00:00.000000000001", True),
        ("24:00:00", False),
        ("19:60:00", False),
        ("19:00:60", False),
        ("19:0:00", False),
        ("19:00:00.", False),
        ("019:00:00", False),
        ("+9:00:00", False),
        ("09:00:00 ", False),
        ("٠٩:00:00", False),
        ("09:00:00Z", False),
    ],
)
def test_times_of_day(text: str, good: bool) -> None:
    assert is_time_of_day(text) is good
    assert user_rules(times=[{"start": text, "end": text}]) == (
        [] if good else ["time-range-end-invalid", "time-range-start-invalid"]
    )


def test_a_window_needs_both_ends() -> None:
    missing = ["time-range-end-missing", "time-range-start-missing"]
    assert user_rules(times=[None]) == missing
    assert user_rules(times=[{}]) == missing


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("10.0.0.0/8", True),
        ("10.1.2.3/08", True),
        ("10.0.0.0/32", True),
        ("10.0.0.0/33", False),
        ("::/128", True),
        ("::/129", False),
        ("::ffff:10.0.0.1/128", True),
        ("2001:DB8::/32", True),
        ("fe80::1%eth0/64", False),
        ("10.0.0/8", False),
        ("010.0.0.0/8", False),
        ("10.0.0.0", False),
        ("10.0.0.0/", False),
        ("10.0.0.0/+8", False),
        ("10.0.0.0/8/8", False),
        (" 10.0.0.0/8", False),
        ("1:2:3:4:5:6:7:8::/64", False),
        ("/8", False),
        ("10.0.0.0/٨", False),
        ("10.0.0.0/" + "9" * 5000, False),
    ],
)
def test_networks(text: str, good: bool) -> None:
    assert is_network(text) is good
    assert user_rules(src=[text]) == ([] if good else ["source-cidr"])


def test_one_text_of_networks_is_taken_apart_as_the_library_does() -> None:
    token = make(TokenKind.USER, {"src": "10.0.0.0/8,, 2001:DB8::/32\u00a0,10.0.0.0/8,Office"})
    assert decoded(token)["nats"]["src"] == ["10.0.0.0/8", "2001:db8::/32", "office"]
    (finding,) = validate(token, now=NOW)
    assert finding.message == 'invalid cidr "office" in user src limits'
    assert user_rules(src="") == []
    assert user_rules(src=[None, "OFFICE"]) == ["source-cidr"] * 2


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", None),
        ("UTC", None),
        ("Local", None),
        ("Europe/Berlin", None),
        ("Mars/Olympus", "unknown time zone Mars/Olympus"),
        ("local", "unknown time zone local"),
        ("a..b", "time: invalid location name"),
        ("/etc/localtime", "time: invalid location name"),
        ("\\x", "time: invalid location name"),
        ("Europe", "unknown time zone Europe"),
        ("a\0b", "unknown time zone a\0b"),
        ("x" * 5000, "unknown time zone " + "x" * 5000),
        ("Europe/Berlin ", "unknown time zone Europe/Berlin "),
    ],
)
def test_time_zones(name: str, reason: str | None) -> None:
    assert zoneinfo.available_timezones(), "these tests need a time zone database: install the package tzdata"
    assert why_unknown_zone(name) == reason
    assert user_rules(times_location=name) == (["time-zone"] if reason else [])


def test_issuer_accounts_are_accounts() -> None:
    assert user_rules(issuer_account=OTHER.public) == []
    assert user_rules(issuer_account=USER.public) == ["user-issuer-account"]
    good = {"subject": "a", "kind": "stream"}
    assert rules(make(TokenKind.ACTIVATION, {**good, "issuer_account": OTHER.public})) == []
    assert rules(make(TokenKind.ACTIVATION, {"issuer_account": "x"})) == [
        "activation-import-type",
        "activation-issuer-account",
        "subject-empty",
    ]


def test_authorization_requests_and_responses() -> None:
    request, response = TokenKind.AUTHORIZATION_REQUEST, TokenKind.AUTHORIZATION_RESPONSE
    assert rules(make(request, {"user_nkey": USER.public})) == []
    assert rules(make(request, {"user_nkey": None})) == ["authorization-request-user-nkey-required"]
    assert rules(make(request, {"user_nkey": "x"})) == ["authorization-request-user-nkey"]
    assert rules(make(response, {"error": "no"}, audience=SERVER.public)) == []
    assert rules(make(response, {}, subject=ACCOUNT.public, audience=USER.public)) == [
        "authorization-response-audience",
        "authorization-response-empty",
        "authorization-response-subject",
    ]
    both = {"error": "no", "jwt": "x", "issuer_account": USER.public}
    assert rules(make(response, both, audience=SERVER.public)) == [
        "authorization-response-both",
        "authorization-response-issuer-account",
    ]


def test_generic_tokens_have_no_rules_but_time() -> None:
    assert rules(make(TokenKind.GENERIC, {"exports": [None], "type": "invoice"}, expires=1)) == [
        "time-expired"
    ]


# --- version 1 ---


def test_version_1_is_judged_as_what_it_is_migrated_to() -> None:
    nats = {
        "exports": [{"subject": "a..b", "type": "stream"}],
        "limits": {"exports": -1},
        "trace": {},
        "mappings": {"": []},
    }
    token = decode(of_version_1("account", ACCOUNT.public, OPERATOR, nats, tags=["t"]))
    assert rules(token) == ["subject-double-dot"]
    assert decoded(token)["nats"] == {
        "exports": [{"subject": "a..b", "type": "stream"}],
        "limits": {"exports": -1},
        "default_permissions": {"pub": {}, "sub": {}},
        "authorization": {},
        "tags": ["t"],
        "type": "account",
        "version": 1,
    }


def test_limits_of_version_1_users_default_to_unlimited() -> None:
    token = decode(of_version_1("user", USER.public, ACCOUNT, {"subs": None, "data": 0}, issuer_account="x"))
    nats = decoded(token)["nats"]
    assert (nats["subs"], nats.get("data", 0), nats["payload"]) == (-1, 0, -1)
    assert rules(token) == ["user-issuer-account"]


def test_hash_id_looks_at_the_part_before_the_first_wildcard() -> None:
    ids = {
        s: hash_id(make(TokenKind.ACTIVATION, {"subject": s, "kind": "stream"}))
        for s in ("a.*", "a.>", "a", "*", ">.b", "_")
    }
    assert ids["a.*"] == ids["a.>"] == ids["a"] != ids["*"]
    assert ids["*"] == ids[">.b"] == ids["_"]
    assert hash_id(make(TokenKind.ACTIVATION, {"kind": "stream"})) is None
    assert hash_id(make(TokenKind.GENERIC, {"subject": "a"})) is None


# --- texts and URLs ---


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b", '"a b"'),
        ('"\\', '"\\"\\\\"'),
        ("\t\n\x00\x7f", '"\\t\\n\\x00\\x7f"'),
        ("é€\u200b\ufeff", '"é€\\u200b\\ufeff"'),
        ("\u00a0\x85", '"\\u00a0\\u0085"'),
        ("😀\U000e0001", '"😀\\U000e0001"'),
    ],
)
def test_quoted_as_go_does(text: str, shown: str) -> None:
    assert quoted(text) == shown


def test_lowered_trimmed_and_read_as_go_does() -> None:
    assert lower("ÄΣİß") == "äσiß"
    assert trim_space("\x1c\u2003 a\u3000\n") == "\x1c\u2003 a"
    assert [integer(t) for t in ("-07", "+1", "", "+", "1_0", " 1", "0" * 30 + "1")] == [
        -7,
        1,
        *[None] * 4,
        1,
    ]


@pytest.mark.parametrize(
    "text",
    [
        "http://h/a%20b?%zz#x",
        "http://h:80:90/",
        "http://a,b;c=d/",
        "http://ünïcode/",
        "http://%C3%BC/",
        "http://[fe80::1%25en0]:80/",
        "http://[fe80::1%25%20x]/",
        "http://u:p%40@h",
        "http://u:p:q@h",
        "mailto:%zz",
        "",
        "?a:b",
        "a/b:c",
        "///a:b",
        "http:///p",
        "http://h?/:@",
    ],
)
def test_go_reads_this_url(text: str) -> None:
    parse_url(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://h\x7f", "net/url: invalid control character in URL"),
        (":x", "missing protocol scheme"),
        ("a:b/c", None),
        ("a_b:c", "first path segment in URL cannot contain colon"),
        ("http://h:a", 'invalid port ":a" after host'),
        ("http://[::1]x", 'invalid port "x" after host'),
        ("http://[::1", "missing ']' in host"),
        ("http://x[::1]", "invalid IP-literal"),
        ("http://[1.2.3.4]/", 'invalid host: ParseAddr("1.2.3.4"): unable to parse IP'),
        ("http://h h/", 'invalid character " " in host name'),
        ("http://h^/", 'invalid character "^" in host name'),
        ("http://h%41/", 'invalid URL escape "%41"'),
        ("http://[fe80::1%25%0a]/", 'invalid URL escape "%0a"'),
        ("http://u ser@h", "net/url: invalid userinfo"),
        ("http://u%zz@h", 'invalid URL escape "%zz"'),
        ("http://h/%a", 'invalid URL escape "%a"'),
        ("http://h#%", 'invalid URL escape "%"'),
    ],
)
def test_go_refuses_this_url(text: str, reason: str | None) -> None:
    if reason is None:
        assert parse_url(text).scheme == "a"
        return
    with pytest.raises(UrlError) as caught:
        parse_url(text)
    assert str(caught.value).endswith(f": {reason}")


@given(st.text(alphabet="ahtp:/[]@%25?#.1é \n", max_size=20))
def test_any_text_is_read_as_a_url_or_refused(text: str) -> None:
    try:
        url = parse_url(text)
    except UrlError:
        return
    assert url.hostname in url.host
    assert url.scheme == url.scheme.lower()


# --- the sets, against the library's own double loop ---

SUBJECTS = st.lists(st.sampled_from(["a", "b", "*", ">", "", "$1", "*x"]), min_size=1, max_size=3).map(
    ".".join
)


def overlapping_exports(subjects: list[str]) -> list[Issue]:
    first: dict[str, str] = {}
    for i, inner in enumerate(subjects):
        for j, outer in enumerate(subjects):
            if i != j and is_contained(inner, outer):
                first.setdefault(outer, inner)
    return [
        ("export-overlap-service", f'service export subject "{outer}" already exports "{inner}"')
        for outer, inner in first.items()
    ]


@given(st.lists(SUBJECTS, max_size=6))
def test_exports_overlap_as_in_a_comparison_of_all_with_all(subjects: list[str]) -> None:
    found = Findings()
    check_exports([{"subject": s, "type": "service"} for s in subjects], found)
    overlaps = [(i.rule, i.message) for i in found.issues if i.rule.startswith("export-overlap")]
    assert sorted(overlaps) == sorted(overlapping_exports(subjects))


@given(st.lists(SUBJECTS.filter(bool), max_size=6))
def test_imports_overlap_as_in_a_comparison_with_all_before(subjects: list[str]) -> None:
    found = Findings()
    check_imports([{"subject": s, "type": "service", "account": "x"} for s in subjects], "y", found)
    expected: Counter[str] = Counter()
    for place, subject in enumerate(subjects):
        before = set(subjects[:place])
        expected["import-overlap-identical"] += subject in before
        expected["import-overlap"] += sum(
            is_contained(subject, other) or is_contained(other, subject) for other in before
        )
    overlaps = Counter(i.rule for i in found.issues if i.rule.startswith("import-overlap"))
    assert overlaps == +expected


@pytest.mark.parametrize(
    ("inner", "outer", "contained"),
    [
        ("a.b", "a.*", True),
        ("a.b", "a.>", True),
        ("a", "a.>", False),
        (">", "*", True),
        ("*", ">", True),
        ("a.>", "a.*", True),
        ("a.b.c", "a.*", False),
        ("a.>.b", "a.>.b", True),
        ("a.b.b", "a.>.b", False),
        ("", "*", True),
        ("*", "a", False),
    ],
)
def test_containment_is_the_librarys(inner: str, outer: str, contained: bool) -> None:
    assert is_contained(inner, outer) is contained


def test_many_exports_and_imports_are_judged_quickly() -> None:
    exports = [{"subject": f"s{n}.x", "type": "service"} for n in range(20_000)]
    found = Findings()
    check_exports(exports, found)
    check_imports([{**export, "account": OTHER.public} for export in exports], ACCOUNT.public, found)
    assert found.issues == []


# --- robustness ---


def paths(value: object, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield here
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in items:
        yield from paths(member, (*here, key))


NATS = [
    (TokenKind(case["kind"]), case["claims"]["nats"])
    for case in READABLE
    if case["claims"].get("nats") and "type" not in case["claims"] and case["kind"] != "generic"
]
VALUES = st.one_of(
    st.none(),
    st.sampled_from(
        [[], {}, [None], "", " ", ".", "*", ">", "a..b", "$9", "stream", "service", "{{x}}", 0, -1, 2**63 - 1]
    ),
    st.text(max_size=5),
    st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_decodes_can_be_judged(data: st.DataObject) -> None:
    kind, nats = data.draw(st.sampled_from(NATS))
    changed = json.loads(json.dumps(nats))
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from([path for path in paths(changed) if path]))
        parent = changed
        for step in way:
            parent = parent[step]
        parent[last] = copy.deepcopy(data.draw(VALUES))  # else a drawn list could end up inside itself
    changed.pop("type", None)
    changed.pop("version", None)
    try:
        token = make(kind, changed)
    except ClaimsError:
        reject()
    for finding in validate(token, now=NOW):
        assert finding.rule
        assert finding.message
        assert not (finding.blocking and finding.time_check)
    for advice in advise(token, now=NOW):
        assert advice.message
    again = decode(
        sign(Claims(kind=kind, subject=token.subject, name="x", nats=_bare(decoded(token))), MADE[kind][1], 1)
    )
    assert decoded(again)["nats"] == decoded(token)["nats"]


def _bare(claims: dict[str, Any]) -> dict[str, Any]:
    return {
        name: member for name, member in claims.get("nats", {}).items() if name not in ("type", "version")
    }
