"""Entities that leaf nodes, clusters and gateways share: how a server finds another, and what they show each other."""

from __future__ import annotations

from dataclasses import dataclass, field

from natsbackend.errors import Location
from natsbackend.model.serving import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The URL of another server: itself, or where it stands if it holds a login."""

    url: str | None = None
    secret: Secret | None = None
    at: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """User and password between servers."""

    user: str
    password: Secret
    timeout: int | None = None
    """Nanoseconds."""
