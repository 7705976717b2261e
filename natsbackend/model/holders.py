"""Who may hold what: the roles and users of a backend as the server sees them, and those that a browser can be.

A user with a role has nothing of its own, so whatever is said of its role is said of it, and only once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from natsbackend.errors import Location
from natsbackend.model.connection_types import ConnectionType
from natsbackend.subjects import intersect, is_subset, split_queue

if TYPE_CHECKING:
    from natsbackend.model.entities import Account, Backend, Grant, Permissions, Role, Rules, User

_BROWSER_TYPES = frozenset({ConnectionType.WEBSOCKET, ConnectionType.MQTT_WS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A role, or a user without one, in its account."""

    account: Account
    entity: Role | User
    noun: Literal["role", "user"]

    @property
    def shown(self) -> str:
        """What it is called in a message."""
        return f'{self.noun} "{self.entity.name}"'

    @property
    def at(self) -> Location | None:
        """Where it is written."""
        return self.entity.at

    @property
    def browser(self) -> bool:
        """Whether a browser can hold its token: a bearer with a websocket, or what has nothing but websockets."""
        types = set(self.entity.connection_types)
        if types and types <= _BROWSER_TYPES:
            return True
        return self.entity.bearer and (not types or bool(types & _BROWSER_TYPES))

    @property
    def permissions(self) -> Permissions:
        """What holds for it: its own permissions, or the account's default ones where it leaves it to them."""
        own, default = self.entity.permissions, self.account.details.default_permissions
        return default if own.account_default and default is not None else own


class Holders:
    """All holders of a backend. They are put together when the first rule asks: some twenty do."""

    __slots__ = ("_accounts", "_browsers", "_everybody")

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = accounts
        self._everybody: tuple[Holder, ...] | None = None
        self._browsers: tuple[Holder, ...] | None = None

    def everybody(self) -> tuple[Holder, ...]:
        """Return every role, and every user without one, in the order of the spec."""
        if self._everybody is None:
            self._everybody = tuple(_holders(self._accounts))
        return self._everybody

    def browsers(self) -> tuple[Holder, ...]:
        """Return those whose token a browser can hold, in the order of the spec."""
        if self._browsers is None:
            self._browsers = tuple(holder for holder in self.everybody() if holder.browser)
        return self._browsers


def _holders(accounts: Mapping[str, Account]) -> Iterator[Holder]:
    for account in accounts.values():
        for role in account.roles.values():
            yield Holder(account=account, entity=role, noun="role")
        for user in account.users.values():
            if user.role is None:
                yield Holder(account=account, entity=user, noun="user")


def holders(backend: Backend) -> tuple[Holder, ...]:
    """Return every role, and every user without one, in the order of the spec."""
    return backend.holders.everybody()


def browsers(backend: Backend) -> tuple[Holder, ...]:
    """Return the roles and users whose token a browser can hold, in the order of the spec."""
    return backend.holders.browsers()


def subscribable(grant: Grant) -> str:
    """Return all that may be subscribed to by an allowed subscription, its queue group left out.

    One that ends in `*` admits one that ends in `>` (nats-server 2.15 `client.go`, `canSubscribe`).
    """
    subject, _ = split_queue(grant.subject)
    return f"{subject[:-1]}>" if subject == "*" or subject.endswith(".*") else subject


def is_everything(subject: str) -> bool:
    """Tell whether a subject is `>`, or `*.>` and the like, which leave next to nothing out."""
    if not subject.startswith((">", "*")):
        return False
    tokens = subject.split(".")
    return tokens[-1] == ">" and set(tokens) <= {"*", ">"}


def is_denied(subject: str, denied: Iterable[Grant]) -> bool:
    """Tell whether a deny list takes all of a subject back; one of a queue group alone takes nothing back."""
    return any(split_queue(d.subject)[1] is None and is_subset(subject, d.subject) for d in denied)


def publish_reaches(rules: Rules, wanted: str) -> Iterator[Grant]:
    """Return the grants by which something of a pattern may be published; templates count as text.

    The first token of the pattern is no wildcard.
    """
    beginnings = (wanted.partition(".")[0], "*", ">")
    for grant in rules.allow:
        if not grant.subject.startswith(beginnings):
            continue
        common = intersect(grant.subject, wanted)
        if common is not None and not is_denied(common, rules.deny):
            yield grant
