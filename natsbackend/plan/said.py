"""Words with their values: what one side of a comparison says, and how two sides differ.

A `One` is a value that is another or not; a `Many` is a list whose order means nothing, so that what came and what went
is told apart. What nobody here knows keeps the path of its member in the JWT as its word: nothing is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from natsbackend.plan.values import Action, Change
from natsbackend.secrecy import masked

_LONGEST = 300
"""Longest value that is shown whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """A value: `raw` is compared, `text` is shown."""

    raw: object
    text: str
    is_default: bool = False
    """It says what would hold without it, and stands in no summary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """Values in no order: each as it is compared, and as it is shown."""

    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All of them, as a list."""
        return f"[{', '.join(self.texts.values())}]"


Words = Mapping[str, One | Many]


def shown(text: str) -> str:
    """Return a value without what looks like a secret, and cut where it would fill the page."""
    plain = masked(text)
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}…"


def text(value: str, default: str = "") -> One:
    """Return a text as a value."""
    return One(raw=value, text=value, is_default=value == default)


def flag(value: bool, *, default: bool = False) -> One:
    """Return `true` or `false` as a value."""
    return One(raw=value, text="true" if value else "false", is_default=value is default)


def many(values: Sequence[str], name: Callable[[str], str] = str) -> Many:
    """Return a list without order; `name` says what each is shown as."""
    return Many(texts={value: name(value) for value in sorted(set(values))})


def compare(where: str, before: Words | None, after: Words | None) -> Iterator[Change]:
    """Yield what differs; None is a side on which there is nothing of this kind at all."""
    if before is None or after is None:
        if after is not None:
            yield Change(where=where, word="", action=Action.ADDED, after=summary(after))
        elif before is not None:
            yield Change(where=where, word="", action=Action.REMOVED, before=summary(before))
        return
    for word in dict.fromkeys((*before, *after)):
        yield from compare_word(where, word, before.get(word), after.get(word))


def compare_word(
    where: str, word: str, before: One | Many | None, after: One | Many | None
) -> Iterator[Change]:
    """Yield what differs in one word."""
    if isinstance(before, One) or isinstance(after, One):
        if not _same(before, after):
            yield _changed(where, word, before, after)
        return
    old, new = (side.texts if side is not None else {} for side in (before, after))
    for gone in old:
        if gone not in new:
            yield Change(where=where, word=word, action=Action.REMOVED, before=shown(old[gone]))
    for came in new:
        if came not in old:
            yield Change(where=where, word=word, action=Action.ADDED, after=shown(new[came]))


def _same(before: One | Many | None, after: One | Many | None) -> bool:
    if isinstance(before, One) and isinstance(after, One):
        return before.raw == after.raw
    return False


def _changed(where: str, word: str, before: One | Many | None, after: One | Many | None) -> Change:
    old, new = (None if side is None or not side.text else shown(side.text) for side in (before, after))
    if old == new and new is not None:  # a key or token that is not shown whole
        new = f"{new}, another one"
    action = Action.ADDED if old is None else Action.REMOVED if new is None else Action.CHANGED
    return Change(where=where, word=word, action=action, before=old, after=new)


def summary(words: Words) -> str | None:
    """Return what is not as it would be without a word, as a map in one line; None if everything is."""
    parts = [
        f"{word}: {value.text}"
        for word, value in words.items()
        if not (isinstance(value, One) and value.is_default)
    ]
    return shown(f"{{{', '.join(parts)}}}") if parts else None


class Members:
    """The members of an object, taken one by one; what nobody takes is told by its path."""

    def __init__(self, value: object, path: str) -> None:
        members = value if isinstance(value, dict) else {}
        self.path = path
        self._left = {name: each for name, each in members.items() if each is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def __bool__(self) -> bool:
        return bool(self._left)

    def text(self, name: str) -> str:
        """Take a text; empty if there is none."""
        value = self._take(name, str)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int:
        """Take an integer; 0 if there is none, as Go reads it."""
        value = self._take(name, int)
        return value if isinstance(value, int) else 0

    def flag(self, name: str) -> bool:
        """Take a boolean; false if there is none."""
        return self._take(name, bool) is True

    def below(self, name: str) -> Members:
        """Take an object, whose own members are then taken."""
        return Members(self._take(name, dict), f"{self.path}.{name}".lstrip("."))

    def mapping(self, name: str) -> dict[str, object]:
        """Take an object whose member names are data."""
        value = self._take(name, dict)
        return value if isinstance(value, dict) else {}

    def elements(self, name: str) -> list[object]:
        """Take a list."""
        value = self._take(name, list)
        return value if isinstance(value, list) else []

    def texts(self, name: str) -> list[str]:
        """Take a list of texts."""
        value = self._left.get(name)
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            del self._left[name]
            return [str(each) for each in value]
        return []

    def any(self, name: str) -> object:
        """Take a member of whatever type; None if there is none."""
        return self._left.pop(name, None)

    def rest(self) -> Iterator[tuple[str, One]]:
        """Take what is left, each under its path."""
        left, self._left = self._left, {}
        for name, value in left.items():
            yield (f"{self.path}.{name}".lstrip("."), as_json(value))

    def _take(self, name: str, kind: type) -> object:
        return self._left.pop(name) if type(self._left.get(name)) is kind else None


def as_json(value: object) -> One:
    """Return a value that nobody knows, as the JSON it is."""
    written = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return One(raw=written, text=written)
