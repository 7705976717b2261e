"""Two configs of nats-server, and every word of the spec's `server` in which they differ; no secret is ever shown.

A value from the environment or from a file of its own is shown as that reference. What stands under `extra`, or has
no word, keeps the name that it has in the config.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from natsbackend.errors import InvalidKey
from natsbackend.keys import public_role
from natsbackend.plan.reloads import is_reloaded
from natsbackend.plan.values import Action, Change, Consequence, Impact
from natsbackend.plan.wordlist import quantity
from natsbackend.secrecy import masked
from natsbackend.spec.schema import all_words


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that stands elsewhere, and what is shown in its place: `{env: NAME}`."""

    text: str


Leaf: TypeAlias = "str | int | bool | Reference | tuple[Leaf, ...]"
Leaves = Mapping[str, Leaf]
"""Options by their path in the config, `websocket.jwt_cookie`; a list of plain values is one of them, an element of a
list of maps has its number, `leafnodes.remotes[0].account`."""

_SECRET = re.compile(
    r"(.*_)?(pass|password|token|secret|seed|nkey|key|ek|encryption_key)", re.IGNORECASE | re.ASCII
)
_INDEX = re.compile(r"\[[0-9]+\]")
_UNLIMITED = 2**31 - 1
"""How `render.server_conf` writes `unlimited` where the server knows no such word."""
_LONGEST = 120
_FEW = 6


def server_diff(old: Leaves, new: Leaves) -> tuple[tuple[Change, ...], tuple[Consequence, ...]]:
    """Return every word in which two configs differ, and how the servers get to know."""
    order = list(_words())
    paths = [path for path in {**old, **new} if old.get(path) != new.get(path)]
    paths.sort(key=lambda path: order.index(found) if (found := _option(path)) in _words() else len(order))
    changes = tuple(_change(path, old, new) for path in paths)
    return changes, tuple(_consequences(paths, old, new))


def _change(path: str, old: Leaves, new: Leaves) -> Change:
    word, unit = _spec_word(path)
    where, dot, rest = word.partition(".")
    action = Action.ADDED if path not in old else Action.REMOVED if path not in new else Action.CHANGED
    before, after = (_shown(path, side[path], unit) if path in side else None for side in (old, new))
    return Change(
        where=where if dot else "",
        word=rest if dot else where,
        action=action,
        before=before,
        after=after,
    )


def _shown(path: str, value: Leaf, unit: str) -> str:
    if isinstance(value, Reference):
        return value.text
    if isinstance(value, tuple):
        inside = ", ".join(_shown(path, each, unit) for each in value)
        return _short(f"[{inside}]")
    if isinstance(value, bool):
        return "true" if value else "false"
    last = _INDEX.sub("", path).rpartition(".")[2]
    if _SECRET.fullmatch(last) and not _is_public(str(value)):
        return "(not shown)"
    if isinstance(value, int):
        if value == _UNLIMITED:
            return "unlimited"
        return quantity(value, unit) if unit == "bytes" else str(value)
    return _short(masked(str(value)))


def _is_public(text: str) -> bool:
    try:
        public_role(text)
    except InvalidKey:
        return False
    return True


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


@cache
def _words() -> Mapping[str, tuple[str, str]]:
    """Return the word of every option, below `server`, and its unit, by the option's path."""
    found: dict[str, tuple[str, str]] = {}
    for word in all_words():
        if not word.path.startswith("server.") or word.name in ("env", "file"):
            continue
        for path in word.becomes:
            key = path.removesuffix("[]")
            said = word.path.removeprefix("server."), str(word.schema.get("x-unit", ""))
            if key not in found or len(said[0]) > len(found[key][0]):  # `cookie.name` rather than `cookie`
                found[key] = said
    return found


def _spec_word(path: str) -> tuple[str, str]:
    """Return the word below `server` that an option comes from, and the unit of its value."""
    option = _option(path)
    if not option:
        return (path if path == "resolver_preload" else f"extra.{path}"), ""
    word, unit = _words()[option]
    rest = _INDEX.sub("[]", path).removeprefix(option)
    for number in _INDEX.findall(path):
        word, rest = (
            (word.replace("[]", number, 1), rest) if "[]" in word else (word, rest.replace("[]", number, 1))
        )
    return f"{word}{rest}", "" if rest else unit


def _option(path: str) -> str:
    """Return the longest beginning of a path that has a word; empty if none has."""
    plain = _INDEX.sub("[]", path)
    while plain and plain not in _words():
        plain = plain.removesuffix("[]") if plain.endswith("[]") else plain.rpartition(".")[0]
    return plain


def _consequences(paths: list[str], old: Leaves, new: Leaves) -> Iterator[Consequence]:
    brought = [path for path in paths if is_reloaded(path, old, new)]
    kept = [path for path in paths if path not in brought]
    if kept:
        more = "; until then a server may refuse any reload" if brought else ""
        text = f"{_named(kept)}: no reload brings this, put the config there and restart each server{more}"
        yield Consequence(impact=Impact.NOT_EFFECTIVE, text=text)
    elif brought:
        text = f"{_named(brought)}: put the config there and reload it (`nats-server --signal reload`)"
        yield Consequence(impact=Impact.NOTE, text=text)


def _named(paths: list[str]) -> str:
    words = list(dict.fromkeys(_spec_word(path)[0] for path in paths))
    more = f" and {len(words) - _FEW} more" if len(words) > _FEW else ""
    return ", ".join(words[:_FEW]) + more
