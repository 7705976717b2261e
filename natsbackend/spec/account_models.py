"""The shape of what an account says besides limits, sharing, roles and users."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from natsbackend.spec.shape import LIST, MAP, TEXT, Model, by_shape
from natsbackend.spec.units import Timestamp


class MappingSpec(Model):
    """Where a share of the messages of a mapped subject goes."""

    to: str = Field(
        description="The subject they get; `$1` or `{{wildcard(1)}}` stands for the first `*`, and `partition`, "
        "`split`, `splitfromleft`, `splitfromright`, `slicefromleft`, `slicefromright`, `left`, `right` and "
        "`random` are known, too.",
        examples=["orders.{{partition(3,1)}}.$1"],
    )
    weight: int | None = Field(
        default=None, ge=1, le=100, description="How many of a hundred messages. Default: all.", examples=[20]
    )
    cluster: str | None = Field(default=None, description="Only for messages that come in in this cluster.")


Mapping = Annotated[
    Annotated[str, Tag(TEXT)] | Annotated[list[MappingSpec], Tag(LIST)] | Annotated[MappingSpec, Tag(MAP)],
    by_shape("a subject, or a list of maps with `to` and `weight`"),
]


class TraceSpec(Model):
    """Where traces of messages with a `traceparent` header go."""

    to: str = Field(description="A subject without wildcards.", examples=["trace.all"])
    sampling: int = Field(default=100, ge=1, le=100, description="Of how many percent of them.")


class ExternalAuthorizationSpec(Model):
    """An auth callout: a service that decides about clients without a token of their own."""

    users: list[str] = Field(
        description="The users of this account that answer, by name.", examples=[["auth"]]
    )
    accounts: list[str] | Literal["any"] = Field(
        default=[],
        description="Accounts the service may place users in, by their name under `accounts` or `outside`, or `any`.",
        examples=[["app"]],
    )
    encrypt: bool = Field(
        default=False, description="Requests are sealed for the service's curve key, which is made and kept."
    )


class RevocationsSpec(Model):
    """Tokens that are good no more: those issued up to a time."""

    users: dict[str, Timestamp] = Field(
        default={},
        description="By user, by name on a role's bearer tokens, or by public user key.",
        examples=[{"alice": "2027-01-31T12:00:00Z"}],
    )
    all_before: Timestamp | None = Field(default=None, description="Every token of the account up to here.")
