"""The one shape of a secret: where it stands, and never the secret itself."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from natsbackend.spec.shape import Model, becomes
from natsbackend.spec.units import refuse

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)


def _variable(text: str) -> str:
    """Refuse what is no name in upper case; it may be the secret itself, so it is not repeated.

    The server looks for a variable among the keys of its config first, with their case (nats-server 2.15
    `conf/parse.go`, lookupVariable): in upper case, it never finds an option.
    """
    if not _VARIABLE.fullmatch(text):
        raise refuse(
            "this cannot be the name of a variable here",
            "name one of A-Z, 0-9 and _ that begins with a letter: NATS_JETSTREAM_KEY; its value stays where the "
            "server runs",
        )
    return text


def _file(text: str) -> str:
    if not text or any(c < " " or c == "\x7f" for c in text):
        raise refuse("this cannot be the path of a file", "write a path: secrets/jetstream.key")
    return text


class SecretSpec(Model):
    """A secret that stands elsewhere, and never in `build/`: in a variable of the environment, or in a file."""

    env: Annotated[str, AfterValidator(_variable)] | None = Field(
        default=None,
        description="Name of a variable in the environment that the server starts in. The server reads its text "
        "as a piece of config: put it in double quotes of its own, or `123` stops the server, and so "
        "does `a,b`. Default: a `file`.",
        examples=["NATS_JETSTREAM_KEY"],
        json_schema_extra=becomes(".", note="a variable that the server reads")
        | {"pattern": f"^{_VARIABLE.pattern}$"},
    )
    file: Annotated[str, AfterValidator(_file)] | None = Field(
        default=None,
        description="File that holds the secret alone, whatever it is made of; one line end after it does not "
        "count. A relative path begins at the folder of the spec. `generate` writes it, quoted, into "
        "a file of mode 0600 below `.natsbackend/`, which the config includes. Default: `env`.",
        examples=["secrets/jetstream.key", "/run/secrets/jetstream_key"],
        json_schema_extra=becomes(
            ".", note="a variable, which a file of mode 0600 sets that the config includes"
        )
        | {"pattern": r"^[^\x00-\x1f\x7f]+$"},
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        """Refuse none and both."""
        if (self.env is None) == (self.file is None):
            raise refuse(
                "exactly one of `env` and `file` is needed here", "write {env: NAME} or {file: PATH}"
            )
        return self
