"""Account JWTs at an account server, over HTTP: what a server's `resolver: URL(...)` reads [only door to httpx].

The protocol is that of nats-account-server: `GET` and `POST /jwt/v1/accounts/ID`, `GET /jwt/v1/operator` for whom it
trusts, `GET /jwt/v1/pack` for all of it, one `ID|JWT` a line. It deletes nothing. A nats-server asks it when it first
needs an account, and works with what it was given until it is told of another; so no result here names an effect.

Everything may be asked twice, a `POST` too: it stores the same bytes. So a lost connection and a 502, 503 or 504 are
tried again, three times in all. Redirects are not followed: they could lead anywhere.
"""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx

from natsbackend.claims.envelope import MAX_TOKEN_SIZE
from natsbackend.errors import ResolverError, ResolverRejected, ResolverUnavailable
from natsbackend.keys import KeyRole, is_public
from natsbackend.resolvers.holder import Answer, HolderResolver
from natsbackend.resolvers.interface import CannotRemove

_API = "/jwt/v1"
_PAUSES = (0.1, 0.5)
"""Seconds before the second and the third try."""
_RETRIED = frozenset({502, 503, 504})
_AT_ONCE = 8
"""Requests under way at the same time, each on a connection of its own."""
_MOST = 1 << 30
"""Bytes of a pack; nobody has so many accounts, and a server that goes on for ever has to be left."""
_WORDS = 200
"""So much of a server's own words is repeated."""
_HINT = "a target over http is the URL of an account server: https://HOST:PORT/jwt/v1"


class AccountServer:
    """A `Store` over HTTP."""

    def __init__(self, url: str, *, timeout: float, tls: ssl.SSLContext | None) -> None:
        self._base = base_url(url)
        self._client = httpx.Client(
            timeout=timeout,
            verify=tls or ssl.create_default_context(),
            limits=httpx.Limits(max_connections=_AT_ONCE),
            headers={"accept": "application/jwt, text/plain"},
        )
        self._known: dict[str, tuple[str, str]] = {}
        """Account to the ETag and the JWT that came with it."""

    @property
    def label(self) -> str:
        """Its host and port."""
        return urlsplit(self._base).netloc

    def operators(self) -> tuple[str, ...]:
        """Return the operator's JWT; nothing if the server has none, and takes whatever is sent."""
        answer = self._ask("GET", "/operator")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return ()
        self._expect_ok(answer)
        return (_token(answer),)

    def read(self, ids: Sequence[str]) -> Mapping[str, str | None]:
        """Ask for each account; what has not changed since it was read is not sent again."""
        return dict(zip(ids, self._read_each(ids), strict=True))

    def read_all(self) -> Mapping[str, str]:
        """Ask for all accounts at once. Lines of another form are an error: half a pack must not pass for all of it."""
        answer = self._ask("GET", "/pack", most=_MOST)
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise ResolverRejected(f'"{self.label}" gives no list of its accounts (404 for {_API}/pack)')
        self._expect_ok(answer)
        found: dict[str, str] = {}
        for line in answer.text.splitlines():
            account, bar, token = line.partition("|")
            if line and not (bar and token and is_public(account, KeyRole.ACCOUNT)):
                raise ResolverRejected(
                    f'"{self.label}" answers {_API}/pack with something else than accounts'
                )
            if line:
                found[account] = token
        return found

    def write(self, tokens: Mapping[str, str]) -> Iterator[tuple[str, Answer]]:
        """Send JWTs one by one, in their order: exporters first, and the server checks each for itself."""
        for account, token in tokens.items():
            yield account, self._write_one(account, token)

    def remove(self, ids: Sequence[str]) -> None:
        """Refuse: the protocol has no way to delete."""
        raise CannotRemove(
            f'the account server "{self.label}" deletes nothing over http ({len(ids)} asked for)',
            hint="the tombstones let nobody in; delete the files where the account server keeps them",
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _read_one(self, account: str) -> str | None:
        etag, known = self._known.get(account, ("", ""))
        answer = self._ask("GET", f"/accounts/{account}", headers={"if-none-match": etag} if etag else {})
        if answer.status_code == httpx.codes.NOT_FOUND:
            self._known.pop(account, None)
            return None
        if etag and answer.status_code == httpx.codes.NOT_MODIFIED:
            return known
        self._expect_ok(answer)
        token = _token(answer)
        if tag := answer.headers.get("etag"):
            self._known[account] = (tag, token)
        return token

    def _write_one(self, account: str, token: str) -> Answer:
        self._known.pop(account, None)
        answer = self._ask(
            "POST",
            f"/accounts/{account}",
            headers={"content-type": "application/jwt"},
            content=token.encode("ascii"),
        )
        words = _words(answer)
        if answer.status_code == httpx.codes.OK:
            return Answer(words=words or "ok")
        if answer.status_code == httpx.codes.ACCEPTED:
            said = f": {words}" if words else ""
            return Answer(
                words=f"it is taken, and stored only once somebody has signed it there{said}", is_stored=False
            )
        if answer.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.REQUEST_ENTITY_TOO_LARGE):
            return Answer(words=words or f"status {answer.status_code}", is_stored=False)
        raise self._unexpected(answer)

    def _read_each(self, ids: Sequence[str]) -> list[str | None]:
        if len(ids) <= 1:
            return [self._read_one(account) for account in ids]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            try:
                return list(pool.map(self._read_one, ids))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        most: int = MAX_TOKEN_SIZE,
    ) -> httpx.Response:
        """Ask, and ask again where that may help; the last try's answer stands, whatever it is."""
        for pause in _PAUSES:
            with contextlib.suppress(httpx.TransportError):
                answer = self._once(method, path, headers or {}, content, most)
                if answer.status_code not in _RETRIED:
                    return answer
            time.sleep(pause)
        try:
            return self._once(method, path, headers or {}, content, most)
        except httpx.TransportError as error:
            raise ResolverUnavailable(
                f'"{self.label}": {_reason(error)}', hint="check the target's url, and that the server runs"
            ) from error

    def _once(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes | None, most: int
    ) -> httpx.Response:
        with self._client.stream(method, self._base + path, headers=headers, content=content) as answer:
            parts, size = list[bytes](), 0
            for part in answer.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > most:
                    raise ResolverRejected(
                        f'"{self.label}" answers {method} {path} with more than {most} bytes'
                    )
            headers = {
                name: answer.headers[name] for name in ("etag", "content-type") if name in answer.headers
            }
            return httpx.Response(answer.status_code, headers=headers, content=b"".join(parts))

    def _expect_ok(self, answer: httpx.Response) -> None:
        if answer.status_code != httpx.codes.OK:
            raise self._unexpected(answer)

    def _unexpected(self, answer: httpx.Response) -> ResolverError:
        """Return what a status that is not one of the protocol's means."""
        got = answer.status_code
        message = (
            f'"{self.label}" answers {got}: {_words(answer) or answer.reason_phrase.lower() or "no reason"}'
        )
        if got in _RETRIED or got >= httpx.codes.INTERNAL_SERVER_ERROR:
            return ResolverUnavailable(message, hint="try again: it is safe")
        return ResolverRejected(message, hint=_HINT)


