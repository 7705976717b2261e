"""What cannot work, whatever is forced: found before anything is sent, since servers answer 200 to all of it."""

from __future__ import annotations

from collections.abc import Sequence

from natsbackend.errors import Diagnostic
from natsbackend.plan.values import AccountChange, Action, Desired, Snapshot


def find_problems(
    desired: Desired, held: Snapshot, accounts: Sequence[AccountChange]
) -> tuple[Diagnostic, ...]:
    """Return what is to be pushed and would not become effective.

    Args:
        desired: what the spec wants.
        held: what the target holds, and the operators its servers trust.
        accounts: what `diff` found.
    """
    trusted = _trusted(held)
    if not trusted:
        return ()
    wanted = {each.name: each for each in desired.accounts}
    return tuple(
        Diagnostic(
            code="issuer-not-trusted",
            message=f'account "{each.name}" is signed by {wanted[each.name].unsigned.issuer_path}, which the servers '
            "do not trust",
            at=each.at,
        )
        for each in accounts
        if each.action is not Action.REMOVED and wanted[each.name].unsigned.issuer not in trusted
    )


def _trusted(held: Snapshot) -> frozenset[str]:
    """Return who may sign accounts: signing keys, and the identity of an operator that is not strict."""
    out: set[str] = set()
    for token in held.operators:
        keys = token.nats.get("signing_keys")
        out.update(key for key in (keys if isinstance(keys, list) else ()) if isinstance(key, str))
        if token.nats.get("strict_signing_key_usage") is not True:
            out.add(token.subject)
    return frozenset(out)
