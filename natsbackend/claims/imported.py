"""Activations from outside: those that imports from accounts outside the spec carry.

The server drops an import whose activation is not what it should be, and says nothing to whoever pushed it
(nats-server 2.15 `accounts.go`, checkActivation). So each is decoded here, its signature looked at, and it is held
against the import; whose it is and whether it has ended can be said only where the keys and the time are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from natsbackend.claims.codec import Token, TokenKind, decode
from natsbackend.errors import ClaimsError, Diagnostic, Severity
from natsbackend.keys import Keyring, KeyRole, is_public
from natsbackend.model.entities import Account, Backend
from natsbackend.model.sharing import ACCOUNT_TOKEN, Import
from natsbackend.subjects import is_subset, why_invalid

CODE = "import-token"
EXPIRED = "import-token-expired"


def outside_tokens(backend: Backend) -> Iterator[tuple[Account, Import, str]]:
    """Every import from outside that carries an activation, and the activation."""
    for account in backend.accounts.values():
        for taken in account.imports:
            if taken.token is not None and taken.outside_key is not None:
                yield account, taken, taken.token


def expiries(backend: Backend) -> Iterator[tuple[Account, Import, int]]:
    """Every import whose activation ends, and the unix second in which it does."""
    for account, taken, text in outside_tokens(backend):
        try:
            token = decode(text)
        except ClaimsError:
            continue
        if token.kind is TokenKind.ACTIVATION and token.expires:
            yield account, taken, token.expires


def judge(backend: Backend) -> Iterator[Diagnostic]:
    """Say what is wrong with the activations of imports, as far as it can be said without the lock."""
    for account, taken, text in outside_tokens(backend):
        why = _why_unfit(text, taken, account, key=None)
        if why is not None:
            yield _said(taken, *why)


def judge_with_keys(
    backend: Backend, keyring: Keyring, *, now: int, fresh: frozenset[str] = frozenset()
) -> Iterator[Diagnostic]:
    """Say what else is wrong with them: for whom they are, and until when.

    Args:
        backend: what the spec says.
        keyring: the keys of the accounts.
        now: unix seconds.
        fresh: paths whose keys are made in this very run, so that nobody outside can know them.
    """
    for account, taken, text in outside_tokens(backend):
        key = keyring[account.path]
        why = _why_unfit(text, taken, account, key=key)
        if why is not None and account.path in fresh:
            message = f'account "{account.name}" has no key yet, so this activation cannot be for it'
            hint = "run `natsbackend generate` without this import, then ask for an activation for the account's key"
            yield _said(taken, message, hint)
            continue
        if why is not None:
            yield _said(taken, *why)
            continue
        said = _why_not_now(decode(text), now)
        if said is not None:
            yield _said(taken, said, "ask for another one", expired=True)


def _said(taken: Import, message: str, hint: str | None, *, expired: bool = False) -> Diagnostic:
    return Diagnostic(
        code=EXPIRED if expired else CODE,
        message=message,
        at=taken.token_at or taken.at,
        hint=hint,
        severity=Severity.WARNING if expired else Severity.ERROR,
    )


def _why_unfit(text: str, taken: Import, account: Account, key: str | None) -> tuple[str, str | None] | None:
    """Say why an activation does not let this import in, with a hint, or return None."""
    shown = f'{taken.kind} "{taken.subject}"'
    try:
        token = decode(text)
    except ClaimsError as e:
        return f"the activation for {shown} cannot be used: {e.message}", e.hint
    if token.kind is not TokenKind.ACTIVATION:
        return f"this is a token of the kind {token.kind.value}, not an activation", None
    why = _why_other_issuer(token, taken)
    if why is not None:
        return why, None
    if key is not None and token.subject != key:
        message = f'the activation for {shown} is for {token.subject[:60]}, not for account "{account.name}"'
        return message, f"ask for one for {key}"
    granted, kind = str(token.nats.get("subject")), str(token.nats.get("kind"))
    if kind != taken.kind:
        return f'the activation for {shown} is for the {kind[:20]} "{granted[:80]}"', None
    subject = taken.subject if key is None else taken.subject.replace(ACCOUNT_TOKEN, key)
    unknown = ACCOUNT_TOKEN in subject
    if why_invalid(granted) is not None or not (unknown or is_subset(subject, granted)):
        hint = f'import "{granted[:80]}" or less of it, or ask for another activation'
        return f'the activation for {shown} is for "{granted[:80]}" alone', hint
    return None


def _why_other_issuer(token: Token, taken: Import) -> str | None:
    """Say why it was not the exporter who made it: its own key must have, or one that names it."""
    maker = token.nats.get("issuer_account") or token.issuer
    if maker != taken.outside_key:
        return (
            f'this activation is of account {str(maker)[:60]}, and "{taken.account}" is {taken.outside_key}'
        )
    if not is_public(token.issuer, KeyRole.ACCOUNT):
        return f'this activation is not signed with a key of "{taken.account}"'
    return None


def _why_not_now(token: Token, now: int) -> str | None:
    if token.expires and token.expires <= now:
        return f"this activation ended on {_shown(token.expires)}, so the server drops the import"
    if token.not_before > now:
        return f"this activation begins on {_shown(token.not_before)}; the server drops the import until then"
    return None


def _shown(at: int) -> str:
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):
        return f"second {at}"