def base_url(url: str) -> str:
    """Return where the protocol begins: a URL without a path gets `/jwt/v1`, and one of its accounts loses them.

    Raises:
        ResolverError: it is no such URL.

    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ResolverError("a target's url cannot be read", hint=_HINT) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ResolverError(f'cannot push over "{parts.scheme}" to "{parts.hostname or ""}"', hint=_HINT)
    path = parts.path.rstrip("/").removesuffix("/accounts") or _API
    return f"{parts.scheme}://{parts.netloc}{path}"


def _token(answer: httpx.Response) -> str:
    return answer.content.decode("utf-8", "replace")


def _words(answer: httpx.Response) -> str:
    """Return what a server said, in one line, without what no terminal should be told."""
    text = " ".join(answer.content.decode("utf-8", "replace").split())
    return "".join(each for each in text if each.isprintable())[:_WORDS]


def _reason(error: httpx.TransportError) -> str:
    """Say why nothing came."""
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return f"tls: {getattr(cause, 'verify_message', None) or cause.reason or cause}"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        cause = cause.__cause__ or cause.__context__
    return str(error).lower() or "the connection was lost"


@contextlib.contextmanager
def open_http_resolver(
    url: str, *, timeout: float = 5.0, tls_context: ssl.SSLContext | None = None
) -> Iterator[HolderResolver]:
    """Open an account server as a resolver; nothing is asked yet.

    Args:
        url: `https://HOST:PORT/jwt/v1`; without a path, that is meant.
        timeout: seconds, for connecting and for silence.
        tls_context: for a private CA or a client's certificate, as `nats_tls.tls_context` makes it.

    Raises:
        ResolverError: a URL that cannot be used.

    """
    resolver = HolderResolver(AccountServer(url, timeout=timeout, tls=tls_context))
    try:
        yield resolver
    finally:
        resolver.close()
