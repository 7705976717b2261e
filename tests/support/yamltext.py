"""YAML texts read, refused and walked: for tests of reading."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from natsbackend.errors import Diagnostic, SpecError
from natsbackend.spec.nodes import parse
from natsbackend.spec.tree import Node

FILE = "spec.yaml"


def read(text: str | bytes) -> Node:
    """Read a text without findings."""
    document = parse(text, FILE)
    assert document.findings == ()
    return document.root


def plain(text: str | bytes) -> object:
    """Return the value of a text."""
    return read(text).plain


def refused(text: str | bytes) -> Diagnostic:
    """Return the one diagnostic that stopped the reading."""
    with pytest.raises(SpecError) as caught:
        parse(text, FILE)
    (found,) = caught.value.diagnostics
    assert found.at is not None
    return found


def place(found: Diagnostic) -> tuple[int, int]:
    """Return line and column."""
    assert found.at is not None
    return found.at.line, found.at.col


def all_nodes(node: Node) -> Iterator[Node]:
    """Return a node and everything below it, aliases expanded."""
    yield node
    children = node.children
    for child in children.values() if isinstance(children, dict) else children or ():
        yield from all_nodes(child)
