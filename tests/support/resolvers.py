"""Worlds to push to: an operator with its keys, a system account, and one or more real full resolvers."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from natsbackend.claims.codec import Claims, TokenKind, sign
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.live.server import NatsServer, find_server
from natsbackend.resolvers.interface import AccountPush
from natsbackend.resolvers.nats import NatsResolver, open_nats_resolver
from natsbackend.resolvers.nats_subjects import PUSHER_PUBLISH

NOW = 1_800_000_000
"""Issue time of everything unless a test says otherwise; the server accepts one that is not now."""
LIMITS = {
    "subs": -1,
    "data": -1,
    "payload": -1,
    "imports": -1,
    "exports": -1,
    "wildcards": True,
    "conn": -1,
    "leaf": -1,
}
INBOX = "_INBOX.{{name()}}"
USER = "ci"


def key(role: KeyRole, number: int) -> KeyPair:
    """Return a fixed key pair."""
    return KeyPair(role, number.to_bytes(4, "big") * 8)


def account_jwt(subject: KeyPair, issuer: KeyPair, *, iat: int = NOW, **nats: object) -> str:
    """Sign an account with all base limits."""
    claims = Claims(
        kind=TokenKind.ACCOUNT, subject=subject.public, name="acc", nats={"limits": LIMITS, **nats}
    )
    return sign(claims, issuer, iat)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """An operator and its system account, whose role `pusher` may do what `publish` says and nothing else."""

    strict: bool = True
    publish: Sequence[str] = PUSHER_PUBLISH
    operator: KeyPair = field(default_factory=lambda: key(KeyRole.OPERATOR, 1))
    signer: KeyPair = field(default_factory=lambda: key(KeyRole.OPERATOR, 2))
    system: KeyPair = field(default_factory=lambda: key(KeyRole.ACCOUNT, 3))
    pusher: KeyPair = field(default_factory=lambda: key(KeyRole.ACCOUNT, 4))
    user: KeyPair = field(default_factory=lambda: key(KeyRole.USER, 5))

    def operator_jwt(self) -> str:
        nats: dict[str, object] = {"signing_keys": [self.signer.public], "system_account": self.system.public}
        if self.strict:
            nats["strict_signing_key_usage"] = True
        claims = Claims(kind=TokenKind.OPERATOR, subject=self.operator.public, name="acme", nats=nats)
        return sign(claims, self.operator, NOW)

    def system_jwt(self) -> str:
        template = {
            "pub": {"allow": list(self.publish)},
            "sub": {"allow": [f"{INBOX}.>"]},
            "subs": -1,
            "data": -1,
            "payload": -1,
        }
        scope = {
            "kind": "user_scope",
            "key": self.pusher.public,
            "role": "pusher",
            "template": template,
            "description": "",
        }
        return account_jwt(self.system, self.signer, signing_keys=[scope])

    def user_jwt(self, *, expires: int = 0) -> str:
        claims = Claims(
            expires=expires,
            kind=TokenKind.USER,
            subject=self.user.public,
            name=USER,
            nats={"issuer_account": self.system.public},
        )
        return sign(claims, self.pusher, NOW)

    def account(
        self, number: int, *, iat: int = NOW, issuer: KeyPair | None = None, **nats: object
    ) -> AccountPush:
        """Return one signed account of this world."""
        subject = key(KeyRole.ACCOUNT, 1000 + number)
        jwt = account_jwt(subject, issuer or self.signer, iat=iat, **nats)
        return AccountPush(account=subject.public, jwt=jwt, name=f"acc-{number}")

    def accounts(self, count: int, *, iat: int = NOW) -> list[AccountPush]:
        """Return signed accounts of this world."""
        return [self.account(number, iat=iat) for number in range(count)]

    @contextlib.contextmanager
    def open(
        self,
        urls: Sequence[str],
        *,
        timeout: float = 5.0,
        expected: int | None = None,
        tls: ssl.SSLContext | None = None,
        expires: int = 0,
    ) -> Iterator[NatsResolver]:
        """Log in as the pusher."""
        with open_nats_resolver(
            urls,
            jwt=self.user_jwt(expires=expires),
            key=self.user,
            inbox_prefix=f"_INBOX.{USER}",
            timeout=timeout,
            expected_servers=expected,
            tls_context=tls,
        ) as resolver:
            yield resolver


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback address that were free just now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextlib.contextmanager
def full_resolvers(
    world: World,
    directory: Path,
    *,
    names: Sequence[str] = ("n1",),
    memory: Sequence[str] = (),
    cache: Sequence[str] = (),
    preload: Sequence[AccountPush] = (),
    extra: str = "",
    allow_delete: bool = True,
    resolver: str = "",
    gateways: bool = False,
) -> Iterator[Mapping[str, tuple[str, NatsServer]]]:
    """Run a server with a full resolver for each name, as one cluster; give the URL and process of each name.

    With `gateways` each is a cluster of its own. `resolver` stands beside the options of a full resolver.
    The servers named in `memory` and `cache` have such a resolver instead. `preload` is stored beside the system's JWT.
    """
    preloaded = "".join(f", {account.account}: {account.jwt}" for account in preload)
    ports = free_ports(2 * len(names))
    clients, routes = ports[: len(names)], ports[len(names) :]
    running = {}
    with contextlib.ExitStack() as stack:
        for name, port, route in zip(names, clients, routes, strict=True):
            home = directory / name
            home.mkdir()
            others = ", ".join(f"nats://127.0.0.1:{other}" for other in routes if other != route)
            cluster = (
                f"cluster {{ name: c, listen: 127.0.0.1:{route}, routes: [{others}] }}" if others else ""
            )
            full = f'{{ type: full, dir: "{home / "jwt"}", allow_delete: {str(allow_delete).lower()}, {resolver} }}'
            if gateways:
                remote = ", ".join(
                    f"{{ name: {other}, url: nats://127.0.0.1:{far} }}"
                    for other, far in zip(names, routes, strict=True)
                )
                cluster = f"gateway {{ name: {name}, listen: 127.0.0.1:{route}, gateways: [{remote}] }}"
            if name in cache:
                full = f'{{ type: cache, dir: "{home / "jwt"}" }}'
            config = home / "nats-server.conf"
            config.write_text(
                f"""
                server_name: {name}
                listen: 127.0.0.1:{port}
                operator: {world.operator_jwt()}
                system_account: {world.system.public}
                resolver: {"MEMORY" if name in memory else full}
                resolver_preload: {{ {world.system.public}: {world.system_jwt()}{preloaded} }}
                {cluster}
                {extra}
                """
            )
            server = stack.enter_context(NatsServer(find_server(), config, log=home / "log", cwd=home))
            running[name] = (f"nats://127.0.0.1:{port}", server)
        yield running
