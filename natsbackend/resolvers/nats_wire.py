"""One authenticated connection and many requests in flight on it. The only door to `nats` for resolvers.

It knows NATS, not accounts. Requests go out pipelined; all replies come to one wildcard subscription
under a private inbox, told apart by a running number in their subject, so that a late one is never taken for
another.
Errors of nats-py and of the socket become `ResolverUnavailable` or `ResolverRejected` here.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import math
import secrets
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from nats import errors as nats_errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from natsbackend.errors import ResolverError, ResolverRejected, ResolverUnavailable
from natsbackend.keys import KeyPair

OPEN_REQUESTS = 512
"""At most so many requests wait for their first reply; the sender goes on when half of them are answered."""
OPEN_BYTES = 4 << 20
"""At most so many payload bytes wait for a first reply (a single larger payload is still sent)."""
_SEND_AHEAD = 32
"""After so many publishes the event loop gets a turn, so that the server can begin."""
_ABANDON = 0.05
"""Seconds to close what was never open: nats-py waits for ever for the end of a TLS handshake that failed."""
_LOOK_EVERY = 0.2
"""Seconds after which the connection's state is looked at, whatever nats-py said or did not say."""
_NAME = "natsbackend"
_NO_RESPONDERS = "503"
"""Status of the empty message by which the server says that nobody subscribed to a request's subject."""

Request = tuple[str, bytes]
"""Subject and payload."""
Take = Callable[[int, bytes], None]
"""Called for each reply with the index of its request. If it raises a `ResolverError`, the exchange ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How to get in. The JWT and the key never leave memory."""

    jwt: str = field(repr=False)
    key: KeyPair
    inbox_prefix: str
    timeout: float
    """Seconds: for connecting to one server, and for silence while replies are due."""
    tls: ssl.SSLContext | None = None


class Wire:
    """A connection with one subscription, made by `connect`; it belongs to the event loop that connected."""

    def __init__(self, login: Login) -> None:
        self.timeout = login.timeout
        self._client = Client()
        self._inbox = f"{login.inbox_prefix}.{secrets.token_hex(8)}"
        self._first = len(self._inbox) + 1
        self._failure: ResolverError | None = None
        self._complaints: list[str] = []
        self._is_open = False
        self._exchange: _Exchange | None = None
        self._next = 0

    @classmethod
    async def connect(cls, urls: Sequence[str], login: Login) -> Wire:
        """Connect to the first server that answers.

        Raises:
            ResolverUnavailable: no server could be reached; the message says why for each.
            ResolverRejected: a server was reached and refused the login.

        """
        reasons = []
        for url in urls:
            parts = _target(url)
            wire = cls(login)
            reason = await wire._open(parts, login)
            if reason is None:
                return wire
            await wire.close(within=_ABANDON)
            wire._raise_failure()
            reasons.append(f'"{parts.netloc}": {reason}')
        raise ResolverUnavailable(
            f"no server could be reached: {'; '.join(reasons) or 'no url was given'}",
            hint="check the addresses under targets, and that the servers run",
        )

    @property
    def max_payload(self) -> int:
        """The largest message this server takes, in bytes."""
        return int(self._client.max_payload)

    async def _open(self, target: SplitResult, login: Login) -> str | None:
        """Connect, log in and subscribe; say why it could not be done, or return None."""
        signed = _signer(self._client, target, login.key)
        try:
            async with asyncio.timeout(login.timeout):
                await self._client.connect(
                    [target.geturl()],
                    name=_NAME,
                    user_jwt_cb=lambda: bytearray(login.jwt.encode("ascii")),
                    signature_cb=signed,
                    error_cb=self._complained,
                    closed_cb=self._closed,
                    tls=login.tls,
                    # One URL at a time and no reconnects: a push without connection must not go on blindly.
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    connect_timeout=math.ceil(login.timeout),
                    inbox_prefix=login.inbox_prefix,
                )
                _require_tls(self._client, target)
                await self._client.subscribe(f"{self._inbox}.*", cb=self._received)
        except TimeoutError:
            return f"no answer in {login.timeout:g} seconds"
        except ssl.SSLError as error:
            return f"tls: {getattr(error, 'verify_message', None) or error.reason or error}"
        except nats_errors.NoServersError:
            return self._complaints[0] if self._complaints else "not reachable"
        except (OSError, nats_errors.Error) as error:
            words = _words(error)
            if "authorization" in words.lower() or "authentication" in words.lower():
                self._failure = ResolverRejected(
                    f'server "{target.netloc}" refused the login: {words}',
                    hint="is the user of the system account this server runs with, and the clock right?",
                )
            return words
        self._is_open = True
        return None

    async def exchange(self, requests: Sequence[Request], *, each: int, take: Take) -> bool:
        """Send all requests; give every reply to `take`; return when each has `each` replies.

        It waits on as long as replies keep coming, and gives up after `timeout` seconds of silence.

        Returns:
            Whether every request got all its replies.

        Raises:
            ResolverUnavailable: the connection was lost.
            ResolverRejected: the server refused a subject, or nobody there listens on it.

        """
        if not self._is_open:
            self._raise_failure()
            raise ResolverUnavailable("the connection is closed", hint="open it again")
        base, self._next = self._next, self._next + len(requests)
        exchange = _Exchange(requests=requests, base=base, each=each, take=take)
        self._exchange = exchange
        sender = asyncio.create_task(self._send(exchange))
        try:
            await self._until_done_or_silent(exchange)
        finally:
            self._exchange = None
            sender.cancel()
            await asyncio.wait({sender})
        self._raise_failure()
        return exchange.unfinished == 0

    async def _send(self, exchange: _Exchange) -> None:
        publish, inbox, base = self._client.publish, self._inbox, exchange.base
        try:
            for index, (subject, payload) in enumerate(exchange.requests):
                # nats-py swallows a cancellation while it flushes, so look whether this is over.
                if self._exchange is not exchange:
                    return
                if not exchange.has_room(len(payload)):
                    exchange.room.clear()
                    await exchange.room.wait()
                exchange.sent(len(payload))
                await publish(subject, payload, f"{inbox}.{base + index}")
                if index % _SEND_AHEAD == 0:
                    await asyncio.sleep(0)
        except nats_errors.Error:
            self._lost()

    async def _until_done_or_silent(self, exchange: _Exchange) -> None:
        now = asyncio.get_running_loop().time
        began = now()
        while not exchange.done.is_set():
            if not self._client.is_connected:
                self._lost()
                return
            left = max(began, exchange.last) + self.timeout - now()
            if left <= 0:
                return
            # nats-py forgets `closed_cb` when the end comes while it has something to write.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, _LOOK_EVERY)):
                    await exchange.done.wait()

    async def _received(self, message: Msg) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        index = int(message.subject[self._first :]) - exchange.base
        if not 0 <= index < len(exchange.requests):
            return  # a late reply to an earlier exchange
        if message.headers and message.headers.get("Status") == _NO_RESPONDERS:
            self._fail(
                ResolverRejected(
                    f'nobody listens on "{exchange.requests[index][0]}"',
                    hint="the user must be of the system account, and the server's resolver of type full",
                )
            )
            return
        exchange.replied(index, asyncio.get_running_loop().time())
        try:
            exchange.take(index, message.data)
        except ResolverError as error:
            self._fail(error)

    async def _complained(self, error: Exception) -> None:
        """Take what nats-py would otherwise write into a log that ends up on standard error."""
        words = _words(error)
        self._complaints.append(words)
        if "permissions violation" in words:
            self._fail(
                ResolverRejected(
                    f"the server refused: {words}",
                    hint="push needs the role pusher, status the role observer",
                )
            )
        elif isinstance(error, nats_errors.SlowConsumerError):
            self._fail(ResolverUnavailable("replies came faster than they could be read"))

    async def _closed(self) -> None:
        if self._is_open:
            self._lost()

    def _lost(self) -> None:
        self._is_open = False
        reason = self._client.last_error
        words = _words(reason) if reason else "closed by the server"
        self._fail(ResolverUnavailable(f"the connection was lost: {words}", hint="push again: it is safe"))

    def _fail(self, failure: ResolverError) -> None:
        self._failure = self._failure or failure
        if self._exchange:
            self._exchange.done.set()

    def _raise_failure(self) -> None:
        """Raise what went wrong, once: a refused subject does not spoil the next exchange."""
        failure, self._failure = self._failure, None
        if failure:
            raise failure

    async def close(self, *, within: float = 1.0) -> None:
        """Close the connection in so many seconds; an error while closing is of no interest any more."""
        self._is_open = False
        with contextlib.suppress(OSError, TimeoutError, nats_errors.Error):
            async with asyncio.timeout(within):
                await self._client.close()


