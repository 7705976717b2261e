"""The steps of one push to full resolvers, over a `Wire`. The rules of safety are numbered in `Push.run`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from natsbackend.claims.codec import read_unverified
from natsbackend.errors import ClaimsError, ResolverRejected, ResolverUnavailable
from natsbackend.resolvers.interface import (
    AccountPush,
    Effect,
    OnProgress,
    PushInterrupted,
    PushRejected,
    PushResult,
    ServerInfo,
    Step,
)
from natsbackend.resolvers.nats_wire import Take, Wire

STATSZ = "$SYS.REQ.SERVER.PING.STATSZ"
VARZ = "$SYS.REQ.SERVER.PING.VARZ"
UPDATE = "$SYS.REQ.CLAIMS.UPDATE"
LOOKUP = "$SYS.REQ.ACCOUNT.{}.CLAIMS.LOOKUP"
INFO = "$SYS.REQ.ACCOUNT.{}.INFO"

OBSERVER_PUBLISH = (STATSZ, VARZ, LOOKUP.format("*"), INFO.format("*"))
"""All that `servers` and `lookup` publish to (and the last step of a push)."""
PUSHER_PUBLISH = (*OBSERVER_PUBLISH, UPDATE)
"""All that `push` publishes to."""

MAX_TOKEN = 1 << 20
"""Largest token the server reads, in bytes, whatever its `max_payload` (jwt v2.8.1)."""
_UPDATED = "jwt updated"
"""The one good answer: "jwt update skipped" has code 200, too (`respondToUpdate`, server/accounts.go)."""
_POLL = 0.05
"""Seconds between questions whether the expected servers have found each other."""
_TOLD_EVERY = 64
_SHOWN = 3


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


class _Entry:
    """What is known so far of one account."""

    __slots__ = (
        "account",
        "effective",
        "iat",
        "issuer",
        "looked_up",
        "name",
        "read",
        "refused",
        "same",
        "stored",
        "token",
    )

    def __init__(self, push: AccountPush) -> None:
        self.account, self.name = push.account, push.name
        self.token = push.jwt.encode("utf-8")
        claims = read_unverified(push.jwt)
        self.issuer, self.iat = claims.issuer, claims.issued_at
        # The server stores line ends along with a token, so what is read back would differ from then on.
        if claims.subject != push.account or push.jwt.split() != [push.jwt]:
            raise ResolverRejected(
                f'account "{push.name}": what should be pushed is not one JWT of {push.account}',
                hint="run natsbackend generate again",
            )
        self.looked_up = self.same = self.read = 0
        self.stored: dict[str, None] = {}
        self.refused: dict[str, str] = {}
        self.effective: dict[str, Effect] = {}

    def is_on_all(self, fleet: Fleet) -> bool:
        """Tell whether every server that answered had exactly this JWT before the push."""
        return self.same == len(fleet.servers)

    def result(self, fleet: Fleet) -> PushResult:
        is_unchanged = self.is_on_all(fleet)
        confirmed = tuple(fleet.labels.values()) if is_unchanged else tuple(self.stored)
        return PushResult(
            account=self.account,
            name=self.name,
            is_unchanged=is_unchanged,
            stored=tuple(sorted(confirmed)),
            refused=self.refused,
            missing=tuple(s for s in fleet.labels.values() if s not in confirmed and s not in self.refused),
            unheard=fleet.unheard,
            read_back_ok=(self.same if is_unchanged else self.read) >= fleet.expected,
            effective=self.effective,
        )


class Push:
    """One push; `run` it once.

    Raises:
        ClaimsError: a JWT cannot be read.
        ResolverRejected: an account is there twice, or a JWT is of another account.

    """

    def __init__(
        self,
        wire: Wire,
        accounts: Sequence[AccountPush],
        expected: int | None,
        on_progress: OnProgress | None,
    ) -> None:
        self._wire = wire
        self._entries = [_Entry(account) for account in accounts]
        self._expected = expected
        self._on_progress = on_progress
        self._fleet = Fleet(servers=(), labels={}, expected=0)
        if len({entry.account for entry in self._entries}) != len(self._entries):
            raise ResolverRejected("an account is there twice: the second JWT would undo the first")

    async def run(self) -> tuple[PushResult, ...]:
        """Do the six steps; see `Resolver.push`."""
        # 1. Who is there, and how many should be: only then is a missing reply a fact and not an impatience.
        self._fleet = await discover(self._wire, self._expected)
        # 2. No JWT that a server does not trust: it would say 200, and lose the account at a restart.
        self._refuse_too_large()
        self._refuse_untrusted()
        # 3. No JWT that is not newer than the stored one: servers that sync would undo it.
        changed = await self._compare()
        # From here on something may have been stored, so an error carries what is known.
        try:
            # 4. Send, and take nothing but "jwt updated" from each server for a yes.
            await self._update(changed)
            # 5. Every server must give back exactly these bytes.
            await self._read_back([entry for entry in changed if entry.stored])
            # 6. Stored is not yet in effect: ask the running servers.
            await self._ask_effect([e for e in self._entries if e.stored or e.is_on_all(self._fleet)])
        except ResolverUnavailable as error:
            raise PushInterrupted(error.message, results=self._results(), hint=error.hint) from error
        except ResolverRejected as error:
            raise PushRejected(error.message, results=self._results(), hint=error.hint) from error
        return self._results()

    def _results(self) -> tuple[PushResult, ...]:
        return tuple(entry.result(self._fleet) for entry in self._entries)

    def _refuse_too_large(self) -> None:
        most = min(self._wire.max_payload, MAX_TOKEN)
        for entry in self._entries:
            if len(entry.token) > most:
                raise ResolverRejected(
                    f'account "{entry.name}": its JWT has {len(entry.token)} bytes, the server takes {most}',
                    hint="give the account fewer revocations, imports or exports, or raise the server's"
                    f" max_payload (above {MAX_TOKEN} it has no effect on JWTs)",
                )

    def _refuse_untrusted(self) -> None:
        for server in self._fleet.servers:
            untrusted = [entry for entry in self._entries if entry.issuer not in server.operator_issuers]
            if untrusted:
                issuer = untrusted[0].issuer
                signed = _named(entry for entry in untrusted if entry.issuer == issuer)
                raise ResolverRejected(
                    f'server "{self._fleet.labels[server.id]}" does not trust {issuer}, who signed {signed}',
                    hint="roll out the server config with the new operator JWT and restart every server first"
                    " (a reload does not change whom it trusts)",
                )

    async def _compare(self) -> list[_Entry]:
        """Look up what is stored; return what is to be sent."""
        newest: dict[str, int] = {}

        def take(index: int, data: bytes) -> None:
            entry = self._entries[index]
            entry.looked_up += 1
            if data == entry.token:
                entry.same += 1
            elif data:
                newest[entry.account] = max(issued_at(data), newest.get(entry.account, 0))

        await self._ask(Step.LOOKUP, self._entries, LOOKUP, take)
        silent = [entry for entry in self._entries if not entry.looked_up]
        if silent:
            raise ResolverUnavailable(
                f"no server answered the lookup of {_named(silent)}", hint="nothing was sent"
            )
        # An equal `iat` with other content never settles: of two servers that sync the last wins, or neither
        # if the `jti` is the same (`saveIfNewer`, server/dirstore.go).
        late = [entry for entry in self._entries if newest.get(entry.account, -1) >= entry.iat]
        if late:
            raise ResolverRejected(
                f"the resolver holds a JWT that is as new or newer for {_named(late)}; nothing was sent",
                hint="it was issued from another lock than the one here: bring that natsbackend.lock here"
                " (git pull), then generate and push",
            )
        return [entry for entry in self._entries if not entry.is_on_all(self._fleet)]

    async def _update(self, entries: Sequence[_Entry]) -> None:
        def take(index: int, data: bytes) -> None:
            reply = _object(data)
            entry, server = entries[index], self._label(reply)
            done, error = _member(reply, "data"), _member(reply, "error")
            if done.get("message") == _UPDATED and done.get("account") == entry.account:
                entry.stored[server] = None
            else:
                entry.refused[server] = str(
                    error.get("description") or done.get("message") or "it gave no reason"
                )

        requests = [(UPDATE, entry.token) for entry in entries]
        await self._exchange(Step.UPDATE, requests, take)

    async def _read_back(self, entries: Sequence[_Entry]) -> None:
        def take(index: int, data: bytes) -> None:
            entry = entries[index]
            entry.read += data == entry.token

        await self._ask(Step.READ_BACK, entries, LOOKUP, take)

    async def _ask_effect(self, entries: Sequence[_Entry]) -> None:
        def take(index: int, data: bytes) -> None:
            reply = _object(data)
            effect = _effect(reply, entries[index].token)
            if effect:
                entries[index].effective[self._label(reply)] = effect

        await self._ask(Step.EFFECT, entries, INFO, take)

    async def _ask(self, step: Step, entries: Sequence[_Entry], subject: str, take: Take) -> None:
        await self._exchange(step, [(subject.format(entry.account), b"") for entry in entries], take)

    async def _exchange(self, step: Step, requests: Sequence[tuple[str, bytes]], take: Take) -> None:
        each, total = len(self._fleet.servers), len(requests)
        tell = self._on_progress
        if tell is None:
            await self._wire.exchange(requests, each=each, take=take)
            return
        replies = 0

        def counted(index: int, data: bytes) -> None:
            nonlocal replies
            take(index, data)
            replies += 1
            if replies % _TOLD_EVERY == 0:
                tell(step, min(replies // each, total), total)

        await self._wire.exchange(requests, each=each, take=counted)
        tell(step, total, total)

    def _label(self, reply: Mapping[str, Any]) -> str:
        server = _member(reply, "server")
        # A server that came up since step 1 has no label yet.
        return self._fleet.labels.get(str(server.get("id"))) or str(server.get("name") or "unknown")


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
        server = _server(_object(data))
        servers[server.id] = server

    await wire.exchange([(VARZ, b"")], each=active, take=take)
    if not servers:
        raise ResolverUnavailable("no server says who it is", hint="nothing was sent")
    found = tuple(sorted(servers.values(), key=lambda server: (server.name, server.id)))
    names = [server.name for server in found]
    labels = {s.id: s.name if names.count(s.name) == 1 else f"{s.name} ({s.id[:8]})" for s in found}
    return Fleet(servers=found, labels=labels, expected=max(expected or 0, active, len(found)))


async def _active_servers(wire: Wire) -> int:
    """Return how many servers the first one to answer knows of, itself included."""
    counts: list[int] = []

    def take(_: int, data: bytes) -> None:
        count = _member(_object(data), "statsz").get("active_servers")
        counts.append(count if isinstance(count, int) else 1)

    await wire.exchange([(STATSZ, b"")], each=1, take=take)
    if not counts:
        raise ResolverUnavailable("no server answers in the system account", hint="nothing was sent")
    return max(1, counts[0])


def _server(reply: Mapping[str, Any]) -> ServerInfo:
    about, operators = _member(reply, "server"), _member(reply, "data").get("trusted_operators_jwt")
    jwts = tuple(str(jwt) for jwt in operators) if isinstance(operators, list) else ()
    issuers: set[str] = set()
    for jwt in jwts:
        operator = read_unverified(jwt)
        signing_keys = operator.nats.get("signing_keys")
        issuers.update(map(str, signing_keys if isinstance(signing_keys, list) else ()))
        if not operator.nats.get("strict_signing_key_usage"):
            issuers.add(operator.subject)
    return ServerInfo(
        id=str(about.get("id")),
        name=str(about.get("name") or about.get("id")),
        version=str(about.get("ver")),
        cluster=str(about["cluster"]) if about.get("cluster") else None,
        operator_issuers=frozenset(issuers),
        operator_jwts=jwts,
    )


def issued_at(token: bytes) -> int:
    """Return the `iat` of a stored token in Unix seconds; 0 if it cannot be read: anything may replace it."""
    try:
        return read_unverified(token.decode("utf-8")).issued_at
    except (ClaimsError, UnicodeDecodeError):
        return 0


def _effect(reply: Mapping[str, Any], token: bytes) -> Effect | None:
    """Read an ACCOUNT.INFO reply (`accountInfo`, server/monitor.go, 2.15)."""
    error, account = _member(reply, "error"), _member(reply, "data")
    if str(error.get("description", "")).endswith("does not exist"):
        return Effect.NOT_LOADED
    if not account:
        return None
    if str(account.get("jwt", "")).encode("utf-8") != token:
        return Effect.STALE
    if account.get("expired"):
        return Effect.EXPIRED
    return Effect.COMPLETE if account.get("complete") else Effect.INCOMPLETE


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        reply = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ResolverRejected("a server's answer is not JSON") from error
    if not isinstance(reply, dict):
        raise ResolverRejected("a server's answer is not a JSON object")
    return reply


def _member(reply: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = reply.get(name)
    return value if isinstance(value, dict) else {}


def _named(entries: Iterable[_Entry]) -> str:
    names = [f'"{entry.name}"' for entry in entries]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"account {', '.join(names[:_SHOWN])}{more}"
