"""What `generate` and `plan` begin with: names of the spec against the lock, keys to be made, and what is revoked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from natsbackend.claims.imported import judge_with_keys
from natsbackend.errors import Diagnostic, KeyStoreError, LockError, Severity, SpecError
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.lock import Lock
from natsbackend.model.entities import OPERATOR_PATH
from natsbackend.project import Project
from natsbackend.workflow.identity import Reconciled, reconcile
from natsbackend.workflow.opening import Opened
from natsbackend.workflow.revoking import remember_said, renew_revoked, revoke_removed, revoke_users

Entropy = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A spec whose names are held against a lock."""

    opened: Opened
    reconciled: Reconciled

    def make_keys(
        self, *, frozen: bool = False, entropy: Entropy = os.urandom
    ) -> tuple[tuple[str, KeyPair], ...]:
        """Return a new key pair for each path without one.

        Raises:
            KeyStoreError: `frozen` forbids it; the message names the paths.
        """
        missing = self.reconciled.missing
        if frozen and missing:
            shown = ", ".join(missing[:10]) + (", …" if len(missing) > 10 else "")
            raise KeyStoreError(
                f"keys are missing, and none are made here: {shown}",
                hint="run `natsbackend generate` where the key store is, and commit the lock",
            )
        return tuple((path, KeyPair(role_of(path), entropy(32))) for path in missing)

    def with_keys(self, made: Mapping[str, str], *, now: int) -> tuple[Lock, tuple[Diagnostic, ...]]:
        """Return the lock with new public keys and with what the spec revokes, and what is only found now.

        Raises:
            SpecError: an activation from outside does not fit the keys.
        """
        backend = self.opened.backend
        lock = self.reconciled.lock.with_keys(made)
        lock = renew_revoked(revoke_removed(lock, backend, now=now), backend, now=now)
        lock = remember_said(revoke_users(lock, backend, now=now), backend)
        late = tuple(judge_with_keys(backend, lock.keyring(), now=now, fresh=frozenset(made)))
        if any(found.severity is Severity.ERROR for found in late):
            raise SpecError((*self.opened.warnings, *late))
        return lock, late


def begin(
    opened: Opened, project: Project, lock: Lock, places: Mapping[str, Path], *, not_renamed: bool = False
) -> Begun:
    """Hold the names of a spec against a lock.

    Args:
        opened: the spec.
        project: where everything is, for messages.
        lock: what is recorded.
        places: where the token of each path is written.
        not_renamed: a name that vanished while another appeared is another thing.

    Raises:
        LockError: a rename that nothing explains, or lines of the lock were lost.
    """
    reconciled = reconcile(lock, opened.backend, not_renamed=not_renamed)
    _refuse_lost(reconciled.missing, places, project)
    return Begun(opened=opened, reconciled=reconciled)


def role_of(path: str) -> KeyRole:
    """Return the role of the key of a path."""
    parts = path.split("/")
    if parts[0] == OPERATOR_PATH:
        return KeyRole.OPERATOR
    if len(parts) == 3 and parts[2] == "xkey":
        return KeyRole.CURVE
    return KeyRole.USER if len(parts) == 4 and parts[2] == "users" else KeyRole.ACCOUNT


def _refuse_lost(missing: Iterable[str], places: Mapping[str, Path], project: Project) -> None:
    """Refuse to make a new identity for what has a JWT here: the lock, or lines of it, were lost."""
    for path in missing:
        file = places.get(path)
        if file is not None and file.exists():
            raise LockError(
                f"{project.lock} has no key of {path}, and {file} is here: a new key would replace its identity",
                hint=f"restore the lock from Git; to begin anew with {path}, remove {file}",
            )
