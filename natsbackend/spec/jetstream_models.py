"""The shape of the spec's `server.jetstream`; see `spec.server_models`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from natsbackend.spec.secret_models import SecretSpec
from natsbackend.spec.shape import Model, becomes
from natsbackend.spec.units import PositiveNanoseconds, PositiveSize, Size, SyncInterval


class EncryptionSpec(Model):
    """Encryption of what JetStream stores."""

    key: SecretSpec = Field(
        description="The key.",
        examples=[{"env": "NATS_JETSTREAM_KEY"}, {"file": "js.key"}],
        json_schema_extra=becomes("jetstream.key"),
    )
    previous_key: SecretSpec | None = Field(
        default=None,
        description="The key before, while what is stored still needs it. Default: none.",
        examples=[{"env": "NATS_JETSTREAM_OLD_KEY"}],
        json_schema_extra=becomes("jetstream.prev_key"),
    )
    cipher: Literal["chacha", "aes"] = Field(
        default="chacha",
        description="The cipher.",
        json_schema_extra=becomes("jetstream.cipher"),
    )


class ServerBatchLimitsSpec(Model):
    """Limits of batches of messages, atomic and fast ones, for every stream of the server."""

    max_inflight_per_stream: int | None = Field(
        default=None,
        ge=1,
        description="Most batches of a stream that are open at a time. Default: 50 atomic ones, 1000 fast ones.",
        examples=[20],
        json_schema_extra=becomes(".max_inflight_per_stream"),
    )
    max_inflight_total: int | None = Field(
        default=None,
        ge=1,
        description="Most batches of the server that are open at a time. Default: 1000 atomic ones, 50000 fast ones.",
        examples=[500],
        json_schema_extra=becomes(".max_inflight_total"),
    )
    max_msgs: int | None = Field(
        default=None,
        ge=1,
        description="Most messages of an atomic batch. Default: 1000.",
        examples=[500],
        json_schema_extra=becomes(".max_msgs"),
    )
    timeout: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest time between two messages of a batch. Default: 10s.",
        examples=["5s"],
        json_schema_extra=becomes(".timeout"),
    )


class ServerJetStreamLimitsSpec(Model):
    """Limits of JetStream on the server, for every account alike."""

    max_ack_pending: int | None = Field(
        default=None,
        ge=1,
        description="Most messages of a consumer that wait to be acknowledged; who asks for more is refused. "
        "Default: no limit.",
        examples=[10000],
        json_schema_extra=becomes(".max_ack_pending"),
    )
    max_ha_assets: int | None = Field(
        default=None,
        ge=1,
        description="Most replicated streams and consumers that this server has a part in. Default: no limit.",
        examples=[1000],
        json_schema_extra=becomes(".max_ha_assets"),
    )
    max_request_batch: int | None = Field(
        default=None,
        ge=1,
        description="Most messages that one request of a consumer may ask for. Default: no limit.",
        examples=[500],
        json_schema_extra=becomes(".max_request_batch"),
    )
    duplicate_window: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest window in which streams look for duplicates; who asks for more is refused. "
        "Default: no limit.",
        examples=["5m"],
        json_schema_extra=becomes(".duplicate_window"),
    )
    batch: ServerBatchLimitsSpec | None = Field(
        default=None,
        description="Limits of batches. Default: the server's own.",
        examples=[{"max_msgs": 500}],
        json_schema_extra=becomes(".batch"),
    )


class ServerJetStreamSpec(Model):
    """JetStream on the server."""

    store_dir: str = Field(
        default="data/jetstream",
        description="Directory where streams are stored; a relative one begins at the directory the server runs "
        "in.",
        examples=["/var/lib/nats/jetstream"],
        json_schema_extra=becomes(".store_dir"),
    )
    memory: Size | None = Field(
        default=None,
        description="Most memory of all streams. Default: three quarters of what the machine has.",
        examples=["1GiB"],
        json_schema_extra=becomes(".max_memory_store"),
    )
    disk: Size | None = Field(
        default=None,
        description="Most disk of all streams. Default: what is free at the start.",
        examples=["100GiB"],
        json_schema_extra=becomes(".max_file_store"),
    )
    domain: str | None = Field(
        default=None,
        description="Its JetStream domain, one name without dots. Default: none.",
        examples=["hub"],
        json_schema_extra=becomes(".domain"),
    )
    encryption: EncryptionSpec | None = Field(
        default=None,
        description="Encryption of what is stored. Default: none.",
        examples=[{"key": {"env": "NATS_JETSTREAM_KEY"}}],
        json_schema_extra=becomes(".key", ".cipher"),
    )
    limits: ServerJetStreamLimitsSpec | None = Field(
        default=None,
        description="Limits for every account alike. Default: none but those of each account.",
        examples=[{"max_ack_pending": 10000}],
        json_schema_extra=becomes(".limits"),
    )
    sync_interval: SyncInterval | None = Field(
        default=None,
        description="Time between moments at which what was stored is synced to disk; `always`: each message before it "
        "is acknowledged. Default: 2m.",
        examples=["always", "10s"],
        json_schema_extra=becomes(".sync_interval"),
    )
    strict: bool = Field(
        default=True,
        description="Requests to JetStream with members that it does not know are refused.",
        json_schema_extra=becomes(".strict"),
    )
    unique_tag: str | None = Field(
        default=None,
        description="Beginning of a tag of `server.tags`: replicas of a stream go to servers on which it goes on "
        "differently. Default: to any.",
        examples=["az:"],
        json_schema_extra=becomes(".unique_tag"),
    )
    max_outstanding_catchup: PositiveSize | None = Field(
        default=None,
        description="Most bytes on their way to servers that catch up. Default: 64MiB.",
        examples=["128MiB"],
        json_schema_extra=becomes(".max_outstanding_catchup"),
    )
    max_buffered_size: PositiveSize | None = Field(
        default=None,
        description="Most bytes of a stream that wait to be stored. Default: 128MiB.",
        examples=["64MiB"],
        json_schema_extra=becomes(".max_buffered_size"),
    )
    max_buffered_msgs: int | None = Field(
        default=None,
        ge=1,
        description="Most messages of a stream that wait to be stored. Default: 100000.",
        examples=[20000],
        json_schema_extra=becomes(".max_buffered_msgs"),
    )
    request_queue_limit: int | None = Field(
        default=None,
        ge=1,
        description="Most requests to JetStream that wait; what comes on top is dropped. Default: 10000.",
        examples=[20000],
        json_schema_extra=becomes(".request_queue_limit"),
    )
    info_queue_limit: int | None = Field(
        default=None,
        ge=1,
        description="The same of requests that ask for information alone. Default: that of `request_queue_limit`.",
        examples=[20000],
        json_schema_extra=becomes(".info_queue_limit"),
    )
    meta_compact: int | None = Field(
        default=None,
        ge=1,
        description="Entries in the cluster's log of assets above which it is compacted. Default: at each look.",
        examples=[10000],
        json_schema_extra=becomes(".meta_compact"),
    )
    meta_compact_size: PositiveSize | None = Field(
        default=None,
        description="Size of the cluster's log of assets above which it is compacted. Default: at each look.",
        examples=["64MiB"],
        json_schema_extra=becomes(".meta_compact_size"),
    )
    meta_compact_sync: bool = Field(
        default=False,
        description="The log of assets is compacted before anything else goes on.",
        json_schema_extra=becomes(".meta_compact_sync"),
    )
    max_concurrent_io: int | None = Field(
        default=None,
        ge=4,
        le=8192,
        description="Most reads and writes of the disk at a time. Default: 4096.",
        examples=[64],
        json_schema_extra=becomes(".max_concurrent_io"),
    )
