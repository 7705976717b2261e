"""Rules about private exports: who is named, and who imports."""

from __future__ import annotations

from collections.abc import Iterable

from natsbackend.errors import Diagnostic
from natsbackend.model.entities import Backend
from natsbackend.model.nearest import Nearest
from natsbackend.subjects import why_invalid


def export_private_account(backend: Backend) -> Iterable[Diagnostic]:
    """A private export that names an account which is not in the spec, or the exporting one."""
    nearest = Nearest()
    for account in backend.accounts.values():
        for export in account.exports:
            for name in export.importers:
                if name == account.name:
                    message, close = f'account "{name}" cannot import its own "{export.subject}"', None
                elif name not in backend.accounts and name not in backend.outside:
                    message = f'"{export.subject}" is private to account "{name}", which is not in this spec'
                    close = nearest.to(name, [*backend.accounts, *backend.outside])
                else:
                    continue
                hint = f"did you mean {close!r}?" if close else None
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
    guarded = {a.name for a in backend.accounts.values() if any(export.private for export in a.exports)}
    for account in backend.accounts.values():
        for taken in account.imports:
            if taken.account not in guarded or why_invalid(taken.subject):
                continue
            export = backend.offers.offered(taken)
            if export is not None and export.private and account.name not in export.importers:
                yield Diagnostic(
                    code="import-private",
                    message=f'account "{taken.account}" does not let "{account.name}" import {taken.kind} '
                    f'"{taken.subject}"',
                    at=taken.at,
                    hint=f'name "{account.name}" in `private` there ({export.at})',
                )
