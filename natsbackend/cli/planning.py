"""`plan`: what a change of the spec comes to, for a person, a program or a pull request."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from natsbackend.cli import output
from natsbackend.cli.options import EnvOption, FileOption, SpecArgument, either, spec_and_project

if TYPE_CHECKING:
    from natsbackend.plan.values import Plan

CHANGES = 3
"""Exit code: it worked, and there is something to be done."""


MARKER = "<!-- natsbackend plan -->\n"
"""The first line of a comment on GitHub, by which the next run finds the comment it replaces."""


class PlanFormat(enum.StrEnum):
    """How a plan is written."""

    HUMAN = "human"
    JSON = "json"
    MARKDOWN = "markdown"
    GITHUB = "github"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("plan")(plan)


def plan(
    spec: SpecArgument = None,
    file: FileOption = None,
    env: EnvOption = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="TARGET", help="Compare with a target of the spec, live.")
    ] = None,
    server: Annotated[
        list[str] | None,
        typer.Option(
            "--server", metavar="URL", help="Compare with this server: nats://HOST:PORT. Repeatable."
        ),
    ] = None,
    form: Annotated[PlanFormat, typer.Option("--format", help="How the plan is written.")] = PlanFormat.HUMAN,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="Write the plan down for `push --plan FILE`, too."),
    ] = None,
    detailed: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 3 if there is something to be done.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="As for a push that ends the accounts that the spec has dropped.")
    ] = False,
    not_renamed: Annotated[
        bool, typer.Option("--not-renamed", help="What vanished and what appeared are different things.")
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Seconds to wait for an answer.", min=0.1)
    ] = 5.0,
) -> None:
    """Say what would change, and what that means for people who are connected.

    Compares the spec with build/, or with what a live target holds. Nothing is made, signed or written, and no seed is
    needed but that of the system account's role `observer` where a target is read. `github` is a comment for a pull
    request: `markdown` with a first line that is not seen, by which the comment is found again.

    Example: natsbackend plan --to main --detailed-exitcode
    """
    import time

    from natsbackend.workflow.collecting import collection_paused
    from natsbackend.workflow.glance import plan_at_a_glance
    from natsbackend.workflow.opening import open_spec
    from natsbackend.workflow.planning import Request, make_plan
    from natsbackend.workflow.push import choose_target

    path, project = spec_and_project(either(spec, file), env)
    with collection_paused():
        now, urls = int(time.time()), server or []
        found = None
        if to or urls:
            found = plan_at_a_glance(path, project, to=to, servers=urls, now=now, timeout=timeout)
        if found is None:
            opened = open_spec(str(path))
            target = choose_target(opened.backend, to, urls) if to or urls else None
            found = make_plan(
                Request(
                    spec=path,
                    opened=opened,
                    project=project,
                    target=target,
                    now=now,
                    timeout=timeout,
                    prune=prune,
                    not_renamed=not_renamed,
                )
            )
    if out is not None:
        _write(found, Path(out))
    _answer(found, form)
    if found.problems:
        raise typer.Exit(1)
    if detailed and not found.is_empty:
        raise typer.Exit(CHANGES)


def _answer(found: Plan, form: PlanFormat) -> None:
    from natsbackend.plan.document import to_json
    from natsbackend.plan.markdown import render_markdown
    from natsbackend.plan.text import render_text

    if form is PlanFormat.JSON:
        output.answer_json(to_json(found))
    elif form is PlanFormat.HUMAN:
        output.answer(render_text(found, colour=output.styled_answer))
        output.show_diagnostics(found.problems)
    else:
        marker = MARKER if form is PlanFormat.GITHUB else ""
        output.answer(f"{marker}{render_markdown(found)}")


def _write(found: Plan, file: Path) -> None:
    import json

    from natsbackend.files import Batch
    from natsbackend.plan.document import to_json

    batch = Batch()
    batch.add(file, json.dumps(to_json(found), indent=2, ensure_ascii=False) + "\n", 0o644)
    batch.write()
