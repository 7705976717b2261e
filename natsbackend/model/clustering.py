"""The cluster of a server, and its gateways to other clusters, as entities.

Times in nanoseconds; None leaves them to the server.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from natsbackend.errors import Location
from natsbackend.model.peers import Login, Peer
from natsbackend.model.serving import Listen, Tls

DEFAULT_CLUSTER_PORT = 6222
"""Where routes come in if the spec names no port; nats-server has no default of its own."""

DEFAULT_GATEWAY_PORT = 7222
"""The same for gateways."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSubjects:
    """Subjects that a route is for, and is not for; no `allow` is all."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePermissions:
    """Which interest crosses the routes of a server; None: all of it."""

    taken: RouteSubjects | None = None
    """What this server asks others for, `import`."""
    given: RouteSubjects | None = None
    """What others may ask it for, `export`."""

    def by_word(self) -> tuple[tuple[str, RouteSubjects | None], ...]:
        """Return both, with the word of each."""
        return ("import", self.taken), ("export", self.given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The cluster a server is part of."""

    name: str
    listen: Listen
    routes: tuple[Peer, ...] = ()
    tls: Tls | None = None
    authorization: Login | None = None
    permissions: RoutePermissions = RoutePermissions()
    advertise: str | None = None
    no_advertise: bool = False
    pool_size: int | None = None
    accounts: tuple[str, ...] = ()
    """Names of accounts with routes of their own."""
    compression: str | None = None
    ping_interval: int | None = None
    ping_max: int | None = None
    connect_retries: int | None = None
    connect_backoff: bool = False
    write_deadline: int | None = None
    write_timeout: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteGateway:
    """Another cluster."""

    name: str
    urls: tuple[Peer, ...]
    tls: Tls | None = None
    at: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """What joins a cluster to others."""

    name: str | None
    """The name of this cluster; None if neither the gateway nor a cluster names it."""
    listen: Listen
    tls: Tls | None = None
    authorization: Login | None = None
    advertise: str | None = None
    connect_retries: int | None = None
    connect_backoff: bool = False
    reject_unknown: bool = False
    write_deadline: int | None = None
    write_timeout: str | None = None
    gateways: tuple[RemoteGateway, ...] = ()
