"""What a proof is, and what it takes: identities to connect with, endpoints to connect to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from natsbackend.errors import Location
from natsbackend.keys import KeyPair
from natsbackend.model.entities import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One thing that was tried on a real server, and whether it came out as the spec says."""

    id: str
    """Stable kebab-case kind: `cookie-login-accepted`, …, `policy`, `delivery`."""
    title: str
    """What holds if the proof passed, in one line: `web/viewer as 'alice' can subscribe sensors.eu.>`."""
    passed: bool
    expected: str
    observed: str
    """What happened instead or as well; the server's own words where it said any."""
    at: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What somebody shows to the server."""

    jwt: str = field(repr=False)
    key: KeyPair | None = None
    """The key that signs the nonce; None for a bearer."""


class Identities(Protocol):
    """Where tokens come from: throwaway ones for `up`, minted ones for `verify`."""

    def of(self, principal: Principal) -> Identity:
        """Return a valid identity of a principal, with exactly its name and tags."""

    def unsigned(self) -> Identity:
        """Return a valid identity, with its key, of any user that is no bearer: unsigned, it must fail.

        It must be allowed to connect over a websocket once it signs, or the proof shows nothing and fails.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the server listens."""

    nats: str
    """`nats://host:port`, or `tls://` to insist on TLS."""
    websocket: str | None = None
    """`ws://host:port` or `wss://…`; None if there is no such listener."""
    origin: str | None = None
    """An Origin that is allowed; None sends none, as a program does and a browser never."""
    foreign_origin: str = "https://attacker.example"
    ca_file: str | None = None
    """The certificates to trust instead of the system's."""
