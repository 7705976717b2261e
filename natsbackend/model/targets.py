"""Where accounts are pushed to: a value of the backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from natsbackend.errors import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTls:
    """Files in PEM for connections to a target."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where accounts are pushed to: running servers by their `urls`, or one holder that servers read from.

    Paths are joined with the folder of the file that they stand in.
    """

    name: str
    urls: tuple[str, ...] = ()
    servers: int | None = None
    """How many servers must answer; None: counted."""
    creds: str | None = None
    context: str | None = None
    tls: TargetTls | None = None
    http: str | None = None
    directory: str | None = None
    config: str | None = None
    pid_file: str | None = None
    at: Location | None = field(default=None, compare=False, repr=False)
    places: tuple[Location, ...] = field(default=(), compare=False, repr=False)
    """Where each URL stands."""
    words: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)
    """Where each word of it stands."""

    @property
    def is_live(self) -> bool:
        """Whether running servers are asked; everything else is one holder, which knows of no effects."""
        return self.http is None and self.directory is None and self.config is None

    @property
    def mints(self) -> bool:
        """Whether the login is minted from a role of the system account, whose seed is needed then."""
        return self.is_live and self.creds is None and self.context is None

    @property
    def where(self) -> str:
        """Name the place for a person."""
        return self.http or self.directory or self.config or ", ".join(self.urls)
