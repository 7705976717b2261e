"""Rules about how roles and users connect, and what proves who they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from natsbackend.errors import Diagnostic, Severity
from natsbackend.model.entities import Account, Backend, ConnectionType, Role, User
from natsbackend.model.sentinel import find_sentinel
from natsbackend.model.templates import denied_without_tag, dropped_without_tag

_BEARERS = {ConnectionType.WEBSOCKET, ConnectionType.MQTT, ConnectionType.MQTT_WS}
"""Connections that cannot sign the server's nonce: browsers with a cookie, and everything that speaks MQTT."""


def _holders(backend: Backend) -> Iterator[tuple[Account, Role | User]]:
    for account in backend.accounts.values():
        for role in account.roles.values():
            yield account, role
        for user in account.users.values():
            yield account, user


def _secret_bearers(backend: Backend) -> Iterator[Role | User]:
    """Every bearer but the default sentinel: who has no token at all is that one anyway."""
    sentinel = find_sentinel(backend)
    for _, holder in _holders(backend):
        if holder.bearer and not (sentinel and holder is sentinel[1]):
            yield holder


def _shown(holder: Role | User) -> str:
    return f'{"role" if isinstance(holder, Role) else "user"} "{holder.name}"'


def bearer_everywhere(backend: Backend) -> Iterable[Diagnostic]:
    """A bearer that is not bound to browsers or MQTT: whoever gets hold of its token can use it over plain TCP, too."""
    for holder in _secret_bearers(backend):
        types = set(holder.connection_types)
        if not (types and types <= _BEARERS):
            yield Diagnostic(
                code="bearer-everywhere",
                message=f"{_shown(holder)} is a bearer, and its token works on other connections than a browser's",
                at=holder.at,
                hint="add `connection_types: [websocket]`",
                severity=Severity.WARNING,
            )


def bearer_without_expiry(backend: Backend) -> Iterable[Diagnostic]:
    """A user of the spec that is a bearer for good, by itself or by its role: a copied token works until it is revoked.

    A role's `ttl` is for the tokens that are minted; a user of the spec lives as long as it says itself.
    """
    sentinel = find_sentinel(backend)
    for account in backend.accounts.values():
        for user in account.users.values():
            if sentinel and user is sentinel[1]:
                continue
            role = account.roles.get(user.role) if user.role is not None else None
            if (role.bearer if role is not None else user.bearer) and user.expires is None:
                yield Diagnostic(
                    code="bearer-without-expiry",
                    message=f'user "{user.name}" is a bearer and never expires; whoever copies its JWT is it for good',
                    at=user.at,
                    hint="say until when: `expires: 2027-01-31`; or mint its tokens from a role with a `ttl`",
                    severity=Severity.WARNING,
                )


def time_zone_missing(backend: Backend) -> Iterable[Diagnostic]:
    """Times without a time zone: each server reads them in its own (nats-server 2.15 `jwt.go`, validateTimes)."""
    for _, holder in _holders(backend):
        if holder.restrictions.times and holder.restrictions.time_zone is None:
            yield Diagnostic(
                code="time-zone-missing",
                message=f"{_shown(holder)} has times in no time zone; each server reads them in its own",
                at=holder.at,
                hint="say which: `time_zone: Europe/Berlin`",
                severity=Severity.WARNING,
            )


def signing_key_unknown(backend: Backend) -> Iterable[Diagnostic]:
    """A user is to be signed by a plain signing key that its account does not have."""
    for account in backend.accounts.values():
        names = [key.name for key in account.signing_keys]
        for user in account.users.values():
            if user.signing_key is not None and user.signing_key not in names:
                close = get_close_matches(user.signing_key, names, 1, 0.6)
                yield Diagnostic(
                    code="signing-key-unknown",
                    message=f'account "{account.name}" has no signing key "{user.signing_key}"',
                    at=user.at,
                    hint=f"did you mean {close[0]!r}?"
                    if close
                    else f"its keys: {', '.join(names) or 'none'}",
                )


def role_user_tag_denied(backend: Backend) -> Iterable[Diagnostic]:
    """A user without a tag that a denied subject of its role asks for: the server refuses its login."""
    for user, role in _users_of_roles(backend):
        for grant, tag in denied_without_tag(role.permissions, user.tags):
            yield Diagnostic(
                code="role-user-tag-denied",
                message=f'user "{user.name}" has no tag "{tag}:…", which role "{role.name}" needs to deny '
                f'"{grant.subject}"; the server refuses its login',
                at=user.at,
                hint=f'add a tag: tags: ["{tag}:VALUE"]',
            )


def role_user_tag_missing(backend: Backend) -> Iterable[Diagnostic]:
    """A user without a tag that an allowed subject of its role asks for: the subject is not allowed to it."""
    for user, role in _users_of_roles(backend):
        for grant, tag in dropped_without_tag(role.permissions, user.tags):
            yield Diagnostic(
                code="role-user-tag-missing",
                message=f'user "{user.name}" has no tag "{tag}:…", so that role "{role.name}" does not allow it '
                f'"{grant.subject}"',
                at=user.at,
                hint=f'add a tag: tags: ["{tag}:VALUE"]',
                severity=Severity.WARNING,
            )


def _users_of_roles(backend: Backend) -> Iterator[tuple[User, Role]]:
    for account in backend.accounts.values():
        for user in account.users.values():
            role = account.roles.get(user.role) if user.role is not None else None
            if role is not None:
                yield user, role
