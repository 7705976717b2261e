"""Which key is whose: names of the spec against the paths of the lock.

An identity is kept through a rename that says `was:`, and never replaced because something looks new: a name that
vanishes while another of its kind appears is refused until the spec, or the caller, says which it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from natsbackend.claims.build import key_paths
from natsbackend.errors import Diagnostic, Location, LockError, Severity
from natsbackend.lock import KeyState, Lock
from natsbackend.model.entities import (
    Account,
    Backend,
    account_path,
    operator_signing_path,
    role_path,
    signing_path,
    user_path,
)
from natsbackend.model.names import printable, unescape


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A lock brought up to date with the names of a spec, and the paths that still have no key."""

    lock: Lock
    missing: tuple[str, ...]
    retired: tuple[str, ...]
    """Paths the spec no longer has."""
    warnings: tuple[Diagnostic, ...] = ()


def reconcile(lock: Lock, backend: Backend, *, not_renamed: bool = False) -> Reconciled:
    """Carry renames over, retire what is gone, revive what came back, and name what has no key yet.

    Raises:
        LockError: something vanished and something of its kind appeared, and nothing says whether it is the same.
    """
    lock, warnings = _renamed(lock, backend)
    needed = list(dict.fromkeys(key_paths(backend)))
    active = lock.keyring()
    missing = [path for path in needed if path not in active]
    wanted = set(needed)
    gone = [path for path in active if path not in wanted]
    if not not_renamed:
        _refuse_unexplained(missing, gone)
    revived = [path for path in missing if path in lock.keys and _is_identity(path)]
    if revived:
        lock = _revived(lock, revived)
    if gone:
        lock = lock.with_state(gone, KeyState.RETIRED)
    back = set(revived)
    return Reconciled(lock, tuple(p for p in missing if p not in back), tuple(gone), warnings)


def _is_identity(path: str) -> bool:
    """Operators, accounts and users keep their identity when they come back; a signing key that went is gone."""
    parts = path.split("/")
    return len(parts) <= 2 or (len(parts) == 4 and parts[2] == "users")


def _revived(lock: Lock, paths: Iterable[str]) -> Lock:
    last = {path: list(lock.keys[path])[-1] for path in paths}
    return lock.with_keys(last)


def _renamed(lock: Lock, backend: Backend) -> tuple[Lock, tuple[Diagnostic, ...]]:
    """Carry renames over; say which of them name nothing that could be, where that makes a new identity."""
    known = bool(lock.keys)  # with an empty lock everything is new
    found = []
    for old, new, at in _renames(backend):
        keys = lock.keyring()
        if old in keys and new not in keys:
            lock = lock.renamed(old, new)
        elif known and old not in lock.keys and new not in lock.keys:
            found.append(_was_nothing(old, new, at))
    return lock, tuple(found)


def _was_nothing(old: str, new: str, at: Location | None) -> Diagnostic:
    name, was = (printable(unescape(path.rpartition("/")[2])) for path in (new, old))
    return Diagnostic(
        code="was-unknown",
        message=f'"{name}" was "{was}", which the lock does not know; it gets keys of its own',
        at=at,
        hint=f"write the name as it stands in the lock, or take the line `was: {was}` out",
        severity=Severity.WARNING,
    )


def _renames(backend: Backend) -> Iterator[tuple[str, str, Location | None]]:
    """Every rename as old path, new path and place, outer ones first, so that inner ones find their account's path."""
    for key in backend.operator.signing_keys:
        if key.was:
            yield operator_signing_path(key.was), key.path, key.at
    for account in backend.accounts.values():
        if account.was:
            yield account_path(account.was), account.path, account.at
        yield from _renames_within(account)


def _renames_within(account: Account) -> Iterator[tuple[str, str, Location | None]]:
    for key in account.signing_keys:
        if key.was:
            yield signing_path(account.name, key.was), key.path, key.at
    for role in account.roles.values():
        if role.was:
            yield role_path(account.name, role.was), role.path, role.at
    for user in account.users.values():
        if user.was:
            yield user_path(account.name, user.was), user.path, user.at


def _refuse_unexplained(missing: list[str], gone: list[str]) -> None:
    groups: dict[str, str] = {}
    for path in gone:
        groups.setdefault(path.rpartition("/")[0], path)
    for path in missing:
        group, _, name = path.rpartition("/")
        old = groups.get(group)
        if old is not None:
            raise LockError(
                f"{path} is new, and {old} is gone: is it the same under another name?",
                hint=f"if it is, write `was: {unescape(old.rpartition('/')[2])}` under {unescape(name)}, and its "
                "keys are kept; if it is not, pass --not-renamed",
            )
