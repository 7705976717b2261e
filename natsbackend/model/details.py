"""What operators and accounts say besides keys, limits, sharing and users.

Frozen values in the units of the wire: unix seconds, percent. `places` holds where each word is written, by its
path below the operator or account; it never takes part in equality.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from natsbackend.errors import Location

if TYPE_CHECKING:
    from natsbackend.model.entities import JetStreamLimits, Permissions

Places = Mapping[tuple[str | int, ...], Location]

ANY_ACCOUNT = "*"
"""An auth callout service may place users in every account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """From when to when a JWT is valid, in unix seconds; None is open."""

    not_before: int | None = None
    expires: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorDetails:
    """The operator's words for clients, tools and servers."""

    service_urls: tuple[str, ...] = ()
    account_server_url: str = ""
    assert_server_version: str = ""
    tags: tuple[str, ...] = ()
    validity: Validity = Validity()
    claims: Mapping[str, object] = field(default_factory=dict, hash=False)
    """Members for the JWT as they are, none of which has a word."""
    places: Places = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingTarget:
    """Where messages of a mapped subject go: how many of a hundred, and in which cluster."""

    subject: str
    weight: int | None = None
    """Percent; None: all of them."""
    cluster: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Where traces of messages go that carry a `traceparent`, and of how many percent of them."""

    to: str
    sampling: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalAuthorization:
    """An auth callout: who answers it, where users may be placed, and the key that seals requests."""

    users: tuple[str, ...]
    """Users of this account, by name."""
    accounts: tuple[str, ...] = ()
    """Accounts by name, or `ANY_ACCOUNT` alone."""
    outside: Mapping[str, str] = field(default_factory=dict, hash=False)
    """The public keys of those that are outside the spec."""
    xkey_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDetails:
    """An account's words besides its limits, sharing, roles and users."""

    description: str = ""
    info_url: str = ""
    tags: tuple[str, ...] = ()
    validity: Validity = Validity()
    cluster_traffic: str = ""
    disallow_bearer: bool = False
    tiers: Mapping[str, JetStreamLimits] = field(default_factory=dict)
    """JetStream limits by tier, `R1`, `R3`, …; they exclude flat ones."""
    default_permissions: Permissions | None = None
    """For users that have none of their own (`permissions: account_default`)."""
    mappings: Mapping[str, tuple[MappingTarget, ...]] = field(default_factory=dict)
    trace: Trace | None = None
    external_authorization: ExternalAuthorization | None = None
    revocations: Mapping[str, int] = field(default_factory=dict)
    """By user key, user name or name on a role's token; `*` is everyone. Unix seconds."""
    claims: Mapping[str, object] = field(default_factory=dict, hash=False)
    """Members for the JWT as they are, none of which has a word."""
    places: Places = field(default_factory=dict, compare=False, repr=False)
