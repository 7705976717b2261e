"""Which servers are there, how many should be, and why the others cannot be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from natsbackend.errors import ResolverUnavailable
from natsbackend.resolvers.interface import ServerInfo
from natsbackend.resolvers.nats_replies import member, object_of, server_id
from natsbackend.resolvers.nats_stream import Stream
from natsbackend.resolvers.nats_subjects import STATSZ, VARZ
from natsbackend.resolvers.nats_wire import Login, Wire, reason_of, target_of
from natsbackend.resolvers.trust import operator_issuers

_POLL = 0.05
"""Seconds between questions whether the expected servers have found each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The servers that answered, and how many should have."""

    servers: tuple[ServerInfo, ...]
    labels: Mapping[str, str]
    """Server id to a name that no other server here has."""
    expected: int

    @property
    def unheard(self) -> int:
        """How many expected servers did not answer."""
        return self.expected - len(self.servers)

    def label_of(self, data: bytes) -> str:
        """Return the name of the server that sent a reply; one that came up since has only its own."""
        known = self.labels.get(server_id(data) or "")
        return known or self.label(object_of(data))

    def label(self, reply: Mapping[str, Any]) -> str:
        """Return the name of the server that sent a reply which was read already."""
        server = member(reply, "server")
        return self.labels.get(str(server.get("id"))) or str(server.get("name") or "unknown")


NOBODY = Fleet(servers=(), labels={}, expected=0)


async def discover(wire: Wire, expected: int | None) -> Fleet:
    """Ask who is there; wait, at most `wire.timeout`, until as many servers as expected know of each other.

    Raises:
        ResolverUnavailable: nobody answered.
        ResolverRejected: this user may not ask.

    """
    now = asyncio.get_running_loop().time
    deadline = now() + wire.timeout
    active = await _active_servers(wire)
    while active < (expected or 0) and now() < deadline:
        await asyncio.sleep(_POLL)
        active = await _active_servers(wire)

    servers: dict[str, ServerInfo] = {}

    def take(_: int, data: bytes) -> None:
        server = _server(object_of(data))
        servers[server.id] = server

    await wire.exchange([(VARZ, b"")], each=active, take=take)
    if not servers:
        raise ResolverUnavailable("no server says who it is", hint="nothing was sent")
    found = tuple(sorted(servers.values(), key=lambda server: (server.name, server.id)))
    names = [server.name for server in found]
    labels = {s.id: s.name if names.count(s.name) == 1 else f"{s.name} ({s.id[:8]})" for s in found}
    return Fleet(servers=found, labels=labels, expected=max(expected or 0, active, len(found)))


async def unreachable(urls: Sequence[str], login: Login, fleet: Fleet) -> tuple[str, ...]:
    """Try every URL of a target and return those behind which no server of the fleet is, with the reason."""

    async def reason(url: str) -> str | None:
        target = target_of(url)
        try:
            async with asyncio.timeout(login.timeout):
                stream = await Stream.dial(target, login.tls)
        except OSError as error:
            return f"{target.geturl()}: {reason_of(error, login.timeout)}"
        stream.abort()
        if stream.info.get("server_id") in fleet.labels:
            return None
        return f"{target.geturl()}: it runs, and the others do not hear of it"

    found = await asyncio.gather(*(reason(url) for url in dict.fromkeys(urls)))
    await asyncio.sleep(0)  # asyncio closes the sockets in its next turn
    return tuple(why for why in found if why is not None)


async def _active_servers(wire: Wire) -> int:
    """Return how many servers the first one to answer knows of, itself included."""
    counts: list[int] = []

    def take(_: int, data: bytes) -> None:
        count = member(object_of(data), "statsz").get("active_servers")
        counts.append(count if isinstance(count, int) else 1)

    await wire.exchange([(STATSZ, b"")], each=1, take=take)
    if not counts:
        raise ResolverUnavailable("no server answers in the system account", hint="nothing was sent")
    return max(1, counts[0])


def _server(reply: Mapping[str, Any]) -> ServerInfo:
    about, operators = member(reply, "server"), member(reply, "data").get("trusted_operators_jwt")
    jwts = tuple(str(jwt) for jwt in operators) if isinstance(operators, list) else ()
    return ServerInfo(
        id=str(about.get("id")),
        name=str(about.get("name") or about.get("id")),
        version=str(about.get("ver")),
        cluster=str(about["cluster"]) if about.get("cluster") else None,
        operator_issuers=operator_issuers(jwts),
        operator_jwts=jwts,
    )
