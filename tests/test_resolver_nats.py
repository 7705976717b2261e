"""The NATS resolver, against real servers."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.programs import program
from support.resolvers import NOW, USER, World, free_ports, full_resolvers, key

from natsbackend.claims.codec import Claims, TokenKind, sign
from natsbackend.errors import InvalidKey, ResolverError, ResolverRejected, ResolverUnavailable
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.model.system import READ_SUBJECTS, WRITE_SUBJECTS
from natsbackend.resolvers.interface import (
    AccountPush,
    Effect,
    PushInterrupted,
    PushRejected,
    Step,
)
from natsbackend.resolvers.nats import NatsResolver, open_nats_resolver
from natsbackend.resolvers.nats_exchange import OPEN_REQUESTS
from natsbackend.resolvers.nats_subjects import (
    DELETE,
    LOAD,
    OBSERVER_PUBLISH,
    PUSHER_PUBLISH,
    READER_PUBLISH,
    UPDATE,
)
from natsbackend.resolvers.nats_wire import Login, Wire

STRANGER = key(KeyRole.OPERATOR, 99)


@pytest.fixture(scope="module")
def world() -> World:
    return World(publish=(*PUSHER_PUBLISH, DELETE))


@pytest.fixture(scope="module")
def shared_url(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for tests that use accounts of their own."""
    with full_resolvers(world, tmp_path_factory.mktemp("shared")) as running:
        yield running["n1"][0]


