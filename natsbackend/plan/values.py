"""A plan as a value: what is wanted, what a target holds, and every difference with what it means.

Nothing here is secret and nothing here has authority: a plan is read by people, and `push --plan` compares its
digests before it does what it would have done anyway.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from natsbackend.claims.envelope import Token
from natsbackend.claims.unsigned import Unsigned
from natsbackend.errors import Diagnostic, Location


class Action(enum.StrEnum):
    """What becomes of an account, or of one word of it."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    RENEWED = "renewed"
    """Its words stay as they are, and yet it must be pushed: see `AccountChange.because`."""


class Impact(enum.StrEnum):
    """What a change does to those who are connected, worst first."""

    DISCONNECTS = "disconnects"
    """Connections end: a changed scope, a revocation, a lowered number of connections."""
    REFUSES = "refuses"
    """Something that worked until now is refused, on connections that stay."""
    NOT_EFFECTIVE = "not effective"
    """The servers that run now do not take it over: it holds after a restart."""
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """What a change means, in one sentence: lower case, no full stop."""

    impact: Impact
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One word of the spec whose value is another.

    `before` and `after` are written as in a spec (`10GiB`, `unlimited`, `[a.>, b]`); None where there is none.
    """

    where: str
    """What of the account: `limits`, `exports: stream sensors.>`, `roles: viewer`; empty for the account itself."""
    word: str
    """The word within it; empty if all of `where` is added or removed."""
    action: Action
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One account as the spec wants it, not signed yet."""

    name: str
    unsigned: Unsigned
    digest: str
    """`claims_digest` of its claims; empty if they hold a key that has yet to be made."""
    is_new: bool = False
    """Its identity has yet to be made, and the one in `unsigned` is a stand-in."""
    at: Location | None = field(default=None, compare=False)
    imports_at: tuple[Location | None, ...] = field(default=(), compare=False)
    """Where each of the `imports` of its claims stands in the spec, in their order; empty if that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """All that a spec and a lock want, in the order of the spec."""

    operator: Unsigned
    accounts: tuple[Wanted, ...]
    system_account: str
    """Its public key."""
    names: Mapping[str, str]
    """Every public key that the lock knows, retired ones too, to its spec path (`accounts/web/roles/viewer`)."""
    outside: Mapping[str, str] = field(default_factory=dict)
    """Public keys of accounts of others that the spec names, to their names."""
    owned: frozenset[str] = frozenset()
    """Public keys of accounts that this spec once had and no longer has."""
    new_keys: frozenset[str] = frozenset()
    """Public keys in the claims that stand for keys yet to be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What `build/` or a target holds."""

    source: str
    """For people: `build/`, or `target "main"`."""
    accounts: Mapping[str, Token]
    """By public key."""
    operators: tuple[Token, ...] = ()
    """The operators that the running servers trust, or that of `build/`."""
    is_live: bool = False

    unreadable: tuple[str, ...] = ()
    """Accounts whose stored text is no token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """One account that is not as it should be."""

    name: str
    """As in the spec; of a stranger to it, the name in its JWT."""
    public_key: str
    """Empty if its key has yet to be made."""
    action: Action
    changes: tuple[Change, ...] = ()
    consequences: tuple[Consequence, ...] = ()
    because: tuple[str, ...] = ()
    """Why an account whose words stay must be pushed all the same, one sentence each."""
    digest: str = ""
    """Of the claims that would be pushed."""
    held: str = ""
    """`jti` of the JWT that the target holds."""
    held_iat: int = 0
    """`iat` of that JWT. What is pushed needs a greater one: of a renewed account, too, since a server takes the same
    bytes again for no push at all (nats-server 2.15 `accounts.go`, "same claims detected")."""
    is_pruned: bool = False
    """A removed account that goes only with `--prune`."""
    at: Location | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChange:
    """A user whose creds are made, made anew, or who is gone."""

    path: str
    action: Action
    consequences: tuple[Consequence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityChange:
    """A path of the lock whose key is another than the one the target knows."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedNeed:
    """A seed that signing or pushing needs."""

    path: str
    public_key: str
    is_here: bool
    purposes: tuple[str, ...]
    """Paths of what it must sign; `push` for the one that logs in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """What a plan was made from: SHA-256, base64url without padding."""

    spec: str
    lock: str
    snapshot: str
    accounts: Mapping[str, str]
    """Account name to the digest of its claims."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that differs, and what that means."""

    source: str
    is_live: bool
    accounts: tuple[AccountChange, ...] = ()
    """Those that differ, in the order of the spec, removed ones last."""
    unchanged: int = 0
    operator: tuple[Change, ...] = ()
    operator_consequences: tuple[Consequence, ...] = ()
    server: tuple[Change, ...] = ()
    """What of `server` in the spec is not in the config as it was generated last."""
    server_consequences: tuple[Consequence, ...] = ()
    users: tuple[UserChange, ...] = ()
    keys_to_make: tuple[str, ...] = ()
    """Paths of the keys that `generate` would make."""
    seeds: tuple[SeedNeed, ...] = ()
    identities: tuple[IdentityChange, ...] = ()
    guards: tuple[str, ...] = ()
    """What `push` refuses without `--force`, one sentence each."""
    problems: tuple[Diagnostic, ...] = ()
    """What cannot work, whatever is forced."""
    digests: Digests | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be done; accounts that only `--prune` removes count as something."""
        return not (
            self.accounts
            or self.operator
            or self.server
            or self.server_consequences
            or self.users
            or self.keys_to_make
            or self.identities
        )
