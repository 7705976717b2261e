"""A resolver over one place that holds account JWTs and is no running nats-server: `HolderResolver` over a `Store`.

The rules of a push are those of `nats_push`, as far as there is somebody to ask: nothing untrusted, nothing that is
not newer than what is there, exporters first, and what was written is read back. What a server makes of an account
is not known here, so no result says anything of effects.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from natsbackend.claims.codec import read_unverified
from natsbackend.claims.envelope import MAX_TOKEN_SIZE
from natsbackend.errors import InvalidKey, ResolverRejected, ResolverUnavailable
from natsbackend.keys import KeyRole, is_public
from natsbackend.resolvers.interface import (
    AccountPush,
    Holding,
    OnProgress,
    PushInterrupted,
    PushRejected,
    PushResult,
    RemoveResult,
    ServerInfo,
    Step,
)
from natsbackend.resolvers.nats_entry import Entry
from natsbackend.resolvers.nats_replies import issued_at
from natsbackend.resolvers.order import exporters_first
from natsbackend.resolvers.trust import operator_issuers

_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a store said to one JWT."""

    words: str
    is_stored: bool = True


class Store(Protocol):
    """What a kind of holder has to do; every method raises `ResolverUnavailable` or `ResolverRejected`."""

    @property
    def label(self) -> str:
        """Its name in messages and results."""
        ...

    def operators(self) -> tuple[str, ...]:
        """Return the JWTs of the operators whose accounts it takes, as far as it says."""
        ...

    def read(self, ids: Sequence[str]) -> Mapping[str, str | None]:
        """Return what it holds of each account."""
        ...

    def read_all(self) -> Mapping[str, str]:
        """Return everything that it holds."""
        ...

    def write(self, tokens: Mapping[str, str]) -> Iterator[tuple[str, Answer]]:
        """Store JWTs by account, in this order; yield what came of each."""
        ...

    def remove(self, ids: Sequence[str]) -> None:
        """Delete accounts, all or none; one that is not there is no error. May raise `CannotRemove`."""
        ...

    def close(self) -> None:
        """End it; a second call does nothing."""
        ...


