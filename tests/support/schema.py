"""What the tests ask of the JSON Schema of the spec: small specs for its words, and where it refuses something."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from natsbackend.spec.schema import all_words, json_schema
from natsbackend.spec.schema_words import Word
from natsbackend.spec.tree import Node

SCHEMA = json_schema()
WORDS = tuple(all_words())
"""Every word at every place."""
VALIDATOR = Draft202012Validator(SCHEMA)


def definition(owner: str) -> dict[str, Any]:
    """Return the map that words belong to."""
    found: dict[str, Any] = SCHEMA["$defs"][owner] if owner else SCHEMA
    return found


def spec_with(word: Word, value: Any) -> dict[str, Any]:
    """Return a spec in which a word has a value at its place, and around it only what must be there."""
    return _map_with("", word.path.split("."), value)


def key(step: str) -> str:
    """Return the key for a step of a path: a name for `NAME`, without the `[]` of a list."""
    return step.removesuffix("[]").replace("NAME", "R1")


def _map_with(path: str, steps: list[str], value: Any) -> dict[str, Any]:
    step, *rest = steps
    here = f"{path}.{step}" if path else step
    inner = _map_with(here, rest, value) if rest else value
    out = {key(step): [inner] if rest and step.endswith("[]") else inner}
    return out if path not in _OWNERS else _with_what_it_needs(out, _OWNERS[path], key(step))


_OWNERS = {word.path.removesuffix(word.name).rstrip("."): word.owner for word in WORDS}
"""The definition of the map at a path."""


def _with_what_it_needs(into: dict[str, Any], owner: str, word: str) -> dict[str, Any]:
    """Put what a map must have beside a word into it, by the words' examples."""
    node = definition(owner)
    for name in (*node.get("required", ()), *node.get("dependentRequired", {}).get(word, ())):
        known = node["properties"][name]
        into.setdefault(name, known["const"] if "const" in known else known["examples"][0])
    return into


def complaints(plain: object, root: Node) -> set[int]:
    """Return the lines of a spec that the schema finds something wrong with."""
    return {line for error in VALIDATOR.iter_errors(plain) for line in _lines(error, root)}


def _lines(error: ValidationError, root: Node) -> Iterator[int]:
    path = tuple(error.absolute_path)
    node, at = root.walk(path)
    yield from (at.line, node.at.line)
    if error.validator in ("additionalProperties", "dependentSchemas", "dependentRequired"):
        yield from (node.key_at(each).line for each in node.keys or ())
    for inner in error.context or ():
        yield from _lines(inner, root)
