"""Exports and imports: what accounts offer each other, and what they take; see `model.entities`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from natsbackend.errors import Location

ACCOUNT_TOKEN = "{{account-subject()}}"  # noqa: S105 - a word of the subject, no secret
"""Stands in an imported subject for the importer's own public key. Roles' templates know it by the same name."""


EVERYONE = "*"
"""Stands in revocations for all accounts."""


class Kind(enum.StrEnum):
    """What is exported or imported."""

    STREAM = "stream"
    SERVICE = "service"


class Response(enum.StrEnum):
    """How many messages answer a service request; the values are the wire's."""

    SINGLETON = "Singleton"
    STREAM = "Stream"
    CHUNKED = "Chunked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How many requests of a hundred are measured, or those with a tracing header, and where that is published."""

    sampling: int | Literal["headers"]
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideAccount:
    """An account that the spec does not make, and the name that the spec has for it."""

    name: str
    public_key: str
    at: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A stream or service that an account offers to others."""

    kind: Kind
    subject: str
    name: str = ""
    private: bool = False
    """Whether importers need an activation."""
    importers: tuple[str, ...] = ()
    """Who is named: accounts whose activations are made for them, and accounts outside, which are given theirs."""
    revoked: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Until which unix second activations do not count: by name of an account outside, public key, or `EVERYONE`."""
    response: Response | None = None
    response_threshold: int = 0
    """Nanoseconds; 0: the server's 2 minutes."""
    latency: Latency | None = None
    account_token_position: int = 0
    advertise: bool = False
    allow_trace: bool = False
    description: str = ""
    info_url: str = ""
    at: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """A stream or service taken from another account, under another subject if `local_subject` is set."""

    kind: Kind
    subject: str
    """As the exporter has it; `ACCOUNT_TOKEN` stands for the importer's public key."""
    account: str
    """The exporting account, by name."""
    outside_key: str | None = None
    """Its public key, if it is outside the spec."""
    name: str = ""
    local_subject: str | None = None
    token: str | None = None
    """The activation that it carries from outside, undecorated."""
    token_at: Location | None = field(default=None, compare=False, repr=False)
    share: bool = False
    allow_trace: bool = False
    at: Location | None = field(default=None, compare=False, repr=False)


def without_account_token(subject: str) -> str | None:
    """Return the subject without its account tokens, for use in the account itself; None if nothing nameable is left.

    The server refuses any other account's key there (nats-server 2.15 `accounts.go`, `checkAuth`), so nothing is
    lost, and no client has to know a key.
    """
    if ACCOUNT_TOKEN not in subject:
        return None
    tokens = subject.split(".")
    rest = [token for token in tokens if token != ACCOUNT_TOKEN]
    named = any(token not in ("*", ">") for token in rest)
    return ".".join(rest) if named and len(rest) < len(tokens) else None


def undecorated(text: str) -> str:
    """Return a token without the BEGIN and END lines that other tools put around it, and without line ends."""
    lines = (line.strip() for line in text.splitlines())
    return "".join(line for line in lines if not line.startswith("-----"))
