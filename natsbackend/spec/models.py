"""The shape of the spec: pydantic models, which are also the source of the JSON Schema.

A model checks shape alone: which words there are, and what kind of value each takes. What the words mean together
(does the account exist, is the subject valid) is `model.resolve`'s and the checks'. Values are strict: `"5"` is no
number and `5` no text. Field order is the order of the documentation.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, Tag, model_validator

from natsbackend.spec.account_models import ExternalAuthorizationSpec, Mapping, RevocationsSpec, TraceSpec
from natsbackend.spec.server_models import ServerSpec, TargetSpec
from natsbackend.spec.shape import BOOLEAN, LIST, MAP, TEXT, Model, Was, by_shape
from natsbackend.spec.sharing_models import ExportSpec, ImportSpec
from natsbackend.spec.units import (
    Limit,
    PositiveLimit,
    PositiveNanoseconds,
    PositiveSizeLimit,
    Seconds,
    SizeLimit,
    Timestamp,
    refuse,
)
from natsbackend.spec.user_models import ConnectingSpec


class SigningKeySpec(Model):
    """A plain signing key that has more than a name."""

    was: Was = None


SigningKeys = Annotated[
    Annotated[list[str], Tag(LIST)] | Annotated[dict[str, SigningKeySpec], Tag(MAP)],
    by_shape("a list of names, or a map of names"),
]


class OperatorSpec(Model):
    """The root of trust."""

    name: str = Field(description="The operator's name.", examples=["acme"])
    was: Was = None
    signing_keys: SigningKeys | None = Field(
        default=None,
        description="Names of the keys that sign accounts; the first one signs. Default: one key, `main`.",
        examples=[["main"]],
    )
    require_signing_keys: bool = Field(
        default=True,
        description="Refuse accounts and users signed by an identity key (claim `strict_signing_key_usage`).",
    )
    system_account: str = Field(
        default="SYS",
        description="The system account. It is made with the roles `pusher` and `observer` unless described.",
    )
    service_urls: list[str] = Field(
        default=[], description="Where clients find the servers.", examples=[["tls://nats.example.com:4222"]]
    )
    account_server_url: str | None = Field(default=None, description="Where tools push and pull accounts.")
    assert_server_version: str | None = Field(
        default=None, description="The oldest nats-server that may run with it.", examples=["2.12.0"]
    )
    tags: list[str] = Field(default=[], description="Tags.")
    not_before: Timestamp | None = Field(default=None, description="When its JWT begins to be valid.")
    expires: Timestamp | None = Field(
        default=None, description="When its JWT ends; servers do not look at it."
    )


class AccountLimitsSpec(Model):
    """The base limits of an account. What is not given is unlimited."""

    connections: Limit = Field(default=-1, description="Clients connected at one time (claim `conn`).")
    leaf_nodes: Limit = Field(default=-1, description="Leaf nodes connected at one time (claim `leaf`).")
    subscriptions: Limit = Field(default=-1, description="Subscriptions of each connection (claim `subs`).")
    payload: SizeLimit = Field(default=-1, description="Largest message; it can only lower the server's own.")
    data: SizeLimit = Field(default=-1, description="Bytes; the server does not enforce it (claim `data`).")
    imports: Limit = Field(default=-1, description="How many imports the account may have.")
    exports: Limit = Field(default=-1, description="How many exports the account may have.")
    wildcard_exports: bool = Field(
        default=True, description="Exports may hold wildcards (claim `wildcards`)."
    )


class JetStreamLimitsSpec(Model):
    """The account's share of JetStream. `unlimited` on disk or memory, or a size, turns JetStream on."""

    disk: SizeLimit = Field(
        default=0, description="Bytes on disk (claim `disk_storage`).", examples=["10GiB"]
    )
    memory: SizeLimit = Field(default=0, description="Bytes in memory (claim `mem_storage`).")
    streams: PositiveLimit = Field(default=-1, description="How many streams.")
    consumers: PositiveLimit = Field(default=-1, description="How many consumers (claim `consumer`).")
    max_ack_pending: PositiveLimit = Field(
        default=-1, description="Most unacknowledged messages of a consumer."
    )
    disk_max_stream: PositiveSizeLimit = Field(default=-1, description="Largest stream on disk.")
    memory_max_stream: PositiveSizeLimit = Field(default=-1, description="Largest stream in memory.")
    max_bytes_required: bool = Field(default=False, description="Every stream must say its largest size.")


class TieredJetStreamSpec(JetStreamLimitsSpec):
    """The account's share of JetStream: flat, or by tier."""

    tiers: dict[str, JetStreamLimitsSpec] = Field(
        default={},
        description="Limits by number of replicas, `R1`, `R3`, …, in place of the flat ones.",
        examples=[{"R1": {"disk": "1GiB"}, "R3": {"disk": "10GiB"}}],
    )


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


class UserLimitsSpec(Model):
    """Limits of each connection. What is not given is unlimited."""

    subscriptions: Limit = Field(default=-1, description="Subscriptions (claim `subs`).", examples=[50])
    payload: SizeLimit = Field(default=-1, description="Largest message.", examples=["64KiB"])
    data: SizeLimit = Field(default=-1, description="Bytes; the server does not enforce it.")


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


