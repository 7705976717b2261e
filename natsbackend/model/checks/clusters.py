"""Rules about the cluster of the server and its gateways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from natsbackend.errors import Diagnostic, Severity
from natsbackend.model.checks.places import place
from natsbackend.model.entities import Backend
from natsbackend.model.serving import Server

_MAX_PING_INTERVAL = 30_000_000_000


def cluster_server_name(backend: Backend) -> Iterable[Diagnostic]:
    """JetStream or MQTT in a cluster, without the server's name: the server does not start (nats-server 2.15)."""
    server = backend.server
    if server is None or server.name is not None:
        return
    if server.jetstream is not None and server.cluster is not None:
        needs = "JetStream in a cluster"
    elif server.mqtt is not None and (server.cluster is not None or server.gateway is not None):
        needs = "MQTT in a cluster"
    else:
        return
    yield Diagnostic(
        code="cluster-server-name",
        message=f"{needs} needs a name for each server",
        at=place(server, "cluster" if server.cluster else "gateway"),
        hint="give `server.name`, another one on each server of the cluster",
    )


def cluster_jetstream(backend: Backend) -> Iterable[Diagnostic]:
    """JetStream in a cluster without routes: the server does not start (nats-server 2.15 `jetstream_cluster.go`)."""
    server = backend.server
    if server is None or server.jetstream is None or (server.cluster is None and server.gateway is None):
        return
    routes = server.cluster.routes if server.cluster else ()
    remotes = server.leafnodes.remotes if server.leafnodes else ()
    if not routes and all(remote.account != backend.operator.system_account for remote in remotes):
        yield Diagnostic(
            code="cluster-jetstream",
            message="JetStream in a cluster needs `routes`",
            at=place(server, "cluster" if server.cluster else "gateway"),
            hint="list the cluster's servers under `cluster.routes`; this server may be one of them",
        )


def cluster_name(backend: Backend) -> Iterable[Diagnostic]:
    """A name of a cluster that is empty or holds blanks: the server does not start."""
    server = backend.server
    for path, name in _names(server) if server else ():
        if server and (not name or any(c.isspace() for c in name)):
            yield Diagnostic(
                code="cluster-name",
                message=f"{name[:60]!r} cannot be a cluster's name; it cannot be empty or hold blanks",
                at=place(server, *path),
                hint="use - or _ instead",
            )


def _names(server: Server) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every name of a cluster, and where it stands."""
    if server.cluster is not None:
        yield ("cluster", "name"), server.cluster.name
    if server.gateway is not None:
        if server.gateway.name is not None and server.cluster is None:
            yield ("gateway", "name"), server.gateway.name
        for i, remote in enumerate(server.gateway.gateways):
            yield ("gateway", "gateways", i, "name"), remote.name


def gateway_name(backend: Backend) -> Iterable[Diagnostic]:
    """A gateway without the name of its cluster, or with another one: the server does not start."""
    server = backend.server
    gateway = server.gateway if server else None
    if server is None or gateway is None:
        return
    if gateway.name is None:
        yield Diagnostic(
            code="gateway-name",
            message="a gateway needs the name of this cluster",
            at=place(server, "gateway"),
            hint="give `gateway.name`, or describe the `cluster`",
        )
    elif server.cluster is not None and gateway.name != server.cluster.name:
        yield Diagnostic(
            code="gateway-name",
            message=f"the gateway is of {gateway.name[:60]!r}, and the cluster is {server.cluster.name[:60]!r}",
            at=place(server, "gateway", "name"),
            hint="take `gateway.name` out: it is that of the cluster",
        )


def cluster_account(backend: Backend) -> Iterable[Diagnostic]:
    """An account with routes of its own that is not in the spec, or is there twice: the server does not start."""
    server = backend.server
    names = server.cluster.accounts if server and server.cluster else ()
    for index, name in enumerate(names):
        close = get_close_matches(name, backend.accounts, 1, 0.6)
        if name not in backend.accounts:
            message, hint = (
                f'account "{name}" is not in this spec',
                f"did you mean {close[0]!r}?" if close else None,
            )
        elif name in names[:index]:
            message, hint = f'account "{name}" is in the list already', "take it out"
        else:
            continue
        assert server is not None
        at = place(server, "cluster", "accounts", index)
        yield Diagnostic(code="cluster-account", message=message, at=at, hint=hint)


def cluster_ping_interval(backend: Backend) -> Iterable[Diagnostic]:
    """Pings between servers that are more than 30s apart: the server makes it 30s, and says so at every start."""
    server = backend.server
    cluster = server.cluster if server else None
    if server and cluster and (cluster.ping_interval or 0) > _MAX_PING_INTERVAL:
        yield Diagnostic(
            code="cluster-ping-interval",
            message="the server pings other servers every 30s or more often, whatever stands here",
            at=place(server, "cluster", "ping_interval"),
            hint="give 30s or less",
            severity=Severity.WARNING,
        )


def cluster_route_login(backend: Backend) -> Iterable[Diagnostic]:
    """A route without a login in a cluster that asks for one: a server shows what its URL holds alone."""
    server = backend.server
    cluster = server.cluster if server else None
    if server is None or cluster is None or cluster.authorization is None:
        return
    for route in cluster.routes:
        if route.secret is None:
            yield Diagnostic(
                code="cluster-route-login",
                message="the cluster asks for user and password, and a route shows those of its URL alone: this one "
                "would be refused",
                at=route.at,
                hint="write {env: NAME} or {file: PATH}, and nats://USER:PASSWORD@HOST:PORT there",
            )


def gateway_duplicate(backend: Backend) -> Iterable[Diagnostic]:
    """Two gateways of one name: the server takes the last one, without a word (nats-server 2.15 `gateway.go`)."""
    server = backend.server
    gateways = server.gateway.gateways if server and server.gateway else ()
    seen: set[str] = set()
    for remote in gateways:
        if remote.name in seen:
            yield Diagnostic(
                code="gateway-duplicate",
                message=f"the cluster {remote.name[:60]!r} is in the list already; the server would use only one of "
                "them",
                at=remote.at,
                hint="put all its URLs into one entry",
            )
        seen.add(remote.name)


def gateway_unreachable(backend: Backend) -> Iterable[Diagnostic]:
    """`reject_unknown` and no gateways: every other cluster would be refused."""
    server = backend.server
    gateway = server.gateway if server else None
    if server and gateway and gateway.reject_unknown and not _others(server):
        yield Diagnostic(
            code="gateway-unreachable",
            message="`reject_unknown` refuses every cluster that is not among `gateways`, and none is",
            at=place(server, "gateway", "reject_unknown"),
            hint="list the other clusters under `gateways`",
            severity=Severity.WARNING,
        )


def _others(server: Server) -> tuple[str, ...]:
    assert server.gateway is not None
    return tuple(r.name for r in server.gateway.gateways if r.name != server.gateway.name)
