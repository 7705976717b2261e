"""The shape of the spec's `server` and `targets`; see `spec.models`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, Tag

from natsbackend.spec.secret_models import SecretSpec
from natsbackend.spec.server_about_models import LogSpec, ProxiesSpec, ServerTag
from natsbackend.spec.shape import BOOLEAN, MAP, NUMBER, TEXT, Model, becomes, by_shape
from natsbackend.spec.units import (
    Connections,
    Nanoseconds,
    PositiveLimit,
    PositiveNanoseconds,
    Size,
    Subscriptions,
)

Listen = Annotated[
    Annotated[str, Tag(TEXT)] | Annotated[int, Tag(NUMBER)],
    by_shape("HOST:PORT, or a port"),
]


class TlsSpec(Model):
    """Certificate of a listener."""

    cert_file: str = Field(description="PEM file; relative paths begin at the directory the server runs in.")
    key_file: str = Field(description="PEM file of the private key.")
    ca_file: str | None = Field(
        default=None, description="PEM file of the authorities that client certificates come from."
    )
    verify: bool = Field(default=False, description="Whoever connects needs a certificate of the `ca_file`.")
    min_version: Literal["1.2", "1.3"] | None = Field(
        default=None, description="The oldest version of TLS. Default: 1.2."
    )


class ClientTlsSpec(TlsSpec):
    """TLS of the listener for clients."""

    timeout: PositiveNanoseconds | None = Field(
        default=None, description="Longest handshake. Default: the server's 2s.", examples=["5s"]
    )
    handshake_first: Annotated[
        Annotated[bool, Tag(BOOLEAN)] | Annotated[Literal["auto"], Tag(TEXT)],
        by_shape("`true`, `false` or `auto`"),
    ] = Field(
        default=False,
        description="TLS before the server's first word; `auto`: also clients that wait for that word.",
    )


class ServerLimitsSpec(Model):
    """Limits of the whole server, under the names they have in its config. What is not given is its default."""

    max_connections: Connections | None = Field(
        default=None, description="Most clients. Default: 65536.", examples=[10000]
    )
    max_subscriptions: Subscriptions | None = Field(
        default=None, description="Most subscriptions of one connection. Default: unlimited."
    )
    max_payload: Size | None = Field(
        default=None, description="Largest message. Default: 1MiB.", examples=["2MiB"]
    )
    max_pending: Size | None = Field(
        default=None, description="Most bytes that wait for a slow client. Default: 64MiB."
    )
    max_control_line: Size | None = Field(
        default=None,
        description="Longest line of the protocol, CONNECT with its JWT included. Default: 4KiB.",
    )
    write_deadline: PositiveNanoseconds | None = Field(
        default=None, description="Longest write to a client that does not read. Default: 10s."
    )
    ping_interval: PositiveNanoseconds | None = Field(
        default=None, description="Time between pings. Default: 2m."
    )
    ping_max: int | None = Field(
        default=None, ge=1, description="Unanswered pings until a client counts as gone. Default: 2."
    )
    lame_duck_duration: PositiveNanoseconds | None = Field(
        default=None, description="Time over which clients are sent away before a stop. Default: 2m."
    )
    lame_duck_grace_period: PositiveNanoseconds | None = Field(
        default=None, description="Time before the first one is. Default: 10s."
    )


class MonitorSpec(Model):
    """The HTTP monitoring endpoint. It needs no login, and shows every account's JWT."""

    listen: Listen | None = Field(
        default=None,
        description="HOST:PORT. Default, also for a port alone: 127.0.0.1; port 8222.",
        examples=["127.0.0.1:8222"],
    )
    https: bool = Field(default=False, description="HTTPS, with the certificate of `server.tls`.")
    base_path: str | None = Field(
        default=None, description="Path that all pages are below.", examples=["/nats"]
    )


class CookieSpec(Model):
    """The cookie the browser's token comes in; every command takes it from here."""

    name: str = Field(description="Its name.", examples=["nats_token", "__Host-nats"])
    domain: str | None = Field(default=None, description="Its domain. Default: the host alone.")
    same_site: Literal["Strict", "Lax", "None"] = Field(
        default="Strict", description="Its SameSite attribute."
    )


