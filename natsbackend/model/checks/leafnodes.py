"""Rules about leaf nodes: whose they are, what they may, and what the server would refuse or ignore."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from urllib.parse import urlsplit

from natsbackend.errors import Diagnostic, Location, Severity
from natsbackend.model.checks.peers import WEBSOCKETS, scheme
from natsbackend.model.checks.places import place
from natsbackend.model.entities import Account, Backend, ConnectionType, Role, User
from natsbackend.model.leafnodes import LeafnodeProxy, LeafnodeRemote, find_user
from natsbackend.model.serving import Server
from natsbackend.subjects.patterns import why_invalid

_VERSION = re.compile(r"v?([0-9]{1,6})\.([0-9]{1,6})\.([0-9]{1,6})(-[0-9A-Za-z.-]+)?", re.ASCII)
_OLDEST = (2, 8, 0)
_LEAFNODE = frozenset({ConnectionType.LEAFNODE, ConnectionType.LEAFNODE_WS})


@dataclass(frozen=True, slots=True)
class _Written:
    """A remote, and where it is written."""

    remote: LeafnodeRemote
    server: Server
    index: int

    def at(self, *path: str | int) -> Location | None:
        """Return where one of its words stands, or else the remote itself."""
        return place(self.server, "leafnodes", "remotes", self.index, *path)


def _remotes(backend: Backend) -> Iterator[_Written]:
    server = backend.server
    for index, remote in enumerate(server.leafnodes.remotes if server and server.leafnodes else ()):
        assert server is not None
        yield _Written(remote, server, index)


def _is_websocket(remote: LeafnodeRemote) -> bool:
    return any(scheme(peer) in WEBSOCKETS for peer in remote.urls)


def leafnode_account(backend: Backend) -> Iterable[Diagnostic]:
    """Leaf nodes are joined with an account that is not in this spec."""
    for name, at in _accounts(backend):
        if name not in backend.accounts:
            close = get_close_matches(name, backend.accounts, 1, 0.6)
            yield Diagnostic(
                code="leafnode-account",
                message=f'account "{name}" is not in this spec',
                at=at,
                hint=f"did you mean {close[0]!r}?" if close else None,
            )


def _accounts(backend: Backend) -> Iterator[tuple[str, Location | None]]:
    """Every account that leaf nodes are joined with by name, and where the name stands."""
    server = backend.server
    login = server.leafnodes.authorization if server and server.leafnodes else None
    if server is not None and login is not None:
        yield login.account, place(server, "leafnodes", "authorization", "account")
    for written in _remotes(backend):
        yield written.remote.account, written.at("account")


def leafnode_user(backend: Backend) -> Iterable[Diagnostic]:
    """A remote logs in as a user that is not in this spec, or that may not connect as a leaf node."""
    for written in _remotes(backend):
        remote = written.remote
        if remote.user is None:
            continue
        found = find_user(backend.accounts, remote.user)
        if found is None:
            yield Diagnostic(
                code="leafnode-user",
                message=f'"{remote.user}" is no user of this spec',
                at=written.at("creds"),
                hint=_did_you_mean(remote.user, backend),
            )
        elif (needed := _type_missing(*found, remote)) is not None:
            yield Diagnostic(
                code="leafnode-user",
                message=f'"{remote.user}" may not connect as a leaf node: {needed} is not one of its connection types',
                at=written.at("creds"),
                hint=f"add `{needed.value.lower()}` to its `connection_types`",
            )


def _did_you_mean(text: str, backend: Backend) -> str:
    known = [f"{a.name}/{u}" for a in backend.accounts.values() for u in a.users]
    close = get_close_matches(text, known, 1, 0.6)
    return (
        f"did you mean {close[0]}?"
        if close
        else "write ACCOUNT/USER, or {file: PATH} for creds from elsewhere"
    )


def _type_missing(account: Account, user: User, remote: LeafnodeRemote) -> ConnectionType | None:
    """Return the connection type that a user needs for a remote and does not have."""
    role = account.roles.get(user.role) if user.role is not None else None
    types = role.connection_types if role else user.connection_types
    needed = ConnectionType.LEAFNODE_WS if _is_websocket(remote) else ConnectionType.LEAFNODE
    return needed if types and needed not in types else None


def leafnode_login(backend: Backend) -> Iterable[Diagnostic]:
    """A remote with creds and an nkey: the server does not start."""
    for written in _remotes(backend):
        remote = written.remote
        if remote.nkey is not None and (remote.user is not None or remote.creds_file is not None):
            yield Diagnostic(
                code="leafnode-login",
                message="a remote has either `creds` or an `nkey`",
                at=written.at("nkey"),
                hint="take one of them out",
            )


def leafnode_limit(backend: Backend) -> Iterable[Diagnostic]:
    """Leaf nodes of an account whose limit for them is 0: each is refused, whichever side began it."""
    for written in _remotes(backend):
        remote = written.remote
        found = find_user(backend.accounts, remote.user) if remote.user is not None else None
        accounts = {remote.account: backend.accounts.get(remote.account)}
        if found is not None:
            accounts[found[0].name] = found[0]
        for account in accounts.values():
            if account is not None and account.limits.leaf_nodes == 0:
                yield Diagnostic(
                    code="leafnode-limit",
                    message=f'account "{account.name}" may have no leaf nodes, so the remote is refused',
                    at=written.at(),
                    hint=f"raise `limits.leaf_nodes` of {account.name}, or take it out for no limit",
                )
    server = backend.server
    login = server.leafnodes.authorization if server and server.leafnodes else None
    joined = backend.accounts.get(login.account) if login else None
    if server is not None and joined is not None and joined.limits.leaf_nodes == 0:
        yield Diagnostic(
            code="leafnode-limit",
            message=f'account "{joined.name}" may have no leaf nodes, so this login is refused',
            at=place(server, "leafnodes", "authorization"),
            hint=f"raise `limits.leaf_nodes` of {joined.name}, or take it out for no limit",
        )
    for account, holder in _leafnode_holders(backend):
        yield Diagnostic(
            code="leafnode-limit",
            message=f'"{holder.name}" is for leaf nodes alone, and account "{account.name}" may have none',
            at=holder.at,
            hint=f"raise `limits.leaf_nodes` of {account.name}, or take it out for no limit",
        )


def _leafnode_holders(backend: Backend) -> Iterator[tuple[Account, Role | User]]:
    """Every role and user for leaf nodes alone, of accounts that may have none."""
    for account in backend.accounts.values():
        if account.limits.leaf_nodes == 0:
            holders: tuple[Role | User, ...] = (*account.roles.values(), *account.users.values())
            for holder in holders:
                if holder.connection_types and _LEAFNODE.issuperset(holder.connection_types):
                    yield account, holder


def leafnode_mixed_urls(backend: Backend) -> Iterable[Diagnostic]:
    """A remote with websocket URLs and others: the server does not start (nats-server 2.15 `leafnode.go`)."""
    for written in _remotes(backend):
        remote = written.remote
        kinds = {scheme(peer) in WEBSOCKETS for peer in remote.urls if peer.url is not None}
        if len(kinds) > 1:
            yield Diagnostic(
                code="leafnode-mixed-urls",
                message="the URLs of a remote are all websockets, or none is",
                at=written.at("urls"),
                hint="make two remotes of it",
            )


def leafnode_duplicate(backend: Backend) -> Iterable[Diagnostic]:
    """Two remotes with the same URLs, account and creds: the server does not start."""
    seen: set[object] = set()
    for written in _remotes(backend):
        remote = written.remote
        identity = (remote.urls, remote.account, remote.user, remote.creds_file, remote.nkey)
        if identity in seen:
            yield Diagnostic(
                code="leafnode-duplicate",
                message="a remote with these URLs, this account and this login is there already",
                at=written.at(),
                hint="take one of them out",
            )
        seen.add(identity)


def leafnode_subject(backend: Backend) -> Iterable[Diagnostic]:
    """A subject of `deny_imports` or `deny_exports` that is none: the server does not start."""
    for written in _remotes(backend):
        for word in ("deny_imports", "deny_exports"):
            for i, subject in enumerate(getattr(written.remote, word)):
                reason = why_invalid(subject)
                if reason is not None:
                    message = f"{subject[:80]!r}: {reason}"
                    yield Diagnostic(code="leafnode-subject", message=message, at=written.at(word, i))


def leafnode_tls(backend: Backend) -> Iterable[Diagnostic]:
    """A remote's certificate without its key, or a key without its certificate: the server does not start."""
    for written in _remotes(backend):
        remote = written.remote
        if remote.tls is not None and (remote.tls.cert_file is None) != (remote.tls.key_file is None):
            yield Diagnostic(
                code="leafnode-tls",
                message="a certificate to show needs both `cert_file` and `key_file`",
                at=written.at("tls"),
                hint="give both, or none",
            )


