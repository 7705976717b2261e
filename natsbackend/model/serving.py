"""The `server` section as entities: what goes into the config of nats-server.

Frozen values, in the units of the config: bytes, nanoseconds, ports. `at` never takes part in equality.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from natsbackend.errors import Location

if TYPE_CHECKING:
    from natsbackend.model.clustering import Cluster, Gateway
    from natsbackend.model.leafnodes import Leafnodes
    from natsbackend.model.mqtt import Mqtt

DEFAULT_PORT = 4222
"""Where clients connect if the spec names no port; nats-server's own default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """An address to listen on. Port None: the spec leaves it open, and the server's default holds."""

    host: str
    port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A further certificate of a listener and its key, as paths relative to where the server runs."""

    cert_file: str
    key_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Certificate and key of a listener, as paths relative to where the server runs."""

    cert_file: str
    key_file: str
    certs: tuple[Certificate, ...] = ()
    """Those for other names."""
    ca_file: str | None = None
    verify: bool = False
    min_version: str | None = None
    cipher_suites: tuple[str, ...] = ()
    curve_preferences: tuple[str, ...] = ()
    pinned_certs: tuple[str, ...] = ()
    """SHA-256 of public keys in hex; none: no restriction. Likewise the two above: the server's own."""
    timeout: int | None = None
    """Nanoseconds."""
    handshake_first: bool | int | str = False
    """True, `auto`, or after how many nanoseconds the server speaks first."""
    connection_rate_limit: int | None = None
    """Connections a second; None: no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """Limits of the whole server, by the names of its config: counts, bytes, nanoseconds. None: its default."""

    max_connections: int | None = None
    max_subscriptions: int | None = None
    max_payload: int | None = None
    max_pending: int | None = None
    max_control_line: int | None = None
    write_deadline: int | None = None
    auth_timeout: int | None = None
    ping_interval: int | None = None
    ping_max: int | None = None
    lame_duck_duration: int | None = None
    lame_duck_grace_period: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """The HTTP monitoring endpoint; whoever reaches it may read every account's JWT."""

    listen: Listen
    https: bool = False
    base_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """The cookie a browser's token comes in; the one source of it for every command."""

    name: str
    domain: str | None = None
    same_site: str = "Strict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Websocket:
    """The websocket listener. Without `tls` it is plain, for a proxy in front or for this machine alone."""

    listen: Listen
    tls: Tls | None = None
    cookie: Cookie | None = None
    allowed_origins: tuple[str, ...] = ()
    same_origin: bool = False
    compression: bool = False
    handshake_timeout: int | None = None
    """Nanoseconds."""
    auth_timeout: int | None = None
    """Whole seconds, since the server reads no others here."""
    advertise: str | None = None
    ping_interval: int | None = None
    """Nanoseconds."""
    headers: Mapping[str, str] = field(default_factory=dict)
    user_cookie: str | None = None
    pass_cookie: str | None = None
    token_cookie: str | None = None
    at: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """Where a secret stands: in a variable of the server's environment, or in a file; one of the two."""

    env: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Encryption:
    """Encryption of what JetStream stores."""

    key: Secret
    previous_key: Secret | None = None
    cipher: str = "chacha"


@dataclass(frozen=True, slots=True, kw_only=True)
class JetStreamTuning:
    """How JetStream works on the server, by the names of its config. None, False, nothing: its default.

    Sizes in bytes, times in nanoseconds.
    """

    limits: Mapping[str, int] = field(default_factory=dict)
    batch: Mapping[str, int] = field(default_factory=dict)
    """Limits of batches of messages."""
    sync_interval: int | str | None = None
    """Nanoseconds, or `always`."""
    strict: bool = True
    unique_tag: str | None = None
    max_outstanding_catchup: int | None = None
    max_buffered_size: int | None = None
    max_buffered_msgs: int | None = None
    request_queue_limit: int | None = None
    info_queue_limit: int | None = None
    meta_compact: int | None = None
    meta_compact_size: int | None = None
    meta_compact_sync: bool = False
    max_concurrent_io: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerJetStream:
    """JetStream on the server. Sizes in bytes; None leaves them to the server."""

    store_dir: str
    memory: int | None = None
    disk: int | None = None
    domain: str | None = None
    encryption: Encryption | None = None
    tuning: JetStreamTuning = JetStreamTuning()


class ResolverKind(enum.StrEnum):
    """Where the server has account JWTs from; the values are the spec's."""

    FULL = "full"
    CACHE = "cache"
    MEMORY = "memory"
    URL = "url"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolverTls:
    """TLS towards an HTTP server that is asked for JWTs; paths relative to where the server runs."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """The resolver of account JWTs. Times in nanoseconds; None leaves them to the server."""

    kind: ResolverKind = ResolverKind.FULL
    dir: str = "jwt"
    url: str | None = None
    tls: ResolverTls | None = None
    allow_delete: bool = False
    hard_delete: bool = False
    interval: int | None = None
    timeout: int | None = None
    limit: int | None = None
    ttl: int | None = None
    pinned: tuple[str, ...] | None = None
    """Names of the only accounts whose users may connect, the system account left out; None: all may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The log of the server, by the words of the spec. Sizes in bytes; None leaves them to the server."""

    file: str | None = None
    size_limit: int | None = None
    max_files: int | None = None
    utc: bool = False
    debug: bool = False
    trace: bool = False
    trace_length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What goes into the config of nats-server."""

    name: str | None = None
    listen: Listen = Listen(host="127.0.0.1")
    tls: Tls | None = None
    advertise: str | None = None
    limits: ServerLimits = ServerLimits()
    monitor: Monitor | None = None
    jetstream: ServerJetStream | None = None
    resolver: Resolver = Resolver()
    websocket: Websocket | None = None
    log: Log = Log()
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    proxies: tuple[str, ...] | None = None
    """Public keys of the trusted ones; None: the spec says nothing of proxies."""
    default_sentinel: str | None = None
    """ACCOUNT/USER, as it is written; see `sentinel.find_sentinel`."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Options as they are, each one of `server_options.RAW`."""
    mqtt: Mqtt | None = None
    leafnodes: Leafnodes | None = None
    cluster: Cluster | None = None
    gateway: Gateway | None = None
    at: Location | None = field(default=None, compare=False, repr=False)
    places: Mapping[tuple[str | int, ...], Location] = field(default_factory=dict, compare=False, repr=False)
    """Where each word of the section, and each element of its lists, is written."""
