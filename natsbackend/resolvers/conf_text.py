"""Where things stand in the text of a nats-server config, so that a part can be replaced and the rest stays as it is.

Reads what the server reads (`conf/lex.go`, 2.15): keys and values with `:`, `=` or a blank between, quotes of both
kinds, maps, lists, comments. Blocks in parentheses and JSON files are refused, and whatever else is not understood:
better no change than a wrong one. No error repeats a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from natsbackend.errors import ResolverRejected

INCLUDE = "include"
_BLANK = " \t\r\n"
_ENDS_BARE = frozenset(" \t\r\n,;]}'")
_ENDS_KEY = frozenset(" \t\r\n:={")
_DEPTH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key of a map with its value."""

    key: str
    """In lower case, as options are looked up; `include` of a directive has `is_include`."""
    start: int
    """Where the key begins."""
    value_start: int
    end: int
    """Behind the value."""
    value: str = field(repr=False)
    """The text of the value, without its quotes."""
    raw_key: str
    entries: tuple[Entry, ...] | None = None
    """Those of a map."""
    is_include: bool = False


def read_conf(text: str) -> tuple[Entry, ...]:
    """Return the entries of the outermost map.

    Raises:
        ResolverRejected: the text is not understood.

    """
    reader = _Reader(text)
    entries = tuple(reader.entries(0))
    if reader.at < len(text):
        raise reader.refused("a bracket too many")
    return entries


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def entries(self, depth: int) -> Iterator[Entry]:
        """Read entries up to a closing brace or the end; the brace is left."""
        while self._skip() and self.text[self.at] != "}":
            start = self.at
            key, is_quoted = self._key()
            self._blanks()
            is_include = key == INCLUDE and not is_quoted and self._peek() not in (":", "=")
            if self._peek() in (":", "="):
                self.at += 1
                self._blanks()
            value_start = self.at
            value, inner = self._value(depth)
            yield Entry(
                key=key.lower(),
                raw_key=key,
                start=start,
                value_start=value_start,
                end=self.at,
                value=value,
                entries=inner,
                is_include=is_include,
            )

    def refused(self, why: str) -> ResolverRejected:
        line = self.text.count("\n", 0, self.at) + 1
        return ResolverRejected(
            f"line {line} of the config is not understood: {why}",
            hint="write it as natsbackend does, or roll out the config as a whole",
        )

    def _key(self) -> tuple[str, bool]:
        quote = self._peek()
        if quote in ("'", '"'):
            self.at += 1
            return self._until(quote), True
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in _ENDS_KEY:
            self.at += 1
        if self.at == start:
            raise self.refused("no key")
        return self.text[start : self.at], False

    def _value(self, depth: int) -> tuple[str, tuple[Entry, ...] | None]:
        if depth > _DEPTH:
            raise self.refused("it is too deep")
        first = self._peek()
        if first == "{":
            self.at += 1
            inner = tuple(self.entries(depth + 1))
            self._close("}")
            return "", inner
        if first == "[":
            self._list(depth)
            return "", None
        if first == "'":
            self.at += 1
            return self._until("'"), None
        if first == '"':
            return self._double_quoted(), None
        if first in ("(", "", ",", ";"):
            raise self.refused("no value that can be read")
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in _ENDS_BARE:
            self.at += 1
        if self.at == start:
            raise self.refused("no value that can be read")
        return self.text[start : self.at], None

    def _list(self, depth: int) -> None:
        self.at += 1
        while self._skip() and self.text[self.at] != "]":
            self._value(depth + 1)
        self._close("]")

    def _double_quoted(self) -> str:
        self.at += 1
        start = self.at
        while self._peek() not in ('"', ""):
            self.at += 2 if self._peek() == "\\" else 1
        self._close('"')
        return self.text[start : self.at - 1]

    def _until(self, quote: str) -> str:
        end = self.text.find(quote, self.at)
        if end < 0:
            raise self.refused("a quote is not closed")
        found = self.text[self.at : end]
        self.at = end + 1
        return found

    def _close(self, bracket: str) -> None:
        if self._peek() != bracket:
            raise self.refused(f"`{bracket}` is missing")
        self.at += 1

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _blanks(self) -> None:
        while self._peek() and self._peek() in _BLANK:
            self.at += 1

    def _skip(self) -> bool:
        """Go over blanks, separators and comments; tell whether anything is left."""
        while self.at < len(self.text):
            if self.text[self.at] in " \t\r\n,;":
                self.at += 1
            elif self.text[self.at] == "#" or self.text.startswith("//", self.at):
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                return True
        return False
