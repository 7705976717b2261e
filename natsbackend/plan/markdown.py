"""A plan for a comment on a pull request, in GitHub's Markdown.

Names, subjects and all else that others wrote stand only inside of fenced blocks and `<code>`, where GitHub reads no
Markdown, no HTML, no mention and no issue number; a fence is longer than any run of backticks in it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from natsbackend.plan.values import AccountChange, Action, Change, Consequence, Impact, Plan
from natsbackend.plan.wordings import groups, note, shown, split_new, summary, worst
from natsbackend.wording import counted

LIMIT = 65_536
"""How many characters a comment may have on GitHub; bytes are counted here, to be on the safe side."""

_RESERVED = 400
"""Kept for saying what was left out."""
_LONGEST = 80
"""Lines of one block."""
_FEW = 3
"""So many accounts are shown unfolded."""
_BACKTICKS = re.compile(r"`+")
_VERBS = {
    Action.ADDED: "new",
    Action.CHANGED: "changed",
    Action.RENEWED: "pushed again",
    Action.REMOVED: "removed",
}


def render_markdown(plan: Plan) -> str:
    """Return a plan as Markdown of at most `LIMIT` bytes; what had to be left out is said at its end."""
    head = "\n\n".join(_head(plan))
    room = LIMIT - _RESERVED - _size(head)
    blocks, left_out = [head], 0
    for block in (*_accounts(plan), *_rest(plan)):
        if (size := _size(block) + 2) > room:
            left_out += 1
            continue
        room -= size
        blocks.append(block)
    if left_out:
        blocks.append(
            f"_{counted(left_out, 'part')} of this plan did not fit into a comment; `natsbackend plan` shows all._"
        )
    return "\n\n".join(blocks) + "\n"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _head(plan: Plan) -> Iterator[str]:
    if plan.is_empty and not (plan.problems or plan.guards):
        yield f"### natsbackend: nothing to change\n\n{_code(plan.source)} is as the spec wants it."
        return
    yield f"### natsbackend: {summary(plan)}\n\nAgainst {_code(plan.source)}."
    if plan.problems:
        lines = [line for each in plan.problems[:20] for line in str(each).split("\n")]
        yield f"> [!CAUTION]\n> **This cannot work.** {_found(len(plan.problems), 'problem')}"
        yield _fenced("text", lines)
    if plan.guards:
        yield "> [!WARNING]\n> **Refused without `--force`:**"
        yield _fenced("text", plan.guards)
    if plan.identities:
        yield (
            "> [!CAUTION]\n> **Identities change.** Whatever trusts the old keys does not trust the new ones; refused "
            "without `--force-identity`."
        )
        yield _fenced(
            "diff",
            [line for e in plan.identities for line in (f"- {e.path} {e.before}", f"+ {e.path} {e.after}")],
        )
    if said := worst(plan):
        yield f"> [!IMPORTANT]\n> For those who are connected: {said}."


def _found(number: int, word: str) -> str:
    return f"{counted(number, word)}:"


def _accounts(plan: Plan) -> Iterator[str]:
    whole, listed = split_new(plan)
    for each in sorted(whole, key=_by_impact):
        yield _account(each, is_open=len(plan.accounts) <= _FEW)
    if listed:
        yield _details(counted(len(listed), "new account"), "", [f"+ account {each.name}" for each in listed])


def _by_impact(account: AccountChange) -> int:
    """The worst first, so that what does not fit is what matters least."""
    impacts = {each.impact for each in account.consequences}
    return next((n for n, impact in enumerate(Impact) if impact in impacts), len(Impact))


def _account(account: AccountChange, *, is_open: bool) -> str:
    impacts = {each.impact: None for each in account.consequences if each.impact is not Impact.NOTE}
    parts = [
        _VERBS[account.action],
        note(account) if account.action is Action.REMOVED else "",
        *map(str, impacts),
    ]
    lines = [
        *_consequences(account.consequences),
        *(f"# because {reason}" for reason in account.because),
        *_changes(account.changes),
    ]
    return _details(
        f"<code>{_escaped(account.name)}</code>", ", ".join(filter(None, parts)), lines, is_open=is_open
    )


def _consequences(consequences: Iterable[Consequence]) -> Iterator[str]:
    for each in consequences:
        yield f"{'#' if each.impact is Impact.NOTE else '!'} {each.impact.value}: {each.text}"


def _changes(changes: tuple[Change, ...]) -> Iterator[str]:
    for where, inside in groups(changes):
        if where and any(each.word for each in inside):
            yield f"  {where}"
        indent = "  " if where else ""
        for each in inside:
            name = f"{indent}{each.word}" if each.word else where
            if each.action is not Action.ADDED:
                yield f"- {name}: {each.before}" if each.before is not None else f"- {name}"
            if each.action is not Action.REMOVED:
                yield f"+ {name}: {each.after}" if each.after is not None else f"+ {name}"


def _rest(plan: Plan) -> Iterator[str]:
    if plan.operator:
        lines = [*_consequences(plan.operator_consequences), *_changes(plan.operator)]
        yield _details("operator", "changed", lines, is_open=True)
    if plan.server or plan.server_consequences:
        lines = [*_consequences(plan.server_consequences), *_changes(plan.server)]
        yield _details("server", "changed" if plan.server else "", lines, is_open=True)
    if plan.users:
        users = []
        for each in plan.users:
            users.append(
                f"{'-' if each.action is Action.REMOVED else '+'} {each.path} ({_VERBS[each.action]})"
            )
            users += _consequences(each.consequences)
        yield _details("users", counted(len(plan.users), "user"), users)
    if plan.keys_to_make:
        keys = [f"+ {path}" for path in plan.keys_to_make]
        yield _details("keys to make", counted(len(keys), "key"), keys)
    if plan.seeds:
        missing = sum(not each.is_here for each in plan.seeds)
        seeds = [
            f"{'  here   ' if each.is_here else '! missing'} {each.path}, for {', '.join(each.purposes[:3])}"
            + (f" and {len(each.purposes) - 3} more" if len(each.purposes) > 3 else "")
            for each in plan.seeds
        ]
        yield _details("seeds that a push needs", f"{missing} not here" if missing else "all here", seeds)


def _details(title: str, beside: str, lines: Sequence[str], *, is_open: bool = False) -> str:
    head = f"<details{' open' if is_open else ''}><summary>{title}{f': {beside}' if beside else ''}</summary>"
    return f"{head}\n\n{_fenced('diff', lines)}\n\n</details>" if lines else f"{head}\n\n</details>"


def _fenced(language: str, lines: Iterable[str]) -> str:
    """Return lines in a fence that nothing in them can end."""
    plain = [shown(line) for line in lines]
    if len(plain) > _LONGEST:
        plain = [*plain[:_LONGEST], f"# … and {counted(len(plain) - _LONGEST, 'line')} more"]
    longest = max((len(run) for line in plain for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join((f"{fence}{language}", *plain, fence))


def _code(text: str) -> str:
    """Return a text for the middle of a paragraph: each character that means something to Markdown as a number."""
    plain = "".join(each if each.isalnum() or each == " " else f"&#{ord(each)};" for each in shown(text))
    return f"<code>{plain}</code>"


def _escaped(text: str) -> str:
    """Return a text for a line of HTML, in which no Markdown is read."""
    return html.escape(shown(text))
