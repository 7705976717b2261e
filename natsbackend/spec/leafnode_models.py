"""The shape of the spec's `server.leafnodes`; see `spec.section_models`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, Tag

from natsbackend.spec.peer_models import Compression, PeerUrl, WriteTimeout
from natsbackend.spec.secret_models import SecretSpec
from natsbackend.spec.server_models import Listen
from natsbackend.spec.shape import BOOLEAN, MAP, TEXT, Model, becomes, by_shape
from natsbackend.spec.tls_models import ClientTlsSpec
from natsbackend.spec.units import PositiveNanoseconds, refuse


def _no_seed(text: str) -> str:
    """Refuse a seed before anything else is said of it: nothing may repeat it."""
    if re.match(r"S[A-Z][A-Z2-7]{50,}", text):
        raise refuse("this is a seed, the secret half of a key", "give the public key: U…")
    return text


UserKey = Annotated[str, AfterValidator(_no_seed)]


class RemoteTlsSpec(Model):
    """TLS towards another server; `tls://` and `wss://` ask for it, too, and trust what the machine trusts."""

    ca_file: str | None = Field(
        default=None,
        description="PEM file of the authorities its certificate comes from. Default: those of the machine.",
        json_schema_extra=becomes("leafnodes.remotes[].tls.ca_file"),
        examples=["tls/hub-ca.crt"],
    )
    cert_file: str | None = Field(
        default=None,
        description="PEM file of the certificate to show. Default: none.",
        json_schema_extra=becomes("leafnodes.remotes[].tls.cert_file"),
        examples=["tls/leaf.crt"],
    )
    key_file: str | None = Field(
        default=None,
        description="PEM file of its private key. Default: none.",
        json_schema_extra=becomes("leafnodes.remotes[].tls.key_file"),
        examples=["tls/leaf.key"],
    )
    timeout: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest handshake. Default: 2s.",
        json_schema_extra=becomes("leafnodes.remotes[].tls.timeout"),
        examples=["5s"],
    )
    handshake_first: bool = Field(
        default=False,
        description="TLS before the other server's first word.",
        json_schema_extra=becomes("leafnodes.remotes[].tls.handshake_first"),
    )


class CredsFileSpec(Model):
    """A creds file from elsewhere."""

    file: str = Field(
        description="Its path; a relative one begins at the directory the server runs in. The server expands `~` "
        "and `$NAME`.",
        examples=["/etc/nats/ngs.creds"],
        json_schema_extra=becomes("leafnodes.remotes[].credentials"),
    )


class LeafnodeProxySpec(Model):
    """An HTTP proxy on the way to a websocket remote."""

    url: str = Field(
        description="http:// or https://, host and port.",
        examples=["http://proxy.example.com:3128"],
        json_schema_extra=becomes("leafnodes.remotes[].proxy.url"),
    )
    username: str | None = Field(
        default=None,
        description="The user's name there. Default: none.",
        json_schema_extra=becomes("leafnodes.remotes[].proxy.username"),
        examples=["edge"],
    )
    password: SecretSpec | None = Field(
        default=None,
        description="The user's password there. Default: none.",
        json_schema_extra=becomes("leafnodes.remotes[].proxy.password"),
        examples=[{"env": "PROXY_PASSWORD"}, {"file": "secrets/proxy"}],
    )
    timeout: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest wait for the proxy. Default: that of `dial_timeout`.",
        json_schema_extra=becomes("leafnodes.remotes[].proxy.timeout"),
        examples=["5s"],
    )


class LeafnodeRemoteSpec(Model):
    """A server elsewhere that this one connects to as a leaf node, with one account."""

    urls: list[PeerUrl] = Field(
        description="Its URLs, any one that answers; port 7422 unless given. All are `ws://` or `wss://`, or none.",
        examples=[["tls://connect.ngs.global"]],
        json_schema_extra=becomes("leafnodes.remotes[].urls"),
    )
    account: str = Field(
        description="The account here, by name, that is joined with that of the login there.",
        examples=["web"],
        json_schema_extra=becomes("leafnodes.remotes[].account"),
    )
    creds: (
        Annotated[
            Annotated[str, Tag(TEXT)] | Annotated[CredsFileSpec, Tag(MAP)],
            by_shape("ACCOUNT/USER, or a map with `file`"),
        ]
        | None
    ) = Field(
        default=None,
        description="The login there: ACCOUNT/USER of this spec, or `{file: PATH}` for creds from elsewhere. "
        "Default: none, for a server that needs none.",
        examples=["web/edge", {"file": "/etc/nats/ngs.creds"}],
        json_schema_extra=becomes("leafnodes.remotes[].credentials"),
    )
    nkey: SecretSpec | None = Field(
        default=None,
        description="The seed of the login there, if it is an nkey and no creds. Default: none.",
        examples=[{"env": "LEAF_SEED"}, {"file": "secrets/leaf.nk"}],
        json_schema_extra=becomes("leafnodes.remotes[].nkey"),
    )
    tls: RemoteTlsSpec | None = Field(
        default=None,
        description="TLS, with other authorities than those of the machine, or a certificate to show. Default: as"
        " its URLs say.",
        json_schema_extra=becomes("leafnodes.remotes[].tls"),
        examples=[{"ca_file": "tls/hub-ca.crt"}],
    )
    hub: bool = Field(
        default=False,
        description="This server acts as the hub of the two, though it begins the connection.",
        json_schema_extra=becomes("leafnodes.remotes[].hub"),
    )
    deny_imports: list[str] = Field(
        default=[],
        description="Subjects that are not taken from there.",
        examples=[["private.>"]],
        json_schema_extra=becomes("leafnodes.remotes[].deny_imports"),
    )
    deny_exports: list[str] = Field(
        default=[],
        description="Subjects that are not given there.",
        json_schema_extra=becomes("leafnodes.remotes[].deny_exports"),
        examples=[["private.>"]],
    )
    no_randomize: bool = Field(
        default=False,
        description="The URLs are tried in their order.",
        json_schema_extra=becomes("leafnodes.remotes[].no_randomize"),
    )
    compression: Compression | None = Field(
        default=None,
        description="Compression. Default: `auto`.",
        json_schema_extra=becomes("leafnodes.remotes[].compression"),
    )
    ws_compression: bool = Field(
        default=False,
        description="Compression of the websocket.",
        json_schema_extra=becomes("leafnodes.remotes[].ws_compression"),
    )
    ws_no_masking: bool = Field(
        default=False,
        description="Frames of the websocket are not masked, if the other side agrees.",
        json_schema_extra=becomes("leafnodes.remotes[].ws_no_masking"),
    )
    jetstream_cluster_migrate: Annotated[
        Annotated[bool, Tag(BOOLEAN)] | Annotated[PositiveNanoseconds, Tag(TEXT)],
        by_shape("`true`, `false` or a duration"),
    ] = Field(
        default=False,
        description="Leaders of streams move to another server of the cluster while the remote is away; with a "
        "duration, once it has been away for as long.",
        examples=[True, "10s"],
        json_schema_extra=becomes("leafnodes.remotes[].jetstream_cluster_migrate"),
    )
    isolate: bool = Field(
        default=False,
        description="The other side does not hear of interest that comes from further leaf nodes.",
        json_schema_extra=becomes("leafnodes.remotes[].isolate_leafnode_interest"),
    )
    request_isolation: bool = Field(
        default=False,
        description="The other side is asked to do the same.",
        json_schema_extra=becomes("leafnodes.remotes[].request_isolation"),
    )
    first_info_timeout: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest wait for the other server's first word. Default: 1s.",
        json_schema_extra=becomes("leafnodes.remotes[].first_info_timeout"),
        examples=["5s"],
    )
    dial_timeout: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest attempt to connect. Default: that of `leafnodes`, 1s.",
        json_schema_extra=becomes("leafnodes.remotes[].dial_timeout"),
        examples=["5s"],
    )
    ignore_discovered_servers: bool = Field(
        default=False,
        description="Only the URLs given here are used, not those that the other side tells of.",
        json_schema_extra=becomes("leafnodes.remotes[].ignore_discovered_servers"),
    )
    disabled: bool = Field(
        default=False,
        description="No connection is made; a reload without the word makes it.",
        json_schema_extra=becomes("leafnodes.remotes[].disabled"),
    )
    proxy: LeafnodeProxySpec | None = Field(
        default=None,
        description="An HTTP proxy on the way to a websocket. Default: none.",
        json_schema_extra=becomes("leafnodes.remotes[].proxy"),
        examples=[{"url": "http://proxy.example.com:3128"}],
    )


class LeafnodeLoginSpec(Model):
    """One login for all leaf nodes that connect here, in the place of a JWT: `user` and `password`, or an `nkey`."""

    account: str = Field(
        description="The account, by name, that whoever shows it is joined with; all of its subjects are open to it.",
        examples=["web"],
        json_schema_extra=becomes("leafnodes.authorization.account"),
    )
    user: str | None = Field(
        default=None,
        description="The user's name. Default: an `nkey`.",
        examples=["edge"],
        json_schema_extra=becomes("leafnodes.authorization.user"),
    )
    password: SecretSpec | None = Field(
        default=None,
        description="The user's password. Default: an `nkey`.",
        examples=[{"file": "secrets/leafnodes"}, {"env": "NATS_LEAFNODE_PASSWORD"}],
        json_schema_extra=becomes("leafnodes.authorization.password"),
    )
    nkey: UserKey | None = Field(
        default=None,
        description="Public key of the user; the other side has its seed. Default: `user` and `password`.",
        examples=["UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"],
        json_schema_extra=becomes("leafnodes.authorization.nkey"),
    )
    timeout: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest wait for a login of any kind. Default: 2s, and a second more than that of `tls`.",
        examples=["3s"],
        json_schema_extra=becomes("leafnodes.authorization.timeout"),
    )


class LeafnodesSpec(Model):
    """Leaf nodes: servers that join an account from afar. With `listen` they come here; `remotes` are gone to."""

    listen: Listen | None = Field(
        default=None,
        description="HOST:PORT for servers that connect here, or a port, as a rule 7422. Default: no listener.",
        examples=["0.0.0.0:7422"],
        json_schema_extra=becomes("leafnodes.listen"),
    )
    tls: ClientTlsSpec | None = Field(
        default=None,
        description="Certificate of the listener. Default: none, plain.",
        json_schema_extra=becomes("leafnodes.tls"),
        examples=[{"cert_file": "tls/leaf.crt", "key_file": "tls/leaf.key"}],
    )
    authorization: LeafnodeLoginSpec | None = Field(
        default=None,
        description="One login for all leaf nodes that connect here. With it, the server takes no creds there. "
        "Default: creds of users.",
        json_schema_extra=becomes("leafnodes.authorization"),
        examples=[{"account": "web", "user": "edge", "password": {"file": "secrets/leafnodes"}}],
    )
    advertise: str | None = Field(
        default=None,
        description="HOST:PORT told to leaf nodes in its place. Default: `listen`.",
        json_schema_extra=becomes("leafnodes.advertise"),
        examples=["n1.example.com:7422"],
    )
    no_advertise: bool = Field(
        default=False,
        description="Leaf nodes are not told of the cluster's other servers.",
        json_schema_extra=becomes("leafnodes.no_advertise"),
    )
    min_version: str | None = Field(
        default=None,
        description="The oldest nats-server that may connect, at least 2.8.0. Default: any.",
        examples=["2.10.0"],
        json_schema_extra=becomes("leafnodes.min_version"),
    )
    compression: Compression | None = Field(
        default=None,
        description="Compression of connections that come here. Default: `auto`.",
        json_schema_extra=becomes("leafnodes.compression"),
    )
    isolate: bool = Field(
        default=False,
        description="Leaf nodes do not hear of each other's interest.",
        json_schema_extra=becomes("leafnodes.isolate_leafnode_interest"),
    )
    write_deadline: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest write to a leaf node that does not read. Default: that of `limits`.",
        json_schema_extra=becomes("leafnodes.write_deadline"),
        examples=["5s"],
    )
    write_timeout: WriteTimeout | None = Field(
        default=None,
        description="What becomes of a leaf node that does not read: it is closed, or written to again as long "
        "as some of it was read. Default: `retry`.",
        json_schema_extra=becomes("leafnodes.write_timeout"),
    )
    reconnect: PositiveNanoseconds | None = Field(
        default=None,
        description="Time between attempts to connect to a remote. Default: 1s.",
        examples=["5s"],
        json_schema_extra=becomes("leafnodes.reconnect"),
    )
    dial_timeout: PositiveNanoseconds | None = Field(
        default=None,
        description="Longest attempt to connect to a remote. Default: 1s.",
        json_schema_extra=becomes("leafnodes.dial_timeout"),
        examples=["5s"],
    )
    remotes: list[LeafnodeRemoteSpec] = Field(
        default=[],
        description="Servers that this one connects to as a leaf node.",
        json_schema_extra=becomes("leafnodes.remotes[]"),
        examples=[[{"urls": ["tls://connect.ngs.global"], "account": "web"}]],
    )
