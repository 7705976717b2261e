"""Numbers and the words that go with them, as a person reads them."""

from __future__ import annotations


def counted(number: int, word: str) -> str:
    """Return `1 key` or `2 keys`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
