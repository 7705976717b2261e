"""The shape of the resolver: where a server keeps account JWTs; see `spec.models`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from natsbackend.spec.shape import Model, becomes
from natsbackend.spec.units import Nanoseconds, PositiveLimit, PositiveNanoseconds


class ResolverTlsSpec(Model):
    """TLS towards the HTTP server that the resolver asks."""

    ca_file: str | None = Field(
        default=None,
        description="PEM file of the authorities that its certificate comes from. Default: those the machine trusts.",
        json_schema_extra=becomes("resolver_tls.ca_file"),
        examples=["tls/accounts-ca.crt"],
    )
    cert_file: str | None = Field(
        default=None,
        description="PEM file of a certificate to show it; with `key_file`. Default: none.",
        json_schema_extra=becomes("resolver_tls.cert_file"),
        examples=["tls/client.crt"],
    )
    key_file: str | None = Field(
        default=None,
        description="PEM file of the private key of `cert_file`. Default: none.",
        json_schema_extra=becomes("resolver_tls.key_file"),
        examples=["tls/client.key"],
    )


class ResolverSpec(Model):
    """Where the server keeps account JWTs."""

    type: Literal["full", "cache", "memory", "url"] = Field(
        default="full",
        description="`full`: on disk, in sync over the cluster; the only one that `push` can fill. `cache`: some of "
        "them on disk, the others asked of a full one in the cluster. `memory`: all JWTs stand in the config. `url`: "
        "asked of an HTTP server.",
        json_schema_extra=becomes(".type"),
    )
    dir: str = Field(
        default="data/jwt",
        description="Directory of the JWTs (`full`, `cache`).",
        examples=["/var/lib/nats/jwt"],
        json_schema_extra=becomes(".dir"),
    )
    url: str | None = Field(
        default=None,
        description="Address below which each JWT is found by the account's public key (`url`). It must answer "
        "200 itself when the server starts, and cannot hold `mem`. Default: none.",
        examples=["https://accounts.example.com/jwt/v1/accounts/"],
        json_schema_extra=becomes("resolver"),
    )
    tls: ResolverTlsSpec | None = Field(
        default=None,
        description="TLS towards that HTTP server, where the machine's authorities do not do (`url`). Default: "
        "none of its own.",
        examples=[{"ca_file": "accounts-ca.crt"}],
        json_schema_extra=becomes("resolver_tls"),
    )
    allow_delete: bool = Field(
        default=False,
        description="Accounts may be deleted by a signed request.",
        json_schema_extra=becomes(".allow_delete"),
    )
    hard_delete: bool = Field(
        default=False,
        description="Deleted files are removed, not renamed.",
        json_schema_extra=becomes(".hard_delete"),
    )
    interval: Nanoseconds | None = Field(
        default=None,
        description="Time between syncs of full resolvers in a cluster. Default: the server's 1m.",
        examples=["2m"],
        json_schema_extra=becomes(".interval"),
    )
    timeout: Nanoseconds | None = Field(
        default=None,
        description="Longest look-up in the cluster. Default: the server's 1900ms.",
        examples=["5s"],
        json_schema_extra=becomes(".timeout"),
    )
    limit: PositiveLimit | None = Field(
        default=None,
        description="Most JWTs kept. Default: unlimited; 1000 in a cache.",
        examples=[10000],
        json_schema_extra=becomes(".limit"),
    )
    ttl: PositiveNanoseconds | None = Field(
        default=None,
        description="Time a cache keeps a JWT. Default: until it expires.",
        examples=["1h"],
        json_schema_extra=becomes(".ttl"),
    )
    pinned: list[str] | None = Field(
        default=None,
        description="The only accounts, by name, whose users may connect here; the system account is always one "
        "of them. Default: all accounts.",
        examples=[["web"]],
        json_schema_extra=becomes("resolver_pinned_accounts[]"),
    )
