"""What the spec means: names linked, defaults filled, every element still knowing where it was written.

All values are frozen. Numbers are in the units of the wire: bytes, seconds, counts; `UNLIMITED` (-1) is no limit.
`at` never takes part in equality: a spec moved within its file is not a change.
Key paths (`accounts/web/roles/viewer`) name keys in the lock and the key stores; they are made of escaped names.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from natsbackend.errors import Location
from natsbackend.model.connection_types import ConnectionType as ConnectionType
from natsbackend.model.details import AccountDetails, OperatorDetails
from natsbackend.model.holders import Holders
from natsbackend.model.names import escape
from natsbackend.model.offers import Offers
from natsbackend.model.serving import Server
from natsbackend.model.sharing import Export as Export
from natsbackend.model.sharing import Import as Import
from natsbackend.model.sharing import Kind as Kind
from natsbackend.model.sharing import OutsideAccount as OutsideAccount
from natsbackend.model.sharing import Response as Response
from natsbackend.model.switched import SwitchedOff
from natsbackend.model.targets import Target as Target
from natsbackend.model.written import Written

UNLIMITED = -1

OPERATOR_PATH = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """The eight base limits of an account; those of zero alone are left out of the JWT, as Go does."""

    subscriptions: int = UNLIMITED
    data: int = UNLIMITED
    payload: int = UNLIMITED
    imports: int = UNLIMITED
    exports: int = UNLIMITED
    wildcard_exports: bool = True
    connections: int = UNLIMITED
    leaf_nodes: int = UNLIMITED


@dataclass(frozen=True, slots=True, kw_only=True)
class JetStreamLimits:
    """An account's share of JetStream. JetStream is on if disk or memory is not zero."""

    memory: int = 0
    disk: int = 0
    streams: int = UNLIMITED
    consumers: int = UNLIMITED
    max_ack_pending: int = UNLIMITED
    memory_max_stream: int = UNLIMITED
    disk_max_stream: int = UNLIMITED
    max_bytes_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLimits:
    """The limits of a user, or of the template of a role."""

    subscriptions: int = UNLIMITED
    data: int = UNLIMITED
    payload: int = UNLIMITED


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """A part of the day, each end as `HH:MM:SS`; it goes over midnight if it ends before it starts."""

    start: str
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restrictions:
    """From where and when a connection may be made; what is empty restricts nothing."""

    sources: tuple[str, ...] = ()
    times: tuple[TimeWindow, ...] = ()
    time_zone: str | None = None
    """The zone of the times; None for that of whatever server is asked."""
    proxy_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One subject (a subscription may add ` queue`) that is allowed or denied, and the word it comes from."""

    subject: str
    origin: str
    """The word of the spec: `publish`, `request`, `inbox`, …."""
    at: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What may be done in one direction. Without `unrestricted`, what is not allowed is denied."""

    allow: tuple[Grant, ...] = ()
    deny: tuple[Grant, ...] = ()
    unrestricted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsePermission:
    """The right to answer what was delivered: at most `max` messages within `ttl` nanoseconds (0: 2 minutes)."""

    max: int = 1
    ttl: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What a user or the template of a role may do."""

    publish: Rules = Rules()
    subscribe: Rules = Rules()
    responses: ResponsePermission | None = None
    inbox: str | None = None
    """The prefix under which replies come in, without a trailing dot; None if there is none."""
    account_default: bool = False
    """Whether the account's default permissions decide, which the server takes where a user has none at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A plain signing key of an operator or an account, by its name."""

    name: str
    path: str
    was: str | None = None
    at: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A scoped signing key: the server enforces its template on every user it signs."""

    name: str
    path: str
    was: str | None = None
    description: str = ""
    permissions: Permissions = Permissions()
    limits: UserLimits = UserLimits()
    bearer: bool = False
    connection_types: tuple[ConnectionType, ...] = ()
    restrictions: Restrictions = Restrictions()
    claims: Mapping[str, object] = field(default_factory=dict, hash=False)
    """Members for the JWT as they are, none of which has a word."""
    ttl: int | None = None
    """The longest life of a token of this role, in seconds; None if the spec sets none."""
    at: Location | None = field(default=None, compare=False, repr=False)

    @property
    def websocket(self) -> bool:
        """Whether a browser can use it: a bearer token, and nothing but a websocket to use it on."""
        return self.bearer and ConnectionType.WEBSOCKET in self.connection_types


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user that stands in the spec and gets creds. With a role it has no permissions or limits of its own."""

    name: str
    path: str
    was: str | None = None
    role: str | None = None
    permissions: Permissions = Permissions()
    limits: UserLimits = UserLimits()
    bearer: bool = False
    connection_types: tuple[ConnectionType, ...] = ()
    restrictions: Restrictions = Restrictions()
    tags: tuple[str, ...] = ()
    claims: Mapping[str, object] = field(default_factory=dict, hash=False)
    """Members for the JWT as they are, none of which has a word."""
    signing_key: str | None = None
    """The name of the account's plain key that signs it; None for the first one."""
    expires: int | None = None
    """Unix seconds."""
    not_before: int | None = None
    """Unix seconds."""
    at: Location | None = field(default=None, compare=False, repr=False)

    @property
    def websocket(self) -> bool:
        """Whether a browser can use it, as for a role."""
        return self.bearer and ConnectionType.WEBSOCKET in self.connection_types


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account with everything in it."""

    name: str
    path: str
    was: str | None = None
    limits: AccountLimits = AccountLimits()
    jetstream: JetStreamLimits = JetStreamLimits()
    exports: tuple[Export, ...] = ()
    imports: tuple[Import, ...] = ()
    signing_keys: tuple[SigningKey, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)
    users: Mapping[str, User] = field(default_factory=dict)
    details: AccountDetails = AccountDetails()
    at: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """The root of trust."""

    name: str
    was: str | None = None
    signing_keys: tuple[SigningKey, ...] = ()
    require_signing_keys: bool = True
    system_account: str = "SYS"
    details: OperatorDetails = OperatorDetails()
    at: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who acts in a policy test: a user of the spec, or a role with the name and tags of a token."""

    account: str
    user: str | None = None
    role: str | None = None
    name: str | None = None
    tags: tuple[str, ...] = ()
    at: Location | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        if self.user is not None:
            return f"{self.account}/{self.user}"
        return f"{self.account}/{self.role} as {self.name!r}"


