"""An account server over HTTP: what is its own beside what every resolver promises."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.accountserver import AccountServer, account_server
from support.contract import certificate
from support.resolvers import NOW, USER, World, free_ports, key

from natsbackend.errors import ResolverError, ResolverRejected, ResolverUnavailable
from natsbackend.keys import KeyRole
from natsbackend.live.server import NatsServer, find_server
from natsbackend.resolvers.http import base_url, open_http_resolver
from natsbackend.resolvers.interface import PushInterrupted
from natsbackend.resolvers.nats import open_nats_resolver

WORLD = World()
ACCOUNT = WORLD.account(1)


@pytest.fixture
def server() -> Iterator[AccountServer]:
    with account_server(WORLD.operator_jwt()) as running:
        yield running


@contextmanager
def saying(reply: bytes) -> Iterator[str]:
    """Answer every request with the same bytes; yield the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    try:
                        connection.sendall(reply)
                    except OSError:
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_what_has_not_changed_is_not_sent_again(server: AccountServer) -> None:
    with open_http_resolver(server.url) as resolver:
        resolver.push([ACCOUNT])
        first = resolver.lookup([ACCOUNT.account])
        assert server.asked[-1] == f"GET /accounts/{ACCOUNT.account} 304"
        assert first == {ACCOUNT.account: ACCOUNT.jwt}
        newer = WORLD.account(1, iat=NOW + 1)
        server.stored[ACCOUNT.account] = newer.jwt  # by somebody else
        assert resolver.lookup([ACCOUNT.account]) == {ACCOUNT.account: newer.jwt}
        assert server.asked[-1] == f"GET /accounts/{ACCOUNT.account} 200"
        del server.stored[ACCOUNT.account]
        assert resolver.lookup([ACCOUNT.account]) == {ACCOUNT.account: None}


@pytest.mark.parametrize("fault", [502, 503, 504, 0], ids=["502", "503", "504", "hung-up"])
def test_what_may_pass_is_tried_again(server: AccountServer, fault: int) -> None:
    with open_http_resolver(server.url) as resolver:
        server.faults = [fault, fault]
        assert resolver.lookup([ACCOUNT.account]) == {ACCOUNT.account: None}
        assert len(server.asked) == 3
        resolver.servers()
        server.asked.clear()
        told: list[str] = []

        def spoil(step: object, done: int, total: int) -> None:
            if not told:
                server.faults = [fault]  # of the POST that comes now
            told.append(str(step))

        (result,) = resolver.push([ACCOUNT], on_progress=spoil)
        assert result.ok
        posts = [line for line in server.asked if line.startswith("POST")]
        assert posts == [f"POST /accounts/{ACCOUNT.account} {code}" for code in (fault, 200)]


def test_what_does_not_pass_is_given_up_and_says_what_is_there(server: AccountServer) -> None:
    pushes = WORLD.accounts(3)
    with open_http_resolver(server.url) as resolver:

        def spoil(step: object, done: int, total: int) -> None:
            if str(step) == "update":
                server.faults = [503] * 3

        with pytest.raises(PushInterrupted, match="answers 503: out of order") as caught:
            resolver.push(pushes, on_progress=spoil)
        assert [(r.ok, r.read_back_ok) for r in caught.value.results] == [
            (True, True),
            (False, False),
            (False, False),
        ]
        assert all(result.ok for result in resolver.push(pushes))  # a second run finishes it


def test_a_refusal_is_told_in_the_servers_words_and_the_others_are_stored(server: AccountServer) -> None:
    server.operator = None  # it says nothing of whom it trusts, so it is asked to take what it will refuse
    with open_http_resolver(server.url) as resolver:
        bad = WORLD.account(2)
        forged = bad.jwt[:-4] + ("AAAA" if not bad.jwt.endswith("AAAA") else "BBBB")
        results = resolver.push([ACCOUNT, type(bad)(account=bad.account, jwt=forged, name=bad.name)])
    assert [r.ok for r in results] == [True, False]
    assert results[1].problems() == (f'server "{server.url.split("/")[2]}" refused it: bad JWT in request',)


