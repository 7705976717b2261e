"""What a running nats-server says: into the log file line by line, and the words that matter kept.

The server logs to standard error (nats-server 2.15, `main.go`, `logger/log.go`). `[INF] Server is ready` is
the last line of a start. A refused config is told before there is a logger, as
`nats-server: FILE:LINE:COL: WORDS`, with one more line for each further error; everything else that stops a
start is a `[FTL]` line. Names from the config are logged as they are, line ends too, so only lines with the
server's own process id are believed.

Some lines repeat a JWT. Everything read is redacted before it is kept, written or quoted.
"""

from __future__ import annotations

import re
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from typing import IO, cast

_LOG_LINE = re.compile(r"\[(?P<pid>\d+)\] \S+ \S+ \[(?P<level>[A-Z]{3})\] (?P<words>.*)")
_SPEAKS_BEFORE_LOGGING = "nats-server: "
_READY = "Server is ready"
_SECRETS = (
    (re.compile(r"eyJ[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*){0,2}"), "<jwt>"),
    (re.compile(r"\bS[OAUNCX][A-Z2-7]{56}\b"), "<seed>"),
)
_KEPT_LINES = 1000


def redact(text: str) -> str:
    """Replace everything that looks like a JWT or a seed."""
    for pattern, stand_in in _SECRETS:
        text = pattern.sub(stand_in, text)
    return text


class ServerLog:
    """Reads a server's output in a thread of its own until it ends. Safe to ask from any thread."""

    def __init__(self, process: subprocess.Popen[bytes], sink: IO[bytes]) -> None:
        """Start reading.

        Args:
            process: a server whose output is a pipe.
            sink: an unbuffered file for its lines; closed at the end.
        """
        self.is_ready = False
        self.has_ended = False
        self._pid = str(process.pid)
        self._source = cast("IO[bytes]", process.stdout)
        self._sink = sink
        self._changed = threading.Condition()
        self._warnings: deque[str] = deque(maxlen=_KEPT_LINES)
        self._refusal: deque[str] = deque(maxlen=_KEPT_LINES)
        self._last = ""
        self._thread = threading.Thread(target=self._read, name=f"nats-server {process.pid}", daemon=True)
        self._thread.start()

    def wait(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        """Wait, at most `timeout` seconds, until a condition over this log holds; tell whether it does."""
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    @property
    def last_words(self) -> str:
        """Why the server refused or gave up, else its last line."""
        with self._changed:
            return "; ".join(self._refusal) or self._last

    def warnings(self) -> tuple[str, ...]:
        """Return the last 1000 warnings and errors, as `[WRN] words`."""
        with self._changed:
            return tuple(self._warnings)

    def close(self) -> None:
        """Wait for the rest of the output of a server that has ended."""
        self._thread.join()

    def _read(self) -> None:
        is_writable = True
        with self._source, self._sink:
            for raw in self._source:
                line = redact(raw.decode("utf-8", "replace").rstrip("\r\n"))
                if is_writable:
                    try:
                        self._sink.write(line.encode() + b"\n")
                    except OSError:  # a full disk: go on reading, or the server blocks on a full pipe
                        is_writable = False
                with self._changed:
                    self._take(line)
                    self._changed.notify_all()
        with self._changed:
            self.has_ended = True
            self._changed.notify_all()

    def _take(self, line: str) -> None:
        match = _LOG_LINE.fullmatch(line)
        if match is None or match["pid"] != self._pid:
            # Not from the logger: the refusal of a config, or the rest of a line with a line end in it.
            if line.startswith(_SPEAKS_BEFORE_LOGGING) or self._refusal:
                self._refuse(line.removeprefix(_SPEAKS_BEFORE_LOGGING))
            return
        level, words = match["level"], match["words"]
        self._last = words
        if level in {"WRN", "ERR", "FTL"}:
            self._warnings.append(f"[{level}] {words}")
        if level == "FTL":
            self._refuse(words)
        elif level == "INF" and words == _READY:
            self.is_ready = True

    def _refuse(self, words: str) -> None:
        if words:
            self._refusal.append(words)
