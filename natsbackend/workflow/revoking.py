"""Who is no longer named has what was given to it revoked: the activation of a private export, the creds of a user.

The importer's JWT loses its activation, too; but whoever has kept a copy could go on with it. The server refuses an
activation that was issued until the second of its revocation (nats-server 2.15 `accounts.go`, `isRevoked`). A user of
whom the spec says nothing any more could go on with its creds for as long as they last; the same rule ends them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from natsbackend.claims.details import spec_revocations
from natsbackend.errors import Diagnostic, SpecError
from natsbackend.lock import Issued, KeyState, Lock
from natsbackend.model.entities import Account, Backend, Export, account_path
from natsbackend.model.grants import activation_path, export_path
from natsbackend.model.sharing import EVERYONE


def revoke_removed(lock: Lock, backend: Backend, *, now: int) -> Lock:
    """Return a lock that revokes the activations of who was named and is not, and of nobody who is named again."""
    given = _given(lock)
    if not given:
        return lock
    revoked = {path: dict(keys) for path, keys in lock.revoked.items()}
    for account in backend.accounts.values():
        for export in account.exports:
            if not export.private:
                continue
            path = export_path(account.path, export)
            of_export = revoked.setdefault(path, {})
            for importer in export.importers:
                of_export.pop(_key(lock, account_path(importer)) or "", None)
            named = {activation_path(account.path, importer, export) for importer in export.importers}
            for activation, (holder, issued) in given.get(path, {}).items():
                key = _key(lock, holder)
                if activation not in named and key is not None and of_export.get(key, -1) < issued.issued_at:
                    of_export[key] = max(now, issued.issued_at)
    return replace(lock, revoked={path: keys for path, keys in revoked.items() if keys})


def renew_revoked(lock: Lock, backend: Backend, *, now: int) -> Lock:
    """Return a lock without the activations that `all_before` revokes of accounts that are named, to make them anew.

    Raises:
        SpecError: it lies ahead, so that new ones would be revoked, too.
    """
    issued = dict(lock.issued)
    for account, export, until in _all_before(backend):
        for importer in (name for name in export.importers if name in backend.accounts):
            if until >= now:
                raise SpecError((_ahead(export, importer),))
            path = activation_path(account.path, importer, export)
            if path in issued and issued[path].issued_at <= until:
                del issued[path]
    return replace(lock, issued=issued) if len(issued) < len(lock.issued) else lock


def revoke_users(lock: Lock, backend: Backend, *, now: int) -> Lock:
    """Return a lock that revokes every key that a user of a living account had and has no more.

    One that comes back stays revoked up to then: `Issuing` gives it creds that are newer. An account that goes takes
    its users along, so nothing of them is written down.
    """
    paths = {account.path for account in backend.accounts.values()}
    revoked = {path: dict(times) for path, times in lock.revoked.items()}
    active = {k for keys in lock.keys.values() for k, state in keys.items() if state is KeyState.ACTIVE}
    for path, keys in lock.keys.items():
        account, users, _ = path.partition("/users/")
        if not users or account not in paths:
            continue
        is_gone = KeyState.ACTIVE not in keys.values()
        issued = lock.issued[path].issued_at if is_gone and path in lock.issued else 0
        for key, state in keys.items():
            if state is KeyState.RETIRED and key not in active:
                times = revoked.setdefault(account, {})
                if key not in times or times[key] < issued:
                    times[key] = max(now, issued)
    return replace(lock, revoked={path: times for path, times in revoked.items() if times})


def remember_said(lock: Lock, backend: Backend) -> Lock:
    """Return a lock that knows the revocations of the spec, to tell later which of them were taken back."""
    keyring = lock.keyring()
    known = {path: dict(times) for path, times in lock.known.items()}
    for account in backend.accounts.values():
        if account.details.revocations:
            times = known.setdefault(account.path, {})
            for key, until in spec_revocations(account, keyring).items():
                times[key] = max(until, times.get(key, 0))
    return replace(lock, known=known)


def _all_before(backend: Backend) -> Iterator[tuple[Account, Export, int]]:
    for account in backend.accounts.values():
        for export in account.exports:
            if EVERYONE in export.revoked:
                yield account, export, export.revoked[EVERYONE]


def _ahead(export: Export, importer: str) -> Diagnostic:
    return Diagnostic(
        code="export-revocation",
        message=f'`all_before` of "{export.subject}" lies ahead, and would revoke the new activation of "{importer}"',
        at=export.at,
        hint="write a moment that has passed, or revoke single `accounts`",
    )


def _given(lock: Lock) -> dict[str, dict[str, tuple[str, Issued]]]:
    """Return, by path of the export, each activation with the path of who has it and when it was issued."""
    found: dict[str, dict[str, tuple[str, Issued]]] = {}
    for path, issued in lock.issued.items():
        exporter, _, rest = path.partition("/activations/")
        if rest:
            importer, _, export = rest.partition("/")
            found.setdefault(f"{exporter}/exports/{export}", {})[path] = (f"accounts/{importer}", issued)
    return found


def _key(lock: Lock, path: str) -> str | None:
    """Return the key of an account, a retired one if it has no other."""
    keys = lock.keys.get(path, {})
    active = (key for key, state in keys.items() if state is KeyState.ACTIVE)
    return next(active, next(iter(keys), None))