class WebsocketSpec(Model):
    """The websocket listener."""

    listen: Listen | None = Field(
        default=None, description="HOST:PORT. Default: every address, port 8443 with TLS, 8080 without."
    )
    tls: TlsSpec | None = Field(default=None, description="Certificate and key.")
    no_tls: bool = Field(default=False, description="Plain websockets: behind a proxy that ends TLS.")
    cookie: CookieSpec | None = Field(
        default=None, description="Read the JWT from this cookie (`jwt_cookie`)."
    )
    allowed_origins: list[str] | None = Field(
        default=None,
        description="Origins whose pages may connect. Required with a cookie.",
        examples=[["https://app.example.com"]],
    )
    same_origin: bool = Field(
        default=False, description="Only pages of the listener's own origin; not behind a proxy."
    )
    compression: bool = Field(default=False, description="Compress messages.")
    handshake_timeout: Nanoseconds | None = Field(
        default=None, description="Longest upgrade.", examples=["2s"]
    )
    advertise: str | None = Field(default=None, description="HOST:PORT told to clients and other servers.")
    ping_interval: PositiveNanoseconds | None = Field(
        default=None,
        description="Time between pings to browsers, shorter than what a proxy takes for idle. "
        "Default: that of `limits`.",
        examples=["30s"],
    )
    headers: dict[str, str] = Field(
        default={}, description="Headers of the answer to an upgrade.", examples=[{"X-Served-By": "n1"}]
    )
    user_cookie: str | None = Field(
        default=None, description="Cookie with a user name, for an authorization callout."
    )
    pass_cookie: str | None = Field(
        default=None, description="Cookie with a password, for an authorization callout."
    )
    token_cookie: str | None = Field(
        default=None, description="Cookie with a token that is no JWT, for an authorization callout."
    )


class EncryptionSpec(Model):
    """Encryption of what JetStream stores."""

    key: SecretSpec = Field(
        description="The key.", examples=[{"env": "NATS_JETSTREAM_KEY"}, {"file": "js.key"}]
    )
    previous_key: SecretSpec | None = Field(
        default=None, description="The key before, while what is stored still needs it (`prev_key`)."
    )
    cipher: Literal["chacha", "aes"] = Field(default="chacha", description="The cipher.")


class ServerJetStreamSpec(Model):
    """JetStream on the server."""

    store_dir: str = Field(default="data/jetstream", description="Where streams are stored.")
    memory: Size | None = Field(default=None, description="Most memory (`max_memory_store`).")
    disk: Size | None = Field(default=None, description="Most disk (`max_file_store`).")
    domain: str | None = Field(
        default=None, description="Its JetStream domain, one name without dots.", examples=["hub"]
    )
    encryption: EncryptionSpec | None = Field(
        default=None, description="Encryption of what is stored. Default: none."
    )


class ResolverTlsSpec(Model):
    """TLS towards the HTTP server that the resolver asks."""

    ca_file: str | None = Field(
        default=None,
        description="PEM file of the authorities that its certificate comes from. Default: those the machine trusts.",
        json_schema_extra=becomes("resolver_tls.ca_file"),
    )
    cert_file: str | None = Field(
        default=None,
        description="PEM file of a certificate to show it; with `key_file`.",
        json_schema_extra=becomes("resolver_tls.cert_file"),
    )
    key_file: str | None = Field(
        default=None,
        description="PEM file of the private key of `cert_file`.",
        json_schema_extra=becomes("resolver_tls.key_file"),
    )


