"""A small synchronous NATS client for proofs: it connects, tries one thing, and repeats what the server said.

It is no client for applications: it never reconnects, hides nothing, and every wait ends at a deadline. What
counts is the verdict: the HTTP status of a refused upgrade, the text of an -ERR, the code of a close frame.

The server handles what a client sends in order (`client.go`, 2.15), so once the PONG to our PING is here, the
-ERR to everything sent before is here too. `Connection.flush` is that fence, and needs no time to pass.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from ssl import SSLContext
from types import TracebackType
from typing import Self

from natsbackend import __version__
from natsbackend.errors import LiveServerError
from natsbackend.keys import KeyPair
from natsbackend.live.parser import Event, Info, Message, Parser, Ping, Pong, ProtocolError, ServerError
from natsbackend.live.transport import (
    Deadline,
    Refused,
    TcpTransport,
    Transport,
    open_websocket,
    with_close,
)

__all__ = ["Connection", "Deadline", "Disconnected", "Refused", "connect_tcp", "connect_websocket"]

_LAST_WORDS = 0.5
"""Seconds to read on, in bytes that are already here, after a send failed."""


class Disconnected(LiveServerError):
    """A connection that stood is gone, or fell silent.

    `error` is the last -ERR of the server, if any; `close_code` and `close_reason` are of the websocket.
    """

    def __init__(self, error: str, *, close_code: int | None = None, close_reason: str = "") -> None:
        super().__init__(with_close(error, close_code, close_reason))
        self.error = error
        self.close_code = close_code
        self.close_reason = close_reason


class Connection:
    """A connection that the server accepted. Use it from one thread, and close it."""

    def __init__(self, transport: Transport, timeout: float) -> None:
        """Take over a transport on which nothing was sent; `connect_tcp` and `connect_websocket` do."""
        self._transport = transport
        self._timeout = timeout
        self._parser = Parser()
        self._events: deque[Event] = deque()
        self._messages: deque[Message] = deque()
        self._errors: list[str] = []
        self._sids = itertools.count(1)
        self.info = Info(fields={})
        """The latest INFO."""
        self.closed = False
        """Whether the connection is over, whoever ended it."""

    def subscribe(self, subject: str, queue: str | None = None) -> int:
        """Subscribe and return the number of the subscription. Whether it was allowed, `flush` tells."""
        sid = next(self._sids)
        words = ["SUB", _token(subject), *([_token(queue)] if queue else []), str(sid)]
        self._send(" ".join(words).encode() + b"\r\n")
        return sid

    def unsubscribe(self, sid: int) -> None:
        """End a subscription."""
        self._send(f"UNSUB {sid}\r\n".encode())

    def publish(self, subject: str, payload: bytes = b"", reply: str | None = None) -> None:
        """Publish a message, for real. Whether it was allowed, `flush` tells."""
        words = ["PUB", _token(subject), *([_token(reply)] if reply else []), str(len(payload))]
        self._send(" ".join(words).encode() + b"\r\n" + payload + b"\r\n")

    def flush(self, timeout: float | None = None) -> list[str]:
        """Wait until the server has handled everything sent, and return its errors since the last flush.

        Raises:
            Disconnected: the server ended the connection, or did not answer in time.

        """
        self._send(b"PING\r\n")
        deadline = Deadline(self._timeout if timeout is None else timeout)
        try:
            while not isinstance(self._read(deadline), Pong):
                pass
        except TimeoutError:
            raise self._ended("the server did not answer a PING in time") from None
        errors, self._errors = self._errors, []
        return errors

    def messages(self) -> list[Message]:
        """Take the messages that have come in so far, without waiting."""
        taken = list(self._messages)
        self._messages.clear()
        return taken

    def wait_for(self, wanted: Callable[[Message], bool], deadline: Deadline) -> Message | None:
        """Take the first message that is wanted, or return None if none came in time. Others are kept.

        Raises:
            Disconnected: the server ended the connection.

        """
        seen = 0
        while True:
            for message in itertools.islice(self._messages, seen, None):
                if wanted(message):
                    self._messages.remove(message)
                    return message
            seen = len(self._messages)
            try:
                self._read(deadline)
            except TimeoutError:
                return None

    def close(self) -> None:
        """Close the connection. Closing twice is fine."""
        if not self.closed:
            self.closed = True
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _log_in(self, login: _Login) -> None:
        """Read INFO, send CONNECT, and wait for the verdict."""
        deadline = Deadline(self._timeout)
        if not isinstance(self._first(deadline), Info):
            raise Refused("transport", "the server did not start with INFO")
        if isinstance(self._transport, TcpTransport) and (login.force_tls or self.info.says("tls_required")):
            self._start_tls(self._transport, login.tls, deadline)
        self._transport.send(f"CONNECT {login.options(self.info.nonce)}\r\nPING\r\n".encode(), deadline)
        while not isinstance(event := self._first(deadline), Pong):
            if isinstance(event, ServerError):
                self._drain(deadline)
                code, reason = self._transport.close_code, self._transport.close_reason
                raise Refused("connect", event.text, close_code=code, close_reason=reason)

    def _start_tls(self, tcp: TcpTransport, tls: SSLContext | None, deadline: Deadline) -> None:
        """Go on in TLS, before CONNECT carries a token."""
        if tls is None:
            raise Refused("transport", "the server requires TLS, and no TLS context was given")
        if not (self.info.says("tls_required") or self.info.says("tls_available")):
            raise Refused("transport", "TLS is asked for, and the server does not offer it")
        # What came in clear after INFO was not said by the holder of the certificate.
        self._parser = Parser()
        self._events.clear()
        tcp.start_tls(tls, deadline)

    def _first(self, deadline: Deadline) -> Event:
        """Wait for an event while there is no connection yet; OSError if none comes."""
        while not self._events:
            self._receive(deadline)
        return self._take()

    def _read(self, deadline: Deadline) -> Event:
        """Wait for the next event and note what it says; a PING is answered."""
        while not self._events:
            try:
                self._receive(deadline)
            except TimeoutError:
                raise
            except (OSError, ProtocolError) as error:
                raise self._ended(str(error)) from error
        event = self._take()
        if isinstance(event, Ping):
            self._send(b"PONG\r\n")
        return event

    def _send(self, data: bytes) -> None:
        if self.closed:
            raise Disconnected("the connection is closed")
        try:
            self._transport.send(data, Deadline(self._timeout))
        except OSError as error:
            # Why it is closed may lie unread in the socket.
            self._drain(Deadline(_LAST_WORDS))
            raise self._ended(str(error)) from error

    def _drain(self, deadline: Deadline) -> None:
        """Read until the server has closed: over a websocket its close frame comes after the -ERR."""
        try:
            while True:
                self._receive(deadline)
        except (OSError, ProtocolError):
            while self._events:
                self._take()

    def _receive(self, deadline: Deadline) -> None:
        """Read once. TimeoutError: nothing yet; any other OSError: nothing more will come."""
        chunk = self._transport.receive(deadline)
        if not chunk:
            raise ConnectionError("the server closed the connection")
        self._events.extend(self._parser.feed(chunk))

    def _take(self) -> Event:
        event = self._events.popleft()
        match event:
            case Info():
                self.info = event
            case Message():
                self._messages.append(event)
            case ServerError(text=text):
                self._errors.append(text)
        return event

    def _ended(self, why: str) -> Disconnected:
        """Close, and say why in the server's last words if there are any."""
        code, reason = self._transport.close_code, self._transport.close_reason
        self.close()
        return Disconnected(self._errors[-1] if self._errors else why, close_code=code, close_reason=reason)


