"""Certificates that real servers show each other and those who connect."""

from __future__ import annotations

import hashlib
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from support.programs import program
from support.resolvers import free_ports
from support.workspaces import Spec
from test_joining_on_server import HOST, IN_CONFIG, TIMEOUT, eventually, page, serving, spec_of, written
from test_joining_on_server import certificate as certificate
from test_peer_secrets import complaining


def fingerprint(certificate_file: str) -> str:
    """Return the SHA-256 of the public key of a certificate, as `pinned_certs` takes it."""
    found = subprocess.run(
        [program("openssl"), "x509", "-in", certificate_file, "-pubkey", "-noout"],
        check=True,
        capture_output=True,
    )
    body = found.stdout.decode("ascii").replace("PUBLIC KEY", "CERTIFICATE")
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(body)).hexdigest()


@pytest.mark.parametrize("known", [True, False])
def test_a_server_whose_certificate_is_not_pinned_is_not_let_in(
    known: bool, tmp_path: Path, certificate: dict[str, str]
) -> None:
    ports = free_ports(6)
    pin = fingerprint(certificate["cert_file"]) if known else "ab" * 32

    def server(i: int) -> Spec:
        nats, routes, monitor = ports[3 * i : 3 * i + 3]
        tls = {
            **certificate,
            "pinned_certs": [pin],
            "cipher_suites": ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"],
            "curve_preferences": ["CurveP256"],
        }
        cluster = {
            "name": "eu",
            "listen": f"{HOST}:{routes}",
            "routes": [f"nats://{HOST}:{ports[1]}"],
            "tls": tls,
        }
        here = {"listen": f"{HOST}:{nats}", "monitor": {"listen": monitor}, "resolver": IN_CONFIG}
        return spec_of({"name": f"n{i}", **here, "cluster": cluster}, web={})

    first = written(tmp_path / "n0", server(0))
    second = written(tmp_path / "n1", server(1), like=first)
    with complaining(first) as one, complaining(second) as other:
        if known:
            eventually(lambda: page(ports[2], "routez")["num_routes"])
        else:
            eventually(lambda: any("pinned" in line for line in (*one.warnings(), *other.warnings())))
            assert page(ports[2], "routez")["num_routes"] == 0


def made(directory: Path, name: str) -> dict[str, str]:
    """Make a certificate for a name, which is its own authority."""
    cert, key = directory / f"{name}.crt", directory / f"{name}.key"
    command = f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name}"
    files = ["-addext", f"subjectAltName=DNS:{name}", "-out", str(cert), "-keyout", str(key)]
    subprocess.run([program("openssl"), *command.split(), *files], check=True, capture_output=True)
    return {"cert_file": str(cert), "key_file": str(key)}


def test_a_listener_shows_the_certificate_for_the_name_that_is_asked_for(tmp_path: Path) -> None:
    names = ("app.example.com", "other.example.com", "third.example.com")
    one, *others = (made(tmp_path, name) for name in names)
    nats, websocket = free_ports(2)
    listener = {"listen": f"{HOST}:{websocket}", "tls": {**one, "certs": others}}
    server: Spec = {"listen": f"{HOST}:{nats}", "resolver": IN_CONFIG, "websocket": listener}
    with serving(written(tmp_path / "n", spec_of(server, web={}))):
        for name in names:
            context = ssl.create_default_context(cafile=str(tmp_path / f"{name}.crt"))
            with (
                socket.create_connection((HOST, websocket), TIMEOUT) as plain,
                context.wrap_socket(plain, server_hostname=name) as encrypted,
            ):
                assert encrypted.version() == "TLSv1.3"
