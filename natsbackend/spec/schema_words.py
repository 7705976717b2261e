"""Every word of the JSON Schema of the spec, in the order of the document, with what it becomes where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_KINDS = {
    "nanoseconds": "duration",
    "seconds": "duration of whole seconds",
    "bytes": "size in bytes",
    "count": "count",
    "unix seconds": "date or time",
}
_TYPES = {"string": "text", "integer": "whole number", "boolean": "`true` or `false`", "object": "map"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word at one place of the document."""

    path: str
    """Where it stands, `accounts.NAME.exports[].stream`."""
    owner: str
    """The definition it belongs to; empty for the document itself."""
    name: str
    schema: Json
    required: bool
    becomes: tuple[str, ...]
    """Claims and config keys, in full."""


def words(schema: Json) -> Iterator[Word]:
    """Return each word at each place, a map before what is in it."""
    yield from _of_map(schema, (), "", ())


def _of_map(schema: Json, owners: tuple[str, ...], path: str, bases: Sequence[str]) -> Iterator[Word]:
    node = schema["$defs"][owners[-1]] if owners else schema
    for name, value in node["properties"].items():
        here = f"{path}.{name}" if path else name
        word = Word(
            path=here,
            owner=owners[-1] if owners else "",
            name=name,
            schema=value,
            required=name in node.get("required", ()),
            becomes=tuple(_whole_names(value.get("x-becomes", ()), bases)),
        )
        yield word
        for owner, below in references(value):
            if owner not in owners:
                yield from _of_map(schema, (*owners, owner), here + below, word.becomes)


def _whole_names(names: Sequence[str], bases: Sequence[str]) -> Iterator[str]:
    for name in names:
        if name.startswith("."):
            yield from (base + name.removesuffix(".") for base in bases)
        else:
            yield name


def references(node: Json) -> Iterator[tuple[str, str]]:
    """Return the definitions that a value may hold, each with what leads to it: `[]`, `.NAME`, or nothing."""
    if "$ref" in node:
        yield node["$ref"].rpartition("/")[2], ""
    for branch in node.get("anyOf", ()):
        yield from references(branch)
    for key, step in (("items", "[]"), ("additionalProperties", ".NAME")):
        if isinstance(node.get(key), dict):
            yield from ((owner, step + below) for owner, below in references(node[key]))


def kind(node: Json, shown: Callable[[str], str] = lambda _owner: "map") -> str:
    """Say in words what kind of value a schema takes; `shown` says it of a map with words of its own."""
    if "x-unit" in node:
        unlimited = any(branch.get("const") == "unlimited" for branch in node.get("anyOf", ()))
        return _KINDS[node["x-unit"]] + ", or `unlimited`" * unlimited
    if "$ref" in node:
        return shown(node["$ref"].rpartition("/")[2])
    if "anyOf" in node:
        return ", or ".join(dict.fromkeys(kind(branch, shown) for branch in node["anyOf"]))
    values = node.get("enum") or ([node["const"]] if "const" in node else [])
    if values:
        *most, last = (f"`{value}`" for value in values)
        return f"{', '.join(most)} or {last}" if most else last
    if node.get("type") == "array":
        return f"list: each {kind(node.get('items', {}), shown)}"
    below = node.get("additionalProperties")
    if node.get("type") == "object" and isinstance(below, dict):
        return f"map of names: each {kind(below, shown)}"
    return _TYPES.get(node.get("type", ""), "anything")


def is_plain(value: object, of: type) -> bool:
    """Tell whether a value is of a type; a boolean is no number."""
    return isinstance(value, of) and isinstance(value, bool) == (of is bool)
