"""What a payload says, as facts in the words of the spec: the same payload always gives the same facts.

A fact has a place (`limits`, `exports: stream sensors.>`), a word, and a value. Two payloads differ where their facts
do; where the order of a list means nothing to a server, it makes no difference here.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from natsbackend.model.names import printable, unescape
from natsbackend.spec.units import written

_SHORT = 8
_LONGEST = 200
_LAST_SECOND = 253_402_300_799


@dataclass(frozen=True, slots=True)
class Fact:
    """The value of a word."""

    text: str
    """As one writes it in a spec."""
    items: tuple[str, ...] | None = None
    """Of a list whose order means nothing: its elements, sorted."""
    identity: str = ""
    """What tells it from others where `text` does not: of a token, which is never shown, its digest."""


Place = tuple[str, str]
"""Where a fact is, and its word."""
Facts = dict[Place, Fact]


class Names:
    """Spec names for public keys."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        """Take the spec path of each key."""
        self._paths = paths

    def of(self, key: object) -> str:
        """Return the name of an account, user, role or key; of one that nobody knows, the key."""
        path = self._paths.get(str(key))
        return readable(path.rpartition("/")[2]) if path else str(key)

    def short(self, key: object) -> str:
        """Return the name, or the beginning of a key that nobody knows."""
        name = self.of(key)
        return f"{name[:_SHORT]}…" if name == str(key) and len(name) > _SHORT else name

    def path(self, key: object) -> str:
        """Return the spec path of a key as one reads it; of one that nobody knows, the key."""
        path = self._paths.get(str(key))
        return "/".join(readable(part) for part in path.split("/")) if path else str(key)


def readable(escaped: str) -> str:
    """Return a name of the spec from a path."""
    return printable(unescape(escaped))


def shown(text: object) -> str:
    """Return a text of a token as it may be shown: printable, and not endless."""
    plain = printable(str(text))
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}…"


def scalar(value: object, unit: str = "") -> Fact:
    """Return the fact of a number, text or truth value; a number in the notation of its unit."""
    if value is True or value is False:
        return Fact("true" if value else "false")
    if isinstance(value, int):
        return Fact(moment(value) if unit == "moment" else str(written(value, unit)))
    if isinstance(value, str):
        return Fact(shown(value), identity=value if shown(value) != value else "")
    return other(value)


def moment(second: int) -> str:
    """Return a time as one writes it in a spec."""
    if not 0 <= second <= _LAST_SECOND:
        return str(second)
    text = dt.datetime.fromtimestamp(second, dt.UTC).isoformat()
    return text.replace("+00:00", "Z").replace("T00:00:00Z", "")


def listed(values: Iterable[object]) -> Fact:
    """Return the fact of a list whose order means nothing."""
    items = tuple(sorted(value if isinstance(value, str) else raw(value) for value in values))
    return Fact(f"[{', '.join(shown(item) for item in items)}]", items=items)


def other(value: object) -> Fact:
    """Return the fact of anything: its JSON."""
    text = raw(value)
    return Fact(shown(text), identity=text)


def raw(value: object) -> str:
    """Return JSON in one form."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def is_nothing(value: object) -> bool:
    """Tell whether a member means what its absence does: Go leaves such members out, or writes an empty struct."""
    return value is None or value is False or value in (0, "", [], {})


def members(value: object) -> Mapping[str, object]:
    """Return an object, an empty one if it is none."""
    return value if isinstance(value, dict) else {}


def elements(value: object) -> list[object]:
    """Return a list, an empty one if it is none."""
    return value if isinstance(value, list) else []


def unknown(
    value: Mapping[str, object], known: Iterable[str], where: str, path: str
) -> Iterator[tuple[Place, Fact]]:
    """Return a fact for each member that has no word, by its JSON path."""
    rest = set(known)
    for name, member in value.items():
        if name not in rest and not is_nothing(member):
            yield (where, f"{path}{shown(name)}"), other(member)
