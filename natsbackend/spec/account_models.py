"""The shape of what an account says besides limits, sharing, roles and users."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from natsbackend.spec.shape import LIST, MAP, TEXT, Model, becomes, by_shape
from natsbackend.spec.units import Timestamp


class MappingSpec(Model):
    """Where a share of the messages of a mapped subject goes."""

    to: str = Field(
        description="The subject they get; `$1` or `{{wildcard(1)}}` stands for the first `*`, and `partition`, "
        "`split`, `splitfromleft`, `splitfromright`, `slicefromleft`, `slicefromright`, `left`, `right` and "
        "`random` are known, too.",
        examples=["orders.{{partition(3,1)}}.$1"],
        json_schema_extra=becomes(".subject"),
    )
    weight: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="How many of a hundred messages. What the weights of a subject leave of the hundred keeps its"
        " subject. Default: 100.",
        examples=[20],
        json_schema_extra=becomes(".weight"),
    )
    cluster: str | None = Field(
        default=None,
        description="Only for messages that come in on a server of this cluster. Default: every cluster.",
        examples=["east"],
        json_schema_extra=becomes(".cluster"),
    )


Mapping = Annotated[
    Annotated[str, Tag(TEXT)] | Annotated[list[MappingSpec], Tag(LIST)] | Annotated[MappingSpec, Tag(MAP)],
    by_shape("a subject, or a list of maps with `to` and `weight`"),
]


class TraceSpec(Model):
    """Where traces of messages with a `traceparent` header go."""

    to: str = Field(
        description="The subject they are published on, without wildcards.",
        examples=["trace.all"],
        json_schema_extra=becomes(".dest"),
    )
    sampling: int = Field(
        default=100,
        ge=1,
        le=100,
        description="How many percent of them, from 1 to 100.",
        examples=[10],
        json_schema_extra=becomes(".sampling"),
    )


class ExternalAuthorizationSpec(Model):
    """An auth callout: a service that decides about clients without a token of their own."""

    users: list[str] = Field(
        description="The users of this account that answer the server's questions, by name. They log in with "
        "creds of their own.",
        examples=[["auth"]],
        json_schema_extra=becomes(".auth_users"),
    )
    accounts: list[str] | Literal["any"] = Field(
        default=[],
        description="Accounts the service may place users in, by their name under `accounts` or `outside`, or "
        "`any`. Default: this account alone.",
        examples=[["app"]],
        json_schema_extra=becomes(".allowed_accounts"),
    )
    encrypt: bool = Field(
        default=False,
        description="Requests are sealed for the service's curve key, which is made and kept with the other keys.",
        json_schema_extra=becomes(".xkey"),
    )


class RevocationsSpec(Model):
    """Tokens that are good no more: those issued up to a time."""

    users: dict[str, Timestamp] = Field(
        default={},
        description="By user, by name on a role's bearer tokens, or by public user key: what was issued up to "
        "that time is refused, and whoever is connected with it is cut off.",
        examples=[{"alice": "2027-01-31T12:00:00Z"}],
        json_schema_extra=becomes(".*"),
    )
    all_before: Timestamp | None = Field(
        default=None,
        description="Every token of the account that was issued up to here. Default: none.",
        examples=["2027-01-31"],
        json_schema_extra=becomes(".*", note="the key `*`"),
    )
