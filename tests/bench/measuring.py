"""What the benchmarks share: fresh processes measured one by one, figures held against limits, a disk judged.

A figure is a ratio of two things measured in one run on one machine, so that it means the same on another one.

The parent of a measured process stays small (nothing but the standard library): Linux counts the parent's pages
in the peak of a child, from before the child became a program of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
MEMORY = Path("/dev/shm")
"""A file system without a disk, where the system has one."""
PROBED_FILES = 2_000
SLOW_DISK = 10.0
"""A file takes a healthy ext4 3 times as long as memory; in the state that `is_slow` looks for, 30 to 100."""


class Report:
    """Prints figures, and keeps whether all were within their limits."""

    def __init__(self, *, holds: bool = True) -> None:
        self.holds = holds
        """Whether figures are held against their limits, or only shown beside them."""
        self.is_kept = True

    def say(self, text: str) -> None:
        """Print a line at once: a run takes a while, and may be watched."""
        print(text, flush=True)

    def figure(self, what: str, value: float, limit: float) -> None:
        """Print a ratio beside its limit."""
        broken = self.holds and value > limit
        self.is_kept &= not broken
        held = f"limit {limit:g}" if self.holds else f"limit {limit:g}, not held"
        self.say(f"{what}: {value:.2f} x ({held}){'  <-- BROKEN' if broken else ''}")

    def exit_code(self, *, asserting: bool) -> int:
        """Return 1 if a limit was broken and the caller asked to be told."""
        return 0 if self.is_kept or not asserting else 1


def arguments(text: str | None) -> argparse.ArgumentParser:
    """Return a parser that knows `--assert` and describes itself by the first line of a docstring."""
    parser = argparse.ArgumentParser(description=(text or "").partition("\n")[0])
    parser.add_argument(
        "--assert", dest="asserting", action="store_true", help="exit with 1 if a limit is broken"
    )
    return parser


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a finished process cost."""

    seconds: float
    """By the clock on the wall."""
    cpu: float
    """Seconds in user and kernel mode."""
    peak: int
    """The most memory it held at once, in bytes."""
    answer: str
    """Its standard output."""


def run(command: Sequence[str], directory: Path) -> Run:
    """Run a command of this checkout in a directory and wait for it; it must exit with 0."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            err.seek(0)
            sys.exit(
                f"{' '.join(command)} ended with {process.returncode}:\n{err.read().decode(errors='replace')}"
            )
        out.seek(0)
        answer = out.read().decode()
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(seconds=seconds, cpu=used.ru_utime + used.ru_stime, peak=used.ru_maxrss * unit, answer=answer)


def natsbackend(*words: str) -> tuple[str, ...]:
    """Return the command line of natsbackend as a module of this interpreter."""
    return (sys.executable, "-m", "natsbackend", *words)


def in_turns(rounds: int, *measures: Callable[[], float]) -> list[list[float]]:
    """Measure several things one after the other, round by round, so that a busy moment hits all of them."""
    taken: list[list[float]] = [[] for _ in measures]
    for _ in range(rounds):
        for times, measure in zip(taken, measures, strict=True):
            times.append(measure())
    return taken


def seconds_a_file(directory: Path) -> float:
    """Return how long the bare creation of one small file takes here, over a few thousand."""
    place = Path(tempfile.mkdtemp(prefix="probe-", dir=directory))
    started = time.perf_counter()
    for number in range(PROBED_FILES):
        descriptor = os.open(f"{place}/{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(descriptor, b"x" * 58)
        os.close(descriptor)
    return (time.perf_counter() - started) / PROBED_FILES


def is_slow(disk: float, memory: float) -> bool:
    """Tell whether files are created so slowly that figures say nothing about the program.

    ext4 without a journal does not use an inode again within five minutes of its deletion, and searches past all of
    them for each new file: after somebody deleted thousands, creating one takes 10 to 30 times as long.
    """
    return disk > SLOW_DISK * memory
