"""The shape of policy tests."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Tag

from natsbackend.spec.shape import MAP, TEXT, Model, becomes, by_shape


class PrincipalSpec(Model):
    """Who acts in a policy test."""

    user: str | None = Field(
        default=None,
        description="A user, ACCOUNT/USER. Default: a `role`.",
        examples=["telemetry/ingest"],
        json_schema_extra=becomes(),
    )
    role: str | None = Field(
        default=None,
        description="A role, ACCOUNT/ROLE. Default: a `user`.",
        examples=["web/viewer"],
        json_schema_extra=becomes(),
    )
    name: str | None = Field(
        default=None,
        description="The name on the token of a role, which templates see as `{{name()}}`. Default: a name made "
        "for the test.",
        examples=["alice"],
        json_schema_extra=becomes(),
    )
    tags: list[str] = Field(
        default=[],
        description="The tags on the token of a role.",
        examples=[["team:red"]],
        json_schema_extra=becomes(),
    )


Principal = Annotated[
    Annotated[str, Tag(TEXT)] | Annotated[PrincipalSpec, Tag(MAP)],
    by_shape("ACCOUNT/NAME, or a map with `user` or `role`"),
]


class TriesSpec(Model):
    """What is tried, by word."""

    publish: list[str] = Field(
        default=[],
        description="Publish to each; `cannot` with a pattern: to nothing in it.",
        examples=[["orders.new"]],
        json_schema_extra=becomes(),
    )
    subscribe: list[str] = Field(
        default=[],
        description="Subscribe to each, a pattern as it stands.",
        examples=[["sensors.eu.>"]],
        json_schema_extra=becomes(),
    )
    request: list[str] = Field(
        default=[],
        description="Ask each, and receive the reply.",
        examples=[["history.query"]],
        json_schema_extra=becomes(),
    )


class MessageSpec(Model):
    """A message that somebody publishes."""

    from_: Principal = Field(
        alias="from",
        description="Who publishes it.",
        examples=["telemetry/ingest"],
        json_schema_extra=becomes(),
    )
    subject: str = Field(
        description="The subject it is published to, without wildcards.",
        examples=["sensors.eu.1"],
        json_schema_extra=becomes(),
    )


class PolicyTestSpec(Model):
    """A policy test: what somebody can and cannot do, or where a message arrives."""

    as_: Principal | None = Field(
        default=None,
        alias="as",
        description="Who tries: ACCOUNT/NAME of a user or a role, or a map. Default: a test with `message`.",
        examples=["telemetry/ingest", {"role": "web/viewer", "name": "alice"}],
        json_schema_extra=becomes(),
    )
    can: TriesSpec | None = Field(
        default=None,
        description="What must be allowed. Default: nothing is tried.",
        examples=[{"subscribe": ["sensors.eu.>"]}],
        json_schema_extra=becomes(),
    )
    cannot: TriesSpec | None = Field(
        default=None,
        description="What must be refused. Default: nothing is tried.",
        examples=[{"publish": ["sensors.eu"]}],
        json_schema_extra=becomes(),
    )
    message: MessageSpec | None = Field(
        default=None,
        description="A message that is published. Default: a test with `as`.",
        examples=[{"from": "telemetry/ingest", "subject": "sensors.eu.1"}],
        json_schema_extra=becomes(),
    )
    reaches: list[Principal] | None = Field(
        default=None,
        description="Who must receive the message. Default: nobody need.",
        examples=[["web/viewer"]],
        json_schema_extra=becomes(),
    )
    not_reaches: list[Principal] | None = Field(
        default=None,
        description="Who must not receive the message. Default: anybody may.",
        examples=[["web/guest"]],
        json_schema_extra=becomes(),
    )