class HolderResolver:
    """A `Resolver` over a store; "servers" is the one holder. Made by the `open_…` function of its kind."""

    def __init__(self, store: Store) -> None:
        self._store: Store | None = store

    def servers(self) -> tuple[ServerInfo, ...]:
        """Return the holder, and whom it is known to trust: nobody is named if it does not say.

        Raises:
            ResolverUnavailable, ResolverRejected: it cannot be asked.

        """
        store = self._open()
        jwts = store.operators()
        return (
            ServerInfo(
                id=store.label,
                name=store.label,
                version="",
                operator_issuers=operator_issuers(jwts),
                operator_jwts=jwts,
            ),
        )

    def absent(self) -> tuple[str, ...]:
        """Return nothing: the one holder is there, or whatever is asked of it raises."""
        return ()

    def lookup(self, ids: Sequence[str]) -> Mapping[str, str | None]:
        """Return the stored JWT of each account, None if there is none.

        Raises:
            InvalidKey: an id is not an account's public key.
            ResolverUnavailable, ResolverRejected: it cannot be read.

        """
        return self._open().read(_accounts(ids))

    def fetch(self) -> Mapping[str, str]:
        """Return every account JWT by the account's public key.

        Raises:
            ResolverUnavailable, ResolverRejected: it cannot be read.

        """
        return self._open().read_all()

    def inspect(self, ids: Sequence[str]) -> Mapping[str, Holding]:
        """Return what is stored of each account. No running server is asked, so nothing is said of effects.

        Raises:
            InvalidKey: an id is not an account's public key.
            ResolverUnavailable, ResolverRejected: it cannot be read.

        """
        store = self._open()
        found = store.read(_accounts(ids))
        return {account: Holding(tokens={store.label: token}) for account, token in found.items()}

    def remove(
        self, ids: Sequence[str], permit: str | Sequence[str], *, expected: int | None = None
    ) -> RemoveResult:
        """Delete accounts; see `Resolver.remove`. The permits are held to what they have to say, and go nowhere.

        Raises:
            InvalidKey: an id is not an account's public key.
            ClaimsError: a permit cannot be read.
            CannotRemove: this kind deletes nothing.
            ResolverUnavailable, ResolverRejected: nothing was deleted.

        """
        store, wanted = self._open(), _accounts(ids)
        self._refuse_permits(wanted, [permit] if isinstance(permit, str) else permit)
        if unheard := _unheard(expected):
            return RemoveResult(unheard=unheard)
        store.remove(wanted)
        left = [account for account, token in store.read(wanted).items() if token is not None]
        if left:
            return RemoveResult(refused={store.label: f"it still has {_listed(left)}"})
        return RemoveResult(removed=(store.label,))

    def push(
        self,
        accounts: Sequence[AccountPush],
        *,
        expected: int | None = None,
        probe: bool = False,  # noqa: ARG002 - there is no server to load anything
        on_progress: OnProgress | None = None,
    ) -> tuple[PushResult, ...]:
        """Store account JWTs and read them back; results are in the order of `accounts`.

        Args:
            accounts: each account once.
            expected: there is one holder; more are never heard of.
            probe: means nothing here.
            on_progress: told how far the push is.

        Raises:
            ResolverRejected: before anything was written, a JWT that must not be pushed.
            ClaimsError: before anything was written, a JWT cannot be read.
            ResolverUnavailable: before anything was written, the holder cannot be reached.
            PushInterrupted, PushRejected: the same after something may have been written.

        """
        return _Push(self._open(), accounts, expected, on_progress).run()

    def close(self) -> None:
        """End it; a second call does nothing."""
        store, self._store = self._store, None
        if store:
            store.close()

    def _open(self) -> Store:
        if self._store is None:
            raise ResolverUnavailable("the resolver is closed", hint="open it again")
        return self._store

    def _refuse_permits(self, ids: Sequence[str], permits: Sequence[str]) -> None:
        """Hold permits against what is to be deleted, as `nats_remove` does: a wrong one is a mistake here, too."""
        named: list[str] = []
        (holder,) = self.servers()
        for permit in permits:
            token = read_unverified(permit)
            accounts = token.nats.get("accounts")
            named += map(str, accounts if isinstance(accounts, list) else ())
            if token.issuer != token.subject or not token.signature_is_valid:
                raise ResolverRejected("the permit to delete is not signed by the key that it is for")
            if holder.operator_jwts and token.issuer not in holder.operator_issuers:
                raise ResolverRejected(
                    f'"{holder.name}" does not trust {token.issuer}, who permits to delete'
                )
        if sorted(named) != sorted(set(ids)):
            raise ResolverRejected("the permits to delete name other accounts than those to delete")
        if {read_unverified(jwt).nats.get("system_account") for jwt in holder.operator_jwts} & set(ids):
            raise ResolverRejected("the system account must never be deleted")


