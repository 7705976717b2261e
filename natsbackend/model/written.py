"""Every subject that the accounts of a spec write, for rules about how subjects are written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from natsbackend.errors import Location
from natsbackend.subjects import split_queue

if TYPE_CHECKING:
    from natsbackend.model.entities import Account, Grant, Role, User

_TEMPLATE = re.compile(r"\{\{[^}\n]*\}\}")
_ODD = re.compile(r"[^.*>][*>]|[/{}]")
"""A wildcard within a token, a slash or a brace: what plain subjects do not have."""
_UNUSUAL = ("..", "\n.", ".\n", "\n\n", " ", "/", "{", "}")
"""What no plain subjects have among them, one a line."""


class Written:
    """The subjects of permissions, exports, imports and mappings that hold more than plain tokens and wildcards.

    They are looked for once, when the first rule asks: few specs have any.
    """

    __slots__ = ("_accounts", "_doubtful", "_odd")

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = accounts
        self._doubtful: tuple[Account, ...] | None = None
        self._odd: tuple[tuple[str, Location | None], ...] = ()

    def odd_subjects(self) -> tuple[tuple[str, Location | None], ...]:
        """Return each with its place; of a permission without its queue group, and with a letter for each `{{…}}`."""
        self._look()
        return self._odd

    def doubtful_accounts(self) -> tuple[Account, ...]:
        """Return the accounts with a subject that may be invalid, has a template or queue group, or is renamed.

        All subjects of the others are valid and plain, and rules about that need not look at them.
        """
        return self._look()

    def _look(self) -> tuple[Account, ...]:
        if self._doubtful is None:
            doubtful: list[Account] = []
            odd: list[tuple[str, Location | None]] = []
            for account in self._accounts.values():
                texts = _texts(account)
                written = "\n".join(("", *texts, ""))
                lines = _without_templates(written)
                is_plain = not texts or _are_plain(lines, len(texts))
                if not is_plain or lines is not written or _is_renaming(account):
                    doubtful.append(account)
                if not is_plain:
                    subjects = ((_without_templates(subject), at) for subject, at in _subjects(account))
                    odd += [(subject, at) for subject, at in subjects if _ODD.search(subject)]
            self._doubtful, self._odd = tuple(doubtful), tuple(odd)
        return self._doubtful


def _without_templates(subject: str) -> str:
    return _TEMPLATE.sub("x", subject) if "{{" in subject else subject


def _is_renaming(account: Account) -> bool:
    return any(taken.local_subject is not None for taken in account.imports)


def _texts(account: Account) -> list[str]:
    """Return the subjects quickly, without their places and with their queue groups."""
    texts = [grant.subject for grant in _grants(account)]
    texts += [export.subject for export in account.exports]
    texts += [taken.subject for taken in account.imports]
    texts += [taken.local_subject for taken in account.imports if taken.local_subject is not None]
    texts += account.details.mappings
    return texts


def _are_plain(lines: str, count: int) -> bool:
    """Tell quickly that so many subjects are valid, of plain tokens and wildcards; False says: look at each.

    They stand between line ends, to be searched at once: nearly every subject of nearly every account is plain.
    """
    if not (lines.isascii() and lines.replace("\n", "").isprintable() and lines.count("\n") == count + 1):
        return False
    if any(unusual in lines for unusual in _UNUSUAL):
        return False
    stars, rests = lines.count("*"), lines.count(">")
    return (  # each wildcard begins a token, and ends it; a `>` ends its subject
        stars == lines.count(".*") + lines.count("\n*")
        and stars == lines.count("*.") + lines.count("*\n")
        and rests == lines.count(".>") + lines.count("\n>")
        and rests == lines.count(">\n")
    )


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
