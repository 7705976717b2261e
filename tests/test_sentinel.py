"""The default sentinel on a real server: who has no token comes in as that user, and stays within what it may."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support.findings import with_head
from support.running import HOST, TIMEOUT, Running, running
from support.servers import NOW, PLAIN_WEBSOCKET
from support.workspaces import Spec, Workspace

from natsbackend.claims.codec import read_unverified
from natsbackend.errors import LiveServerError
from natsbackend.live.logins import prove_logins
from natsbackend.live.principals import Principals
from natsbackend.live.proof import Endpoints, Identity
from natsbackend.live.server import NatsServer, find_server
from natsbackend.live.wire import Connection, Deadline, Refused, connect_tcp, connect_websocket
from natsbackend.model.entities import Principal
from natsbackend.model.resolve import resolve
from natsbackend.spec.load import parse_spec
from natsbackend.workflow.opening import Opened

ROLES = """
accounts:
  web:
    roles:
      visitor: {websocket: true, ttl: 15m, subscribe: [news.>]}
      member: {websocket: true, ttl: 15m, subscribe: [news.>], publish: [comments]}
    users:
      guest: {role: visitor}
      editor: {publish: [news.>]}
server:
  websocket: {no_tls: true, cookie: {name: t}, allowed_origins: [https://app.example.com]}
"""
SENTINEL = "  default_sentinel: web/guest\n"


def opened(text: str) -> Opened:
    resolved = resolve(parse_spec(with_head(text), "spec.yaml"))
    assert resolved.diagnostics == ()
    return Opened(resolved.backend, ())


def browser(live: Running, cookie: str | None) -> Connection:
    """Connect as a browser, with the cookie or without."""
    websocket = live.loopback.server.websocket
    assert websocket is not None
    return connect_websocket(
        f"ws://{HOST}:{websocket.listen.port}",
        cookie=("t", cookie) if cookie is not None else None,
        origin=live.loopback.origin,
        timeout=TIMEOUT,
    )


@pytest.mark.parametrize("cookie", [None, "", "not-a-token"])
def test_a_browser_without_a_token_comes_in_as_the_sentinel(tmp_path: Path, cookie: str | None) -> None:
    with running(opened(ROLES + SENTINEL), tmp_path) as live:
        assert live.server.warnings() == (PLAIN_WEBSOCKET,)
        account = live.tree.backend.accounts["web"]
        with browser(live, cookie) as guest, live.connect(account, account.users["editor"]) as editor:
            guest.subscribe("news.>")
            assert guest.flush() == []
            editor.publish("news.today", b"hello")
            message = guest.wait_for(lambda _: True, Deadline(TIMEOUT))
            assert message is not None
            assert message.payload == b"hello"
            guest.publish("comments", b"?")
            assert [str(error) for error in guest.flush()] != []
        with pytest.raises(Refused, match="Authorization Violation"):  # its role is for websockets alone
            connect_tcp(HOST, live.port, timeout=TIMEOUT).close()


def test_who_has_a_token_is_not_the_sentinel(tmp_path: Path) -> None:
    with running(opened(ROLES + SENTINEL), tmp_path) as live:
        account = live.tree.backend.accounts["web"]
        token = live.signer().mint(account, account.roles["member"], name="ann", now=live.now)
        with browser(live, token.jwt) as member:
            member.publish("comments", b"!")
            assert member.flush() == []


def test_without_a_sentinel_a_browser_without_a_token_is_refused(tmp_path: Path) -> None:
    with running(opened(ROLES), tmp_path) as live, pytest.raises(Refused, match="Authorization Violation"):
        browser(live, None)


def test_the_server_does_not_start_with_a_sentinel_that_is_no_bearer(tmp_path: Path) -> None:
    """What the check `default-sentinel` refuses."""
    text = "accounts: {web: {users: {guest: {}}}}\nserver: {default_sentinel: web/guest}"
    with (
        pytest.raises(LiveServerError, match="default sentinel must be a bearer token"),
        running(opened(text), tmp_path),
    ):
        pytest.fail("it started")


def spec() -> Spec:
    return {
        "version": 1,
        "operator": {"name": "acme"},
        "accounts": {"web": {"users": {"guest": {"bearer": True}, "one": {"publish": ["a"]}}}},
        "server": {"listen": f"{HOST}:0", "default_sentinel": "web/guest"},
    }


def test_the_sentinel_needs_no_seed_and_the_tree_stays_the_same_without(tmp_path: Path) -> None:
    space = Workspace(root=tmp_path, spec=spec())
    space.generate()
    before = space.build()
    sentinel = before["build/default_sentinel.jwt"].decode()
    assert read_unverified(sentinel).subject == space.key("accounts/web/users/guest")
    assert f'default_sentinel: "{sentinel}"\n' in before["build/nats-server.conf"].decode()
    shutil.rmtree(tmp_path / ".natsbackend")
    again = space.generate(now=NOW + 100, frozen=True)
    assert again.signed == ()
    assert again.without_creds == ("accounts/web/users/guest", "accounts/web/users/one")
    assert space.build() == {name: content for name, content in before.items() if "/creds/" not in name}
    log = tmp_path / "server.log"
    with NatsServer(find_server(), space.project.server_conf, log=log, cwd=tmp_path) as server:
        assert server.warnings() == ()


def test_a_sentinel_that_is_none_any_more_is_taken_away(tmp_path: Path) -> None:
    space = Workspace(root=tmp_path, spec=spec())
    space.generate()
    del space.spec["server"]["default_sentinel"]
    space.generate()
    assert not space.project.default_sentinel.exists()
    assert "default_sentinel" not in space.project.server_conf.read_text(encoding="utf-8")
    assert space.project.creds("web", "guest").exists()


def test_an_account_that_is_not_pushed_yet_lets_no_sentinel_in(tmp_path: Path) -> None:
    """The config carries the user, the resolver the account: it has to be pushed as any other."""
    space = Workspace(root=tmp_path, spec=spec())
    space.generate()
    log = tmp_path / "server.log"
    config = space.project.server_conf
    server = NatsServer(find_server(), config, log=log, cwd=tmp_path, ports_dir=tmp_path / "ports")
    with server:
        port = int(server.ports().nats[0].rpartition(":")[2])
        with pytest.raises(Refused, match="Authorization Violation"):
            connect_tcp(HOST, port, timeout=TIMEOUT)


def test_up_proves_that_a_browser_without_a_cookie_gets_in(tmp_path: Path) -> None:
    with running(opened(ROLES + SENTINEL), tmp_path) as live:
        websocket = live.loopback.server.websocket
        assert websocket is not None

        class Identities:
            def of(self, who: Principal) -> Identity:
                account = live.tree.backend.accounts[who.account]
                role = account.roles[str(who.role)]
                minted = live.signer().mint(account, role, name=who.name or "ann", now=live.now)
                return Identity(jwt=minted.jwt, key=minted.key)

            def unsigned(self) -> Identity:
                return self.of(Principal(account="SYS", role="observer", name="ann"))

        url = f"ws://{HOST}:{websocket.listen.port}"
        nats = f"nats://{HOST}:{live.port}"
        endpoints = Endpoints(nats=nats, websocket=url, origin=live.loopback.origin)
        with Principals(live.tree.backend, Identities(), endpoints, timeout=TIMEOUT) as principals:
            proofs = {proof.id: proof.passed for proof in prove_logins(principals)}
        assert proofs.pop("missing-cookie-accepted")
        assert proofs.pop("garbage-cookie-accepted")
        assert all(proofs.values())
        server = replace(live.loopback.server, default_sentinel=None)
        other = replace(live.tree.backend, server=server)
        with Principals(other, Identities(), endpoints, timeout=TIMEOUT) as principals:
            failed = {proof.id for proof in prove_logins(principals) if not proof.passed}
        assert failed == {"missing-cookie-refused", "garbage-cookie-refused"}
