"""Tokens of a role: what may be asked for, what a name or tag can never become, and the cookie line exactly."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsbackend.claims.codec import Token, decode
from natsbackend.claims.creds import parse_creds
from natsbackend.errors import TokenError
from natsbackend.keys import KeyPair, KeyRole, derived_user_key, is_public
from natsbackend.model.entities import ConnectionType, Grant, Permissions, Role, Rules, role_path
from natsbackend.model.serving import Cookie
from natsbackend.tokens import DEFAULT_TTL, MAX_COOKIE, Minted, mint

NOW = 1_750_000_000
ACCOUNT = KeyPair(KeyRole.ACCOUNT, b"a" * 32).public
SIGNER = KeyPair(KeyRole.ACCOUNT, b"s" * 32)
BROWSER = Role(
    name="viewer",
    path=role_path("web", "viewer"),
    bearer=True,
    connection_types=(ConnectionType.WEBSOCKET,),
    ttl=900,
)
SERVICE = Role(name="worker", path=role_path("web", "worker"), ttl=3600)
ANYTHING = Grant(subject=">", origin="publish")
ENDLESS = Role(name="endless", path=role_path("web", "endless"), bearer=True)


def entropy() -> Callable[[int], bytes]:
    numbers = itertools.count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


def token(role: Role = BROWSER, **options: Any) -> Minted:
    arguments = {"account": ACCOUNT, "signer": SIGNER, "name": "alice", "now": NOW, "entropy": entropy()}
    return mint(role, **{**arguments, **options})


def claims_of(minted: Minted) -> Token:
    return decode(minted.jwt)


# --- what a token says ---


def test_a_token_says_who_for_how_long_and_nothing_about_permissions() -> None:
    minted = token(tags=("team:red",))
    claims = claims_of(minted).claims
    assert claims["name"] == "alice"
    assert claims["iss"] == SIGNER.public
    assert claims["sub"] == minted.subject
    assert (claims["iat"], claims["exp"]) == (NOW, NOW + 900)
    assert claims["nats"] == {
        "pub": {},
        "sub": {},
        "issuer_account": ACCOUNT,
        "tags": ["team:red"],
        "type": "user",
        "version": 2,
    }


def test_a_token_that_the_server_would_refuse_for_want_of_a_tag_is_not_made() -> None:
    denied = Rules(allow=(ANYTHING,), deny=(Grant(subject="t.{{tag(Team)}}.{{name()}}", origin="publish"),))
    role = replace(SERVICE, permissions=Permissions(publish=denied))
    for tags in ((), ("team",), ("other:red",)):
        with pytest.raises(TokenError, match='needs a tag "team:…" to deny'):
            token(role, tags=tags)
    assert claims_of(token(role, tags=("TEAM:red",))).claims["nats"]["tags"] == ["team:red"]
    allowed = replace(denied, allow=denied.deny, deny=())
    assert token(replace(role, permissions=Permissions(publish=allowed))).name == "alice"


def test_a_browsers_token_has_no_key_and_the_same_subject_on_every_device() -> None:
    one, other = token(), token(now=NOW + 500, ttl=5, tags=("x",))
    assert one.key is None
    assert one.subject == other.subject == derived_user_key(ACCOUNT, "alice")
    assert is_public(one.subject, KeyRole.USER)


def test_the_subject_of_a_browser_outlives_a_rotation_of_the_roles_key() -> None:
    rotated = KeyPair(KeyRole.ACCOUNT, b"r" * 32)
    assert token().subject == token(signer=rotated).subject
    assert token().jwt != token(signer=rotated).jwt


def test_subjects_differ_by_name_and_by_account() -> None:
    elsewhere = KeyPair(KeyRole.ACCOUNT, b"b" * 32).public
    subjects = {
        token().subject,
        token(name="bob").subject,
        token(name="Alice").subject,
        token(account=elsewhere).subject,
    }
    assert len(subjects) == 4


def test_a_token_that_is_no_bearers_has_a_random_key_of_its_own() -> None:
    source = entropy()
    one, other = token(SERVICE, entropy=source), token(SERVICE, entropy=source)
    assert one.key is not None
    assert one.subject == one.key.public != other.subject
    assert one.subject != derived_user_key(ACCOUNT, "alice")


# --- how long it lives ---


@pytest.mark.parametrize(("role", "life"), [(BROWSER, 900), (SERVICE, 3600), (ENDLESS, DEFAULT_TTL)])
def test_without_a_ttl_it_lives_as_long_as_the_role_lets_it(role: Role, life: int) -> None:
    assert token(role).expires == NOW + life


@pytest.mark.parametrize("ttl", [1, 60, 900])
def test_a_ttl_up_to_the_roles_is_kept(ttl: int) -> None:
    assert claims_of(token(ttl=ttl)).claims["exp"] == NOW + ttl


@pytest.mark.parametrize("ttl", [901, 10**9, 10**30])
def test_a_ttl_above_the_roles_is_refused(ttl: int) -> None:
    with pytest.raises(TokenError, match="at most 15m") as caught:
        token(ttl=ttl)
    assert caught.value.hint


@pytest.mark.parametrize("ttl", [0, -1, -900])
def test_a_token_that_is_born_dead_is_refused(ttl: int) -> None:
    with pytest.raises(TokenError):
        token(ttl=ttl)


# --- names and tags ---

_WIDENING = [
    "",
    " ",
    "*",
    ">",
    "a.b",
    "a.*",
    ".",
    "alice ",
    " alice",
    "al ice",
    "alice\n",
    "alice\0",
    "alíce",
    "аlice",  # a Cyrillic a
    "ａlice",  # a full-width a
    "x\u200b",
    "{{name()}}",
    "$SYS",
    "a/b",
    "a,b",
    "a;b",
    "a:b",
    "a%2Eb",
    "\ud800",
]


@pytest.mark.parametrize("name", _WIDENING)
@pytest.mark.parametrize("role", [BROWSER, SERVICE])
def test_a_name_that_could_widen_a_template_is_refused(role: Role, name: str) -> None:
    with pytest.raises(TokenError, match="plain subject token"):
        token(role, name=name)


@pytest.mark.parametrize("value", [value for value in _WIDENING if value != ""])
def test_a_tag_that_could_widen_a_template_is_refused_on_both_sides(value: str) -> None:
    for tag in (f"team:{value}", f"{value}:red", *([value] if value != "a:b" else [])):
        with pytest.raises(TokenError, match="plain subject tokens"):
            token(tags=("ok", tag))


@pytest.mark.parametrize("tag", ["", ":", "team:", ":red", "team:red:blue", "team::red"])
def test_half_a_tag_is_refused(tag: str) -> None:
    with pytest.raises(TokenError):
        token(tags=(tag,))


def test_an_error_repeats_no_more_than_the_beginning_of_a_long_name() -> None:
    with pytest.raises(TokenError) as caught:
        token(name="a." * 100_000)
    assert len(caught.value.message) < 200


def test_tags_are_kept_in_order_once_with_keys_in_lower_case() -> None:
    minted = token(tags=("Team:Red", "vip", "team:Red", "VIP", "team:blue"))
    assert claims_of(minted).claims["nats"]["tags"] == ["team:Red", "vip", "team:blue"]


@given(st.text("abcXYZ019-_", min_size=1, max_size=60))
def test_every_plain_token_is_a_name(name: str) -> None:
    minted = token(name=name)
    assert claims_of(minted).claims["name"] == name


@given(st.text(max_size=20))
def test_a_name_that_is_taken_is_one_token_of_a_subject(name: str) -> None:
    try:
        minted = token(name=name)
    except TokenError:
        return
    assert minted.name == name
    assert name.isascii()
    assert name
    assert not set(name) & set("*>. \t\r\n/;,=\0")


# --- the cookie ---


def test_the_set_cookie_line_is_this() -> None:
    minted = token()
    assert minted.set_cookie(Cookie(name="nats_token")) == (
        f"nats_token={minted.jwt}; Path=/; Max-Age=900; HttpOnly; Secure; SameSite=Strict"
    )


def test_a_domain_and_another_same_site_are_said() -> None:
    minted = token(ttl=60)
    cookie = Cookie(name="__Secure-t", domain="example.com", same_site="Lax")
    assert minted.set_cookie(cookie) == (
        f"__Secure-t={minted.jwt}; Path=/; Max-Age=60; Domain=example.com; HttpOnly; Secure; SameSite=Lax"
    )


def test_a_host_cookie_has_all_that_browsers_demand_of_one() -> None:
    parts = token().set_cookie(Cookie(name="__Host-nats")).split("; ")
    assert {"Path=/", "Secure"} <= set(parts)
    assert not any(part.startswith("Domain") for part in parts)


def test_a_token_fits_into_a_cookie_with_room_to_spare() -> None:
    line = token(name="a" * 64, tags=tuple(f"tag{n}:value" for n in range(10))).set_cookie(Cookie(name="t"))
    assert len(line) < 1200


def test_a_cookie_that_browsers_would_drop_is_refused_and_the_limit_is_exact() -> None:
    cookie = Cookie(name="nats_token")
    fits = None
    for length in range(2000, 3000):
        minted = token(tags=("x" * length,))
        size = len(f"nats_token={minted.jwt}; Path=/; Max-Age=900; HttpOnly; Secure; SameSite=Strict")
        if size > MAX_COOKIE:
            with pytest.raises(TokenError, match=f"{size} bytes") as caught:
                minted.set_cookie(cookie)
            assert minted.jwt[:30] not in str(caught.value)
            break
        fits = minted
    else:
        pytest.fail("none was too large")
    assert fits is not None
    assert MAX_COOKIE - 4 < len(fits.set_cookie(cookie)) <= MAX_COOKIE


# --- creds ---


def test_creds_hold_the_token_and_its_seed() -> None:
    minted = token(SERVICE)
    creds = parse_creds(minted.creds())
    assert creds.jwt == minted.jwt
    assert creds.seed is not None
    assert KeyPair.from_seed(creds.seed).public == minted.subject


def test_a_bearer_has_no_creds_and_the_error_says_what_to_take() -> None:
    minted = token()
    with pytest.raises(TokenError, match="no seed") as caught:
        minted.creds()
    assert "--format" in str(caught.value.hint)
    assert minted.jwt not in str(caught.value)


def test_a_token_shows_neither_jwt_nor_seed_when_it_is_shown() -> None:
    for role in (BROWSER, SERVICE):
        minted = token(role)
        shown = f"{minted!r} {minted} {[minted]}"
        assert minted.jwt not in shown
        assert "eyJ" not in shown
        if minted.key is not None:
            assert minted.key.reveal_seed() not in shown
