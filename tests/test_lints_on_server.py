"""What the lints warn of happens on a real server; and where it does not, it is told apart."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from support.findings import codes
from support.running import HOST, TIMEOUT, Running, running

from natsbackend.claims.build import role_user_nats
from natsbackend.claims.codec import Claims, TokenKind, sign
from natsbackend.errors import TokenError
from natsbackend.keys import derived_user_key
from natsbackend.live.wire import Connection, Deadline, Refused, connect_tcp
from natsbackend.workflow.opening import open_spec

LONG = ", ".join(f"a.long.subject.of.number.{i:03}" for i in range(110))
SPEC = f"""\
version: 1
operator: {{name: acme}}
accounts:
  web:
    roles:
      nosy: {{websocket: true, ttl: 15m, request: [$SYS.REQ.ACCOUNT.PING.CONNZ, $SYS.REQ.USER.INFO]}}
      viewer: {{websocket: true, ttl: 15m, subscribe: [a]}}
      named: {{websocket: true, ttl: 15m, subscribe: ["{{{{name()}}}}.>"]}}
      team: {{websocket: true, ttl: 15m, subscribe: ["t.{{{{name()}}}}-{{{{tag(team)}}}}"]}}
    users:
      queued: {{subscribe: {{allow: [q.>], deny: ["q.secret workers"]}}}}
      clerk: {{permissions: all}}
      long: {{publish: [{LONG}]}}
  large: {{jetstream: {{disk: 10GiB}}, users: {{one: {{permissions: all}}}}}}
  small: {{jetstream: {{disk: 100MiB}}, users: {{one: {{permissions: all}}}}}}
server:
  jetstream: {{disk: 1GiB}}
  websocket: {{no_tls: true, cookie: {{name: nats_token}}, allowed_origins: [https://app.example.com]}}
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("lints")
    text = SPEC.replace(LONG, "a")  # who cannot log in is an error, and would not be generated
    (directory / "natsbackend.yaml").write_text(text)
    with running(open_spec(str(directory / "natsbackend.yaml")), directory) as started:
        yield started


def visitor(live: Running, role: str, name: str, tags: tuple[str, ...] = ()) -> tuple[Connection, str]:
    account = live.tree.backend.accounts["web"]
    minted = live.signer().mint(account, account.roles[role], name=name, tags=tags, now=int(time.time()))
    return live.over_websocket(minted.jwt), minted.jwt


def elsewhere(live: Running, role: str, name: str) -> str:
    """Sign a token with a role's key as another tool does, which asks nothing about the name."""
    signer, account = live.signer(), live.tree.backend.accounts["web"]
    path = account.roles[role].path
    key = signer.store.find(path, signer.keyring[path])
    assert key is not None
    nats, now = role_user_nats(signer.keyring[account.path], ()), int(time.time())
    subject = derived_user_key(signer.keyring[account.path], name)
    claims = Claims(kind=TokenKind.USER, subject=subject, name=name, nats=nats, expires=now + 60)
    return sign(claims, key, now)


def user(live: Running, account: str, name: str) -> Connection:
    of = live.tree.backend.accounts[account]
    return live.connect(of, of.users[name])


def ask(connection: Connection, subject: str, payload: bytes, inbox: str) -> str:
    connection.subscribe(inbox)
    connection.publish(subject, payload, reply=inbox)
    message = connection.wait_for(lambda m: m.subject == inbox, Deadline(TIMEOUT))
    assert message is not None
    return message.payload.decode()


def test_who_may_ask_for_connections_is_shown_the_whole_token_of_a_role(live: Running) -> None:
    victim, token = visitor(live, "viewer", "victim")
    nosy, _ = visitor(live, "nosy", "nosy")
    with victim, nosy:
        harmless = ask(nosy, "$SYS.REQ.USER.INFO", b"", "_INBOX.nosy.1")
        shown = ask(nosy, "$SYS.REQ.ACCOUNT.PING.CONNZ", b'{"auth": true}', "_INBOX.nosy.2")
    assert token not in harmless
    assert token in shown
    live.over_websocket(token).close()  # and it logs in
    assert "browser-system" in codes(SPEC)


def test_a_name_that_is_the_first_token_reads_every_inbox(live: Running) -> None:
    with pytest.raises(TokenError, match="is where the replies to everybody come in"):
        visitor(live, "named", "_INBOX")
    with (
        live.over_websocket(elsewhere(live, "named", "_INBOX")) as listener,
        user(live, "web", "clerk") as clerk,
    ):
        listener.subscribe("_INBOX.>")
        assert listener.flush() == []
        clerk.publish("_INBOX.clerk.1", b"secret")
        clerk.flush()
        assert listener.wait_for(lambda m: m.payload == b"secret", Deadline(TIMEOUT))
    assert "template-first" in codes(SPEC)


def test_two_people_come_to_one_token(live: Running) -> None:
    one, _ = visitor(live, "team", "a", ("team:b-c",))
    other, _ = visitor(live, "team", "a-b", ("team:c",))
    with one, other:
        for connection in (one, other):
            connection.subscribe("t.a-b-c")
            assert connection.flush() == []
    assert "template-ambiguous" in codes(SPEC)


def test_a_denied_queue_group_denies_nothing_else(live: Running) -> None:
    with user(live, "web", "queued") as connection:
        connection.subscribe("q.secret", "workers")
        assert len(connection.flush()) == 1
        connection.subscribe("q.secret", "others")
        connection.subscribe("q.secret")
        assert connection.flush() == []
    assert "deny-queue-group" in codes(SPEC)


def test_an_account_above_what_a_single_server_has_goes_without_jetstream(live: Running) -> None:
    with user(live, "small", "one") as small:
        assert "api.v1.account_info_response" in ask(small, "$JS.API.INFO", b"", "_INBOX.x")
    with user(live, "large", "one") as large:
        assert ask(large, "$JS.API.INFO", b"", "_INBOX.x") == ""  # nobody responds
    assert any("insufficient storage resources" in line for line in live.server.warnings())
    assert "jetstream-overcommitted" in codes(SPEC)


def test_a_jwt_that_makes_connect_too_long_is_refused(live: Running) -> None:
    assert "token-too-long" in codes(SPEC)
    key = live.key_of("accounts/web/users/long")
    short = live.tree.tokens["accounts/web/users/long"]
    connect_tcp(HOST, live.port, jwt=short, key=key, timeout=TIMEOUT).close()
    with pytest.raises(Refused, match="maximum control line"):
        connect_tcp(HOST, live.port, jwt=short + "x" * 4096, key=key, timeout=TIMEOUT)


def test_connections_are_not_shown_to_who_is_not_allowed_to_ask(live: Running) -> None:
    viewer, _ = visitor(live, "viewer", "quiet")
    with viewer:
        viewer.publish("$SYS.REQ.ACCOUNT.PING.CONNZ", json.dumps({"auth": True}).encode())
        assert len(viewer.flush()) == 1
