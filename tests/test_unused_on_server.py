"""What checks say that the server reads and does nothing about, or does to everybody, on real servers."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.resolvers import free_ports
from support.workspaces import Spec
from test_joining_on_server import (
    EDGE,
    HOST,
    IN_CONFIG,
    TIMEOUT,
    eventually,
    page,
    serving,
    spec_of,
    written,
)
from test_joining_on_server import certificate as certificate
from test_timeouts_on_server import UPGRADE

from natsbackend.errors import ResolverUnavailable
from natsbackend.live.server import NatsServer, find_server
from natsbackend.model.checks.extra_names import FEATURES
from natsbackend.model.entities import Target
from natsbackend.workflow.opening import open_spec
from natsbackend.workflow.push import push
from natsbackend.workflow.tree import plan_tree


def started(root: Path, server: Spec, **accounts: Spec) -> NatsServer:
    """Write a spec, whatever `check` says of it, and return its server, not yet started."""
    space = written(root, spec_of({"resolver": IN_CONFIG, **server}, **(accounts or {"web": {}})))
    return NatsServer(find_server(), space.project.server_conf, log=root / "server.log", cwd=root)


def test_a_route_by_tls_is_not_encrypted_by_that_word(tmp_path: Path) -> None:
    """`peer-tls`: it is an error, so the configs are changed after they are written."""
    ports = free_ports(6)

    def server(i: int) -> Spec:
        nats, routes, monitor = ports[3 * i : 3 * i + 3]
        cluster = {"name": "eu", "listen": f"{HOST}:{routes}", "routes": [f"nats://{HOST}:{ports[1]}"]}
        here = {"listen": f"{HOST}:{nats}", "monitor": {"listen": monitor}, "resolver": IN_CONFIG}
        return spec_of({"name": f"n{i}", **here, "cluster": cluster}, web={})

    first = written(tmp_path / "n0", server(0))
    second = written(tmp_path / "n1", server(1), like=first)
    for space in (first, second):
        text = space.project.server_conf.read_text(encoding="utf-8")
        assert f'"nats://{HOST}:{ports[1]}"' in text
        space.project.server_conf.write_text(text.replace('"nats://', '"tls://'), encoding="utf-8")
    with serving(first), serving(second):
        eventually(lambda: page(ports[2], "routez")["num_routes"])
        assert not page(ports[2], "varz")["cluster"].get("tls_required")


@pytest.mark.parametrize("pinned", [False, True])
def test_pinned_certificates_that_nobody_is_asked_for_refuse_everybody(
    pinned: bool, tmp_path: Path, certificate: dict[str, str]
) -> None:
    (nats,) = free_ports(1)
    tls: dict[str, Any] = {**certificate, "verify": True, "pinned_certs": ["ab" * 32]}
    space = written(
        tmp_path / "n", spec_of({"listen": f"{HOST}:{nats}", "resolver": IN_CONFIG, "tls": tls}, web={})
    )
    text = space.project.server_conf.read_text(encoding="utf-8")
    pins = text[text.index("  pinned_certs: [") : text.index("  ]\n") + 4]
    changed = text.replace("  verify: true\n", "").replace("" if pinned else pins, "")
    assert changed != text
    space.project.server_conf.write_text(changed, encoding="utf-8")
    context = ssl.create_default_context(cafile=certificate["cert_file"])
    with serving(space), socket.create_connection((HOST, nats), TIMEOUT) as plain:
        assert plain.recv(4096).startswith(b"INFO ")
        with context.wrap_socket(plain, server_hostname=HOST) as encrypted:
            encrypted.sendall(b"CONNECT {}\r\nPING\r\n")
            heard = read(encrypted)
    assert (b"-ERR" in heard) is not pinned  # it asks for a login, or has closed the connection before


def read(connection: socket.socket) -> bytes:
    """Return all that comes until the end, however it comes."""
    heard = b""
    try:
        while more := connection.recv(4096):
            heard += more
    except OSError:
        pass
    return heard


PROXY = b"PROXY TCP4 203.0.113.9 127.0.0.1 40000 4222\r\n"


def test_only_the_listener_for_clients_reads_the_header_of_proxies(tmp_path: Path) -> None:
    nats, websocket = free_ports(2)
    server = {
        "listen": f"{HOST}:{nats}",
        "extra": {"proxy_protocol": True},
        "websocket": {"listen": f"{HOST}:{websocket}", "no_tls": True},
    }
    with started(tmp_path / "n", server):
        assert first_words(nats, PROXY).startswith(b"INFO ")
        assert first_words(websocket, UPGRADE.format(HOST).encode()).startswith(b"HTTP/1.1 101 ")
        assert first_words(websocket, PROXY + UPGRADE.format(HOST).encode()).startswith(b"HTTP/1.1 400 ")


def first_words(port: int, said: bytes) -> bytes:
    """Say something to a listener, and return the beginning of what it answers."""
    with socket.create_connection((HOST, port), TIMEOUT) as connection:
        connection.sendall(said)
        return connection.recv(4096)


@pytest.mark.parametrize(
    ("websocket", "origin", "status"),
    [
        (
            {"same_origin": True, "allowed_origins": ["https://127.0.0.1:{port}"]},
            "https://127.0.0.1:{port}",
            403,
        ),
        ({"allowed_origins": ["https://127.0.0.1:{port}"]}, "https://127.0.0.1:{port}", 101),
        (
            {"same_origin": True, "allowed_origins": ["http://127.0.0.1:{port}"]},
            "http://127.0.0.1:{port}",
            101,
        ),
    ],
)
def test_an_origin_of_another_scheme_is_never_the_same(
    websocket: Mapping[str, Any], origin: str, status: int, tmp_path: Path
) -> None:
    nats, port = free_ports(2)
    listener = {"listen": f"{HOST}:{port}", "no_tls": True, **websocket}
    listener["allowed_origins"] = [each.format(port=port) for each in websocket["allowed_origins"]]
    asked = UPGRADE.format(f"{HOST}:{port}").replace(
        "\r\n\r\n", f"\r\nOrigin: {origin.format(port=port)}\r\n\r\n"
    )
    with started(tmp_path / "n", {"listen": f"{HOST}:{nats}", "websocket": listener}):
        assert first_words(port, asked.encode()).startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize(
    ("first", "reached"), [(True, False), ("auto", True), ("100ms", True), (False, True)]
)
def test_a_push_waits_for_the_servers_first_word(
    first: Any, reached: bool, tmp_path: Path, certificate: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certificate["cert_file"])
    (nats,) = free_ports(1)
    tls = {
        "cert_file": certificate["cert_file"],
        "key_file": certificate["key_file"],
        "handshake_first": first,
    }
    space = written(tmp_path / "n", spec_of({"listen": f"{HOST}:{nats}", "tls": tls}, web={}))
    tree = plan_tree(open_spec(str(space.file)), space.project, now=1_750_000_000)
    target = Target(name="t", urls=(f"tls://{HOST}:{nats}",))
    server = NatsServer(find_server(), space.project.server_conf, log=tmp_path / "log", cwd=space.root)
    with server:
        if reached:
            assert [r.problems() for r in push(tree, target, now=int(time.time()))] == [(), ()]
        else:
            with pytest.raises(ResolverUnavailable):
                push(tree, target, now=int(time.time()), timeout=1.0)


def test_nothing_is_said_over_tls_to_a_server_without(tmp_path: Path) -> None:
    (nats,) = free_ports(1)
    space = written(tmp_path / "n", spec_of({"listen": f"{HOST}:{nats}"}, web={"users": {"one": EDGE}}))
    tree = plan_tree(open_spec(str(space.file)), space.project, now=1_750_000_000)
    target = Target(name="t", urls=(f"tls://{HOST}:{nats}",))
    with serving(space), pytest.raises(ResolverUnavailable, match="the server does not offer tls"):
        push(tree, target, now=1_750_000_000, timeout=1.0)


def test_a_cookie_for_a_callout_is_no_login(tmp_path: Path) -> None:
    nats, port = free_ports(2)
    web = {"users": {"one": EDGE}}
    listener = {"listen": f"{HOST}:{port}", "no_tls": True, "token_cookie": "session", "user_cookie": "user"}
    space = written(
        tmp_path / "n",
        spec_of({"listen": f"{HOST}:{nats}", "websocket": listener, "resolver": IN_CONFIG}, web=web),
    )
    cookie = "\r\nCookie: session=abc; user=one\r\n\r\n"
    asked = UPGRADE.format(HOST).replace("\r\n\r\n", cookie)
    payload = b'CONNECT {"verbose":false}\r\nPING\r\n'
    frame = bytes([0x82, 0x80 | len(payload), 0, 0, 0, 0]) + payload
    with serving(space), socket.create_connection((HOST, port), TIMEOUT) as connection:
        connection.sendall(asked.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 101 ")
        connection.sendall(frame)
        heard = read(connection)
    assert b"Authorization Violation" in heard


def test_the_features_that_are_known_are_the_servers(tmp_path: Path) -> None:
    """An unknown one is a line of its log, and no reason not to start."""
    nats, monitor = free_ports(2)
    flags = {**dict.fromkeys(FEATURES, False), "unheard_of": True}
    server = {"listen": f"{HOST}:{nats}", "monitor": {"listen": monitor}, "extra": {"feature_flags": flags}}
    with started(tmp_path / "n", server):
        log = (tmp_path / "n" / "server.log").read_text(encoding="utf-8")
    (said,) = [line for line in log.splitlines() if "unheard_of" in line]
    assert not any(name in said for name in FEATURES)
