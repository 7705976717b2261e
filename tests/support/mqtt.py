"""As much of MQTT 3.1.1 as it takes to connect, subscribe and publish with QoS 0."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Self

ACCEPTED, NOT_AUTHORIZED = 0, 5
"""Return codes of a CONNACK."""

_CONNECT, _CONNACK, _PUBLISH, _SUBSCRIBE, _SUBACK = 0x10, 0x20, 0x30, 0x82, 0x90
_CLEAN, _PASSWORD, _USER = 0x02, 0x40, 0x80


class MqttClient:
    """A connection to an MQTT listener; `code` is what the server said to its CONNECT."""

    def __init__(self, port: int, password: str, client: str = "probe", timeout: float = 5.0) -> None:
        """Connect with a password and any user name."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        head = _text("MQTT") + bytes((4, _CLEAN | _PASSWORD | _USER)) + (60).to_bytes(2, "big")
        self._send(_CONNECT, head + _text(client) + _text("any") + _text(password))
        kind, body = self._receive()
        assert kind == _CONNACK
        self.code = body[1]

    def subscribe(self, topic: str) -> None:
        """Subscribe, and wait until the server has."""
        self._send(_SUBSCRIBE, (1).to_bytes(2, "big") + _text(topic) + b"\0")
        assert self._receive() == (_SUBACK, b"\0\1\0")

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish a message."""
        self._send(_PUBLISH, _text(topic) + payload)

    def message(self) -> tuple[str, bytes]:
        """Return topic and payload of the next message."""
        kind, body = self._receive()
        assert kind == _PUBLISH
        end = 2 + int.from_bytes(body[:2], "big")
        return body[2:end].decode(), body[end:]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def _send(self, kind: int, body: bytes) -> None:
        length, rest = b"", len(body)
        while True:
            rest, digit = divmod(rest, 128)
            length += bytes((digit | (0x80 if rest else 0),))
            if not rest:
                break
        self._socket.sendall(bytes((kind,)) + length + body)

    def _receive(self) -> tuple[int, bytes]:
        kind, length, shift = self._exactly(1)[0], 0, 0
        while True:
            byte = self._exactly(1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return kind, self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        out = b""
        while len(out) < count:
            chunk = self._socket.recv(count - len(out))
            assert chunk, "the server ended the connection"
            out += chunk
        return out


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded
