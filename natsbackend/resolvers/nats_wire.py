"""One authenticated connection and many requests in flight on it.

It knows NATS, not accounts. Requests go out pipelined, many in one write; all replies come to one wildcard
subscription under a private inbox, told apart by a running number in their subject, so that a late one is never
taken for another.
Errors of the socket and the server's -ERR become `ResolverUnavailable` or `ResolverRejected` here.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import secrets
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from natsbackend import __version__
from natsbackend.errors import ResolverError, ResolverRejected, ResolverUnavailable
from natsbackend.keys import KeyPair
from natsbackend.resolvers.nats_exchange import Exchange, Request, Take
from natsbackend.resolvers.nats_stream import NotNats, Stream

_NAME = "natsbackend"
_LOOK_EVERY = 0.1
"""Seconds between two looks at how far an exchange is."""
_NO_RESPONDERS = b"NATS/1.0 503"
"""How the headers of the message begin by which the server says that nobody subscribed to a request's subject."""
_ENDED_LOGINS = ("authentication expired", "authentication revoked", "authorization violation")
"""What -ERR says when the server ends a connection that it will not take back."""


class NobodyListens(ResolverRejected):
    """No server subscribed to a request's subject: it has no resolver that serves it."""


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

    def __init__(self, login: Login, stream: Stream, inbox: str) -> None:
        self.timeout = login.timeout
        self._stream = stream
        self._inbox = inbox
        self._first = len(inbox) + 1
        self._failure: ResolverError | None = None
        self._is_open = True
        self._exchange: Exchange | None = None
        self._next = 0
        stream.on_message, stream.on_complaint, stream.on_end = self._received, self._complained, self._lost

    @classmethod
    async def connect(cls, urls: Sequence[str], login: Login) -> Wire:
        """Connect to the first server that answers.

        Raises:
            ResolverUnavailable: no server could be reached; the message says why for each.
            ResolverRejected: a server was reached and refused the login.

        """
        reasons = []
        for target in [target_of(url) for url in urls]:
            try:
                return await cls._open(target, login)
            except OSError as error:
                reasons.append(f'"{target.netloc}": {reason_of(error, login.timeout)}')
        raise ResolverUnavailable(
            f"no server could be reached: {'; '.join(reasons) or 'no url was given'}",
            hint="check the addresses under targets, and that the servers run",
        )

    @classmethod
    async def _open(cls, target: SplitResult, login: Login) -> Wire:
        inbox = f"{login.inbox_prefix}.{secrets.token_hex(8)}"
        async with asyncio.timeout(login.timeout):
            stream = await Stream.dial(target, login.tls)
            try:
                stream.write(f"CONNECT {_options(login, stream)}\r\nPING\r\n".encode())
                await stream.wait_for(b"PONG")
                # The subscription is asked for apart: only now is a complaint about it, and not about the login.
                stream.write(f"SUB {inbox}.* 1\r\nPING\r\n".encode())
                await stream.wait_for(b"PONG")
            except BaseException:
                stream.abort()
                _raise_refused(target, stream)
                raise
        if stream.complaints:
            stream.abort()
            raise ResolverRejected(
                f"the server refused: {stream.complaints[0]}",
                hint="the login needs an inbox of its own, as the roles pusher and observer have",
            )
        return cls(login, stream, inbox)

    @property
    def max_payload(self) -> int:
        """The largest message this server takes, in bytes."""
        return int(self._stream.info.get("max_payload") or 1 << 20)

    @property
    def is_open(self) -> bool:
        """Whether the connection still stands."""
        return self._is_open

    async def exchange(
        self,
        requests: Sequence[Request],
        *,
        each: int,
        take: Take,
        before: Sequence[Request] = (),
        sizes: Sequence[int] = (),
        tick: Callable[[int], None] | None = None,
    ) -> bool:
        """Send all requests; give every reply to `take`; return when each has `each` replies.

        It waits on as long as replies keep coming, and gives up after `timeout` seconds of silence.

        Args:
            requests: subjects and payloads.
            each: how many replies each is due.
            take: given every reply.
            before: for each request, if any, a message that needs no reply and goes out ahead of it.
            sizes: for each request, if any, the bytes of the replies that are expected.
            tick: told now and then how many replies have come; an error it raises ends the exchange.

        Returns:
            Whether every request got all its replies.

        Raises:
            ResolverUnavailable: the connection was lost.
            ResolverRejected: the server refused a subject, or nobody there listens on it.

        """
        base, self._next = self._next, self._next + len(requests)
        exchange = Exchange(requests=requests, before=before, sizes=sizes, base=base, each=each, take=take)
        await self._do(exchange, tick)
        return exchange.unfinished == 0

    async def gather(self, request: Request, take: Callable[[bytes], bool]) -> bool:
        """Send one request that has many replies; `take` gets each and says whether it was the last.

        Returns:
            Whether the last one came; False after `timeout` seconds of silence.

        Raises:
            ResolverUnavailable, ResolverRejected: as for `exchange`.

        """

        def one(_: int, data: bytes) -> None:
            if take(data):
                exchange.done.set()

        base, self._next = self._next, self._next + 1
        exchange = Exchange(requests=[request], base=base, each=-1, take=one)
        await self._do(exchange)
        return exchange.done.is_set()

    async def may_publish(self, request: Request) -> bool:
        """Send a message that needs no reply, and tell whether the server took it.

        Raises:
            ResolverUnavailable: the connection was lost, or nothing came in time.

        """
        before = len(self._stream.complaints)
        subject, payload = request
        self._stream.write(b"PUB %s %d\r\n%s\r\nPING\r\n" % (subject.encode(), len(payload), payload))
        try:
            async with asyncio.timeout(self.timeout):
                await self._stream.wait_for(b"PONG")
        except OSError as error:
            self._raise_failure()
            raise ResolverUnavailable("the server fell silent", hint="push again: it is safe") from error
        if len(self._stream.complaints) > before:
            self._failure = None
            return False
        return True

    async def _do(self, exchange: Exchange, tick: Callable[[int], None] | None = None) -> None:
        if not self._is_open:
            self._raise_failure()
            raise ResolverUnavailable("the connection is closed", hint="open it again")
        self._exchange = exchange
        try:
            self._send(exchange)
            await self._until_done_or_silent(exchange, tick)
        finally:
            self._exchange = None
        self._raise_failure()

    def _send(self, exchange: Exchange) -> None:
        """Send as many requests as there is room for, in one write."""
        out: list[bytes] = []
        inbox, before, requests, last = (
            self._inbox,
            exchange.before,
            exchange.requests,
            len(exchange.requests),
        )
        while exchange.next < last and exchange.has_room():
            index = exchange.sent()
            if before:
                subject, payload = before[index]
                out.append(b"PUB %s %d\r\n%s\r\n" % (subject.encode(), len(payload), payload))
            subject, payload = requests[index]
            head = f"PUB {subject} {inbox}.{exchange.base + index} {len(payload)}\r\n".encode()
            out += (head, payload, b"\r\n")
        if out:
            self._stream.write(b"".join(out))

    async def _until_done_or_silent(self, exchange: Exchange, tick: Callable[[int], None] | None) -> None:
        now = asyncio.get_running_loop().time
        began, heard = now(), -1
        while not exchange.done.is_set():
            # The time of a reply is not asked for: thousands of them come between two looks.
            if exchange.heard != heard:
                heard, began = exchange.heard, now()
                if tick:
                    tick(heard)
            elif now() - began >= self.timeout:
                return
            left = began + self.timeout - now()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(min(left, _LOOK_EVERY), 0.001)):
                    await exchange.done.wait()

    def _received(self, subject: bytes, headers: bytes, payload: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        index = int(subject[self._first :]) - exchange.base
        if not 0 <= index < len(exchange.requests):
            return  # a late reply to an earlier exchange
        if headers.startswith(_NO_RESPONDERS):
            self._fail(
                NobodyListens(
                    f'nobody listens on "{exchange.requests[index][0]}"',
                    hint="the user must be of the system account, and the server's resolver of type full",
                )
            )
            return
        try:
            exchange.take(index, payload)
        except ResolverError as error:
            self._fail(error)
        if exchange.replied(index):
            self._send(exchange)

    def _complained(self, words: str) -> None:
        if words.lower().startswith("permissions violation"):
            self._fail(
                ResolverRejected(
                    f"the server refused: {words}",
                    hint="push needs the role pusher, status the role observer",
                )
            )

    def _lost(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        words = self._stream.complaints[-1] if self._stream.complaints else ""
        if words.lower().endswith(_ENDED_LOGINS):
            ended = ResolverRejected(
                f"the server ended the login: {words}",
                hint="log in with new credentials; is the clock right?",
            )
            self._fail(ended)
            return
        reason = words or (_words(self._stream.error) if self._stream.error else "closed by the server")
        self._fail(ResolverUnavailable(f"the connection was lost: {reason}", hint="push again: it is safe"))

    def _fail(self, failure: ResolverError) -> None:
        self._failure = self._failure or failure
        if self._exchange:
            self._exchange.done.set()

    def _raise_failure(self) -> None:
        """Raise what went wrong, once: a refused subject does not spoil the next exchange."""
        failure, self._failure = self._failure, None
        if failure:
            raise failure

    async def close(self) -> None:
        """Close the connection. All that was asked for is answered or given up: there is nothing to wait for."""
        self._is_open = False
        self._stream.abort()
        await asyncio.sleep(0)  # asyncio closes the socket in its next turn


def target_of(url: str) -> SplitResult:
    """Read the URL of a server: `nats://HOST:PORT` or `tls://HOST:PORT`, without a user.

    Raises:
        ResolverError: it is not one.

    """
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


def reason_of(error: OSError, timeout: float) -> str:
    """Say why a server could not be reached."""
    if isinstance(error, ssl.SSLError):
        return f"tls: {getattr(error, 'verify_message', None) or error.reason or error}"
    if isinstance(error, TimeoutError) and not error.strerror:
        return f"no answer in {timeout:g} seconds"
    return _words(error)


def _options(login: Login, stream: Stream) -> str:
    """Return the JSON of CONNECT. By now TLS stands where the URL asks for it."""
    options: dict[str, object] = {
        "verbose": False,
        "pedantic": False,
        "name": _NAME,
        "lang": "python",
        "version": __version__,
        "protocol": 1,
        "headers": True,
        "no_responders": True,
        "echo": True,
        "jwt": login.jwt,
    }
    nonce = stream.info.get("nonce")
    if isinstance(nonce, str) and nonce:
        signature = base64.urlsafe_b64encode(login.key.sign(nonce.encode("utf-8")))
        options["sig"] = signature.rstrip(b"=").decode("ascii")
    return json.dumps(options)


def _raise_refused(target: SplitResult, stream: Stream) -> None:
    """Raise the server's own words about a login, if it said any; about itself it is another server's turn."""
    if not stream.complaints:
        return
    words = stream.complaints[0]
    if "authorization" in words.lower() or "authentication" in words.lower():
        raise ResolverRejected(
            f'server "{target.netloc}" refused the login: {words}',
            hint="is the user of the system account this server runs with, and the clock right?",
        )
    raise NotNats(words)


def _words(error: Exception) -> str:
    """Return the text of an error of the system, without its decoration."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ssl.SSLError):
        return f"tls: {error.reason or error}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or "closed by the server"
