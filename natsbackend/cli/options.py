"""The options that mean the same on every command."""

from __future__ import annotations

import enum
import os
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


def spec_and_project(file: str | None, env: str | None) -> tuple[Path, Project]:
    """Return the spec's path and the project in whose root it lies."""
    from natsbackend.project import SPEC_FILE, Project

    spec = Path(file) if file else Path(SPEC_FILE)
    if spec.is_dir():
        spec = spec / SPEC_FILE
    return spec, Project(spec.parent, env)
