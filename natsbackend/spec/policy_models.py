"""The shape of policy tests."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Tag

from natsbackend.spec.shape import MAP, TEXT, Model, by_shape


class PrincipalSpec(Model):
    """Who acts in a policy test."""

    user: str | None = Field(default=None, description="ACCOUNT/USER.", examples=["telemetry/ingest"])
    role: str | None = Field(default=None, description="ACCOUNT/ROLE.", examples=["web/viewer"])
    name: str | None = Field(default=None, description="The name on the token of a role.")
    tags: list[str] = Field(default=[], description="The tags on the token of a role.")


Principal = Annotated[
    Annotated[str, Tag(TEXT)] | Annotated[PrincipalSpec, Tag(MAP)],
    by_shape("ACCOUNT/NAME, or a map with `user` or `role`"),
]


class TriesSpec(Model):
    """What is tried, by word."""

    publish: list[str] = Field(
        default=[], description="Publish to each; `cannot` with a pattern: to nothing in it."
    )
    subscribe: list[str] = Field(default=[], description="Subscribe to each, a pattern as it stands.")
    request: list[str] = Field(default=[], description="Ask each, and receive the reply.")


class MessageSpec(Model):
    """A message that somebody publishes."""

    from_: Principal = Field(alias="from", description="Who publishes it.")
    subject: str = Field(description="Where to.")


class PolicyTestSpec(Model):
    """A policy test: what somebody can and cannot do, or where a message arrives."""

    as_: Principal | None = Field(default=None, alias="as", description="Who tries.")
    can: TriesSpec | None = Field(default=None, description="What must be allowed.")
    cannot: TriesSpec | None = Field(default=None, description="What must be refused.")
    message: MessageSpec | None = Field(default=None, description="A message.")
    reaches: list[Principal] | None = Field(default=None, description="Who must receive it.")
    not_reaches: list[Principal] | None = Field(default=None, description="Who must not.")
