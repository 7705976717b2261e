"""The principals of a spec as connections: who connects over what, showing what, remembered for a run."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from natsbackend.claims.codec import read_unverified
from natsbackend.errors import LiveServerError
from natsbackend.live.proof import Endpoints, Identities, Identity
from natsbackend.live.wire import Connection, Refused, connect_tcp, connect_websocket
from natsbackend.model.entities import Backend, ConnectionType, Permissions, Principal, Role, User
from natsbackend.model.sharing import ACCOUNT_TOKEN
from natsbackend.subjects import template_functions

_DEFAULT_PORT = 4222


class Principals:
    """One open connection for every principal that was asked for, until the run ends."""

    def __init__(
        self, backend: Backend, identities: Identities, endpoints: Endpoints, *, timeout: float
    ) -> None:
        """Connect to nothing yet.

        Raises:
            LiveServerError: the endpoint or the file of certificates cannot be used.

        """
        self.backend = backend
        self.identities = identities
        self.endpoints = endpoints
        self.timeout = timeout
        self._host, self._port, self._force_tls = _split(endpoints.nats)
        self._tls = _trust(endpoints.ca_file)
        self._open: dict[Principal, Connection] = {}
        self._refused: dict[Principal, Refused] = {}

    def connection(self, who: Principal) -> Connection:
        """Return the connection of a principal: a new one if there is none or the server ended it.

        Raises:
            Refused: the server does not let this principal in; it is not asked again.
            NatsBackendError: no identity could be made.

        """
        if who in self._refused:
            raise self._refused[who]
        connection = self._open.get(who)
        if connection is None or connection.closed:
            try:
                connection = self._open[who] = self._connect(who)
            except Refused as refused:
                self._refused[who] = refused
                raise
        return connection

    def role(self, who: Principal) -> Role | None:
        """Return the role of a principal: its own, or that of the user."""
        account = self.backend.accounts[who.account]
        name = who.role if who.user is None else account.users[who.user].role
        return account.roles[name] if name is not None else None

    def permissions(self, who: Principal) -> Permissions:
        """Return the permissions of a principal, templates not filled in."""
        role = self.role(who)
        if role is not None:
            return role.permissions
        return self.backend.accounts[who.account].users[str(who.user)].permissions

    def filled(self, who: Principal, text: str) -> str | None:
        """Fill in the `{{…}}` of a role's text for a principal, the first value of a tag that has several.

        None if the principal has nothing to put there; the server then leaves the text out of an allow list.
        """
        if self.role(who) is None:
            return text
        for function in template_functions(text):
            value = self._value(who, function.name, function.argument or "")
            if value is None:
                return None
            text = text.replace(function.text, value)
        return text

    def with_account(self, who: Principal, subject: str) -> str:
        """Put the public key of a principal's account where a subject asks for the account's own.

        Raises:
            NatsBackendError: no identity could be made that would tell.

        """
        if ACCOUNT_TOKEN not in subject:
            return subject
        token = read_unverified(self.identities.of(who).jwt)
        account = token.nats.get("issuer_account") or token.issuer
        return subject.replace(ACCOUNT_TOKEN, str(account))

    def over_websocket(
        self, identity: Identity | None, *, cookie: str | None, origin: str | None
    ) -> Connection:
        """Connect over the websocket with this value of the cookie, and sign if the identity has a key.

        Without a cookie the JWT of the identity, if there is one, goes into CONNECT.

        Raises:
            Refused: no connection, and why.

        """
        url = self.endpoints.websocket
        if url is None:
            raise Refused("transport", "there is no websocket endpoint to connect to")
        name = self.cookie_name
        return connect_websocket(
            url,
            cookie=(name, cookie) if name is not None and cookie is not None else None,
            origin=origin,
            jwt=identity.jwt if identity is not None and cookie is None else None,
            key=identity.key if identity is not None else None,
            tls=self._tls,
            timeout=self.timeout,
        )

    def over_tcp(self, identity: Identity) -> Connection:
        """Connect over TCP.

        Raises:
            Refused: no connection, and why.

        """
        return connect_tcp(
            self._host,
            self._port,
            jwt=identity.jwt,
            key=identity.key,
            tls=self._tls,
            force_tls=self._force_tls,
            timeout=self.timeout,
        )

    @property
    def cookie_name(self) -> str | None:
        """The name of the cookie that the server reads, if it reads one."""
        server = self.backend.server
        websocket = server.websocket if server is not None else None
        return websocket.cookie.name if websocket is not None and websocket.cookie is not None else None

    def close(self) -> None:
        """Close every connection."""
        for connection in self._open.values():
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connect(self, who: Principal) -> Connection:
        identity = self.identities.of(who)
        holder = self.role(who) or self.backend.accounts[who.account].users[str(who.user)]
        _refuse_other_protocols(who, holder)
        if not _needs_websocket(holder):
            return self.over_tcp(identity)
        origin = self.endpoints.origin
        if holder.websocket and self.cookie_name is not None:
            return self.over_websocket(None, cookie=identity.jwt, origin=origin)
        return self.over_websocket(identity, cookie=None, origin=origin)

    def _value(self, who: Principal, function: str, argument: str) -> str | None:
        if function in ("tag", "account-tag"):
            # Accounts of a spec have no tags.
            wanted = f"{argument}:"
            tags = who.tags if function == "tag" else ()
            return next((tag[len(wanted) :] for tag in tags if tag.lower().startswith(wanted)), None)
        token = read_unverified(self.identities.of(who).jwt)
        issuer_account = token.nats.get("issuer_account")
        values: Mapping[str, object] = {
            "name": token.name,
            "subject": token.subject,
            "account-name": who.account,
            "account-subject": issuer_account,
        }
        value = values.get(function)
        return value if isinstance(value, str) and value else None


def _needs_websocket(holder: Role | User) -> bool:
    """Tell whether it is tried over a websocket: a browser's, or one that may use nothing else."""
    types = holder.connection_types
    return holder.websocket or (ConnectionType.WEBSOCKET in types and ConnectionType.STANDARD not in types)


def _refuse_other_protocols(who: Principal, holder: Role | User) -> None:
    """Say why nothing can be tried as one that connects as a leaf node, over MQTT or within the server only."""
    types = holder.connection_types
    if types and not {ConnectionType.STANDARD, ConnectionType.WEBSOCKET} & set(types):
        shown = ", ".join(kind.value.lower() for kind in types)
        raise LiveServerError(f"{who} connects by {shown} only, and nothing is tried over that")


def _split(url: str) -> tuple[str, int, bool]:
    """Return host, port and whether TLS is a must."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("nats", "tls"):
        raise LiveServerError(
            f"not the address of a nats-server: {url!r}", hint="nats://host:4222 or tls://host:4222"
        )
    return host, port or _DEFAULT_PORT, parts.scheme == "tls"


def _trust(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise LiveServerError(f"cannot read certificates from {ca_file!r}: {error}") from error
