"""The shape of a listener's TLS; see `spec.server_models`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Tag, WithJsonSchema

from natsbackend.spec.shape import BOOLEAN, TEXT, Model, becomes, by_shape
from natsbackend.spec.units import AutoDuration, PositiveNanoseconds, refuse
from natsbackend.spec.user_models import Some

CipherSuite = Literal[
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
]
"""What the server has for TLS 1.2 besides CBC and what it calls insecure (`ciphersuites.go`)."""

Curve = Literal["X25519MLKEM768", "X25519", "CurveP256", "CurveP384", "CurveP521"]
"""What every build of nats-server 2.15 knows (`ciphersuites_go125.go`)."""


_PIN = re.compile(r"[0-9A-Fa-f]{64}")


def _pin(text: str) -> str:
    """Refuse what is no SHA-256 in hex: the server would not start (nats-server 2.15 `opts.go`, parseTLS)."""
    if not _PIN.fullmatch(text):
        hint = "openssl x509 -in client.crt -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum"
        raise refuse(f"{text[:80]!r} is not a SHA-256 in hex", hint)
    return text.lower()


Pin = Annotated[str, AfterValidator(_pin), WithJsonSchema({"type": "string", "pattern": f"^{_PIN.pattern}$"})]


class CertificateSpec(Model):
    """A further certificate of a listener, for another name."""

    cert_file: str = Field(
        description="PEM file of the certificate.",
        examples=["tls/other.crt"],
        json_schema_extra=becomes(".cert_file"),
    )
    key_file: str = Field(
        description="PEM file of its private key.",
        examples=["tls/other.key"],
        json_schema_extra=becomes(".key_file"),
    )


class TlsSpec(Model):
    """Certificate of a listener."""

    cert_file: str = Field(
        description="PEM file of the certificate; relative paths begin at the directory the server runs in.",
        examples=["tls/server.crt"],
        json_schema_extra=becomes(".cert_file"),
    )
    key_file: str = Field(
        description="PEM file of the private key.",
        examples=["tls/server.key"],
        json_schema_extra=becomes(".key_file"),
    )
    certs: Annotated[list[CertificateSpec], Some] | None = Field(
        default=None,
        description="Further certificates, for other names: who connects is shown the one for the name it asks for, or "
        "else the first. Default: none.",
        examples=[[{"cert_file": "tls/other.crt", "key_file": "tls/other.key"}]],
        json_schema_extra=becomes(".certs[]"),
    )
    ca_file: str | None = Field(
        default=None,
        description="PEM file of the authorities that client certificates come from. Default: those of the "
        "system.",
        examples=["tls/ca.crt"],
        json_schema_extra=becomes(".ca_file"),
    )
    verify: bool = Field(
        default=False,
        description="Whoever connects needs a certificate of the `ca_file`.",
        json_schema_extra=becomes(".verify"),
    )
    min_version: Literal["1.2", "1.3"] | None = Field(
        default=None,
        description="The oldest version of TLS. Default: 1.2.",
        json_schema_extra=becomes(".min_version"),
    )
    cipher_suites: Annotated[list[CipherSuite], Some] | None = Field(
        default=None,
        description="The cipher suites of TLS 1.2, best first; those of TLS 1.3 cannot be chosen. Default: all that "
        "the server's Go takes for secure.",
        examples=[["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]],
        json_schema_extra=becomes(".cipher_suites[]"),
    )
    curve_preferences: Annotated[list[Curve], Some] | None = Field(
        default=None,
        description="The key exchanges, best first. Default: those of the server's Go.",
        examples=[["X25519MLKEM768", "X25519"]],
        json_schema_extra=becomes(".curve_preferences[]"),
    )


class ClientTlsSpec(TlsSpec):
    """TLS of a listener for clients or leaf nodes."""

    pinned_certs: Annotated[list[Pin], Some] | None = Field(
        default=None,
        description="The only client certificates that are let in, with `verify`: each as the SHA-256 of its public "
        "key (DER of the SubjectPublicKeyInfo) in hex. Default: all of the `ca_file`.",
        examples=[["a8f407340dcc719864214b85ed96f98d16cbffa8f509d9fa4ca237b7bb3f9c32"]],
        json_schema_extra=becomes(".pinned_certs[]"),
    )
    timeout: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest handshake. Default: the server's 2s.",
        examples=["5s"],
        json_schema_extra=becomes(".timeout"),
    )
    handshake_first: Annotated[
        Annotated[bool, Tag(BOOLEAN)] | Annotated[AutoDuration, Tag(TEXT)],
        by_shape("`true`, `false`, `auto` or a duration"),
    ] = Field(
        default=False,
        description="TLS before the server's first word, for clients that are told so; `auto`: also for clients "
        "that wait for that word, which comes after 50ms, or the duration given here.",
        examples=[True, "auto", "200ms"],
        json_schema_extra=becomes(".handshake_first"),
    )


class ServerTlsSpec(ClientTlsSpec):
    """TLS of the listener for clients."""

    connection_rate_limit: int | None = Field(
        default=None,
        ge=1,
        le=2**31 - 1,
        description="Most connections a second that TLS is begun with; others are closed. No other listener has it. "
        "Default: unlimited.",
        examples=[1000],
        json_schema_extra=becomes(".connection_rate_limit"),
    )
