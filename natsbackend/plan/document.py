"""A plan as a JSON document of format 1, and back. Its members are those of `plan.values`, by the same names.

Every member is always there, empty ones too. Reading is strict: a member that is missing, unknown or of another type
is an error that names it, since a plan that was read half is not the one that was reviewed.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

from natsbackend.errors import Diagnostic, Location, PlanError
from natsbackend.plan.values import Plan

FORMAT = 1

_LOCATION = {"file": str, "line": int, "column": int}
_NOUNS: Mapping[type, str] = {
    str: "a text",
    int: "an integer",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


def to_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as what `json.dumps` takes."""
    out: dict[str, Any] = {"format": FORMAT}
    for member in dataclasses.fields(plan):
        out[member.name] = _plain(getattr(plan, member.name))
    return out


def from_json(document: object) -> Plan:
    """Read a plan from what `json.loads` gave.

    Raises:
        PlanError: it is not a plan of this format; the message names the member.
    """
    if not isinstance(document, dict) or "format" not in document:
        raise PlanError("not a plan: it is no JSON object with a `format`", hint=_MAKE)
    known = document["format"]
    if type(known) is not int or known != FORMAT:
        raise PlanError(
            f"cannot read the plan: not of format {FORMAT}", hint="a newer natsbackend may read it"
        )
    rest = {name: value for name, value in document.items() if name != "format"}
    plan: Plan = _read(rest, Plan, "")
    return plan


_MAKE = "make one with `natsbackend plan --out FILE`"


def _plain(value: object) -> object:
    if isinstance(value, Location):
        return {"file": value.file, "line": value.line, "column": value.col}
    if dataclasses.is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return value


@cache
def _members(kind: type) -> Mapping[str, Any]:
    """Return the type of each member of a dataclass, resolved where it was written."""
    return typing.get_type_hints(kind)


def _read(value: object, kind: Any, path: str) -> Any:
    """Read a value as a type; `path` leads to it from the root of the document."""
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        present = next(each for each in typing.get_args(kind) if each is not types.NoneType)
        return None if value is None else _read(value, present, path)
    if origin is tuple:
        items = _of_type(value, list, path)
        return tuple(_read(each, typing.get_args(kind)[0], f"{path}[{n}]") for n, each in enumerate(items))
    if origin is not None:  # the one other generic type there is: a mapping of texts
        members = _of_type(value, dict, path)
        return {
            name: _read(each, typing.get_args(kind)[1], f"{path}.{name}") for name, each in members.items()
        }
    if kind is Location:
        found = _object(value, _LOCATION, path)
        return Location(found["file"], found["line"], found["column"])
    if dataclasses.is_dataclass(kind):
        return _built(kind, _object(value, _members(typing.cast("type", kind)), path), path)
    if issubclass(kind, enum.Enum):
        return _enumerated(value, kind, path)
    return _of_type(value, kind, path)


def _built(kind: Any, members: Mapping[str, Any], path: str) -> Any:
    if kind is Diagnostic and not members["code"]:
        raise _bad(f"{path}.code", "is empty")
    return kind(**members)


def _object(value: object, kinds: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Read an object that has exactly these members."""
    found = _of_type(value, dict, path)
    for name in found:
        if name not in kinds:
            raise _bad(_below(path, str(name)), "is not known")
    for name in kinds:
        if name not in found:
            raise _bad(_below(path, name), "is missing")
    return {name: _read(found[name], kind, _below(path, name)) for name, kind in kinds.items()}


def _enumerated(value: object, kind: type[enum.Enum], path: str) -> enum.Enum:
    text = _of_type(value, str, path)
    for member in kind:
        if member.value == text:
            return member
    raise _bad(path, "is none of " + ", ".join(str(member.value) for member in kind))


def _of_type(value: object, kind: type, path: str) -> Any:
    if type(value) is not kind:
        raise _bad(path, f"is not {_NOUNS[kind]}")
    return value


def _below(path: str, name: str) -> str:
    return f"{path}.{name[:64]}" if path else name[:64]


def _bad(path: str, problem: str) -> PlanError:
    where = f"`{path}` " if path else "it "
    return PlanError(
        f"cannot read the plan: {where}{problem}",
        hint=f"it was changed by hand or by another release; {_MAKE}",
    )


__all__ = ["FORMAT", "from_json", "to_json"]
