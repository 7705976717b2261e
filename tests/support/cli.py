"""The command line as its users run it: a process of its own, judged by exit code, stdout and stderr."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from natsbackend.cli.app import app

COMMAND = (sys.executable, "-m", "natsbackend")
_DEADLINE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a run left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The answer, read as JSON."""
        return json.loads(self.out)


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment without what would change how commands behave."""
    kept = {k: v for k, v in os.environ.items() if k not in ("CI", "NO_COLOR", "FORCE_COLOR", "TERM")}
    return kept | changes


def natsbackend(
    *arguments: str | Path, cwd: Path, code: int | None = 0, env: Mapping[str, str] | None = None
) -> Ran:
    """Run a command to its end and judge what holds for all of them: no traceback, no bug, no ANSI.

    Without a terminal: stdin is empty, stdout and stderr are pipes. `code` is the exit code it must have; None
    leaves that to the caller.
    """
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment() if env is None else dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_DEADLINE,
        check=False,
    )
    ran = Ran(code=done.returncode, out=_text(done.stdout), err=_text(done.stderr))
    judge(ran)
    assert code is None or ran.code == code, f"exit {ran.code} instead of {code}\n{ran.out}\n{ran.err}"
    return ran


def natsbackend_here(*arguments: str | Path, cwd: Path, code: int | None = 0) -> Ran:
    """Run a command in this process, which is much quicker and otherwise judged the same."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with contextlib.chdir(cwd):
            result = CliRunner().invoke(app, [*map(str, arguments)], env={"CI": None}, catch_exceptions=False)
    finally:
        for number, handler in handlers.items():  # `up` sets its own
            signal.signal(number, handler)
    ran = Ran(code=result.exit_code, out=result.stdout, err=result.stderr)
    judge(ran)
    assert code is None or ran.code == code, f"exit {ran.code} instead of {code}\n{ran.out}\n{ran.err}"
    return ran


def judge(ran: Ran) -> None:
    """Fail on what no run may show."""
    assert "Traceback" not in ran.err + ran.out, ran.err
    assert ran.code != 70, ran.err
    assert "\x1b" not in ran.out + ran.err


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


class UpProcess:
    """A `natsbackend up` that stays up."""

    def __init__(self, process: subprocess.Popen[bytes], answer: dict[str, Any], seen: bytes) -> None:
        self.process = process
        self.answer = answer
        """What it printed as JSON."""
        self._seen = seen

    def server_pid(self) -> int:
        """Return the process id of the nats-server it started."""
        (pid,) = children(self.process.pid)
        return pid

    def stop(self, number: signal.Signals = signal.SIGINT) -> Ran:
        """Send a signal, wait for the end, and return what came of it."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=_DEADLINE)
        ran = Ran(code=self.process.returncode, out="", err=_text(self._seen + err))
        assert "Traceback" not in ran.err, ran.err
        return ran


@contextlib.contextmanager
def staying_up(*arguments: str | Path, cwd: Path) -> Iterator[UpProcess]:
    """Run `up` with JSON output, and give it over when it says that it is up. It is ended at the end."""
    command = [*COMMAND, "up", *map(str, arguments), "--format", "json"]
    answer = cwd / "up-answer.json"
    with (
        answer.open("wb") as out,
        subprocess.Popen(
            command,
            cwd=cwd,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        try:
            seen = _read_until(process, b"up; ^C stops it")
            yield UpProcess(process, json.loads(answer.read_bytes()), seen)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(_DEADLINE)
                except subprocess.TimeoutExpired:
                    process.kill()


def _read_until(process: subprocess.Popen[bytes], wanted: bytes) -> bytes:
    assert process.stderr is not None
    seen = b""
    end = time.monotonic() + _DEADLINE
    with selectors.DefaultSelector() as selector:
        selector.register(process.stderr, selectors.EVENT_READ)
        while wanted not in seen:
            assert selector.select(max(0.0, end - time.monotonic())), f"not up in time: {seen!r}"
            chunk = os.read(process.stderr.fileno(), 65536)
            assert chunk, f"it ended before it was up: {seen!r}"
            seen += chunk
    return seen


def children(pid: int) -> list[int]:
    """Return the processes that a process started and that still run."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in found.split()]


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
