"""Durations, sizes, counts and dates as a person writes them, and the types that read them.

Each type is an annotated `int` in the wire's unit, with the text form in its JSON Schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

UNLIMITED = -1
_INT64 = 2**63 - 1

_NUMBER = r"([0-9]{1,19}(?:\.[0-9]{1,19})?)"
_DURATION_PART = re.compile(rf"{_NUMBER}(ns|us|µs|ms|s|m|h|d|w)")
_DURATION = re.compile(rf"(?:{_DURATION_PART.pattern})+")
_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60 * 1_000_000_000,
    "h": 3600 * 1_000_000_000,
    "d": 86400 * 1_000_000_000,
    "w": 7 * 86400 * 1_000_000_000,
}
_SIZE = re.compile(rf"{_NUMBER} ?(B|[KMGTP]i?B?)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ].{1,40})?")
_POWERS = {"K": 1, "M": 2, "G": 3, "T": 4, "P": 5}


def refuse(message: str, hint: str) -> PydanticCustomError:
    """Return the error of a value that has no meaning; the loader turns it into a diagnostic."""
    return PydanticCustomError("spec_value", "{message}", {"message": message, "hint": hint})


def _shown(value: object) -> str:
    """Show a value as it was written, cut where it would fill the screen."""
    text = repr(value) if isinstance(value, str) else str(value)
    if isinstance(value, bool):
        text = text.lower()
    elif isinstance(value, list | dict):
        text = "a list" if isinstance(value, list) else "a map"
    return text if len(text) <= 60 else f"{text[:60]}…"


def nanoseconds(value: object) -> int:
    """Read a duration such as `15m`, `2h30m` or `7d` as nanoseconds."""
    if isinstance(value, str) and _DURATION.fullmatch(value):
        parts = _DURATION_PART.findall(value)
        total = sum(Fraction(number) * _NANOSECONDS[unit] for number, unit in parts)
        if total == int(total) and total <= _INT64:
            return int(total)
    raise refuse(f"{_shown(value)} is not a duration", "write it with a unit: 30s, 15m, 2h30m, 7d")


def positive_nanoseconds(value: object) -> int:
    """Read a duration where the server takes zero for its own default."""
    total = nanoseconds(value)
    if total == 0:
        raise refuse(
            f"{_shown(value)} is no time at all; the server would take its default",
            "write a longer time, or take the line out for the default",
        )
    return total


def seconds(value: object) -> int:
    """Read a duration as whole seconds, at least one."""
    total = nanoseconds(value)
    if total < 1_000_000_000 or total % 1_000_000_000:
        raise refuse(
            f"{_shown(value)} is not a number of whole seconds, at least 1s", "write 30s, 15m, 2h30m, 7d"
        )
    return total // 1_000_000_000


def read_seconds(text: str) -> int:
    """Read a duration from outside a spec as whole seconds.

    Raises:
        ValueError: it is none; the message says how to write one.
    """
    try:
        return seconds(text)
    except PydanticCustomError as e:
        context = e.context or {}
        raise ValueError(f"{context.get('message')}; {context.get('hint')}") from None


def size(value: object) -> int:
    """Read a size such as `64KiB`, `10GB` or `1024` as bytes. `K` and `KB` are 1000, `KiB` is 1024."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _INT64:
        return value
    if isinstance(value, str) and (match := _SIZE.fullmatch(value)):
        unit = match[2] or "B"
        base = 1024 if "i" in unit else 1000
        total = Fraction(match[1]) * base ** _POWERS.get(unit[0], 0)
        if total == int(total) and total <= _INT64:
            return int(total)
    raise refuse(f"{_shown(value)} is not a size", "write a number of bytes, or 64KiB, 10MB, 1GiB")


def limit(value: object) -> int:
    """Read a count, or `unlimited`."""
    if value == "unlimited":
        return UNLIMITED
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _INT64:
        return value
    raise refuse(f"{_shown(value)} is not a limit", "write a whole number, or `unlimited` for no limit")


def size_limit(value: object) -> int:
    """Read a size, or `unlimited`."""
    if value == "unlimited":
        return UNLIMITED
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        raise refuse(f"{_shown(value)} is not a size", "write `unlimited` for no limit")
    return size(value)


def _positive(
    read: Callable[[object], int],
    message: str = "0 does not mean none here: the server would put its own default in its place",
    hint: str = "write at least 1, or `unlimited` for no limit",
) -> Callable[[object], int]:
    """Refuse zero where the server does not: it would take it for its default, or for no limit at all."""

    def read_positive(value: object) -> int:
        result = read(value)
        if result == 0:
            raise refuse(message, hint)
        return result

    return read_positive


def timestamp(value: object) -> int:
    """Read a date (its first moment, UTC) or an RFC 3339 time as unix seconds."""
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is not None and (moment.tzinfo is not None or len(value) == 10):
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            if moment.timestamp() >= 1:
                return int(moment.timestamp())
    hint = "write a date, 2027-01-31, or a time with its zone, 2027-01-31T12:00:00Z"
    raise refuse(f"{_shown(value)} is not a date", hint)


