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
from natsbackend.spec.shape import LIST, MAP, Model, Was, becomes, by_shape
from natsbackend.spec.sharing_models import ExportSpec, ImportSpec, OutsideAccountSpec
from natsbackend.spec.target_models import TargetSpec
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

    name: str = Field(
        description="The operator's name. It stands in its JWT, and tools show it.",
        examples=["acme"],
        json_schema_extra=becomes("name"),
    )
    was: Was = None
    signing_keys: SigningKeys | None = Field(
        default=None,
        description="Names of the keys that sign accounts; the first one signs, all are trusted. The identity key"
        " then signs the operator's own JWT alone. A map of names where one was renamed. Default: one"
        " key, `main`.",
        examples=[["main"]],
        json_schema_extra=becomes("nats.signing_keys[]"),
    )
    require_signing_keys: bool = Field(
        default=True,
        description="Servers refuse accounts and users signed by an identity key. Turn it off only for what other"
        " tools have signed so.",
        json_schema_extra=becomes("nats.strict_signing_key_usage"),
    )
    system_account: str = Field(
        default="SYS",
        description="The system account, by name: servers report on it, and `push` speaks to them in it. It is "
        "made with the roles `pusher` and `observer` unless described under `accounts`.",
        examples=["SYS"],
        json_schema_extra=becomes("nats.system_account", "system_account"),
    )
    service_urls: list[str] = Field(
        default=[],
        description="Where clients find the servers: for tools, no server reads it.",
        examples=[["tls://nats.example.com:4222"]],
        json_schema_extra=becomes("nats.operator_service_urls[]"),
    )
    account_server_url: str | None = Field(
        default=None,
        description="Where tools push and pull accounts. natsbackend's own are under `targets`. Default: none.",
        examples=["nats://nats.example.com:4222"],
        json_schema_extra=becomes("nats.account_server_url"),
    )
    assert_server_version: str | None = Field(
        default=None,
        description="The oldest nats-server that may run with it; an older one does not start. Default: any.",
        examples=["2.12.0"],
        json_schema_extra=becomes("nats.assert_server_version"),
    )
    tags: list[str] = Field(
        default=[],
        description="Tags for people and tools, `key:value` or a word; the server gives them no meaning.",
        examples=[["env:prod"]],
        json_schema_extra=becomes("nats.tags[]"),
    )
    not_before: Timestamp | None = Field(
        default=None,
        description="When its JWT begins to be valid. Default: at once.",
        examples=["2027-01-31"],
        json_schema_extra=becomes("nbf"),
    )
    expires: Timestamp | None = Field(
        default=None,
        description="When its JWT ends; tools see it, servers do not look at it. Default: never.",
        examples=["2030-01-31"],
        json_schema_extra=becomes("exp"),
    )
    claims: OperatorClaims = RAW_CLAIMS