def test_what_waits_for_a_signature_is_not_stored(server: AccountServer) -> None:
    server.pends = True
    with open_http_resolver(server.url) as resolver:
        (result,) = resolver.push([ACCOUNT])
    assert (result.ok, result.stored) == (False, ())
    assert "stored only once somebody has signed it there: waiting for a signature" in result.problems()[0]


def test_a_server_without_a_list_says_so(server: AccountServer) -> None:
    server.has_pack = False
    with open_http_resolver(server.url) as resolver, pytest.raises(ResolverRejected, match="gives no list"):
        resolver.fetch()


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            ResolverRejected,
            "302",
        ),
        (
            b"HTTP/1.1 401 No\r\nContent-Length: 9\r\n\r\n\x1b[31m\n go",
            ResolverRejected,
            r"answers 401: \[31m go$",
        ),
        (
            b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
            ResolverUnavailable,
            "answers 500: internal server error",
        ),
        (b"NATS/1.0 503\r\n\r\n", ResolverUnavailable, "illegal|protocol|malformed"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<htm>",
            ResolverRejected,
            "something else than accounts",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nAB|", ResolverUnavailable, "peer closed|incomplete"),
    ],
    ids=["redirect", "login", "broken", "not-http", "a-page", "cut-off"],
)
def test_what_is_no_account_server_is_found_out(reply: bytes, error: type[ResolverError], words: str) -> None:
    with saying(reply) as url, open_http_resolver(url) as resolver, pytest.raises(error, match=words):
        resolver.fetch()


def test_an_answer_without_an_end_is_left() -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n" + b"x" * 4_000_000
    with (
        saying(endless) as url,
        open_http_resolver(url) as resolver,
        pytest.raises(ResolverRejected, match=r"with more than \d+ bytes"),
    ):
        resolver.lookup([ACCOUNT.account])


def test_a_server_that_is_down_is_told() -> None:
    (port,) = free_ports(1)
    with (
        open_http_resolver(f"http://127.0.0.1:{port}", timeout=1) as resolver,
        pytest.raises(ResolverUnavailable, match=f'"127.0.0.1:{port}": connection refused'),
    ):
        resolver.servers()


def test_a_certificate_of_nobody_known_is_refused(tmp_path: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate(tmp_path))
    with (
        account_server(WORLD.operator_jwt(), tls=tls) as server,
        open_http_resolver(server.url) as resolver,
        pytest.raises(ResolverUnavailable, match="tls: self-signed certificate"),
    ):
        resolver.servers()


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://a", "http://a/jwt/v1"),
        ("https://a:1/", "https://a:1/jwt/v1"),
        ("https://a/jwt/v1/accounts/", "https://a/jwt/v1"),
        ("https://a/x/jwt/v2", "https://a/x/jwt/v2"),
    ],
)
def test_where_the_protocol_begins(url: str, base: str) -> None:
    assert base_url(url) == base


@pytest.mark.parametrize("url", ["nats://a", "http://me:secret@a", "http://", "http://a:b"])
def test_a_url_that_cannot_be_used_is_refused_without_its_login(url: str) -> None:
    with pytest.raises(ResolverError, match=r"cannot (push|be read)") as caught:
        base_url(url)
    assert "secret" not in str(caught.value)


def test_a_real_server_reads_what_was_pushed(server: AccountServer, tmp_path: Path) -> None:
    signer, (port,) = key(KeyRole.ACCOUNT, 60), free_ports(1)
    account = WORLD.account(60, signing_keys=[signer.public])
    config = tmp_path / "nats-server.conf"
    config.write_text(
        f"listen: 127.0.0.1:{port}\noperator: {WORLD.operator_jwt()}\nsystem_account: {WORLD.system.public}\n"
        f'resolver: URL("{server.url}/accounts/")\n'
    )
    system = type(account)(account=WORLD.system.public, jwt=WORLD.system_jwt(), name="SYS")
    with open_http_resolver(server.url) as resolver:
        assert all(result.ok for result in resolver.push([account, system]))
    with (
        NatsServer(find_server(), config, log=tmp_path / "log", cwd=tmp_path),
        open_nats_resolver(
            [f"nats://127.0.0.1:{port}"],
            jwt=WORLD.user_jwt(),
            key=WORLD.user,
            inbox_prefix=f"_INBOX.{USER}",
        ) as live,
    ):
        assert live.servers()[0].operator_issuers == {WORLD.signer.public}
