"""Bytes to and from a server, over TCP or a websocket, with a deadline on every wait.

The only door to `websockets`, and only to its sans-I/O half, over a socket of our own: so a redirect is not
followed, a proxy of the environment is not asked, no thread is started, and a cookie goes to the named server
and nowhere else.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Callable, Mapping
from ssl import SSLContext
from typing import Protocol

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, InvalidURI
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State
from websockets.uri import WebSocketURI, parse_uri

from natsbackend.errors import LiveServerError
from natsbackend.live.parser import MAX_LINE, MAX_MESSAGE

_CHUNK = 1 << 16
_GOODBYE = 1.0
"""Seconds the close frame may take to leave."""

_DATA = (Opcode.BINARY, Opcode.TEXT, Opcode.CONT)

# Not in the tree of loggers: at the level DEBUG `websockets` would log the cookie.
_MUTE = logging.Logger("natsbackend.live.transport", logging.CRITICAL)


class Refused(LiveServerError):
    """No connection was made, and this is why, in the server's own words where it said any.

    `stage` is how far it came: `transport` (no listener, TLS failed, silence), `upgrade` (HTTP said no, with
    `status`) or `connect` (nats-server said no: `error` is its -ERR, `close_code` that of the websocket).
    """

    def __init__(
        self,
        stage: str,
        error: str,
        *,
        status: int | None = None,
        close_code: int | None = None,
        close_reason: str = "",
    ) -> None:
        super().__init__(with_close(error, close_code, close_reason))
        self.stage = stage
        self.error = error
        self.status = status
        self.close_code = close_code
        self.close_reason = close_reason


def with_close(error: str, code: int | None, reason: str) -> str:
    """Return an error with the code and reason of the close frame that came after it, if one came."""
    return f"{error} (closed with {code} {reason})" if code else error


class Deadline:
    """A moment that no wait of one operation goes past."""

    __slots__ = ("_clock", "_end")

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def left(self) -> float:
        """Return the seconds that are left, more than zero.

        Raises:
            TimeoutError: none are left.

        """
        left = self._end - self._clock()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


class Transport(Protocol):
    """A connected stream of bytes. Waits raise TimeoutError, a lost connection OSError."""

    @property
    def close_code(self) -> int | None:
        """The code of the websocket's close frame, once one came."""

    @property
    def close_reason(self) -> str:
        """The reason in that close frame."""

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Send all of it."""

    def receive(self, deadline: Deadline) -> bytes:
        """Wait for bytes; none means that the server closed the connection."""

    def close(self) -> None:
        """Close at once, without waiting for the other side."""


class TcpTransport:
    """A plain or TLS socket."""

    close_code = None
    close_reason = ""

    def __init__(self, host: str, port: int, deadline: Deadline) -> None:
        self._host = host
        self._socket = socket.create_connection((host, port), timeout=deadline.left())
        # A small PING right behind a small PUB must not wait for its acknowledgement.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start_tls(self, context: SSLContext, deadline: Deadline) -> None:
        """Go on in TLS; the certificate must be for the host that was connected to, if the context asks."""
        self._socket.settimeout(deadline.left())
        self._socket = context.wrap_socket(self._socket, server_hostname=self._host)

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Send all of it."""
        self._socket.settimeout(deadline.left())
        self._socket.sendall(data)

    def receive(self, deadline: Deadline) -> bytes:
        """Wait for bytes; none means that the server closed the connection."""
        self._socket.settimeout(deadline.left())
        return self._socket.recv(_CHUNK)

    def finish_sending(self) -> None:
        """Tell the other side that nothing more comes."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close at once."""
        self._socket.close()


