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


def _schema(
    description: str, *examples: Any, pattern: str | None = None, number: bool = False
) -> WithJsonSchema:
    text: dict[str, Any] = {"type": "string"}
    if pattern:
        text["pattern"] = pattern
    out = {"anyOf": [{"type": "integer", "minimum": 0}, text]} if number else text
    return WithJsonSchema({**out, "description": description, "examples": list(examples)})


_DURATION_PATTERN = f"^{_DURATION.pattern}$"
_SIZE_PATTERN = f"^{_SIZE.pattern}$"
_COUNT = _schema("A count, or `unlimited`.", 100, "unlimited", pattern="^unlimited$", number=True)
_BYTES = _schema(
    "Bytes, or `unlimited`.", "64KiB", "unlimited", pattern=f"{_SIZE_PATTERN}|^unlimited$", number=True
)
_TIME = _schema("A duration.", "250ms", "2m", pattern=_DURATION_PATTERN)

Nanoseconds = Annotated[int, BeforeValidator(nanoseconds), _TIME]
PositiveNanoseconds = Annotated[int, BeforeValidator(positive_nanoseconds), _TIME]
Seconds = Annotated[
    int,
    BeforeValidator(seconds),
    _schema("A duration of whole seconds.", "15m", "7d", pattern=_DURATION_PATTERN),
]
Size = Annotated[
    int, BeforeValidator(size), _schema("Bytes.", "64KiB", "10GB", pattern=_SIZE_PATTERN, number=True)
]
PositiveSize = Annotated[
    int,
    BeforeValidator(_positive(size, hint="write at least 1, or take the line out for no limit")),
    _schema("Bytes.", "64KiB", "10GB", pattern=_SIZE_PATTERN, number=True),
]
SizeLimit = Annotated[int, BeforeValidator(size_limit), _BYTES]
PositiveSizeLimit = Annotated[int, BeforeValidator(_positive(size_limit)), _BYTES]
Limit = Annotated[int, BeforeValidator(limit), _COUNT]
PositiveLimit = Annotated[int, BeforeValidator(_positive(limit)), _COUNT]
Connections = Annotated[
    int, BeforeValidator(_positive(limit, "with 0 connections the server lets nobody in")), _COUNT
]
"""A limit of connections: the server takes 0 for what it says (nats-server 2.15 `opts.go`)."""
Subscriptions = Annotated[
    int,
    BeforeValidator(_positive(limit, "0 does not mean none here: the server would take it for no limit")),
    _COUNT,
]
"""A limit of subscriptions: 0 is none at all to the server (nats-server 2.15 `client.go`, `applyAccountLimits`)."""
Timestamp = Annotated[
    int,
    BeforeValidator(timestamp),
    _schema("A date or an RFC 3339 time.", "2027-01-31", "2027-01-31T12:00:00Z"),
]
