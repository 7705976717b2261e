"""The `server` section as it is generated, on a real nats-server: it starts clean, and does what the words say."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.programs import program
from support.resolvers import free_ports
from support.servers import NOW, PLAIN_WEBSOCKET
from support.workspaces import Spec, Workspace

from natsbackend.errors import LiveServerError, SpecError
from natsbackend.live.server import NatsServer, find_server
from natsbackend.model.entities import Backend, Operator
from natsbackend.model.serving import Cookie, Listen, Monitor, Server, Tls, Websocket
from natsbackend.workflow.loopback import LoopbackPorts, on_loopback

HOST = "127.0.0.1"


def spec_of(server: Spec) -> Spec:
    """Return a small spec with a server section."""
    return {
        "version": 1,
        "operator": {"name": "acme"},
        "accounts": {"web": {"users": {"one": {"publish": ["a"]}}}, "lab": {}},
        "server": server,
    }


@contextmanager
def serving(directory: Path, server: Spec) -> Iterator[NatsServer]:
    """Generate a spec with a server section and run exactly what was written, from where it was written."""
    space = Workspace(root=directory, spec=spec_of(server))
    space.generate(now=NOW)
    config = space.project.server_conf
    with NatsServer(find_server(), config, log=directory / "server.log", cwd=directory) as running:
        yield running


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate for the loopback address, and its key."""
    cert, private = tmp_path / "web.crt", tmp_path / "web.key"
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    subject = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(cert), "-keyout", str(private)]
    subprocess.run([program("openssl"), *command.split(), *subject], check=True, capture_output=True)
    return cert, private


