"""Specs that are almost right: the golden ones, mutated where a person, or an attacker, would."""

from __future__ import annotations

import copy
import random
from typing import Any

import yaml

from support.golden import SOUND, SPEC

HOSTILE: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2**63,
    2**64,
    10**400,
    1.5,
    float("inf"),
    float("nan"),
    "",
    " ",
    "x",
    "*",
    ">",
    "a.*",
    "a.>",
    ">.a",
    "a b",
    "a b c",
    "..",
    "../../etc/passwd",
    "a\nb",
    "\x07",
    "\u2028",
    "{{name()}}",
    "{{tag(x)}}.>",
    "{{",
    "$1",
    "$2.$1",
    "web",
    "web/viewer",
    "telemetry/ingest",
    "unlimited",
    "all",
    "9" * 30 + "s",
    "9" * 400 + ".0KB",
    "0s",
    "1m",
    "10GiB",
    "2030-01-01",
    "0.0.0.0:4222",
    "[::1]:1",
    ":99999",
    "https://a.example",
    "https://[",
    "__Host-x",
    "é" * 300,
    "🙂",
    [],
    {},
    [[]],
    [None],
    ["a", "a"],
    {"": ""},
    {"allow": [">"], "deny": ["*"]},
    {"was": "main"},
    {"role": "web/viewer", "name": "*"},
)

_BASE = tuple(yaml.safe_load((folder / SPEC).read_text(encoding="utf-8")) for folder in SOUND)


def mutated(seed: int) -> str:
    """Return the text of a golden spec after one to five mutations; the same for the same seed."""
    rng = random.Random(seed)
    tree = copy.deepcopy(rng.choice(_BASE))
    for _ in range(rng.randint(1, 5)):
        _mutate(tree, rng)
    return yaml.safe_dump(
        tree, allow_unicode=True, sort_keys=False, default_flow_style=rng.choice([None, True, False])
    )


def _mutate(tree: Any, rng: random.Random) -> None:
    holders = list(_holders(tree))
    if not holders:
        return
    holder = rng.choice(holders)
    step = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    what = rng.choice(("replace", "replace", "delete", "duplicate", "retype", "transplant", "rename"))
    if what == "delete":
        del holder[step]
    elif what == "replace":
        holder[step] = copy.deepcopy(rng.choice(HOSTILE))
    elif what == "retype":
        holder[step] = _retyped(holder[step], rng)
    elif what == "transplant":
        other = rng.choice(holders)
        part = rng.choice(list(other.values()) if isinstance(other, dict) else other)
        holder[step] = copy.deepcopy(part)
    elif isinstance(holder, list):
        holder.append(copy.deepcopy(holder[step]))
    else:
        text = rng.choice([v for v in HOSTILE if isinstance(v, str)])
        holder[str(step).swapcase() if what == "duplicate" else text] = copy.deepcopy(holder[step])


def _holders(tree: Any) -> Any:
    """Every map and list that is not empty."""
    if isinstance(tree, dict | list) and tree:
        yield tree
        for child in tree.values() if isinstance(tree, dict) else tree:
            yield from _holders(child)


def _retyped(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict):
        return rng.choice([list(value), list(value.values()), str(value)])
    if isinstance(value, list):
        return rng.choice([{key: {} for key in map(str, value)}, value[:1] and value[0], str(value)])
    return rng.choice([[value], {str(value): value}, str(value), f"{value}{value}"])
