"""What is said, and where: answers to stdout, talk and errors to stderr. The only door to rich.

Without a terminal, or with NO_COLOR, nothing is coloured or redrawn, and rich is not even loaded.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from natsbackend.cli.options import as_given
from natsbackend.errors import Diagnostic, Location, Severity
from natsbackend.secrecy import masked, masked_line
from natsbackend.wording import counted

_RED, _YELLOW, _GREEN, _CYAN, _DIM, _BOLD = "31", "33", "32", "36", "2", "1"


_LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""What ends a line to libyaml, which counts them."""


def answer(text: str) -> None:
    """Write what was asked for to stdout; what its encoding has no character for is escaped."""
    text = text if text.endswith("\n") else f"{text}\n"
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def answer_json(value: Any) -> None:
    """Write an answer as JSON to stdout."""
    import json

    answer(json.dumps(value, indent=2, ensure_ascii=False))


def abandon_stdout() -> None:
    """Write nothing more to stdout: what it still holds would fail again as the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str) -> None:
    """Talk: progress, summaries, hints; to stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def show_error(message: str, hint: str | None) -> None:
    """Report an error, to stderr."""
    say(f"{_paint('error:', _RED)} {masked(message)}")
    if hint:
        say(f"{_paint('hint:', _CYAN)} {as_given(hint)}")


def show_warning(message: str, hint: str) -> None:
    """Report what is no error but may not be meant, to stderr."""
    say(f"{_paint('warning:', _YELLOW)} {message}")
    say(f"{_paint('hint:', _CYAN)} {hint}")


def show_diagnostics(diagnostics: Iterable[Diagnostic]) -> None:
    """Report findings about the spec with their lines, to stderr, and count them."""
    found = list(diagnostics)
    for text in render_diagnostics(found, colour=_coloured(sys.stderr)):
        say(text)
    if found:
        say(count_of(found))


def count_of(diagnostics: list[Diagnostic]) -> str:
    """Return `2 errors, 1 warning`."""
    errors = sum(d.severity is Severity.ERROR for d in diagnostics)
    warnings = len(diagnostics) - errors
    parts = [counted(n, word) for n, word in ((errors, "error"), (warnings, "warning")) if n]
    return ", ".join(parts) or "no findings"


def render_diagnostics(diagnostics: Iterable[Diagnostic], *, colour: bool = False) -> Iterator[str]:
    """Return each finding as text: place, severity, id and message; the line with a caret; the hint."""
    lines: dict[str, list[str]] = {}
    for found in diagnostics:
        mark = _RED if found.severity is Severity.ERROR else _YELLOW
        severity = _paint(f"{found.severity}[{found.code}]:", mark, colour=colour)
        where = f"{found.at}: " if found.at else ""
        text = f"{_paint(where, _BOLD, colour=colour) if where else ''}{severity} {found.message}"
        if found.at:
            text += _snippet(found.at, lines, colour=colour)
        if found.hint:
            text += f"\n{_paint('hint:', _CYAN, colour=colour)} {as_given(found.hint)}"
        yield text


def _snippet(at: Location, files: dict[str, list[str]], *, colour: bool) -> str:
    if at.file not in files:
        try:
            files[at.file] = _LINE_END.split(Path(at.file).read_text(encoding="utf-8", errors="replace"))
        except OSError:
            files[at.file] = []
    lines = files[at.file]
    if not 1 <= at.line <= len(lines):
        return ""
    line = "".join(c if c.isprintable() or c == "\t" else "�" for c in lines[at.line - 1].rstrip("\r"))
    line = masked_line(line, lines[at.line - 2].rstrip() if at.line > 1 else "")
    line, start = _window(line.replace("\t", " "), at.col - 1)
    width = max(1, min(at.width, len(line) - start))
    caret = _paint("^" * width, _RED, colour=colour)
    return f"\n{at.line:5} | {line}\n      | {' ' * start}{caret}"


def _window(line: str, col: int, width: int = 100) -> tuple[str, int]:
    """Cut a long line around a column; return it and where the column is now."""
    if len(line) <= width:
        return line, min(col, len(line))
    start = max(0, min(col - width // 3, len(line) - width))
    return line[start : start + width], col - start


def stdout_coloured() -> bool:
    """Tell whether answers are painted."""
    return _coloured(sys.stdout)


def good(text: str) -> str:
    """Paint something that went well, for stdout."""
    return _paint(text, _GREEN, colour=_coloured(sys.stdout))


def bad(text: str) -> str:
    """Paint something that did not, for stdout."""
    return _paint(text, _RED, colour=_coloured(sys.stdout))


def faint(text: str) -> str:
    """Paint an aside, for stdout."""
    return _paint(text, _DIM, colour=_coloured(sys.stdout))


_STYLES = {
    "added": _GREEN,
    "changed": _YELLOW,
    "removed": _RED,
    "warning": _YELLOW,
    "note": _DIM,
    "bold": _BOLD,
}


def styled(text: str, style: str) -> str:
    """Paint a part of a plan, for stderr."""
    return _paint(text, _STYLES[style]) if style in _STYLES else text


def styled_answer(text: str, style: str) -> str:
    """Return a text of an answer in a style of plans."""
    return _paint(text, _STYLES[style], colour=_coloured(sys.stdout)) if style in _STYLES else text


def _paint(text: str, style: str, *, colour: bool | None = None) -> str:
    wanted = _coloured(sys.stderr) if colour is None else colour
    return f"\x1b[{style}m{text}\x1b[0m" if wanted else text


def _coloured(stream: Any) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Progress:
    """Steps of a longer story, one line each; on a terminal with a spinner for the one under way."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._spinner: Any = None

    def step(self, text: str) -> None:
        """Begin a step."""
        if self._spinner is not None:
            self._spinner.update(text=text)

    def done(self, text: str) -> None:
        """Say what a step came to."""
        if not self._quiet:
            say(f"{_paint('✓', _GREEN)} {text}")

    def note(self, text: str) -> None:
        """Say something aside."""
        if not self._quiet:
            say(f"{_paint('·', _DIM)} {text}")

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Show a spinner on a terminal while inside."""
        if self._quiet or not _coloured(sys.stderr):
            yield
            return
        from rich.console import Console
        from rich.live import Live
        from rich.spinner import Spinner

        spinner = Spinner("dots", text="…")
        # an answer that is piped somewhere must not be drawn on the terminal instead
        aside = sys.stdout.isatty()
        with Live(spinner, console=Console(stderr=True), transient=True, redirect_stdout=aside):
            self._spinner = spinner
            try:
                yield
            finally:
                self._spinner = None


class Bar:
    """How far something with many parts is: a bar on a terminal, else one line for each step that is done."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}

    def tell(self, step: str, done: int, total: int) -> None:
        """Say how far a step is."""
        if self._bar is not None:
            if step not in self._tasks:
                self._tasks[step] = self._bar.add_task(step, total=total)
            self._bar.update(self._tasks[step], completed=done, total=total)
        elif done >= total and not self._quiet and total:
            say(f"{_paint('✓', _GREEN)} {step}: {done} of {total}")

    @contextlib.contextmanager
    def running(self) -> Iterator[Bar]:
        """Show it while inside."""
        if self._quiet or not _coloured(sys.stderr):
            yield self
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            self._bar = bar
            try:
                yield self
            finally:
                self._bar = None
