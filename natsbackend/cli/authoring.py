"""`init`, `generate`, `schema`, `migrate`: from nothing to a tree of files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from natsbackend.cli import checking, output
from natsbackend.cli.options import (
    EnvOption,
    FileOption,
    FormatOption,
    FrozenOption,
    QuietOption,
    ReportFormat,
    SpecArgument,
    VerboseOption,
    either,
    is_frozen,
    spec_and_project,
)
from natsbackend.wording import counted

if TYPE_CHECKING:
    from natsbackend.project import Project
    from natsbackend.workflow.generate import Generated

NOT_CLEAN = 3


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("init")(init)
    app.command("check")(checking.check)
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


def generate(
    spec: SpecArgument = None,
    file: FileOption = None,
    env: EnvOption = None,
    frozen: FrozenOption = None,
    is_check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 3 if the tree is not up to date.")
    ] = False,
    not_renamed: Annotated[
        bool, typer.Option("--not-renamed", help="A name that went while another came is another thing.")
    ] = False,
    force_identity: Annotated[
        bool,
        typer.Option(
            "--force-identity",
            help="The lock may give something another key than what was issued before has.",
        ),
    ] = False,
    report: FormatOption = ReportFormat.HUMAN,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Make keys, JWTs, server config and creds.

    Offline and idempotent: makes missing keys, signs what changed, and writes what differs.

    Example: natsbackend generate natsbackend.yaml
    """
    import time

    from natsbackend.workflow.generate import generate as bring_up_to_date

    path, project = spec_and_project(either(spec, file), env)
    _warn_of_new_stage(project)
    done = bring_up_to_date(
        path,
        project,
        now=int(time.time()),
        frozen=is_frozen(frozen) and not is_check,
        dry=is_check,
        not_renamed=not_renamed,
        force_identity=force_identity,
    )
    output.show_diagnostics(done.warnings)
    if report is ReportFormat.JSON:
        output.answer_json(_generated_json(done))
    elif not quiet:
        _tell(done, project.build, dry=is_check, verbose=verbose)
    if is_check and done.changed:
        raise typer.Exit(NOT_CLEAN)


def _warn_of_new_stage(project: Project) -> None:
    """Say that a stage has no lock while others have one: a typo would make it identities of its own."""
    from difflib import get_close_matches

    known = project.stages()
    if project.env is None or not known or project.env in known:
        return
    close = get_close_matches(project.env, known, 1, 0.6)
    hint = f"did you mean --env {close[0]}?" if close else f"the stages with a lock: {', '.join(known)}"
    output.show_warning(f'the stage "{project.env}" has no lock yet; its identities are new', hint)


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
            f"not up to date: {counted(len(done.keys_made), 'key')} to make, "
            f"{counted(len(done.signed), 'JWT')} to sign, {counted(len(done.written), 'file')} to write"
        )
    else:
        output.say(
            f"{counted(len(done.keys_made), 'key')} made, {counted(len(done.signed), 'JWT')} signed, "
            f"{len(done.written)} of {counted(done.files, 'file')} written to {build} and beside it"
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

    path, _ = spec_and_project(either(spec, file), None)
    model = load(str(path), read_file).model
    output.say(f"{path} is of version {model.version}, the current one; nothing to do")
