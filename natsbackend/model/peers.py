"""Entities that leaf nodes, clusters and gateways share: how a server finds another, and what they show each other."""

from __future__ import annotations

from dataclasses import dataclass, field

from natsbackend.errors import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The URL of another server: itself, or the name of a variable in the server's environment that holds it."""

    url: str | None = None
    env: str | None = None
    at: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """User and password between servers; the password is the name of a variable in the server's environment."""

    user: str
    password: str
    timeout: int | None = None
    """Nanoseconds."""
