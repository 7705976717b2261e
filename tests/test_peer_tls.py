"""Certificates that servers of a cluster have to show each other, on real servers."""

from __future__ import annotations

import hashlib
import ssl
import subprocess
from pathlib import Path

import pytest
from support.programs import program
from support.resolvers import free_ports
from support.workspaces import Spec
from test_joining_on_server import HOST, IN_CONFIG, eventually, page, spec_of, written
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
