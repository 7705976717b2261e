"""`push`: account JWTs to where they are used."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

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
    from natsbackend.resolvers.interface import PushResult


_KEY_LENGTH = 56


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("push")(push)


def push(
    spec: SpecArgument = None,
    file: FileOption = None,
    env: EnvOption = None,
    to: Annotated[str | None, typer.Option("--to", metavar="TARGET", help="A target of the spec.")] = None,
    server: Annotated[
        list[str] | None,
        typer.Option(
            "--server",
            metavar="URL",
            help="Push here instead: nats://HOST:PORT. Repeatable: several are ways into one cluster.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Seconds to wait for an answer.", min=0.1)
    ] = 5.0,
    report: FormatOption = ReportFormat.HUMAN,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Push every account to a running server.

    Each JWT is read back from every server. Needs the seed of the system account's role `pusher`, and that of an
    operator signing key only where a JWT is not in build/.

    Example: natsbackend push --server nats://127.0.0.1:4222 --yes
    """
    import time

    from natsbackend.workflow.collecting import collection_paused
    from natsbackend.workflow.push import choose_target, recorded_tree
    from natsbackend.workflow.push import push as push_all

    path, project = spec_and_project(either(spec, file), env)
    now = int(time.time())
    with collection_paused():
        tree = recorded_tree(path, project, now=now)
    target = choose_target(tree.backend, to, server or [])
    question = f"push {counted(len(tree.backend.accounts), 'account')} to {', '.join(target.urls)}?"
    if not yes:
        _ask(question)
    results = push_all(tree, target, now=now, timeout=timeout)
    if report is ReportFormat.JSON:
        output.answer_json({"format": 1, "results": [_result_json(r) for r in results]})
    else:
        _tell(results, quiet=quiet, verbose=verbose)
    if any(not r.ok for r in results):
        raise typer.Exit(1)


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter("push asks before it writes, and there is no terminal to ask on; pass --yes")
    if not typer.confirm(question, err=True):
        raise typer.Abort


def _tell(results: tuple[PushResult, ...], *, quiet: bool, verbose: bool) -> None:
    for result in results:
        for problem in result.problems():
            output.answer(f"{output.bad('✗')} {result.name}: {problem}")
        if verbose and result.ok:
            state = "unchanged" if result.is_unchanged else "pushed"
            servers = ", ".join(_short(server) for server in result.stored)
            output.answer(f"{output.good('✓')} {result.name}: {state}, on {servers}")
    if not quiet:
        failed = sum(not r.ok for r in results)
        pushed = sum(r.ok and not r.is_unchanged for r in results)
        unchanged = sum(r.ok and r.is_unchanged for r in results)
        output.answer(
            f"{counted(pushed, 'account')} pushed and read back, {unchanged} unchanged, {failed} failed"
        )


def _short(server: str) -> str:
    """A server without a name of its own is called by its key, whose beginning tells it from others."""
    return server[:8] if len(server) == _KEY_LENGTH and server.startswith("N") else server


def _result_json(result: PushResult) -> dict[str, Any]:
    return {
        "account": result.name,
        "public_key": result.account,
        "ok": result.ok,
        "unchanged": result.is_unchanged,
        "stored": list(result.stored),
        "refused": dict(result.refused),
        "missing": list(result.missing),
        "unheard": result.unheard,
        "read_back": result.read_back_ok,
        "effect": {server: state.value for server, state in result.effective.items()},
        "problems": list(result.problems()),
    }
