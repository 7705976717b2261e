"""What the renderings of a plan have in common: counts, verbs, and texts of others made fit to be shown."""

from __future__ import annotations

from natsbackend.model.names import printable
from natsbackend.plan.values import AccountChange, Action, Change, Impact, Plan
from natsbackend.wording import counted

SIGNS = {Action.ADDED: "+", Action.CHANGED: "~", Action.REMOVED: "-", Action.RENEWED: "="}
ORDER = (Impact.DISCONNECTS, Impact.REFUSES, Impact.NOT_EFFECTIVE)
"""The impacts that a summary counts, worst first."""

MANY = 30
"""With more accounts than these, new ones are a line each."""

_DONE = {
    Action.ADDED: "to add",
    Action.CHANGED: "to change",
    Action.RENEWED: "to push again",
    Action.REMOVED: "to remove",
}
_HAS = {
    Impact.DISCONNECTS: "connections end",
    Impact.REFUSES: "something is refused",
    Impact.NOT_EFFECTIVE: "something waits for a restart",
}


def summary(plan: Plan) -> str:
    """Return what a plan would do to accounts: `1 account to add, 2 to change, 40 unchanged`."""
    parts: list[str] = []
    for action, done in _DONE.items():
        number = sum(each.action is action for each in plan.accounts)
        if number:
            parts.append(f"{number} {done}" if parts else f"{counted(number, 'account')} {done}")
    parts.append(
        f"{plan.unchanged} unchanged" if parts else f"{counted(plan.unchanged, 'account')} unchanged"
    )
    return ", ".join(parts)


def worst(plan: Plan) -> str:
    """Return in how many accounts connections end and so on; empty if nobody will notice."""
    parts = []
    for impact in ORDER:
        number = sum(any(each.impact is impact for each in a.consequences) for a in plan.accounts)
        if number:
            parts.append(f"{_HAS[impact]} in {counted(number, 'account')}")
    return ", ".join(parts)


def note(account: AccountChange) -> str:
    """Return what to say beside an account's name; empty if its sign says all."""
    if account.action is Action.RENEWED:
        return "unchanged, to be pushed again"
    if account.action is Action.REMOVED and account.is_pruned:
        return "only with --prune"
    return ""


def split_new(plan: Plan) -> tuple[list[AccountChange], list[AccountChange]]:
    """Return the accounts to show whole and those, new among many, that are a line each."""
    if len(plan.accounts) <= MANY:
        return list(plan.accounts), []
    new = [each for each in plan.accounts if each.action is Action.ADDED]
    return [each for each in plan.accounts if each.action is not Action.ADDED], new


def nothing(plan: Plan) -> str:
    """Return what to say when there is nothing to do."""
    return f"nothing to change: {shown(plan.source)} is as the spec wants it ({counted(plan.unchanged, 'account')})"


def groups(changes: tuple[Change, ...]) -> list[tuple[str, list[Change]]]:
    """Return changes by the place they are in, in the order of the first of each."""
    found: dict[str, list[Change]] = {}
    for each in changes:
        found.setdefault(each.where, []).append(each)
    return list(found.items())


def shown(text: str) -> str:
    """Return a text of others in one line, without what would steer a terminal or a page."""
    return printable(text)
