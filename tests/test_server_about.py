"""What a server says of itself and whom it believes, as it is generated, on a real nats-server."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.resolvers import free_ports
from support.servers import NOW
from support.workspaces import Spec, Workspace

from natsbackend.claims.creds import parse_creds
from natsbackend.errors import LiveServerError, SpecError
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.live.server import NatsServer, find_server
from natsbackend.model.entities import Backend, Operator
from natsbackend.model.serving import Log, Server
from natsbackend.workflow.loopback import LoopbackPorts, on_loopback

HOST = "127.0.0.1"
PROXY = KeyPair(KeyRole.USER, b"p" * 32)
STRANGER = KeyPair(KeyRole.USER, b"q" * 32)


def workspace(directory: Path, server: Spec) -> Workspace:
    users = {"behind": {"proxy_required": True, "publish": ["a"]}, "free": {"publish": ["a"]}}
    spec: Spec = {
        "version": 1,
        "operator": {"name": "acme"},
        "accounts": {"web": {"users": users}},
        "server": {"resolver": {"type": "memory"}, **server},
    }
    space = Workspace(root=directory, spec=spec)
    space.generate(now=NOW)
    return space


@contextmanager
def logging_server(space: Workspace, log: Path) -> Iterator[None]:
    """Run a server that logs into a file of its own, until the block ends."""
    command = [find_server(), "-c", space.project.server_conf]
    process = subprocess.Popen(command, cwd=space.root, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while "Server is ready" not in (log.read_text(encoding="utf-8") if log.exists() else ""):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(10)


def test_a_log_goes_into_its_files_and_monitoring_tells_tags_and_metadata(tmp_path: Path) -> None:
    nats, monitor = free_ports(2)
    log = {"file": "logs.txt", "size_limit": "1KiB", "max_files": 3, "utc": True, "debug": True}
    metadata = {"team": "backend", "$note": 'a "quoted" $word'}
    server = {
        "listen": f"{HOST}:{nats}",
        "monitor": {"listen": monitor},
        "log": log,
        "tags": ["az:1", "ssd"],
        "metadata": metadata,
    }
    space = workspace(tmp_path, server)
    with logging_server(space, tmp_path / "logs.txt"):
        varz = httpx.get(f"http://{HOST}:{monitor}/varz", trust_env=False).json()
        for _ in range(40):
            with socket.create_connection((HOST, nats), timeout=5) as connection:
                connection.recv(4096)
    assert (varz["tags"], varz["metadata"]) == (["az:1", "ssd"], metadata)
    files = sorted(tmp_path.glob("logs.txt*"))
    assert len(files) == 3
    assert all(file.stat().st_size < 4096 for file in files)
    said = "".join(file.read_text(encoding="utf-8") for file in files)
    assert "[DBG]" in said
    assert not [word for word in ("[WRN]", "[ERR]", "[FTL]") if word in said]


def test_a_trace_holds_the_whole_token_of_a_client(tmp_path: Path) -> None:
    """What the check `log-trace` warns of."""
    (nats,) = free_ports(1)
    server = {"listen": f"{HOST}:{nats}", "log": {"file": "t.log", "trace": True}}
    space = workspace(tmp_path, server)
    jwt = parse_creds(space.project.creds("web", "free").read_text(encoding="utf-8")).jwt
    assert jwt is not None
    with logging_server(space, tmp_path / "t.log"):
        assert lets_in(space, nats, "free", None)
    assert jwt in (tmp_path / "t.log").read_text(encoding="utf-8")


def lets_in(space: Workspace, port: int, user: str, proxy: KeyPair | None) -> bool:
    """Log in with the creds of a user, through a proxy that signs the nonce as well."""
    creds = parse_creds(space.project.creds("web", user).read_text(encoding="utf-8"))
    assert creds.seed is not None
    with socket.create_connection((HOST, port), timeout=5) as connection:
        nonce = json.loads(connection.recv(65536)[len("INFO ") :])["nonce"].encode()

        def signed(key: KeyPair) -> str:
            return base64.urlsafe_b64encode(key.sign(nonce)).rstrip(b"=").decode()

        connect = {"jwt": creds.jwt, "sig": signed(KeyPair.from_seed(creds.seed)), "verbose": False}
        if proxy is not None:
            connect["proxy_sig"] = signed(proxy)
        connection.sendall(f"CONNECT {json.dumps(connect)}\r\nPING\r\n".encode())
        answer = connection.recv(4096)
    assert answer.startswith((b"PONG", b"-ERR 'Authorization Violation'"))
    return answer.startswith(b"PONG")


@contextmanager
def believing(directory: Path, proxies: Spec) -> Iterator[tuple[Workspace, int]]:
    (port,) = free_ports(1)
    space = workspace(directory, {"listen": f"{HOST}:{port}", **proxies})
    server = NatsServer(find_server(), space.project.server_conf, log=directory / "server.log", cwd=directory)
    with server:
        assert server.warnings() == ()
        yield space, port


def test_who_must_come_through_a_proxy_comes_through_a_trusted_one_alone(tmp_path: Path) -> None:
    proxies = {"proxies": {"trusted": [PROXY.public]}}
    with believing(tmp_path, proxies) as (space, port):
        assert lets_in(space, port, "behind", PROXY)
        assert not lets_in(space, port, "behind", STRANGER)
        assert not lets_in(space, port, "behind", None)
        assert lets_in(space, port, "free", None)
        assert lets_in(space, port, "free", PROXY)
        assert not lets_in(space, port, "free", STRANGER)


def test_without_a_trusted_proxy_who_needs_one_never_gets_in(tmp_path: Path) -> None:
    """What the check `proxy-untrusted` warns of."""
    with believing(tmp_path, {}) as (space, port):
        assert not lets_in(space, port, "behind", PROXY)
        assert lets_in(space, port, "free", STRANGER)  # nobody looks at what the proxy signed


def test_a_key_that_is_none_stops_the_server(tmp_path: Path) -> None:
    """What the check `proxy-key` refuses."""
    with believing(tmp_path, {"proxies": {"trusted": [PROXY.public]}}) as (space, _):
        text = space.project.server_conf.read_text(encoding="utf-8")
    config = tmp_path / "bad.conf"
    config.write_text(text.replace(PROXY.public, f"{PROXY.public[:-1]}A"), encoding="utf-8")
    server = NatsServer(find_server(), config, log=tmp_path / "server.log", cwd=tmp_path)
    with pytest.raises(LiveServerError, match="invalid proxy key"):
        server.start()


def test_a_seed_in_the_place_of_a_key_is_refused_and_not_repeated(tmp_path: Path) -> None:
    seed = KeyPair(KeyRole.USER, b"z" * 32).reveal_seed()
    with pytest.raises(SpecError) as refused:
        workspace(tmp_path, {"proxies": {"trusted": [seed]}})
    (found,) = refused.value.diagnostics
    assert "seed" in found.message
    assert seed not in str(found)


@pytest.mark.parametrize("tag", ["AZ:1", " az", ""])
def test_a_tag_that_the_server_would_change_is_refused(tag: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as refused:
        workspace(tmp_path, {"tags": [tag]})
    assert "is not a tag" in refused.value.diagnostics[0].message


def test_on_loopback_the_log_is_ours_and_holds_no_trace(tmp_path: Path) -> None:
    server = Server(log=Log(file="a.log", trace=True, debug=True))
    backend = Backend(operator=Operator(name="acme"), accounts={}, server=server)
    ports = LoopbackPorts(nats=1, websocket=2)
    local = on_loopback(backend, ports, spec_dir=tmp_path, data=tmp_path)
    assert local.server.log == Log(debug=True)
    assert "log: into server.log there, without a trace" in local.substitutions
