"""Rules about the URLs of other servers: routes, gateways, and remotes of leaf nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from natsbackend.errors import Diagnostic, Location, Severity
from natsbackend.model.entities import Backend
from natsbackend.model.peers import Peer
from natsbackend.model.serving import Server

WEBSOCKETS = frozenset({"ws", "wss"})
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?|[0-9a-f:.]+(%\w+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class _List:
    """A list of URLs, and what they may be."""

    what: str
    peers: Sequence[Peer]
    schemes: frozenset[str]
    port_needed: bool
    at: Location | None


_ROUTES = frozenset({"nats", "nats-route", "tls"})
_GATEWAYS = frozenset({"nats", "tls"})
_REMOTES = frozenset({"nats", "nats-leaf", "tls"}) | WEBSOCKETS


def _lists(server: Server) -> Iterator[_List]:
    if server.cluster is not None and server.cluster.routes:
        yield _List(what="a route", peers=server.cluster.routes, schemes=_ROUTES, port_needed=True, at=None)
    for gateway in server.gateway.gateways if server.gateway else ():
        yield _List(what="a gateway", peers=gateway.urls, schemes=_GATEWAYS, port_needed=True, at=gateway.at)
    for remote in server.leafnodes.remotes if server.leafnodes else ():
        yield _List(
            what="a leaf node remote", peers=remote.urls, schemes=_REMOTES, port_needed=False, at=remote.at
        )


def scheme(peer: Peer) -> str | None:
    """Return the scheme of a peer's URL, or None where it stands elsewhere."""
    return None if peer.url is None else peer.url.partition(":")[0].lower()


def peer_url(backend: Backend) -> Iterable[Diagnostic]:
    """The URL of another server is none, has no port, or is there twice; or there is none at all."""
    for each in _lists(backend.server) if backend.server else ():
        if not each.peers:
            message = f"{each.what} needs a URL"
            yield Diagnostic(
                code="peer-url", message=message, at=each.at, hint="name at least one under `urls`"
            )
        for index, peer in enumerate(each.peers):
            reason = None if peer.url is None else _why_unusable(peer.url, each)
            if reason is None and peer in each.peers[:index]:
                reason = "it is in the list already"
            if reason is not None:
                yield Diagnostic(
                    code="peer-url",
                    message=f"this is no URL of {each.what}: {reason}",
                    at=peer.at,
                    hint="write nats://HOST:PORT or tls://HOST:PORT",
                )


def _why_unusable(url: str, kind: _List) -> str | None:
    parts = _split(url)
    if parts is None or not url.isprintable() or " " in url:
        return "it cannot be read"
    if parts.scheme not in kind.schemes:
        return f"its scheme is none of {', '.join(sorted(kind.schemes))}"
    if not _HOST.fullmatch(parts.hostname or ""):
        return "its host is none"
    if (parts.port is None and kind.port_needed) or parts.port == 0:
        return "it has no port"
    if parts.path not in ("", "/") and parts.scheme not in WEBSOCKETS:
        return "it has a path"
    return "it has a query or fragment" if parts.query or parts.fragment else None


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def peer_url_secret(backend: Backend) -> Iterable[Diagnostic]:
    """A URL of another server with a user or password in it, which would stand in the config for all to read."""
    for each in _lists(backend.server) if backend.server else ():
        for peer in each.peers:
            parts = None if peer.url is None else _split(peer.url)
            if parts is not None and "@" in parts.netloc:
                yield Diagnostic(
                    code="peer-url-secret",
                    message=f"the URL of {each.what} holds a login, which would stand in the config",
                    at=peer.at,
                    hint="write {env: NAME} or {file: PATH}, and the whole URL there",
                )


def peer_websocket_port(backend: Backend) -> Iterable[Diagnostic]:
    """A websocket remote without a port: the server connects to 7422, not to 80 or 443 (nats-server 2.15 `opts.go`)."""
    leafnodes = backend.server.leafnodes if backend.server else None
    for remote in leafnodes.remotes if leafnodes else ():
        for peer in remote.urls:
            parts = None if peer.url is None else _split(peer.url)
            if parts is not None and parts.scheme in WEBSOCKETS and parts.port is None:
                yield Diagnostic(
                    code="peer-websocket-port",
                    message=f"without a port, `{parts.scheme}://` goes to port 7422 here",
                    at=peer.at,
                    hint="write the port: 443 for `wss://`, 80 for `ws://`, as a rule",
                    severity=Severity.WARNING,
                )
