"""Rules about who signs what, and about the system account."""

from __future__ import annotations

from collections.abc import Iterable

from natsbackend.errors import Diagnostic
from natsbackend.model.entities import Backend


def signing_key_needed(backend: Backend) -> Iterable[Diagnostic]:
    """Signing keys are required, and there is none where one must sign."""
    operator = backend.operator
    if not operator.require_signing_keys:
        return
    hint = "name one in `signing_keys`, or set `operator.require_signing_keys: false`"
    if not operator.signing_keys:
        message = "the operator requires signing keys and has none to sign accounts with"
        yield Diagnostic(code="signing-key-needed", message=message, at=operator.at, hint=hint)
    for account in backend.accounts.values():
        plain = next((u for u in account.users.values() if u.role is None), None)
        if plain is not None and not account.signing_keys:
            message = f'user "{plain.name}" has no role, and account "{account.name}" no signing key to sign it with'
            yield Diagnostic(code="signing-key-needed", message=message, at=plain.at, hint=hint)
        named = next((e for e in account.exports if e.importers), None)
        if named is not None and not account.signing_keys:
            message = f'"{named.subject}" is private, and account "{account.name}" has no key to sign activations with'
            yield Diagnostic(code="signing-key-needed", message=message, at=named.at, hint=hint)


def system_account_jetstream(backend: Backend) -> Iterable[Diagnostic]:
    """JetStream on the system account: a push says yes, the next start of the server is fatal."""
    account = backend.system_account
    if account.jetstream.disk != 0 or account.jetstream.memory != 0 or account.details.tiers:
        yield Diagnostic(
            code="system-account-jetstream",
            message=f'the system account "{account.name}" cannot have JetStream; a server would not start again',
            at=account.at,
            hint="give JetStream to another account",
        )
