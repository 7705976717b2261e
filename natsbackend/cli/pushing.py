"""`push`: account JWTs to where they are used."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from natsbackend.cli import output, pushed
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
    from natsbackend.workflow.push_run import Outcome, Prepared

INTERRUPTED = 130
FORCED = frozenset({"import-not-offered"})
"""Problems that `--force` goes past: of two specs that import from each other, one has to be pushed first."""


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
            help="Push here instead: nats://HOST:PORT, or https://HOST:PORT/jwt/v1 of an account server. Repeatable: "
            "several are ways into one cluster.",
        ),
    ] = None,
    servers: Annotated[
        int | None,
        typer.Option(
            "--servers",
            metavar="N",
            help="How many servers must take it, instead of what the target says: one that is down is an error "
            "unless this says so.",
            min=1,
        ),
    ] = None,
    plan: Annotated[
        str | None,
        typer.Option(
            "--plan",
            metavar="FILE",
            help="Push what `plan --out FILE` wrote down and somebody reviewed, or refuse: nothing is asked.",
        ),
    ] = None,
    prune: Annotated[
        bool,
        typer.Option("--prune", help="End accounts that the spec has dropped, on every server; never SYS."),
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Go on where a guard would stop: many accounts at once, the system account, a newer JWT there, an "
            "import that nobody offers yet.",
        ),
    ] = False,
    force_identity: Annotated[
        bool,
        typer.Option(
            "--force-identity",
            help="Go on where an account is there already under another key; --force does not go past that.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Seconds to wait for an answer.", min=0.1)
    ] = 5.0,
    report: FormatOption = ReportFormat.HUMAN,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Push the accounts that changed to running servers, and prove that they are in effect.

    Shows what would change and asks. Each JWT is read back from every server. Revocations that the servers have and
    nobody here knew are kept, and recorded in the lock. Exit code 1 if a server is missing, refused an account or
    dropped an import; pushing again sends only what is missing. Needs the seed of the system account's role `pusher`,
    and that of an operator signing key only where a JWT is not in build/, or has to be signed again.

    Example: natsbackend push --server nats://127.0.0.1:4222 --yes
    """
    import time
    from dataclasses import replace

    from natsbackend.workflow.collecting import collection_paused
    from natsbackend.workflow.opening import open_spec
    from natsbackend.workflow.push import choose_target
    from natsbackend.workflow.push_run import Request, apply, prepare

    path, project = spec_and_project(either(spec, file), env)
    must_ask = not (yes or plan)
    if must_ask and not sys.stdin.isatty():
        raise typer.BadParameter("push asks before it writes, and there is no terminal to ask on; pass --yes")
    with collection_paused():
        opened = open_spec(str(path))
        target = choose_target(opened.backend, to, server or [])
        if servers is not None:
            target = replace(target, servers=servers)
        request = Request(
            spec=path,
            opened=opened,
            project=project,
            target=target,
            now=int(time.time()),
            timeout=timeout,
            force=force,
            prune=prune,
        )
        prepared = prepare(request)
    if not quiet:
        pushed.show(prepared)
    if not force_identity:
        _refuse_other_identities(prepared)
    _agree(prepared, plan, force=force, must_ask=must_ask)
    with _orderly_interrupts(), output.Bar(quiet=quiet).running() as bar:
        outcome = apply(prepared, on_progress=bar.tell)
    _answer(prepared, outcome, report, quiet=quiet, verbose=verbose)
    if outcome.interrupted:
        raise typer.Exit(INTERRUPTED)
    if not outcome.ok:
        raise typer.Exit(1)


def _refuse_other_identities(prepared: Prepared) -> None:
    from natsbackend.errors import ProjectError

    changed = [f"{each.path} is {each.before} there, not {each.after}" for each in prepared.plan.identities]
    if changed:
        more = f", and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise ProjectError(
            f"refused without --force-identity: {changed[0]}{more}",
            hint="nothing was sent; those were made with another lock: restore it from Git, or add --force-identity if "
            "new identities are meant",
        )


def _agree(prepared: Prepared, plan: str | None, *, force: bool, must_ask: bool) -> None:
    """Refuse what cannot work or was not reviewed; ask, where there is something to be done."""
    from natsbackend.errors import ProjectError, SpecError
    from natsbackend.workflow.push_plan import read_plan, refuse_another

    problems = tuple(each for each in prepared.plan.problems if not (force and each.code in FORCED))
    if problems:
        raise SpecError(problems)
    if plan is not None:
        refuse_another(read_plan(Path(plan)), prepared.plan)
    if prepared.plan.guards and not (force or must_ask):
        raise ProjectError(
            f"refused without --force: {'; '.join(prepared.plan.guards)}",
            hint="nothing was sent; look at the plan, and add --force if this is meant",
        )
    if not must_ask or prepared.is_done:
        return
    for guard in () if force else prepared.plan.guards:
        _ask(f"{guard}; is that meant?")
    target = prepared.request.target
    _ask(f"push {counted(len(prepared.tree.backend.accounts), 'account')} to {target.where}?")


def _ask(question: str) -> None:
    if not typer.confirm(question, err=True):
        raise typer.Abort


@contextlib.contextmanager
def _orderly_interrupts() -> Iterator[None]:
    """Let ^C end a push in order: asyncio cancels what runs only where the handler is Python's own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _answer(
    prepared: Prepared, outcome: Outcome, report: ReportFormat, *, quiet: bool, verbose: bool
) -> None:
    from natsbackend.workflow.push_findings import dropped_imports

    findings = dropped_imports(prepared.tree, outcome.results)
    if report is ReportFormat.JSON:
        output.answer_json(pushed.to_json(prepared, outcome, findings))
    else:
        pushed.tell(prepared, outcome, quiet=quiet, verbose=verbose)
    output.show_diagnostics(findings)
    if outcome.error is not None:
        output.show_error(outcome.error.message, outcome.error.hint)
