"""The client protocol of NATS over one TCP or TLS connection: bytes in, messages out, and nothing of requests.

Made for thousands of messages in one go, which is why it is here and no library: a chunk of the network is parsed
in one loop, and a message costs one call. It reads what a server sends (INFO, MSG, HMSG, PING, PONG, +OK,
-ERR; nats-server 2.15 `parser.go`), and answers PING.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import SplitResult

_LONGEST_LINE = 1 << 20
"""Longest control line taken, in bytes; an INFO of a large cluster has some ten thousand."""
_LARGEST_MESSAGE = 64 << 20
"""Largest message taken: the default `max_pending`, above which `max_payload` may not go."""

OnMessage = Callable[[bytes, bytes, bytes], None]
"""Called with subject, headers and payload; headers are empty where a message has none."""


class NotNats(OSError):
    """What was said is not the NATS client protocol, or the server does not offer what must be."""


class Stream(asyncio.Protocol):
    """One connection; `dial` makes it. Whatever ends it is in `error`, the server's complaints in `complaints`."""

    def __init__(self) -> None:
        self.info: Mapping[str, Any] = {}
        self.complaints: list[str] = []
        """Texts of -ERR, as the server wrote them."""
        self.error: Exception | None = None
        self.is_over = False
        self.on_message: OnMessage | None = None
        self.on_complaint: Callable[[str], None] | None = None
        self.on_end: Callable[[], None] | None = None
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._waiter: asyncio.Future[None] | None = None
        self._waited = b""

    @classmethod
    async def dial(cls, target: SplitResult, tls: ssl.SSLContext | None) -> Stream:
        """Connect, read INFO, and go on in TLS where the URL or the server asks for it.

        Raises:
            OSError: no connection, no NATS (`NotNats`), or TLS failed (`ssl.SSLError`).

        """
        loop = asyncio.get_running_loop()
        stream = cls()
        try:
            try:
                await loop.create_connection(lambda: stream, target.hostname or "", target.port or 4222)
            except UnicodeError as error:
                raise NotNats("no such host") from error
            await stream.wait_for(b"INFO")
            wants, offers = target.scheme == "tls", stream.info.get("tls_required")
            if wants and not (offers or stream.info.get("tls_available")):
                raise NotNats("the server does not offer tls")
            if wants or offers:
                await stream._start_tls(tls or ssl.create_default_context(), target)
        except BaseException:
            stream.abort()
            raise
        return stream

    async def _start_tls(self, context: ssl.SSLContext, target: SplitResult) -> None:
        assert self._transport
        # What came in clear behind INFO was not said by the holder of the certificate.
        self._rest = b""
        transport = await asyncio.get_running_loop().start_tls(
            self._transport, self, context, server_hostname=target.hostname
        )
        if transport is None:
            raise ConnectionError("the connection ended while TLS began")
        self._transport = transport

    def write(self, data: bytes) -> None:
        """Send bytes; where the connection is over, `on_end` has told it."""
        if self._transport and not self.is_over:
            self._transport.write(data)

    async def wait_for(self, word: bytes) -> None:
        """Wait until the server says a word (INFO or PONG).

        Raises:
            OSError: the connection ended before.

        """
        self._waited = word
        self._waiter = asyncio.get_running_loop().create_future()
        if self.is_over:
            self._wake()
        await self._waiter

    def abort(self) -> None:
        """End it without a word."""
        self.is_over = True
        if self._transport:
            self._transport.abort()

    # --- what asyncio calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, and tell whoever waits."""
        self.is_over = True
        self.error = self.error or exc
        self._wake()
        if self.on_end:
            self.on_end()

    def data_received(self, data: bytes) -> None:
        """Take apart what came; the beginning of a message is kept until the rest is here."""
        buffer = self._rest + data if self._rest else data
        self._rest = b""
        at = 0
        try:
            at = self._parse(buffer)
        except (ValueError, RecursionError):
            self._broken("what answers there is not a nats-server")
            return
        self._rest = buffer[at:]
        if len(self._rest) > _LARGEST_MESSAGE + _LONGEST_LINE:
            self._broken("the server sent a message larger than any server sends")

    def _parse(self, buffer: bytes) -> int:
        """Handle every whole line and message, and return where the first that is not whole begins."""
        at, length, find = 0, len(buffer), buffer.find
        while at < length:
            end = find(b"\r\n", at)
            if end < 0:
                if length - at > _LONGEST_LINE:
                    raise ValueError
                return at
            kind = buffer[at : at + 4]
            if kind not in (b"MSG ", b"HMSG"):
                self._control(buffer[at:end])
                at = end + 2
                continue
            words = buffer[at:end].split()
            start, size = end + 2, int(words[-1])
            stop = start + size
            if not 0 <= size <= _LARGEST_MESSAGE:
                raise ValueError
            if stop + 2 > length:
                return at
            body = start + int(words[-2]) if kind == b"HMSG" else start
            if self.on_message:
                self.on_message(words[1], buffer[start:body], buffer[body:stop])
            at = stop + 2
        return at

    def _control(self, line: bytes) -> None:
        word, _, rest = line.partition(b" ")
        word = word.upper()
        if word == b"PING":
            self.write(b"PONG\r\n")
        elif word == b"INFO":
            info = json.loads(rest)
            if not isinstance(info, dict):
                raise ValueError
            self.info = info
        elif word == b"-ERR":
            text = rest.decode("utf-8", "replace").strip().strip("'")
            self.complaints.append(text)
            if self.on_complaint:
                self.on_complaint(text)
        elif word not in (b"PONG", b"+OK"):
            raise ValueError
        if word == self._waited:
            self._wake()

    def _broken(self, words: str) -> None:
        self.error = NotNats(words)
        if self._transport:
            self._transport.abort()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is None or waiter.done():
            return
        if self.is_over:
            waiter.set_exception(self.error if isinstance(self.error, OSError) else ConnectionError())
        else:
            waiter.set_result(None)