class RoleSpec(ConnectingSpec, PermissionsSpec):
    """A scoped signing key: every token signed with it has exactly these permissions and limits."""

    was: Was = None
    description: str = Field(
        default="",
        description="What the role is for. Changing it cuts off whoever is connected with the role: the server "
        "takes it for another key.",
        examples=["Visitors of the dashboard"],
        json_schema_extra=becomes("nats.signing_keys[].description"),
    )
    websocket: bool = Field(
        default=False,
        description="For browsers: bearer tokens, on connections of type WEBSOCKET only. Short for `bearer: true`"
        " with `connection_types: [websocket]`.",
        json_schema_extra=becomes(".bearer_token", ".allowed_connection_types[]"),
    )
    ttl: Seconds | None = Field(
        default=None,
        description="The longest life of a token of this role, and the usual one. Default: any life, and 15m "
        "where none is asked for.",
        examples=["15m"],
        json_schema_extra=becomes(note="`exp` of each token of the role, when it is minted"),
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
        description="A role of this account, which then decides everything: the user has no permissions and "
        "limits of its own. Default: none.",
        examples=["viewer"],
        json_schema_extra=becomes("iss", note="the role's key signs the user"),
    )
    tags: list[str] = Field(
        default=[],
        description="Tags, for templates of the role: `team:red` fills `{{tag(team)}}`.",
        examples=[["team:red"]],
        json_schema_extra=becomes("nats.tags[]"),
    )
    signing_key: str | None = Field(
        default=None,
        description="The plain signing key of the account that signs it. Default: the first one.",
        examples=["main"],
        json_schema_extra=becomes("iss", note="the key that signs the user"),
    )
    expires: Timestamp | None = Field(
        default=None,
        description="When the creds stop working. Default: never.",
        examples=["2027-12-31"],
        json_schema_extra=becomes("exp"),
    )
    not_before: Timestamp | None = Field(
        default=None,
        description="When the creds begin to work. Default: at once.",
        examples=["2027-01-31T12:00:00Z"],
        json_schema_extra=becomes("nbf"),
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
    description: str = Field(
        default="",
        description="What the account is for; for people and tools.",
        examples=["What the sensors say"],
        json_schema_extra=becomes("nats.description"),
    )
    info_url: str | None = Field(
        default=None,
        description="Where to read more. Default: nowhere.",
        examples=["https://docs.example.com/telemetry"],
        json_schema_extra=becomes("nats.info_url"),
    )
    tags: list[str] = Field(
        default=[],
        description="Tags, `key:value` or a word; templates of roles read them as `{{account-tag(key)}}`.",
        examples=[["region:eu"]],
        json_schema_extra=becomes("nats.tags[]"),
    )
    not_before: Timestamp | None = Field(
        default=None,
        description="When its JWT begins to be valid. Default: at once.",
        examples=["2027-01-31"],
        json_schema_extra=becomes("nbf"),
    )
    expires: Timestamp | None = Field(
        default=None,
        description="When its JWT ends, and with it every connection. Default: never.",
        examples=["2027-12-31"],
        json_schema_extra=becomes("exp"),
    )
    limits: AccountLimitsSpec | None = Field(
        default=None,
        description="Base limits. Default: those of `defaults`, or unlimited.",
        examples=[{"connections": 100, "payload": "64KiB"}],
        json_schema_extra=becomes("nats.limits"),
    )
    disallow_bearer: bool = Field(
        default=False,
        description="The server refuses bearer tokens here, so there can be no roles for browsers either.",
        json_schema_extra=becomes("nats.limits.disallow_bearer"),
    )
    jetstream: TieredJetStreamSpec | None = Field(
        default=None,
        description="The account's share of JetStream. Default: that of `defaults`, or JetStream is off.",
        examples=[{"disk": "10GiB", "streams": 20}],
        json_schema_extra=becomes("nats.limits"),
    )
    exports: list[ExportSpec] = Field(
        default=[],
        description="What others may import.",
        examples=[[{"stream": "sensors.>"}, {"service": "history.query"}]],
        json_schema_extra=becomes("nats.exports[]"),
    )
    imports: list[ImportSpec] = Field(
        default=[],
        description="What is taken from others. An import of what nobody exports is an error.",
        examples=[[{"from": "telemetry", "stream": "sensors.>"}]],
        json_schema_extra=becomes("nats.imports[]"),
    )
    signing_keys: SigningKeys | None = Field(
        default=None,
        description="Names of plain keys that sign this account's users; the first one signs those that name "
        "none. A map of names where one was renamed. Default: `main` where users without a role need "
        "one.",
        examples=[["main"]],
        json_schema_extra=becomes("nats.signing_keys[]"),
    )
    roles: dict[str, RoleSpec] = Field(
        default={},
        description="Scoped signing keys by name. Tokens of a role are minted when somebody logs in; the server "
        "holds each to the role's permissions and limits.",
        examples=[{"viewer": {"websocket": True, "ttl": "15m", "subscribe": ["sensors.>"]}}],
        json_schema_extra=becomes("nats.signing_keys[].template"),
    )
    users: dict[str, UserSpec] = Field(
        default={},
        description="Users that get creds, by name: programs rather than visitors.",
        examples=[{"ingest": {"publish": ["sensors.>"]}}],
        json_schema_extra=becomes("nats", note="a user JWT and a creds file of each"),
    )
    default_permissions: DefaultPermissionsSpec | None = Field(
        default=None,
        description="For users that have no permissions of their own, `permissions: account_default` and those of"
        " other tools. Default: they may do everything.",
        examples=[{"publish": ["public.>"], "subscribe": ["public.>"]}],
        json_schema_extra=becomes("nats.default_permissions"),
    )
    mappings: dict[str, Mapping] = Field(
        default={},
        description="Subjects that become others as messages come in: a subject, or several that share the "
        "messages by weight.",
        examples=[{"old.>": "new.>"}],
        json_schema_extra=becomes("nats.mappings.*[]"),
    )
    trace: TraceSpec | None = Field(
        default=None,
        description="Where traces of messages with a `traceparent` header go. Default: nowhere.",
        examples=[{"to": "trace.all", "sampling": 10}],
        json_schema_extra=becomes("nats.trace"),
    )
    cluster_traffic: Literal["system", "owner"] | None = Field(
        default=None,
        description="In which account JetStream's traffic between servers counts: the system account or the one "
        "that owns the streams. Default: the server's own, `system`.",
        json_schema_extra=becomes("nats.cluster_traffic"),
    )
    external_authorization: ExternalAuthorizationSpec | None = Field(
        default=None,
        description="An auth callout: a service in this account decides about clients without a token of their "
        "own. Default: none.",
        examples=[{"users": ["auth"], "accounts": ["app"]}],
        json_schema_extra=becomes("nats.authorization"),
    )
    revocations: RevocationsSpec | None = Field(
        default=None,
        description="Tokens that are good no more. Default: none.",
        examples=[{"users": {"alice": "2027-01-31T12:00:00Z"}}],
        json_schema_extra=becomes("nats.revocations"),
    )
    claims: AccountClaims = RAW_CLAIMS


class DefaultsSpec(Model):
    """Limits for every account: each one that the account does not give itself. The system account is left out."""

    limits: AccountLimitsSpec | None = Field(
        default=None,
        description="Base limits. Default: unlimited.",
        examples=[{"connections": 1000}],
        json_schema_extra=becomes("nats.limits"),
    )
    jetstream: JetStreamLimitsSpec | None = Field(
        default=None,
        description="JetStream limits. An account with tiers takes none of them. Default: JetStream is off.",
        examples=[{"disk": "1GiB"}],
        json_schema_extra=becomes("nats.limits"),
    )


class SpecModel(Model):
    """A natsbackend spec: operator, accounts, server, targets and policy tests."""

    version: Literal[1] = Field(
        description="The version of this language, first in the file.",
        json_schema_extra=becomes(),
    )
    operator: OperatorSpec = Field(
        description="The root of trust: its key signs the accounts' JWTs, and servers trust whom it signs.",
        examples=[{"name": "acme"}],
        json_schema_extra=becomes("nats", note="the operator's JWT"),
    )
    defaults: DefaultsSpec | None = Field(
        default=None,
        description="Values for every account except the system account. Default: none.",
        examples=[{"limits": {"connections": 1000}}],
        json_schema_extra=becomes(note="the limits of each account that does not give them"),
    )
    accounts: dict[str, AccountSpec] = Field(
        default={},
        description="Accounts by name. Each is a space of subjects of its own; nothing crosses but what one "
        "exports and another imports.",
        examples=[{"app": {"users": {"clock": {"publish": ["time.>"]}}}}],
        json_schema_extra=becomes("nats", note="a JWT of each"),
    )
    outside: dict[str, OutsideAccountSpec] = Field(
        default={},
        description="Accounts that this spec does not make but shares with, by a name of your choice.",
        examples=[{"billing": {"public_key": "ABJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLA"}}],
        json_schema_extra=becomes("nats.imports[].account", "nats.exports[].revocations.*"),
    )
    server: ServerSectionSpec | None = Field(
        default=None,
        description="The config of nats-server. Default: every address, port 4222, and a full resolver.",
        examples=[{"listen": "0.0.0.0:4222"}],
        json_schema_extra=becomes(note="the options of `nats-server.conf`"),
    )
    targets: dict[str, TargetSpec] = Field(
        default={},
        description="Where `push` goes, by name.",
        examples=[{"main": {"nats": ["tls://n1:4222"]}}],
        json_schema_extra=becomes(),
    )
    tests: list[PolicyTestSpec] = Field(
        default=[],
        description="Policy tests: what must be allowed, refused and received. `check` judges their form, `up` "
        "tries each on a real server.",
        examples=[[{"as": "web/viewer", "can": {"subscribe": ["sensors.eu"]}}]],
        json_schema_extra=becomes(),
    )
    checks: ChecksSpec | None = Field(
        default=None,
        description="Which checks are switched off, and why. Default: none.",
        examples=[{"off": {"websocket-same-origin": "the proxy keeps the Host header"}}],
        json_schema_extra=becomes(),
    )
