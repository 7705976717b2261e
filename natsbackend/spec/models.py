"""The shape of the spec: pydantic models, which are also the source of the JSON Schema.

A model checks shape alone: which words there are, and what kind of value each takes. What the words mean together
(does the account exist, is the subject valid) is `model.resolve`'s and the checks'. Values are strict: `"5"` is no
number and `5` no text. Field order is the order of the documentation.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, Tag, model_validator

from natsbackend.spec.account_models import ExternalAuthorizationSpec, Mapping, RevocationsSpec, TraceSpec
from natsbackend.spec.check_models import ChecksSpec
from natsbackend.spec.limit_models import AccountLimitsSpec, JetStreamLimitsSpec, TieredJetStreamSpec
from natsbackend.spec.permission_models import DefaultPermissionsSpec, PermissionsSpec
from natsbackend.spec.policy_models import PolicyTestSpec
from natsbackend.spec.raw_claims import RAW_CLAIMS, AccountClaims, OperatorClaims
from natsbackend.spec.section_models import ServerSectionSpec
from natsbackend.spec.server_models import TargetSpec
from natsbackend.spec.shape import LIST, MAP, Model, Was, by_shape
from natsbackend.spec.sharing_models import ExportSpec, ImportSpec, OutsideAccountSpec
from natsbackend.spec.units import Seconds, Timestamp, refuse
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
    claims: OperatorClaims = RAW_CLAIMS


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
    claims: AccountClaims = RAW_CLAIMS


class DefaultsSpec(Model):
    """Limits for every account: each one that the account does not give itself. The system account is left out."""

    limits: AccountLimitsSpec | None = Field(default=None, description="Base limits.")
    jetstream: JetStreamLimitsSpec | None = Field(default=None, description="JetStream limits.")


class SpecModel(Model):
    """A natsbackend spec: operator, accounts, server, targets and policy tests."""

    version: Literal[1] = Field(description="The version of this language.")
    operator: OperatorSpec = Field(description="The root of trust.")
    defaults: DefaultsSpec | None = Field(default=None, description="Values for every account.")
    accounts: dict[str, AccountSpec] = Field(default={}, description="Accounts by name.")
    outside: dict[str, OutsideAccountSpec] = Field(
        default={},
        description="Accounts that this spec does not make but shares with, by a name of your choice.",
        examples=[{"billing": {"public_key": "ABJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLA"}}],
    )
    server: ServerSectionSpec | None = Field(default=None, description="The config of nats-server.")
    targets: dict[str, TargetSpec] = Field(default={}, description="Where to push, by name.")
    tests: list[PolicyTestSpec] = Field(default=[], description="Policy tests.")
    checks: ChecksSpec | None = Field(default=None, description="Which checks are switched off, and why.")
