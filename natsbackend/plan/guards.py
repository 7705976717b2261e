"""What `push` refuses without `--force`: changes that are seldom meant."""

from __future__ import annotations

from collections.abc import Sequence

from natsbackend.plan.values import AccountChange, Action, Desired, Snapshot
from natsbackend.wording import counted

FEW = 3
"""So many accounts may change at once, however small the backend is."""


def find_guards(
    accounts: Sequence[AccountChange],
    desired: Desired,
    held: Snapshot,
    *,
    prune: bool = True,
) -> tuple[str, ...]:
    """Say what is dangerous about a push, one sentence each; `prune` counts accounts that only it removes."""
    return (
        *_too_many(accounts, desired, held, prune=prune),
        *_system_account(accounts, desired),
    )


def _too_many(
    accounts: Sequence[AccountChange], desired: Desired, held: Snapshot, *, prune: bool
) -> tuple[str, ...]:
    """More than a third of what the target holds of ours is changed or removed; what is new endangers nobody."""
    ours = {wanted.unsigned.claims.subject for wanted in desired.accounts} | desired.owned
    known = len(ours & held.accounts.keys())
    touched = [
        each
        for each in accounts
        if each.action in (Action.CHANGED, Action.REMOVED) and (prune or not each.is_pruned)
    ]
    if len(touched) <= FEW or 3 * len(touched) <= known:
        return ()
    removed = sum(each.action is Action.REMOVED for each in touched)
    what = f"{len(touched)} of {counted(known, 'account')} would be changed or removed"
    return (f"{what} ({removed} removed): more than a third",)


def _system_account(accounts: Sequence[AccountChange], desired: Desired) -> tuple[str, ...]:
    for each in accounts:
        if each.public_key == desired.system_account and each.action in (Action.CHANGED, Action.REMOVED):
            return (f'the system account "{each.name}" would be {each.action.value}',)
    return ()
