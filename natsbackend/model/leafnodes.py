"""Leaf nodes as entities: the listener for those that come here, and the servers that are gone to.

Times in nanoseconds; None leaves them to the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from natsbackend.errors import Location
from natsbackend.model.peers import Peer
from natsbackend.model.serving import Listen, Secret, Tls

if TYPE_CHECKING:
    from natsbackend.model.entities import Account, User

DEFAULT_LEAFNODE_PORT = 7422
"""Where leaf nodes connect if nobody names a port; nats-server's own default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTls:
    """TLS towards another server."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    timeout: int | None = None
    handshake_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafnodeProxy:
    """An HTTP proxy on the way to a websocket."""

    url: str
    username: str | None = None
    password: Secret | None = None
    timeout: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafnodeRemote:
    """A server that this one connects to as a leaf node."""

    urls: tuple[Peer, ...]
    account: str
    """Name of the account here."""
    user: str | None = None
    """The login there, as ACCOUNT/USER of this spec."""
    creds_file: str | None = None
    nkey: Secret | None = None
    """Where the seed stands."""
    tls: RemoteTls | None = None
    hub: bool = False
    deny_imports: tuple[str, ...] = ()
    deny_exports: tuple[str, ...] = ()
    no_randomize: bool = False
    compression: str | None = None
    ws_compression: bool = False
    ws_no_masking: bool = False
    jetstream_cluster_migrate: bool | int = False
    """True, or after how many nanoseconds."""
    isolate: bool = False
    request_isolation: bool = False
    first_info_timeout: int | None = None
    dial_timeout: int | None = None
    ignore_discovered_servers: bool = False
    disabled: bool = False
    proxy: LeafnodeProxy | None = None
    at: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafnodeLogin:
    """What all leaf nodes that come here show: user and password, or the signature of an nkey."""

    account: str
    """Name of the account that they are joined with."""
    user: str | None = None
    password: Secret | None = None
    nkey: str | None = None
    """The public key."""
    timeout: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leafnodes:
    """Leaf nodes of a server."""

    listen: Listen | None = None
    """None: nobody connects here."""
    tls: Tls | None = None
    authorization: LeafnodeLogin | None = None
    """None: each shows the creds of a user."""
    advertise: str | None = None
    no_advertise: bool = False
    min_version: str | None = None
    compression: str | None = None
    isolate: bool = False
    write_deadline: int | None = None
    write_timeout: str | None = None
    reconnect: int | None = None
    dial_timeout: int | None = None
    remotes: tuple[LeafnodeRemote, ...] = ()


def find_user(accounts: Mapping[str, Account], text: str) -> tuple[Account, User] | None:
    """Find who is meant by ACCOUNT/USER; both names may hold a `/`, and the longest account that fits is meant."""
    fitting = [account for name, account in accounts.items() if text.startswith(f"{name}/")]
    if not fitting:
        return None
    account = max(fitting, key=lambda each: len(each.name))
    user = account.users.get(text[len(account.name) + 1 :])
    return None if user is None else (account, user)
