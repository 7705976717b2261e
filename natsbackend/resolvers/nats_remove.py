"""Deleting accounts from full resolvers, so that they stay deleted.

A server that was not there brings a deleted account back to all others when they sync (`Merge`,
server/dirstore.go, 2.15). So nothing is sent while one is missing, and each has to say yes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from natsbackend.claims.codec import read_unverified
from natsbackend.errors import ResolverRejected
from natsbackend.resolvers.interface import RemoveResult
from natsbackend.resolvers.nats_fleet import Fleet, discover
from natsbackend.resolvers.nats_replies import member, object_of
from natsbackend.resolvers.nats_subjects import DELETE
from natsbackend.resolvers.nats_wire import Wire

_DELETED = re.compile(r"deleted \d+ accounts")


async def remove(
    wire: Wire, ids: Sequence[str], permits: Sequence[str], expected: int | None
) -> RemoveResult:
    """Delete accounts from every server; see `Resolver.remove`.

    Raises:
        ResolverRejected: before anything was sent, permits that the servers would refuse.
        ClaimsError: before anything was sent, a permit that cannot be read.
        ResolverUnavailable: nobody answered, or the connection was lost.

    """
    fleet = await discover(wire, expected)
    _refuse(wire, fleet, ids, permits)
    if fleet.unheard or not permits:
        return RemoveResult(unheard=fleet.unheard)
    agreed = dict.fromkeys(fleet.labels.values(), 0)
    refused: dict[str, str] = {}

    def take(_: int, data: bytes) -> None:
        reply = object_of(data)
        server, done, error = fleet.label(reply), member(reply, "data"), member(reply, "error")
        words = str(error.get("description") or done.get("message") or "it gave no reason")
        if not error and done.get("code") == 200 and _DELETED.fullmatch(words):
            agreed[server] = agreed.get(server, 0) + 1
        else:
            refused[server] = words

    requests = [(DELETE, permit.encode("ascii")) for permit in permits]
    await wire.exchange(requests, each=len(fleet.servers), take=take)
    removed = [server for server, count in agreed.items() if count == len(permits) and server not in refused]
    missing = [server for server in agreed if server not in removed and server not in refused]
    return RemoveResult(removed=tuple(removed), refused=refused, missing=tuple(missing))


def _refuse(wire: Wire, fleet: Fleet, ids: Sequence[str], permits: Sequence[str]) -> None:
    """Refuse what would delete something else than was asked for, or nothing at all."""
    named: list[str] = []
    for permit in permits:
        token = read_unverified(permit)
        accounts = token.nats.get("accounts")
        named += map(str, accounts if isinstance(accounts, list) else ())
        if token.issuer != token.subject or not token.signature_is_valid:
            raise ResolverRejected("the permit to delete is not signed by the key that it is for")
        for server in fleet.servers:
            if token.issuer not in server.operator_issuers:
                raise ResolverRejected(
                    f'server "{fleet.labels[server.id]}" does not trust {token.issuer}, who permits to delete'
                )
        if len(permit) > wire.max_payload:
            raise ResolverRejected(
                f"a permit to delete has {len(permit)} bytes, the server takes {wire.max_payload}",
                hint="name fewer accounts in each (`claims.permits.permits`)",
            )
    if sorted(named) != sorted(set(ids)):
        raise ResolverRejected("the permits to delete name other accounts than those to delete")
    systems = {
        read_unverified(jwt).nats.get("system_account")
        for server in fleet.servers
        for jwt in server.operator_jwts
    }
    if systems & set(ids):
        raise ResolverRejected("the system account must never be deleted")