def connect_tcp(
    host: str,
    port: int,
    *,
    jwt: str | None = None,
    key: KeyPair | None = None,
    tls: SSLContext | None = None,
    force_tls: bool = False,
    timeout: float,
) -> Connection:
    """Connect over TCP with a user's JWT; without a key no nonce is signed, as a bearer does.

    TLS begins after INFO if the server requires it or `force_tls` is set; it never begins before, so a server
    with `handshake_first` is not reached. `timeout` bounds, in seconds, this call and every later wait.

    Raises:
        Refused: no connection; `stage` and `error` tell why.

    """
    deadline = Deadline(timeout)
    login = _Login(jwt=jwt, key=key, tls=tls, force_tls=force_tls)
    return _connect(lambda: TcpTransport(host, port, deadline), login, timeout)


def connect_websocket(
    url: str,
    *,
    cookie: tuple[str, str] | None = None,
    origin: str | None = None,
    jwt: str | None = None,
    key: KeyPair | None = None,
    tls: SSLContext | None = None,
    timeout: float,
) -> Connection:
    """Connect over a websocket, as a browser would: the JWT in a cookie (name, value), and an Origin.

    A `jwt` goes into CONNECT and beats the cookie; a `key` signs the nonce, whichever of the two is used.

    Raises:
        Refused: no connection; `stage`, `status`, `error` and `close_code` tell why.

    """
    deadline = Deadline(timeout)
    return _connect(
        lambda: open_websocket(url, cookie=cookie, origin=origin, tls=tls, deadline=deadline),
        _Login(jwt=jwt, key=key),
        timeout,
    )


def _connect(dial: Callable[[], Transport], login: _Login, timeout: float) -> Connection:
    try:
        with contextlib.ExitStack() as undo:
            connection = Connection(dial(), timeout)
            undo.callback(connection.close)
            connection._log_in(login)
            undo.pop_all()
            return connection
    except TimeoutError as error:
        raise Refused("transport", f"the server did not answer within {timeout:g} s") from error
    except (OSError, ProtocolError) as error:
        raise Refused("transport", str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Login:
    """What a connection shows for itself."""

    jwt: str | None = field(repr=False)
    key: KeyPair | None
    tls: SSLContext | None = None
    force_tls: bool = False

    def options(self, nonce: str) -> str:
        """Return the JSON of CONNECT."""
        options: dict[str, object] = {
            "verbose": False,
            "pedantic": False,
            "tls_required": self.force_tls,
            "name": "natsbackend proof",
            "lang": "python",
            "version": __version__,
            "protocol": 1,
            "echo": True,
            "headers": True,
            "no_responders": True,
        }
        if self.jwt is not None:
            options["jwt"] = self.jwt
        if self.key is not None and nonce:
            signature = base64.urlsafe_b64encode(self.key.sign(nonce.encode()))
            options["sig"] = signature.rstrip(b"=").decode("ascii")
        return json.dumps(options)


def _token(text: str) -> str:
    """Refuse what would end the word, and let the rest become a command of its own."""
    if not text or any(c.isspace() or ord(c) < 32 or ord(c) == 127 for c in text):
        raise LiveServerError(f"{text!r} cannot be sent as a subject or queue: it is empty or holds blanks")
    return text
