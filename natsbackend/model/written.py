"""Every subject that the accounts of a spec write, for rules about how subjects are written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from natsbackend.errors import Location
from natsbackend.subjects import split_queue

if TYPE_CHECKING:
    from natsbackend.model.entities import Account, Grant, Role, User

_ODD = re.compile(r"[^.*>][*>]|[/{}]")
"""A wildcard within a token, a slash or a brace: what plain subjects do not have."""


class Written:
    """The subjects of permissions, exports, imports and mappings that hold more than plain tokens and wildcards.

    They are looked for once, when the first rule asks: few specs have any.
    """

    __slots__ = ("_accounts", "_odd")

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = accounts
        self._odd: tuple[tuple[str, Location | None], ...] | None = None

    def odd_subjects(self) -> tuple[tuple[str, Location | None], ...]:
        """Return each with its place; of a permission without its queue group."""
        if self._odd is None:
            accounts = (account for account in self._accounts.values() if _has_odd(account))
            self._odd = tuple((s, at) for a in accounts for s, at in _subjects(a) if _ODD.search(s))
        return self._odd


def _has_odd(account: Account) -> bool:
    """Tell quickly; a dot between two subjects makes nothing odd."""
    texts = [grant.subject for grant in _grants(account)]
    texts += [export.subject for export in account.exports]
    for taken in account.imports:
        texts.append(taken.subject)
        if taken.local_subject is not None:
            texts.append(taken.local_subject)
    texts += account.details.mappings
    return _ODD.search(".".join(texts)) is not None


def _grants(account: Account) -> Iterator[Grant]:
    default = account.details.default_permissions
    holders: tuple[Role | User, ...] = (*account.roles.values(), *account.users.values())
    for permissions in (*((default,) if default else ()), *(holder.permissions for holder in holders)):
        for rules in (permissions.publish, permissions.subscribe):
            yield from rules.allow
            yield from rules.deny


def _subjects(account: Account) -> Iterator[tuple[str, Location | None]]:
    for grant in _grants(account):
        yield split_queue(grant.subject)[0], grant.at
    for export in account.exports:
        yield export.subject, export.at
    for taken in account.imports:
        yield taken.subject, taken.at
        if taken.local_subject is not None:
            yield taken.local_subject, taken.at
    for source in account.details.mappings:
        yield source, account.details.places.get(("mappings", source), account.at)
