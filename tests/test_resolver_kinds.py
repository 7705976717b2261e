"""Each kind of resolver as generated, on a real nats-server: it starts clean, and its users get in."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.programs import program
from support.resolvers import free_ports
from support.servers import NOW
from support.workspaces import Spec, Workspace

from natsbackend.claims.creds import parse_creds
from natsbackend.errors import LiveServerError
from natsbackend.keys import KeyPair
from natsbackend.live.server import NatsServer, find_server
from natsbackend.live.wire import Refused, connect_tcp
from natsbackend.model.entities import Backend, Operator
from natsbackend.model.serving import Resolver, ResolverKind, Server
from natsbackend.workflow.loopback import LoopbackPorts, on_loopback

HOST = "127.0.0.1"
ACCOUNTS = ("web", "lab")


@contextmanager
def resolving(directory: Path, resolver: Spec) -> Iterator[tuple[Workspace, NatsServer, int]]:
    """Generate a spec with a resolver, and run exactly what was written."""
    (port,) = free_ports(1)
    spec: Spec = {
        "version": 1,
        "operator": {"name": "acme"},
        "accounts": {name: {"users": {"one": {"publish": ["a"]}}} for name in ACCOUNTS},
        "server": {"listen": f"{HOST}:{port}", "resolver": resolver},
    }
    space = Workspace(root=directory, spec=spec)
    space.generate(now=NOW)
    server = NatsServer(find_server(), space.project.server_conf, log=directory / "server.log", cwd=directory)
    with server:
        yield space, server, port


def logs_in(space: Workspace, port: int, account: str) -> bool:
    """Tell whether the user of an account gets in with its creds."""
    creds = parse_creds(space.project.creds(account, "one").read_text(encoding="utf-8"))
    assert creds.jwt is not None
    assert creds.seed is not None
    try:
        connect_tcp(HOST, port, jwt=creds.jwt, key=KeyPair.from_seed(creds.seed), timeout=5).close()
    except Refused:
        return False
    return True


@contextmanager
def account_server(root: Path, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Answer with the JWTs of `build/accounts` by public key, and with 200 at /; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            space = Workspace(root=root, spec={})
            files = {space.key(f"accounts/{n}"): space.project.account_jwt(n) for n in (*ACCOUNTS, "SYS")}
            name = self.path.rpartition("/")[2]
            found = not name or name in files
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(files[name].read_bytes() if name in files else b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://{HOST}:{server.server_port}/jwt/v1/accounts/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_memory_resolver_knows_every_account_from_its_config(tmp_path: Path) -> None:
    with resolving(tmp_path, {"type": "memory"}) as (space, server, port):
        assert server.warnings() == ()
        assert [logs_in(space, port, name) for name in ACCOUNTS] == [True, True]
        assert not (tmp_path / "data").exists()


def test_a_url_resolver_asks_for_every_account(tmp_path: Path) -> None:
    with (
        account_server(tmp_path) as url,
        resolving(tmp_path, {"type": "url", "url": url}) as (space, server, port),
    ):
        assert server.warnings() == ()
        assert [logs_in(space, port, name) for name in ACCOUNTS] == [True, True]


def test_a_url_resolver_asks_over_tls_and_shows_its_own_certificate(tmp_path: Path) -> None:
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", "a.crt", "-keyout", "a.key"]
    subprocess.run(
        [program("openssl"), *command.split(), *files], check=True, capture_output=True, cwd=tmp_path
    )
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "a.crt"))
    tls.load_cert_chain(tmp_path / "a.crt", tmp_path / "a.key")
    tls.verify_mode = ssl.CERT_REQUIRED
    words = {"ca_file": "a.crt", "cert_file": "a.crt", "key_file": "a.key"}
    with account_server(tmp_path, tls) as url:
        with resolving(tmp_path, {"type": "url", "url": url, "tls": words}) as (space, server, port):
            assert server.warnings() == ()
            assert [logs_in(space, port, name) for name in ACCOUNTS] == [True, True]
        for less in ({}, {"ca_file": "a.crt"}):
            with (
                pytest.raises(LiveServerError, match=r"tls: |reset by peer"),
                resolving(tmp_path, {"type": "url", "url": url, "tls": less}),
            ):
                pytest.fail("it started")


@pytest.mark.parametrize("limit", [7, "unlimited"])
def test_a_cache_starts_with_the_system_account_alone(tmp_path: Path, limit: object) -> None:
    cache = {"type": "cache", "dir": "cache", "limit": limit, "ttl": "1h", "timeout": "500ms"}
    with resolving(tmp_path, cache) as (space, server, port):
        assert server.warnings() == ()
        assert [path.stem for path in (tmp_path / "cache").iterdir()] == [space.key("accounts/SYS")]
        assert not logs_in(space, port, "web")  # there is no full resolver to ask


def test_only_users_of_pinned_accounts_get_in(tmp_path: Path) -> None:
    with resolving(tmp_path, {"type": "memory", "pinned": ["web"]}) as (space, server, port):
        assert server.warnings() == ()
        assert logs_in(space, port, "web")
        assert not logs_in(space, port, "lab")


@pytest.mark.parametrize("kind", [ResolverKind.CACHE, ResolverKind.MEMORY, ResolverKind.URL])
def test_on_loopback_there_is_a_full_resolver_to_push_to(kind: ResolverKind, tmp_path: Path) -> None:
    resolver = Resolver(kind=kind, url="https://a.example", ttl=1, pinned=("web",))
    backend = Backend(operator=Operator(name="acme"), accounts={}, server=Server(resolver=resolver))
    local = on_loopback(
        backend, LoopbackPorts(nats=1, websocket=2), spec_dir=tmp_path, data=tmp_path / "data"
    )
    assert local.server.resolver == Resolver(dir=str(tmp_path / "data" / "jwt"), pinned=("web",))
    assert f"resolver: a full one instead of `{kind}`, to push to" in local.substitutions
