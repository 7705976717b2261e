"""The options that mean the same on every command."""

from __future__ import annotations

import enum
import os
import re
import shlex
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from natsbackend.project import Project


class ReportFormat(enum.StrEnum):
    """How an answer is written."""

    HUMAN = "human"
    JSON = "json"


class CheckFormat(enum.StrEnum):
    """How the answer of `check` is written."""

    HUMAN = "human"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    JUNIT = "junit"


SpecArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="SPEC", help="The spec, or its folder. Default: natsbackend.yaml here.", show_default=False
    ),
]
FileOption = Annotated[
    str | None, typer.Option("-f", "--file", metavar="FILE", help="The spec. Default: natsbackend.yaml here.")
]
EnvOption = Annotated[
    str | None,
    typer.Option("--env", metavar="NAME", help="The stage: each has its own lock, build, keys and creds."),
]
FormatOption = Annotated[ReportFormat, typer.Option("--format", help="How the answer is written.")]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")]
VerboseOption = Annotated[bool, typer.Option("-v", "--verbose", help="Say more.")]
FrozenOption = Annotated[
    bool | None,
    typer.Option(
        "--frozen/--no-frozen",
        help="Make no keys: a missing one is an error that names it. Default: on where CI=true.",
        show_default=False,
    ),
]


def is_frozen(option: bool | None) -> bool:
    """Tell whether keys may not be made: as asked, else where CI=true."""
    return option if option is not None else os.environ.get("CI", "").lower() in ("true", "1")


def read_duration(text: str, option: str) -> int:
    """Read the duration that an option gives, as seconds."""
    from natsbackend.spec.units import read_seconds

    try:
        return read_seconds(text)
    except ValueError as e:
        raise typer.BadParameter(str(e), param_hint=option) from None


_given: ContextVar[str] = ContextVar("given", default="")
"""The options of this run that another command needs, too, to mean the same spec and stage."""
_COMMAND = re.compile(
    r"`natsbackend ((?:check|generate|plan|up|push|status|pull|(?:token|activation) mint)\b[^`]*)`"
)


def as_given(hint: str | None) -> str | None:
    """Return a hint whose commands can be run as they stand: with the `-f` and `--env` of this run."""

    def written(match: re.Match[str]) -> str:
        has_them = match[1].endswith(_given.get())
        return match[0] if has_them else f"`natsbackend {match[1]}{_given.get()}`"

    return hint and _COMMAND.sub(written, hint)


def remember_given(file: str | None, env: str | None) -> None:
    """Keep what was given for the hints of this run; with nothing, forget what another run was given."""
    words = [*(("-f", file) if file else ()), *(("--env", env) if env else ())]
    _given.set("".join(f" {shlex.quote(word)}" for word in words))


def either(spec: str | None, file: str | None) -> str | None:
    """Return the spec that was given, as an argument or by `-f`."""
    if spec is not None and file is not None and spec != file:
        raise typer.BadParameter(f"the spec is given twice: {spec}, and -f {file}")
    return spec if spec is not None else file


def spec_and_project(file: str | None, env: str | None) -> tuple[Path, Project]:
    """Return the spec's path and the project in whose root it lies."""
    from natsbackend.project import SPEC_FILE, Project

    remember_given(file, env)
    spec = Path(file) if file else Path(SPEC_FILE)
    if spec.is_dir():
        spec = spec / SPEC_FILE
    return spec, Project(spec.parent, env)
