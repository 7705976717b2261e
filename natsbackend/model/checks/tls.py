"""Rules about TLS of listeners, and about words that leave it undone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from natsbackend.errors import Diagnostic, Severity
from natsbackend.model.checks.peers import scheme
from natsbackend.model.checks.places import place
from natsbackend.model.entities import Backend
from natsbackend.model.serving import Server, Tls

Path = tuple[str | int, ...]


def _listeners(server: Server) -> Iterator[tuple[Path, Tls]]:
    """Every TLS of a listener for clients or leaf nodes, and where it stands."""
    found: dict[Path, Tls | None] = {
        ("tls",): server.tls,
        ("websocket", "tls"): server.websocket.tls if server.websocket else None,
        ("mqtt", "tls"): server.mqtt.tls if server.mqtt else None,
        ("leafnodes", "tls"): server.leafnodes.tls if server.leafnodes else None,
    }
    yield from ((path, tls) for path, tls in found.items() if tls is not None)


def tls_verify(backend: Backend) -> Iterable[Diagnostic]:
    """`ca_file` without `verify`, which asks nobody for a certificate, or `verify` without `ca_file`."""
    server = backend.server
    for path, tls in _listeners(server) if server else ():
        if server and (tls.ca_file is None) == tls.verify:
            yield Diagnostic(
                code="tls-verify",
                message=_half_verified(tls),
                at=place(server, *path, "verify" if tls.verify else "ca_file"),
                hint="give both, `verify: true` and `ca_file`, or none",
                severity=Severity.WARNING,
            )


def _half_verified(tls: Tls) -> str:
    if tls.verify:
        return "`verify` without `ca_file` takes certificates of every authority this machine trusts"
    return "`ca_file` without `verify` asks nobody for a certificate"


def tls_pinned(backend: Backend) -> Iterable[Diagnostic]:
    """Pinned certificates, and nobody is asked for one: everybody is refused (nats-server 2.15 `auth.go`)."""
    server = backend.server
    for path, tls in _listeners(server) if server else ():
        if server and tls.pinned_certs and not tls.verify:
            yield Diagnostic(
                code="tls-pinned",
                message="nobody is asked for a certificate, and who shows none of the pinned ones is refused: "
                "everybody is",
                at=place(server, *path, "pinned_certs"),
                hint="add `verify: true` and `ca_file`",
            )


def tls_cipher_suites(backend: Backend) -> Iterable[Diagnostic]:
    """Cipher suites of TLS 1.2 where TLS 1.3 is the least: nobody is ever asked about them (Go `crypto/tls`)."""
    server = backend.server
    for path, tls in (*_listeners(server), *_between_servers(server)) if server else ():
        if server and tls.cipher_suites and tls.min_version == "1.3":
            yield Diagnostic(
                code="tls-cipher-suites",
                message="these are suites of TLS 1.2, which `min_version` leaves out; those of 1.3 cannot be chosen",
                at=place(server, *path, "cipher_suites"),
                hint="take `cipher_suites` out, or let `min_version` be 1.2",
                severity=Severity.WARNING,
            )


def _between_servers(server: Server) -> Iterator[tuple[Path, Tls]]:
    """Every TLS between servers, which ask for certificates by themselves, and where it stands."""
    gateways = server.gateway.gateways if server.gateway else ()
    found: dict[Path, Tls | None] = {
        ("cluster", "tls"): server.cluster.tls if server.cluster else None,
        ("gateway", "tls"): server.gateway.tls if server.gateway else None,
        **{("gateway", "gateways", i, "tls"): gateway.tls for i, gateway in enumerate(gateways)},
    }
    yield from ((path, tls) for path, tls in found.items() if tls is not None)


def peer_tls(backend: Backend) -> Iterable[Diagnostic]:
    """A route or gateway by `tls://` without `tls`: the server looks at that word alone, and connects in the clear.

    nats-server 2.15 `route.go`, createRoute, and `gateway.go`, createGateway. A leaf node remote does go by its URL.
    """
    server = backend.server
    if server is None:
        return
    if server.cluster is not None and server.cluster.tls is None:
        for route in server.cluster.routes:
            if scheme(route) == "tls":
                yield Diagnostic(
                    code="peer-tls",
                    message="`tls://` alone encrypts nothing: routes have TLS where `cluster.tls` stands",
                    at=route.at,
                    hint="add cluster.tls: {cert_file, key_file, ca_file}, or write nats://",
                )
    for gateway in server.gateway.gateways if server.gateway else ():
        # without a `tls` of its own it has that of `gateway` (`gateway.go`, newGateway)
        if gateway.tls is None and server.gateway and server.gateway.tls is None:
            for peer in gateway.urls:
                if scheme(peer) == "tls":
                    yield Diagnostic(
                        code="peer-tls",
                        message="`tls://` alone encrypts nothing: gateways have TLS where `gateway.tls` stands",
                        at=peer.at,
                        hint="add gateway.tls: {cert_file, key_file, ca_file}, or write nats://",
                    )
