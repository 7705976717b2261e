"""Rules about names: they become file names, key paths and subjects, and must never fall together there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from natsbackend.errors import Diagnostic, Location
from natsbackend.model.entities import Account, Backend
from natsbackend.model.names import escape, why_unusable

_Named = tuple[str, str | None, Location | None]


def _families(backend: Backend) -> Iterator[tuple[str, list[_Named]]]:
    """Every set of names that must differ: what they name, and each name with its former one and its place."""
    operator = backend.operator
    yield "operator", [(operator.name, operator.was, operator.at)]
    yield "operator signing key", [(k.name, k.was, k.at) for k in operator.signing_keys]
    yield "account", [(a.name, a.was, a.at) for a in backend.accounts.values()]
    yield "outside account", [(a.name, None, a.at) for a in backend.outside.values()]
    for account in backend.accounts.values():
        yield from _within(account)


def _within(account: Account) -> Iterator[tuple[str, list[_Named]]]:
    if account.signing_keys:
        yield "signing key", [(k.name, k.was, k.at) for k in account.signing_keys]
    if account.roles:
        yield "role", [(r.name, r.was, r.at) for r in account.roles.values()]
    if account.users:
        yield "user", [(u.name, u.was, u.at) for u in account.users.values()]


def unusable(backend: Backend) -> Iterable[Diagnostic]:
    """A name is empty, too long, or holds control characters."""
    for what, family in _families(backend):
        for name, _, at in family:
            why = why_unusable(name)
            if why:
                yield Diagnostic(code="name-unusable", message=f"{what} {name[:60]!r}: {why}", at=at)


def collision(backend: Backend) -> Iterable[Diagnostic]:
    """Two names differ only in case, and would be one file on many disks."""
    for what, family in _families(backend):
        if len(family) < 2:
            continue
        seen: dict[str, str] = {}
        for name, _, at in family:
            other = seen.setdefault(escape(name).casefold(), name)
            if other != name:
                yield Diagnostic(
                    code="name-collision",
                    message=f'{what} "{name}" and "{other}" differ only in case',
                    at=at,
                    hint="on many disks both would be one file; give one of them another name",
                )


def was_still_here(backend: Backend) -> Iterable[Diagnostic]:
    """`was:` names something that is still in the spec, or two things claim one former name."""
    for what, family in _families(backend):
        if all(was is None for _, was, _ in family):
            continue
        present = {name for name, _, _ in family}
        claimed: dict[str, str] = {}
        for name, was, at in family:
            if was is None:
                continue
            if was in present:
                message = f'{what} "{name}" was "{was}", but "{was}" is still here'
                hint = "remove one of the two, or the line `was`"
                yield Diagnostic(code="was-still-here", message=message, at=at, hint=hint)
            other = claimed.setdefault(was, name)
            if other != name:
                message = f'both "{other}" and "{name}" were {what} "{was}"'
                yield Diagnostic(code="was-still-here", message=message, at=at)


def duplicate_key_name(backend: Backend) -> Iterable[Diagnostic]:
    """A list of signing keys names one twice."""
    for what, family in _families(backend):
        if len(family) < 2:
            continue
        seen: set[str] = set()
        for name, _, at in family:
            if name in seen:
                yield Diagnostic(code="duplicate-key-name", message=f'{what} "{name}" stands twice', at=at)
            seen.add(name)
