"""The shape of the spec's `server`; see `spec.models`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, Tag

from natsbackend.spec.jetstream_models import ServerJetStreamSpec
from natsbackend.spec.limit_models import ServerLimitsSpec
from natsbackend.spec.resolver_models import ResolverSpec
from natsbackend.spec.server_about_models import LogSpec, ProxiesSpec, ServerTag
from natsbackend.spec.shape import BOOLEAN, MAP, NUMBER, TEXT, Model, becomes, by_shape
from natsbackend.spec.tls_models import ServerTlsSpec, TlsSpec
from natsbackend.spec.units import Nanoseconds, PositiveNanoseconds, Seconds

Listen = Annotated[
    Annotated[str, Tag(TEXT)] | Annotated[int, Tag(NUMBER)],
    by_shape("HOST:PORT, or a port"),
]


class MonitorSpec(Model):
    """The HTTP monitoring endpoint. It needs no login, and shows every account's JWT."""

    listen: Listen | None = Field(
        default=None,
        description="HOST:PORT. Default: 127.0.0.1, also where only a port is given; port 8222.",
        examples=["127.0.0.1:8222"],
        json_schema_extra=becomes("http", "https"),
    )
    https: bool = Field(
        default=False,
        description="HTTPS, with the certificate of `server.tls`.",
        json_schema_extra=becomes("https"),
    )
    base_path: str | None = Field(
        default=None,
        description="Path that all pages are below. Default: `/`.",
        examples=["/nats"],
        json_schema_extra=becomes("http_base_path"),
    )


class CookieSpec(Model):
    """The cookie the browser's token comes in; every command takes it from here."""

    name: str = Field(
        description="Its name. One that begins with `__Host-` cannot be set by a sibling domain.",
        examples=["nats_token", "__Host-nats"],
        json_schema_extra=becomes("."),
    )
    domain: str | None = Field(
        default=None,
        description="Its domain, for several hosts below one. Default: the host alone.",
        examples=["example.com"],
        json_schema_extra=becomes(note="the `Set-Cookie` line of `token mint`"),
    )
    same_site: Literal["Strict", "Lax", "None"] = Field(
        default="Strict",
        description="Its SameSite attribute: from which sites' pages browsers send it.",
        json_schema_extra=becomes(note="the `Set-Cookie` line of `token mint`"),
    )


class WebsocketSpec(Model):
    """The websocket listener."""

    listen: Listen | None = Field(
        default=None,
        description="HOST:PORT. Default: every address, port 8443 with TLS, 8080 without.",
        examples=["0.0.0.0:8443", 8080],
        json_schema_extra=becomes(".listen"),
    )
    tls: TlsSpec | None = Field(
        default=None,
        description="Certificate and key. Either this or `no_tls`. Default: none.",
        examples=[{"cert_file": "tls/web.crt", "key_file": "tls/web.key"}],
        json_schema_extra=becomes(".tls"),
    )
    no_tls: bool = Field(
        default=False,
        description="Plain websockets: behind a proxy that ends TLS.",
        json_schema_extra=becomes(".no_tls"),
    )
    cookie: CookieSpec | None = Field(
        default=None,
        description="Read the JWT from this cookie. Default: from what the client says.",
        examples=[{"name": "nats_token"}],
        json_schema_extra=becomes(".jwt_cookie"),
    )
    allowed_origins: list[str] | None = Field(
        default=None,
        description="Origins whose pages may connect. Required with a cookie, which browsers send for any page. "
        "Default: every origin.",
        examples=[["https://app.example.com"]],
        json_schema_extra=becomes(".allowed_origins[]"),
    )
    same_origin: bool = Field(
        default=False,
        description="Only pages of the listener's own origin may connect; not behind a proxy.",
        json_schema_extra=becomes(".same_origin"),
    )
    compression: bool = Field(
        default=False,
        description="Compress messages for clients that ask for it.",
        json_schema_extra=becomes(".compression"),
    )
    handshake_timeout: Nanoseconds | None = Field(
        default=None,
        description="Longest upgrade from HTTP. Default: no limit.",
        examples=["5s"],
        json_schema_extra=becomes(".handshake_timeout"),
    )
    auth_timeout: Seconds | None = Field(
        default=None,
        description="Longest time until a browser shows its login; an authorization callout has that of `limits`. "
        "Default: that of `limits`.",
        examples=["5s"],
        json_schema_extra=becomes(".authorization.timeout"),
    )
    advertise: str | None = Field(
        default=None,
        description="HOST:PORT told to clients and other servers. Default: `listen`.",
        examples=["ws.example.com:443"],
        json_schema_extra=becomes(".advertise"),
    )
    ping_interval: PositiveNanoseconds | None = Field(
        default=None,
        description="Time between pings to browsers, shorter than what a proxy takes for idle. "
        "Default: that of `limits`.",
        examples=["30s"],
        json_schema_extra=becomes(".ping_interval"),
    )
    headers: dict[str, str] = Field(
        default={},
        description="Headers of the answer to an upgrade.",
        examples=[{"X-Served-By": "n1"}],
        json_schema_extra=becomes(".headers"),
    )
    user_cookie: str | None = Field(
        default=None,
        description="Cookie with a user name, for an authorization callout. Default: none.",
        examples=["nats_user"],
        json_schema_extra=becomes(".user_cookie"),
    )
    pass_cookie: str | None = Field(
        default=None,
        description="Cookie with a password, for an authorization callout. Default: none.",
        examples=["nats_pass"],
        json_schema_extra=becomes(".pass_cookie"),
    )
    token_cookie: str | None = Field(
        default=None,
        description="Cookie with a token that is no JWT, for an authorization callout. Default: none.",
        examples=["session"],
        json_schema_extra=becomes(".token_cookie"),
    )


