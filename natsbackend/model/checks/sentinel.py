"""Rules about the default sentinel, the user of whoever connects without a JWT."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from natsbackend.errors import Diagnostic, Severity
from natsbackend.model.checks.places import place
from natsbackend.model.entities import Account, Backend, Permissions, User
from natsbackend.model.sentinel import find_sentinel, is_bearer


def default_sentinel(backend: Backend) -> Iterable[Diagnostic]:
    """A default sentinel that is no user of the spec, or that the server refuses (2.15 `jwt.go`, `auth.go`)."""
    server = backend.server
    if server is None or server.default_sentinel is None:
        return
    found = find_sentinel(backend)
    message, hint = _unknown(backend, server.default_sentinel) if found is None else _refused(backend, *found)
    if message:
        yield Diagnostic(
            code="default-sentinel", message=message, at=place(server, "default_sentinel"), hint=hint
        )


def _unknown(backend: Backend, name: str) -> tuple[str, str]:
    users = [f"{a.name}/{u}" for a in backend.accounts.values() for u in a.users]
    roles = {f"{a.name}/{r}" for a in backend.accounts.values() for r in a.roles}
    if name in roles:
        message = f'"{name[:80]}" is a role, and a role has no JWT of its own'
        return message, "name a user of it: users: {guest: {role: ROLE}}"
    close = get_close_matches(name, users, 1, 0.6)
    hint = f"did you mean {close[0]}?" if close else "write ACCOUNT/USER"
    return f'"{name[:80]}" is no user of this spec', hint


def _refused(backend: Backend, account: Account, user: User) -> tuple[str | None, str]:
    if account is backend.system_account:
        message = "the default sentinel is of the system account: whoever reaches the server would rule it"
        return message, "take a user of another account"
    if not is_bearer(account, user):
        message = (
            f'the default sentinel "{user.name}" is no bearer: nobody has the key it would have to prove'
        )
        return message, "add `bearer: true` to it, or to its role"
    if account.details.disallow_bearer:
        message = f'account "{account.name}" disallows bearer tokens, and the default sentinel is one'
        return message, "take out `disallow_bearer`, or take a user of another account"
    pinned = backend.server.resolver.pinned if backend.server else None
    if pinned is not None and account.name not in pinned:
        message = f'account "{account.name}" is not pinned, so that its default sentinel lets nobody in'
        return message, "add it to server.resolver.pinned, or take a user of a pinned account"
    return None, ""


def default_sentinel_open(backend: Backend) -> Iterable[Diagnostic]:
    """A default sentinel with permissions and no auth callout: whoever reaches the server has them."""
    server, found = backend.server, find_sentinel(backend)
    if server is None or found is None:
        return
    account, user = found
    role = account.roles.get(user.role) if user.role is not None else None
    callout = account.details.external_authorization
    if callout is None and _may_something((role or user).permissions):
        yield Diagnostic(
            code="default-sentinel-open",
            message=f'whoever reaches the server without a token may do what user "{user.name}" may; no auth callout '
            "decides about them",
            at=place(server, "default_sentinel"),
            hint=f'add `external_authorization` to account "{account.name}", or keep to what everybody may know',
            severity=Severity.WARNING,
        )


def _may_something(permissions: Permissions) -> bool:
    both = (permissions.publish, permissions.subscribe)
    return permissions.account_default or any(rules.unrestricted or rules.allow for rules in both)
