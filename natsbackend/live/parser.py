"""What a nats-server says, as values: an incremental parser of the client protocol.

Bytes come in as the network cuts them; events come out whole and in order, however they were cut. It owns no
socket and knows no time. Only what a server sends is understood: INFO, MSG, HMSG, PING, PONG, +OK and -ERR.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from natsbackend.errors import LiveServerError

MAX_LINE = 1 << 20
"""Longest control line taken, in bytes. An INFO of a large cluster has some ten thousand."""

MAX_MESSAGE = 64 << 20
"""Largest message taken, in bytes: the default `max_pending`, above which `max_payload` may not go (2.15)."""


class ProtocolError(LiveServerError):
    """The other side does not speak the NATS client protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """INFO: what the server says about itself and asks of a client."""

    fields: Mapping[str, object]

    @property
    def nonce(self) -> str:
        """The text to sign with the user's key; empty if the server asks for no signature."""
        nonce = self.fields.get("nonce")
        return nonce if isinstance(nonce, str) else ""

    def says(self, flag: str) -> bool:
        """Tell whether a flag such as `tls_required` is set."""
        return self.fields.get(flag) is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """MSG or HMSG: a message for one of our subscriptions."""

    subject: str
    sid: int
    """The number under which the client subscribed."""
    reply: str | None = None
    headers: bytes = b""
    """The header block as it came; empty for MSG. `NATS/1.0 503` means nobody answers a request."""
    payload: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerError:
    """-ERR: the server's own words, without the quotes around them."""

    text: str


@dataclass(frozen=True, slots=True)
class Ping:
    """PING: to be answered."""


@dataclass(frozen=True, slots=True)
class Pong:
    """PONG: everything sent before our PING has been handled."""


@dataclass(frozen=True, slots=True)
class Ok:
    """+OK: only with `verbose`."""


Event = Info | Message | ServerError | Ping | Pong | Ok


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """The line of a message whose bytes are still to come."""

    subject: str
    sid: int
    reply: str | None
    headers: int
    total: int


class Parser:
    """Turns a byte stream into events; the result does not depend on where the stream was cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: _Head | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes and return the events that are now complete.

        Raises:
            ProtocolError: the bytes are no NATS, or a line or message is larger than any server sends.

        """
        self._buffer += chunk
        events: list[Event] = []
        while (event := self._next()) is not None:
            events.append(event)
        return events

    def _next(self) -> Event | None:
        if self._head is None:
            line = self._line()
            if line is None:
                return None
            parsed = _parse_line(line)
            if not isinstance(parsed, _Head):
                return parsed
            self._head = parsed
        return self._message(self._head)

    def _line(self) -> str | None:
        end = self._buffer.find(b"\r\n", 0, MAX_LINE + 2)
        if end < 0:
            if len(self._buffer) >= MAX_LINE + 2:
                raise ProtocolError("the server sent a control line without an end")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line.decode("utf-8", "replace")

    def _message(self, head: _Head) -> Message | None:
        if len(self._buffer) < head.total + 2:
            return None
        body = bytes(self._buffer[: head.total])
        if self._buffer[head.total : head.total + 2] != b"\r\n":
            raise ProtocolError(f"the message on {head.subject!r} is longer than the server announced")
        del self._buffer[: head.total + 2]
        self._head = None
        return Message(
            subject=head.subject,
            sid=head.sid,
            reply=head.reply,
            headers=body[: head.headers],
            payload=body[head.headers :],
        )


def _parse_line(line: str) -> Event | _Head:
    word, _, rest = line.partition(" ")
    match word.rstrip("\t").upper():
        case "MSG":
            return _parse_head(rest.split(), sizes=1)
        case "HMSG":
            return _parse_head(rest.split(), sizes=2)
        case "INFO":
            return _parse_info(rest)
        case "PING":
            return Ping()
        case "PONG":
            return Pong()
        case "+OK":
            return Ok()
        case "-ERR":
            return ServerError(text=_unquoted(rest.strip()))
    hint = "is this the port of a nats-server?"
    raise ProtocolError(f"the server sent {line[:40]!r}, which is not NATS", hint=hint)


def _parse_head(words: list[str], *, sizes: int) -> _Head:
    """Read `subject sid [reply] [header size] size`."""
    fixed = 2 + sizes
    numbers = [words[1], *words[-sizes:]] if len(words) in (fixed, fixed + 1) else []
    if not numbers or not all(n.isascii() and n.isdigit() and len(n) < 20 for n in numbers):
        raise ProtocolError("the server sent a message without the form `subject sid [reply] size`")
    sid, total, headers = int(numbers[0]), int(numbers[-1]), int(numbers[1]) if sizes == 2 else 0
    if headers > total or total > MAX_MESSAGE:
        raise ProtocolError(f"the server announced a message of {total} bytes with {headers} of headers")
    reply = words[2] if len(words) > fixed else None
    return _Head(subject=words[0], sid=sid, reply=reply, headers=headers, total=total)


def _parse_info(text: str) -> Info:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise ProtocolError("the server's INFO is not JSON") from None
    if not isinstance(fields, dict):
        raise ProtocolError("the server's INFO is not a JSON object")
    return Info(fields=MappingProxyType(fields))


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == "'" else text