def leafnode_proxy(backend: Backend) -> Iterable[Diagnostic]:
    """A proxy the server would refuse, or not use: it is for websockets alone, and `wss://` needs `tls` beside it."""
    for written in _remotes(backend):
        remote = written.remote
        reason = _why_no_proxy(remote, remote.proxy) if remote.proxy else None
        if reason is not None:
            message, hint = reason
            yield Diagnostic(code="leafnode-proxy", message=message, at=written.at("proxy"), hint=hint)


def _why_no_proxy(remote: LeafnodeRemote, proxy: LeafnodeProxy) -> tuple[str, str] | None:
    try:
        parts = urlsplit(proxy.url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "the proxy's URL cannot be read", "write http://HOST:PORT"
    if not sound or parts.port is None:
        return "this is no URL of a proxy", "write http://HOST:PORT or https://HOST:PORT"
    if "@" in parts.netloc:
        return (
            "the proxy's URL holds a login, which would stand in the config",
            "give `username` and `password`",
        )
    if (proxy.username is None) != (proxy.password is None):
        return "a login at the proxy needs both `username` and `password`", "give both, or none"
    schemes = [scheme(peer) for peer in remote.urls if peer.url is not None]
    if any(s not in WEBSOCKETS for s in schemes):
        return "the server uses a proxy for `ws://` and `wss://` alone", "connect to a websocket listener"
    if "wss" in schemes and remote.tls is None:
        return "behind a proxy, `wss://` needs `tls` at the remote", "add `tls: {}`"
    return None


def leafnode_websocket_word(backend: Backend) -> Iterable[Diagnostic]:
    """`ws_compression` or `ws_no_masking` at a remote that is no websocket: the server ignores it silently."""
    for written in _remotes(backend):
        remote = written.remote
        if _is_websocket(remote) or any(peer.url is None for peer in remote.urls):
            continue
        for word in ("ws_compression", "ws_no_masking"):
            if getattr(remote, word):
                yield Diagnostic(
                    code="leafnode-websocket-word",
                    message=f"`{word}` is for `ws://` and `wss://` alone",
                    at=written.at(word),
                    hint="take it out, or connect to a websocket listener",
                    severity=Severity.WARNING,
                )


def leafnode_version(backend: Backend) -> Iterable[Diagnostic]:
    """A `min_version` that is no version, or older than 2.8.0: the server does not start."""
    server = backend.server
    text = server.leafnodes.min_version if server and server.leafnodes else None
    if server is None or text is None:
        return
    match = _VERSION.fullmatch(text)
    if match is None or (int(match[1]), int(match[2]), int(match[3])) < _OLDEST:
        yield Diagnostic(
            code="leafnode-version",
            message=f"{text[:40]!r} is no version of nats-server that can be asked for",
            at=place(server, "leafnodes", "min_version"),
            hint="write one from 2.8.0 on, for instance 2.10.0",
        )
