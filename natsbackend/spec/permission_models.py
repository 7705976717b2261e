"""The shape of what may be published, subscribed and answered; see `spec.models`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, Tag, model_validator

from natsbackend.spec.limit_models import UserLimitsSpec
from natsbackend.spec.shape import BOOLEAN, LIST, MAP, TEXT, Model, by_shape
from natsbackend.spec.units import PositiveLimit, PositiveNanoseconds, refuse


class RulesSpec(Model):
    """Subjects allowed and denied. A denied subject wins."""

    allow: list[str] = Field(default=[], description="Subjects that are allowed.")
    deny: list[str] = Field(default=[], description="Subjects that are denied, even if allowed above.")


Subjects = Annotated[
    Annotated[list[str], Tag(LIST)] | Annotated[RulesSpec, Tag(MAP)],
    by_shape("a list of subjects, or a map with `allow` and `deny`"),
]


class RespondSpec(Model):
    """A service this user answers."""

    subject: str = Field(description="The subject requests come in on.", examples=["history.query"])
    queue: str | None = Field(default=None, description="Answer as a member of this queue group only.")


Respond = Annotated[
    Annotated[str, Tag(TEXT)] | Annotated[RespondSpec, Tag(MAP)],
    by_shape("a subject, or a map with `subject` and `queue`"),
]


class ResponsesSpec(Model):
    """The right to publish to the reply subject of a message that was received (claim `resp`)."""

    max: PositiveLimit = Field(default=1, description="How many replies to one message, or `unlimited`.")
    ttl: PositiveNanoseconds | None = Field(
        default=None, description="How long after it. Default: the server's 2m."
    )


AllowResponses = Annotated[
    Annotated[bool, Tag(BOOLEAN)] | Annotated[ResponsesSpec, Tag(MAP)],
    by_shape("`true` or `false`, or a map with `max` and `ttl`"),
]


def _inbox(text: str) -> str:
    """Refuse what is no prefix: a blank would make a queue group of its end, a wildcard shows replies of others."""
    prefix = text.removesuffix(".>").removesuffix(".")
    if not prefix or any(c in "*>" or c.isspace() for c in prefix):
        raise refuse(
            f"{text[:60]!r} is not a prefix for replies",
            "write `private`, `shared`, `none`, or a subject without blanks and wildcards",
        )
    return prefix


class PermissionsSpec(Model):
    """What may be done. Where no word allows anything in a direction, nothing is allowed in it."""

    permissions: Literal["all", "account_default"] | None = Field(
        default=None,
        description="`all`: no restriction at all, in either direction. `account_default`: the account's own default "
        "permissions, whatever they are; without them no restriction.",
    )
    publish: Subjects | None = Field(
        default=None, description="Subjects that may be published to.", examples=[["orders.>"]]
    )
    subscribe: Subjects | None = Field(
        default=None,
        description="Subjects that may be subscribed to; `SUBJECT QUEUE` allows it in that queue group only.",
        examples=[["sensors.>", "user.{{name()}}.>"]],
    )
    request: list[str] | None = Field(
        default=None,
        description="Services that may be asked: the subject may be published to, replies come to the inbox.",
        examples=[["history.query"]],
    )
    respond: list[Respond] | None = Field(
        default=None, description="Services this user answers.", examples=[["history.query"]]
    )
    allow_responses: AllowResponses | None = Field(
        default=None, description="Allow answers to what is received, and how many. `true`: one."
    )
    inbox: Annotated[str, AfterValidator(_inbox)] | None = Field(
        default=None,
        description="Where replies come in: `private` (the default where a word needs replies; a prefix of its own), "
        "`shared` (`_INBOX`, where everyone sees everyone's), `none`, or a prefix.",
        examples=["private", "_INBOX.web.{{name()}}"],
    )
    limits: UserLimitsSpec | None = Field(default=None, description="Limits of each connection.")

    @model_validator(mode="after")
    def _all_stands_alone(self) -> Self:
        """Refuse words beside `permissions: all`: what they deny would be allowed; and beside `account_default`."""
        beside = self.model_fields_set & _WORDS_OF_PERMISSION if self.permissions else ()
        if beside:
            words = ", ".join(f"`{word}`" for word in sorted(beside))
            raise refuse(
                f"`permissions: {self.permissions}` leaves nothing for {words} to say",
                f"take `permissions: {self.permissions}` out, or the other words",
            )
        return self


_WORDS_OF_PERMISSION = frozenset({"publish", "subscribe", "request", "respond", "allow_responses", "inbox"})


class DefaultPermissionsSpec(Model):
    """What users may do that have no permissions of their own. What no word allows is denied."""

    publish: Subjects | None = Field(default=None, description="Subjects that may be published to.")
    subscribe: Subjects | None = Field(default=None, description="Subjects that may be subscribed to.")
    allow_responses: AllowResponses | None = Field(default=None, description="Answers to what is received.")
