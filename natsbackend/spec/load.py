"""Text to Spec, with every error in shape reported at once, in the spec's own words and at its own place.

The loader opens no file: whoever calls it passes a reader.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from natsbackend.errors import Diagnostic, Location, SpecError
from natsbackend.spec import nodes
from natsbackend.spec.attached import read_attached
from natsbackend.spec.models import SpecModel
from natsbackend.spec.shape import SHAPES
from natsbackend.spec.tree import Node

Reader = Callable[[str], bytes]
"""Returns the bytes of a file by its name, or raises `ProjectError`."""

Step = str | int


@dataclass(frozen=True, slots=True)
class Spec:
    """A spec of sound shape, and where each part of it stands."""

    model: SpecModel
    node: Node
    files: Mapping[str, str] = field(default_factory=dict)
    """The text of each file that the spec names, by its path as written."""

    def at(self, *path: Step) -> Location:
        """Where the value at a path begins; a missing last step gives the place of what would hold it."""
        return self.node.find(path).at

    def below(self, *path: Step) -> Callable[..., Location]:
        """Return `at` for what stands below a path, which is then walked once."""
        node = self.node.find(path)
        return lambda *rest: node.find(rest).at

    def key_at(self, *path: Step) -> Location:
        """Where the key that ends a path stands."""
        return self.node.walk(path)[1]


def load(name: str, read: Reader) -> Spec:
    """Read and validate a spec, and the files that are part of it.

    Raises:
        SpecError: with all diagnostics of its shape.
        ProjectError: the reader's, if the file cannot be read.
    """
    spec = parse_spec(read(name), name)
    files, found = read_attached(spec.model, spec.node, name, read)
    if found:
        raise SpecError(found)
    return replace(spec, files=files)


def parse_spec(source: bytes | str, file: str) -> Spec:
    """Validate the text of a spec; see `load`."""
    document = nodes.parse(source, file)
    node = document.root
    if not isinstance(node.plain, dict):
        what = "is empty" if node.plain is None else "is not a map"
        hint = "begin with `version: 1`; `natsbackend init` writes a starter spec"
        raise SpecError((Diagnostic(code="spec-shape", message=f"the spec {what}", at=node.at, hint=hint),))
    version = _other_version(node)
    if version is not None:
        raise SpecError((version,))
    found = {*document.findings, *(_null(key, at) for key, at in document.nulls)}
    try:
        model = SpecModel.model_validate(node.plain)
    except ValidationError as e:
        details = e.errors(include_url=False, include_input=False)
        found.update(said for detail in details if (said := _diagnostic(detail, node)) is not None)
    if found:
        raise SpecError(tuple(sorted(found, key=_by_place)))
    return Spec(model, node)


def _by_place(found: Diagnostic) -> tuple[int, int, str]:
    return (found.at.line, found.at.col, found.message) if found.at else (0, 0, found.message)


def _other_version(root: Node) -> Diagnostic | None:
    node = root.get("version")
    if node is None or (type(node.plain) is int and node.plain == 1):
        return None
    newer = type(node.plain) is int and node.plain > 1
    known = f"version {node.plain} of the spec is" if newer else "this version of the spec is"
    return Diagnostic(
        code="spec-version",
        message=f"{known} not known to this release",
        at=node.at,
        hint="a newer natsbackend reads it; upgrade" if newer else "write `version: 1`",
    )


def _null(key: str | None, at: Location) -> Diagnostic:
    what = repr(key[:80]) if key is not None else "an element of this list"
    hint = "write {} for an empty map, [] for an empty list, or take the line out"
    return Diagnostic(code="spec-null", message=f"{what} has no value", at=at, hint=hint)


_KINDS = {
    "string_type": "a text",
    "bool_type": "`true` or `false`",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "list_type": "a list",
    "dict_type": "a map of names",
    "model_type": "a map",
    "model_attributes_type": "a map",
}
_YAML_1_1_BOOLEANS = {
    **dict.fromkeys(("yes", "on", "y", "true"), "true"),
    **dict.fromkeys(("no", "off", "n", "false"), "false"),
}


def _diagnostic(detail: ErrorDetails, root: Node) -> Diagnostic | None:
    """Put one finding of the validator into the spec's own words; None if it is said already."""
    path = tuple(step for step in detail["loc"] if isinstance(step, int) or step not in SHAPES)
    node, at = root.walk(path)
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_word(path, root)
    if kind == "missing":
        hint = "begin with `version: 1`" if path == ("version",) else None
        return Diagnostic(code="missing-word", message=f'"{path[-1]}" is missing here', at=at, hint=hint)
    if node.plain is None:
        return None  # `_null` says it
    if kind == "spec_value":
        return Diagnostic(code="spec-value", message=context["message"], at=node.at, hint=context.get("hint"))
    if kind == "spec_shape":
        message = detail["msg"]
    elif kind == "literal_error":
        message = f"expected {context['expected']}"
    elif kind == "greater_than_equal":
        message = f"expected at least {context['ge']}"
    else:
        message = f"expected {_KINDS[kind]}" if kind in _KINDS else detail["msg"].lower()
    return Diagnostic(code="spec-value", message=message, at=node.at, hint=_hint(message, path, node))


def _hint(message: str, path: tuple[Step, ...], node: Node) -> str | None:
    """Guess what was meant by a value of the wrong kind."""
    value = node.plain
    if message == "expected a text" and isinstance(value, bool | int | float):
        return "put it in quotes to make it a text"
    if "`true`" in message and isinstance(value, str) and value.lower() in _YAML_1_1_BOOLEANS:
        return (
            f"write `{_YAML_1_1_BOOLEANS[value.lower()]}`; only `true` and `false` are booleans in YAML 1.2"
        )
    if "a list" in message and isinstance(value, str | dict):
        return (
            "write a list, even of one: [ONE]" if isinstance(value, str) else "put `- ` before each element"
        )
    if message == "expected a map" and (words := _words_at(path)):
        return f"its words: {', '.join(sorted(words))}"
    return None


def _unknown_word(path: tuple[Step, ...], root: Node) -> Diagnostic:
    word = str(path[-1])
    known = sorted(_words_at(path[:-1]))
    close = difflib.get_close_matches(word, known, 1, 0.6)
    hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}"
    at = root.walk(path)[1]
    return Diagnostic(code="unknown-word", message=f"{word!r} has no meaning here", at=at, hint=hint)


def _words_at(path: tuple[Step, ...]) -> set[str]:
    """The words that the models know at a path."""
    current: list[Any] = [SpecModel]
    for step in path:
        current = [below for one in current for below in _below(one, step)]
    models = [member for one in current for member in _members(one) if _is_model(member)]
    return {f.alias or n for model in models for n, f in model.model_fields.items()}


def _below(annotation: Any, step: Step) -> Iterator[Any]:
    """What may stand under a word, a name or a number where this annotation holds."""
    for member in _members(annotation):
        if get_origin(member) in (dict, list):
            yield get_args(member)[-1]
        elif _is_model(member):
            yield from (f.annotation for n, f in member.model_fields.items() if (f.alias or n) == step)


def _members(annotation: Any) -> Iterator[Any]:
    """The members of a union, each without its metadata; of anything else, that itself."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    else:
        yield annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
