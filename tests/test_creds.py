"""The text of creds: what the official library finds in it, and writes, is what is found and written here."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from natsbackend.claims.codec import Claims, TokenKind, decode, sign
from natsbackend.claims.creds import Creds, decorate, format_creds, parse_creds
from natsbackend.errors import ClaimsError, InvalidKey
from natsbackend.keys import KeyPair, KeyRole

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "vectors/creds.jsonl").read_text("utf-8").splitlines()
]
ACCOUNT = KeyPair(KeyRole.ACCOUNT, b"a" * 32)
USER = KeyPair(KeyRole.USER, b"u" * 32)
NATS: dict[str, object] = {"pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1}
JWT = sign(Claims(kind=TokenKind.USER, subject=USER.public, name="svc", nats=NATS), ACCOUNT, 1_800_000_000)


def key_of(creds: Creds) -> KeyPair | None:
    try:
        return KeyPair.from_seed(creds.seed) if creds.seed else None
    except InvalidKey:
        return None


def written(creds: Creds, key: KeyPair | None) -> str | None:
    try:
        return format_creds(creds.jwt, key) if creds.jwt and key else None
    except ClaimsError:
        return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_creds_agree_with_the_official_library(case: dict[str, Any]) -> None:
    creds = parse_creds(case["creds"])
    try:
        token = decode(creds.jwt) if creds.jwt else None
    except ClaimsError:
        token = None
    key = key_of(creds)

    assert (token is not None) == case["jwt_decodes"]
    if token:
        assert (token.kind, token.subject, token.name) == (case["kind"], case["subject"], case["name"])
    assert (key is not None) == case["seed_ok"]
    assert (key.public if key else None) == case["seed_public"]
    matches = token is not None and key is not None and key.public == token.subject
    assert matches == case["seed_matches"]
    assert (matches and token is not None and token.kind is TokenKind.USER) == case["usable"]
    assert (written(creds, key) == case["creds"]) == case["canonical"]


def test_creds_are_the_bytes_that_are_documented() -> None:
    stars = "*" * 25
    assert format_creds(JWT, USER) == (
        f"-----BEGIN NATS USER JWT-----\n{JWT}\n------END NATS USER JWT------\n\n"
        f"{stars} IMPORTANT {stars}\n"
        "NKEY Seed printed below can be used to sign and prove identity.\n"
        "NKEYs are sensitive and should be treated as secrets.\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{USER.reveal_seed()}\n------END USER NKEY SEED------\n\n"
        f"{'*' * 61}\n"
    )


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_creds_come_back_as_they_went(line_end: str) -> None:
    creds = parse_creds(format_creds(JWT, USER).replace("\n", line_end))
    assert creds == Creds(jwt=JWT, seed=USER.reveal_seed())


def test_a_token_that_ends_in_a_newline_is_written_without_it() -> None:
    assert format_creds(JWT + "\n", USER) == format_creds(JWT, USER)


def test_creds_with_the_seed_of_somebody_else_are_refused() -> None:
    other = KeyPair(KeyRole.USER, b"o" * 32)
    with pytest.raises(ClaimsError, match="does not belong") as refusal:
        format_creds(JWT, other)
    assert refusal.value.rule == "creds-seed"
    assert other.reveal_seed() not in str(refusal.value)
    assert JWT not in str(refusal.value)


def test_creds_of_an_account_are_refused() -> None:
    operator = KeyPair(KeyRole.OPERATOR, b"o" * 32)
    account = sign(
        Claims(kind=TokenKind.ACCOUNT, subject=ACCOUNT.public, name="A", nats={}), operator, 1_800_000_000
    )
    with pytest.raises(ClaimsError, match="'account'") as refusal:
        format_creds(account, ACCOUNT)
    assert refusal.value.rule == "creds-kind"


def test_creds_of_a_forged_token_are_refused() -> None:
    head, body, signature = JWT.split(".")
    with pytest.raises(ClaimsError) as refusal:
        format_creds(f"{head}.{body}.{signature[:20]}{'A' * 66}", USER)
    assert refusal.value.rule == "decode-signature-v2"


@pytest.mark.parametrize("kind", TokenKind)
def test_a_decorated_token_says_its_kind_and_is_found_again(kind: TokenKind) -> None:
    text = decorate(kind, JWT)
    noun = kind.value.upper()
    assert text == f"-----BEGIN NATS {noun} JWT-----\n{JWT}\n------END NATS {noun} JWT------\n\n"
    assert parse_creds(text) == Creds(jwt=JWT, seed=None)


@pytest.mark.parametrize("text", ["", JWT + "\n", "a.b", "a.b.c.d", "a.b.c\n------END", USER.reveal_seed()])
def test_what_is_no_token_is_not_decorated(text: str) -> None:
    with pytest.raises(ClaimsError) as refusal:
        decorate(TokenKind.USER, text)
    assert not text or text not in str(refusal.value)


def test_a_seed_in_the_place_of_the_token_is_not_taken_for_one() -> None:
    seed = USER.reveal_seed()
    block = f"-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    assert parse_creds(block) == Creds(jwt=None, seed=seed)


def test_creds_are_not_shown() -> None:
    shown = repr(parse_creds(format_creds(JWT, USER)))
    assert JWT not in shown
    assert USER.reveal_seed() not in shown


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("-=. \r\n\tSUAeyJ*é"), max_size=300) | st.text(max_size=100))
def test_any_text_can_be_parsed(text: str) -> None:
    creds = parse_creds(text)
    for found in (creds.jwt, creds.seed):
        assert found is None or found in text


@pytest.mark.parametrize(
    "text",
    ["-" * 200_000, "-" * 100_000 + "\n" + "-" * 100_000 + "x", "---x---\na\n" * 20_000, "S" * 200_000],
    ids=["dashes", "dashes-twice", "open-blocks", "one-line"],
)
def test_a_hostile_text_is_parsed_in_a_moment(text: str) -> None:
    started = time.perf_counter()
    assert parse_creds(text) == Creds(jwt=None, seed=None)
    assert time.perf_counter() - started < 2  # Go's expression takes Python hours on the first one