class ResolverSpec(Model):
    """Where the server keeps account JWTs."""

    type: Literal["full", "cache", "memory", "url"] = Field(
        default="full",
        description="`full`: on disk, in sync over the cluster; the only one that `push` can fill. `cache`: some of "
        "them on disk, the others asked of a full one in the cluster. `memory`: all JWTs stand in the config. `url`: "
        "asked of an HTTP server.",
    )
    dir: str = Field(default="data/jwt", description="Directory of the JWTs (`full`, `cache`).")
    url: str | None = Field(
        default=None,
        description="Address below which each JWT is found by the account's public key (`url`). It must answer "
        "200 itself when the server starts, and cannot hold `mem`.",
        examples=["https://accounts.example.com/jwt/v1/accounts/"],
    )
    tls: ResolverTlsSpec | None = Field(
        default=None,
        description="TLS towards that HTTP server, where the machine's authorities do not do (`url`).",
        examples=[{"ca_file": "accounts-ca.crt"}],
    )
    allow_delete: bool = Field(default=False, description="Accounts may be deleted by a signed request.")
    hard_delete: bool = Field(default=False, description="Deleted files are removed, not renamed.")
    interval: Nanoseconds | None = Field(default=None, description="Time between syncs.", examples=["2m"])
    timeout: Nanoseconds | None = Field(default=None, description="Longest look-up in the cluster.")
    limit: PositiveLimit | None = Field(
        default=None, description="Most JWTs kept. Default: unlimited; 1000 in a cache."
    )
    ttl: PositiveNanoseconds | None = Field(
        default=None, description="Time a cache keeps a JWT. Default: until it expires.", examples=["1h"]
    )
    pinned: list[str] | None = Field(
        default=None,
        description="The only accounts, by name, whose users may connect here; the system account is always one of "
        "them (`resolver_pinned_accounts`).",
        examples=[["web"]],
    )


class ServerSpec(Model):
    """The config of nats-server."""

    name: str | None = Field(default=None, description="server_name.")
    listen: Listen | None = Field(
        default=None,
        description="HOST:PORT for clients. Default: every address, port 4222.",
        examples=["0.0.0.0:4222"],
    )
    tls: ClientTlsSpec | None = Field(
        default=None, description="Certificate of the listener for clients. Default: none, plain."
    )
    advertise: str | None = Field(
        default=None, description="HOST:PORT told to clients instead of `listen` (`client_advertise`)."
    )
    limits: ServerLimitsSpec | None = Field(default=None, description="Limits of the whole server.")
    monitor: MonitorSpec | None = Field(
        default=None, description="HTTP monitoring, `{}` for loopback port 8222. Default: off."
    )
    jetstream: Annotated[
        Annotated[bool, Tag(BOOLEAN)] | Annotated[ServerJetStreamSpec, Tag(MAP)],
        by_shape("`true` or `false`, or a map"),
    ] = Field(default=False, description="JetStream on this server.")
    resolver: ResolverSpec | None = Field(default=None, description="Default: a full resolver in `data/jwt`.")
    websocket: WebsocketSpec | None = Field(default=None, description="The websocket listener for browsers.")
    log: LogSpec | None = Field(default=None, description="Its log. Default: standard error.")
    tags: list[ServerTag] = Field(
        default=[],
        description="Tags that JetStream places streams by.",
        examples=[["az:1", "ssd"]],
        json_schema_extra=becomes("server_tags"),
    )
    metadata: dict[str, str] = Field(
        default={},
        description="What else monitoring and events should say of it; whoever monitors it reads this.",
        examples=[{"team": "backend"}],
        json_schema_extra=becomes("server_metadata"),
    )
    proxies: ProxiesSpec | None = Field(
        default=None,
        description="Proxies that it believes. Default: none, so that `proxy_required` lets nobody in.",
    )
    default_sentinel: str | None = Field(
        default=None,
        description="ACCOUNT/USER that whoever connects without a JWT comes in as: a bearer, in most cases of an "
        "account whose auth callout decides about them. Default: they are refused.",
        examples=["web/guest"],
        json_schema_extra=becomes("default_sentinel"),
    )
    extra: dict[str, Any] = Field(
        default={},
        description="Options of nats-server 2.15 that have no word, as they are: checked, and written last into the "
        "config. Sizes are numbers of bytes and times texts (`10s`); no secrets.",
        examples=[{"max_closed_clients": 100, "write_timeout": "retry"}],
    )


class TargetSpec(Model):
    """A running server or cluster to push to."""

    nats: list[str] = Field(description="URLs; any one that answers is used.", examples=[["tls://n1:4222"]])
    servers: int | None = Field(
        default=None, ge=1, description="How many servers must answer. Default: counted."
    )
