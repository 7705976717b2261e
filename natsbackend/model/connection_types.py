"""Over what a user may connect; see `model.entities`."""

from __future__ import annotations

import enum


class ConnectionType(enum.StrEnum):
    """Over what a user may connect (nats-server 2.15 `auth.go`)."""

    STANDARD = "STANDARD"
    WEBSOCKET = "WEBSOCKET"
    LEAFNODE = "LEAFNODE"
    LEAFNODE_WS = "LEAFNODE_WS"
    MQTT = "MQTT"
    MQTT_WS = "MQTT_WS"
    IN_PROCESS = "IN_PROCESS"
