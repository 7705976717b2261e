"""From where, when, over what and with what proof one connects: what the words do on a real server.

Each refusal stands beside a user that differs in one word and is let in.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support.findings import with_head
from support.livebackend import ORIGIN, Running, key_of, running
from support.servers import LOOPBACK

from natsbackend.claims import schema
from natsbackend.claims.build import Unsigned, build
from natsbackend.claims.codec import read_unverified
from natsbackend.errors import LiveServerError
from natsbackend.keys import Keyring
from natsbackend.live.principals import Principals
from natsbackend.live.proof import Identity
from natsbackend.live.wire import Refused
from natsbackend.model.entities import Backend, Principal
from natsbackend.model.resolve import resolve
from natsbackend.spec.load import parse_spec
from natsbackend.spec.raw_claims import WORDS_OF_ACCOUNTS, WORDS_OF_OPERATORS
from natsbackend.spec.user_models import DECIDED_CLAIMS, WORDS_OF_CLAIMS

SERVER = f"server: {{websocket: {{no_tls: true, cookie: {{name: t}}, allowed_origins: ['{ORIGIN}']}}}}"
USERS = """
accounts:
  web:
    signing_keys: [main, night]
    roles:
      default: {permissions: account_default, ttl: 1h}
      team: {publish: {allow: ["t.>"], deny: ["t.{{tag(team)}}.admin"]}, ttl: 1h}
      raw: {claims: {later: {words: [1, 2.5]}}, ttl: 1h}
      abroad: {sources: [203.0.113.0/24], ttl: 1h}
      proxied: {proxy_required: true, ttl: 1h}
      night: {times: %(closed)s, time_zone: UTC, ttl: 1h}
      at-home: {sources: [127.0.0.0/8, "::1/128"], times: %(open)s, time_zone: UTC, ttl: 1h}
    users:
      plain: {}
      here: {sources: [203.0.113.0/24, 127.0.0.0/8]}
      foreign: {sources: [203.0.113.0/24]}
      day: {times: %(open)s, time_zone: UTC}
      night: {times: %(closed)s, time_zone: UTC}
      both: {times: [%(windows)s], time_zone: UTC}
      far: {times: %(open)s, time_zone: Asia/Tokyo}
      proxied: {proxy_required: true}
      tcp: {connection_types: [standard, mqtt]}
      browser: {connection_types: [websocket]}
      meter: {connection_types: [mqtt, in_process]}
      bearer: {bearer: true, expires: 2099-01-01}
      second: {signing_key: night}
      raw: {claims: {later: {words: [1, 2.5]}}}
      scoped: {role: raw, claims: {badge: 7}}
      since: {not_before: 2020-01-01}
      later: {not_before: 2099-01-01}
      default: {permissions: account_default, limits: {subscriptions: 9}}
      nothing: {}
"""


def window(start: timedelta, end: timedelta) -> str:
    """Return a window of the spec, from now, in UTC."""
    now = datetime.fromtimestamp(time.time(), UTC)
    return f'{{start: "{now + start:%H:%M:%S}", end: "{now + end:%H:%M}"}}'


def backend_of(text: str) -> Backend:
    """Return what a spec means, to be run on any free ports."""
    resolved = resolve(parse_spec(with_head(text), "spec.yaml"))
    assert resolved.diagnostics == ()
    server = resolved.backend.server
    assert server is not None
    assert server.websocket is not None
    websocket = replace(server.websocket, listen=LOOPBACK)
    return replace(resolved.backend, server=replace(server, listen=LOOPBACK, websocket=websocket))


def build_with_defaults(backend: Backend, keyring: Keyring) -> Iterator[Unsigned]:
    """Build the claims, and give the account default permissions."""
    for unsigned in build(backend, keyring):
        if unsigned.path == "accounts/web":
            default = {"pub": {"allow": ["told"]}, "sub": {"deny": ["secret"]}}
            nats = {**unsigned.claims.nats, "default_permissions": default}
            yield replace(unsigned, claims=replace(unsigned.claims, nats=nats))
        else:
            yield unsigned


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    hour = timedelta(hours=1)
    is_open, closed = window(-hour, hour), window(2 * hour, 3 * hour)
    words = {"open": f"[{is_open}]", "closed": f"[{closed}]", "windows": f"{closed}, {is_open}"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("support.livebackend.build", build_with_defaults)
        with running(backend_of(USERS % words + SERVER), tmp_path_factory.mktemp("connecting")) as started:
            yield started


@pytest.fixture
def principals(live: Running) -> Iterator[Principals]:
    with Principals(live.backend, live.identities, live.endpoints, timeout=5.0) as made:
        yield made


def is_let_in(principals: Principals, who: Principal) -> bool:
    """Connect as the proofs do; anything but the server's own refusal is an error."""
    try:
        principals.connection(who).flush()
    except Refused as refused:
        if (refused.stage, refused.error) != ("connect", "Authorization Violation"):
            raise
        return False
    return True