class Action(enum.StrEnum):
    """What a policy test tries."""

    PUBLISH = "publish"
    SUBSCRIBE = "subscribe"
    REQUEST = "request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A policy test: this principal can, or cannot, do this with this subject."""

    who: Principal
    action: Action
    subject: str
    allowed: bool
    at: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A policy test: a message published by `sender` reaches, or does not reach, each of these."""

    sender: Principal
    subject: str
    reaches: tuple[Principal, ...] = ()
    not_reaches: tuple[Principal, ...] = ()
    at: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """The whole of it."""

    operator: Operator
    accounts: Mapping[str, Account]
    server: Server | None = None
    targets: Mapping[str, Target] = field(default_factory=dict)
    tests: tuple[Decision | Delivery, ...] = ()
    checks_off: Mapping[str, SwitchedOff] = field(default_factory=dict)
    """The checks that are switched off, by id."""
    outside: Mapping[str, OutsideAccount] = field(default_factory=dict)
    """Accounts of others, by the name that the spec has for each; none of them is made or pushed."""
    offers: Offers = field(init=False, compare=False, repr=False)
    """The exports and imports of all accounts, to be found by subject."""
    holders: Holders = field(init=False, compare=False, repr=False)
    """The roles and users that hold permissions, for rules about what they may do."""
    written: Written = field(init=False, compare=False, repr=False)
    """The subjects of all accounts, for rules about how they are written."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "offers", Offers(self.accounts))
        object.__setattr__(self, "holders", Holders(self.accounts))
        object.__setattr__(self, "written", Written(self.accounts))

    @property
    def system_account(self) -> Account:
        """The system account; resolving a spec makes it if the spec does not describe it."""
        return self.accounts[self.operator.system_account]


def account_path(name: str) -> str:
    """Return the key path of an account."""
    return f"accounts/{escape(name)}"


def operator_signing_path(key: str) -> str:
    """Return the key path of an operator signing key."""
    return f"operator/signing/{escape(key)}"


def signing_path(account: str, key: str) -> str:
    """Return the key path of an account's plain signing key."""
    return f"{account_path(account)}/signing/{escape(key)}"


def xkey_path(account: str) -> str:
    """Return the key path of the curve key that seals an account's auth callout requests."""
    return f"{account_path(account)}/xkey"


def role_path(account: str, role: str) -> str:
    """Return the key path of a role's scoped signing key."""
    return f"{account_path(account)}/roles/{escape(role)}"


def user_path(account: str, user: str) -> str:
    """Return the key path of a user of the spec."""
    return f"{account_path(account)}/users/{escape(user)}"
