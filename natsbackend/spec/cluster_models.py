"""The shape of the spec's `server.cluster` and `server.gateway`; see `spec.section_models`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from natsbackend.spec.peer_models import (
    Compression,
    ListenerPeerTlsSpec,
    LoginSpec,
    PeerTlsSpec,
    PeerUrl,
    WriteTimeout,
)
from natsbackend.spec.server_models import Listen
from natsbackend.spec.shape import Model, becomes
from natsbackend.spec.units import PositiveNanoseconds
from natsbackend.spec.user_models import Some


class RouteSubjectsSpec(Model):
    """Which subjects a route is for."""

    allow: Annotated[list[str], Some] | None = Field(
        default=None,
        description="Subjects that it is for. Default: all.",
        examples=[["orders.>", "$SYS.>"]],
        json_schema_extra=becomes(".allow[]"),
    )
    deny: Annotated[list[str], Some] | None = Field(
        default=None,
        description="Subjects that it is not for. Default: none.",
        examples=[["local.>"]],
        json_schema_extra=becomes(".deny[]"),
    )


class RoutePermissionsSpec(Model):
    """Which subjects cross the routes, in all accounts alike, the system account's included."""

    import_: RouteSubjectsSpec | None = Field(
        default=None,
        alias="import",
        description="What this server asks the others for. Who subscribes to more than what is denied, such as `>`, is "
        "sent it nevertheless: only `export` of the others stops that. Default: whatever clients subscribe to.",
        examples=[{"deny": ["local.>"]}],
        json_schema_extra=becomes("cluster.permissions.import"),
    )
    export: RouteSubjectsSpec | None = Field(
        default=None,
        description="What the others may ask this server for. Default: everything.",
        examples=[{"deny": ["local.>"]}],
        json_schema_extra=becomes("cluster.permissions.export"),
    )


class ClusterSpec(Model):
    """The cluster this server is part of."""

    name: str = Field(
        description="The cluster's name, the same on all its servers.",
        examples=["eu"],
        json_schema_extra=becomes("cluster.name"),
    )
    listen: Listen | None = Field(
        default=None,
        description="HOST:PORT for the other servers. Default: every address, port 6222.",
        examples=["0.0.0.0:6222"],
        json_schema_extra=becomes("cluster.listen"),
    )
    routes: list[PeerUrl] = Field(
        default=[],
        description="URLs of other servers; they tell of each other, so a few are enough, and this server's own "
        "may be among them. With an `authorization`, each holds its user and password, and so stands in the "
        "environment, or in a file.",
        examples=[["nats://n2:6222", {"env": "NATS_ROUTE"}, {"file": "secrets/route"}]],
        json_schema_extra=becomes("cluster.routes"),
    )
    tls: ListenerPeerTlsSpec | None = Field(
        default=None,
        description="TLS of the routes. Default: none.",
        json_schema_extra=becomes("cluster.tls"),
        examples=[{"cert_file": "tls/server.crt", "key_file": "tls/server.key", "ca_file": "tls/ca.crt"}],
    )
    authorization: LoginSpec | None = Field(
        default=None,
        description="What other servers have to show. Default: nothing.",
        json_schema_extra=becomes("cluster.authorization"),
        examples=[{"user": "route", "password": {"env": "NATS_CLUSTER_PASSWORD"}}],
    )
    permissions: RoutePermissionsSpec | None = Field(
        default=None,
        description="Which subjects cross the routes. What servers say to each other crosses them, too. Default: all.",
        json_schema_extra=becomes("cluster.permissions"),
        examples=[{"import": {"deny": ["local.>"]}, "export": {"deny": ["local.>"]}}],
    )
    advertise: str | None = Field(
        default=None,
        description="HOST:PORT told to other servers in its place. Default: `listen`.",
        json_schema_extra=becomes("cluster.advertise"),
        examples=["n1.example.com:6222"],
    )
    no_advertise: bool = Field(
        default=False,
        description="Clients are not told of the cluster's other servers.",
        json_schema_extra=becomes("cluster.no_advertise"),
    )
    pool_size: int | None = Field(
        default=None,
        ge=1,
        description="Connections to each other server, the same on all of them. Default: 3.",
        json_schema_extra=becomes("cluster.pool_size"),
        examples=[5],
    )
    accounts: list[str] = Field(
        default=[],
        description="Accounts, by name, with a connection of their own to each other server. The system account "
        "always has one.",
        examples=[["web"]],
        json_schema_extra=becomes("cluster.accounts"),
    )
    compression: Compression | None = Field(
        default=None,
        description="Compression of the routes. Default: `accept`.",
        json_schema_extra=becomes("cluster.compression"),
    )
    ping_interval: PositiveNanoseconds | None = Field(
        default=None,
        description="Time between pings, at most 30s. Default: 30s.",
        json_schema_extra=becomes("cluster.ping_interval"),
        examples=["10s"],
    )
    ping_max: int | None = Field(
        default=None,
        ge=1,
        description="Unanswered pings until a server counts as gone. Default: that of `limits`.",
        json_schema_extra=becomes("cluster.ping_max"),
        examples=[3],
    )
    connect_retries: int | None = Field(
        default=None,
        ge=1,
        description="Further attempts for a route that another server told of; those of `routes` are tried for ever. "
        "Default: none.",
        json_schema_extra=becomes("cluster.connect_retries"),
        examples=[10],
    )
    connect_backoff: bool = Field(
        default=False,
        description="Attempts come more and more slowly, up to 30s.",
        json_schema_extra=becomes("cluster.connect_backoff"),
    )
    write_deadline: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest write to a server that does not read. Default: that of `limits`.",
        json_schema_extra=becomes("cluster.write_deadline"),
        examples=["5s"],
    )
    write_timeout: WriteTimeout | None = Field(
        default=None,
        description="What becomes of a server that does not read: it is closed, or written to again as long "
        "as some of it was read. Default: `retry`.",
        json_schema_extra=becomes("cluster.write_timeout"),
    )