class _Exchange:
    """The state of one batch of requests."""

    __slots__ = (
        "_counts", "_open_bytes", "_open_requests",
        "base", "done", "each", "heard", "last", "requests", "room", "take", "unfinished",
    )  # fmt: skip

    def __init__(self, *, requests: Sequence[Request], base: int, each: int, take: Take) -> None:
        self.requests, self.base, self.each, self.take = requests, base, each, take
        self.unfinished = len(requests)
        self.heard = 0
        self.last = 0.0
        self.done = asyncio.Event()
        self.room = asyncio.Event()
        self._counts = [0] * len(requests)
        self._open_requests = 0
        self._open_bytes = 0
        if not requests:
            self.done.set()

    def has_room(self, size: int) -> bool:
        return self._open_requests == 0 or (
            self._open_requests < OPEN_REQUESTS and self._open_bytes + size <= OPEN_BYTES
        )

    def sent(self, size: int) -> None:
        self._open_requests += 1
        self._open_bytes += size

    def replied(self, index: int, now: float) -> None:
        """Count a reply. The first one of a request makes room: a silent second server holds nobody up."""
        self.heard += 1
        self.last = now
        self._counts[index] += 1
        count = self._counts[index]
        if count == 1:
            self._open_requests -= 1
            self._open_bytes -= len(self.requests[index][1])
            if self._open_requests <= OPEN_REQUESTS // 2 and self._open_bytes <= OPEN_BYTES // 2:
                self.room.set()
        if count == self.each:
            self.unfinished -= 1
            if self.unfinished == 0:
                self.done.set()


@contextlib.contextmanager
def quiet_tls() -> Iterator[None]:
    """Keep asyncio from telling the user's terminal, in a warning, how nats-py ends a TLS connection.

    nats-py upgrades with a `StreamReaderProtocol` that does not know it is over TLS, so at each orderly end
    asyncio warns of a return value that has no effect.
    """

    def is_wanted(record: logging.LogRecord) -> bool:
        return "eof_received()" not in record.getMessage()

    log = logging.getLogger("asyncio")
    log.addFilter(is_wanted)
    try:
        yield
    finally:
        log.removeFilter(is_wanted)


def _target(url: str) -> SplitResult:
    hint = "a target is nats://HOST:PORT or tls://HOST:PORT"
    try:
        parts = urlsplit(url if "://" in url else f"nats://{url}")
        port = parts.port or 4222
    except ValueError as error:
        raise ResolverError("a target's url cannot be read", hint=hint) from error
    if parts.scheme not in ("nats", "tls") or not parts.hostname:
        raise ResolverError(f'cannot push over "{parts.scheme}" to "{parts.hostname or ""}"', hint=hint)
    # A name or password in the url is left out: the login is the JWT, and the url may be shown.
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return urlsplit(f"{parts.scheme}://{host}:{port}")


def _signer(client: Client, target: SplitResult, key: KeyPair) -> Callable[[str], bytes]:
    def sign(nonce: str) -> bytes:
        _require_tls(client, target)
        return base64.b64encode(key.sign(nonce.encode("ascii")))

    return sign


def _require_tls(client: Client, target: SplitResult) -> None:
    """Refuse to go on in the clear where the URL says "tls".

    nats-py takes the scheme for a wish: it does without TLS when the server's INFO, which anybody on the way
    can change, does not ask for it. So look before the JWT is sent (a server that wants a login sends a nonce
    to sign first) and again before anything else is.
    """
    if target.scheme == "tls" and not client._server_info.get("tls_required"):
        raise nats_errors.SecureConnWantedError


def _words(error: Exception) -> str:
    """Return the text of an error of nats-py or the system, without its decoration."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error).removeprefix("nats: ").strip("'") or type(error).__name__
