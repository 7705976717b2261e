"""What servers show each other, from files: the real server reads every one of them as it was written."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.resolvers import free_ports
from support.servers import NOW
from support.workspaces import Spec, Workspace
from test_joining_on_server import HOST, IN_CONFIG, TIMEOUT, eventually, page, serving, spec_of, written

from natsbackend.live.server import NatsServer, find_server

PASSWORD = '1, "two" $THREE }'
"""A text that in a variable of the environment would be another piece of config."""
QUOTED = "1%2C%20%22two%22%20%24THREE%20%7D"
"""The same in a URL."""


def secret(root: Path, name: str, text: str) -> dict[str, str]:
    """Put a secret beside the spec, and return the word that names it."""
    path = root / "secrets" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n", encoding="utf-8")
    return {"file": f"secrets/{name}"}


def generated(root: Path, spec: Spec) -> Workspace:
    """Generate a spec beside its secrets: all of them are found, and none is in what may be committed."""
    space = Workspace(root=root, spec=spec)
    assert space.generate(now=NOW).warnings == ()
    public = b"".join(content for name, content in space.tree().items() if name.startswith("build"))
    assert b"two" not in public + space.project.lock.read_bytes()
    return space


def clustered(root: Path, name: str, ports: tuple[int, int, int], route: str) -> Spec:
    """Return a server of a cluster with a password, and a route, that stand in files."""
    nats, routes, monitor = ports
    cluster = {
        "name": "eu",
        "listen": f"{HOST}:{routes}",
        "authorization": {"user": "route", "password": secret(root, "cluster", PASSWORD)},
        "routes": [secret(root, "route", route)],
    }
    here = {"listen": f"{HOST}:{nats}", "monitor": {"listen": monitor}, "resolver": IN_CONFIG}
    return spec_of({"name": name, **here, "cluster": cluster}, web={})


@pytest.mark.parametrize(("password", "routes"), [(QUOTED, 4), ("wrong", 0)])
def test_a_cluster_with_its_password_and_routes_in_files(password: str, routes: int, tmp_path: Path) -> None:
    ports = free_ports(6)
    one, other = (ports[0], ports[1], ports[2]), (ports[3], ports[4], ports[5])
    route = f"nats://route:{password}@{HOST}:{one[1]}"
    first = generated(tmp_path / "n1", clustered(tmp_path / "n1", "n1", one, route))
    like = written(tmp_path / "n2", first.spec, like=first)  # the identities of the first
    second = generated(like.root, clustered(like.root, "n2", other, route))
    with complaining(first) as a, complaining(second):
        if routes:
            eventually(lambda: page(one[2], "routez")["num_routes"] == routes)
        else:
            eventually(lambda: any("authentication error" in line for line in a.warnings()))
            assert page(one[2], "routez")["num_routes"] == 0


def joined(root: Path, name: str, ports: tuple[int, int, int], **gateway: Any) -> Spec:
    """Return a server with a gateway whose password stands in a file."""
    nats, listen, monitor = ports
    login = {"user": "gateway", "password": secret(root, "gateway", PASSWORD)}
    section = {"name": name, "listen": f"{HOST}:{listen}", "authorization": login, **gateway}
    here = {"listen": f"{HOST}:{nats}", "monitor": {"listen": monitor}, "resolver": IN_CONFIG}
    return spec_of({**here, "gateway": section}, web={})


def test_gateways_with_their_password_and_url_in_files(tmp_path: Path) -> None:
    ports = free_ports(6)
    eu, us = (ports[0], ports[1], ports[2]), (ports[3], ports[4], ports[5])
    first = generated(tmp_path / "eu", joined(tmp_path / "eu", "eu", eu))
    like = written(tmp_path / "us", first.spec, like=first)
    remote = {"name": "eu", "urls": [secret(like.root, "eu.url", f"nats://{HOST}:{eu[1]}")]}
    second = generated(like.root, joined(like.root, "us", us, gateways=[remote]))
    with serving(first), serving(second):
        eventually(lambda: "eu" in page(us[2], "gatewayz")["outbound_gateways"])
        eventually(lambda: "us" in page(eu[2], "gatewayz")["outbound_gateways"])


@contextmanager
def complaining(space: Workspace) -> Iterator[NatsServer]:
    """Run what was written; what it says of other servers, it may say before it is ready."""
    log = space.root / "server.log"
    with NatsServer(find_server(), space.project.server_conf, log=log, cwd=space.root) as running:
        yield running


class Proxy:
    """An HTTP proxy that hears who asks and lets nobody through."""

    def __init__(self) -> None:
        self.heard = b""
        self._socket = socket.create_server((HOST, 0))
        self._socket.settimeout(TIMEOUT)
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with self._socket, self._socket.accept()[0] as client:
            client.settimeout(TIMEOUT)
            while b"\r\n\r\n" not in self.heard and (more := client.recv(4096)):
                self.heard += more
            client.sendall(b"HTTP/1.1 407 no\r\n\r\n")

    def request(self) -> bytes:
        """Return what was asked."""
        self._thread.join(TIMEOUT)
        return self.heard


def test_a_proxy_hears_the_password_from_a_file(tmp_path: Path) -> None:
    proxy, (nats,) = Proxy(), free_ports(1)
    remote = {
        "urls": [f"ws://{HOST}:80", secret(tmp_path, "hub", f"ws://{HOST}:80/two")],
        "account": "web",
        "no_randomize": True,
        "proxy": {
            "url": f"http://{HOST}:{proxy.port}",
            "username": "me",
            "password": secret(tmp_path, "proxy", PASSWORD),
        },
    }
    server = {"listen": f"{HOST}:{nats}", "resolver": IN_CONFIG, "leafnodes": {"remotes": [remote]}}
    with serving(generated(tmp_path, spec_of(server, web={}))):
        heard = proxy.request()
    assert heard.startswith(b"CONNECT 127.0.0.1:80 ")
    assert base64.b64encode(f"me:{PASSWORD}".encode()) in heard


def test_an_included_url_is_a_key_beside_its_list(tmp_path: Path) -> None:
    """The config language has no include in a list, so the list takes each URL from a key of the map around it."""
    spec = joined(tmp_path, "eu", (1, 2, 3), gateways=[{"name": "us", "urls": [secret(tmp_path, "u", "x")]}])
    space = generated(tmp_path, spec)
    config = space.project.server_conf.read_text(encoding="utf-8")
    included = tmp_path / ".natsbackend" / "secrets" / "gateway.gateways.0.INCLUDED_URL_0.conf"
    assert included.read_text(encoding="utf-8").endswith(f"INCLUDED_URL_0: {json.dumps('x')}\n")
    assert config.index('URL_0.conf"\n') < config.index("  $INCLUDED_URL_0\n")
    assert "# read as config" not in config  # what is said of a variable of the environment
