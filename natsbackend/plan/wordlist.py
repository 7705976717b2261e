"""Which word of the spec a claim has, and in which unit: read from what the words themselves say (`becomes`)."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from pydantic import WithJsonSchema

from natsbackend.plan.said import Members, One
from natsbackend.spec.shape import Model
from natsbackend.spec.units import UNLIMITED, written


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the spec for a number."""

    name: str
    unit: str
    default: object
    """What it is on the wire where nobody writes it."""


@cache
def words_of(model: type[Model]) -> Mapping[str, Word]:
    """Return the words of a model by the last step of the claim each becomes."""
    out: dict[str, Word] = {}
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        names = extra.get("x-becomes") if isinstance(extra, dict) else None
        for claim in names if isinstance(names, list) else ():
            unit = next(_units((field.annotation, *field.metadata)), "")
            out.setdefault(str(claim).rpartition(".")[2], Word(field.alias or name, unit, field.default))
    return out


def _units(kinds: tuple[object, ...]) -> Iterator[str]:
    for kind in kinds:
        if isinstance(kind, WithJsonSchema):
            yield str((kind.json_schema or {}).get("x-unit", ""))
        else:
            yield from _units((*typing.get_args(kind), *getattr(kind, "__metadata__", ())))


def numbers(members: Members, model: type[Model], claims: tuple[str, ...]) -> Iterator[tuple[str, One]]:
    """Take claims that hold numbers or booleans, each under its word, written as in a spec."""
    known = words_of(model)
    for claim in claims:
        word = known[claim]
        if isinstance(word.default, bool):
            said = members.flag(claim)
            yield word.name, One(raw=said, text="true" if said else "false", is_default=said is word.default)
        else:
            number = members.number(claim)
            yield (
                word.name,
                One(raw=number, text=quantity(number, word.unit), is_default=number == word.default),
            )


def quantity(number: int, unit: str) -> str:
    """Return a number of the wire as a spec has it: `10GiB`, `15m`, `unlimited`."""
    if number < UNLIMITED or (number == 0 and unit in ("nanoseconds", "seconds")):
        return str(number)
    return str(written(number, unit))


def date(second: int) -> str:
    """Return a moment as a spec has it: a date, with its time where it is not midnight."""
    try:
        moment = datetime.fromtimestamp(second, UTC)
    except (OverflowError, ValueError, OSError):
        return f"second {second}"
    return f"{moment:%Y-%m-%d}" if second % 86_400 == 0 else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
