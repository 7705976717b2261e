"""The garbage collector around a large tree: off while it is built, and not set on it at once afterwards."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from natsbackend.workflow.collecting import collection_paused


class _Knot:
    """Something that refers to itself, so that only a collection frees it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    """Collect during each test, whatever was on before."""
    was_on = gc.isenabled()
    gc.enable()
    yield
    if not was_on:
        gc.disable()


def test_nothing_is_collected_inside() -> None:
    with collection_paused():
        assert not gc.isenabled()
        with collection_paused():
            pass
        assert not gc.isenabled()  # the inner one found it off, and left it so
    assert gc.isenabled()


def test_what_was_built_does_not_start_a_collection() -> None:
    collections = [each["collections"] for each in gc.get_stats()]
    with collection_paused():
        kept = [[number] for number in range(3 * gc.get_threshold()[0])]
    more = [*kept[0], [0]]
    assert [each["collections"] for each in gc.get_stats()] == collections
    assert len(kept) > len(more)


def test_what_became_garbage_inside_is_collected_later() -> None:
    with collection_paused():
        seen = weakref.ref(_Knot())
    assert seen() is not None
    gc.collect()
    assert seen() is None
