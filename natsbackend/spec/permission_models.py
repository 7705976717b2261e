"""The shape of what may be published, subscribed and answered; see `spec.models`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, Tag, model_validator

from natsbackend.spec.limit_models import UserLimitsSpec
from natsbackend.spec.shape import BOOLEAN, LIST, MAP, TEXT, Model, becomes, by_shape
from natsbackend.spec.units import PositiveLimit, PositiveNanoseconds, refuse


class RulesSpec(Model):
    """Subjects allowed and denied. A denied subject wins."""

    allow: list[str] = Field(
        default=[],
        description="Subjects that are allowed; `>` for every one. Without this, nothing is.",
        examples=[["orders.>"]],
        json_schema_extra=becomes(".allow[]"),
    )
    deny: list[str] = Field(
        default=[],
        description="Subjects that are denied, even if allowed above.",
        examples=[["orders.secret.>"]],
        json_schema_extra=becomes(".deny[]"),
    )


Subjects = Annotated[
    Annotated[list[str], Tag(LIST)] | Annotated[RulesSpec, Tag(MAP)],
    by_shape("a list of subjects, or a map with `allow` and `deny`"),
]


class RespondSpec(Model):
    """A service this user answers."""

    subject: str = Field(
        description="The subject requests come in on.",
        examples=["history.query"],
        json_schema_extra=becomes("."),
    )
    queue: str | None = Field(
        default=None,
        description="Answer as a member of this queue group only. Default: in any, or none.",
        examples=["workers"],
        json_schema_extra=becomes(".", note="the entry is `SUBJECT QUEUE`"),
    )


Respond = Annotated[
    Annotated[str, Tag(TEXT)] | Annotated[RespondSpec, Tag(MAP)],
    by_shape("a subject, or a map with `subject` and `queue`"),
]


class ResponsesSpec(Model):
    """The right to publish to the reply subject of a message that was received (claim `resp`)."""

    max: PositiveLimit = Field(
        default=1,
        description="How many replies to one message, or `unlimited`.",
        examples=[10],
        json_schema_extra=becomes(".max"),
    )
    ttl: PositiveNanoseconds | None = Field(
        default=None,
        description="How long after the message. Default: the server's 2m.",
        examples=["30s"],
        json_schema_extra=becomes(".ttl"),
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


_INBOX_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "enum": ["private", "shared", "none"]},
        {"type": "string", "pattern": r"^(?!(\.|\.>|\.\.>)$)[^*>\s]+(\.>)?$", "title": "a prefix"},
    ]
}


class PermissionsSpec(Model):
    """What may be done. Where no word allows anything in a direction, nothing is allowed in it."""

    permissions: Literal["all", "account_default"] | None = Field(
        default=None,
        description="`all`: no restriction at all, in either direction. `account_default`: the account's own "
        "default permissions, whatever they are; without them no restriction. Default: what the other"
        " words allow, and no more.",
        json_schema_extra=becomes(".pub", ".sub"),
    )
    publish: Subjects | None = Field(
        default=None,
        description="Subjects that may be published to: a list, or a map of what is allowed and denied. Templates"
        " such as `{{name()}}` are filled in for each token of a role. Default: none.",
        examples=[["orders.>"]],
        json_schema_extra=becomes(".pub"),
    )
    subscribe: Subjects | None = Field(
        default=None,
        description="Subjects that may be subscribed to, likewise; `SUBJECT QUEUE` allows it in that queue group "
        "only. Default: none.",
        examples=[["sensors.>", "user.{{name()}}.>"]],
        json_schema_extra=becomes(".sub"),
    )
    request: list[str] | None = Field(
        default=None,
        description="Services that may be asked: the subject may be published to, replies come to the inbox. "
        "Default: none.",
        examples=[["history.query"]],
        json_schema_extra=becomes(".pub.allow[]", ".sub.allow[]"),
    )
    respond: list[Respond] | None = Field(
        default=None,
        description="Services that are answered: the subject may be subscribed to, and each request be replied "
        "to. Default: none.",
        examples=[["history.query"]],
        json_schema_extra=becomes(
            ".sub.allow[]", note="with `resp`, unless `allow_responses` says otherwise"
        ),
    )
    allow_responses: AllowResponses | None = Field(
        default=None,
        description="Allow replies to what is received, and how many. `true`: one, or any number for a service "
        "whose export answers with several. Default: `true` with `respond`, else `false`.",
        examples=[True, {"max": 10, "ttl": "30s"}],
        json_schema_extra=becomes(".resp"),
    )
    inbox: Annotated[str, AfterValidator(_inbox)] | None = Field(
        default=None,
        description="Where replies come in: `private` (a prefix of its own, `_INBOX.{{name()}}` or "
        "`_INBOX.@USER`), `shared` (`_INBOX`, where everyone sees everyone's), `none`, or a prefix. "
        "Default: `private` with `request`, else `none`.",
        examples=["private", "_INBOX.web.{{name()}}"],
        json_schema_extra=becomes(".sub.allow[]") | _INBOX_SCHEMA,
    )
    limits: UserLimitsSpec | None = Field(
        default=None,
        description="Limits of each connection. Default: none but the account's.",
        examples=[{"subscriptions": 50, "payload": "64KiB"}],
        json_schema_extra=becomes("."),
    )

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

    publish: Subjects | None = Field(
        default=None,
        description="Subjects that may be published to. Default: none.",
        examples=[["public.>"]],
        json_schema_extra=becomes(".pub"),
    )
    subscribe: Subjects | None = Field(
        default=None,
        description="Subjects that may be subscribed to. Default: none.",
        examples=[["public.>"]],
        json_schema_extra=becomes(".sub"),
    )
    allow_responses: AllowResponses | None = Field(
        default=None,
        description="Allow replies to what is received, and how many; `true`: one. Default: `false`.",
        examples=[True],
        json_schema_extra=becomes(".resp"),
    )
