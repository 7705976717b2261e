"""`status`: whether running servers are as the spec says."""

from __future__ import annotations

import enum
import time
from typing import TYPE_CHECKING, Annotated

import typer

from natsbackend.cli import output
from natsbackend.cli.options import (
    EnvOption,
    FileOption,
    SpecArgument,
    VerboseOption,
    either,
    read_duration,
    spec_and_project,
)

if TYPE_CHECKING:
    from natsbackend.workflow.drift import Status
    from natsbackend.workflow.status import Request

DRIFT = 3
"""Exit code: it worked, and something is not as the spec says."""


class StatusFormat(enum.StrEnum):
    """How a status is written."""

    HUMAN = "human"
    JSON = "json"
    PROMETHEUS = "prometheus"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("status")(status)


def status(
    spec: SpecArgument = None,
    file: FileOption = None,
    env: EnvOption = None,
    to: Annotated[str | None, typer.Option("--to", metavar="TARGET", help="A target of the spec.")] = None,
    server: Annotated[
        list[str] | None,
        typer.Option("--server", metavar="URL", help="Look here instead: nats://HOST:PORT. Repeatable."),
    ] = None,
    servers: Annotated[
        int | None,
        typer.Option("--servers", metavar="N", help="How many servers there should be.", min=1),
    ] = None,
    within: Annotated[
        str, typer.Option("--expires-within", metavar="DURATION", help="What expires in this time is drift.")
    ] = "30d",
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until ^C.")] = False,
    interval: Annotated[
        str, typer.Option("--interval", metavar="DURATION", help="Time between two looks of --watch.")
    ] = "10s",
    form: Annotated[StatusFormat, typer.Option("--format", help="How the answer is written.")] = (
        StatusFormat.HUMAN
    ),
    timeout: Annotated[
        float, typer.Option("--timeout", help="Seconds to wait for an answer.", min=0.1)
    ] = 5.0,
    verbose: VerboseOption = False,
) -> None:
    """Say what running servers hold and do otherwise than the spec says, and what expires.

    Looks at every account on every server, in both directions; exit 3 if there is any difference. Changes nothing, and
    needs no seed but that of the system account's role `observer`. `prometheus` is for a textfile collector; with
    --watch, `json` writes one object a line.

    Example: natsbackend status --to main --expires-within 14d
    """
    from dataclasses import replace

    from natsbackend.workflow.collecting import collection_paused
    from natsbackend.workflow.opening import open_spec
    from natsbackend.workflow.push import choose_target
    from natsbackend.workflow.status import Request

    path, project = spec_and_project(either(spec, file), env)
    ahead, pause = read_duration(within, "--expires-within"), read_duration(interval, "--interval")
    if pause < 1:
        raise typer.BadParameter("there is a second at least between two looks", param_hint="--interval")
    with collection_paused():
        target = choose_target(open_spec(str(path)).backend, to, server or [], what="look")
    if servers is not None:
        target = replace(target, servers=servers)
    request = Request(
        spec=path, project=project, target=target, now=int(time.time()), within=ahead, timeout=timeout
    )
    is_clean = _watch(request, form, pause, verbose=verbose) if watch else _once(request, form, verbose)
    if not is_clean:
        raise typer.Exit(DRIFT)


def _once(request: Request, form: StatusFormat, verbose: bool) -> bool:
    found = _look(request)
    output.answer(_written(found, form, verbose=verbose))
    return found.is_clean


def _look(request: Request) -> Status:
    from natsbackend.workflow.collecting import collection_paused
    from natsbackend.workflow.status import examine, find_status

    with collection_paused():
        return find_status(request, examine(request))


def _written(found: Status, form: StatusFormat, *, verbose: bool, line: bool = False) -> str:
    import json

    from natsbackend.cli import stated

    if form is StatusFormat.JSON:
        return json.dumps(stated.to_json(found), indent=None if line else 2, ensure_ascii=False)
    if form is StatusFormat.PROMETHEUS:
        return "\n".join(stated.to_prometheus(found))
    return "\n".join(stated.to_text(found, verbose=verbose))


def _watch(request: Request, form: StatusFormat, pause: int, *, verbose: bool) -> bool:
    """Look until ^C; for a person only what is another than before is written. Says whether the last look was clean."""
    from dataclasses import replace

    from natsbackend.errors import NatsBackendError, SpecError

    is_clean, shown = True, ""
    try:
        while True:
            now = int(time.time())
            try:
                found = _look(replace(request, now=now))
                is_clean, text = found.is_clean, _written(found, form, verbose=verbose, line=True)
            except SpecError as e:
                is_clean, text = False, ""
                output.show_diagnostics(e.diagnostics)
            except NatsBackendError as e:
                is_clean, text = False, ""
                output.show_error(e.message, e.hint)
            if text and (form is not StatusFormat.HUMAN or text != shown):
                if form is StatusFormat.HUMAN:
                    output.answer(output.faint(time.strftime("%H:%M:%S", time.localtime(now))))
                output.answer(text)
            shown = text
            time.sleep(pause)
    except KeyboardInterrupt:
        return is_clean
