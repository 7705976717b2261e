"""Rules about the cookie a browser's token comes in, the pages that may use it, and how large tokens are."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from natsbackend.errors import Diagnostic, Location, Severity
from natsbackend.model.checks.places import place
from natsbackend.model.entities import Account, Backend, User
from natsbackend.model.holders import Holder, browsers
from natsbackend.model.serving import Cookie
from natsbackend.model.sizes import MAX_COOKIE, cookie_size, is_short, role_token_size, user_token_size

_DOMAIN = re.compile(r"[A-Za-z0-9_.-]+")
_NEARLY = MAX_COOKIE * 7 // 8
_YEAR = 365 * 24 * 60 * 60
_CONTROL_LINE = 4096
"""The longest line of the protocol, CONNECT with its JWT included, unless `max_control_line` says otherwise."""
_REST_OF_CONNECT = 256
"""Bytes that clients send beside the JWT: a signature of 86, who they are, what they can."""


def _cookie(backend: Backend) -> Cookie | None:
    return backend.server.websocket.cookie if backend.server and backend.server.websocket else None


def cookie_same_site(backend: Backend) -> Iterable[Diagnostic]:
    """A cookie that browsers send along from every site: `same_site: None`."""
    cookie = _cookie(backend)
    if backend.server and cookie and cookie.same_site == "None":
        yield Diagnostic(
            code="cookie-same-site",
            message="browsers send this cookie along from every site: `allowed_origins` then stands alone between "
            "a visitor's token and any page",
            at=place(backend.server, "websocket", "cookie", "same_site"),
            hint="serve page and websocket from one site, and leave `same_site` out: it is Strict",
            severity=Severity.WARNING,
        )


def cookie_domain(backend: Backend) -> Iterable[Diagnostic]:
    """A cookie of a whole domain: every host in it is sent the token, and can set another in its place."""
    cookie = _cookie(backend)
    sound = cookie is not None and _DOMAIN.fullmatch(cookie.domain or "") is not None
    if (
        backend.server
        and cookie
        and cookie.domain
        and sound
        and not cookie.name.lower().startswith("__host-")
    ):
        yield Diagnostic(
            code="cookie-domain",
            message=f"every host below {cookie.domain.removeprefix('.')!r} is sent the token, and can put another "
            "in its place",
            at=place(backend.server, "websocket", "cookie", "domain"),
            hint="serve page and websocket from one host (other ports are fine): no `domain`, name: __Host-nats",
            severity=Severity.WARNING,
        )


def _origins(backend: Backend) -> Iterator[tuple[int, str, str, bool]]:
    """Each origin that a cookie's listener allows: its turn, itself, its scheme, and whether it is this machine."""
    websocket = backend.server.websocket if backend.server else None
    if websocket is None or websocket.cookie is None:
        return
    for index, origin in enumerate(websocket.allowed_origins):
        try:
            parts = urlsplit(origin)
        except ValueError:
            continue  # `websocket-origin` says it
        if parts.hostname:
            yield index, origin, parts.scheme, _is_this_machine(parts.hostname)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def origin_plain(backend: Backend) -> Iterable[Diagnostic]:
    """A page over plain http beside a cookie: it cannot have a secure one, and whoever is on its way can read it."""
    for index, origin, scheme, here in _origins(backend):
        if backend.server and scheme == "http" and not here:
            yield Diagnostic(
                code="origin-plain",
                message=f"{origin[:80]!r} is not encrypted: browsers keep no secure cookie of it, and whoever is on "
                "the way can change the page",
                at=place(backend.server, "websocket", "allowed_origins", index),
                hint=f"serve it over TLS: https{origin[4:80]}",
                severity=Severity.WARNING,
            )


def origin_local(backend: Backend) -> Iterable[Diagnostic]:
    """A page on the visitor's own machine beside public ones: whatever runs there can use the visitor's cookie."""
    origins = tuple(_origins(backend))
    if all(here for _, _, _, here in origins):
        return
    for index, origin, _, here in origins:
        if backend.server and here:
            yield Diagnostic(
                code="origin-local",
                message=f"{origin[:80]!r} is on the visitor's own machine: what listens there, whoever started it, "
                "can use the visitor's cookie",
                at=place(backend.server, "websocket", "allowed_origins", index),
                hint="keep it in a spec for development alone",
                severity=Severity.WARNING,
            )


def _cookies(backend: Backend) -> Iterator[tuple[str, int, Location | None]]:
    """Each token that comes in the cookie: whose it is, the size of the whole cookie, and where its owner stands."""
    cookie = _cookie(backend)
    if cookie is None:
        return
    for holder in browsers(backend):
        if isinstance(holder.entity, User):
            token, ttl = user_token_size(holder.entity), _YEAR
        else:
            token, ttl = role_token_size(), holder.entity.ttl or 0
        yield holder.shown, cookie_size(cookie, token, ttl), holder.at
    for account, user in _role_users(backend):
        if Holder(account=account, entity=account.roles[str(user.role)], noun="role").browser:
            yield f'user "{user.name}"', cookie_size(cookie, user_token_size(user), _YEAR), user.at


def _role_users(backend: Backend) -> Iterator[tuple[Account, User]]:
    for account in backend.accounts.values():
        for user in account.users.values():
            if user.role in account.roles:
                yield account, user


_SMALLER = (
    "make it a user of a role: the server holds its permissions, and the token keeps to some 700 bytes; "
    "give it fewer or shorter tags, the cookie a shorter name"
)


def cookie_too_large(backend: Backend) -> Iterable[Diagnostic]:
    """A token that is too large for a cookie: browsers drop it without a word."""
    for shown, size, at in _cookies(backend):
        if size > MAX_COOKIE:
            yield Diagnostic(
                code="cookie-too-large",
                message=f"the cookie of {shown} would have about {size} bytes, and browsers keep {MAX_COOKIE}",
                at=at,
                hint=_SMALLER,
            )


def cookie_nearly_full(backend: Backend) -> Iterable[Diagnostic]:
    """A token that nearly fills a cookie: a few more subjects or tags, and browsers drop it."""
    for shown, size, at in _cookies(backend):
        if _NEARLY < size <= MAX_COOKIE:
            yield Diagnostic(
                code="cookie-nearly-full",
                message=f"the cookie of {shown} would have about {size} bytes of the {MAX_COOKIE} that browsers keep",
                at=at,
                hint=_SMALLER,
                severity=Severity.WARNING,
            )


def token_too_long(backend: Backend) -> Iterable[Diagnostic]:
    """A user whose JWT is too long for CONNECT: the server ends the connection with a protocol error.

    A cookie comes in a header and is not held to it (nats-server 2.15 `parser.go`, `websocket.go`).
    """
    limit = backend.server.limits.max_control_line if backend.server else None
    most = _CONTROL_LINE if limit is None else limit
    in_cookies = {id(holder.entity) for holder in browsers(backend)} if _cookie(backend) else set()
    for account in backend.accounts.values():
        for user in account.users.values():
            entity = account.roles.get(user.role, user) if user.role is not None else user
            if is_short(user, most - _REST_OF_CONNECT):
                continue
            size = user_token_size(user) + _REST_OF_CONNECT
            if size > most and id(entity) not in in_cookies:
                yield Diagnostic(
                    code="token-too-long",
                    message=f'user "{user.name}" could not log in: with its JWT, CONNECT has about {size} bytes, and '
                    f"the server takes {most}",
                    at=user.at,
                    hint="make it a user of a role, or raise `server.limits.max_control_line`",
                )
