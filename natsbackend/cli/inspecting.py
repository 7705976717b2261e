"""`token inspect`: read tokens and creds, and write what was found."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from natsbackend.cli import output
from natsbackend.cli.options import FormatOption, ReportFormat

if TYPE_CHECKING:
    from natsbackend.workflow.inspect import Inspection

_MAX_FILE = 4 * 1024 * 1024
"""Bytes of a file that are read: a token has at most one MiB, and creds little else."""
_STDIN = "-"
_DECORATION = b"---"


def inspect(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|-",
            help="A file with a token or creds. `-` reads one token a line.",
            show_default=False,
        ),
    ],
    form: FormatOption = ReportFormat.HUMAN,
) -> None:
    """Decode and judge a token or creds: signature, the official rules, and our advice.

    `errors` and `warnings` are the official validator's, `advice` is ours. Exit code 0 if every token is sound: it
    decodes, has no errors, is valid now, and creds have the seed of their token. Otherwise 1, for an expired one too.
    With `--format json` one object a line.

    Example: natsbackend token inspect alice.creds
    """
    import time

    now = int(time.time())
    sound = True
    for number, inspection in enumerate(_inspections(source, now)):
        if form is ReportFormat.JSON:
            output.answer(_as_json(inspection))
        else:
            output.answer(("\n" if number else "") + _as_text(inspection, now))
        sound = sound and inspection.sound
    if not sound:
        raise typer.Exit(1)


def _inspections(source: str, now: int) -> Iterator[Inspection]:
    from natsbackend.errors import ProjectError
    from natsbackend.workflow.inspect import inspect_text, inspect_token

    if source != _STDIN:
        yield inspect_text(_decoded(_read_file(source)), now=now)
        return
    lines = sys.stdin.buffer
    first = lines.readline()
    if not first:
        raise ProjectError("standard input is empty; it should hold one token a line")
    if first.lstrip().startswith(_DECORATION):  # creds, or a decorated token: one text
        yield inspect_text(_decoded(first + lines.read(_MAX_FILE)), now=now)
        return
    line = first
    while line:
        yield inspect_token(_decoded(line.removesuffix(b"\n")), now=now)
        line = lines.readline()


def _decoded(raw: bytes) -> str:
    """Return bytes as a text; what is not UTF-8 is in no token, and is then found in none."""
    return raw.decode("utf-8", "surrogateescape")


def _read_file(name: str) -> bytes:
    from natsbackend.errors import ProjectError

    if name.startswith("eyJ") and name.count(".") == 2:
        hint = "write it to a file, or pass it on standard input and `-` for the file"
        raise ProjectError("a token was given where a file is named; it now stands in the history", hint=hint)
    try:
        with open(name, "rb") as file:
            raw = file.read(_MAX_FILE + 1)
    except FileNotFoundError:
        raise ProjectError(f"there is no {name}", hint="`-` reads tokens from standard input") from None
    except (OSError, ValueError) as e:
        reason = (e.strerror if isinstance(e, OSError) else None) or "it is not the name of a file"
        raise ProjectError(f"cannot read {name}: {reason}") from e
    if len(raw) > _MAX_FILE:
        raise ProjectError(f"{name} is larger than {_MAX_FILE} bytes, which no token and no creds are")
    return raw


def _as_json(inspection: Inspection) -> str:
    import json

    # plain ASCII: claims may hold what a terminal would obey
    return json.dumps(inspection.to_json(), separators=(",", ":"))


def _as_text(inspection: Inspection, now: int) -> str:
    from natsbackend.cli.inspected import report

    return "\n".join(report(inspection, now))
