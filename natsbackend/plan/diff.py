"""What differs between what a spec wants and what a target holds, account by account, in the words of the spec.

Accounts whose payloads are equal byte for byte are seen to be so by a digest; only others are read word by word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from natsbackend.claims.codec import Token
from natsbackend.plan.account_words import account_changes
from natsbackend.plan.consequences import of_account, of_operator, of_removed
from natsbackend.plan.naming import Names
from natsbackend.plan.operator_words import operator_changes
from natsbackend.plan.payloads import held_digest, held_payload, wanted_payload
from natsbackend.plan.ripples import Ripples
from natsbackend.plan.values import AccountChange, Action, Change, Consequence, Desired, Snapshot, Wanted


def diff(desired: Desired, held: Snapshot) -> tuple[AccountChange, ...]:
    """Return every account that is not as it should be, in the order of the spec, removed ones last.

    An account that the target holds and this spec never had is nobody's business here: see `strangers`. Accounts
    that are to be pushed again because of others are among them only where the target is live.
    """
    names = Names(desired, held)
    found = {each.name: change for each in desired.accounts if (change := _of_account(each, held, names))}
    if held.is_live and found:
        ripples = Ripples(desired, held, names, frozenset(found))
        for each in desired.accounts:
            if reasons := ripples.reasons(each):
                found[each.name] = _renewed(each, held, names, reasons)
        for name, more in ripples.left_behind():
            found[name] = replace(found[name], consequences=(*found[name].consequences, *more))
    in_order = [found[each.name] for each in desired.accounts if each.name in found]
    return (*in_order, *_removed(desired, held, names))


def operator_diff(desired: Desired, held: Snapshot) -> tuple[tuple[Change, ...], tuple[Consequence, ...]]:
    """Return what of the operator differs from what the servers run with, and what that means."""
    claims = desired.operator.claims
    for token in held.operators:
        if token.subject == claims.subject:
            names = Names(desired, held)
            changes = tuple(operator_changes(held_payload(token), wanted_payload(desired.operator), names))
            return changes, of_operator(changes, held)
    if held.is_live and not held.operators:  # nobody said whom the servers trust
        return (), ()
    added = Change(where="", word="", action=Action.ADDED, after=claims.name)
    return (added,), of_operator((added,), held)


def strangers(desired: Desired, held: Snapshot) -> tuple[Token, ...]:
    """Return the accounts that the target holds and that this spec neither has nor once had."""
    ours = {wanted.unsigned.claims.subject for wanted in desired.accounts} | desired.owned
    return tuple(token for key, token in sorted(held.accounts.items()) if key not in ours)


def _of_account(wanted: Wanted, held: Snapshot, names: Names) -> AccountChange | None:
    subject = wanted.unsigned.claims.subject
    token = None if wanted.is_new else held.accounts.get(subject)
    if token is not None and wanted.digest and held_digest(token) == wanted.digest:
        return None
    after = wanted_payload(wanted.unsigned)
    before = None if token is None else held_payload(token)
    changes = tuple(account_changes(before, after, names))
    if token is None or before is None:
        public = "" if wanted.is_new else subject
        return AccountChange(
            name=wanted.name,
            public_key=public,
            action=Action.ADDED,
            changes=changes,
            digest=wanted.digest,
            at=wanted.at,
        )
    if not changes:
        return None
    return AccountChange(
        name=wanted.name,
        public_key=subject,
        action=Action.CHANGED,
        changes=changes,
        consequences=of_account(before, after, names),
        digest=wanted.digest,
        held=token.jti,
        held_iat=token.issued_at,
        at=wanted.at,
    )


def _renewed(wanted: Wanted, held: Snapshot, names: Names, reasons: tuple[str, ...]) -> AccountChange:
    subject = wanted.unsigned.claims.subject
    token = held.accounts[subject]
    payload = held_payload(token)
    return AccountChange(
        name=wanted.name,
        public_key=subject,
        action=Action.RENEWED,
        consequences=of_account(payload, payload, names),
        because=reasons,
        digest=wanted.digest,
        held=token.jti,
        held_iat=token.issued_at,
        at=wanted.at,
    )


def _removed(desired: Desired, held: Snapshot, names: Names) -> Iterator[AccountChange]:
    wanted = {each.unsigned.claims.subject for each in desired.accounts if not each.is_new}
    for public in sorted(desired.owned - wanted):
        token = held.accounts.get(public)
        if token is not None:
            yield AccountChange(
                name=names.account(public) if not token.name else token.name,
                public_key=public,
                action=Action.REMOVED,
                consequences=of_removed(public, desired),
                held=token.jti,
                held_iat=token.issued_at,
                is_pruned=held.is_live,
            )