class ServerSpec(Model):
    """The config of nats-server."""

    name: str | None = Field(
        default=None,
        description="The server's name, which tools show; one of its own in a cluster. Default: the server's "
        "public key.",
        examples=["n1"],
        json_schema_extra=becomes("server_name"),
    )
    listen: Listen | None = Field(
        default=None,
        description="HOST:PORT for clients. Default: every address, port 4222.",
        examples=["0.0.0.0:4222", 4222],
        json_schema_extra=becomes("listen"),
    )
    tls: ServerTlsSpec | None = Field(
        default=None,
        description="Certificate of the listener for clients. Default: none, plain.",
        examples=[{"cert_file": "tls/server.crt", "key_file": "tls/server.key"}],
        json_schema_extra=becomes("tls"),
    )
    advertise: str | None = Field(
        default=None,
        description="HOST:PORT told to clients in its place. Default: `listen`.",
        examples=["nats.example.com:4222"],
        json_schema_extra=becomes("client_advertise"),
    )
    limits: ServerLimitsSpec | None = Field(
        default=None,
        description="Limits of the whole server. Default: the server's own.",
        examples=[{"max_payload": "2MiB"}],
        json_schema_extra=becomes(note="options of the same names"),
    )
    monitor: MonitorSpec | None = Field(
        default=None,
        description="HTTP monitoring, `{}` for loopback port 8222. Default: off.",
        examples=[{}],
        json_schema_extra=becomes("http", "https"),
    )
    jetstream: Annotated[
        Annotated[bool, Tag(BOOLEAN)] | Annotated[ServerJetStreamSpec, Tag(MAP)],
        by_shape("`true` or `false`, or a map"),
    ] = Field(
        default=False,
        description="JetStream on this server; a map to say where, and how much.",
        examples=[True, {"store_dir": "data/jetstream"}],
        json_schema_extra=becomes("jetstream"),
    )
    resolver: ResolverSpec | None = Field(
        default=None,
        description="Where the server keeps account JWTs. Default: a full resolver in `data/jwt`.",
        examples=[{"type": "full", "allow_delete": True}],
        json_schema_extra=becomes("resolver"),
    )
    websocket: WebsocketSpec | None = Field(
        default=None,
        description="The websocket listener for browsers. Default: none.",
        examples=[
            {"no_tls": True, "cookie": {"name": "nats_token"}, "allowed_origins": ["https://app.example.com"]}
        ],
        json_schema_extra=becomes("websocket"),
    )
    log: LogSpec | None = Field(
        default=None,
        description="Its log. Default: standard error.",
        examples=[{"file": "/var/log/nats-server.log", "max_files": 10}],
        json_schema_extra=becomes(note="options of the log, each of its own"),
    )
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
        examples=[{"trusted": ["UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"]}],
        json_schema_extra=becomes("proxies"),
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
        json_schema_extra=becomes("*", note="the options as they are"),
    )
