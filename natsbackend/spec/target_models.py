"""The shape of the spec's `targets`; see `spec.models`."""

from __future__ import annotations

from pydantic import Field

from natsbackend.spec.shape import Model, becomes


class TargetTlsSpec(Model):
    """What `push` believes, and shows, where a target speaks TLS."""

    ca_file: str | None = Field(
        default=None,
        description="PEM file of the CAs to believe, from the folder of the spec. Default: the system's.",
        examples=["tls/ca.crt"],
        json_schema_extra=becomes(),
    )
    cert_file: str | None = Field(
        default=None,
        description="PEM file of a certificate to show to a server that verifies its clients. Default: none.",
        examples=["tls/push.crt"],
        json_schema_extra=becomes(),
    )
    key_file: str | None = Field(
        default=None,
        description="PEM file of its private key, without a passphrase. Default: it is in `cert_file`.",
        examples=["tls/push.key"],
        json_schema_extra=becomes(),
    )


class TargetSpec(Model):
    """Where accounts are pushed to: running servers (`nats`), or what servers read them from; exactly one of these."""

    nats: list[str] = Field(
        default=[],
        description="URLs of running servers with a full resolver; any one that answers is used. Default: none.",
        examples=[["tls://n1:4222"]],
        json_schema_extra=becomes(),
    )
    servers: int | None = Field(
        default=None,
        ge=1,
        description="How many servers must answer. Default: as many as there are, by the first one's word.",
        examples=[3],
        json_schema_extra=becomes(),
    )
    creds: str | None = Field(
        default=None,
        description="Creds file of a user of the system account to log in with, from the folder of the spec. "
        "Default: a user of the role `pusher` or `observer`, minted for minutes.",
        examples=["push.creds"],
        json_schema_extra=becomes(),
    )
    context: str | None = Field(
        default=None,
        description="Context of the `nats` CLI to take creds, inbox and certificates from. Default: none.",
        examples=["acme-sys"],
        json_schema_extra=becomes(),
    )
    tls: TargetTlsSpec | None = Field(
        default=None,
        description="For a private CA, or servers that verify clients. Default: the system's CAs.",
        examples=[{"ca_file": "tls/ca.crt"}],
        json_schema_extra=becomes(),
    )
    http: str | None = Field(
        default=None,
        description="URL of an account server, which servers with `resolver: {type: url}` read. Default: none.",
        examples=["https://accounts.example.com/jwt/v1"],
        json_schema_extra=becomes(),
    )
    config: str | None = Field(
        default=None,
        description="Config of a server on this machine with a memory resolver, from the folder of the spec: its "
        "`resolver_preload` is rewritten, and the server told to reload. Default: none.",
        examples=["/etc/nats/nats-server.conf"],
        json_schema_extra=becomes(),
    )
    pid_file: str | None = Field(
        default=None,
        description="File with that server's process id, as its option `pid_file` names it. Default: none.",
        examples=["/run/nats/nats-server.pid"],
        json_schema_extra=becomes(),
    )
    directory: str | None = Field(
        default=None,
        description="Directory of ACCOUNT_KEY.jwt, from the folder of the spec: the store of a full resolver on a "
        "shared volume. Default: none.",
        examples=["/mnt/nats/jwt"],
        json_schema_extra=becomes(),
    )
