"""What somebody may have meant who wrote a name that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

COMPARISONS = 50_000
"""So many names are compared for one rule's hints: half a second. A hint is a courtesy, and ten thousand wrong names
held against ten thousand accounts would take an hour."""
_LIKE_ENOUGH = 0.6


class Nearest:
    """Finds the name that is most like another, until `COMPARISONS` are used up."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = COMPARISONS

    def to(self, word: str, known: Iterable[str]) -> str | None:
        """Return the name that is most like a word; None if none is like it, or all comparisons are used up."""
        names = list(known)
        if len(names) > self._left:
            return None
        self._left -= len(names)
        return next(iter(get_close_matches(word[:200], names, 1, _LIKE_ENOUGH)), None)
