"""Accounts that the spec dropped: ended on every server, and deleted once none is left that could bring them back.

A server that was down while an account was deleted hands it to all others when it comes back: it has it, they do not
(nats-server 2.15 `dirstore.go`, `saveIfNewer`). So a tombstone is pushed first, a newer JWT of the account that lets
nobody in: whoever syncs takes it over the old one. The lock records it. Only when every server that there should be has
the tombstone are the accounts deleted, and the lock says so for good, since what is issued for such a key again
must have an `iat` above: to the same bytes a server says "jwt updated", and goes on refusing everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from natsbackend.claims.codec import Claims, Token, TokenKind, sign
from natsbackend.claims.permits import permits
from natsbackend.errors import KeyStoreError
from natsbackend.keys import KeyPair
from natsbackend.lock import KeyState, Lock
from natsbackend.model.entities import OPERATOR_PATH, Backend
from natsbackend.model.names import unescape
from natsbackend.model.sharing import EVERYONE
from natsbackend.plan.values import Snapshot
from natsbackend.resolvers.interface import AccountPush
from natsbackend.workflow.found import FoundRevocation, Held, unknown_revocations, with_revocations
from natsbackend.workflow.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Grave:
    """An account that the spec dropped and that a target holds, or may hold again."""

    path: str
    public: str
    issued_at: int
    """Of its tombstone."""
    is_begun: bool
    """Whether the lock records the tombstone: then this finishes what an earlier run began."""
    users: tuple[str, ...] = ()
    """Users and roles that the spec once had in it: who is cut off, `users/NAME` or `roles/NAME`."""

    @property
    def name(self) -> str:
        """Its name in the spec that had it."""
        return unescape(self.path.partition("/")[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """What is to be ended."""

    graves: tuple[Grave, ...] = ()
    waiting: tuple[str, ...] = ()
    """Names of accounts that are live and that the spec once had; only `--prune` ends them."""
    revocations: tuple[FoundRevocation, ...] = field(default=(), repr=False)
    """Those that a tombstone would undo, to be carried again should the account come back."""


def spared(backend: Backend, lock: Lock, held: Snapshot) -> frozenset[str]:
    """Return who is never pruned: system accounts, without which nobody could push, and accounts of others."""
    live = (operator.nats.get("system_account") for operator in held.operators)
    ours = lock.keyring()[backend.system_account.path]
    others = (account.public_key for account in backend.outside.values())
    return frozenset((ours, *others, *(key for key in live if isinstance(key, str))))


def owned(lock: Lock, spared: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """Return path and public key of every account that the lock has retired, and that nobody has now.

    `spared` are the keys of system accounts and of accounts of others, which are never pruned.
    """
    kept = {key for keys in lock.keys.values() for key, state in keys.items() if state is KeyState.ACTIVE}
    kept.update(spared)
    for path, keys in lock.keys.items():
        head, _, name = path.partition("/")
        if head != "accounts" or "/" in name:
            continue
        for public, state in keys.items():
            if state is KeyState.RETIRED and public not in kept:
                yield path, public


def find_graves(lock: Lock, held: Held, spared: frozenset[str], *, now: int, prune: bool) -> Pruning:
    """Say what is to be ended; without `prune` only what an earlier run began."""
    graves, waiting, revocations = list[Grave](), list[str](), list[FoundRevocation]()
    dwellers = _dwellers(lock)
    for path, public in owned(lock, spared):
        token = held.get(public)
        is_pending = public in lock.tombstones.get(path, {})
        if token is None and not is_pending:
            continue
        # one that is newer than its tombstone was pushed again since: that is not ours to end unasked
        is_begun = token is None or token.issued_at <= lock.dead_until(path, public)
        grave = Grave(
            path=path,
            public=public,
            issued_at=_issue_time(lock, path, public, token, now=now),
            is_begun=is_begun,
            users=dwellers.get(path, ()),
        )
        if not (is_begun or prune):
            waiting.append(grave.name)
            continue
        graves.append(grave)
        if token is not None:
            unknown = unknown_revocations(lock, path, token, {})
            revocations += (
                FoundRevocation(account=grave.name, path=path, key=key, until=until)
                for key, until in unknown.items()
            )
    return Pruning(graves=tuple(graves), waiting=tuple(waiting), revocations=tuple(revocations))


def _issue_time(lock: Lock, path: str, public: str, token: Token | None, *, now: int) -> int:
    """Return the `iat` of a tombstone: the one it was pushed with, unless something newer is there, or nothing.

    Where an account was deleted, servers take the bytes that they had for no push at all.
    """
    tombstone = lock.tombstones.get(path, {}).get(public, -1)
    if token is not None and tombstone >= token.issued_at:
        return tombstone
    issued = lock.issued[path].issued_at if path in lock.issued else -1
    held = token.issued_at if token is not None else -1
    return max(now, held + 1, issued + 1, lock.dead_until(path, public) + 1)


def _dwellers(lock: Lock) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for path in sorted(lock.keys):
        parts = path.split("/")
        if len(parts) == 4 and parts[2] in ("users", "roles"):
            found.setdefault("/".join(parts[:2]), []).append(f"{parts[2]}/{unescape(parts[3])}")
    return {path: tuple(names) for path, names in found.items()}


def begun(lock: Lock, pruning: Pruning) -> Lock:
    """Return a lock that records the tombstones; it is written before they are pushed."""
    lock = with_revocations(lock, pruning.revocations)
    tombstones = {path: dict(keys) for path, keys in lock.tombstones.items()}
    pruned = {path: dict(keys) for path, keys in lock.pruned.items()}
    for grave in pruning.graves:
        tombstones.setdefault(grave.path, {})[grave.public] = grave.issued_at
        pruned.get(grave.path, {}).pop(grave.public, None)
    return replace(lock, tombstones=tombstones, pruned=_filled(pruned))


def finished(lock: Lock, graves: Iterable[Grave]) -> Lock:
    """Return a lock that says that every server has deleted these."""
    tombstones = {path: dict(keys) for path, keys in lock.tombstones.items()}
    pruned = {path: dict(keys) for path, keys in lock.pruned.items()}
    for grave in graves:
        pruned.setdefault(grave.path, {})[grave.public] = grave.issued_at
        tombstones.get(grave.path, {}).pop(grave.public, None)
    return replace(lock, tombstones=_filled(tombstones), pruned=pruned)


def _filled(times: Mapping[str, Mapping[str, int]]) -> dict[str, Mapping[str, int]]:
    return {path: keys for path, keys in times.items() if keys}


def tombstone(grave: Grave) -> Claims:
    """Return the claims of an account that lets nobody in: every limit is zero, and everybody is revoked."""
    nats = {
        "limits": {},
        "revocations": {EVERYONE: grave.issued_at},
        "default_permissions": {"pub": {}, "sub": {}},
        "authorization": {},
    }
    return Claims(kind=TokenKind.ACCOUNT, subject=grave.public, name=grave.name, nats=nats)


class Gravedigger:
    """Signs tombstones and the permits to delete, with the key that signs accounts."""

    def __init__(self, tree: Tree) -> None:
        signers = tree.backend.operator.signing_keys
        path = signers[0].path if signers else OPERATOR_PATH
        public = tree.lock.keyring()[path]
        pair = tree.store.find(path, public)
        if pair is None:
            raise KeyStoreError(
                f"the seed of {path} must sign the end of accounts that the spec dropped, and is not here",
                hint=f"push with --prune where the key store is; the seed is that of {public}",
            )
        self._pair: KeyPair = pair

    def tombstones(self, graves: Iterable[Grave]) -> tuple[AccountPush, ...]:
        """Return the JWTs that end these accounts."""
        return tuple(
            AccountPush(
                account=grave.public,
                jwt=sign(tombstone(grave), self._pair, grave.issued_at),
                name=grave.name,
            )
            for grave in graves
        )

    def permits(self, graves: Iterable[Grave], *, now: int) -> tuple[str, ...]:
        """Return what servers delete these accounts for. It works for ever: keep it in memory, show it to nobody."""
        claims = permits([grave.public for grave in graves], self._pair.public)
        return tuple(sign(each, self._pair, now) for each in claims)
