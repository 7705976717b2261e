"""A strict operator with a system account, and a real nats-server to run with them. Every key is fixed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from natsbackend.claims.codec import Claims, TokenKind, sign
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.live.server import NatsServer
from natsbackend.model.entities import Account, Backend, Operator, account_path
from natsbackend.model.serving import Listen, Server
from natsbackend.render.conf import Value, write_conf
from natsbackend.render.server_conf import server_config

NOW = 1_750_000_000
LOOPBACK = Listen(host="127.0.0.1", port=0)
"""A port of the server's own choice."""

PLAIN_WEBSOCKET = "[WRN] Websocket not configured with TLS. DO NOT USE IN PRODUCTION!"
"""The one thing nats-server warns of in a sound config: a websocket without TLS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The tokens a server is started with."""

    operator: str
    system_account: str
    preload: Mapping[str, str]


def trust(*, system_signed_by_identity: bool = False) -> Trust:
    """Make a strict operator, and a system account signed by its signing key or, wrongly, by its identity."""
    operator = KeyPair(KeyRole.OPERATOR, b"o" * 32)
    signing = KeyPair(KeyRole.OPERATOR, b"s" * 32)
    system = KeyPair(KeyRole.ACCOUNT, b"a" * 32).public
    operator_claims = Claims(
        kind=TokenKind.OPERATOR,
        subject=operator.public,
        name="acme",
        nats={"signing_keys": [signing.public], "system_account": system, "strict_signing_key_usage": True},
    )
    limits = dict.fromkeys(("subs", "data", "payload", "imports", "exports"), -1)
    system_claims = Claims(
        kind=TokenKind.ACCOUNT,
        subject=system,
        name="SYS",
        nats={"limits": {**limits, "wildcards": True, "conn": -1, "leaf": -1}},
    )
    issuer = operator if system_signed_by_identity else signing
    return Trust(
        operator=sign(operator_claims, operator, NOW),
        system_account=system,
        preload={system: sign(system_claims, issuer, NOW)},
    )


def config_of(server: Server, trusted: Trust, operator: str | None = None) -> dict[str, Value]:
    """Return the config of a server with this trust; `operator` may name a file in the place of the JWT."""
    backend = Backend(
        operator=Operator(name="acme"),
        accounts={"SYS": Account(name="SYS", path=account_path("SYS"))},
        server=server,
    )
    return server_config(
        backend,
        operator=operator or trusted.operator,
        system_account=trusted.system_account,
        preload=trusted.preload,
    )


def prepare(binary: Path, directory: Path, config: Mapping[str, Value] | str) -> NatsServer:
    """Write a config into a directory, and return the server that starts there; it is not started yet."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "nats-server.conf"
    path.write_text(config if isinstance(config, str) else write_conf(config), encoding="utf-8", newline="")
    return NatsServer(
        binary, path, log=directory / "server.log", cwd=directory, ports_dir=directory / "ports"
    )
