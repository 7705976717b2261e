"""Rules about accounts that the spec does not make but shares with."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from natsbackend.errors import Diagnostic
from natsbackend.keys import KeyRole, is_public
from natsbackend.model.entities import Backend, Export
from natsbackend.model.sharing import EVERYONE


def outside_account(backend: Backend) -> Iterable[Diagnostic]:
    """An account outside without an account's public key, or with a name or key that another one has.

    The server takes any text for the account of an import, and then finds nobody there (Go library, `imports.go`).
    """
    names: dict[str, str] = {}
    for name, account in backend.outside.items():
        key = account.public_key
        first = names.setdefault(key, name)
        if name in backend.accounts:
            message, hint = f'"{name}" is an account of this spec, and one outside', "give one another name"
        elif not is_public(key, KeyRole.ACCOUNT):
            message = f"{key[:60]!r} is not the public key of an account"
            hint = "56 characters that begin with A; whoever runs the account knows it"
        elif first != name:
            message, hint = (
                f'"{name}" and "{first}" have one public key',
                "one name is enough for one account",
            )
        else:
            continue
        yield Diagnostic(code="outside-account", message=message, at=account.at, hint=hint)


def import_token_needless(backend: Backend) -> Iterable[Diagnostic]:
    """An import from an account of this spec that carries a token: its activation is made and carried by itself."""
    for account in backend.accounts.values():
        for taken in account.imports:
            if taken.token is not None and taken.account in backend.accounts:
                yield Diagnostic(
                    code="import-token-needless",
                    message=f'"{taken.account}" is an account of this spec, so this import needs no `token`',
                    at=taken.token_at or taken.at,
                    hint=f'take it out; if the export is private, name "{account.name}" in its `private`',
                )


def export_revocation(backend: Backend) -> Iterable[Diagnostic]:
    """A revocation that revokes nothing: of a public export, of an account of this spec, or of nobody known."""
    for account in backend.accounts.values():
        for export in account.exports:
            if export.revoked and not export.private:
                message = f'"{export.subject}" is not private; nobody has an activation that could be revoked'
                hint = "take `revocations` out, or add `private`"
                yield Diagnostic(code="export-revocation", message=message, at=export.at, hint=hint)
            for name in export.revoked:
                why = _why_nobody(backend, export, name)
                if why is not None:
                    yield Diagnostic(code="export-revocation", message=why[0], at=export.at, hint=why[1])


def _why_nobody(backend: Backend, export: Export, name: str) -> tuple[str, str | None] | None:
    """Say why an activation of this account cannot be revoked by this name, with a hint."""
    if name in backend.accounts:
        hint = "take it out of `private`; that revokes what it has"
        if name not in export.importers:
            hint = "it is not named in `private`, so what it had is revoked already; take it out"
        return (
            f'"{name}" is an account of this spec, whose activations are made and revoked with `private`',
            hint,
        )
    if name == EVERYONE or name in backend.outside or is_public(name, KeyRole.ACCOUNT):
        return None
    close = get_close_matches(name, backend.outside, 1, 0.6)
    hint = "give it a name under `outside`, or write its public key"
    return f"{name[:60]!r} is no account outside", f"did you mean {close[0]!r}?" if close else hint
