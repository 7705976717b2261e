"""What a spec and a lock want, reckoned without any secret: claims that nobody signs, and who would have to.

Keys that have yet to be made are stood in for by public keys that nobody has the seed of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from natsbackend.claims.build import build, imports_in_order
from natsbackend.claims.codec import TokenKind, claims_digest
from natsbackend.claims.sharing import activations
from natsbackend.claims.unsigned import Unsigned
from natsbackend.errors import Diagnostic
from natsbackend.lock import Lock
from natsbackend.model.entities import Backend
from natsbackend.plan.payloads import wanted_payload
from natsbackend.plan.values import Desired, Wanted
from natsbackend.project import Project
from natsbackend.workflow.beginning import begin
from natsbackend.workflow.carried import CarriedActivations
from natsbackend.workflow.opening import Opened
from natsbackend.workflow.pruning import owned
from natsbackend.workflow.tree import read_lock, read_text, token_files

_KEYS = re.compile(r"\b[OAUNXC][A-Z2-7]{55}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoned:
    """What a spec comes to."""

    backend: Backend
    base: Lock
    """The lock on disk."""
    lock: Lock
    """What it would become, `iat`s and digests left out."""
    accounts: Mapping[str, Unsigned]
    """By path."""
    users: Mapping[str, Unsigned]
    operator: Unsigned
    digests: Mapping[str, str]
    """By path, of what is neither new nor refers to something new."""
    new_keys: Mapping[str, str]
    """Path to the public key that stands in."""
    retired: tuple[str, ...]
    to_sign: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Path of a signing key to the paths that it has to sign."""
    warnings: tuple[Diagnostic, ...] = ()

    def desired(self, spared: frozenset[str]) -> Desired:
        """Return it as what a plan compares; `spared` are system accounts, which are never removed."""
        backend, keyring = self.backend, self.lock.keyring()
        return Desired(
            operator=self.operator,
            accounts=tuple(
                Wanted(
                    name=account.name,
                    unsigned=self.accounts[account.path],
                    digest=self.digests.get(account.path, ""),
                    is_new=account.path in self.new_keys,
                    at=account.at,
                    imports_at=tuple(each.at for each in imports_in_order(account)),
                )
                for account in backend.accounts.values()
            ),
            system_account=keyring[backend.system_account.path],
            names={public: path for path, keys in self.lock.keys.items() for public in keys},
            outside={each.public_key: f"accounts/{name}" for name, each in backend.outside.items()},
            owned=frozenset(public for _, public in owned(self.lock, spared)),
            new_keys=frozenset(self.new_keys.values()),
        )


def reckon(opened: Opened, project: Project, *, now: int, not_renamed: bool = False) -> Reckoned:
    """Reckon what a spec and the lock of a project come to; nothing is made, signed or written.

    Raises:
        LockError: a rename that nothing explains, or the lock cannot be read.
        SpecError: an activation from outside does not fit.
    """
    backend, base = opened.backend, read_lock(project)
    places = dict(token_files(backend, project))
    begun = begin(opened, project, base, places, not_renamed=not_renamed)
    new_keys = {path: pair.public for path, pair in begun.make_keys()}
    lock, late = begun.with_keys(new_keys, now=now)
    tally = _Tally(lock, places, frozenset(new_keys.values()))
    keyring = lock.keyring()
    for unsigned in activations(backend, keyring):
        tally.activation(unsigned)
    operator, *rest = build(backend, keyring, tally.activations, lock.revoked)
    tally.count(operator)
    accounts, users = dict[str, Unsigned](), dict[str, Unsigned]()
    for unsigned in rest:
        (accounts if unsigned.claims.kind is TokenKind.ACCOUNT else users)[unsigned.path] = unsigned
        tally.count(unsigned)
    return Reckoned(
        backend=backend,
        base=base,
        lock=lock,
        accounts=accounts,
        users=users,
        operator=operator,
        digests=tally.digests,
        new_keys=new_keys,
        retired=begun.reconciled.retired,
        to_sign={path: tuple(paths) for path, paths in tally.to_sign.items()},
        warnings=(*opened.warnings, *begun.reconciled.warnings, *late),
    )


class _Tally:
    """Counts what is as the lock has it, and what has to be signed."""

    def __init__(self, lock: Lock, places: Mapping[str, Path], new_keys: frozenset[str]) -> None:
        self.digests: dict[str, str] = {}
        self.to_sign: dict[str, list[str]] = {}
        self.activations: dict[str, str] = {}
        self._lock = lock
        self._places = places
        self._new_keys = new_keys
        self._absent: set[str] = set()
        self._carried = CarriedActivations(lambda path: read_text(places[path]), lock.keyring())

    def activation(self, unsigned: Unsigned) -> None:
        """Take the activation that is here, or a text that stands for the one to be signed."""
        digest = self._digest(unsigned)
        known, text = self._lock.issued.get(unsigned.path), self._carried.find(unsigned.path)
        if known is not None and known.digest == digest:
            if text is not None:
                self.activations[unsigned.path] = text
                return
            self._absent.add(unsigned.path)
        else:
            text = None
        self._needs(unsigned)
        self.activations[unsigned.path] = f"to be signed: {digest}"

    def count(self, unsigned: Unsigned) -> None:
        """Take note of what the lock says of claims."""
        path, known = unsigned.path, self._lock.issued.get(unsigned.path)
        is_user = unsigned.claims.kind is TokenKind.USER
        digest = self._digest(unsigned)
        if known is not None and digest != known.digest and self._is_absence_all(unsigned):
            digest = known.digest  # what it carries is only not here
        if digest:
            self.digests[path] = digest
        is_current = known is not None and known.digest == digest
        if not is_user and not (is_current and self._places[path].exists()):
            self._needs(unsigned)

    def _needs(self, unsigned: Unsigned) -> None:
        self.to_sign.setdefault(unsigned.issuer_path, []).append(unsigned.path)

    def _digest(self, unsigned: Unsigned) -> str:
        """Return the digest of claims; empty if they hold a key that has yet to be made."""
        if self._new_keys:
            text = str(wanted_payload(unsigned))
            if not self._new_keys.isdisjoint(_KEYS.findall(text)):
                return ""
        return claims_digest(unsigned.claims, unsigned.issuer)

    def _is_absence_all(self, unsigned: Unsigned) -> bool:
        """Tell whether an account carries activations that the lock knows and that are not here to be compared."""
        holder = unsigned.path.removeprefix("accounts/")
        return any(f"/activations/{holder}/" in path for path in self._absent)
