"""A YAML document as a tree of nodes that know their file, line and column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from natsbackend.errors import Diagnostic, Location

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"


class Node:
    """A value with its place. `children` is a dict for a map, a list for a sequence, None for a scalar."""

    __slots__ = ("children", "col", "end", "file", "keys", "line", "plain", "size")

    def __init__(self, file: str, line: int, col: int, end: int, plain: Plain) -> None:
        self.file = file
        self.line = line
        self.col = col
        self.end = end
        """The column after the last one, if the value ends on its first line; else that of the start."""
        self.plain: Plain = plain
        """The value as plain Python; shared between a node and its parent, never changed after reading."""
        self.children: dict[str, Node] | list[Node] | None = None
        self.keys: dict[str, tuple[int, int, int]] | None = None
        self.size = 1

    @property
    def at(self) -> Location:
        """Where the value begins."""
        return Location(self.file, self.line + 1, self.col + 1, max(1, self.end - self.col))

    def key_at(self, key: str) -> Location:
        """Where a key of this map stands."""
        if self.keys is None or key not in self.keys:
            return self.at
        line, col, end = self.keys[key]
        return Location(self.file, line + 1, col + 1, max(1, end - col))

    def get(self, key: str) -> Node | None:
        """Return the value of a key, or None if this is no map or has no such key."""
        return self.children.get(key) if isinstance(self.children, dict) else None

    def item(self, index: int) -> Node | None:
        """Return an element of a sequence, or None."""
        if isinstance(self.children, list) and 0 <= index < len(self.children):
            return self.children[index]
        return None

    def find(self, path: tuple[str | int, ...]) -> Node:
        """Follow a path and return the last node reached.

        Steps that do not exist are passed over, so that the names of union members in a validator's path do no harm.
        """
        node = self
        for step in path:
            children = node.children
            if isinstance(step, str):
                if isinstance(children, dict):
                    node = children.get(step, node)
            elif isinstance(children, list) and 0 <= step < len(children):
                node = children[step]
        return node

    def walk(self, path: tuple[str | int, ...]) -> tuple[Node, Location]:
        """Follow a path as `find` does; return the node and the place of its key, or of the node in a sequence."""
        above, key, node = self, None, self
        for step in path:
            child = node.item(step) if isinstance(step, int) else node.get(step)
            if child is not None:
                above, key, node = node, step, child
        return node, above.key_at(key) if isinstance(key, str) else node.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What was read."""

    root: Node
    findings: tuple[Diagnostic, ...] = ()
    """Duplicate keys and tags without a meaning."""
    nulls: tuple[tuple[str | None, Location], ...] = ()
    """Every value inside a map or list that is null: its key (None in a list), and the place of the two."""
