"""What the words for MQTT, leaf nodes, clusters and gateways share; see `spec.section_models`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from natsbackend.spec.secret_models import SecretSpec
from natsbackend.spec.shape import MAP, TEXT, Model, becomes, by_shape
from natsbackend.spec.tls_models import CipherSuite, Curve, Pin, TlsSpec
from natsbackend.spec.units import PositiveNanoseconds
from natsbackend.spec.user_models import Some

PeerUrl = Annotated[
    Annotated[str, Tag(TEXT)] | Annotated[SecretSpec, Tag(MAP)],
    by_shape("a URL, or a map with `env` or `file`"),
]
"""The URL of another server; one that holds a password stands in the environment, or in a file."""

Compression = Literal["off", "accept", "fast", "better", "best", "auto"]
"""Compression between servers, by the server's own words."""


WriteTimeout = Literal["close", "retry"]
"""What follows a write that took longer than its deadline (nats-server 2.15 `client.go`, handleWriteTimeout)."""


class TimedTlsSpec(TlsSpec):
    """TLS of a listener whose handshake has a time limit of its own."""

    timeout: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest handshake. Default: the server's 2s.",
        examples=["5s"],
        json_schema_extra=becomes(".timeout"),
    )


class PeerTlsSpec(Model):
    """TLS between servers. Each asks the other for a certificate, whoever began the connection."""

    cert_file: str = Field(
        description="PEM file, good for both ends of a connection; relative paths begin at the directory the "
        "server runs in.",
        json_schema_extra=becomes(".cert_file"),
        examples=["tls/server.crt"],
    )
    key_file: str = Field(
        description="PEM file of the private key.",
        json_schema_extra=becomes(".key_file"),
        examples=["tls/server.key"],
    )
    ca_file: str = Field(
        description="PEM file of the authorities that the other servers' certificates come from.",
        json_schema_extra=becomes(".ca_file"),
        examples=["tls/ca.crt"],
    )
    min_version: Literal["1.2", "1.3"] | None = Field(
        default=None,
        description="The oldest version of TLS. Default: 1.2.",
        json_schema_extra=becomes(".min_version"),
    )
    cipher_suites: Annotated[list[CipherSuite], Some] | None = Field(
        default=None,
        description="The cipher suites of TLS 1.2, best first. Default: all that the server's Go takes for secure.",
        examples=[["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]],
        json_schema_extra=becomes(".cipher_suites[]"),
    )
    curve_preferences: Annotated[list[Curve], Some] | None = Field(
        default=None,
        description="The key exchanges, best first. Default: those of the server's Go.",
        examples=[["X25519MLKEM768", "X25519"]],
        json_schema_extra=becomes(".curve_preferences[]"),
    )
    timeout: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest handshake. Default: the server's 2s.",
        examples=["5s"],
        json_schema_extra=becomes(".timeout"),
    )


class ListenerPeerTlsSpec(PeerTlsSpec):
    """TLS between servers, of all connections of a cluster or gateway."""

    pinned_certs: Annotated[list[Pin], Some] | None = Field(
        default=None,
        description="The only certificates of other servers that are let in and gone to: each as the SHA-256 of its "
        "public key (DER of the SubjectPublicKeyInfo) in hex. Default: all of the `ca_file`.",
        examples=[["a8f407340dcc719864214b85ed96f98d16cbffa8f509d9fa4ca237b7bb3f9c32"]],
        json_schema_extra=becomes(".pinned_certs[]"),
    )


class LoginSpec(Model):
    """The user and password that servers show to each other."""

    user: str = Field(description="The user's name.", json_schema_extra=becomes(".user"), examples=["route"])
    password: SecretSpec = Field(
        description="The password.",
        examples=[{"env": "NATS_CLUSTER_PASSWORD"}, {"file": "secrets/cluster"}],
        json_schema_extra=becomes(".password"),
    )
    timeout: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest wait for them. Default: 2s, and a second more than that of `tls`.",
        json_schema_extra=becomes(".timeout"),
        examples=["3s"],
    )