class RoleSpec(ConnectingSpec, PermissionsSpec):
    """A scoped signing key: every token signed with it has exactly these permissions and limits."""

    was: Was = None
    description: str = Field(default="", description="Stands in the account's JWT.")
    websocket: bool = Field(
        default=False, description="For browsers: bearer tokens, on connections of type WEBSOCKET only."
    )
    ttl: Seconds | None = Field(
        default=None, description="The longest life of a token of this role.", examples=["15m"]
    )

    @model_validator(mode="after")
    def _is_for_browsers(self) -> Self:
        """Refuse words that say otherwise than `websocket: true`, which is short for two of them."""
        types = self.connection_types
        if self.websocket and (self.bearer is False or (types is not None and set(types) != {"websocket"})):
            raise refuse(
                "`websocket: true` means `bearer: true` and `connection_types: [websocket]`; this says otherwise",
                "take `websocket` out, and say with the other two what is meant",
            )
        return self


class UserSpec(ConnectingSpec, PermissionsSpec):
    """A user with creds of its own."""

    was: Was = None
    role: str | None = Field(
        default=None,
        description="A role of this account, which then decides everything.",
        examples=["viewer"],
    )
    tags: list[str] = Field(default=[], description="Tags, for templates of the role: `team:red`.")
    signing_key: str | None = Field(
        default=None,
        description="The plain signing key of the account that signs it. Default: the first one.",
        examples=["main"],
    )
    expires: Timestamp | None = Field(default=None, description="When the creds stop working.")
    not_before: Timestamp | None = Field(
        default=None, description="When the creds begin to work (claim `nbf`)."
    )

    @model_validator(mode="after")
    def _one_signer(self) -> Self:
        """Refuse a signing key beside a role, whose own key signs; what it signs is held to the role's template."""
        if self.role is not None and self.signing_key is not None:
            raise refuse(
                "the key of the `role` signs this user, so no `signing_key` can", "take one of them out"
            )
        return self

    @model_validator(mode="after")
    def _lives(self) -> Self:
        """Refuse a life that ends before it begins."""
        if self.expires is not None and self.not_before is not None and self.expires <= self.not_before:
            raise refuse("it expires before it begins to work", "put `expires` after `not_before`")
        return self


class DefaultPermissionsSpec(Model):
    """What users may do that have no permissions of their own. What no word allows is denied."""

    publish: Subjects | None = Field(default=None, description="Subjects that may be published to.")
    subscribe: Subjects | None = Field(default=None, description="Subjects that may be subscribed to.")
    allow_responses: AllowResponses | None = Field(default=None, description="Answers to what is received.")


class AccountSpec(Model):
    """An account: an isolated space of subjects, with its users and what it shares."""

    was: Was = None
    description: str = Field(default="", description="Stands in the account's JWT.")
    info_url: str | None = Field(default=None, description="Where to read more.")
    tags: list[str] = Field(default=[], description="Tags; roles' templates see them as `account-tag`.")
    not_before: Timestamp | None = Field(default=None, description="When its JWT begins to be valid.")
    expires: Timestamp | None = Field(
        default=None, description="When its JWT ends, and with it every connection."
    )
    limits: AccountLimitsSpec | None = Field(default=None, description="Base limits.")
    disallow_bearer: bool = Field(default=False, description="No bearer tokens, so no browsers either.")
    jetstream: TieredJetStreamSpec | None = Field(default=None, description="JetStream limits. Default: off.")
    exports: list[ExportSpec] = Field(default=[], description="What others may import.")
    imports: list[ImportSpec] = Field(default=[], description="What is taken from others.")
    signing_keys: SigningKeys | None = Field(
        default=None,
        description="Names of plain keys that sign this account's users; the first one signs. Default: `main` "
        "where users without a role need one.",
    )
    roles: dict[str, RoleSpec] = Field(default={}, description="Scoped signing keys by name.")
    users: dict[str, UserSpec] = Field(default={}, description="Users that get creds, by name.")
    default_permissions: DefaultPermissionsSpec | None = Field(
        default=None, description="For users that have no permissions of their own."
    )
    mappings: dict[str, Mapping] = Field(
        default={},
        description="Subjects that become others as messages come in.",
        examples=[{"old.>": "new.>"}],
    )
    trace: TraceSpec | None = Field(default=None, description="Where traces of messages go.")
    cluster_traffic: Literal["system", "owner"] | None = Field(
        default=None, description="In which account JetStream's traffic between servers counts."
    )
    external_authorization: ExternalAuthorizationSpec | None = Field(
        default=None, description="An auth callout service in this account."
    )
    revocations: RevocationsSpec | None = Field(default=None, description="Tokens that are good no more.")


class DefaultsSpec(Model):
    """Limits for every account: each one that the account does not give itself. The system account is left out."""

    limits: AccountLimitsSpec | None = Field(default=None, description="Base limits.")
    jetstream: JetStreamLimitsSpec | None = Field(default=None, description="JetStream limits.")


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


class SpecModel(Model):
    """A natsbackend spec: operator, accounts, server, targets and policy tests."""

    version: Literal[1] = Field(description="The version of this language.")
    operator: OperatorSpec = Field(description="The root of trust.")
    defaults: DefaultsSpec | None = Field(default=None, description="Values for every account.")
    accounts: dict[str, AccountSpec] = Field(default={}, description="Accounts by name.")
    server: ServerSpec | None = Field(default=None, description="The config of nats-server.")
    targets: dict[str, TargetSpec] = Field(default={}, description="Where to push, by name.")
    tests: list[PolicyTestSpec] = Field(default=[], description="Policy tests.")
