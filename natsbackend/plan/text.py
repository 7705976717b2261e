"""A plan for a terminal: an account and its words, before and after, and below them what that does to people."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from natsbackend.model.entities import OPERATOR_PATH
from natsbackend.plan.values import AccountChange, Action, Change, Consequence, Impact, Plan
from natsbackend.plan.wordings import SIGNS, groups, note, nothing, shown, split_new, summary, worst
from natsbackend.wording import counted

Colour = Callable[[str, str], str]
"""Returns a text in a style: the value of an `Action` or an `Impact`, `problem`, `bold` or `dim`."""

_LONGEST = 60
"""Lines of one account."""
_WIDEST = 28


def render_text(plan: Plan, *, colour: Colour | None = None) -> str:
    """Return a plan as lines that end in a line end; without `colour` they are plain."""
    if plan.is_empty and not (plan.problems or plan.guards):
        return f"{nothing(plan)}\n"
    styled = colour or (lambda text, _: text)
    blocks = [block for block in (list(part) for part in _parts(plan, styled)) if block]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _parts(plan: Plan, styled: Colour) -> Iterator[Iterator[str]]:
    whole, brief = split_new(plan)
    for account in whole:
        yield _account(account, styled)
    yield (_header(each, styled, _counts(each)) for each in brief)
    yield _operator(plan, styled)
    yield _server(plan, styled)
    yield _section(
        "users", (_user(each.path, each.action, each.consequences, styled) for each in plan.users), styled
    )
    yield _section(
        "keys that `generate` would make", (f"  + {shown(path)}" for path in plan.keys_to_make), styled
    )
    yield _section(
        "identities that change: refused without --force-identity",
        (_identity(*each) for each in _identities(plan)),
        styled,
    )
    yield _section("seeds", _seeds(plan, styled), styled)
    yield _section(
        "refused without --force", (styled(f"  ! {shown(g)}", "problem") for g in plan.guards), styled
    )
    yield _section("cannot work", (_problem(str(each), styled) for each in plan.problems), styled)
    yield _end(plan, styled)


def _section(title: str, lines: Iterator[str], styled: Colour) -> Iterator[str]:
    for number, line in enumerate(lines):
        if number == 0:
            yield styled(title, "bold")
        yield line


def _account(account: AccountChange, styled: Colour) -> Iterator[str]:
    yield _header(account, styled, note(account))
    lines = [*_changes(account.changes, styled)]
    yield from lines[:_LONGEST]
    if len(lines) > _LONGEST:
        yield styled(f"    … and {counted(len(lines) - _LONGEST, 'line')} more; --format json has all", "dim")
    for reason in account.because:
        yield f"    because {shown(reason)}"
    yield from _consequences(account.consequences, styled, "    ")


def change_lines(changes: tuple[Change, ...]) -> Iterator[str]:
    """Return changed words as plain lines, those of a section below its name and indented by two."""
    for line in _changes(changes, lambda text, _: text):
        yield line[4:]


def _header(account: AccountChange, styled: Colour, beside: str) -> str:
    head = styled(f"{SIGNS[account.action]} account {shown(account.name)}", account.action.value)
    return f"{head}  {styled(beside, 'dim')}" if beside else head


def _counts(account: AccountChange) -> str:
    nouns = [change.where.partition(":")[0] for change in account.changes if ": " in change.where]
    return ", ".join(counted(nouns.count(noun), noun.removesuffix("s")) for noun in dict.fromkeys(nouns))


def _changes(changes: tuple[Change, ...], styled: Colour) -> Iterator[str]:
    for where, inside in groups(changes):
        whole = [each for each in inside if not each.word]
        for each in whole:
            yield _line(each, shown(where), 0, styled, "    ")
        words = [each for each in inside if each.word]
        if words and where:
            yield f"    {shown(where)}"
        width = min(max((len(shown(each.word)) for each in words), default=0), _WIDEST)
        indent = "      " if where else "    "
        yield from (_line(each, shown(each.word), width, styled, indent) for each in words)


def _line(change: Change, name: str, width: int, styled: Colour, indent: str) -> str:
    before, after = (None if side is None else shown(side) for side in (change.before, change.after))
    sign = styled(SIGNS[change.action], change.action.value)
    if before is not None and after is not None:
        value = f"{before} → {after}"
    else:
        value = before if after is None and before is not None else after or ""
    return f"{indent}{sign} {name:<{width}}  {value}".rstrip()


def _consequences(consequences: tuple[Consequence, ...], styled: Colour, indent: str) -> Iterator[str]:
    for each in consequences:
        sign = "i" if each.impact is Impact.NOTE else "!"
        yield f"{indent}{styled(f'{sign} {each.impact.value}:', each.impact.value)} {shown(each.text)}"


def _operator(plan: Plan, styled: Colour) -> Iterator[str]:
    if plan.operator:
        yield styled("~ operator", Action.CHANGED.value)
        yield from _changes(plan.operator, styled)
        yield from _consequences(plan.operator_consequences, styled, "    ")


def _server(plan: Plan, styled: Colour) -> Iterator[str]:
    if plan.server or plan.server_consequences:
        yield styled("~ server", Action.CHANGED.value)
        yield from _changes(plan.server, styled)
        yield from _consequences(plan.server_consequences, styled, "    ")


def _user(path: str, action: Action, consequences: tuple[Consequence, ...], styled: Colour) -> str:
    head = styled(f"  {SIGNS[action]} {shown(path)}", action.value)
    return "\n".join((head, *_consequences(consequences, styled, "      ")))


def _identities(plan: Plan) -> Iterator[tuple[str, str, str]]:
    return ((each.path, each.before, each.after) for each in plan.identities)


def _identity(path: str, before: str, after: str) -> str:
    return f"  ~ {shown(path)}  {shown(before)} → {shown(after)}"


def _seeds(plan: Plan, styled: Colour) -> Iterator[str]:
    width = max((len(shown(each.path)) for each in plan.seeds), default=0)
    for each in plan.seeds:
        state = "here   " if each.is_here else styled("missing", "problem")
        purposes = [shown(purpose) for purpose in each.purposes[:3]]
        if len(each.purposes) > 3:
            purposes.append(f"{len(each.purposes) - 3} more")
        yield f"  {shown(each.path):<{width}}  {state}  for {', '.join(purposes)}"


def _problem(text: str, styled: Colour) -> str:
    first, *rest = text.split("\n")
    return "\n".join((styled(f"  ! {shown(first)}", "problem"), *(f"    {shown(line)}" for line in rest)))


def _end(plan: Plan, styled: Colour) -> Iterator[str]:
    if OPERATOR_PATH in plan.keys_to_make:
        yield "nothing has been generated from this spec yet: `natsbackend generate` makes the keys, and signs"
    yield styled(f"against {shown(plan.source)}: {summary(plan)}", "bold")
    if said := worst(plan):
        yield styled(said, Impact.DISCONNECTS.value if "connections end" in said else Impact.REFUSES.value)
