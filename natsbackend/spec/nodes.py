"""YAML text to a tree of nodes that know their file, line and column. The only door to PyYAML.

Rules of reading:
- The tree is built from libyaml's event stream, never by `compose()`, which recurses in C and crashes on deep
  nesting. Depth, size and the number of nodes after expanding aliases are bounded; each bound is a diagnostic.
- Scalars are those of YAML 1.2's core schema: `yes`, `on` and dates are text; only `true` and `false` are booleans.
- A key stands once in a map. Keys are text: a plain `5` or `null` as a key is the text "5" or "null".
- Tags other than those of the core schema are errors; so nothing is ever constructed.
- `<<` merges maps, as YAML 1.1 had it; the map's own keys win.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml._yaml import CParser

from natsbackend.errors import Diagnostic, Location, SpecError
from natsbackend.spec.tree import Document, Node, Plain

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 5_000_000

_CORE_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}
_STR_TAG = "tag:yaml.org,2002:str"
_NULLS = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_INT = re.compile(r"[-+]?[0-9]{1,400}|0o[0-7]{1,21}|0x[0-9a-fA-F]{1,16}")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)


class _MergeKey(Node):
    """The plain key `<<`; in quotes it is a key like others."""

    __slots__ = ()


def parse(source: bytes | str, file: str) -> Document:
    """Read one YAML document. What does not stop the reading, such as a duplicate key, is among its findings.

    Raises:
        SpecError: with the one diagnostic that stopped the reading.
    """
    return _Reader(_text(source, file), file).read()


def _text(source: bytes | str, file: str) -> str:
    if len(source) > MAX_BYTES:
        raise _stop("yaml-too-large", f"the file is larger than {MAX_BYTES} bytes", Location(file, 1, 1))
    if isinstance(source, str):
        return source.removeprefix("\ufeff")
    source = source.removeprefix(codecs.BOM_UTF8)
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError as e:
        sound = source[: e.start].decode("utf-8")
        at = Location(file, sound.count("\n") + 1, len(sound) - sound.rfind("\n"))
        raise _stop("yaml-encoding", "the file is not UTF-8", at, "save it as UTF-8") from None


def _stop(code: str, message: str, at: Location, hint: str | None = None) -> SpecError:
    return SpecError((Diagnostic(code=code, message=message, at=at, hint=hint),))


class _Reader:
    """One pass over the events. A stack of open collections; no recursion."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.text = text
        self.anchors: dict[str, Node] = {}
        self.found: list[Diagnostic] = []
        self.nulls: list[tuple[str | None, Location]] = []
        self.count = 0

    def read(self) -> Document:
        try:
            root = self._build()
        except yaml.MarkedYAMLError as e:
            mark = e.problem_mark or e.context_mark
            at = Location(self.file, mark.line + 1, mark.column + 1) if mark else Location(self.file, 1, 1)
            problem = e.problem or "it cannot be read"
            raise _stop("yaml-syntax", f"not valid YAML: {problem}", at, _syntax_hint(problem, e)) from None
        except (yaml.YAMLError, UnicodeEncodeError) as e:
            raise self._bad_character() from e
        return Document(root=root, findings=tuple(self.found), nulls=tuple(self.nulls))

    def _bad_character(self) -> SpecError:
        for number, line in enumerate(self.text.split("\n"), 1):
            for col, char in enumerate(line, 1):
                code = ord(char)
                bad = (code < 32 and char not in "\t\r") or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000
                if (bad and code != 0x85) or code in (0xFFFE, 0xFFFF):
                    message = f"not valid YAML: the character U+{code:04X} is not allowed"
                    hint = f'remove it, or write it as "\\u{code:04x}" in double quotes'
                    return _stop("yaml-syntax", message, Location(self.file, number, col), hint)
        return _stop("yaml-syntax", "not valid YAML: it holds bad characters", Location(self.file, 1, 1))

    def _build(self) -> Node:
        root: Node | None = None
        stack: list[_Open] = []
        for event in _events(self.text):
            kind = type(event)
            if kind is yaml.ScalarEvent:
                node = self._scalar(event, as_key=bool(stack) and stack[-1].expects_key)
            elif kind is yaml.AliasEvent:
                node = self._alias(event, stack)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                stack.append(self._open(event, len(stack)))
                continue
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                node = stack.pop().close(event)
            elif kind is yaml.DocumentStartEvent and root is not None:
                at = self._at(event)
                raise _stop("yaml-documents", "a spec is one YAML document", at, "remove the line `---`")
            else:
                continue
            if getattr(event, "anchor", None) and kind is yaml.ScalarEvent:
                self.anchors[event.anchor] = node
            if stack:
                stack[-1].add(node)
            else:
                root = node
            self.count += 1
            if self.count > MAX_NODES:
                raise self._too_many(event)
        return root if root is not None else Node(self.file, 0, 0, 0, None)

    def _too_many(self, event: Any) -> SpecError:
        return _stop("yaml-too-large", f"more than {MAX_NODES} values, aliases expanded", self._at(event))

    def _at(self, event: Any) -> Location:
        return Location(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _open(self, event: Any, depth: int) -> _Open:
        if depth >= MAX_DEPTH:
            raise _stop("yaml-too-deep", f"nested more than {MAX_DEPTH} levels deep", self._at(event))
        self._check_tag(event)
        mark = event.start_mark
        node = Node(self.file, mark.line, mark.column, mark.column, None)
        opened = _OpenMap(node) if type(event) is yaml.MappingStartEvent else _OpenList(node)
        if event.anchor:
            opened.anchor = event.anchor
            self.anchors.pop(event.anchor, None)
        opened.reader = self
        return opened

    def _check_tag(self, event: Any) -> None:
        tag = event.tag
        if tag is not None and tag != "!" and tag not in _CORE_TAGS:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            at = self._at(event)._replace(width=len(shown))
            message = f"the tag {shown[:40]!r} has no meaning here"
            hint = "put quotes around a text that begins with !"
            self.found.append(Diagnostic(code="yaml-tag", message=message, at=at, hint=hint))

    def _scalar(self, event: Any, *, as_key: bool) -> Node:
        start, stop = event.start_mark, event.end_mark
        value = event.value
        plain: Plain = value
        kind = Node
        if as_key:
            self._check_tag(event)
            kind = _MergeKey if value == "<<" and event.implicit[0] else Node
        elif event.tag is not None:
            self._check_tag(event)
            if event.tag not in (_STR_TAG, "!"):
                plain = _resolve(value)
        elif event.implicit[0]:
            plain = _resolve(value)
        end = stop.column if stop.line == start.line else start.column
        return kind(self.file, start.line, start.column, end, plain)

    def _alias(self, event: Any, stack: list[_Open]) -> Node:
        node = self.anchors.get(event.anchor)
        if node is None:
            inside = any(o.anchor == event.anchor for o in stack)
            why = "stands inside its own anchor" if inside else "has no anchor before it"
            hint = "put quotes around a text that begins with *"
            raise _stop("yaml-alias", f"the alias {event.anchor[:40]!r} {why}", self._at(event), hint)
        self.count += node.size
        if self.count > MAX_NODES:
            raise self._too_many(event)
        return node


class _Open:
    """A collection whose end has not been read."""

    anchor: str | None = None
    expects_key = False
    reader: _Reader

    def __init__(self, node: Node) -> None:
        self.node = node

    def add(self, node: Node) -> None:  # noqa: ARG002 - each kind of collection has its own
        raise AssertionError

    def close(self, event: Any) -> Node:
        node = self.node
        mark = event.end_mark
        if mark.line == node.line and type(event) in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
            node.end = mark.column
        if self.anchor:
            self.reader.anchors[self.anchor] = node
        return node


class _OpenList(_Open):
    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self.items: list[Node] = []
        self.plain: list[Plain] = []
        node.children, node.plain = self.items, self.plain

    def add(self, node: Node) -> None:
        if node.plain is None:
            self.reader.nulls.append((None, node.at))
        self.items.append(node)
        self.plain.append(node.plain)
        self.node.size += node.size


class _OpenMap(_Open):
    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self.expects_key = True
        self.key: str | None = None
        self.items: dict[str, Node] = {}
        self.plain: dict[str, Plain] = {}
        self.merges: list[Node] = []
        node.keys = {}
        node.children, node.plain = self.items, self.plain

    def add(self, node: Node) -> None:
        if self.expects_key:
            self.expects_key = False
            self.key = None if type(node) is _MergeKey else self._key(node)
            return
        self.expects_key = True
        key = self.key
        if key is None:
            self.merges.append(node)
            return
        if node.plain is None:
            self.reader.nulls.append((key, self.node.key_at(key)))
        self.items[key] = node
        self.plain[key] = node.plain
        self.node.size += node.size + 1

    def _key(self, node: Node) -> str:
        key = node.plain
        if not isinstance(key, str):
            # a scalar that stands there is text; only an alias can bring a number or a null
            raise _stop(
                "yaml-key",
                "a key must be a text",
                node.at,
                "put quotes around a text that begins with { or [",
            )
        if key in self.items:
            assert self.node.keys is not None
            line = self.node.keys[key][0] + 1
            self.reader.found.append(
                Diagnostic(
                    code="duplicate-key",
                    message=f"the key {key[:80]!r} stands twice in this map",
                    at=node.at,
                    hint=f"the first one is on line {line}; keep one of them",
                )
            )
        elif self.node.keys is not None:
            self.node.keys[key] = (node.line, node.col, node.end)
        return key

    def close(self, event: Any) -> Node:
        for merged in self.merges:
            for source in merged.children if isinstance(merged.children, list) else [merged]:
                self._merge(source)
        return super().close(event)

    def _merge(self, source: Node) -> None:
        if not isinstance(source.children, dict):
            raise _stop("yaml-key", "`<<` merges maps only", source.at)
        assert self.node.keys is not None
        assert source.keys is not None
        for key, child in source.children.items():
            if key not in self.items:
                self.items[key] = child
                self.plain[key] = child.plain
                self.node.keys[key] = source.keys[key]
                self.node.size += child.size + 1


def _events(text: str) -> Iterator[Any]:
    parser = CParser(text)
    try:
        while parser.check_event():
            yield parser.get_event()
    finally:
        parser.dispose()


def _resolve(value: str) -> Plain:
    """Give a plain scalar its type, by YAML 1.2's core schema."""
    first = value[:1]
    if first not in "+-.0123456789":
        if value in _NULLS:
            return None
        if value in _TRUE:
            return True
        return False if value in _FALSE else value
    if not first:
        return None
    if _INT.fullmatch(value):
        return int(value, 0) if value[:2] in ("0o", "0x") else int(value)
    if _FLOAT.fullmatch(value):
        return float(value.replace(".inf", "inf").replace(".nan", "nan").lower())
    return value


def _syntax_hint(problem: str, error: yaml.MarkedYAMLError) -> str | None:
    """Guess what was meant: subjects begin and end with what YAML has other uses for."""
    if "cannot start any token" in problem or "expected alphabetic or numeric" in problem:
        return "indent with blanks, not tabs, and put quotes around a text that begins with * > @ ` % & or !"
    if "did not find expected ','" in problem and error.context_mark:
        line = error.context_mark.line + 1
        return f"close what is opened on line {line}, or put quotes around a text that holds {{ }} [ ] or ,"
    if "mapping values are not allowed" in problem:
        return 'a text that holds ": " needs quotes'
    if "did not find expected key" in problem or "did not find expected '-'" in problem:
        return "begin the line in the column of its neighbours; or a quote further up is not closed"
    if "violates indentation" in problem or "tab" in problem:
        return "indent with blanks, not tabs"
    return None
