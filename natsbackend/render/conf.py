r"""The config language of nats-server, written so that no value can become structure.

The language looks like JSON and is not (nats-server 2.15, `conf/lex.go` and `conf/parse.go`): a bare `$x` is
read from the environment, `2m` is a number, `a,b` starts a new key, `\u0041` in quotes is an error, and a key
before a blank may be the directive `include`. So this writer uses one safe subset of it:

1. A string is always in double quotes, which stop every interpolation. Only `\\`, `\"`, `\n`, `\r`, `\t` and
   `\xHH` are escapes. Control characters, and those that make a line read otherwise than it is (text
   direction, other line ends), are written as the `\xHH` of their UTF-8 bytes: what a reviewer sees is what
   the server reads.
2. An integer or a boolean is bare and ends with its line.
3. A key is bare if it is made of `[A-Za-z0-9_-]`; else it is in quotes. Keys have no escapes at all, so what
   cannot stand there is refused.
4. One item a line, in arrays too: `[1]` does not parse, since an integer swallows the bracket.
5. Nothing of the caller's is ever put into a comment. The one comment says how a variable is read.
6. A NUL ends the input of the lexer, and a lone surrogate has no UTF-8: both are refused, wherever they are.

No error repeats a value, which may be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from natsbackend.errors import NatsBackendError


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that the server takes from its environment when it starts: the secret itself is never written.

    The server looks among the keys of the maps around it first, and they are matched with their case; so a name in
    upper case is never one of the options written here.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Include:
    """A value that the server takes from another file, which holds it under the same key: `key: "value"`.

    The path is relative to the directory of the config, and so is an absolute one: the server joins the two
    (nats-server 2.15 `conf/parse.go`).
    """

    path: str


Value: TypeAlias = "str | int | bool | Variable | Include | Sequence[Value] | Mapping[str, Value]"
"""What a config is made of. Sizes are plain integers of bytes; a time is the text that `duration` returns."""

HEADER = "# nats-server config, written by natsbackend: change the spec and generate it again\n"

_QUOTE_IT = '# read as config: the text of this variable needs double quotes of its own, "..."'
_INDENT = "  "
_INT64 = range(-(2**63), 2**63)
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
_DIRECTIVES = frozenset({"include"})
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)
_SHORT_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNSEEN_CLASS = (
    r"\x00-\x1f\x7f-\x9f"  # control characters, C1 included
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # text direction
    r"\u2028\u2029\ufeff"  # line and paragraph separator, byte order mark
)
_UNSEEN = re.compile(f"[{_UNSEEN_CLASS}]")
_ESCAPED = re.compile(rf'["\\{_UNSEEN_CLASS}]')
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_UNITS = (
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
)


class ConfError(NatsBackendError):
    """A key or value that the config language of nats-server cannot express; the message names the key."""


def write_conf(config: Mapping[str, Value]) -> str:
    """Write a config, in the order of the mapping: two blanks a level, one item a line.

    Raises:
        ConfError: a key or a value has no safe form; see the rules above.
    """
    return HEADER + "".join(f"{line}\n" for line in _entries(config, "", ""))


def duration(ns: int) -> str:
    """Return nanoseconds in the syntax of Go's `time.ParseDuration`: `2s`, `1m30s`, `250ms`.

    Raises:
        ConfError: the time is negative, or longer than Go's `time.Duration` can hold (292 years).
    """
    if ns < 0 or ns not in _INT64:
        raise ConfError(f"{ns} ns is not a duration that nats-server can read")
    parts = []
    rest = ns
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _entries(config: Mapping[str, Value], indent: str, path: str) -> Iterator[str]:
    for key, value in config.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, Include):
            yield f'{indent}include "{_include(value, here)}"'
            continue
        if isinstance(value, Variable):
            yield f"{indent}{_QUOTE_IT}"
        yield from _lines(f"{indent}{_key(key, here)}: ", value, indent, here)


def _lines(lead: str, value: Value, indent: str, path: str) -> Iterator[str]:
    """Yield the lines of one value; the first begins with `lead`, the others with `indent`."""
    if isinstance(value, Mapping):
        yield f"{lead}{{"
        yield from _entries(value, indent + _INDENT, path)
        yield f"{indent}}}"
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray, memoryview)):
        yield f"{lead}["
        for position, item in enumerate(value):
            inner = indent + _INDENT
            yield from _lines(inner, item, inner, f"{path}[{position}]")
        yield f"{indent}]"
    else:
        yield lead + _scalar(value, path)


def _scalar(value: object, path: str) -> str:
    if isinstance(value, str):
        _check_text(value, path)
        return f'"{_ESCAPED.sub(_escape, value)}"'
    if isinstance(value, Variable):
        if not _VARIABLE.fullmatch(value.name):
            raise ConfError(
                f"{_place(path)}: a variable's name is made of A-Z, 0-9 and _, and begins with a letter"
            )
        return f"${value.name}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value not in _INT64:
            raise ConfError(f"{_place(path)}: the integer does not fit into 64 bits")
        return str(int(value))
    raise ConfError(f"{_place(path)}: a {type(value).__name__} has no form in the config of nats-server")


def _include(include: Include, path: str) -> str:
    """Return the path of an include, which has no escapes."""
    _check_text(include.path, path)
    if '"' in include.path or _UNSEEN.search(include.path):
        raise ConfError(f"{_place(path)}: the path of an include cannot hold a quote or control characters")
    if include.path.startswith("/"):
        raise ConfError(f"{_place(path)}: the path of an include must be relative to the config")
    return include.path


def _key(key: str, path: str) -> str:
    if _PLAIN_KEY.fullmatch(key) and key.lower() not in _DIRECTIVES:
        return key
    _check_text(key, path)
    if _UNSEEN.search(key):
        raise ConfError(f"{_place(path)}: a key cannot hold control characters, since keys have no escapes")
    if '"' not in key:
        return f'"{key}"'
    if "'" not in key:
        return f"'{key}'"
    raise ConfError(f"{_place(path)}: a key cannot hold both kinds of quotes, since keys have no escapes")


def _check_text(text: str, path: str) -> None:
    if "\0" in text:
        raise ConfError(f"{_place(path)}: a NUL cannot be written, it would end the config")
    if not text.isascii() and _SURROGATE.search(text):
        raise ConfError(f"{_place(path)}: a lone surrogate cannot be written, it is not a character")


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    short = _SHORT_ESCAPES.get(char)
    return short or "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8"))


def _place(path: str) -> str:
    """Name a key in a message. JSON's escapes keep a hostile one to one line, and a surrogate printable."""
    return f"config key {json.dumps(path)}"
