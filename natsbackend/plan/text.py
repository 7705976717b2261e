"""A plan for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from natsbackend.plan.values import AccountChange, Action, Change, Plan
from natsbackend.wording import counted

Colour = Callable[[str, str], str]
"""Returns a text in a style: `added`, `changed`, `removed`, `warning`, `note` or `bold`."""

SIGNS = {Action.ADDED: "+", Action.CHANGED: "~", Action.REMOVED: "-", Action.RENEWED: "="}


def render_text(plan: Plan, *, colour: Colour | None = None) -> str:
    """Return a plan as lines that end in a line end; without `colour` they are plain."""
    styled = colour or (lambda text, _: text)
    if plan.is_empty and not plan.problems:
        return f"nothing to change: {plan.source} is as the spec wants it\n"
    return "\n".join(_lines(plan, styled)) + "\n"


def _lines(plan: Plan, styled: Colour) -> Iterator[str]:
    for account in plan.accounts:
        yield styled(f"{SIGNS[account.action]} account {account.name}", account.action.value)
        yield from (f"    {line}" for line in _account(account))
    yield ""
    yield summary(plan)


def _account(account: AccountChange) -> Iterator[str]:
    for change in account.changes:
        yield _change(change)
    for consequence in account.consequences:
        yield f"! {consequence.text}"
    yield from account.because


def _change(change: Change) -> str:
    name = ": ".join(part for part in (change.where, change.word) if part)
    values = " → ".join(part for part in (change.before, change.after) if part is not None)
    return f"{SIGNS[change.action]} {name}: {values}" if values else f"{SIGNS[change.action]} {name}"


def summary(plan: Plan) -> str:
    """Return what a plan would do, in one line."""
    counts = {action: sum(each.action is action for each in plan.accounts) for action in Action}
    parts = [f"{number} {action.value}" for action, number in counts.items() if number]
    return (
        f"{counted(len(plan.accounts), 'account')}: {', '.join(parts) or 'none'}, {plan.unchanged} unchanged"
    )
