"""Rules about what the server takes and then does not do, or does only as long as it is alone."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from natsbackend.errors import Diagnostic, Location, Severity
from natsbackend.model.checks.places import place
from natsbackend.model.entities import UNLIMITED, Account, Backend, ConnectionType, JetStreamLimits
from natsbackend.model.holders import Holder, holders
from natsbackend.model.serving import ResolverKind

_MAX_PAYLOAD = 1024 * 1024
_WEB = frozenset({ConnectionType.WEBSOCKET, ConnectionType.MQTT_WS, ConnectionType.LEAFNODE_WS})


_UNLIMITED = (UNLIMITED, UNLIMITED)


def limit_without_effect(backend: Backend) -> Iterable[Diagnostic]:
    """A limit that the server takes and does not hold anybody to."""
    most = _max_payload(backend)
    for account in backend.accounts.values():
        limits = account.limits
        what = f'account "{account.name}"'
        if (limits.data, limits.payload) != _UNLIMITED:
            yield from _idle(what, account.at, limits.data, limits.payload, most)
        if not limits.wildcard_exports and limits.exports == UNLIMITED:
            message = f"{what}: `wildcard_exports: false` does nothing while `exports` is unlimited"
            yield _without_effect(message, account.at, "limit `exports` as well, to the number there are")
    for holder in holders(backend):
        own = holder.entity.limits
        if (own.data, own.payload) != _UNLIMITED:
            yield from _idle(holder.shown, holder.at, own.data, own.payload, most)


def _max_payload(backend: Backend) -> int | None:
    """Return the largest message of the server; None if the spec describes no server."""
    if backend.server is None:
        return None
    given = backend.server.limits.max_payload
    return _MAX_PAYLOAD if given is None else given


def _idle(what: str, at: Location | None, data: int, payload: int, most: int | None) -> Iterator[Diagnostic]:
    """The limits of data, which nothing enforces (nats-server 2.15), and of messages above the server's own."""
    if data != UNLIMITED:
        message = f"{what}: no server enforces a limit of `data`"
        yield _without_effect(message, at, "take it out; `payload` and `subscriptions` are enforced")
    if most is not None and payload > most:
        message = f"{what}: a `payload` of {payload} bytes does nothing above the server's own limit, {most}"
        yield _without_effect(message, at, "raise `server.limits.max_payload`, or take it out")


def _without_effect(message: str, at: Location | None, hint: str) -> Diagnostic:
    return Diagnostic(
        code="limit-without-effect", message=message, at=at, hint=hint, severity=Severity.WARNING
    )


def limit_shuts_out(backend: Backend) -> Iterable[Diagnostic]:
    """A limit of zero in an account whose roles and users need more: the server refuses every one of them.

    `maximum account active connections exceeded`, and `maximum subscriptions exceeded` at the first one
    (nats-server 2.15 `client.go`, `registerWithAccount` and `subsAtLimit`).
    """
    said: set[tuple[str, str]] = set()
    for holder in holders(backend):
        account, limits = holder.account, holder.account.limits
        shut_out = []
        if limits.connections == 0 and _connects(holder):
            shut_out.append(("connections", "connect"))
        if limits.subscriptions == 0 and _subscribes(holder):
            shut_out.append(("subscriptions", "subscribe"))
        for word, verb in shut_out:
            if (account.name, word) not in said:
                said.add((account.name, word))
                yield Diagnostic(
                    code="limit-shuts-out",
                    message=f'account "{account.name}" allows no {word}, so {holder.shown} cannot {verb}',
                    at=account.at,
                    hint=f"raise `limits: {{{word}: …}}`, or take it out: it is unlimited then",
                    severity=Severity.WARNING,
                )


def _connects(holder: Holder) -> bool:
    types = set(holder.entity.connection_types)
    return not types or not types <= {ConnectionType.LEAFNODE, ConnectionType.LEAFNODE_WS}


def _subscribes(holder: Holder) -> bool:
    rules = holder.permissions.subscribe
    return rules.unrestricted or bool(rules.allow)


