"""What accounts offer and take, found by subject, so that no rule over all accounts is quadratic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from natsbackend.model.sharing import Export, Import, Kind
from natsbackend.subjects import SubjectIndex, import_local
from natsbackend.subjects.patterns import ANY, REST

if TYPE_CHECKING:
    from natsbackend.model.entities import Account


_WILD = frozenset({ANY, REST})


class Offers:
    """The exports and imports of accounts by subject. What is known of an account is put together when it is asked."""

    __slots__ = ("_accounts", "_exports", "_imports", "_passing", "_written")

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = accounts
        self._exports: dict[tuple[str, Kind], SubjectIndex[Export]] = {}
        self._imports: dict[tuple[str, Kind], SubjectIndex[Import]] = {}
        self._passing: dict[str, bool] = {}
        self._written: frozenset[tuple[str, Kind, str]] | None = None

    def exports(self, account: str, kind: Kind) -> SubjectIndex[Export]:
        """Return the exports of one kind of an account; none if there is no such account."""
        index = self._exports.get((account, kind))
        if index is None:
            index = self._exports[account, kind] = SubjectIndex()
            for export in self._exports_of(account):
                if export.kind is kind:
                    index.add(export.subject, export)
        return index

    def offered(self, taken: Import) -> Export | None:
        """Return the first export that covers an import, or None if it is not exported."""
        return next(iter(self.exports(taken.account, taken.kind).covering(taken.subject)), None)

    def is_offered(self, taken: Import) -> bool:
        """Tell whether an export covers an import; most imports are written as their export is."""
        if self._written is None:
            self._written = frozenset(
                (name, export.kind, export.subject)
                for name, account in self._accounts.items()
                for export in account.exports
            )
        as_written = (taken.account, taken.kind, taken.subject) in self._written
        return as_written or self.offered(taken) is not None

    def imports(self, account: str, kind: Kind) -> SubjectIndex[Import]:
        """Return the imports of one kind of an account by the subjects they have there."""
        index = self._imports.get((account, kind))
        if index is None:
            index = self._imports[account, kind] = SubjectIndex()
            for taken in self._imports_of(account):
                if taken.kind is kind:
                    index.add(import_local(taken.subject, taken.local_subject), taken)
        return index

    def passes_on(self, account: str) -> bool:
        """Tell quickly that an account may export what it imports; False is certain, True is not.

        It is told by first tokens alone.
        """
        known = self._passing.get(account)
        if known is None:
            imports = self._imports_of(account)
            given = {export.subject.partition(".")[0] for export in self._exports_of(account)}
            taken = {import_local(i.subject, i.local_subject).partition(".")[0] for i in imports}
            wild = not _WILD.isdisjoint(given | taken)
            known = self._passing[account] = bool(given and taken) and (wild or not given.isdisjoint(taken))
        return known

    def _exports_of(self, account: str) -> Sequence[Export]:
        found = self._accounts.get(account)
        return found.exports if found else ()

    def _imports_of(self, account: str) -> Sequence[Import]:
        found = self._accounts.get(account)
        return found.imports if found else ()
