"""The shape of the spec's `server.mqtt`; see `spec.section_models`."""

from __future__ import annotations

from pydantic import Field

from natsbackend.spec.peer_models import TimedTlsSpec
from natsbackend.spec.server_models import Listen
from natsbackend.spec.shape import Model, becomes
from natsbackend.spec.units import PositiveNanoseconds, Seconds


class MqttSpec(Model):
    """The MQTT 3.1.1 listener. Who connects shows a bearer JWT as the password, with any user name."""

    listen: Listen | None = Field(
        default=None,
        description="HOST:PORT. Default: every address, port 8883 with TLS, 1883 without.",
        examples=["0.0.0.0:8883"],
        json_schema_extra=becomes("mqtt.listen"),
    )
    tls: TimedTlsSpec | None = Field(
        default=None,
        description="Certificate and key. Default: none, plain.",
        json_schema_extra=becomes("mqtt.tls"),
        examples=[{"cert_file": "tls/mqtt.crt", "key_file": "tls/mqtt.key"}],
    )
    auth_timeout: Seconds | None = Field(
        default=None,
        description="Longest time until a client shows its login. Default: that of `limits`.",
        examples=["5s"],
        json_schema_extra=becomes("mqtt.authorization.timeout"),
    )
    ack_wait: PositiveNanoseconds | None = Field(
        default=None,
        description="Time until a message of QoS 1 or 2 that was not acknowledged is sent again. Default: 30s.",
        examples=["1m"],
        json_schema_extra=becomes("mqtt.ack_wait"),
    )
    api_timeout: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest wait for an answer of JetStream. Default: 5s.",
        json_schema_extra=becomes("mqtt.js_api_timeout"),
        examples=["10s"],
    )
    max_ack_pending: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Most messages on their way to one subscription. Default: 1024.",
        json_schema_extra=becomes("mqtt.max_ack_pending"),
        examples=[100],
    )
    js_domain: str | None = Field(
        default=None,
        description="JetStream domain that holds sessions and retained messages. Default: that of the server.",
        examples=["hub"],
        json_schema_extra=becomes("mqtt.js_domain"),
    )
    stream_replicas: int | None = Field(
        default=None,
        ge=1,
        le=5,
        description="Replicas of the streams of sessions and retained messages. Default: as many as there are "
        "servers with JetStream, up to 3.",
        json_schema_extra=becomes("mqtt.stream_replicas"),
        examples=[3],
    )
    consumer_memory_storage: bool = Field(
        default=False,
        description="Consumers of sessions live in memory.",
        json_schema_extra=becomes("mqtt.consumer_memory_storage"),
    )
    consumer_inactive_threshold: PositiveNanoseconds | None = Field(
        default=None,
        description="Time after which the consumer of a client that is away is removed. Default: never.",
        examples=["24h"],
        json_schema_extra=becomes("mqtt.consumer_inactive_threshold"),
    )
    reject_qos2_publish: bool = Field(
        default=False,
        description="Who publishes with QoS 2 is disconnected.",
        json_schema_extra=becomes("mqtt.reject_qos2_publish"),
    )
    downgrade_qos2_subscribe: bool = Field(
        default=False,
        description="Subscriptions with QoS 2 get QoS 1.",
        json_schema_extra=becomes("mqtt.downgrade_qos2_subscribe"),
    )
