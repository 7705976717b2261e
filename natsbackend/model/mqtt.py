"""The MQTT listener as an entity."""

from __future__ import annotations

from dataclasses import dataclass

from natsbackend.model.serving import Listen, Tls


@dataclass(frozen=True, slots=True, kw_only=True)
class Mqtt:
    """The MQTT listener, by the names of the spec. Times in nanoseconds; None leaves them to the server."""

    listen: Listen
    tls: Tls | None = None
    auth_timeout: int | None = None
    """Whole seconds, since the server reads no others here."""
    ack_wait: int | None = None
    api_timeout: int | None = None
    max_ack_pending: int | None = None
    js_domain: str | None = None
    stream_replicas: int | None = None
    consumer_memory_storage: bool = False
    consumer_inactive_threshold: int | None = None
    reject_qos2_publish: bool = False
    downgrade_qos2_subscribe: bool = False

    @property
    def default_port(self) -> int:
        """Where it listens if the spec names no port: as registered for MQTT; nats-server has no default."""
        return 1883 if self.tls is None else 8883
