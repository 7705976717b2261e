"""The whole `server` section: `spec.server_models`, and the listeners for MQTT and for other servers."""

from __future__ import annotations

from pydantic import Field

from natsbackend.spec.cluster_models import ClusterSpec, GatewaySpec
from natsbackend.spec.leafnode_models import LeafnodesSpec
from natsbackend.spec.mqtt_models import MqttSpec
from natsbackend.spec.server_models import ServerSpec
from natsbackend.spec.shape import becomes


class ServerSectionSpec(ServerSpec):
    """The config of nats-server."""

    mqtt: MqttSpec | None = Field(
        default=None,
        description="The MQTT listener, `{}` for port 1883. Default: off.",
        json_schema_extra=becomes("mqtt"),
        examples=[{"listen": "0.0.0.0:8883"}],
    )
    leafnodes: LeafnodesSpec | None = Field(
        default=None,
        description="Leaf nodes that connect here, and servers that this one connects to. Default: off.",
        json_schema_extra=becomes("leafnodes"),
        examples=[{"listen": "0.0.0.0:7422"}],
    )
    cluster: ClusterSpec | None = Field(
        default=None,
        description="The cluster. Default: a server alone.",
        json_schema_extra=becomes("cluster"),
        examples=[{"name": "eu", "routes": ["nats://n2:6222"]}],
    )
    gateway: GatewaySpec | None = Field(
        default=None,
        description="Gateways to other clusters. Default: off.",
        json_schema_extra=becomes("gateway"),
        examples=[{"name": "eu", "gateways": [{"name": "us", "urls": ["nats://us1:7222"]}]}],
    )
