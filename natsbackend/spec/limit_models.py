"""The shape of limits: of accounts, of JetStream, of connections. Unset means unlimited, except where said."""

from __future__ import annotations

from pydantic import Field

from natsbackend.spec.shape import Model
from natsbackend.spec.units import Limit, PositiveLimit, PositiveSizeLimit, SizeLimit


class AccountLimitsSpec(Model):
    """The base limits of an account. What is not given is unlimited."""

    connections: Limit = Field(default=-1, description="Clients connected at one time (claim `conn`).")
    leaf_nodes: Limit = Field(default=-1, description="Leaf nodes connected at one time (claim `leaf`).")
    subscriptions: Limit = Field(default=-1, description="Subscriptions of each connection (claim `subs`).")
    payload: SizeLimit = Field(default=-1, description="Largest message; it can only lower the server's own.")
    data: SizeLimit = Field(default=-1, description="Bytes; the server does not enforce it (claim `data`).")
    imports: Limit = Field(default=-1, description="How many imports the account may have.")
    exports: Limit = Field(default=-1, description="How many exports the account may have.")
    wildcard_exports: bool = Field(
        default=True, description="Exports may hold wildcards (claim `wildcards`)."
    )


class JetStreamLimitsSpec(Model):
    """The account's share of JetStream. `unlimited` on disk or memory, or a size, turns JetStream on."""

    disk: SizeLimit = Field(
        default=0, description="Bytes on disk (claim `disk_storage`).", examples=["10GiB"]
    )
    memory: SizeLimit = Field(default=0, description="Bytes in memory (claim `mem_storage`).")
    streams: PositiveLimit = Field(default=-1, description="How many streams.")
    consumers: PositiveLimit = Field(default=-1, description="How many consumers (claim `consumer`).")
    max_ack_pending: PositiveLimit = Field(
        default=-1, description="Most unacknowledged messages of a consumer."
    )
    disk_max_stream: PositiveSizeLimit = Field(default=-1, description="Largest stream on disk.")
    memory_max_stream: PositiveSizeLimit = Field(default=-1, description="Largest stream in memory.")
    max_bytes_required: bool = Field(default=False, description="Every stream must say its largest size.")


class TieredJetStreamSpec(JetStreamLimitsSpec):
    """The account's share of JetStream: flat, or by tier."""

    tiers: dict[str, JetStreamLimitsSpec] = Field(
        default={},
        description="Limits by number of replicas, `R1`, `R3`, …, in place of the flat ones.",
        examples=[{"R1": {"disk": "1GiB"}, "R3": {"disk": "10GiB"}}],
    )


class UserLimitsSpec(Model):
    """Limits of each connection. What is not given is unlimited."""

    subscriptions: Limit = Field(default=-1, description="Subscriptions (claim `subs`).", examples=[50])
    payload: SizeLimit = Field(default=-1, description="Largest message.", examples=["64KiB"])
    data: SizeLimit = Field(default=-1, description="Bytes; the server does not enforce it.")
