"""What differs between what a spec wants and what a target holds, account by account, in the words of the spec."""

from __future__ import annotations

from collections.abc import Iterator

from natsbackend.claims.codec import Token
from natsbackend.plan.payloads import Payload, held_digest, held_payload, wanted_payload
from natsbackend.plan.values import (
    AccountChange,
    Action,
    Change,
    Consequence,
    Desired,
    Snapshot,
    Wanted,
)


def diff(desired: Desired, held: Snapshot) -> tuple[AccountChange, ...]:
    """Return every account that is not as it should be, in the order of the spec, removed ones last.

    An account that the target holds and this spec never had is nobody's business here: see `strangers`.
    """
    changed = [change for wanted in desired.accounts if (change := _of_account(wanted, held)) is not None]
    return (*changed, *_removed(desired, held))


def operator_diff(desired: Desired, held: Snapshot) -> tuple[tuple[Change, ...], tuple[Consequence, ...]]:
    """Return what of the operator differs from what the servers run with, and what that means."""
    wanted = wanted_payload(desired.operator)
    for token in held.operators:
        if token.subject == desired.operator.claims.subject:
            return tuple(_members(held_payload(token), wanted, "")), ()
    return (Change(where="", word="", action=Action.ADDED),), ()


def strangers(desired: Desired, held: Snapshot) -> tuple[Token, ...]:
    """Return the accounts that the target holds and that this spec neither has nor once had."""
    ours = {wanted.unsigned.claims.subject for wanted in desired.accounts} | desired.owned
    return tuple(token for key, token in sorted(held.accounts.items()) if key not in ours)


def _of_account(wanted: Wanted, held: Snapshot) -> AccountChange | None:
    subject = wanted.unsigned.claims.subject
    token = None if wanted.is_new else held.accounts.get(subject)
    if token is None:
        public = "" if wanted.is_new else subject
        return AccountChange(
            name=wanted.name, public_key=public, action=Action.ADDED, digest=wanted.digest, at=wanted.at
        )
    if wanted.digest and held_digest(token) == wanted.digest:
        return None
    changes = tuple(_members(held_payload(token), wanted_payload(wanted.unsigned), ""))
    if not changes:
        return None
    return AccountChange(
        name=wanted.name,
        public_key=subject,
        action=Action.CHANGED,
        changes=changes,
        digest=wanted.digest,
        held=token.jti,
        held_iat=token.issued_at,
        at=wanted.at,
    )


def _removed(desired: Desired, held: Snapshot) -> Iterator[AccountChange]:
    wanted = {each.unsigned.claims.subject for each in desired.accounts if not each.is_new}
    for public in sorted(desired.owned - wanted):
        token = held.accounts.get(public)
        if token is not None:
            yield AccountChange(
                name=token.name,
                public_key=public,
                action=Action.REMOVED,
                held=token.jti,
                held_iat=token.issued_at,
                is_pruned=held.is_live,
            )


def _members(before: object, after: object, path: str) -> Iterator[Change]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys((*before, *after)):
            yield from _members(before.get(name), after.get(name), f"{path}.{name}".lstrip("."))
        return
    action = Action.ADDED if before is None else Action.REMOVED if after is None else Action.CHANGED
    yield Change(where="", word=path, action=action)


__all__ = ["Payload", "diff", "operator_diff", "strangers"]
