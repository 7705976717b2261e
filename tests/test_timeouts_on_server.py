"""How long a real server lets a login take, and how many connections a second it begins TLS with."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.findings import findings, with_head
from support.resolvers import free_ports
from support.workspaces import Spec
from test_joining_on_server import HOST, IN_CONFIG, TIMEOUT, page, serving, spec_of, written
from test_joining_on_server import certificate as certificate

from natsbackend.claims.creds import parse_creds
from natsbackend.keys import KeyPair
from natsbackend.live.wire import Connection, Refused, connect_tcp, connect_websocket

UPGRADE = (
    "GET / HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def silent(port: int, first: bytes = b"") -> tuple[float, bytes]:
    """Connect, say no more than this, and return how long the server had patience, and all that it said."""
    began = time.monotonic()
    heard = b""
    with socket.create_connection((HOST, port), TIMEOUT) as connection:
        connection.sendall(first)
        while more := connection.recv(4096):
            heard += more
    return time.monotonic() - began, heard


def test_who_does_not_log_in_is_sent_away_when_the_listener_says_so(tmp_path: Path) -> None:
    nats, websocket, mqtt, monitor = free_ports(4)
    server: Spec = {
        "listen": f"{HOST}:{nats}",
        "monitor": {"listen": monitor},
        "resolver": IN_CONFIG,
        "jetstream": True,
        "limits": {"auth_timeout": "600ms"},
        "websocket": {"listen": f"{HOST}:{websocket}", "no_tls": True, "auth_timeout": "1s"},
        "mqtt": {"listen": f"{HOST}:{mqtt}", "auth_timeout": "3s"},
    }
    with serving(written(tmp_path / "n1", spec_of(server, web={}))):
        client, words = silent(nats)
        browser, others = silent(websocket, UPGRADE.format(HOST).encode())
        varz = page(monitor, "varz")
    assert 0.5 < client < 1.9  # without the word, it would be 2s
    assert browser > 0.95
    assert b"Authentication Timeout" in words
    assert b"Authentication Timeout" in others
    found = (varz["auth_timeout"], varz["websocket"]["auth_timeout"], varz["mqtt"]["auth_timeout"])
    assert found == (0.6, 1, 3)


@pytest.mark.parametrize("limit", [2, None])
def test_tls_begins_with_so_many_connections_a_second(
    limit: int | None, tmp_path: Path, certificate: dict[str, str]
) -> None:
    (nats,) = free_ports(1)
    tls = {word: certificate[word] for word in ("cert_file", "key_file")}
    if limit is not None:
        tls |= {"connection_rate_limit": limit}  # type: ignore[dict-item]
    server = {"listen": f"{HOST}:{nats}", "resolver": IN_CONFIG, "tls": tls}
    with serving(written(tmp_path / "n1", spec_of(server, web={}))):
        before = time.monotonic()
        begun = sum(begins(nats, certificate["cert_file"]) for _ in range(12))
        seconds = int(time.monotonic() - before) + 2  # so many may have been begun
    if limit is None:
        assert begun == 12
    else:
        assert limit <= begun <= min(limit * seconds, 11)


def begins(port: int, authority: str) -> bool:
    """Tell whether a server lets a connection begin TLS."""
    context = ssl.create_default_context(cafile=authority)
    with socket.create_connection((HOST, port), TIMEOUT) as plain:
        try:
            if not plain.recv(4096):
                return False
            with context.wrap_socket(plain, server_hostname=HOST):
                return True
        except (ConnectionError, ssl.SSLError):
            return False


def test_the_policy_of_slow_peers_is_the_servers(tmp_path: Path) -> None:
    """`varz` shows the cluster's for all three (nats-server 2.15 `monitor.go`), so only it can be looked at."""
    nats, routes, gateway, leaf, monitor = free_ports(5)
    server: Spec = {
        "name": "n1",
        "listen": f"{HOST}:{nats}",
        "monitor": {"listen": monitor},
        "resolver": IN_CONFIG,
        "cluster": {"name": "eu", "listen": f"{HOST}:{routes}", "write_timeout": "close"},
        "gateway": {"listen": f"{HOST}:{gateway}", "write_timeout": "close"},
        "leafnodes": {"listen": f"{HOST}:{leaf}", "write_timeout": "close"},
    }
    with serving(written(tmp_path / "n1", spec_of(server, web={}))):
        assert page(monitor, "varz")["cluster"]["write_timeout"] == "close"


@pytest.mark.parametrize("section", ["websocket", "mqtt", "leafnodes", "cluster"])
def test_no_other_listener_takes_a_rate_that_it_would_not_hold(section: str) -> None:
    """The server reads `connection_rate_limit` there, too, and only looks at that of clients (`server.go`)."""
    files = "cert_file: a, key_file: b" + ", ca_file: c" * (section == "cluster")
    text = f"server: {{{section}: {{tls: {{{files}, connection_rate_limit: 5}}}}}}"
    assert any(found.code == "unknown-word" for found in findings(with_head(text)))


CALLOUT = {
    "external_authorization": {"users": ["decider"]},
    "users": {"decider": {}, "guest": {"subscribe": ["a"], "connection_types": ["standard", "websocket"]}},
}
"""An account whose callout nobody answers."""


def refused_after(connect: Callable[[], Connection]) -> float:
    """Return how long it takes until a login is refused."""
    began = time.monotonic()
    with pytest.raises(Refused):
        connect()
    return time.monotonic() - began


def test_a_callout_has_as_long_to_answer_as_the_limits_say(tmp_path: Path) -> None:
    """Whatever the listener says of its own time, which ends with CONNECT."""
    nats, websocket = free_ports(2)
    server: Spec = {
        "listen": f"{HOST}:{nats}",
        "resolver": IN_CONFIG,
        "limits": {"auth_timeout": "3s"},
        "websocket": {"listen": f"{HOST}:{websocket}", "no_tls": True, "auth_timeout": "1s"},
    }
    space = written(tmp_path / "n1", spec_of(server, web=CALLOUT))
    creds = parse_creds(space.project.creds("web", "guest").read_text(encoding="utf-8"))
    assert creds.seed is not None
    key = KeyPair.from_seed(creds.seed)
    with serving(space):
        browser = refused_after(
            lambda: connect_websocket(f"ws://{HOST}:{websocket}", jwt=creds.jwt, key=key, timeout=TIMEOUT)
        )
        client = refused_after(lambda: connect_tcp(HOST, nats, jwt=creds.jwt, key=key, timeout=TIMEOUT))
    assert min(browser, client) > 2.9  # without the word, it would be 2s