def written(value: int, unit: str) -> int | str:
    """Return a value of the wire as one writes it in a spec; the unit is the `x-unit` of its type."""
    if value == UNLIMITED:
        return "unlimited"
    if unit == "bytes":
        known = (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024))
        return next((f"{value // n}{name}" for name, n in known if value and value % n == 0), value)
    if unit in ("nanoseconds", "seconds"):
        total = value * (1 if unit == "nanoseconds" else _NANOSECONDS["s"])
        names = ("d", "h", "m", "s", "ms", "us")
        fits = (name for name in names if total and total % _NANOSECONDS[name] == 0)
        name = next(fits, "ns")
        return f"{total // _NANOSECONDS[name]}{name}"
    return value


def _schema(unit: str, *branches: dict[str, Any], examples: list[Any]) -> WithJsonSchema:
    """The JSON Schema of a type whose texts `branches` describe; `unit` is that of the wire."""
    out = branches[0] if len(branches) == 1 else {"anyOf": list(branches)}
    return WithJsonSchema({**out, "examples": examples, "x-unit": unit})


def _text(title: str, pattern: str, *, positive: bool = False) -> dict[str, Any]:
    """Describe a text. Patterns are those of the readers; what only arithmetic can refuse, they admit."""
    return {"type": "string", "pattern": f"^{'(?=.*[1-9])' * positive}{pattern}$", "title": title}


def _number(title: str, least: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "title": title}


_UNLIMITED_TEXT: dict[str, Any] = {"type": "string", "const": "unlimited", "title": "no limit"}
_DAY = r"(?!19[0-6])[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_DATE_PATTERN = rf"{_DAY}([Tt ][0-9:.,]{{2,16}}(Z|[+-][0-9:.]{{2,16}}))?"
_LIMITED_SIZES = ["64KiB", "10GB", "unlimited"]


def _count(least: int) -> WithJsonSchema:
    return _schema("count", _number("count", least), _UNLIMITED_TEXT, examples=[100, "unlimited"])


def _size_schema(least: int) -> WithJsonSchema:
    text = _text("size", _SIZE.pattern, positive=least > 0)
    return _schema("bytes", _number("bytes", least), text, _UNLIMITED_TEXT, examples=_LIMITED_SIZES)


def _duration(unit: str, *, positive: bool = True) -> WithJsonSchema:
    text = _text("duration", _DURATION.pattern, positive=positive)
    return _schema(unit, text, examples=["15m", "7d"] if unit == "seconds" else ["250ms", "2m"])


def _word_or_duration(word: str) -> tuple[BeforeValidator, WithJsonSchema]:
    """Return what reads a duration, or one word in its place, and its JSON Schema."""

    def read(value: object) -> int | str:
        return word if value == word else positive_nanoseconds(value)

    branch = {"type": "string", "const": word, "title": word}
    schema = WithJsonSchema({"anyOf": [branch, _duration("nanoseconds").json_schema]})
    return BeforeValidator(read), schema


SyncInterval = Annotated[int | str, *_word_or_duration("always")]
"""A duration, or `always`."""
AutoDuration = Annotated[int | str, *_word_or_duration("auto")]
"""A duration, or `auto`."""
Nanoseconds = Annotated[int, BeforeValidator(nanoseconds), _duration("nanoseconds", positive=False)]
PositiveNanoseconds = Annotated[int, BeforeValidator(positive_nanoseconds), _duration("nanoseconds")]
Seconds = Annotated[int, BeforeValidator(seconds), _duration("seconds")]
Size = Annotated[
    int,
    BeforeValidator(size),
    _schema("bytes", _number("bytes", 0), _text("size", _SIZE.pattern), examples=["64KiB", "10GB"]),
]
PositiveSize = Annotated[
    int,
    BeforeValidator(_positive(size, hint="write at least 1, or take the line out for no limit")),
    _schema(
        "bytes", _number("bytes", 1), _text("size", _SIZE.pattern, positive=True), examples=["64KiB", "10GB"]
    ),
]
SizeLimit = Annotated[int, BeforeValidator(size_limit), _size_schema(0)]
PositiveSizeLimit = Annotated[int, BeforeValidator(_positive(size_limit)), _size_schema(1)]
Limit = Annotated[int, BeforeValidator(limit), _count(0)]
PositiveLimit = Annotated[int, BeforeValidator(_positive(limit)), _count(1)]
Connections = Annotated[
    int, BeforeValidator(_positive(limit, "with 0 connections the server lets nobody in")), _count(1)
]
"""A limit of connections: the server takes 0 for what it says (nats-server 2.15 `opts.go`)."""
Subscriptions = Annotated[
    int,
    BeforeValidator(_positive(limit, "0 does not mean none here: the server would take it for no limit")),
    _count(1),
]
"""A limit of subscriptions: 0 is none at all to the server (nats-server 2.15 `client.go`, `applyAccountLimits`)."""
Timestamp = Annotated[
    int,
    BeforeValidator(timestamp),
    _schema(
        "unix seconds", _text("date or time", _DATE_PATTERN), examples=["2027-01-31", "2027-01-31T12:00:00Z"]
    ),
]
