"""What the words of an account do on a real server."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from support.running import HOST, TIMEOUT, Running, running

from natsbackend.live.wire import Connection, Deadline, Refused, connect_tcp
from natsbackend.workflow.opening import open_spec

SPEC = """\
version: 1
operator: {name: acme, assert_server_version: 2.10.0}
accounts:
  maps:
    mappings:
      old.*: "new.$1"
      twice.*.*: "swapped.{{wildcard(2)}}.{{wildcard(1)}}"
    users: {one: {publish: [">"], subscribe: [">"]}}
  tiers:
    jetstream: {tiers: {R3: {disk: 1MiB}}}
    users: {one: {publish: [">"], subscribe: [">"]}}
  small:
    jetstream: {tiers: {R1: {disk: 1KiB}}}
    users: {one: {publish: [">"], subscribe: [">"]}}
  callout:
    external_authorization: {users: [decider], accounts: any}
    users:
      decider: {respond: [$SYS.REQ.USER.AUTH]}
      other: {publish: [">"]}
  closed:
    disallow_bearer: true
    roles: {probe: {subscribe: [">"]}}
    users: {one: {role: probe}}
  over:
    expires: 2020-01-01
    users: {one: {publish: [">"]}}
  cut:
    revocations: {users: {gone: 2090-01-01, alice: 2090-01-01}}
    roles: {viewer: {websocket: true, ttl: 15m, subscribe: [">"]}}
    users: {gone: {publish: [">"]}, stays: {publish: [">"]}}
  defaults:
    default_permissions: {publish: [open.>]}
    users: {free: {permissions: all}, plain: {permissions: account_default}}
server:
  jetstream: true
  websocket: {no_tls: true, cookie: {name: nats_token}, allowed_origins: [https://app.example.com]}
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("behaviour")
    (directory / "natsbackend.yaml").write_text(SPEC)
    with running(open_spec(str(directory / "natsbackend.yaml")), directory) as started:
        yield started


def connect(live: Running, account: str, user: str = "one") -> Connection:
    of = live.tree.backend.accounts[account]
    return live.connect(of, of.users[user])


def request(connection: Connection, subject: str, payload: object) -> dict[str, object]:
    connection.subscribe("_INBOX.reply")
    connection.publish(subject, json.dumps(payload).encode(), reply="_INBOX.reply")
    message = connection.wait_for(lambda m: m.subject == "_INBOX.reply", Deadline(TIMEOUT))
    assert message is not None
    answer: dict[str, object] = json.loads(message.payload)
    return answer


@pytest.mark.parametrize(
    ("published", "arrives"), [("old.a", "new.a"), ("twice.a.b", "swapped.b.a"), ("other.a", "other.a")]
)
def test_a_mapped_subject_arrives_as_what_it_is_mapped_to(
    live: Running, published: str, arrives: str
) -> None:
    with connect(live, "maps") as connection:
        connection.subscribe(">")
        connection.publish(published, b"x")
        message = connection.wait_for(lambda m: m.payload == b"x", Deadline(TIMEOUT))
        assert message is not None
        assert message.subject == arrives


def test_a_stream_of_a_tier_the_account_has_not_is_refused(live: Running) -> None:
    stream = {"name": "S", "subjects": ["s.>"], "num_replicas": 1, "storage": "file"}
    with connect(live, "tiers") as connection:
        answer = request(connection, "$JS.API.STREAM.CREATE.S", stream)
    assert answer["error"]["err_code"] == 10120


def test_the_limit_of_a_tier_is_the_limit(live: Running) -> None:
    stream = {"name": "S", "subjects": ["s.>"], "num_replicas": 1, "storage": "file"}
    with connect(live, "small") as connection:
        assert "error" in request(connection, "$JS.API.STREAM.CREATE.S", {**stream, "max_bytes": 4096})
        assert "error" not in request(connection, "$JS.API.STREAM.CREATE.S", {**stream, "max_bytes": 512})


def test_the_callout_is_asked_about_everybody_but_those_who_answer(live: Running) -> None:
    account = live.tree.backend.accounts["callout"]
    user = account.users["other"]
    token, key = live.tree.tokens[user.path], live.key_of(user.path)
    with connect(live, "callout", "decider") as decider:
        decider.subscribe("$SYS.REQ.USER.AUTH")
        decider.flush()
        with pytest.raises(Refused):  # nobody decides in time
            connect_tcp(HOST, live.port, jwt=token, key=key, timeout=TIMEOUT).close()
        asked = decider.wait_for(lambda m: m.subject == "$SYS.REQ.USER.AUTH", Deadline(TIMEOUT))
    assert asked is not None


def test_an_expired_account_lets_nobody_in(live: Running) -> None:
    with pytest.raises(Refused):
        connect(live, "over").close()


def test_a_revoked_user_is_refused_and_another_is_not(live: Running) -> None:
    connect(live, "cut", "stays").close()
    with pytest.raises(Refused):
        connect(live, "cut", "gone").close()


@pytest.mark.parametrize(("name", "refused"), [("alice", True), ("bob", False)])
def test_a_person_is_revoked_by_the_name_on_the_tokens(live: Running, name: str, refused: bool) -> None:
    account = live.tree.backend.accounts["cut"]
    token = live.signer().mint(account, account.roles["viewer"], name=name, now=int(time.time())).jwt
    if not refused:
        live.over_websocket(token).close()
        return
    with pytest.raises(Refused):
        live.over_websocket(token).close()


@pytest.mark.parametrize(("user", "errors"), [("free", 0), ("plain", 1)])
def test_defaults_hold_for_who_leaves_it_to_them_and_not_for_who_may_do_all(
    live: Running, user: str, errors: int
) -> None:
    with connect(live, "defaults", user) as connection:
        connection.publish("open.a", b"")
        connection.publish("closed.a", b"")
        assert len(connection.flush()) == errors
