"""What every resolver offers: `Resolver`, and the values that go in and come out.

Errors, for every method of `Resolver`:

- `ResolverUnavailable`: nobody answered in time, or the connection was lost.
- `ResolverRejected`: a server said no, or would accept something that it must not be given.
- `PushInterrupted` and `PushRejected` are the same two after something may have been sent; both carry
  `results`, so that what was done is not lost.

One account that a server refuses is not an exception: it is a `PushResult` that is not `ok`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from natsbackend.errors import ResolverRejected, ResolverUnavailable


class Step(enum.StrEnum):
    """What a push is doing, for `OnProgress`."""

    LOOKUP = "lookup"
    UPDATE = "update"
    READ_BACK = "read back"
    PROBE = "probe"
    """Only with `probe`, and only if a changed account is not loaded."""
    EFFECT = "effect"


class Effect(enum.StrEnum):
    """What a running server makes of an account; a stored JWT is not yet one in effect."""

    COMPLETE = "complete"
    """In effect, and every import of it is installed."""
    INCOMPLETE = "incomplete"
    """In effect, but the server dropped at least one import (not exported, not authorised, or a cycle)."""
    EXPIRED = "expired"
    """The JWT expired, or the account was deleted and nothing newer was pushed since."""
    STALE = "stale"
    """The server stored the JWT and still works with another one: it refused the new one after storing it."""
    NOT_LOADED = "not loaded"
    """Nobody used the account on this server yet; it will be read from the store when somebody does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """One server of the target, and whom it trusts to sign accounts."""

    id: str
    """Public key of the server (`N…`), new at every start."""
    name: str
    version: str
    cluster: str | None = None
    operator_issuers: frozenset[str] = frozenset()
    """Who may sign accounts here: an operator's signing keys, and its identity unless it is strict."""
    operator_jwts: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPush:
    """One account JWT to store."""

    account: str
    """Public key of the account (`A…`)."""
    jwt: str = field(repr=False)
    name: str
    """The account's name in the spec, for messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushResult:
    """What became of one account. `ok` is the verdict, `problems()` says why not."""

    account: str
    name: str
    is_unchanged: bool = False
    """Every server that answered had exactly this JWT already; nothing was sent."""
    stored: tuple[str, ...] = ()
    """Servers that confirmed that they stored this JWT, or had it already."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Server name to the server's own words."""
    missing: tuple[str, ...] = ()
    """Servers that were there when the push began and did not confirm this account."""
    unheard: int = 0
    """How many expected servers never answered at all; their names are not known."""
    read_back_ok: bool = False
    """Every expected server gave back exactly the bytes that were pushed."""
    effective: Mapping[str, Effect] = field(default_factory=dict)
    """Server name to what it makes of the account; a server that did not answer is absent."""
    dropped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Server name to the imports it dropped; see `Holding.dropped`."""
    unreachable: tuple[str, ...] = ()
    """URLs of the target that could not be reached, each with the reason (`tls://n3:4222: connection refused`).

    Looked for only when fewer servers answered than were expected.
    """
    said: Mapping[str, str] = field(default_factory=dict)
    """Server name to the words it confirmed or refused the JWT with; empty if nothing was sent."""

    @property
    def ok(self) -> bool:
        """True if every expected server holds this JWT, and none that uses it has trouble with it."""
        return not self.problems()

    def problems(self) -> tuple[str, ...]:
        """Say what is not as it should be, one sentence each."""
        out = [f'server "{server}" refused it: {words}' for server, words in self.refused.items()]
        out += [f'server "{server}" did not confirm it' for server in self.missing]
        if self.unheard:
            expected = self.unheard + len(self.stored) + len(self.refused) + len(self.missing)
            which = f" ({'; '.join(self.unreachable)})" if self.unreachable else ""
            out.append(f"{self.unheard} of {expected} expected servers did not answer{which}")
        if not (out or self.read_back_ok):
            out.append("what the servers give back is not what was pushed")
        fine = (Effect.COMPLETE, Effect.NOT_LOADED)
        for server, state in self.effective.items():
            if state not in fine:
                lost = self.dropped.get(server, ())
                which = f", without {'; '.join(lost)}" if lost else ""
                out.append(f'server "{server}" has it {state}{which}')
        return tuple(out)


class PushInterrupted(ResolverUnavailable):
    """A push stopped half-way; `results` holds what is known of every account. Pushing again is safe."""

    def __init__(self, message: str, *, results: tuple[PushResult, ...], hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.results = results


class PushRejected(ResolverRejected):
    """A server ended a push half-way; `results` holds what is known of every account."""

    def __init__(self, message: str, *, results: tuple[PushResult, ...], hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.results = results


class CannotRemove(ResolverRejected):
    """A kind of resolver that deletes nothing: the tombstone of an account has to do, which lets nobody in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What the servers hold of one account."""

    tokens: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    """Server name to the JWT it has stored, None if it has none; a server that did not answer is absent."""
    effective: Mapping[str, Effect] = field(default_factory=dict)
    """Server name to what it makes of the account."""
    dropped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Server name to the imports it dropped, each as `stream SUBJECT from KEY` or `service SUBJECT from KEY`.

    Subject and key are the exporter's.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveResult:
    """What became of a deletion, on all servers: it holds for every account asked for, or for none."""

    removed: tuple[str, ...] = ()
    """Servers that deleted them."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Server name to the server's own words."""
    missing: tuple[str, ...] = ()
    """Servers that were there and did not confirm."""
    unheard: int = 0

    @property
    def ok(self) -> bool:
        """Whether every expected server deleted them: only then none can bring them back."""
        return bool(self.removed) and not (self.refused or self.missing or self.unheard)


OnProgress = Callable[[Step, int, int], None]
"""Called now and then with the step, how many accounts are through it, and how many there are."""


class Resolver(Protocol):
    """Where account JWTs live. Not safe to use from several threads."""

    def servers(self) -> tuple[ServerInfo, ...]:
        """Ask who is there, and whom they trust."""
        ...

    def absent(self) -> tuple[str, ...]:
        """Say, one sentence each, which expected servers are not there."""
        ...

    def lookup(self, ids: Sequence[str]) -> Mapping[str, str | None]:
        """Return the stored JWT of each account: the newest where servers differ, None if there is none."""
        ...

    def fetch(self) -> Mapping[str, str]:
        """Return every account JWT of one holder by the account's public key, in bulk."""
        ...

    def inspect(self, ids: Sequence[str]) -> Mapping[str, Holding]:
        """Return what each server holds of each account, and what it makes of it."""
        ...

    def remove(
        self, ids: Sequence[str], permit: str | Sequence[str], *, expected: int | None = None
    ) -> RemoveResult:
        """Delete accounts for good. Nothing is sent while fewer servers answer than are expected.

        Args:
            ids: public keys of accounts; never the system account's.
            permit: the JWT that asks for it, `sub` and `iss` the same operator signing key; several if one would
                be too large (`claims.permits.permits`). Together they name exactly `ids`.
            expected: how many servers must answer, as for `push`.

        """
        ...

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
            expected: how many servers must answer, if more than are known to be there.
            probe: make each server load the changed accounts that nobody used there yet, so that their state
                can be asked for. They stay in its memory.
            on_progress: told how far the push is.

        """
        ...

    def close(self) -> None:
        """End it; a second call does nothing."""
        ...
