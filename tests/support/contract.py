"""Every kind of resolver that takes pushes, run for real, for `test_resolver_contract`."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from natsbackend.resolvers.directory import open_directory_resolver
from natsbackend.resolvers.http import open_http_resolver
from natsbackend.resolvers.interface import Resolver
from natsbackend.resolvers.memory import open_memory_resolver
from support.accountserver import account_server
from support.memory import memory_server
from support.programs import program
from support.resolvers import World, free_ports, full_resolvers


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One resolver under test."""

    world: World
    open: Callable[[], AbstractContextManager[Resolver]]
    holders: tuple[str, ...]
    """The names it has to give for where a JWT is stored."""
    trust_is_known: bool = True
    """Whether it can tell who may sign accounts."""
    removes: bool = True
    has_effects: bool = False
    """Whether it can tell what a running server makes of an account."""


@contextmanager
def _nats(
    world: World,
    home: Path,
    *,
    names: Sequence[str] = ("n1",),
    gateways: bool = False,
    before: Sequence[str] = (),
) -> Iterator[Subject]:
    with full_resolvers(world, home, names=names, gateways=gateways) as running:
        urls = [*before, *(url for url, _ in running.values())]
        yield Subject(
            world=world,
            open=lambda: world.open(urls, expected=len(names), timeout=2),
            holders=tuple(names),
            has_effects=True,
        )


def _one(world: World, home: Path) -> AbstractContextManager[Subject]:
    return _nats(world, home)


def _cluster(world: World, home: Path) -> AbstractContextManager[Subject]:
    return _nats(world, home, names=("n1", "n2", "n3"))


def _gateways(world: World, home: Path) -> AbstractContextManager[Subject]:
    return _nats(world, home, names=("east", "west"), gateways=True)


def _failover(world: World, home: Path) -> AbstractContextManager[Subject]:
    (dead,) = free_ports(1)
    return _nats(world, home, before=[f"nats://127.0.0.1:{dead}"])


@contextmanager
def _tls(world: World, home: Path) -> Iterator[Subject]:
    cert, private = certificate(home)
    tls = f'tls {{ cert_file: "{cert}", key_file: "{private}" }}'
    believed = ssl.create_default_context(cafile=str(cert))
    with full_resolvers(world, home, extra=tls) as running:
        url = running["n1"][0].replace("nats://", "tls://")
        yield Subject(
            world=world,
            open=lambda: world.open([url], tls=believed, timeout=2),
            holders=("n1",),
            has_effects=True,
        )


@contextmanager
def _directory(world: World, home: Path) -> Iterator[Subject]:
    store = home / "jwt"
    store.mkdir()
    yield Subject(
        world=world,
        open=lambda: open_directory_resolver(store),
        holders=(str(store),),
        trust_is_known=False,
    )


@contextmanager
def _http(world: World, home: Path, *, is_tls: bool = False) -> Iterator[Subject]:
    tls, believed = None, None
    if is_tls:
        cert, private = certificate(home)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(cert, private)
        believed = ssl.create_default_context(cafile=str(cert))
    with account_server(world.operator_jwt(), tls=tls) as server:
        yield Subject(
            world=world,
            open=lambda: open_http_resolver(server.url, timeout=2, tls_context=believed),
            holders=(server.url.split("/")[2],),
            removes=False,
        )


def _https(world: World, home: Path) -> AbstractContextManager[Subject]:
    return _http(world, home, is_tls=True)


@contextmanager
def _memory(world: World, home: Path) -> Iterator[Subject]:
    with memory_server(world, home) as server:
        yield Subject(
            world=world,
            open=lambda: open_memory_resolver(server.config, server.pid_file),
            holders=(str(server.config),),
        )


KINDS: dict[str, Callable[[World, Path], AbstractContextManager[Subject]]] = {
    "nats": _one,
    "nats-cluster": _cluster,
    "nats-gateways": _gateways,
    "nats-failover": _failover,
    "nats-tls": _tls,
    "directory": _directory,
    "http": _http,
    "https": _https,
    "memory": _memory,
}


def certificate(home: Path) -> tuple[Path, Path]:
    """Make a self-signed certificate for the loopback address, and its key."""
    cert, private = home / "cert.pem", home / "key.pem"
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    subject = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(cert), "-keyout", str(private)]
    subprocess.run([program("openssl"), *command.split(), *subject], check=True, capture_output=True)
    return cert, private
