"""The shape of limits: of accounts, of JetStream, of the server. Unset means unlimited, except where said."""

from __future__ import annotations

from pydantic import Field

from natsbackend.spec.shape import Model, becomes
from natsbackend.spec.units import (
    Connections,
    Limit,
    PositiveLimit,
    PositiveNanoseconds,
    PositiveSizeLimit,
    Size,
    SizeLimit,
    Subscriptions,
)


class AccountLimitsSpec(Model):
    """The base limits of an account. What is not given is unlimited."""

    connections: Limit = Field(
        default=-1,
        description="Clients connected at one time.",
        examples=[100],
        json_schema_extra=becomes(".conn"),
    )
    leaf_nodes: Limit = Field(
        default=-1,
        description="Leaf nodes connected at one time; `0` for none.",
        examples=[0],
        json_schema_extra=becomes(".leaf"),
    )
    subscriptions: Limit = Field(
        default=-1,
        description="Subscriptions of each connection.",
        examples=[1000],
        json_schema_extra=becomes(".subs"),
    )
    payload: SizeLimit = Field(
        default=-1,
        description="Largest message. It can only lower the server's own limit, `server.limits.max_payload`.",
        examples=["64KiB"],
        json_schema_extra=becomes(".payload"),
    )
    data: SizeLimit = Field(
        default=-1,
        description="Bytes in all. The server reads it and does not enforce it.",
        examples=["10GiB"],
        json_schema_extra=becomes(".data"),
    )
    imports: Limit = Field(
        default=-1,
        description="How many imports the account may have.",
        examples=[10],
        json_schema_extra=becomes(".imports"),
    )
    exports: Limit = Field(
        default=-1,
        description="How many exports the account may have.",
        examples=[10],
        json_schema_extra=becomes(".exports"),
    )
    wildcard_exports: bool = Field(
        default=True,
        description="Exports may hold wildcards. The server enforces `false` only where `exports` is limited, "
        "too.",
        json_schema_extra=becomes(".wildcards"),
    )


class JetStreamLimitsSpec(Model):
    """The account's share of JetStream. `unlimited` on disk or memory, or a size, turns JetStream on."""

    disk: SizeLimit = Field(
        default=0,
        description="What streams and buckets may take on disk. `0`: nothing on disk.",
        examples=["10GiB"],
        json_schema_extra=becomes(".disk_storage"),
    )
    memory: SizeLimit = Field(
        default=0,
        description="What streams and buckets may take in memory. `0`: nothing in memory.",
        examples=["256MiB"],
        json_schema_extra=becomes(".mem_storage"),
    )
    streams: PositiveLimit = Field(
        default=-1,
        description="How many streams; a bucket is one of them.",
        examples=[20],
        json_schema_extra=becomes(".streams"),
    )
    consumers: PositiveLimit = Field(
        default=-1, description="How many consumers.", examples=[500], json_schema_extra=becomes(".consumer")
    )
    max_ack_pending: PositiveLimit = Field(
        default=-1,
        description="Most unacknowledged messages of a consumer.",
        examples=[1000],
        json_schema_extra=becomes(".max_ack_pending"),
    )
    disk_max_stream: PositiveSizeLimit = Field(
        default=-1,
        description="Largest stream on disk.",
        examples=["2GiB"],
        json_schema_extra=becomes(".disk_max_stream_bytes"),
    )
    memory_max_stream: PositiveSizeLimit = Field(
        default=-1,
        description="Largest stream in memory.",
        examples=["64MiB"],
        json_schema_extra=becomes(".mem_max_stream_bytes"),
    )
    max_bytes_required: bool = Field(
        default=False,
        description="Every stream must say its largest size.",
        json_schema_extra=becomes(".max_bytes_required"),
    )


class TieredJetStreamSpec(JetStreamLimitsSpec):
    """The account's share of JetStream: flat, or by tier."""

    tiers: dict[str, JetStreamLimitsSpec] = Field(
        default={},
        description="Limits by number of replicas, `R1`, `R3`, …, in place of the flat ones.",
        examples=[{"R1": {"disk": "1GiB"}, "R3": {"disk": "10GiB"}}],
        json_schema_extra=becomes(".tiered_limits.*"),
    )


class UserLimitsSpec(Model):
    """Limits of each connection. What is not given is unlimited."""

    subscriptions: Limit = Field(
        default=-1,
        description="Subscriptions of the connection.",
        examples=[50],
        json_schema_extra=becomes(".subs"),
    )
    payload: SizeLimit = Field(
        default=-1,
        description="Largest message that may be published.",
        examples=["64KiB"],
        json_schema_extra=becomes(".payload"),
    )
    data: SizeLimit = Field(
        default=-1,
        description="Bytes in all. The server reads it and does not enforce it.",
        examples=["1GiB"],
        json_schema_extra=becomes(".data"),
    )


class ServerLimitsSpec(Model):
    """Limits of the whole server, under the names they have in its config. What is not given is its default."""

    max_connections: Connections | None = Field(
        default=None,
        description="Most clients. Default: 65536.",
        examples=[10000],
        json_schema_extra=becomes("max_connections"),
    )
    max_subscriptions: Subscriptions | None = Field(
        default=None,
        description="Most subscriptions of one connection. Default: unlimited.",
        examples=[1000],
        json_schema_extra=becomes("max_subscriptions"),
    )
    max_payload: Size | None = Field(
        default=None,
        description="Largest message. Default: 1MiB.",
        examples=["2MiB"],
        json_schema_extra=becomes("max_payload"),
    )
    max_pending: Size | None = Field(
        default=None,
        description="Most bytes that wait for a slow client. Default: 64MiB.",
        examples=["128MiB"],
        json_schema_extra=becomes("max_pending"),
    )
    max_control_line: Size | None = Field(
        default=None,
        description="Longest line of the protocol, CONNECT with its JWT included. Default: 4KiB.",
        examples=["16KiB"],
        json_schema_extra=becomes("max_control_line"),
    )
    write_deadline: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest write to a client that does not read. Default: 10s.",
        examples=["5s"],
        json_schema_extra=becomes("write_deadline"),
    )
    auth_timeout: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest time until a client shows its login, and then for an authorization callout to answer. "
        "Default: 2s, and a second more than the `timeout` of `tls`.",
        examples=["5s"],
        json_schema_extra=becomes("authorization.timeout"),
    )
    ping_interval: PositiveNanoseconds | None = Field(
        default=None,
        description="Time between pings. Default: 2m.",
        examples=["1m"],
        json_schema_extra=becomes("ping_interval"),
    )
    ping_max: int | None = Field(
        default=None,
        ge=1,
        description="Unanswered pings until a client counts as gone. Default: 2.",
        examples=[3],
        json_schema_extra=becomes("ping_max"),
    )
    lame_duck_duration: PositiveNanoseconds | None = Field(
        default=None,
        description="Time over which clients are sent away before a stop. Default: 2m.",
        examples=["5m"],
        json_schema_extra=becomes("lame_duck_duration"),
    )
    lame_duck_grace_period: PositiveNanoseconds | None = Field(
        default=None,
        description="Time before the first one is. Default: 10s.",
        examples=["5s"],
        json_schema_extra=becomes("lame_duck_grace_period"),
    )