@pytest.mark.parametrize(
    "name", ["plain", "here", "day", "both", "tcp", "browser", "bearer", "second", "since", "raw", "scoped"]
)
def test_who_keeps_to_its_restrictions_is_let_in(principals: Principals, name: str) -> None:
    assert is_let_in(principals, Principal(account="web", user=name))


@pytest.mark.parametrize("name", ["foreign", "night", "far", "proxied", "later"])
def test_who_does_not_keep_to_them_is_refused(principals: Principals, name: str) -> None:
    assert not is_let_in(principals, Principal(account="web", user=name))


@pytest.mark.parametrize(
    ("role", "let_in"), [("at-home", True), ("abroad", False), ("night", False), ("proxied", False)]
)
def test_the_server_holds_the_tokens_of_a_role_to_its_restrictions(
    principals: Principals, role: str, let_in: bool
) -> None:
    assert is_let_in(principals, Principal(account="web", role=role, name="ann")) == let_in


def test_a_connection_type_that_is_not_named_is_refused(principals: Principals) -> None:
    browser = principals.identities.of(Principal(account="web", user="browser"))
    with pytest.raises(Refused, match="Authorization Violation"):
        principals.over_tcp(browser)
    tcp = principals.identities.of(Principal(account="web", user="tcp"))
    principals.over_tcp(tcp).close()
    with pytest.raises(Refused, match="Authorization Violation"):
        principals.over_websocket(tcp, cookie=None, origin=ORIGIN)


def test_a_bearer_needs_no_key_and_nobody_else_does_without(principals: Principals) -> None:
    def without_key(name: str) -> Identity:
        return Identity(jwt=principals.identities.of(Principal(account="web", user=name)).jwt)

    principals.over_tcp(without_key("bearer")).close()
    with pytest.raises(Refused, match="Authorization Violation"):
        principals.over_tcp(without_key("plain"))


def test_who_connects_over_nothing_that_is_tried_is_said_so(principals: Principals) -> None:
    with pytest.raises(LiveServerError, match="by mqtt, in_process only"):
        principals.connection(Principal(account="web", user="meter"))


def may(principals: Principals, who: Principal) -> tuple[bool, bool, bool, bool]:
    """Return whether one may publish to two subjects and subscribe to two."""
    connection = principals.connection(who)
    out = []
    for subject in ("told", "untold"):
        connection.publish(subject)
        out.append(connection.flush() == [])
    for subject in ("secret", "open"):
        connection.subscribe(subject)
        out.append(connection.flush() == [])
    return out[0], out[1], out[2], out[3]


def test_account_default_leaves_both_directions_to_the_account(principals: Principals) -> None:
    as_the_account = (True, False, False, True)
    assert may(principals, Principal(account="web", user="default")) == as_the_account
    assert may(principals, Principal(account="web", role="default", name="ann")) == as_the_account
    assert may(principals, Principal(account="web", user="nothing")) == (False, False, False, False)


def test_the_chosen_signing_key_signs(principals: Principals) -> None:
    def issuer(name: str) -> str:
        return read_unverified(principals.identities.of(Principal(account="web", user=name)).jwt).issuer

    assert issuer("second") == key_of("accounts/web/signing/night").public
    assert issuer("plain") == key_of("accounts/web/signing/main").public


def test_a_token_without_a_tag_that_a_denial_asks_for_is_refused(principals: Principals) -> None:
    assert is_let_in(principals, Principal(account="web", role="team", name="ann", tags=("team:red",)))
    assert not is_let_in(principals, Principal(account="web", role="team", name="ann"))


def test_raw_claims_stand_in_the_jwt_and_the_server_reads_over_them(
    live: Running, principals: Principals
) -> None:
    def nats(path: str) -> Mapping[str, object]:
        return read_unverified(live.identities.tokens[path]).nats

    later = {"words": [1, 2.5]}
    assert nats("accounts/web/users/raw")["later"] == later
    assert nats("accounts/web/users/scoped")["badge"] == 7
    keys = nats("accounts/web")["signing_keys"]
    assert isinstance(keys, list)
    templates = {key["role"]: key["template"] for key in keys if isinstance(key, dict)}
    assert (templates["raw"]["later"], "later" in templates["team"]) == (later, False)
    assert is_let_in(principals, Principal(account="web", role="raw", name="ann"))


def test_every_member_that_the_format_knows_has_a_word_or_is_decided() -> None:
    assert set(WORDS_OF_CLAIMS) | DECIDED_CLAIMS == {*schema._TEMPLATE, "issuer_account", *schema._COMMON}
    assert {*WORDS_OF_ACCOUNTS, "type", "version"} == {*schema._ACCOUNT}
    assert {*WORDS_OF_OPERATORS, "type", "version"} == {*schema._OPERATOR}
