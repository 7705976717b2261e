"""`check`: judge a spec, for a person, for another program, or for a pull request."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from natsbackend.cli import output
from natsbackend.cli.options import (
    CheckFormat,
    EnvOption,
    FileOption,
    QuietOption,
    SpecArgument,
    as_given,
    either,
    read_duration,
    spec_and_project,
)

if TYPE_CHECKING:
    from natsbackend.cli.reports import Report
    from natsbackend.model.checks import Judged
    from natsbackend.model.checks.life import Moment
    from natsbackend.project import Project


def check(
    spec: SpecArgument = None,
    file: FileOption = None,
    env: EnvOption = None,
    form: Annotated[CheckFormat, typer.Option("--format", help="How the answer is written.")] = (
        CheckFormat.HUMAN
    ),
    within: Annotated[
        str, typer.Option("--expires-within", metavar="DURATION", help="Warn of what expires in this time.")
    ] = "30d",
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 on warnings, too.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Judge a spec; needs no key or server.

    Its shape and its meaning, over all accounts. Exit 0 if it is sound, 1 if it is not. `sarif` is for code scanning,
    `github` for annotations of a pull request, `junit` for whatever shows tests.

    Example: natsbackend check --format sarif
    """
    import time

    from natsbackend.cli.reports import Report
    from natsbackend.model.checks.life import Moment

    path, project = spec_and_project(either(spec, file), env)
    moment = Moment(now=int(time.time()), within=read_duration(within, "--expires-within"))
    judged = _judged(path, project, moment, as_document=form is not CheckFormat.HUMAN)
    report = Report(
        spec=str(path),
        root=Path.cwd(),
        findings=tuple(replace(found, hint=as_given(found.hint)) for found in judged.findings),
        silenced=judged.silenced,
        strict=strict,
    )
    _answer(report, form)
    if not quiet and form in (CheckFormat.HUMAN, CheckFormat.GITHUB):
        output.say(f"{path}: {_count_of(report)}")
    if not report.clean:
        raise typer.Exit(1)


def _judged(path: Path, project: Project, moment: Moment, *, as_document: bool) -> Judged:
    """Judge a spec; with `as_document` a file that cannot be read is a finding, so that there is a document."""
    from natsbackend.cli.catalogue import UNREADABLE
    from natsbackend.errors import Diagnostic, Location, ProjectError, SpecError
    from natsbackend.model.checks import Judged
    from natsbackend.workflow.opening import examined

    try:
        return examined(str(path), moment, project).judged
    except SpecError as e:
        return Judged(findings=e.diagnostics)
    except ProjectError as e:
        if not as_document:
            raise
        at = Location(str(path), 1, 1)
        return Judged(findings=(Diagnostic(code=UNREADABLE, message=e.message, hint=e.hint, at=at),))


def _answer(report: Report, form: CheckFormat) -> None:
    from natsbackend import __version__
    from natsbackend.cli import catalogue, reports

    if form is CheckFormat.JSON:
        output.answer_json(reports.to_json(report))
    elif form is CheckFormat.SARIF:
        output.answer_json(reports.to_sarif(report, catalogue.rules(), __version__))
    elif form is CheckFormat.JUNIT:
        output.answer(reports.to_junit(report))
    elif form is CheckFormat.GITHUB:
        if report.findings:
            output.answer(reports.to_github(report))
    else:
        for text in output.render_diagnostics(report.findings, colour=output.stdout_coloured()):
            output.answer(text)


def _count_of(report: Report) -> str:
    """Return `1 warning, 2 switched off`."""
    found = output.count_of(list(report.findings))
    return f"{found}, {len(report.silenced)} switched off" if report.silenced else found
