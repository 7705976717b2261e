"""A plan for a terminal: what comes, goes and changes, each with what it means, and a line that sums up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from natsbackend.plan.values import AccountChange, Action, Change, Consequence, Impact, Plan, SeedNeed
from natsbackend.wording import counted

Colour = Callable[[str, str], str]
"""Returns a text in a style: `added`, `changed`, `removed`, `renewed`, `warning`, `note` or `bold`."""

SIGNS = {Action.ADDED: "+", Action.CHANGED: "~", Action.REMOVED: "-", Action.RENEWED: "="}
_MARKS = {
    Impact.DISCONNECTS: "disconnects",
    Impact.REFUSES: "refuses",
    Impact.NOT_EFFECTIVE: "not effective",
    Impact.NOTE: "note",
}
_SHOWN = 10


def render_text(plan: Plan, *, colour: Colour | None = None) -> str:
    """Return a plan as lines that end in a line end; without `colour` they are plain."""
    styled = colour or (lambda text, _: text)
    if plan.is_empty and not plan.problems:
        return f"nothing to change: {plan.source} is as the spec wants it\n"
    return "\n".join(_lines(plan, styled)) + "\n"


def _lines(plan: Plan, styled: Colour) -> Iterator[str]:
    if plan.operator:
        action = (
            Action.ADDED if all(each.action is Action.ADDED for each in plan.operator) else Action.CHANGED
        )
        yield styled(f"{SIGNS[action]} operator", action.value)
        yield from _indented(_changes(plan.operator, styled))
        yield from _indented(_consequences(plan.operator_consequences, styled))
    for account in plan.accounts:
        yield styled(title(account), account.action.value)
        yield from _indented(_changes(account.changes, styled))
        yield from _indented(f"= again, since {reason}" for reason in account.because)
        yield from _indented(_consequences(account.consequences, styled))
    for user in plan.users:
        yield styled(f"{SIGNS[user.action]} {user.path}", user.action.value)
        yield from _indented(_consequences(user.consequences, styled))
    yield from _keys(plan, styled)
    for problem in plan.problems:
        yield styled(f"! {problem.message}", "warning")
    for guard in plan.guards:
        yield styled(f"! needs --force: {guard}", "warning")
    yield styled(summary(plan), "bold")


def title(account: AccountChange) -> str:
    """Return the line of an account."""
    prune = " (only with --prune)" if account.is_pruned else ""
    return f"{SIGNS[account.action]} account {account.name}{prune}"


def phrase(change: Change) -> str:
    """Return a change without its sign: where, the word, and what it was and becomes."""
    name = ": ".join(part for part in (change.where, change.word) if part)
    values = " → ".join(part for part in (change.before, change.after) if part is not None)
    return f"{name}: {values}" if values else name


def _changes(changes: Iterable[Change], styled: Colour) -> Iterator[str]:
    for change in changes:
        yield styled(f"{SIGNS[change.action]} {phrase(change)}", change.action.value)


def _consequences(found: Iterable[Consequence], styled: Colour) -> Iterator[str]:
    for each in found:
        style = "note" if each.impact is Impact.NOTE else "warning"
        yield styled(f"! {_MARKS[each.impact]}: {each.text}", style)


def _keys(plan: Plan, styled: Colour) -> Iterator[str]:
    for identity in plan.identities:
        text = f"! another identity: {identity.path} was {identity.before}, becomes {identity.after}"
        yield styled(text, "warning")
    if plan.keys_to_make:
        yield f"generate makes {counted(len(plan.keys_to_make), 'key')}: {some(plan.keys_to_make)}"
    for seed in plan.seeds:
        yield styled(f"{'  ' if seed.is_here else '! '}{need(seed)}", "note" if seed.is_here else "warning")


def need(seed: SeedNeed) -> str:
    """Say which seed is needed, what for, and whether it is here."""
    return f"needs the seed of {seed.path} ({some(seed.purposes)}): {'here' if seed.is_here else 'not here'}"


def some(texts: tuple[str, ...]) -> str:
    """Return a list of texts, a long one cut short."""
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return f"{', '.join(texts[:_SHOWN])}{more}"


def summary(plan: Plan) -> str:
    """Return what a plan would do, in one line."""
    counts = {action: sum(each.action is action for each in plan.accounts) for action in Action}
    parts = [f"{number} {action.value}" for action, number in counts.items() if number]
    return f"{plan.source}: accounts {', '.join(parts) or 'none changed'}, {plan.unchanged} unchanged"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)
