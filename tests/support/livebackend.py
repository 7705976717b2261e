"""A small backend on a real nats-server, and everybody in it able to connect. A key follows from its path."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from natsbackend.claims.build import build, key_paths, role_user_nats
from natsbackend.claims.codec import Claims, TokenKind, sign
from natsbackend.keys import KeyPair, Keyring, KeyRole, derived_user_key
from natsbackend.live.proof import Endpoints, Identity
from natsbackend.live.server import find_server
from natsbackend.model.entities import (
    Account,
    Backend,
    ConnectionType,
    Export,
    Grant,
    Import,
    Kind,
    Operator,
    Permissions,
    Principal,
    ResponsePermission,
    Role,
    Rules,
    SigningKey,
    User,
    UserLimits,
    account_path,
    operator_signing_path,
    role_path,
    signing_path,
    user_path,
)
from natsbackend.model.serving import Cookie, Server, Tls, Websocket
from natsbackend.render.server_conf import server_config
from support.servers import LOOPBACK, NOW, prepare

ORIGIN = "https://app.example.com"
COOKIE = "nats_token"
BROWSER = Role(
    name="viewer",
    path=role_path("web", "viewer"),
    bearer=True,
    connection_types=(ConnectionType.WEBSOCKET,),
)


def grants(*subjects: str) -> tuple[Grant, ...]:
    """Return grants of subjects."""
    return tuple(Grant(subject=subject, origin="test") for subject in subjects)


def permissions(
    *,
    publish: Sequence[str] = (),
    subscribe: Sequence[str] = (),
    deny: Sequence[str] = (),
    inbox: str | None = None,
) -> Permissions:
    """Return permissions; `deny` is of subscriptions."""
    return Permissions(
        publish=Rules(allow=grants(*publish)),
        subscribe=Rules(allow=grants(*subscribe), deny=grants(*deny)),
        inbox=inbox,
    )


def user(account: str, name: str, may: Permissions, limits: UserLimits | None = None) -> User:
    """Return a user without a role."""
    return User(name=name, path=user_path(account, name), permissions=may, limits=limits or UserLimits())


def telemetry() -> Account:
    """Return the account that has the data: it exports streams and a service."""
    name = "telemetry"
    history = replace(permissions(subscribe=["history.query workers"]), responses=ResponsePermission())
    return Account(
        name=name,
        path=account_path(name),
        signing_keys=(SigningKey(name="main", path=signing_path(name, "main")),),
        exports=(
            Export(kind=Kind.STREAM, subject="sensors.>"),
            Export(kind=Kind.STREAM, subject="status.*.*"),
            Export(kind=Kind.SERVICE, subject="history.query"),
        ),
        users={
            each.name: each
            for each in (
                user(name, "ingest", permissions(publish=["sensors.>", "status.>", "private.>"])),
                user(name, "auditor", permissions(subscribe=["sensors.>"])),
                user(name, "history", history),
                user(
                    name,
                    "meter",
                    permissions(publish=["sensors.>"], subscribe=["sensors.>"]),
                    UserLimits(subscriptions=1, payload=8),
                ),
            )
        },
    )


def web() -> Account:
    """Return the account of the browsers: it imports from telemetry, one stream under another name."""
    name = "web"
    viewer = replace(
        BROWSER,
        permissions=permissions(
            publish=["history.query"],
            subscribe=["sensors.>", "my.>", "user.{{name()}}.>", "_INBOX.{{name()}}.>"],
            deny=["sensors.secret"],
            inbox="_INBOX.{{name()}}",
        ),
    )
    desk = Role(
        name="desk",
        path=role_path(name, "desk"),
        permissions=permissions(
            publish=["user.*.note", "team.{{tag(team)}}.>"], subscribe=["my.>"], inbox="_INBOX"
        ),
    )
    return Account(
        name=name,
        path=account_path(name),
        imports=(
            Import(kind=Kind.STREAM, subject="sensors.>", account="telemetry"),
            Import(kind=Kind.STREAM, subject="status.*.*", account="telemetry", local_subject="my.$2.$1"),
            Import(kind=Kind.SERVICE, subject="history.query", account="telemetry"),
        ),
        roles={each.name: each for each in (viewer, desk)},
        users={"kiosk": User(name="kiosk", path=user_path(name, "kiosk"), role="viewer")},
    )


def small_backend() -> Backend:
    """Return the whole of it, without tests."""
    system = Account(name="SYS", path=account_path("SYS"))
    return Backend(
        operator=Operator(
            name="acme", signing_keys=(SigningKey(name="main", path=operator_signing_path("main")),)
        ),
        accounts={each.name: each for each in (system, telemetry(), web())},
        server=Server(
            listen=LOOPBACK,
            websocket=Websocket(listen=LOOPBACK, cookie=Cookie(name=COOKIE), allowed_origins=(ORIGIN,)),
        ),
    )


def with_role(backend: Backend, role: Role) -> Backend:
    """Return the backend with a role of web changed."""
    account = backend.accounts["web"]
    changed = replace(account, roles={**account.roles, role.name: role})
    return replace(backend, accounts={**backend.accounts, "web": changed})


def with_websocket(backend: Backend, websocket: Websocket) -> Backend:
    """Return the backend with another websocket listener."""
    assert backend.server is not None
    return replace(backend, server=replace(backend.server, websocket=websocket))


def key_of(path: str) -> KeyPair:
    """Return the one key of a path."""
    role = KeyRole.ACCOUNT
    if path.startswith("operator"):
        role = KeyRole.OPERATOR
    elif "/users/" in path:
        role = KeyRole.USER
    return KeyPair(role, hashlib.sha256(path.encode()).digest())


class Minted:
    """Identities of a backend: whoever knows the keys can be anybody."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        keyring = Keyring({path: key_of(path).public for path in key_paths(backend)})
        unsigned = list(build(backend, keyring))
        self.tokens = {each.path: sign(each.claims, key_of(each.issuer_path), NOW) for each in unsigned}
        self.accounts = {key_of(a.path).public: self.tokens[a.path] for a in backend.accounts.values()}

    def of(self, principal: Principal) -> Identity:
        account = self._backend.accounts[principal.account]
        if principal.user is not None:
            found = account.users[principal.user]
            is_bearer = found.role is not None and account.roles[found.role].bearer
            return Identity(jwt=self.tokens[found.path], key=None if is_bearer else key_of(found.path))
        role = account.roles[str(principal.role)]
        key = None if role.bearer else key_of(user_path(account.name, str(principal.name)))
        public = key_of(account.path).public
        claims = Claims(
            kind=TokenKind.USER,
            subject=key.public if key else derived_user_key(public, str(principal.name)),
            name=str(principal.name),
            nats=role_user_nats(public, principal.tags),
        )
        return Identity(jwt=sign(claims, key_of(role.path), NOW), key=key)

    def unsigned(self) -> Identity:
        return self.of(Principal(account="telemetry", user="ingest"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A backend that runs."""

    backend: Backend
    identities: Minted
    endpoints: Endpoints


@contextmanager
def running(backend: Backend, directory: Path, *, ca_file: str | None = None) -> Iterator[Running]:
    """Run a backend on a nats-server of its own."""
    identities = Minted(backend)
    config = server_config(
        backend,
        operator=identities.tokens["operator"],
        system_account=key_of(backend.system_account.path).public,
        preload=identities.accounts,
    )
    if ca_file is not None:
        config["tls"] = {"cert_file": str(directory / "cert.pem"), "key_file": str(directory / "key.pem")}
    with prepare(find_server(), directory, config) as server:
        ports = server.ports()
        endpoints = Endpoints(
            nats=ports.nats[0], websocket=ports.websocket[0], origin=ORIGIN, ca_file=ca_file
        )
        yield Running(backend=backend, identities=identities, endpoints=endpoints)


@contextmanager
def running_with_tls(backend: Backend, openssl: str, directory: Path) -> Iterator[Running]:
    """Run a backend with TLS on both listeners; `endpoints.ca_file` is the certificate."""
    _make_certificate(openssl, directory)
    assert backend.server is not None
    assert backend.server.websocket is not None
    tls = Tls(cert_file=str(directory / "cert.pem"), key_file=str(directory / "key.pem"))
    secure = with_websocket(backend, replace(backend.server.websocket, tls=tls))
    with running(secure, directory, ca_file=tls.cert_file) as started:
        yield started


def _make_certificate(openssl: str, directory: Path) -> None:
    """Write `cert.pem` and `key.pem` of 127.0.0.1, signed by itself."""
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    files = ["-keyout", str(directory / "key.pem"), "-out", str(directory / "cert.pem")]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