@pytest.fixture
def resolver(world: World, shared_url: str) -> Iterator[NatsResolver]:
    with world.open([shared_url]) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _silence(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing here may print or log: a library's log line ends up on the user's terminal."""
    with caplog.at_level(logging.WARNING):
        yield
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def raw_request(world: World, url: str, subject: str, payload: str) -> Mapping[str, Any]:
    """Ask a single server without any of the safety of `push`."""

    async def ask() -> bytes:
        login = Login(jwt=world.user_jwt(), key=world.user, inbox_prefix=f"_INBOX.{USER}", timeout=5)
        wire = await Wire.connect([url], login)
        replies: list[bytes] = []
        try:
            await wire.exchange(
                [(subject, payload.encode())], each=1, take=lambda _, reply: replies.append(reply)
            )
        finally:
            await wire.close()
        return replies[0]

    answer: Mapping[str, Any] = json.loads(asyncio.run(ask()))
    return answer


def use_account(url: str, account: AccountPush, signer: KeyPair) -> None:
    """Log in as a user of an account, so that the server loads it."""
    user = key(KeyRole.USER, 7)
    nats = {"subs": -1, "data": -1, "payload": -1, "issuer_account": account.account}
    jwt = sign(Claims(kind=TokenKind.USER, subject=user.public, name="u", nats=nats), signer, NOW)
    with open_nats_resolver([url], jwt=jwt, key=user, inbox_prefix="_INBOX"):
        pass


# --- what it is for ---


def test_servers_say_whom_they_trust(world: World, resolver: NatsResolver) -> None:
    (server,) = resolver.servers()
    assert (server.name, server.operator_jwts) == ("n1", (world.operator_jwt(),))
    assert server.operator_issuers == {world.signer.public}  # strict: not the identity
    assert server.id.startswith("N")
    assert re.fullmatch(r"2\.\d+\.\d+.*", server.version)


def test_every_server_of_a_cluster_confirms(world: World, tmp_path: Path) -> None:
    names = ("n1", "n2")
    with (
        full_resolvers(world, tmp_path, names=names) as running,
        world.open([running["n1"][0]], expected=2) as one,
    ):
        results = one.push(world.accounts(20))
        assert all(r.ok and r.stored == names and set(r.effective) == set(names) for r in results)
        with world.open([running["n2"][0]], expected=2) as other:
            assert all(r.is_unchanged and r.stored == names for r in other.push(world.accounts(20)))


def test_unchanged_accounts_are_not_sent(tmp_path: Path) -> None:
    observer = World(publish=OBSERVER_PUBLISH)
    account = observer.account(1)
    with (
        full_resolvers(observer, tmp_path, preload=[account]) as running,
        observer.open([running["n1"][0]]) as resolver,
    ):
        (result,) = resolver.push([account])  # it could not send it
        assert result.is_unchanged
        assert result.ok
        assert result.stored == ("n1",)
        with pytest.raises(PushRejected, match="Permissions Violation for Publish") as caught:
            resolver.push([observer.account(1, iat=NOW + 1)])
        assert caught.value.results[0].missing == ("n1",)
        assert resolver.lookup([account.account]) == {account.account: account.jwt}


def test_more_accounts_than_may_be_in_flight(world: World, resolver: NatsResolver) -> None:
    count = OPEN_REQUESTS * 2 + 3
    told: list[tuple[Step, int, int]] = []
    results = resolver.push(
        [world.account(10_000 + n) for n in range(count)], on_progress=lambda *step: told.append(step)
    )
    assert all(result.ok for result in results)
    finished = [step for step, done, total in told if done == total == count]
    assert finished == [step for step in Step if step is not Step.PROBE]
    assert len(told) < count


# --- what the server would not refuse ---


def test_an_issuer_the_server_does_not_trust_is_refused_before_sending(
    world: World, resolver: NatsResolver, shared_url: str
) -> None:
    good, bad = world.account(20), world.account(20, iat=NOW + 1, issuer=STRANGER)
    resolver.push([good])
    with pytest.raises(ResolverRejected, match=f'"n1" does not trust {STRANGER.public}') as caught:
        resolver.push([world.account(21), bad])
    assert "restart every server" in str(caught.value.hint)
    assert set(resolver.lookup([good.account, world.account(21).account]).values()) == {good.jwt, None}
    # the server itself says yes, and overwrites the good one
    assert raw_request(world, shared_url, UPDATE, bad.jwt)["data"]["code"] == 200
    assert resolver.lookup([good.account]) == {good.account: bad.jwt}


def test_a_self_signed_account_is_refused(world: World, resolver: NatsResolver) -> None:
    with pytest.raises(ResolverRejected, match="does not trust A"):
        resolver.push([world.account(22, issuer=key(KeyRole.ACCOUNT, 1022))])


@pytest.mark.parametrize("older_by", [0, 1])
def test_a_jwt_that_is_not_newer_than_the_stored_one_is_refused(
    world: World, resolver: NatsResolver, older_by: int
) -> None:
    stored, late = (
        world.account(30 + older_by),
        world.account(30 + older_by, iat=NOW - older_by, description="x"),
    )
    resolver.push([stored])
    with pytest.raises(ResolverRejected, match=f'"acc-{30 + older_by}".*nothing was sent') as caught:
        resolver.push([late, world.account(39)])
    assert "git pull" in str(caught.value.hint)
    assert set(resolver.lookup([stored.account, world.account(39).account]).values()) == {stored.jwt, None}


def test_a_jwt_larger_than_max_payload_is_refused_before_sending(world: World, tmp_path: Path) -> None:
    too_large = r'account "acc-1": its JWT has \d+ bytes, the server takes 4096'
    with (
        full_resolvers(world, tmp_path, extra="max_payload: 4096") as running,
        world.open([running["n1"][0]]) as resolver,
    ):
        with pytest.raises(ResolverRejected, match=too_large):
            resolver.push([world.account(1, description="x" * 5000)])
        (result,) = resolver.push([world.account(1)])  # the connection is still there
        assert result.ok


def test_a_lookup_of_no_account_key_is_refused_as_the_server_keeps_silent(resolver: NatsResolver) -> None:
    with pytest.raises(InvalidKey):
        resolver.lookup([STRANGER.public])


# --- what the server says no to ---


def test_a_refused_account_is_reported_in_the_servers_words_and_the_others_are_stored(
    world: World, resolver: NatsResolver
) -> None:
    limits = {"subs": -1, "data": -1, "payload": -1, "exports": -1, "imports": 0, "conn": -1, "leaf": -1}
    imports = [{"name": "i", "subject": "a", "account": world.account(51).account, "type": "stream"}]
    bad, good = world.account(50, limits=limits, imports=imports), world.account(51)
    refused, stored = resolver.push([bad, good])
    assert stored.ok
    assert not refused.ok
    assert "more imports than allowed" in refused.refused["n1"]
    assert any("more imports than allowed" in problem for problem in refused.problems())
    assert (refused.stored, refused.missing) == ((), ())


def test_a_strict_operator_refuses_its_identity_and_so_do_we_before_sending(
    world: World, resolver: NatsResolver, shared_url: str
) -> None:
    by_identity = world.account(52, issuer=world.operator)
    with pytest.raises(ResolverRejected, match=f"does not trust {world.operator.public}"):
        resolver.push([by_identity])
    words = raw_request(world, shared_url, UPDATE, by_identity.jwt)["error"]["description"]
    assert words.endswith("operator requires issuer to be a signing key")


def test_an_operator_that_is_not_strict_takes_accounts_signed_by_its_identity(tmp_path: Path) -> None:
    lax = World(strict=False)
    with full_resolvers(lax, tmp_path) as running, lax.open([running["n1"][0]]) as resolver:
        assert resolver.servers()[0].operator_issuers == {lax.operator.public, lax.signer.public}
        (result,) = resolver.push([lax.account(1, issuer=lax.operator)])
        assert result.ok


@pytest.mark.parametrize("left_out", PUSHER_PUBLISH)
def test_the_pusher_role_needs_each_of_its_permissions(left_out: str, tmp_path: Path) -> None:
    less = World(publish=[subject for subject in PUSHER_PUBLISH if subject != left_out])
    with (
        full_resolvers(less, tmp_path) as running,
        less.open([running["n1"][0]]) as resolver,
        pytest.raises(ResolverRejected, match="Permissions Violation for Publish"),
    ):
        resolver.push([less.account(1)])


def test_the_roles_of_the_system_account_may_do_what_is_needed() -> None:
    assert set(OBSERVER_PUBLISH) <= set(READ_SUBJECTS)
    assert set(READER_PUBLISH) <= set(READ_SUBJECTS)
    assert {*PUSHER_PUBLISH, DELETE, LOAD} <= {*READ_SUBJECTS, *WRITE_SUBJECTS}


# --- what is stored and not in effect ---


def test_an_import_that_nobody_exports_is_reported_as_incomplete(
    world: World, resolver: NatsResolver, shared_url: str
) -> None:
    signer = key(KeyRole.ACCOUNT, 60)
    plain = world.account(60, signing_keys=[signer.public])
    resolver.push([plain])
    use_account(shared_url, plain, signer)
    (complete,) = resolver.push([plain])
    assert complete.effective == {"n1": Effect.COMPLETE}
    assert complete.ok
    imports = [{"name": "i", "subject": "a", "account": plain.account, "type": "stream"}]
    (result,) = resolver.push([world.account(60, iat=NOW + 1, signing_keys=[signer.public], imports=imports)])
    assert result.read_back_ok
    assert result.effective == {"n1": Effect.INCOMPLETE}
    lost = f"stream a from {plain.account}"
    assert result.dropped == {"n1": (lost,)}
    assert result.problems() == (f'server "n1" has it incomplete, without {lost}',)


def test_an_account_deleted_and_pushed_again_as_it_was_is_reported_as_expired(
    world: World, resolver: NatsResolver, shared_url: str
) -> None:
    signer = key(KeyRole.ACCOUNT, 61)
    account = world.account(61, signing_keys=[signer.public])
    resolver.push([account])
    use_account(shared_url, account, signer)
    claims = Claims(
        kind=TokenKind.GENERIC, subject=world.signer.public, name="", nats={"accounts": [account.account]}
    )
    assert raw_request(world, shared_url, DELETE, sign(claims, world.signer, NOW))["data"]["code"] == 200
    (dead,) = resolver.push([account])
    assert dead.stored == ("n1",)
    assert dead.effective == {"n1": Effect.EXPIRED}
    assert not dead.ok
    (alive,) = resolver.push([world.account(61, iat=NOW + 1, signing_keys=[signer.public])])
    assert alive.effective == {"n1": Effect.COMPLETE}


def test_a_jwt_that_is_stored_and_not_taken_over_is_reported_as_stale(
    world: World, resolver: NatsResolver, shared_url: str
) -> None:
    signer = key(KeyRole.ACCOUNT, 62)
    account = world.account(62, signing_keys=[signer.public])
    resolver.push([account])
    use_account(shared_url, account, signer)
    subject = key(KeyRole.ACCOUNT, 1062)
    expired = Claims(kind=TokenKind.ACCOUNT, subject=subject.public, name="acc", nats={}, expires=NOW - 10**9)
    jwt = sign(expired, world.signer, NOW + 1)
    (result,) = resolver.push([AccountPush(account=subject.public, jwt=jwt, name="web")])
    assert result.stored == ("n1",)
    assert result.effective == {"n1": Effect.STALE}
    assert not result.ok


# --- servers that are not there ---


def test_an_expected_server_that_is_not_there_is_reported(world: World, shared_url: str) -> None:
    with world.open([shared_url], timeout=0.5, expected=2) as resolver:
        started = time.monotonic()
        (result,) = resolver.push([world.account(70)])
    assert time.monotonic() - started < 3
    assert (result.stored, result.unheard, result.read_back_ok, result.ok) == (("n1",), 1, False, False)
    assert result.problems() == ("1 of 2 expected servers did not answer",)


def test_a_server_that_does_not_confirm_is_named(world: World, tmp_path: Path) -> None:
    # n2 has no full resolver: it says who it is, and neither stores nor gives back
    with full_resolvers(world, tmp_path, names=("n1", "n2"), memory=("n2",)) as running:
        url = running["n1"][0]
        with world.open([url], expected=2) as resolver:
            assert [server.name for server in resolver.servers()] == ["n1", "n2"]  # they found each other
        with world.open([url], timeout=0.5) as resolver:
            results = resolver.push(world.accounts(3))
    for result in results:
        assert (result.stored, result.missing, result.read_back_ok) == (("n1",), ("n2",), False)
        assert result.problems() == ('server "n2" did not confirm it',)


def test_a_server_without_full_resolver_is_told_from_a_silent_one(world: World, tmp_path: Path) -> None:
    with (
        full_resolvers(world, tmp_path, memory=("n1",)) as running,
        world.open([running["n1"][0]]) as resolver,
        pytest.raises(ResolverRejected, match="nobody listens") as caught,
    ):
        resolver.push([world.account(1)])
    assert "type full" in str(caught.value.hint)


def test_a_connection_lost_half_way_keeps_what_is_known(world: World, tmp_path: Path) -> None:
    with full_resolvers(world, tmp_path) as running, world.open([running["n1"][0]], timeout=2) as resolver:

        def kill(step: Step, done: int, total: int) -> None:
            if (step, done) == (Step.UPDATE, total):
                running["n1"][1].stop()

        with pytest.raises(PushInterrupted, match="connection was lost") as caught:
            resolver.push(world.accounts(5), on_progress=kill)
        assert [(r.stored, r.read_back_ok, r.ok) for r in caught.value.results] == [
            (("n1",), False, False)
        ] * 5
        with pytest.raises(ResolverUnavailable):
            resolver.servers()


def test_a_server_that_hangs_half_way_costs_one_timeout_a_step(world: World, tmp_path: Path) -> None:
    with full_resolvers(world, tmp_path) as running, world.open([running["n1"][0]], timeout=0.5) as resolver:
        pid = running["n1"][1].pid
        assert pid

        def freeze(step: Step, done: int, total: int) -> None:
            if (step, done) == (Step.LOOKUP, total):
                os.kill(pid, signal.SIGSTOP)
                os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)  # until every thread stands still

        try:
            results = resolver.push(world.accounts(5), on_progress=freeze)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert [(r.stored, r.missing, r.ok) for r in results] == [((), ("n1",), False)] * 5


def test_a_server_that_is_down_is_told_at_once(world: World) -> None:
    (port,) = free_ports(1)
    started = time.monotonic()
    with (
        pytest.raises(ResolverUnavailable, match=rf'"127.0.0.1:{port}": connection refused'),
        world.open([f"nats://127.0.0.1:{port}"]),
    ):
        pytest.fail("it was open")
    assert time.monotonic() - started < 3  # the timeout is 5


def test_something_that_never_speaks_is_given_up_in_time(world: World) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(ResolverUnavailable, match=r"no answer in 0\.2 seconds"),
        world.open([f"nats://127.0.0.1:{silent.getsockname()[1]}"], timeout=0.2),
    ):
        pytest.fail("it was open")


# --- getting in ---


def test_a_user_of_a_strange_key_is_refused_in_the_servers_words(world: World, shared_url: str) -> None:
    stranger = World(pusher=key(KeyRole.ACCOUNT, 98))
    with (
        pytest.raises(ResolverRejected, match="refused the login: Authorization Violation") as caught,
        stranger.open([shared_url]),
    ):
        pytest.fail("it was open")
    assert "eyJ" not in f"{caught.value} {caught.value.hint}"


def test_a_user_whose_key_is_another_is_refused(world: World, shared_url: str) -> None:
    other = key(KeyRole.USER, 97)
    with (
        pytest.raises(ResolverRejected, match="Authorization Violation"),
        open_nats_resolver([shared_url], jwt=world.user_jwt(), key=other, inbox_prefix=f"_INBOX.{USER}"),
    ):
        pytest.fail("it was open")


def test_an_inbox_that_is_not_its_own_is_refused(world: World, shared_url: str) -> None:
    with (
        pytest.raises(ResolverRejected, match="Permissions Violation for Subscription"),
        open_nats_resolver([shared_url], jwt=world.user_jwt(), key=world.user, inbox_prefix="_INBOX.other"),
    ):
        pytest.fail("it was open")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for the loopback address, and its key."""
    openssl = program("openssl")
    home = tmp_path_factory.mktemp("tls")
    cert, private = home / "cert.pem", home / "key.pem"
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    subject = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(cert), "-keyout", str(private)]
    subprocess.run([openssl, *command.split(), *subject], check=True, capture_output=True)
    return cert, private


