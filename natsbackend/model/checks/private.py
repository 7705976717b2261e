"""Rules about private exports: who is named, and who imports."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from natsbackend.errors import Diagnostic
from natsbackend.model.entities import Backend
from natsbackend.model.sharing import Export
from natsbackend.subjects import SubjectIndex, why_invalid


def export_private_account(backend: Backend) -> Iterable[Diagnostic]:
    """A private export that names an account which is not in the spec, or the exporting one."""
    for account in backend.accounts.values():
        for export in account.exports:
            for name in export.importers:
                if name == account.name:
                    message, close = f'account "{name}" cannot import its own "{export.subject}"', []
                elif name not in backend.accounts and name not in backend.outside:
                    message = f'"{export.subject}" is private to account "{name}", which is not in this spec'
                    close = get_close_matches(name, [*backend.accounts, *backend.outside], 1, 0.6)
                else:
                    continue
                hint = f"did you mean {close[0]!r}?" if close else None
                yield Diagnostic(code="export-private-account", message=message, at=export.at, hint=hint)


def export_private_position(backend: Backend) -> Iterable[Diagnostic]:
    """A private export with an account token position: the server then asks nobody for an activation.

    Whoever has its own key in the subject may import (nats-server 2.15 `accounts.go`, `checkAuth`).
    """
    for account in backend.accounts.values():
        for export in account.exports:
            if export.private and export.account_token_position:
                yield Diagnostic(
                    code="export-private-position",
                    message=f'"{export.subject}" would not be private: with an `account_token_position`, every account '
                    "may import its own part",
                    at=export.at,
                    hint="take out `private` or `account_token_position`",
                )


def import_private(backend: Backend) -> Iterable[Diagnostic]:
    """An import of a private export that does not name the importing account: the server drops it."""
    indexes: dict[str, SubjectIndex[Export]] = {}
    guarded = {a.name for a in backend.accounts.values() if any(export.private for export in a.exports)}
    for account in backend.accounts.values():
        for taken in account.imports:
            exporter = backend.accounts.get(taken.account)
            if exporter is None or exporter.name not in guarded or why_invalid(taken.subject):
                continue
            index = indexes.get(exporter.name)
            if index is None:
                index = indexes[exporter.name] = SubjectIndex()
                for offered in exporter.exports:
                    index.add(offered.subject, offered)
            export = next((e for e in index.covering(taken.subject) if e.kind is taken.kind), None)
            if export is not None and export.private and account.name not in export.importers:
                yield Diagnostic(
                    code="import-private",
                    message=f'account "{exporter.name}" does not let "{account.name}" import {taken.kind} '
                    f'"{taken.subject}"',
                    at=taken.at,
                    hint=f'name "{account.name}" in `private` there ({export.at})',
                )
