"""Push account JWTs to the full resolver of running nats-servers, and prove that they arrived.

All accounts go over one connection, pipelined (`nats_wire`); the steps of a push are in `nats_push`.
Synchronous to its callers: it owns an event loop that runs only inside its methods. So open it, work, and
close it; do not keep it open while a person thinks, and do not call it from a thread that runs an event loop.

What the server does not do for us (nats-server 2.15.1, `server/accounts.go`, `DirAccResolver`): it answers
200 to a JWT whose issuer it does not trust and overwrites the good one with it; it stores an older JWT over a
newer one; 200 does not mean that imports were installed. `push` makes up for all three.

A connection that is lost is made again over the next URL, and what was asked is asked again: all of it is safe to
do twice.

The user needs, in the system account, and nothing more: publish to `nats_subjects.PUSHER_PUBLISH` (for `servers`
and `lookup` to `OBSERVER_PUBLISH`, for `fetch` and `inspect` to `READER_PUBLISH`, for `remove` to `DELETE`), and
subscribe to `<inbox_prefix>.>`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from natsbackend.errors import InvalidKey, ResolverUnavailable
from natsbackend.keys import KeyPair, KeyRole, is_public
from natsbackend.resolvers import nats_read, nats_remove
from natsbackend.resolvers.interface import (
    AccountPush,
    Holding,
    OnProgress,
    PushResult,
    RemoveResult,
    ServerInfo,
)
from natsbackend.resolvers.nats_fleet import discover, unreachable
from natsbackend.resolvers.nats_push import Push
from natsbackend.resolvers.nats_session import Session
from natsbackend.resolvers.nats_wire import Login, Wire

_T = TypeVar("_T")


class NatsResolver:
    """A `Resolver` over one connection to the system account; made by `open_nats_resolver`."""

    def __init__(self, runner: asyncio.Runner, session: Session, expected: int | None) -> None:
        self._runner = runner
        self._session: Session | None = session
        self._expected = expected

    def servers(self) -> tuple[ServerInfo, ...]:
        """Ask every server who it is and whom it trusts; sorted by name.

        Raises:
            ResolverUnavailable: nobody answered.
            ResolverRejected: this user may not ask.

        """
        return self._run(lambda wire: discover(wire, self._expected)).servers

    def absent(self) -> tuple[str, ...]:
        """Say, one sentence each, which expected servers are not there; by URL where the target's URLs tell.

        Raises:
            ResolverUnavailable: nobody answered.
            ResolverRejected: this user may not ask.

        """
        session = self._open()
        fleet = self._run(lambda wire: discover(wire, self._expected))
        reasons = self._runner.run(unreachable(session.urls, session.login, fleet)) if fleet.unheard else ()
        rest = fleet.unheard - len(reasons)
        more = (f"{rest} of {fleet.expected} expected servers did not answer",) if rest > 0 else ()
        return (*reasons, *more)

    def lookup(self, ids: Sequence[str]) -> Mapping[str, str | None]:
        """Return the stored JWT of each account: the newest where servers differ, None if there is none.

        Raises:
            InvalidKey: an id is not an account's public key; the server would keep silent about it.
            ResolverUnavailable: an account got no answer from any server.
            ResolverRejected: this user may not ask, or there is no full resolver.

        """
        wanted = _accounts(ids)
        return self._run(lambda wire: nats_read.look_up(wire, wanted, self._expected))

    def fetch(self) -> Mapping[str, str]:
        """Return every account JWT of one server by the account's public key, in bulk.

        Raises:
            ResolverUnavailable: nobody answered, or not to the end.
            ResolverRejected: this user may not ask, or the servers have neither a full nor a cache resolver.

        """
        return self._run(nats_read.fetch)

    def inspect(self, ids: Sequence[str]) -> Mapping[str, Holding]:
        """Return what each server holds of each account, and what it makes of it.

        A server does not say who it is when it gives back a stored JWT. Where that cannot be told from the rest of
        what it says (servers that hold different ones, and work with none), `tokens` names them all: `n1 or n2`.

        Raises:
            InvalidKey: an id is not an account's public key.
            ResolverUnavailable: nobody answered.
            ResolverRejected: this user may not ask.

        """
        wanted = _accounts(ids)
        return self._run(lambda wire: nats_read.inspect(wire, wanted, self._expected))

    def remove(
        self, ids: Sequence[str], permit: str | Sequence[str], *, expected: int | None = None
    ) -> RemoveResult:
        """Delete accounts for good; see `Resolver.remove`.

        Raises:
            InvalidKey: an id is not an account's public key.
            ClaimsError: before anything was sent, a permit cannot be read.
            ResolverRejected: before anything was sent, permits that the servers would refuse; or this user may not.
            ResolverUnavailable: nobody answered, or the connection was lost: removing again is safe.

        """
        wanted = _accounts(ids)
        permits = [permit] if isinstance(permit, str) else list(permit)
        return self._run(lambda wire: nats_remove.remove(wire, wanted, permits, expected or self._expected))

    def push(
        self,
        accounts: Sequence[AccountPush],
        *,
        expected: int | None = None,
        probe: bool = False,
        on_progress: OnProgress | None = None,
    ) -> tuple[PushResult, ...]:
        """Store account JWTs on every server and verify it; results are in the order of `accounts`.

        Args:
            accounts: each account once.
            expected: how many servers must answer; without it what `open_nats_resolver` was told, and never
                fewer than the servers that know of each other.
            probe: make every server load the changed accounts that nobody used there yet, so that their state
                can be asked for. The user then needs to publish to `nats_subjects.LOAD`; if it may not, such
                accounts stay `NOT_LOADED`.
            on_progress: told how far the push is, from inside the event loop: it must not block.

        Raises:
            ResolverRejected: before anything was sent, a JWT that must not be pushed (an issuer that a server
                does not trust, an `iat` not above the stored one, too large), or this user may not ask.
            ClaimsError: before anything was sent, a JWT cannot be read.
            ResolverUnavailable: before anything was sent, nobody answered.
            PushInterrupted, PushRejected: the same after something may have been sent.

        """
        session = self._open()
        push = Push(
            accounts,
            urls=session.urls,
            login=session.login,
            expected=expected or self._expected,
            probe=probe,
            on_progress=on_progress,
        )
        return self._run(push.run)

    def close(self) -> None:
        """Close the connection and the event loop; a second call does nothing."""
        session, self._session = self._session, None
        if session:
            self._runner.run(session.close())
            self._runner.close()

    def _open(self) -> Session:
        if self._session is None:
            raise ResolverUnavailable("the resolver is closed", hint="open it again")
        return self._session

    def _run(self, work: Callable[[Wire], Awaitable[_T]]) -> _T:
        return self._runner.run(self._open().run(work))


@contextlib.contextmanager
def open_nats_resolver(
    urls: Sequence[str],
    *,
    jwt: str,
    key: KeyPair,
    inbox_prefix: str,
    timeout: float = 5.0,
    expected_servers: int | None = None,
    tls_context: ssl.SSLContext | None = None,
) -> Iterator[NatsResolver]:
    """Log in to the first server that answers, and close the connection in the end.

    Args:
        urls: `nats://HOST:PORT` or `tls://HOST:PORT`; tried in this order.
        jwt: user JWT of the system account's role `pusher` or `observer`; short-lived. Kept in memory only.
        key: the key pair of that user.
        inbox_prefix: where this user may subscribe, without the final `.>`.
        timeout: seconds, for connecting to a server, and for silence while replies are due. A push of many
            accounts takes longer as long as replies keep coming.
        expected_servers: how many servers must confirm a push, if more than know of each other.
        tls_context: for a private CA or client certificate, as `nats_tls.tls_context` makes it; by default the
            system's CAs.

    Raises:
        ResolverUnavailable: no server could be reached; the message says why for each.
        ResolverRejected: a server refused the login.
        ResolverError: a URL that cannot be used.

    """
    login = Login(jwt=jwt, key=key, inbox_prefix=inbox_prefix, timeout=timeout, tls=tls_context)
    with asyncio.Runner() as runner:
        resolver = NatsResolver(runner, runner.run(Session.open(urls, login)), expected_servers)
        try:
            yield resolver
        finally:
            resolver.close()


def _accounts(ids: Sequence[str]) -> tuple[str, ...]:
    for account in ids:
        if not is_public(account, KeyRole.ACCOUNT):
            raise InvalidKey(f'"{account}" is not the public key of an account')
    return tuple(dict.fromkeys(ids))
