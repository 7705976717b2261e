"""Push account JWTs to the full resolver of running nats-servers, and prove that they arrived.

All accounts go over one connection, pipelined (`nats_wire`); the steps of a push are in `nats_push`.
Synchronous to its callers: it owns an event loop that runs only inside its methods. So open it, work, and
close it; do not keep it open while a person thinks, and do not call it from a thread that runs an event loop.

What the server does not do for us (nats-server 2.15.1, `server/accounts.go`, `DirAccResolver`): it answers
200 to a JWT whose issuer it does not trust and overwrites the good one with it; it stores an older JWT over a
newer one; 200 does not mean that imports were installed. `push` makes up for all three.

The user needs, in the system account, and nothing more: publish to `nats_push.PUSHER_PUBLISH` (for `servers`
and `lookup` to `OBSERVER_PUBLISH`), and subscribe to `<inbox_prefix>.>`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from natsbackend.errors import InvalidKey, ResolverUnavailable
from natsbackend.keys import KeyPair, KeyRole, is_public
from natsbackend.resolvers.interface import AccountPush, OnProgress, PushResult, ServerInfo
from natsbackend.resolvers.nats_push import LOOKUP, Push, discover, issued_at
from natsbackend.resolvers.nats_wire import Login, Wire

_T = TypeVar("_T")


class NatsResolver:
    """A `Resolver` over one connection to the system account; made by `open_nats_resolver`."""

    def __init__(self, runner: asyncio.Runner, wire: Wire, expected: int | None) -> None:
        self._runner = runner
        self._wire: Wire | None = wire
        self._expected = expected

    def servers(self) -> tuple[ServerInfo, ...]:
        """Ask every server who it is and whom it trusts; sorted by name.

        Raises:
            ResolverUnavailable: nobody answered.
            ResolverRejected: this user may not ask.

        """
        return self._run(discover(self._open(), self._expected)).servers

    def lookup(self, ids: Sequence[str]) -> Mapping[str, str | None]:
        """Return the stored JWT of each account: the newest where servers differ, None if there is none.

        Raises:
            InvalidKey: an id is not an account's public key; the server would keep silent about it.
            ResolverUnavailable: an account got no answer from any server.
            ResolverRejected: this user may not ask, or there is no full resolver.

        """
        for account in ids:
            if not is_public(account, KeyRole.ACCOUNT):
                raise InvalidKey(f'"{account}" is not the public key of an account')
        return self._run(_lookup(self._open(), tuple(dict.fromkeys(ids)), self._expected))

    def push(
        self,
        accounts: Sequence[AccountPush],
        *,
        expected: int | None = None,
        on_progress: OnProgress | None = None,
    ) -> tuple[PushResult, ...]:
        """Store account JWTs on every server and verify it; results are in the order of `accounts`.

        Args:
            accounts: each account once.
            expected: how many servers must answer; without it what `open_nats_resolver` was told, and never
                fewer than the servers that know of each other.
            on_progress: told how far the push is, from inside the event loop: it must not block.

        Raises:
            ResolverRejected: before anything was sent, a JWT that must not be pushed (an issuer that a server
                does not trust, an `iat` not above the stored one, too large), or this user may not ask.
            ClaimsError: before anything was sent, a JWT cannot be read.
            ResolverUnavailable: before anything was sent, nobody answered.
            PushInterrupted, PushRejected: the same after something may have been sent.

        """
        push = Push(self._open(), accounts, expected or self._expected, on_progress)
        return self._run(push.run())

    def close(self) -> None:
        """Close the connection and the event loop; a second call does nothing."""
        wire, self._wire = self._wire, None
        if wire:
            self._runner.run(wire.close())
            self._runner.close()

    def _open(self) -> Wire:
        if self._wire is None:
            raise ResolverUnavailable("the resolver is closed", hint="open it again")
        return self._wire

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self._runner.run(work)


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
        tls_context: for a private CA or client certificate; by default the system's CAs.

    Raises:
        ResolverUnavailable: no server could be reached; the message says why for each.
        ResolverRejected: a server refused the login.
        ResolverError: a URL that cannot be used.

    """
    login = Login(jwt=jwt, key=key, inbox_prefix=inbox_prefix, timeout=timeout, tls=tls_context)
    with asyncio.Runner() as runner:
        resolver = NatsResolver(runner, runner.run(Wire.connect(urls, login)), expected_servers)
        try:
            yield resolver
        finally:
            resolver.close()


async def _lookup(wire: Wire, ids: Sequence[str], expected: int | None) -> Mapping[str, str | None]:
    fleet = await discover(wire, expected)
    found: dict[str, tuple[int, str | None]] = {}

    def take(index: int, data: bytes) -> None:
        # An empty reply is how a server says that it has none.
        stored = data.decode("utf-8", "replace") or None
        iat = -1 if stored is None else issued_at(data)
        if iat > found.get(ids[index], (-2, None))[0]:
            found[ids[index]] = (iat, stored)

    await wire.exchange(
        [(LOOKUP.format(account), b"") for account in ids], each=len(fleet.servers), take=take
    )
    silent = [account for account in ids if account not in found]
    if silent:
        raise ResolverUnavailable(
            f"no server answered the lookup of {len(silent)} accounts, first {silent[0]}"
        )
    return {account: found[account][1] for account in ids}
