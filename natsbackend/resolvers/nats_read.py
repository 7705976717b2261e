"""What servers hold: looked up by account, fetched in bulk, or inspected server by server. Nothing is changed."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence

from natsbackend.errors import ResolverUnavailable
from natsbackend.resolvers.interface import Effect, Holding
from natsbackend.resolvers.nats_exchange import Take
from natsbackend.resolvers.nats_fleet import Fleet, discover
from natsbackend.resolvers.nats_replies import dropped_imports, effect_of, issued_at, member, object_of
from natsbackend.resolvers.nats_subjects import INFO, LIST, LOOKUP, PACK
from natsbackend.resolvers.nats_wire import NobodyListens, Wire

_ASSUMED = 16 << 10
"""Bytes a reply about an account is taken to have: so many are asked for at once that a server can hold them all."""


async def look_up(wire: Wire, ids: Sequence[str], expected: int | None) -> Mapping[str, str | None]:
    """Return the stored JWT of each account: the newest where servers differ, None if there is none.

    Raises:
        ResolverUnavailable: an account got no answer from any server.
        ResolverRejected: this user may not ask, or there is no full resolver.

    """
    fleet = await discover(wire, expected)
    found: dict[str, tuple[int, str | None]] = {}

    def take(index: int, data: bytes) -> None:
        # An empty reply is how a server says that it has none.
        stored = data.decode("utf-8", "replace") or None
        iat = -1 if stored is None else issued_at(data)
        if iat > found.get(ids[index], (-2, None))[0]:
            found[ids[index]] = (iat, stored)

    await _about(wire, LOOKUP, ids, len(fleet.servers), take)
    silent = [account for account in ids if account not in found]
    if silent:
        raise ResolverUnavailable(
            f"no server answered the lookup of {len(silent)} accounts, first {silent[0]}"
        )
    return {account: found[account][1] for account in ids}


async def fetch(wire: Wire) -> Mapping[str, str]:
    """Return every account JWT of one server by the account's public key.

    With a full resolver by PACK, by which servers sync: one of them answers with one message for each account, and
    an empty one at the end (`PackWalk`, server/dirstore.go, 2.15). With a cache resolver, which does not serve it,
    what is listed and in use.

    Raises:
        ResolverUnavailable: nobody answered, or not to the end.
        ResolverRejected: this user may not ask, or there is neither.

    """
    found: dict[str, str] = {}

    def take(data: bytes) -> bool:
        account, _, token = data.partition(b"|")
        if token:
            found[account.decode("utf-8", "replace")] = token.decode("utf-8", "replace")
        return not data

    try:
        is_whole = await wire.gather((PACK, b""), take)
    except NobodyListens:
        return await _fetch_cached(wire)
    if not is_whole:
        raise ResolverUnavailable(
            f"the server that sends its account JWTs fell silent after {len(found)}", hint="try again"
        )
    return found


async def _fetch_cached(wire: Wire) -> Mapping[str, str]:
    fleet = await discover(wire, None)
    listed: dict[str, None] = {}

    def take_list(_: int, data: bytes) -> None:
        listed.update(dict.fromkeys(_listed(data)))

    await wire.exchange([(LIST, b"")], each=len(fleet.servers), take=take_list)
    ids, found = tuple(listed), dict[str, tuple[int, str]]()

    def take(index: int, data: bytes) -> None:
        token = member(object_of(data), "data").get("jwt")
        if isinstance(token, str) and token:
            iat = issued_at(token.encode("utf-8"))
            found[ids[index]] = max((iat, token), found.get(ids[index], (-1, "")))

    await _about(wire, INFO, ids, len(fleet.servers), take)
    return {account: found[account][1] for account in ids if account in found}


async def inspect(wire: Wire, ids: Sequence[str], expected: int | None) -> Mapping[str, Holding]:
    """Return what each server holds of each account, and what it makes of it.

    Raises:
        ResolverUnavailable: nobody answered.
        ResolverRejected: this user may not ask, or there is no full resolver.

    """
    fleet = await discover(wire, expected)
    each = len(fleet.servers)
    lists: dict[str, frozenset[str]] = {}
    stored: list[list[str | None]] = [[] for _ in ids]
    working: list[dict[str, str | None]] = [{} for _ in ids]
    effective: list[dict[str, Effect]] = [{} for _ in ids]
    dropped: list[dict[str, tuple[str, ...]]] = [{} for _ in ids]

    def take_list(_: int, data: bytes) -> None:
        lists[fleet.label(object_of(data))] = frozenset(_listed(data))

    def take_token(index: int, data: bytes) -> None:
        stored[index].append(data.decode("utf-8", "replace") or None)

    def take_info(index: int, data: bytes) -> None:
        reply = object_of(data)
        server, effect = fleet.label(reply), effect_of(reply, None)
        if effect is None:
            return
        effective[index][server] = effect
        working[index][server] = str(member(reply, "data").get("jwt") or "") or None
        if effect is Effect.INCOMPLETE:
            dropped[index][server] = dropped_imports(reply)

    # A cache resolver serves no LOOKUP: what it works with is all that can be known.
    with contextlib.suppress(NobodyListens):
        await wire.exchange([(LIST, b"")], each=each, take=take_list)
        await _about(wire, LOOKUP, ids, each, take_token)
    await _about(wire, INFO, ids, each, take_info)
    holdings = {}
    for index, account in enumerate(ids):
        lister = {server: account in listed for server, listed in lists.items()}
        tokens = _by_server(fleet, lister, stored[index], working[index]) if stored[index] else working[index]
        for server, token in tokens.items():
            if server in working[index] and token and working[index][server] not in (None, token):
                effective[index][server] = Effect.STALE
        holdings[account] = Holding(tokens=tokens, effective=effective[index], dropped=dropped[index])
    return holdings


async def _about(wire: Wire, subject: str, ids: Sequence[str], each: int, take: Take) -> None:
    requests = [(subject.format(account), b"") for account in ids]
    await wire.exchange(requests, each=each, take=take, sizes=[_ASSUMED] * len(requests))


def _by_server(
    fleet: Fleet, lister: Mapping[str, bool], stored: Sequence[str | None], working: Mapping[str, str | None]
) -> dict[str, str | None]:
    """Say which server holds which token: a LOOKUP does not tell who answers it.

    Where all say the same there is nothing to tell apart. Else a server that works with one of the tokens holds
    that one, one that does not list the account holds none, and if one token is left the others hold it. What is
    still open (servers that nobody used the account on, with different tokens) is said as such: `n1 or n2`.
    """
    open_ones = [server for server in fleet.labels.values() if server in lister]
    left = Counter(stored)
    tokens: dict[str, str | None] = {}

    def settle(server: str, token: str | None) -> None:
        tokens[server] = token
        left[token] -= 1
        open_ones.remove(server)

    if len(left) > 1:
        for server in tuple(open_ones):
            if left[token := working.get(server)] > 0 and token:
                settle(server, token)
        for server in tuple(open_ones):
            if left[None] > 0 and not lister[server]:
                settle(server, None)
    rest = [token for token, count in left.items() if count > 0]
    if len(rest) == 1 and left[rest[0]] >= len(open_ones):
        for server in tuple(open_ones):
            settle(server, rest[0])
    elif rest and open_ones:
        name = " or ".join(open_ones)
        several = enumerate(left.elements(), 1)
        tokens |= {f"{name} ({number})" if number > 1 else name: token for number, token in several}
    return tokens


def _listed(data: bytes) -> list[str]:
    listed = object_of(data).get("data")
    return [str(one) for one in listed] if isinstance(listed, list) else []
