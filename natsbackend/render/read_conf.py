"""Read a config that `conf` wrote, and no other: what somebody has changed by hand is refused, not guessed at.

It is the safe subset of `conf` and its one layout, an item a line. A value from the environment or from another file
stays what it is, a reference: nothing is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from natsbackend.render.conf import HEADER, ConfError, Include, Value, Variable

_KEY = re.compile(r"""([A-Za-z0-9_-]+|"[^"]+"|'[^']+'): (.+)""")
_INCLUDE = re.compile(r'include "([^"]+)"')
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_VARIABLE = re.compile(r"\$([A-Z][A-Z0-9_]*)", re.ASCII)
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"((?:\\x[0-9a-f]{2})+)|\\(.)")
_SHORT = {"\\": "\\", '"': '"', "n": "\n", "r": "\r", "t": "\t"}


def read_conf(text: str) -> dict[str, Value]:
    """Return the options of a config.

    Raises:
        ConfError: it was not written by `write_conf`; the message names the line, and shows nothing of it.
    """
    if not text.startswith(HEADER):
        raise ConfError("the config does not begin as one that was generated")
    return _map(_Lines(text), end="")


class _Lines:
    """The lines of a config, without comments and indentation."""

    def __init__(self, text: str) -> None:
        self.number = 0
        self._lines = iter(text.split("\n"))

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.number += 1
            stripped = line.lstrip(" ")
            if not stripped.startswith("#"):
                yield stripped

    def bad(self) -> ConfError:
        return ConfError(f"line {self.number} of the config is not as it was generated")


def _map(lines: _Lines, end: str) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for line in lines:
        if line == end:
            return found
        if include := _INCLUDE.fullmatch(line):
            found[f"include {include[1]}"] = Include(include[1])
        elif pair := _KEY.fullmatch(line):
            key = pair[1][1:-1] if pair[1][0] in "\"'" else pair[1]
            found[key] = _value(pair[2], lines)
        else:
            raise lines.bad()
    raise lines.bad()


def _list(lines: _Lines) -> list[Value]:
    found: list[Value] = []
    for line in lines:
        if line == "]":
            return found
        found.append(_value(line, lines))
    raise lines.bad()


def _value(text: str, lines: _Lines) -> Value:
    if text == "{":
        return _map(lines, end="}")
    if text == "[":
        return _list(lines)
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if variable := _VARIABLE.fullmatch(text):
        return Variable(variable[1])
    if quoted := _TEXT.fullmatch(text):
        try:
            return _ESCAPE.sub(_unescaped, quoted[1])
        except (KeyError, UnicodeDecodeError):
            raise lines.bad() from None
    raise lines.bad()


def _unescaped(found: re.Match[str]) -> str:
    r"""Return what an escape stands for; of `\xHH`, several are the UTF-8 of one character."""
    if found[1]:
        return bytes.fromhex(found[1].replace("\\x", "")).decode("utf-8")
    return _SHORT[found[2]]
