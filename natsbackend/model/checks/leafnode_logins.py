"""Rules about the one login that a listener for leaf nodes may ask for, in the place of creds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from natsbackend.errors import Diagnostic, Severity
from natsbackend.keys import KeyRole, is_public
from natsbackend.model.checks.places import place
from natsbackend.model.entities import Account, Backend, ConnectionType, Role, User
from natsbackend.model.leafnodes import LeafnodeLogin
from natsbackend.model.serving import Server

_LEAFNODE = frozenset({ConnectionType.LEAFNODE, ConnectionType.LEAFNODE_WS})
_PATH = ("leafnodes", "authorization")


def _login(backend: Backend) -> tuple[Server, LeafnodeLogin] | None:
    server = backend.server
    login = server.leafnodes.authorization if server and server.leafnodes else None
    return (server, login) if server is not None and login is not None else None


def leafnode_authorization(backend: Backend) -> Iterable[Diagnostic]:
    """A login for leaf nodes that is none, half or two, or whose key is no user's public key.

    Of a user and a key the server looks at the user alone; with neither it asks for creds, and the account is nothing
    to it (nats-server 2.15 `auth.go`, isLeafNodeAuthorized). With a bad key it does not start (`opts.go`).
    """
    found = _login(backend)
    if found is None:
        return
    server, login = found
    if (login.user is None) != (login.password is None) or (login.user is None) == (login.nkey is None):
        yield Diagnostic(
            code="leafnode-authorization",
            message="this login is not whole: it is either `user` and `password`, or an `nkey`",
            at=place(server, *_PATH),
            hint="write {account: NAME, user: NAME, password: {file: PATH}} or {account: NAME, nkey: U…}",
        )
    elif login.nkey is not None and not is_public(login.nkey, KeyRole.USER):
        yield Diagnostic(
            code="leafnode-authorization",
            message=f"{login.nkey[:80]!r} is not the public key of a user",
            at=place(server, *_PATH, "nkey"),
            hint="copy it again: 56 characters that begin with U",
        )


def leafnode_login_unused(backend: Backend) -> Iterable[Diagnostic]:
    """A login for leaf nodes, and no listener that they could show it to."""
    found = _login(backend)
    leafnodes = backend.server.leafnodes if backend.server else None
    # one that comes over a websocket is turned away, too, where leaf nodes have no listener
    if found and leafnodes and leafnodes.listen is None:
        yield Diagnostic(
            code="leafnode-login-unused",
            message="no leaf node connects here, so nobody is asked for this login",
            at=place(found[0], *_PATH),
            hint="add leafnodes: {listen: 0.0.0.0:7422}; what this server shows elsewhere stands in `remotes`",
            severity=Severity.WARNING,
        )


def leafnode_login_alone(backend: Backend) -> Iterable[Diagnostic]:
    """Roles and users for leaf nodes alone beside the one login, which the server then takes nothing else but.

    nats-server 2.15 `auth.go`, isLeafNodeAuthorized: what `authorization` asks for goes before any JWT.
    """
    found = _login(backend)
    if (
        found is None
        or not backend.server
        or not backend.server.leafnodes
        or not backend.server.leafnodes.listen
    ):
        return
    elsewhere = {remote.user for remote in backend.server.leafnodes.remotes}
    for account, holder in _leafnode_holders(backend):
        if elsewhere.isdisjoint(_logins(account, holder)):
            yield Diagnostic(
                code="leafnode-login-alone",
                message=f'"{holder.name}" is for leaf nodes alone, and their listener takes no creds beside its own '
                "login",
                at=holder.at,
                hint="take out `leafnodes.authorization`, or this role or user",
                severity=Severity.WARNING,
            )


def _logins(account: Account, holder: Role | User) -> Iterator[str]:
    """Who logs in as a role or user, as a remote names it."""
    users = account.users.values() if isinstance(holder, Role) else (holder,)
    yield from (f"{account.name}/{user.name}" for user in users if user is holder or user.role == holder.name)


def _leafnode_holders(backend: Backend) -> Iterator[tuple[Account, Role | User]]:
    """Every role, and every user without one, that connects as a leaf node and in no other way."""
    for account in backend.accounts.values():
        users = (user for user in account.users.values() if user.role is None)
        holders: tuple[Role | User, ...] = (*account.roles.values(), *users)
        for holder in holders:
            if holder.connection_types and _LEAFNODE.issuperset(holder.connection_types):
                yield account, holder