class _Push:
    """One push to a store."""

    def __init__(
        self,
        store: Store,
        accounts: Sequence[AccountPush],
        expected: int | None,
        on_progress: OnProgress | None,
    ) -> None:
        self._store = store
        self._entries = [Entry(account) for account in accounts]
        self._tokens = {push.account: push.jwt for push in accounts}
        self._unheard = _unheard(expected)
        self._on_progress = on_progress
        self._before: Mapping[str, str | None] = {}
        self._after: Mapping[str, str | None] = {}
        self._said: dict[str, Answer] = {}
        if len(self._tokens) != len(self._entries):
            raise ResolverRejected("an account is there twice: the second JWT would undo the first")

    def run(self) -> tuple[PushResult, ...]:
        self._refuse_too_large()
        self._refuse_untrusted()
        changed = self._compare()
        try:
            self._write(changed)
        except ResolverUnavailable as error:
            self._read_what_arrived(changed)
            raise PushInterrupted(error.message, results=self._results(), hint=error.hint) from error
        except ResolverRejected as error:
            self._read_what_arrived(changed)
            raise PushRejected(error.message, results=self._results(), hint=error.hint) from error
        return self._results()

    def _refuse_too_large(self) -> None:
        for entry in self._entries:
            if len(entry.token) > MAX_TOKEN_SIZE:
                raise ResolverRejected(
                    f'account "{entry.name}": its JWT has {len(entry.token)} bytes, a server reads {MAX_TOKEN_SIZE}',
                    hint="give the account fewer revocations, imports or exports",
                )

    def _refuse_untrusted(self) -> None:
        trusted = operator_issuers(jwts := self._store.operators())
        untrusted = [entry for entry in self._entries if jwts and entry.issuer not in trusted]
        if untrusted:
            issuer = untrusted[0].issuer
            signed = _listed([f'"{entry.name}"' for entry in untrusted if entry.issuer == issuer])
            raise ResolverRejected(
                f'"{self._store.label}" does not trust {issuer}, who signed account {signed}',
                hint="roll out the new operator JWT first, and restart every server",
            )

    def _compare(self) -> list[str]:
        """Return the accounts to be written, exporters first."""
        self._before = self._store.read(tuple(self._tokens))
        self._tell(Step.LOOKUP, len(self._tokens))
        changed = {e.account: e for e in self._entries if self._before[e.account] != self._tokens[e.account]}
        late = [f'"{e.name}"' for e in changed.values() if _iat(self._before[e.account]) >= e.iat]
        if late:
            raise ResolverRejected(
                f"the resolver holds a JWT that is as new or newer for account {_listed(late)}; nothing was sent",
                hint="it was issued from another lock than the one here: bring that natsbackend.lock here"
                " (git pull), then generate and push",
            )
        return list(exporters_first({account: entry.exporters for account, entry in changed.items()}))

    def _write(self, changed: Sequence[str]) -> None:
        if changed:
            for account, answer in self._store.write({each: self._tokens[each] for each in changed}):
                self._said[account] = answer
                self._tell(Step.UPDATE, len(self._said), of=len(changed))
            self._after = self._store.read(changed)
        self._tell(Step.READ_BACK, len(changed), of=len(changed))

    def _read_what_arrived(self, changed: Sequence[str]) -> None:
        with contextlib.suppress(ResolverUnavailable, ResolverRejected):
            self._after = self._store.read(changed)

    def _results(self) -> tuple[PushResult, ...]:
        return tuple(self._result(entry) for entry in self._entries)

    def _result(self, entry: Entry) -> PushResult:
        label, account = self._store.label, entry.account
        was_there = self._before.get(account) == self._tokens[account]
        answer = self._said.get(account)
        is_there = was_there or self._after.get(account) == self._tokens[account]
        is_refused = answer is not None and not answer.is_stored
        is_stored = is_there or (answer is not None and answer.is_stored)
        return PushResult(
            account=account,
            name=entry.name,
            is_unchanged=was_there,
            stored=(label,) if is_stored and not is_refused else (),
            refused={label: answer.words} if answer is not None and is_refused else {},
            missing=() if is_stored or is_refused else (label,),
            unheard=self._unheard,
            read_back_ok=is_there,
            said={label: answer.words} if answer is not None else {},
        )

    def _tell(self, step: Step, done: int, *, of: int | None = None) -> None:
        if self._on_progress:
            self._on_progress(step, done, len(self._tokens) if of is None else of)


def _iat(token: str | None) -> int:
    """Return when a stored token was issued; what cannot be read may be replaced by anything."""
    return -1 if token is None else issued_at(token.encode("utf-8", "replace"))


def _unheard(expected: int | None) -> int:
    return max(0, (expected or 1) - 1)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"


def _accounts(ids: Iterable[str]) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(ids))
    for account in wanted:
        if not is_public(account, KeyRole.ACCOUNT):
            raise InvalidKey(f'"{account}" is not the public key of an account')
    return wanted