def test_tls_limits_and_monitoring_do_what_they_say(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    nats, monitor, websocket = free_ports(3)
    tls = {"cert_file": "web.crt", "key_file": "web.key"}
    asked = {**tls, "ca_file": "web.crt", "verify": True, "min_version": "1.3"}
    limits = {
        "max_connections": 77,
        "max_payload": "2MiB",
        "max_pending": "32MiB",
        "max_control_line": "8KiB",
        "write_deadline": "5s",
        "ping_interval": "90s",
        "ping_max": 3,
        "max_subscriptions": "unlimited",
        "lame_duck_duration": "1m",
        "lame_duck_grace_period": "5s",
    }
    server = {
        "listen": f"{HOST}:{nats}",
        "advertise": "nats.example.com:4222",
        "tls": {**tls, "timeout": "5s", "handshake_first": "auto"},
        "limits": limits,
        "monitor": {"listen": monitor, "https": True, "base_path": "/nats"},
        "websocket": {"listen": f"{HOST}:{websocket}", "tls": asked},
    }
    cert, key = certificate
    trusting = ssl.create_default_context(cafile=str(cert))
    with serving(tmp_path, server) as running:
        assert running.warnings() == ()
        varz = httpx.get(f"https://{HOST}:{monitor}/nats/varz", verify=trusting, trust_env=False).json()
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
        with pytest.raises(httpx.TransportError, match="certificate required"):
            httpx.get(f"https://{HOST}:{websocket}", headers=upgrade, verify=trusting, trust_env=False)
        trusting.load_cert_chain(cert, key)
        answer = httpx.get(f"https://{HOST}:{websocket}", headers=upgrade, verify=trusting, trust_env=False)
        assert answer.status_code == 400  # let in; it misses the key of a handshake
    wanted = {
        "max_connections": 77,
        "max_payload": 2 << 20,
        "max_pending": 32 << 20,
        "max_control_line": 8 << 10,
        "write_deadline": 5_000_000_000,
        "ping_interval": 90_000_000_000,
        "ping_max": 3,
        "tls_timeout": 5,
        "tls_required": True,
        "http_base_path": "/nats",
        "max_subscriptions": -1,
    }
    assert {name: varz.get(name, 0) for name in wanted} == wanted


SUITE = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"


def _pin_of(certificate: Path) -> str:
    openssl = program("openssl")
    public = subprocess.run(
        [openssl, "x509", "-in", certificate, "-pubkey", "-noout"], check=True, capture_output=True
    )
    der = [openssl, "pkey", "-pubin", "-outform", "DER"]
    return hashlib.sha256(
        subprocess.run(der, input=public.stdout, check=True, capture_output=True).stdout
    ).hexdigest()


@pytest.mark.parametrize("pinned", [True, False], ids=["its-own", "another"])
def test_tls_takes_the_suites_and_certificates_that_are_chosen(
    pinned: bool, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    nats = free_ports(1)[0]
    cert, key = certificate
    tls = {
        "cert_file": "web.crt",
        "key_file": "web.key",
        "ca_file": "web.crt",
        "verify": True,
        "handshake_first": True,
        "cipher_suites": [SUITE],
        "curve_preferences": ["CurveP256"],
        "pinned_certs": [_pin_of(cert).upper() if pinned else "0" * 64],
    }
    context = ssl.create_default_context(cafile=str(cert))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    with serving(tmp_path, {"listen": f"{HOST}:{nats}", "tls": tls}) as running:
        assert [w for w in running.warnings() if "TLS Handshake First" not in w] == []
        with (
            socket.create_connection((HOST, nats), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=HOST) as secured,
        ):
            assert secured.cipher() == ("ECDHE-ECDSA-CHACHA20-POLY1305", "TLSv1.2", 256)
            assert secured.recv(4096).startswith(b"INFO ") is pinned


def test_a_websocket_sends_its_headers_and_may_name_cookies_of_a_callout(tmp_path: Path) -> None:
    nats, monitor, websocket = free_ports(3)
    server = {
        "listen": f"{HOST}:{nats}",
        "monitor": {"listen": monitor},
        "websocket": {
            "listen": f"{HOST}:{websocket}",
            "no_tls": True,
            "ping_interval": "30s",
            "headers": {"X-Served-By": 'n1, "ünd" \\ more'},
            "user_cookie": "user",
            "pass_cookie": "pass",
            "token_cookie": "session",
        },
    }
    with serving(tmp_path, server) as running:
        assert running.warnings() == (PLAIN_WEBSOCKET,)
        assert httpx.get(f"http://{HOST}:{monitor}/varz", trust_env=False).json()["host"] == HOST
        headers = _upgrade(websocket)
    assert headers["x-served-by"] == 'n1, "ünd" \\ more'


def _upgrade(port: int) -> dict[str, str]:
    """Upgrade a connection, and return the headers of the answer."""
    request = (
        f"GET / HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with socket.create_connection((HOST, port), timeout=5) as connection:
        connection.sendall(request.encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(4096)
    first, *lines = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert first.startswith("HTTP/1.1 101")
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


def test_on_loopback_there_is_no_tls_for_clients_and_no_open_monitoring(tmp_path: Path) -> None:
    tls = Tls(cert_file="a", key_file="b")
    server = Server(
        tls=tls,
        advertise="nats.example.com:4222",
        monitor=Monitor(listen=Listen(host="0.0.0.0"), https=True),
        websocket=Websocket(listen=Listen(host="0.0.0.0"), tls=tls, cookie=Cookie(name="c")),
    )
    ports = LoopbackPorts(nats=1, websocket=2)
    backend = Backend(operator=Operator(name="acme"), accounts={}, server=server)
    local = on_loopback(backend, ports, spec_dir=tmp_path, data=tmp_path)
    assert (local.server.tls, local.server.advertise) == (None, None)
    assert local.server.monitor == Monitor(listen=Listen(host=HOST, port=0))
    assert {"listen: no TLS, since it is on loopback", "monitoring: plain HTTP on 127.0.0.1:(any port)"} <= {
        *local.substitutions
    }


def test_on_loopback_no_browser_is_asked_for_a_certificate(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    tls = Tls(cert_file="web.crt", key_file="web.key", ca_file="web.crt", verify=True, min_version="1.3")
    server = Server(websocket=Websocket(listen=Listen(host=HOST), tls=tls))
    backend = Backend(operator=Operator(name="acme"), accounts={}, server=server)
    ports = LoopbackPorts(nats=1, websocket=2)
    local = on_loopback(backend, ports, spec_dir=tmp_path, data=tmp_path)
    assert local.server.websocket is not None
    cert, key = certificate
    assert local.server.websocket.tls == Tls(cert_file=str(cert), key_file=str(key), min_version="1.3")
    assert "websocket: no client certificate is asked for" in local.substitutions


def test_a_server_is_in_the_jetstream_domain_of_the_spec(tmp_path: Path) -> None:
    nats, monitor = free_ports(2)
    server = {
        "listen": f"{HOST}:{nats}",
        "monitor": {"listen": monitor},
        "jetstream": {"store_dir": "js", "domain": "hub"},
    }
    with serving(tmp_path, server) as running:
        assert running.warnings() == ()
        jsz = httpx.get(f"http://{HOST}:{monitor}/jsz", trust_env=False).json()
    assert jsz["config"]["domain"] == "hub"


ENCRYPTED = {"store_dir": "js", "encryption": {"key": {"env": "NB_TEST_JS_KEY"}, "cipher": "aes"}}


@pytest.mark.parametrize("key", ['"123"', '"a,b"', '"a b"', "plainKEY"])
def test_jetstream_is_encrypted_with_the_key_of_the_environment(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nats,) = free_ports(1)
    monkeypatch.setenv("NB_TEST_JS_KEY", key)
    with serving(tmp_path, {"listen": f"{HOST}:{nats}", "jetstream": ENCRYPTED}) as running:
        assert running.warnings() == ()
    assert "Encryption:      AES" in (tmp_path / "server.log").read_text(encoding="utf-8")
    conf = (tmp_path / "build" / "nats-server.conf").read_text(encoding="utf-8")
    assert "key: $NB_TEST_JS_KEY\n" in conf


@pytest.mark.parametrize("key", ["123", "a,b", "a b"])
def test_a_key_without_quotes_of_its_own_stops_the_server(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nats,) = free_ports(1)
    monkeypatch.setenv("NB_TEST_JS_KEY", key)
    with (
        pytest.raises(LiveServerError),
        serving(tmp_path, {"listen": f"{HOST}:{nats}", "jetstream": ENCRYPTED}),
    ):
        pytest.fail("it started")


def greeting(port: int) -> str:
    """Return what the server says first, and what it says if it then ends the connection."""
    said = b""
    with (
        socket.create_connection((HOST, port), timeout=5) as connection,
        contextlib.suppress(ConnectionResetError),  # it need not have read what we say
    ):
        while block := connection.recv(4096):
            if not said:
                connection.sendall(b'CONNECT {"verbose":false}\r\nPING\r\n')
            said += block
    return said.decode()


def test_unlimited_connections_let_everybody_in(tmp_path: Path) -> None:
    """The server itself takes -1 and 0 for nobody: `maximum connections exceeded`."""
    (nats,) = free_ports(1)
    limits = {"max_connections": "unlimited"}
    with serving(tmp_path, {"listen": f"{HOST}:{nats}", "limits": limits}) as running:
        assert "Authorization Violation" in greeting(nats)
        assert not [line for line in running.warnings() if "exceeded" in line]
    config = tmp_path / "build" / "nats-server.conf"
    text = config.read_text(encoding="utf-8")
    assert "max_connections: 2147483647\n" in text
    config.write_text(text.replace("max_connections: 2147483647", "max_connections: -1"), encoding="utf-8")
    with NatsServer(find_server(), config, log=tmp_path / "log", cwd=tmp_path):
        assert "maximum connections exceeded" in greeting(nats)


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("max_connections", "with 0 connections the server lets nobody in"),
        ("max_subscriptions", "0 does not mean none here: the server would take it for no limit"),
    ],
)
def test_zero_is_refused_for_what_it_would_be(limit: str, message: str, tmp_path: Path) -> None:
    space = Workspace(root=tmp_path, spec=spec_of({"limits": {limit: 0}}))
    with pytest.raises(SpecError) as refused:
        space.generate(now=NOW)
    (found,) = refused.value.diagnostics
    assert (found.message, found.hint) == (message, "write at least 1, or `unlimited` for no limit")
