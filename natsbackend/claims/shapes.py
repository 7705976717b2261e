"""What a JSON value may be: the building blocks of `schema`.

A check is a callable that returns if a value fits and raises `MismatchError` if not. Null never reaches a
check: in Go it leaves a member absent. The one exception is `OneOf`, whose Go counterpart decodes itself
and refuses it. Texts may be any `str` and lists may be tuples: what is built here passes the same tables as
what is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

MAX_FREE_DEPTH = 64
"""How deep a member that the format leaves open may be nested."""

Check = Callable[[object], None]

_NOUNS = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "a boolean",
    int: "an integer",
    float: "a number with a point or an exponent",
    type(None): "null",
}


class MismatchError(Exception):
    """A value of the wrong type; each enclosing check adds its step to `path` on the way out.

    Neither the message nor the path holds a value: values may be passwords or tokens.
    """

    def __init__(self, problem: str, rule: str = "decode-json-type") -> None:
        super().__init__(problem)
        self.problem = problem
        self.rule = rule
        self.path: list[str] = []


def noun(value: object) -> str:
    """Name the JSON type of a value, with its article."""
    return _NOUNS.get(type(value), "no JSON value")


def wrong(value: object, wanted: str) -> MismatchError:
    """Return the mismatch of a value that should have been `wanted`."""
    return MismatchError(f"is {noun(value)}, not {wanted}")


def string(value: object) -> None:
    """Check a text."""
    if not isinstance(value, str):
        raise wrong(value, "a text")


def boolean(value: object) -> None:
    """Check a boolean."""
    if not isinstance(value, bool):
        raise wrong(value, "a boolean")


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer, written without point and exponent, within a range."""

    low: int
    high: int

    def __call__(self, value: object) -> None:
        """Check one value."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong(value, "an integer")
        if not self.low <= value <= self.high:
            raise MismatchError(f"is not within {self.low} and {self.high}")


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few texts; null is none of them."""

    values: tuple[str, ...]
    rule: str

    def __call__(self, value: object) -> None:
        """Check one value."""
        if value is not None:
            string(value)
        if value not in self.values:
            wanted = " nor ".join(json.dumps(one) for one in self.values)
            raise MismatchError(f"is neither {wanted}", self.rule)


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of one type."""

    item: Check

    def __call__(self, value: object) -> None:
        """Check one value."""
        if not isinstance(value, (list, tuple)):
            raise wrong(value, "a list")
        for index, item in enumerate(value):
            if item is None:
                continue
            try:
                self.item(item)
            except MismatchError as mismatch:
                mismatch.path.append(f"[{index}]")
                raise


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object whose member names are data: subjects, public keys, tiers."""

    item: Check

    def __call__(self, value: object) -> None:
        """Check one value."""
        if not isinstance(value, dict):
            raise wrong(value, "an object")
        for name, item in value.items():
            if item is None:
                continue
            try:
                self.item(item)
            except MismatchError as mismatch:
                mismatch.path.append(_quoted(name))
                raise


@dataclass(frozen=True, slots=True)
class Struct:
    """An object with known members. Others are ignored, unless Go would take them for a known one."""

    members: Mapping[str, Check]

    def __call__(self, value: object) -> None:
        """Check one value."""
        if not isinstance(value, dict):
            raise wrong(value, "an object")
        members, name = self.members, ""
        try:
            for name, member in value.items():
                check = members.get(name)
                if check is None:
                    self._unknown(name, member)
                elif check is string and type(member) is str:
                    continue  # most members are texts: a third of the time of all checks together
                elif member is not None or isinstance(check, OneOf):
                    check(member)
        except MismatchError as mismatch:
            mismatch.path.append(f".{name}" if name in members else _quoted(name))
            raise

    def _unknown(self, name: str, member: object) -> None:
        known = (
            name.casefold()
        )  # Go's folding knows the long s and the Kelvin sign too (encoding/json fold.go)
        if known in self.members:
            raise MismatchError(
                f"is read as {known!r} by the server and must be written so", "decode-member-name"
            )
        free(member)


def free(value: object, depth: int = 1) -> None:
    """Check what the format leaves open: any JSON, but not without a bottom."""
    if depth > MAX_FREE_DEPTH:
        raise MismatchError(f"is nested deeper than {MAX_FREE_DEPTH}", "decode-json-syntax")
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            free(item, depth + 1)


def _quoted(name: str) -> str:
    return f"[{json.dumps(name[:64])}]"
