"""The JSON Schema of the spec, for editors and other tools.

It is pydantic's, made fit for people: no `null` (the loader takes none), defaults as one writes them (`unlimited`, not
-1), unions whose branches have names, and on every word `x-becomes`, the claim or config key it becomes, which hovers
show (`markdownDescription`). `x-unit` is the unit of the wire. What an editor can know from more than one word, the
schema says too; what only arithmetic or the rest of the spec can tell, is `check`'s.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from natsbackend.spec.models import SpecModel
from natsbackend.spec.schema_words import Json, Word, is_plain, kind, words
from natsbackend.spec.units import written

_TOGETHER = {"time_zone": ["times"]}
"""Words that say nothing without others (`spec.user_models`)."""

_APART = {
    "permissions": ("publish", "subscribe", "request", "respond", "allow_responses", "inbox"),
    "role": ("signing_key",),
}
"""Words that leave others nothing to say (`spec.permission_models`, `spec.models`), where one map has all of them."""

NOTHING = "nothing in a JWT or config"
"""What a word becomes that says neither a claim nor an option."""

_NAMES = {"Jet Stream": "JetStream", "Tls": "TLS", "Mqtt": "MQTT", "Web Socket": "Websocket"}


class _InOrder(GenerateJsonSchema):
    """Leaves everything in the order it was written in, examples above all."""

    def sort(self, value: Any, parent_key: str | None = None) -> Any:  # noqa: ARG002 - pydantic names it
        """Return the value as it is."""
        return value


def json_schema() -> Json:
    """Return the JSON Schema (draft 2020-12) of a spec; the same bytes for the same release."""
    schema = _shape_of_it()
    _say_what_words_become(schema)
    return schema


def all_words() -> list[Word]:
    """Return every word at every place, with what it becomes there; the schema has one list for all its places."""
    return list(words(_shape_of_it()))


def _shape_of_it() -> Json:
    raw = SpecModel.model_json_schema(by_alias=True, schema_generator=_InOrder)
    definitions = {name: _map(name, node) for name, node in raw.pop("$defs").items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_map("Spec", raw),
        "title": "natsbackend spec",
        "$defs": definitions,
    }


def title(name: str) -> str:
    """Return the name of a map from that of its model: `JetStreamLimitsSpec` has the title `JetStream limits`."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Spec"))
    for found, better in _NAMES.items():
        text = text.replace(found, better)
    first, *rest = text.split(" ")
    return " ".join([first, *(word if word in _NAMES.values() else word.lower() for word in rest)])


def _map(name: str, node: Json) -> Json:
    """One map: what its model is called, what its words take, and which go together."""
    known = node.get("properties", {})
    out = {**node, "title": title(name), "properties": {word: _word(known[word]) for word in known}}
    together = {word: others for word, others in _TOGETHER.items() if word in known}
    apart = {
        word: {"properties": dict.fromkeys(others, False)}
        for word, others in _APART.items()
        if word in known and set(others) <= known.keys()
    }
    if {"env", "file"} <= known.keys():  # `spec.secret_models`
        out["oneOf"] = [{"required": ["env"]}, {"required": ["file"]}]
    if together:
        out["dependentRequired"] = together
    if apart:
        out["dependentSchemas"] = apart
    return out


def _word(node: Json) -> Json:
    """One word: its kind of value without null, its default as one writes it."""
    node = _value(node)
    node.pop("title", None)
    if node.get("default", ...) is None:
        del node["default"]
    if is_plain(node.get("default"), int) and "x-unit" in node:
        node["default"] = written(node["default"], node["x-unit"])
    return node


def _value(node: Json) -> Json:
    """A value, or a branch of it: without null, and with a name on each branch."""
    node = dict(node)
    branches = [b for b in node.pop("anyOf", node.pop("oneOf", [])) if b.get("type") != "null"]
    if len(branches) == 1:
        return _value({**branches[0], **node})
    if branches:
        node["anyOf"] = [
            branch | {"title": branch.get("title") or kind(branch)} for branch in map(_value, branches)
        ]
    for inner in ("items", "additionalProperties"):
        if isinstance(node.get(inner), dict):
            node[inner] = _value(node[inner])
    return node


def _say_what_words_become(schema: Json) -> None:
    """Put the whole names in place of those that go on from a map's, and a text for editors beside the description."""
    found: dict[tuple[str, str], list[str]] = {}
    for word in words(schema):
        names = found.setdefault((word.owner, word.name), [])
        names += [name for name in word.becomes if name not in names]
    for (owner, name), names in found.items():
        node = (schema["$defs"][owner] if owner else schema)["properties"][name]
        node["x-becomes"] = names
        said = " and ".join(f"`{each}`" for each in names[:4]) + (" …" if len(names) > 4 else "")
        told = "; ".join(part for part in (said, node.get("x-note", "")) if part)
        node["markdownDescription"] = f"{node.get('description', '')}\n\nBecomes: {told or NOTHING}"
