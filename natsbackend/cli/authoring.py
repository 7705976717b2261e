"""`init`, `check`, `generate`, `schema`: from nothing to a tree of files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from natsbackend.cli import output
from natsbackend.cli.options import (
    EnvOption,
    FileOption,
    FormatOption,
    FrozenOption,
    QuietOption,
    ReportFormat,
    SpecArgument,
    VerboseOption,
    is_frozen,
    spec_and_project,
)

if TYPE_CHECKING:
    from natsbackend.workflow.generate import Generated

NOT_CLEAN = 3


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("init")(init)
    app.command("check")(check)
    app.command("generate")(generate)
    app.command("schema")(schema)
    app.command("migrate")(migrate)


def init(
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="minimal or dashboard.")] = "minimal",
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write it.")] = Path(),
) -> None:
    """Write a commented starter spec.

    Example: natsbackend init dashboard my-backend
    """
    from natsbackend.workflow.init import init as write_starter

    path = write_starter(template, directory)
    output.say(f"wrote {path}")
    output.say(f"next: natsbackend up {path}")


def check(
    spec: SpecArgument = None,
    file: FileOption = None,
    env: EnvOption = None,
    report: FormatOption = ReportFormat.HUMAN,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 on warnings, too.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Judge a spec; needs no key or server.

    Its shape and its meaning, over all accounts. Exit 0 if it is sound, 1 if it is not.

    Example: natsbackend check --format json
    """
    from natsbackend.errors import Severity, SpecError
    from natsbackend.workflow.opening import examine

    path, _ = spec_and_project(spec or file, env)
    try:
        found = list(examine(str(path))[1])
    except SpecError as e:
        found = list(e.diagnostics)
    errors = any(d.severity is Severity.ERROR for d in found)
    if report is ReportFormat.JSON:
        findings = [output.diagnostic_json(d) for d in found]
        output.answer_json({"format": 1, "sound": not errors, "findings": findings})
    else:
        for text in output.render_diagnostics(found, colour=output.stdout_coloured()):
            output.answer(text)
        if not quiet:
            output.say(f"{path}: {output.count_of(found)}")
    if errors or (strict and found):
        raise typer.Exit(1)


def generate(
    file: FileOption = None,
    env: EnvOption = None,
    frozen: FrozenOption = None,
    is_check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 3 if the tree is not up to date.")
    ] = False,
    not_renamed: Annotated[
        bool, typer.Option("--not-renamed", help="A name that went while another came is another thing.")
    ] = False,
    report: FormatOption = ReportFormat.HUMAN,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Make keys, JWTs, server config and creds.

    Offline and idempotent: makes missing keys, signs what changed, and writes what differs.

    Example: natsbackend generate -f natsbackend.yaml
    """
    import time

    from natsbackend.workflow.generate import generate as bring_up_to_date

    spec, project = spec_and_project(file, env)
    done = bring_up_to_date(
        spec,
        project,
        now=int(time.time()),
        frozen=is_frozen(frozen) and not is_check,
        dry=is_check,
        not_renamed=not_renamed,
    )
    output.show_diagnostics(done.warnings)
    if report is ReportFormat.JSON:
        output.answer_json(_generated_json(done))
    elif not quiet:
        _tell(done, project.build, dry=is_check, verbose=verbose)
    if is_check and done.changed:
        raise typer.Exit(NOT_CLEAN)


def _generated_json(done: Generated) -> dict[str, object]:
    return {
        "format": 1,
        "changed": done.changed,
        "files": done.files,
        "written": [str(path) for path in done.written],
        "keys_made": list(done.keys_made),
        "signed": list(done.signed),
        "retired": list(done.retired),
        "without_creds": list(done.without_creds),
    }


def _tell(done: Generated, build: Path, *, dry: bool, verbose: bool) -> None:
    if not done.changed:
        output.say(f"nothing changed; {done.files} files are up to date")
    elif dry:
        output.say(
            f"not up to date: {len(done.keys_made)} keys to make, {len(done.signed)} JWTs to sign, "
            f"{len(done.written)} files to write"
        )
    else:
        output.say(
            f"{len(done.keys_made)} keys made, {len(done.signed)} JWTs signed, "
            f"{len(done.written)} of {done.files} files written to {build} and beside it"
        )
    for path in done.retired:
        output.say(f"gone from the spec: {path}")
    if any("/users/" in path for path in done.retired):
        output.say("creds that were handed out still work: `revocations` of their account cuts users off")
    for path in done.without_creds:
        output.say(f"no creds for {path}: its seed is not here")
    if verbose:
        for word, names in (("key", done.keys_made), ("signed", done.signed), ("file", done.written)):
            for name in names:
                output.say(f"  {word} {name}")


def schema() -> None:
    """Print the JSON Schema of the spec.

    For editors, which then complete and explain, and for other tools. An editor with yaml-language-server
    finds it by the first line of the spec: # yaml-language-server: $schema=natsbackend.schema.json

    Example: natsbackend schema > natsbackend.schema.json
    """
    from natsbackend.spec.schema import json_schema

    output.answer_json(json_schema())


def migrate(spec: SpecArgument = None, file: FileOption = None) -> None:
    """Rewrite a spec of an older version.

    There is one version so far, 1: a spec of it is left as it is, any other is refused.

    Example: natsbackend migrate natsbackend.yaml
    """
    from natsbackend.spec.load import load
    from natsbackend.workflow.opening import read_file

    path, _ = spec_and_project(spec or file, None)
    model = load(str(path), read_file).model
    output.say(f"{path} is of version {model.version}, the current one; nothing to do")
