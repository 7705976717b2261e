"""A plan for a comment on a pull request, in Markdown, with what only GitHub folds and colours where it is asked for.

What comes from names and subjects stands in code spans, where it is neither Markdown nor HTML and mentions nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from natsbackend.plan.text import SIGNS, need, phrase, some, summary
from natsbackend.plan.values import AccountChange, Consequence, Impact, Plan
from natsbackend.wording import counted

LIMIT = 65_536
"""How many characters a comment may have on GitHub."""
_RESERVED = 200
_OPEN = 3
"""So many accounts are shown unfolded."""
_ICONS = {
    Impact.DISCONNECTS: "🔴",
    Impact.REFUSES: "🟠",
    Impact.NOT_EFFECTIVE: "⏳",
    Impact.NOTE: "i",
}


def render_markdown(plan: Plan, *, folds: bool = True) -> str:
    """Return a plan as Markdown of at most `LIMIT` characters; what had no room is counted at the end.

    With `folds` long parts are folded and warnings coloured as GitHub does it; else it is Markdown and nothing else.
    """
    blocks = list(_blocks(plan, folds=folds))
    out: list[str] = []
    room = LIMIT - _RESERVED
    for number, block in enumerate(blocks):
        room -= len(block) + 2
        if room < 0:
            left = len(blocks) - number
            out.append(f"_{left} more parts have no room here; `natsbackend plan` shows all of it._")
            break
        out.append(block)
    return "\n\n".join(out) + "\n"


def _blocks(plan: Plan, *, folds: bool) -> Iterator[str]:
    yield "### natsbackend plan"
    if plan.is_empty and not plan.problems:
        yield f"Nothing to change: {code(plan.source)} is as the spec wants it."
        return
    yield f"**{_plain(summary(plan))}**"
    warnings = [*_warnings(plan)]
    if warnings:
        head = "> [!WARNING]\n" if folds else ""
        yield head + "\n".join(f"> - {line}" for line in warnings)
    if plan.operator:
        lines = [f"- {code(f'{SIGNS[each.action]} {phrase(each)}')}" for each in plan.operator]
        yield "\n".join(["**Operator**", "", *lines, *_means(plan.operator_consequences)])
    for account in plan.accounts:
        yield _account(account, _how(folds, is_open=len(plan.accounts) <= _OPEN))
    if plan.users:
        users = [f"- {code(f'{SIGNS[each.action]} {each.path}')}" for each in plan.users]
        yield _part(f"{counted(len(plan.users), 'user')}", users, _how(folds, is_open=False))
    if plan.keys_to_make:
        yield f"Keys that `generate` makes: {code(some(plan.keys_to_make))}"
    missing = [f"- {code(need(seed))}" for seed in plan.seeds if not seed.is_here]
    if missing:
        yield "\n".join(["Seeds that are not where this plan was made:", "", *missing])


def _warnings(plan: Plan) -> Iterator[str]:
    for problem in plan.problems:
        where = f" ({code(str(problem.at))})" if problem.at else ""
        yield f"cannot work: {code(problem.message)}{where}"
    for guard in plan.guards:
        yield f"needs `--force`: {code(guard)}"
    for identity in plan.identities:
        yield f"another identity: {code(f'{identity.path}: {identity.before} → {identity.after}')}"
    ends = [a for a in plan.accounts if any(c.impact is Impact.DISCONNECTS for c in a.consequences)]
    if ends:
        yield f"people are disconnected in {code(some(tuple(a.name for a in ends)))}"


def _how(folds: bool, *, is_open: bool) -> str:
    return "" if not folds else "<details open>" if is_open else "<details>"


def _account(account: AccountChange, details: str) -> str:
    name = f"<code>{_escaped(account.name)}</code>" if details else code(account.name)
    prune = ", only with --prune" if account.is_pruned else ""
    head = f"{account.action.value}: {name}{prune}"
    lines = [f"- {code(f'{SIGNS[each.action]} {phrase(each)}')}" for each in account.changes]
    lines += [f"- {code(f'again, since {reason}')}" for reason in account.because]
    lines += _means(account.consequences)
    return _part(head, lines, details) if lines else f"- {head}"


def _means(found: tuple[Consequence, ...]) -> list[str]:
    return [f"- {_ICONS[each.impact]} {each.impact.value}: {code(each.text)}" for each in found]


def _part(head: str, lines: list[str], details: str) -> str:
    if not details:
        return "\n".join([f"**{head}**", "", *lines])
    return "\n".join([f"{details}<summary>{head}</summary>", "", *lines, "", "</details>"])


def code(text: str) -> str:
    """Return a text as a code span, whatever backticks it has; a line end becomes a space."""
    flat = " ".join(text.split()) or " "
    longest = max((len(run) for run in re.findall(r"`+", flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if flat[0] == "`" or flat[-1] == "`" else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def _escaped(text: str) -> str:
    """Return a text as HTML that Markdown leaves alone."""
    return "".join(c if c.isalnum() or c in " -." else f"&#{ord(c)};" for c in " ".join(text.split()))


def _plain(text: str) -> str:
    """Return a line of our own words and counts with nothing in it that Markdown reads."""
    return re.sub(r"([\\`*_{}\[\]<>@#|~])", r"\\\1", text)
