"""`pull`: what a target holds, as files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from natsbackend.cli import output
from natsbackend.cli.options import (
    EnvOption,
    FileOption,
    FormatOption,
    QuietOption,
    ReportFormat,
    SpecArgument,
    VerboseOption,
    either,
    spec_and_project,
)
from natsbackend.wording import counted

if TYPE_CHECKING:
    from natsbackend.workflow.pull import Pulled

REFUSED = 3
"""Exit code: it worked, and something there is not what it says it is."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("pull")(pull)


def pull(
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Where the files are written.")],
    spec: SpecArgument = None,
    file: FileOption = None,
    env: EnvOption = None,
    to: Annotated[str | None, typer.Option("--to", metavar="TARGET", help="A target of the spec.")] = None,
    server: Annotated[
        list[str] | None,
        typer.Option("--server", metavar="URL", help="Pull from here instead: nats://HOST:PORT. Repeatable."),
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Seconds to wait for an answer.", min=0.1)
    ] = 5.0,
    report: FormatOption = ReportFormat.HUMAN,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write every account JWT that a target holds to a directory, one ACCOUNT_KEY.jwt each.

    Of servers that differ, the newest. What is no account's JWT, or is signed by nobody whom the servers trust, is not
    written: it is said, and the exit code is 3. Changes nothing there, and needs no seed but the observer's.

    Example: natsbackend pull --to main --out backup
    """
    from natsbackend.workflow.collecting import collection_paused
    from natsbackend.workflow.opening import open_spec
    from natsbackend.workflow.pull import Request
    from natsbackend.workflow.pull import pull as pulled
    from natsbackend.workflow.push import choose_target

    path, project = spec_and_project(either(spec, file), env)
    with collection_paused():
        opened = open_spec(str(path))
        request = Request(
            opened=opened,
            project=project,
            target=choose_target(opened.backend, to, server or [], what="pull from"),
            directory=Path(out),
            now=int(time.time()),
            timeout=timeout,
        )
        found = pulled(request)
    if report is ReportFormat.JSON:
        output.answer_json(_to_json(found))
    else:
        _tell(found, out, quiet=quiet, verbose=verbose)
    if found.refused:
        raise typer.Exit(REFUSED)


def _tell(found: Pulled, out: str, *, quiet: bool, verbose: bool) -> None:
    from natsbackend.model.names import printable

    for each in found.accounts:
        called = f"{printable(each.name)} " if each.name else ""
        if each.problem:
            key = printable(each.public_key)
            output.answer(f"{output.bad('✗')} {called}{key} is not written: {each.problem}")
        elif verbose:
            state = "written" if each.is_new else "unchanged"
            output.answer(f"{output.good('✓')} {called}{each.public_key}: {state}")
    if quiet:
        return
    for name in found.left:
        output.say(f"· {printable(name)} is of no account that the target holds; it stays")
    sound = len(found.accounts) - len(found.refused)
    same = sound - len(found.written)
    output.answer(f"{out}: {counted(len(found.written), 'account')} written, {same} unchanged")


def _to_json(found: Pulled) -> dict[str, object]:
    return {
        "format": 1,
        "accounts": [
            {
                "public_key": each.public_key,
                "name": each.name,
                "written": each.is_new,
                "problem": each.problem or None,
            }
            for each in found.accounts
        ],
        "left": list(found.left),
    }
