"""The shape of the spec's `server` and `targets`; see `spec.models`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from natsbackend.spec.shape import BOOLEAN, MAP, NUMBER, TEXT, Model, by_shape
from natsbackend.spec.units import Nanoseconds, PositiveLimit, Size

Listen = Annotated[
    Annotated[str, Tag(TEXT)] | Annotated[int, Tag(NUMBER)],
    by_shape("HOST:PORT, or a port"),
]


class TlsSpec(Model):
    """Certificate of a listener."""

    cert_file: str = Field(description="PEM file; relative paths begin at the directory the server runs in.")
    key_file: str = Field(description="PEM file of the private key.")


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


class ServerJetStreamSpec(Model):
    """JetStream on the server."""

    store_dir: str = Field(default="data/jetstream", description="Where streams are stored.")
    memory: Size | None = Field(default=None, description="Most memory (`max_memory_store`).")
    disk: Size | None = Field(default=None, description="Most disk (`max_file_store`).")


class ResolverSpec(Model):
    """Where the server keeps account JWTs."""

    type: Literal["full"] = Field(default="full", description="`full`: on disk, in sync over the cluster.")
    dir: str = Field(default="data/jwt", description="Directory of the JWTs.")
    allow_delete: bool = Field(default=False, description="Accounts may be deleted by a signed request.")
    hard_delete: bool = Field(default=False, description="Deleted files are removed, not renamed.")
    interval: Nanoseconds | None = Field(default=None, description="Time between syncs.", examples=["2m"])
    timeout: Nanoseconds | None = Field(default=None, description="Longest look-up in the cluster.")
    limit: PositiveLimit | None = Field(default=None, description="Most JWTs kept.")


class ServerSpec(Model):
    """The config of nats-server."""

    name: str | None = Field(default=None, description="server_name.")
    listen: Listen | None = Field(
        default=None,
        description="HOST:PORT for clients. Default: every address, port 4222.",
        examples=["0.0.0.0:4222"],
    )
    jetstream: Annotated[
        Annotated[bool, Tag(BOOLEAN)] | Annotated[ServerJetStreamSpec, Tag(MAP)],
        by_shape("`true` or `false`, or a map"),
    ] = Field(default=False, description="JetStream on this server.")
    resolver: ResolverSpec | None = Field(default=None, description="Default: a full resolver in `data/jwt`.")
    websocket: WebsocketSpec | None = Field(default=None, description="The websocket listener for browsers.")


class TargetSpec(Model):
    """A running server or cluster to push to."""

    nats: list[str] = Field(description="URLs; any one that answers is used.", examples=[["tls://n1:4222"]])
    servers: int | None = Field(
        default=None, ge=1, description="How many servers must answer. Default: counted."
    )
