"""Rules about accounts that the spec does not make but shares with."""

from __future__ import annotations

from collections.abc import Iterable

from natsbackend.errors import Diagnostic
from natsbackend.keys import KeyRole, is_public
from natsbackend.model.entities import Backend


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
