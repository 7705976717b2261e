"""Which element of one list is which of another: exports, imports and roles have no number that stays."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

Element = Mapping[str, object]
Pair = tuple[Element | None, Element | None]


def pairs(
    before: Sequence[Element], after: Sequence[Element], *keys: Callable[[Element], Hashable | None]
) -> Iterator[Pair]:
    """Pair the elements of two lists: by the first key that tells them, then by the next one.

    An element without its like comes with None; those of `before` come last. A key that is None tells nothing.
    """
    left = list(before)
    partners: dict[int, Element] = {}
    for key in keys:
        waiting: dict[Hashable, list[Element]] = {}
        for each in left:
            if (told := key(each)) is not None:
                waiting.setdefault(told, []).append(each)
        for number, each in enumerate(after):
            told = key(each)
            if number in partners or told is None or not waiting.get(told):
                continue
            partners[number] = found = waiting[told].pop(0)
            left = [one for one in left if one is not found]
    for number, each in enumerate(after):
        yield partners.get(number), each
    for gone in left:
        yield gone, None


class Labels:
    """Names for the places of changes: the second of a name gets a number."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def __call__(self, label: str) -> str:
        """Return a label that was not returned before."""
        number = self._seen[label] = self._seen.get(label, 0) + 1
        return label if number == 1 else f"{label} ({number})"
