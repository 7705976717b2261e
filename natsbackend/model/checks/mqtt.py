"""Rules about MQTT: what the listener needs, and what its users need."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from natsbackend.errors import Diagnostic, Severity
from natsbackend.model.checks.places import place
from natsbackend.model.entities import Backend, ConnectionType, Role, User

_MQTT = frozenset({ConnectionType.MQTT, ConnectionType.MQTT_WS})


def mqtt_jetstream(backend: Backend) -> Iterable[Diagnostic]:
    """MQTT without JetStream, which keeps its sessions: the server does not start (nats-server 2.15 `mqtt.go`)."""
    server = backend.server
    if server is None or server.mqtt is None or server.jetstream is not None:
        return
    if server.cluster is None and server.gateway is None and server.leafnodes is None:
        yield Diagnostic(
            code="mqtt-jetstream",
            message="MQTT keeps its sessions in JetStream, and this server has none",
            at=place(server, "mqtt"),
            hint="add `jetstream: true` under `server`",
        )


def mqtt_replicas(backend: Backend) -> Iterable[Diagnostic]:
    """Replicas of MQTT's streams on a server that is alone: every client would be refused."""
    server = backend.server
    mqtt = server.mqtt if server else None
    alone = server is not None and server.cluster is None and server.leafnodes is None
    if server and mqtt and alone and (mqtt.stream_replicas or 1) > 1:
        yield Diagnostic(
            code="mqtt-replicas",
            message=f"a server without a `cluster` cannot hold {mqtt.stream_replicas} replicas: MQTT would refuse "
            "every client",
            at=place(server, "mqtt", "stream_replicas"),
            hint="take it out, or describe the cluster",
        )


def mqtt_plain(backend: Backend) -> Iterable[Diagnostic]:
    """MQTT without TLS where others can reach it: its password is a bearer token, for everyone on the way to read."""
    server = backend.server
    mqtt = server.mqtt if server else None
    if server and mqtt and mqtt.tls is None and not _is_loopback(mqtt.listen.host):
        yield Diagnostic(
            code="mqtt-plain",
            message="MQTT without TLS: who can listen on the way reads the bearer tokens that clients show",
            at=place(server, "mqtt"),
            hint="give `tls: {cert_file, key_file}`, or listen on 127.0.0.1 behind a proxy that ends TLS",
            severity=Severity.WARNING,
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def mqtt_bearer(backend: Backend) -> Iterable[Diagnostic]:
    """A role or user for MQTT alone that is no bearer: MQTT has no way to sign the server's nonce."""
    for account in backend.accounts.values():
        for kind, holders in (("role", account.roles), ("user", account.users)):
            for holder in holders.values():
                if (
                    holder.connection_types
                    and not holder.bearer
                    and _MQTT.issuperset(holder.connection_types)
                ):
                    yield Diagnostic(
                        code="mqtt-bearer",
                        message=f'{kind} "{holder.name}" is for MQTT alone and no bearer, so nobody gets in with it',
                        at=holder.at,
                        hint="add `bearer: true`: an MQTT client shows its JWT as the password, and signs nothing",
                    )


def mqtt_account(backend: Backend) -> Iterable[Diagnostic]:
    """A role or user for MQTT in an account without JetStream, where its session would be kept: it is refused."""
    if backend.server is None or backend.server.mqtt is None:
        return
    for account in backend.accounts.values():
        share = account.jetstream
        if share.disk or share.memory or account.details.tiers:
            continue
        holders: tuple[Role | User, ...] = (*account.roles.values(), *account.users.values())
        for holder in holders:
            if holder.connection_types and _MQTT.issuperset(holder.connection_types):
                yield Diagnostic(
                    code="mqtt-account",
                    message=f'account "{account.name}" has no share of JetStream, where the sessions of '
                    f'"{holder.name}" would be kept: MQTT refuses it',
                    at=holder.at,
                    hint=f"add `jetstream: {{disk: 1GiB}}` to {account.name}",
                )
