"""Which private export lets which account import what."""

from __future__ import annotations

from natsbackend.model.entities import Account, Backend
from natsbackend.model.names import escape
from natsbackend.model.sharing import Export, Import, Kind
from natsbackend.subjects import SubjectIndex


class Grants:
    """The private exports of a backend that name their importers."""

    def __init__(self, backend: Backend) -> None:
        self._named: dict[tuple[str, str, Kind], SubjectIndex[Export]] = {}
        for account in backend.accounts.values():
            for export in account.exports:
                for importer in export.importers:
                    index = self._named.setdefault((account.name, importer, export.kind), SubjectIndex())
                    index.add(export.subject, export)

    def of(self, importer: Account, taken: Import) -> Export | None:
        """Return the private export that lets an account have this import, if one does by its name."""
        index = self._named.get((taken.account, importer.name, taken.kind))
        return None if index is None else next(iter(index.covering(taken.subject)), None)


def activation_path(exporter: str, importer: str, export: Export) -> str:
    """Return the path of the activation of an export for an account, below the exporter's key path."""
    return f"{exporter}/activations/{escape(importer)}/{export.kind.value}/{escape(export.subject)}"


def export_path(exporter: str, export: Export) -> str:
    """Return the path of an export, below the exporter's key path."""
    return f"{exporter}/exports/{export.kind.value}/{escape(export.subject)}"
