"""What a push says and leaves when something breaks, on real servers behind a proxy that breaks things."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.programs import program
from support.proxies import made
from support.resolvers import NOW, World, free_ports, full_resolvers

from natsbackend.errors import ClaimsError, ResolverError, ResolverRejected, ResolverUnavailable
from natsbackend.live.server import NatsServer, find_server
from natsbackend.resolvers.interface import AccountPush, Effect, PushInterrupted, PushRejected, Step
from natsbackend.resolvers.nats_subjects import LOAD, PUSHER_PUBLISH
from natsbackend.resolvers.nats_tls import tls_context


@pytest.fixture(scope="module")
def world() -> World:
    return World(publish=(*PUSHER_PUBLISH, LOAD))


def again(home: Path) -> NatsServer:
    """Return the server of a folder, to be started once more."""
    return NatsServer(find_server(), home / "nats-server.conf", log=home / "log", cwd=home)


def test_a_connection_cut_while_accounts_are_sent_is_made_again(world: World, tmp_path: Path) -> None:
    pushes = world.accounts(200)
    with (
        full_resolvers(world, tmp_path) as running,
        made(running["n1"][0]) as proxy,
        world.open([proxy.url], timeout=2) as resolver,
    ):
        proxy.cut_after = proxy.upward + 80_000  # past the lookups, amid some 130 kB of JWTs
        results = resolver.push(pushes)
        assert proxy.connections == 2
        assert all(r.ok and not r.is_unchanged for r in results)


def test_a_connection_that_is_always_cut_is_given_up_and_a_second_run_finishes(
    world: World, tmp_path: Path
) -> None:
    pushes = world.accounts(50)
    with (
        full_resolvers(world, tmp_path) as running,
        made(running["n1"][0]) as proxy,
        world.open([proxy.url], timeout=2) as resolver,
    ):

        def cut(step: Step, done: int, total: int) -> None:
            if step is Step.UPDATE:
                proxy.cut()

        with pytest.raises(PushInterrupted, match="connection was lost") as caught:
            resolver.push(pushes, on_progress=cut)
        assert 2 <= proxy.connections <= 5
        assert len(caught.value.results) == len(pushes)
        assert not any(r.read_back_ok and not r.stored for r in caught.value.results)
        assert all(r.ok for r in resolver.push(pushes))


def test_a_server_restarted_while_accounts_are_sent_gets_them_all(world: World, tmp_path: Path) -> None:
    with (
        full_resolvers(world, tmp_path) as running,
        contextlib.ExitStack() as stack,
        world.open([running["n1"][0]], timeout=2) as resolver,
    ):
        restarts: list[int] = []

        def restart(step: Step, done: int, total: int) -> None:
            if step is Step.UPDATE and not restarts:
                restarts.append(done)
                running["n1"][1].stop()
                stack.enter_context(again(tmp_path / "n1"))

        results = resolver.push(world.accounts(300), on_progress=restart)
    assert restarts
    assert all(r.ok and r.stored == ("n1",) for r in results)


def test_a_push_goes_on_over_the_next_url_and_says_which_server_is_down(world: World, tmp_path: Path) -> None:
    pushes, names = world.accounts(100), ("n1", "n2", "n3")
    with full_resolvers(world, tmp_path, names=names) as running:
        urls = [running[name][0] for name in names]
        with world.open(urls, timeout=1.5, expected=3) as resolver:

            def kill(step: Step, done: int, total: int) -> None:
                if step is Step.UPDATE:
                    running["n1"][1].stop()

            results = resolver.push(pushes, on_progress=kill)
            assert {r.stored for r in results} == {("n2", "n3")}
            down = f"1 of 3 expected servers did not answer ({urls[0]}: connection refused)"
            assert {r.problems() for r in results} == {(down,)}
            with again(tmp_path / "n1"):
                # it may have synced in the meantime, or not: the second run finishes either way
                assert all(r.ok and r.stored == names for r in resolver.push(pushes))


def test_a_server_that_stands_still_is_named(world: World, tmp_path: Path) -> None:
    with full_resolvers(world, tmp_path, names=("n1", "n2")) as running:
        pid = running["n2"][1].pid
        assert pid
        with world.open([running["n1"][0]], timeout=0.4, expected=2) as resolver:

            def freeze(step: Step, done: int, total: int) -> None:
                if (step, done) == (Step.LOOKUP, total):
                    os.kill(pid, signal.SIGSTOP)
                    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)

            try:
                results = resolver.push(world.accounts(5), on_progress=freeze)
            finally:
                os.kill(pid, signal.SIGCONT)
            assert {r.problems() for r in results} == {('server "n2" did not confirm it',)}
            assert {r.stored for r in results} == {("n1",)}


def test_a_slow_way_takes_longer_and_no_longer_than_it_must(world: World, tmp_path: Path) -> None:
    with full_resolvers(world, tmp_path) as running, made(running["n1"][0]) as proxy:
        with world.open([proxy.url], timeout=1) as resolver:
            proxy.delay = 0.05
            assert all(r.ok for r in resolver.push(world.accounts(300)))
        assert proxy.connections == 1


def test_a_partition_ends_in_time_and_a_second_run_finishes(world: World, tmp_path: Path) -> None:
    pushes = world.accounts(20)
    with full_resolvers(world, tmp_path) as running, made(running["n1"][0]) as proxy:

        def part(step: Step, done: int, total: int) -> None:
            if (step, done) == (Step.LOOKUP, total):
                proxy.is_silent = True

        started = time.monotonic()
        with world.open([proxy.url], timeout=0.5) as resolver:
            results = resolver.push(pushes, on_progress=part)
        assert time.monotonic() - started < 5
        assert {r.problems() for r in results} == {('server "n1" did not confirm it',)}
        proxy.is_silent = False
        with world.open([proxy.url], timeout=2) as resolver:
            assert all(r.ok for r in resolver.push(pushes))


def test_urls_without_a_server_and_with_a_strange_one_are_told(world: World, tmp_path: Path) -> None:
    (nobody,) = free_ports(1)
    (tmp_path / "apart").mkdir()
    with full_resolvers(world, tmp_path) as running, full_resolvers(world, tmp_path / "apart") as apart:
        refused, strange = f"nats://127.0.0.1:{nobody}", apart["n1"][0]
        with world.open([running["n1"][0], refused, strange], timeout=0.5, expected=3) as resolver:
            (result,) = resolver.push([world.account(1)])
    assert result.unreachable == (
        f"{refused}: connection refused",
        f"{strange}: it runs, and the others do not hear of it",
    )
    assert result.problems()[0].startswith("2 of 3 expected servers did not answer (nats://127.0.0.1:")


def test_two_clusters_with_a_gateway_are_one_target(world: World, tmp_path: Path) -> None:
    names = ("east", "west")
    with (
        full_resolvers(world, tmp_path, names=names, gateways=True) as running,
        world.open([running["east"][0]], expected=2) as resolver,
    ):
        assert [(s.name, s.cluster) for s in resolver.servers()] == [("east", "east"), ("west", "west")]
        results = resolver.push(world.accounts(30), probe=True)
        assert all(r.ok and r.stored == names for r in results)
        assert all(r.effective == dict.fromkeys(names, Effect.COMPLETE) for r in results)


def test_what_is_told_may_end_the_push(world: World, tmp_path: Path) -> None:
    def stop(step: Step, done: int, total: int) -> None:
        if step is Step.UPDATE:
            raise ResolverError("told so")

    with full_resolvers(world, tmp_path) as running, world.open([running["n1"][0]]) as resolver:
        with pytest.raises(ResolverError, match="told so"):
            resolver.push(world.accounts(3), on_progress=stop)
        assert all(r.ok for r in resolver.push(world.accounts(3)))


# --- what the server has no room for ---


def test_a_store_that_is_full_says_so_and_keeps_what_fits(world: World, tmp_path: Path) -> None:
    with (
        full_resolvers(world, tmp_path, resolver="limit: 3") as running,
        world.open([running["n1"][0]]) as resolver,
    ):
        results = resolver.push(world.accounts(4))  # the system account has taken one place
        assert [r.ok for r in results] == [True, True, False, False]
        assert results[3].said == {"n1": "jwt update resulted in error - jwt store is full"}
        assert results[3].problems()[0].endswith("jwt store is full")
        assert [r.is_unchanged for r in resolver.push(world.accounts(2))] == [True, True]


@contextmanager
def tiny_disk(place: Path) -> Iterator[None]:
    """Mount a file system of 64 kB; it takes root."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    place.mkdir(parents=True)
    command = [str(mount), "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if not mount or not umount or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run([umount, "-l", str(place)], check=True)


def test_a_disk_that_is_full_says_so_and_a_second_run_finishes(world: World, tmp_path: Path) -> None:
    pushes = world.accounts(40)
    disk = tmp_path / "disk"
    with (
        tiny_disk(disk),
        full_resolvers(world, tmp_path, resolver=f'dir: "{disk}"') as running,
        world.open([running["n1"][0]]) as resolver,
    ):
        results = resolver.push(pushes)
        full = [r for r in results if not r.ok]
        assert 0 < len(full) < len(pushes)
        assert all("no space left on device" in r.refused["n1"] for r in full)
        subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
        assert all(r.ok for r in resolver.push(pushes))


def test_a_jwt_larger_than_any_server_reads_is_refused_before_sending(world: World, tmp_path: Path) -> None:
    good = world.account(1)
    huge = AccountPush(account=good.account, jwt=good.jwt + "A" * (1 << 20), name="web")
    with (
        full_resolvers(world, tmp_path, extra="max_payload: 8MB") as running,
        world.open([running["n1"][0]]) as resolver,
    ):
        with pytest.raises(ClaimsError, match="servers read at most 1048576"):
            resolver.push([good, huge])
        assert resolver.lookup([good.account]) == {good.account: None}


# --- logins ---


def test_credentials_that_expire_on_the_way_end_it_and_are_not_tried_again(
    world: World, tmp_path: Path
) -> None:
    with full_resolvers(world, tmp_path) as running, made(running["n1"][0]) as proxy:
        expires = int(time.time()) + 2
        with world.open([proxy.url], timeout=5, expires=expires) as resolver:

            def wait(step: Step, done: int, total: int) -> None:
                if (step, done) == (Step.UPDATE, total):
                    time.sleep(max(0.0, expires + 1.5 - time.time()))

            with pytest.raises(PushRejected, match="User Authentication Expired") as caught:
                resolver.push(world.accounts(3), on_progress=wait)
        assert [r.stored for r in caught.value.results] == [("n1",)] * 3
        assert "new credentials" in str(caught.value.hint)
        assert proxy.connections == 1


def test_credentials_that_have_expired_are_refused(world: World, tmp_path: Path) -> None:
    with (
        full_resolvers(world, tmp_path) as running,
        pytest.raises(ResolverRejected, match="refused the login: Authorization Violation") as caught,
        world.open([running["n1"][0]], expires=NOW - 10**9),
    ):
        pytest.fail("it was open")
    assert "clock" in str(caught.value.hint)


# --- tls ---


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CA, and certificates of a server and a client that it signed."""
    home = tmp_path_factory.mktemp("tls")

    def openssl(*words: str) -> None:
        subprocess.run([program("openssl"), *words], cwd=home, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *curve, "-days", "2", "-subj", "/CN=ca", "-out", "ca.pem", "-keyout", "ca.key")
    for name, extension in (("server", "subjectAltName=IP:127.0.0.1"), ("client", "subjectAltName=DNS:me")):
        openssl(
            "req", "-new", *curve, "-subj", f"/CN={name}", "-out", f"{name}.csr", "-keyout", f"{name}.key"
        )
        (home / "extension").write_text(extension)
        signed = (
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "extension",
        )
        openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signed)
    return home


def test_a_server_that_verifies_clients_takes_ours(world: World, tmp_path: Path, authority: Path) -> None:
    files = ", ".join(f'{n}_file: "{authority / f}"' for n, f in _SERVER_FILES)
    ours = tls_context(ca=authority / "ca.pem", cert=authority / "client.pem", key=authority / "client.key")
    with full_resolvers(world, tmp_path, extra=f"tls {{ {files}, verify: true }}") as running:
        url = running["n1"][0].replace("nats://", "tls://")
        with world.open([url], tls=ours) as resolver:
            assert all(r.ok for r in resolver.push(world.accounts(50)))
        assert _why_not(world, [url], tls_context(ca=authority / "ca.pem")) == (
            "tls: TLSV13_ALERT_CERTIFICATE_REQUIRED"
        )
        assert "unable to get local issuer certificate" in _why_not(world, [url], None)
        # and where the server asks for TLS, a url that does not is no way round it
        assert "unable to get local issuer" in _why_not(world, [running["n1"][0]], None)


_SERVER_FILES = (("cert", "server.pem"), ("key", "server.key"), ("ca", "ca.pem"))


def _why_not(world: World, urls: Sequence[str], tls: ssl.SSLContext | None) -> str:
    with pytest.raises(ResolverUnavailable) as caught, world.open(urls, tls=tls, timeout=3):
        pytest.fail("it was open")
    return str(caught.value).partition(": ")[2].partition(": ")[2]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"ca": "absent.pem"}, r'"\S+absent.pem" cannot be read as certificates of a CA: no such file'),
        ({"ca": "client.key"}, "certificates of a CA"),
        ({"cert": "client.pem", "key": "server.key"}, "key values mismatch"),
        ({"cert": "client.pem"}, "cannot be read as a certificate and its key"),
        ({"key": "client.key"}, "without its certificate"),
    ],
)
def test_files_that_are_not_what_they_should_be_are_named(
    files: dict[str, str], words: str, authority: Path
) -> None:
    with pytest.raises(ResolverError, match=words):
        tls_context(**{what: authority / name for what, name in files.items()})