class RemoteGatewaySpec(Model):
    """Another cluster."""

    name: str = Field(
        description="Its name. This cluster's own may be among them, so that all share one list.",
        examples=["us"],
        json_schema_extra=becomes("gateway.gateways[].name"),
    )
    urls: list[PeerUrl] = Field(
        description="URLs of its gateway listeners; any one that answers is enough.",
        examples=[["nats://us1:7222"]],
        json_schema_extra=becomes("gateway.gateways[].urls"),
    )
    tls: PeerTlsSpec | None = Field(
        default=None,
        description="TLS towards it. Default: that of `gateway`.",
        json_schema_extra=becomes("gateway.gateways[].tls"),
        examples=[{"cert_file": "tls/server.crt", "key_file": "tls/server.key", "ca_file": "tls/ca.crt"}],
    )


class GatewaySpec(Model):
    """Gateways: they join clusters into a super-cluster."""

    name: str | None = Field(
        default=None,
        description="The name of this cluster. Default: that of `cluster`, which it must equal.",
        json_schema_extra=becomes("gateway.name"),
        examples=["eu"],
    )
    listen: Listen | None = Field(
        default=None,
        description="HOST:PORT for the servers of other clusters. Default: every address, port 7222.",
        examples=["0.0.0.0:7222"],
        json_schema_extra=becomes("gateway.listen"),
    )
    tls: ListenerPeerTlsSpec | None = Field(
        default=None,
        description="TLS between clusters. Default: none.",
        json_schema_extra=becomes("gateway.tls"),
        examples=[{"cert_file": "tls/server.crt", "key_file": "tls/server.key", "ca_file": "tls/ca.crt"}],
    )
    authorization: LoginSpec | None = Field(
        default=None,
        description="What servers of other clusters have to show; this one shows it to them, too. Default: nothing.",
        json_schema_extra=becomes("gateway.authorization"),
        examples=[{"user": "route", "password": {"env": "NATS_CLUSTER_PASSWORD"}}],
    )
    advertise: str | None = Field(
        default=None,
        description="HOST:PORT told to other clusters in its place. Default: `listen`.",
        json_schema_extra=becomes("gateway.advertise"),
        examples=["n1.example.com:7222"],
    )
    connect_retries: int | None = Field(
        default=None,
        ge=1,
        description="Further attempts for a cluster that another one told of; those of `gateways` are tried for ever. "
        "Default: none.",
        json_schema_extra=becomes("gateway.connect_retries"),
        examples=[10],
    )
    connect_backoff: bool = Field(
        default=False,
        description="Attempts come more and more slowly, up to 30s.",
        json_schema_extra=becomes("gateway.connect_backoff"),
    )
    reject_unknown: bool = Field(
        default=False,
        description="Clusters that are not among `gateways` are refused (`reject_unknown_cluster`).",
        json_schema_extra=becomes("gateway.reject_unknown_cluster"),
    )
    write_deadline: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest write to a server that does not read. Default: that of `limits`.",
        json_schema_extra=becomes("gateway.write_deadline"),
        examples=["5s"],
    )
    write_timeout: WriteTimeout | None = Field(
        default=None,
        description="What becomes of a server that does not read: it is closed, or written to again as long "
        "as some of it was read. Default: `retry`.",
        json_schema_extra=becomes("gateway.write_timeout"),
    )
    gateways: list[RemoteGatewaySpec] = Field(
        default=[],
        description="The other clusters.",
        json_schema_extra=becomes("gateway.gateways[]"),
        examples=[[{"name": "us", "urls": ["nats://us1:7222"]}]],
    )