class WebsocketTransport:
    """A websocket, upgraded and open; its frames are one stream of bytes."""

    def __init__(
        self, uri: WebSocketURI, tcp: TcpTransport, headers: Mapping[str, str], deadline: Deadline
    ) -> None:
        self._tcp = tcp
        self._protocol = ClientProtocol(uri, max_size=MAX_LINE + MAX_MESSAGE, logger=_MUTE)
        self._received = bytearray()
        self._upgrade(headers, deadline)

    @property
    def close_code(self) -> int | None:
        """The code of the server's close frame, once one came."""
        return self._protocol.close_rcvd.code if self._protocol.close_rcvd else None

    @property
    def close_reason(self) -> str:
        """The reason in the server's close frame."""
        return self._protocol.close_rcvd.reason if self._protocol.close_rcvd else ""

    def _upgrade(self, headers: Mapping[str, str], deadline: Deadline) -> None:
        request = self._protocol.connect()
        for name, value in headers.items():
            request.headers[name] = value
        self._protocol.send_request(request)
        self._write(deadline)
        while self._protocol.state is State.CONNECTING and self._protocol.handshake_exc is None:
            self._pump(deadline)
        failure = self._protocol.handshake_exc
        if isinstance(failure, InvalidStatus):
            answer = failure.response
            words = f"HTTP {answer.status_code} {answer.reason_phrase}".rstrip()
            raise Refused("upgrade", words, status=answer.status_code) from None
        if failure is not None:
            raise Refused("upgrade", f"the answer to the websocket upgrade is wrong: {failure}") from failure

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Send all of it in one frame."""
        if self._protocol.state is not State.OPEN:
            raise ConnectionError("the websocket is closed")
        self._protocol.send_binary(data)
        self._write(deadline)

    def receive(self, deadline: Deadline) -> bytes:
        """Wait for the bytes of a frame; none means that the server closed the connection."""
        while not self._received and self._protocol.state is State.OPEN:
            self._pump(deadline)
        taken = bytes(self._received)
        self._received.clear()
        return taken

    def close(self) -> None:
        """Say goodbye and close at once."""
        with contextlib.closing(self._tcp), contextlib.suppress(OSError):
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
                self._write(Deadline(_GOODBYE))

    def _pump(self, deadline: Deadline) -> None:
        """Read once from the socket and let the protocol react."""
        if chunk := self._tcp.receive(deadline):
            self._protocol.receive_data(chunk)
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in _DATA:
                self._received += event.data
        # What is owed here is a pong or the echo of a close frame. If the other side is gone, the next read
        # says so, and what it said before must not be lost.
        with contextlib.suppress(OSError):
            self._write(deadline)

    def _write(self, deadline: Deadline) -> None:
        for chunk in self._protocol.data_to_send():
            if chunk:
                self._tcp.send(chunk, deadline)
            else:
                self._tcp.finish_sending()


def open_websocket(
    url: str,
    *,
    cookie: tuple[str, str] | None,
    origin: str | None,
    tls: SSLContext | None,
    deadline: Deadline,
) -> WebsocketTransport:
    """Connect and upgrade.

    Raises:
        Refused: the upgrade was not answered with yes, or cannot even be asked for.
        OSError: no connection (TLS errors and timeouts are among them).

    """
    try:
        uri = parse_uri(url)
    except InvalidURI:
        raise Refused("transport", f"not a websocket url: {url!r}") from None
    headers: dict[str, str] = {}
    if origin is not None:
        headers["Origin"] = _header_safe(origin)
    if cookie is not None:
        headers["Cookie"] = _header_safe("=".join(cookie))
    if uri.secure and tls is None:
        raise Refused("transport", "a wss url needs a TLS context")
    tcp = TcpTransport(uri.host, uri.port, deadline)
    try:
        if uri.secure and tls is not None:
            tcp.start_tls(tls, deadline)
        return WebsocketTransport(uri, tcp, headers, deadline)
    except BaseException:
        tcp.close()
        raise


def _header_safe(text: str) -> str:
    """Refuse what would start another header."""
    if any(ord(c) < 32 or ord(c) > 126 for c in text):
        raise Refused("transport", "a cookie or origin holds a character that cannot stand in an HTTP header")
    return text