def jetstream_overcommitted(backend: Backend) -> Iterable[Diagnostic]:
    """Shares of JetStream that come to more than a single server has: for some account it stays off.

    A push says yes; the server logs `insufficient … resources available` and leaves JetStream off for the account that
    comes last (nats-server 2.15 `jetstream.go`, `sufficientResources`). In a cluster it does not add up.
    """
    jetstream = backend.server.jetstream if backend.server else None
    if backend.server is None or jetstream is None or _are_several(backend):
        return
    for word, most in (("disk", jetstream.disk), ("memory", jetstream.memory)):
        shares = {account.name: _share(account, word) for account in backend.accounts.values()}
        total = sum(shares.values())
        if most is not None and total > most:
            largest = max(shares, key=lambda name: shares[name])
            yield Diagnostic(
                code="jetstream-overcommitted",
                message=f"the accounts' shares of JetStream's {word} come to {total} bytes, and the server has {most}: "
                f'for some it stays off; the largest is that of account "{largest}", {shares[largest]}',
                at=place(backend.server, "jetstream", word),
                hint=f"give the server more `{word}`, or the accounts less",
                severity=Severity.WARNING,
            )


def _are_several(backend: Backend) -> bool:
    """Whether there is more than one server, by the targets."""
    return any(len(target.urls) > 1 or (target.servers or 1) > 1 for target in backend.targets.values())


def _share(account: Account, word: str) -> int:
    shares: list[JetStreamLimits] = [account.jetstream, *account.details.tiers.values()]
    return sum(max(0, getattr(share, word)) for share in shares)


def tier_without_cluster(backend: Backend) -> Iterable[Diagnostic]:
    """A share of JetStream for streams with replicas on a server that is alone: it refuses to make them.

    `replicas > 1 not supported in non-clustered mode` (nats-server 2.15 `stream.go`). A leaf node may reach a cluster.
    """
    server = backend.server
    if server is None or server.cluster or server.leafnodes or _are_several(backend):
        return
    for account in backend.accounts.values():
        replicated = [tier for tier in account.details.tiers if tier != "R1"]
        if replicated:
            yield Diagnostic(
                code="tier-without-cluster",
                message=f'account "{account.name}" has a share of JetStream for {replicated[0]}, and a server without '
                "a `cluster` makes no stream with replicas",
                at=account.at,
                hint="give the share to R1, or describe the cluster",
                severity=Severity.WARNING,
            )


def resolver_limit(backend: Backend) -> Iterable[Diagnostic]:
    """A full resolver that holds fewer JWTs than there are accounts: it refuses the rest.

    `jwt store is full` (nats-server 2.15 `dirstore.go`).
    """
    server = backend.server
    resolver = server.resolver if server else None
    if server is None or resolver is None or resolver.kind is not ResolverKind.FULL:
        return
    if resolver.limit is not None and 0 < resolver.limit < len(backend.accounts):
        yield Diagnostic(
            code="resolver-limit",
            message=f"the resolver holds {resolver.limit} accounts, and there are {len(backend.accounts)}, the "
            "system account included; it refuses the others",
            at=place(server, "resolver", "limit"),
            hint="raise the limit, or take it out",
        )


def sources_behind_proxy(backend: Backend) -> Iterable[Diagnostic]:
    """Public networks to connect from, and a websocket behind a proxy: the server sees the proxy's address alone.

    `X-Forwarded-For` is for the log (nats-server 2.15 `websocket.go`, `client.go`).
    """
    websocket = backend.server.websocket if backend.server else None
    if websocket is None or websocket.tls is not None:
        return
    for holder in holders(backend):
        sources = holder.entity.restrictions.sources
        public = [source for source in sources if ipaddress.ip_network(source, strict=False).is_global]
        if public and set(holder.entity.connection_types) & _WEB:
            yield Diagnostic(
                code="sources-behind-proxy",
                message=f'{holder.shown} connects from "{public[0]}" over a websocket that a proxy stands before; '
                "the server sees the proxy's address, and refuses it",
                at=holder.at,
                hint="let the proxy hold browsers to their networks, and name the proxy's own here",
                severity=Severity.WARNING,
            )
