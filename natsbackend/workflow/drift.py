"""What `status` finds: every difference between a spec with its lock and what a target holds and does."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from natsbackend.errors import Location
from natsbackend.resolvers.interface import Effect, ServerInfo


class Code(enum.StrEnum):
    """What kind of drift it is; stable, for programs."""

    SERVER_MISSING = "server-missing"
    """A server that is expected does not answer."""
    OPERATOR_DIFFERS = "operator-differs"
    """Servers run with another operator JWT than the spec's."""
    NOT_GENERATED = "not-generated"
    """The spec says something that `generate` has not recorded yet."""
    ACCOUNT_MISSING = "account-missing"
    """A server does not hold an account of the lock."""
    ACCOUNT_DIFFERS = "account-differs"
    """A server holds another JWT of an account than the lock records."""
    ISSUER_NOT_TRUSTED = "issuer-not-trusted"
    """The JWT that a server holds is signed by nobody whom it trusts, or by nobody at all."""
    NOT_IN_EFFECT = "not-in-effect"
    """A server holds a JWT and does not work with it."""
    IMPORT_DROPPED = "import-dropped"
    """A server works with an account, without one of its imports."""
    UNREADABLE = "unreadable"
    """What is stored for an account is no JWT."""
    ACCOUNT_DROPPED = "account-dropped"
    """An account that the spec has dropped is still live; `push --prune` ends it."""
    TOMBSTONE = "tombstone"
    """An account has been ended, and its deletion waits for every server."""
    STRANGER = "stranger"
    """The target holds an account that neither the spec nor its `outside` knows."""
    EXPIRES = "expires"
    """Something ends in the time that was asked about, or has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One thing that is not as the spec and the lock say."""

    code: Code
    text: str
    """One sentence: lower case, no full stop."""
    account: str = ""
    """Its name in the spec; of a stranger, that in its JWT; empty where it is not about an account."""
    servers: tuple[str, ...] = ()
    """Where; empty where it is not about certain servers."""
    details: tuple[str, ...] = ()
    """Lines: the words that differ, from what is there to what the spec says."""
    hint: str = ""
    at: Location | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """One account of the spec on the servers."""

    name: str
    public_key: str
    issued_at: int
    """`iat` that the lock records; -1 where it records none."""
    in_sync: Mapping[str, bool] = field(default_factory=dict)
    """Server name to whether it holds what the lock records; a server that did not answer is absent."""
    held: Mapping[str, str] = field(default_factory=dict)
    """Server name to the `jti` of what it holds; empty if it holds nothing, or no JWT."""
    effective: Mapping[str, Effect] = field(default_factory=dict)
    """Server name to what it makes of the account."""
    expires: int | None = None
    """Unix seconds, by what is held; None: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What was found."""

    target: str
    at: int
    """When it was looked at. Unix seconds."""
    servers: tuple[ServerInfo, ...]
    expected: int | None
    """How many servers there should be, where the target says so."""
    accounts: tuple[AccountState, ...]
    drifts: tuple[Drift, ...]

    @property
    def is_clean(self) -> bool:
        """Whether everything is as the spec says, and nothing ends soon."""
        return not self.drifts