def test_a_private_ca_is_taken_and_a_strange_one_refused_at_once(
    world: World, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    cert, private = certificate
    tls = f'tls {{ cert_file: "{cert}", key_file: "{private}" }}'
    with full_resolvers(world, tmp_path, extra=tls) as running:
        url = running["n1"][0].replace("nats://", "tls://")
        with world.open([url], tls=ssl.create_default_context(cafile=str(cert))) as resolver:
            assert all(result.ok for result in resolver.push(world.accounts(3)))
        started = time.monotonic()
        with pytest.raises(ResolverUnavailable, match="tls: self-signed certificate"), world.open([url]):
            pytest.fail("it was open")
        assert time.monotonic() - started < 3  # the timeout is 5


@pytest.mark.parametrize("wants_login", [True, False])
def test_tls_that_is_stripped_on_the_way_gets_no_jwt(world: World, wants_login: bool) -> None:
    info = {"server_id": "N", "version": "2.15.1", "max_payload": 1048576, "headers": True}
    if wants_login:
        info |= {"auth_required": True, "nonce": "abc"}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        heard: list[bytes] = []
        middleman = threading.Thread(target=_pretend, args=(listener, info, heard))
        middleman.start()
        with (
            pytest.raises(ResolverUnavailable, match="does not offer tls"),
            world.open([f"tls://127.0.0.1:{listener.getsockname()[1]}"], timeout=2),
        ):
            pytest.fail("it was open")
        middleman.join()
    assert b"eyJ" not in b"".join(heard)
    assert b"SUB" not in b"".join(heard)


def _pretend(listener: socket.socket, info: Mapping[str, object], heard: list[bytes]) -> None:
    peer, _ = listener.accept()
    with peer:
        peer.sendall(b"INFO " + json.dumps(info).encode() + b"\r\n")
        while chunk := peer.recv(65536):
            heard.append(chunk)
            if b"PING\r\n" in chunk:
                peer.sendall(b"PONG\r\n")


@pytest.mark.parametrize(
    "url", ["ws://127.0.0.1:1", "http://user:secret@127.0.0.1:1", "nats://:1", "nats://h:x"]
)
def test_a_url_that_cannot_be_pushed_to_is_refused(world: World, url: str) -> None:
    with pytest.raises(ResolverError) as caught, world.open([url]):
        pytest.fail("it was open")
    assert "secret" not in str(caught.value)
    assert "tls://HOST:PORT" in str(caught.value.hint)


def test_jwt_and_seed_are_not_shown(world: World) -> None:
    login = Login(jwt=world.user_jwt(), key=world.user, inbox_prefix="_INBOX.x", timeout=1)
    shown = f"{login!r} {world.account(1)!r}"
    assert "eyJ" not in shown
    assert world.user.reveal_seed() not in shown
