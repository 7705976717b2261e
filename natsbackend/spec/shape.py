"""What all models of the spec share: the strict base, and how a union tells its members apart."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field


class Model(BaseModel):
    """Base of every model: unknown words are errors, nothing is coerced, nothing changes."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, defer_build=True, hide_input_in_errors=True
    )


TEXT, NUMBER, BOOLEAN, LIST, MAP = SHAPES = ("<text>", "<number>", "<boolean>", "<list>", "<map>")
"""Tags of the members of unions. They stand in the paths of the validator, where no name of a user looks so."""


def _shape(value: Any) -> str | None:
    """Choose the member of a union by the shape that was written."""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, str):
        return TEXT
    if isinstance(value, list):
        return LIST
    if isinstance(value, dict | BaseModel):
        return MAP
    return NUMBER if isinstance(value, int) else None


def by_shape(expected: str) -> Discriminator:
    """Return what tells the members of a union apart; `expected` says them to whoever wrote another shape."""
    return Discriminator(
        _shape,
        custom_error_type="spec_shape",
        custom_error_message=f"expected {expected}",
    )


def becomes(*names: str, note: str = "") -> dict[str, Any]:
    """Return what `Field(json_schema_extra=...)` takes, to say which claim or config key a word becomes.

    Claims are written from the root of the JWT (`nats.limits.conn`), config keys from that of the file
    (`websocket.jwt_cookie`). Names of elements of lists end in `[]`: `nats.exports[].subject`; `*` stands for any name.
    A name that begins with a dot goes on from what the map becomes that the word stands in, and `.` is that itself.
    No name at all: the word is in no JWT and no config. `note` says in words what names do not.
    """
    return {"x-becomes": list(names)} | ({"x-note": note} if note else {})


Was = Annotated[
    str | None,
    Field(
        default=None,
        description="The name it had before it was renamed: its keys and identity are kept. Take it out again when "
        "every lock has the new name. Default: it was not renamed.",
        examples=["old-name"],
        json_schema_extra=becomes(note="nothing in a JWT or config; the lock carries keys and identity over"),
    ),
]
