"""Many patterns at once: a trie of tokens, so that a check over thousands of exports is not quadratic."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Generic, TypeVar

from natsbackend.subjects.patterns import ANY, REST, is_subset, overlaps

T = TypeVar("T")

FEW = 8
"""So many patterns are asked one after the other, which is quicker than to grow a tree for them."""


class _Node(Generic[T]):
    """A token of a pattern. `entries` are the values whose pattern ends here, each with its turn."""

    __slots__ = ("children", "entries")

    def __init__(self) -> None:
        self.children: dict[str, _Node[T]] = {}
        self.entries: list[tuple[int, T]] = []


class SubjectIndex(Generic[T]):
    """Values under patterns, to be asked which of the patterns meet a subject.

    Several values may share a pattern. Answers come in the order in which the values were added.
    """

    __slots__ = ("_entries", "_grown", "_root")

    def __init__(self) -> None:
        self._entries: list[tuple[str, str, T]] = []
        """The first token of each pattern, the pattern and the value."""
        self._root: _Node[T] = _Node()
        self._grown = 0
        """How many of the entries are in the tree."""

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, pattern: str, value: T) -> None:
        """Put a value under a pattern."""
        self._entries.append((pattern.partition(".")[0], pattern, value))

    def _grow(self) -> None:
        for turn in range(self._grown, len(self._entries)):
            _, pattern, value = self._entries[turn]
            node = self._root
            for token in pattern.split("."):
                child = node.children.get(token)
                if child is None:
                    child = node.children[token] = _Node()
                node = child
            node.entries.append((turn, value))
        self._grown = len(self._entries)

    def matching(self, literal: str) -> tuple[T, ...]:
        """Return the values whose pattern matches a literal."""
        return self.covering(literal)

    def covering(self, pattern: str) -> tuple[T, ...]:
        """Return the values whose pattern matches all that this one matches; an equal pattern does."""
        if len(self._entries) <= FEW:
            wanted = (pattern.partition(".")[0], ANY, REST)
            return tuple([v for first, p, v in self._entries if first in wanted and is_subset(pattern, p)])
        self._grow()
        found: list[tuple[int, T]] = []
        level = [self._root]
        for token in pattern.split("."):
            below: list[_Node[T]] = []
            for node in level:
                children = node.children
                if REST in children:
                    found += children[REST].entries
                if token == REST:
                    continue
                if ANY in children:
                    below.append(children[ANY])
                if token != ANY and token in children:
                    below.append(children[token])
            level = below
        return _in_turn(found, level)

    def overlapping(self, pattern: str) -> tuple[T, ...]:
        """Return the values whose pattern shares at least one literal with this one."""
        if len(self._entries) <= FEW:
            token = pattern.partition(".")[0]
            wanted = (token, ANY, REST)
            anyhow = token in (ANY, REST)
            return tuple([v for t, p, v in self._entries if (anyhow or t in wanted) and overlaps(pattern, p)])
        self._grow()
        found: list[tuple[int, T]] = []
        level = [self._root]
        for token in pattern.split("."):
            below: list[_Node[T]] = []
            for node in level:
                if token == REST:
                    found += _entries_below(node)
                    continue
                children = node.children
                if REST in children:
                    found += children[REST].entries
                if token == ANY:
                    below += [child for name, child in children.items() if name != REST]
                else:
                    below += [children[name] for name in (token, ANY) if name in children]
            level = below
        return _in_turn(found, level)


def _entries_below(node: _Node[T]) -> Iterator[tuple[int, T]]:
    waiting = list(node.children.values())
    while waiting:
        child = waiting.pop()
        yield from child.entries
        waiting += child.children.values()


def _in_turn(found: list[tuple[int, T]], ended: list[_Node[T]]) -> tuple[T, ...]:
    """Return the values in the order of their turns, those of the nodes where the pattern ended included."""
    for node in ended:
        found += node.entries
    found.sort(key=itemgetter(0))
    return tuple(value for _, value in found)
