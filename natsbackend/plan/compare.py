"""Two sets of facts, and the changes between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from natsbackend.plan.facts import Fact, Facts, Place, shown
from natsbackend.plan.values import Action, Change


def compare(before: Facts, after: Facts) -> tuple[Change, ...]:
    """Return every change, place by place; of a place that comes or goes as a whole, one."""
    places = dict.fromkeys(where for where, _ in (*before, *after))
    return tuple(change for where in places for change in _of_place(where, before, after))


def _of_place(where: str, before: Facts, after: Facts) -> Iterator[Change]:
    old = {place: fact for place, fact in before.items() if place[0] == where}
    new = {place: fact for place, fact in after.items() if place[0] == where}
    if (where, "") in new and not old:
        yield Change(where=where, word="", action=Action.ADDED, after=_summary(new))
    elif (where, "") in old and not new:
        yield Change(where=where, word="", action=Action.REMOVED, before=_summary(old))
    else:
        for place in dict.fromkeys((*old, *new)):
            if old.get(place) != new.get(place):
                yield _change(place, old.get(place), new.get(place))


def _summary(facts: Facts) -> str | None:
    """Return what a place says, without the key, which nobody knows by heart."""
    words = [f"{word} {fact.text}" for (_, word), fact in facts.items() if word not in ("", "key")]
    return ", ".join(words) or None


def _change(place: Place, old: Fact | None, new: Fact | None) -> Change:
    where, word = place
    if old is not None and new is not None and old.items is not None and new.items is not None:
        gone, come = Counter(old.items) - Counter(new.items), Counter(new.items) - Counter(old.items)
        action = Action.CHANGED if gone and come else Action.ADDED if come else Action.REMOVED
        return Change(
            where=where, word=word, action=action, before=_list(gone.elements()), after=_list(come.elements())
        )
    before, after = (None if fact is None else fact.text for fact in (old, new))
    action = Action.ADDED if old is None else Action.REMOVED if new is None else Action.CHANGED
    if action is Action.CHANGED and before == after:
        after = f"another {word}" if word else "another"
    return Change(where=where, word=word, action=action, before=before, after=after)


def _list(items: Iterable[str]) -> str | None:
    return ", ".join(shown(item) for item in items) or None
