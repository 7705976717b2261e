"""The steps of one push to full resolvers, over a `Wire`. The rules of safety are numbered in `Push._steps`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from natsbackend.claims.envelope import MAX_TOKEN_SIZE
from natsbackend.errors import ResolverRejected, ResolverUnavailable
from natsbackend.resolvers.interface import (
    AccountPush,
    Effect,
    OnProgress,
    PushInterrupted,
    PushRejected,
    PushResult,
    Step,
)
from natsbackend.resolvers.nats_entry import Entry
from natsbackend.resolvers.nats_exchange import Request, Take
from natsbackend.resolvers.nats_fleet import NOBODY, discover, unreachable
from natsbackend.resolvers.nats_replies import issued_at
from natsbackend.resolvers.nats_subjects import INFO, LOAD, LOOKUP, UPDATE
from natsbackend.resolvers.nats_wire import Login, Wire
from natsbackend.resolvers.order import exporters_first

_PER_REPLY = 4
_SHOWN = 3
_TRIES = 2
"""How often a JWT is sent to servers that do not confirm it; one that is refused is not sent again."""


class Push:
    """One push. `run` may be called again with another connection: what is stored by then is not sent again.

    Raises:
        ClaimsError: a JWT cannot be read.
        ResolverRejected: an account is there twice, or a JWT is of another account.

    """

    def __init__(
        self,
        accounts: Sequence[AccountPush],
        *,
        urls: Sequence[str],
        login: Login,
        expected: int | None,
        probe: bool,
        on_progress: OnProgress | None,
    ) -> None:
        self._entries = [Entry(account) for account in accounts]
        self._urls, self._login = urls, login
        self._expected = expected
        self._probe = probe
        self._on_progress = on_progress
        self._fleet = NOBODY
        self._unreachable: tuple[str, ...] = ()
        self._is_sending = False
        if len({entry.account for entry in self._entries}) != len(self._entries):
            raise ResolverRejected("an account is there twice: the second JWT would undo the first")

    async def run(self, wire: Wire) -> tuple[PushResult, ...]:
        """Do all steps; see `Resolver.push`."""
        try:
            await self._steps(wire)
        except ResolverUnavailable as error:
            if not self._is_sending:
                raise
            raise PushInterrupted(error.message, results=self._results(), hint=error.hint) from error
        except ResolverRejected as error:
            if not self._is_sending:
                raise
            raise PushRejected(error.message, results=self._results(), hint=error.hint) from error
        return self._results()

    async def _steps(self, wire: Wire) -> None:
        for entry in self._entries:
            entry.begin()
        # 1. Who is there, and how many should be: only then is a missing reply a fact and not an impatience.
        self._fleet = await discover(wire, self._expected)
        self._unreachable = ()
        if self._fleet.unheard:
            self._unreachable = await unreachable(self._urls, self._login, self._fleet)
        # 2. No JWT that a server does not trust: it would say 200, and lose the account at a restart.
        self._refuse_too_large(wire)
        self._refuse_untrusted()
        # 3. No JWT that is not newer than the stored one: servers that sync would undo it.
        changed = await self._compare(wire)
        # From here on something may have been stored, so an error carries what is known.
        self._is_sending = True
        # 4. Send, exporters first, and take nothing but "jwt updated" from each server for a yes.
        await self._update(wire, changed)
        for _ in range(1, _TRIES):
            if unsettled := [entry for entry in changed if not entry.is_settled(self._fleet)]:
                await self._update(wire, unsettled)
        # 5. Every server must give back exactly these bytes.
        await self._read_back(wire, [entry for entry in changed if entry.stored])
        # 6. Stored is not yet in effect: ask the running servers.
        await self._effects(wire, changed)

    def _results(self) -> tuple[PushResult, ...]:
        return tuple(entry.result(self._fleet, self._unreachable) for entry in self._entries)

    def _refuse_too_large(self, wire: Wire) -> None:
        most = min(wire.max_payload, MAX_TOKEN_SIZE)
        for entry in self._entries:
            if len(entry.token) > most:
                raise ResolverRejected(
                    f'account "{entry.name}": its JWT has {len(entry.token)} bytes, the server takes {most}',
                    hint="give the account fewer revocations, imports or exports, or raise the server's"
                    f" max_payload (above {MAX_TOKEN_SIZE} it has no effect on JWTs)",
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

    async def _compare(self, wire: Wire) -> list[Entry]:
        """Look up what is stored; return what is to be sent, exporters first."""
        newest: dict[str, int] = {}

        def take(index: int, data: bytes) -> None:
            entry = self._entries[index]
            entry.looked_up += 1
            if data == entry.token:
                entry.same += 1
            elif data:
                newest[entry.account] = max(issued_at(data), newest.get(entry.account, 0))

        await self._ask(wire, Step.LOOKUP, self._entries, LOOKUP, take)
        silent = [entry for entry in self._entries if not entry.looked_up]
        if silent:
            raise ResolverUnavailable(
                f"no server answered the lookup of {_named(silent)}",
                hint="push again: it is safe" if self._is_sending else "nothing was sent",
            )
        # An equal `iat` with other content never settles: of two servers that sync the last wins, or neither
        # if the `jti` is the same (`saveIfNewer`, server/dirstore.go).
        late = [entry for entry in self._entries if newest.get(entry.account, -1) >= entry.iat]
        if late:
            sent = "" if self._is_sending else "; nothing was sent"
            raise ResolverRejected(
                f"the resolver holds a JWT that is as new or newer for {_named(late)}{sent}",
                hint="it was issued from another lock than the one here: bring that natsbackend.lock here"
                " (git pull), then generate and push",
            )
        changed = {e.account: e for e in self._entries if not e.is_on_all(self._fleet)}
        order = exporters_first({account: entry.exporters for account, entry in changed.items()})
        return [changed[account] for account in order]

    async def _update(self, wire: Wire, entries: Sequence[Entry]) -> None:
        def take(index: int, data: bytes) -> None:
            entries[index].take_confirmation(self._fleet, data)

        for entry in entries:
            entry.was_sent = True
        await self._exchange(wire, Step.UPDATE, [(UPDATE, entry.token) for entry in entries], take)

    async def _read_back(self, wire: Wire, entries: Sequence[Entry]) -> None:
        def take(index: int, data: bytes) -> None:
            entry = entries[index]
            entry.read += data == entry.token

        await self._ask(wire, Step.READ_BACK, entries, LOOKUP, take)

    async def _effects(self, wire: Wire, changed: Sequence[Entry]) -> None:
        """Ask what each server makes of each account, load what nobody uses yet, and mend what can be mended."""
        held = [e for e in self._entries if e.stored or e.is_on_all(self._fleet)]
        await self._ask_effect(wire, Step.EFFECT, held)
        if self._probe:
            unseen = [e for e in changed if Effect.NOT_LOADED in e.effective.values()]
            if unseen:
                await self._load(wire, unseen)
        # The server installs an import that came too early as soon as the exporter is applied (of two that import
        # from each other one is first). An exporter that it has not loaded is not applied when it is stored.
        pushed = {entry.account: entry for entry in self._entries}
        incomplete = [e for e in held if Effect.INCOMPLETE in e.effective.values()]
        awaited = dict.fromkeys(name for e in incomplete for name in e.exporters if name in pushed)
        if awaited and await self._load(wire, [pushed[name] for name in awaited]):
            await self._ask_effect(wire, Step.EFFECT, incomplete)
        # One of others may have been stored since. Nobody asks for it here, so it may be loaded by nothing else.
        others = [(e, name) for e in incomplete for name in e.exporters if name not in pushed]
        loads = [_load_request(name) for _, name in others]
        if others and await wire.may_publish(loads[0]):
            await self._ask_effect(wire, Step.EFFECT, [entry for entry, _ in others], loads)

    async def _load(self, wire: Wire, entries: Sequence[Entry]) -> bool:
        """Make every server load accounts, and ask for their state; False if this user may not.

        To count an account's subscriptions a server looks the account up, and nobody hears of it
        (`nsubsRequest`, server/events.go, 2.15). It handles what one connection asks in order, so the state
        that is asked for behind it is the new one.
        """
        before = [_load_request(entry.account) for entry in entries]
        # A role of before the probe may not ask this; then the accounts stay what they are known to be.
        if not await wire.may_publish(before[0]):
            return False
        await self._ask_effect(wire, Step.PROBE, entries, before)
        return True

    async def _ask_effect(
        self, wire: Wire, step: Step, entries: Sequence[Entry], before: Sequence[Request] = ()
    ) -> None:
        def take(index: int, data: bytes) -> None:
            entries[index].take_effect(self._fleet, data)

        await self._ask(wire, step, entries, INFO, take, before)

    async def _ask(
        self,
        wire: Wire,
        step: Step,
        entries: Sequence[Entry],
        subject: str,
        take: Take,
        before: Sequence[Request] = (),
    ) -> None:
        requests = [(subject.format(entry.account), b"") for entry in entries]
        # A reply holds the token, and that of INFO its claims and what became of them besides.
        sizes = [_PER_REPLY * len(entry.token) for entry in entries]
        await self._exchange(wire, step, requests, take, before, sizes)

    async def _exchange(
        self,
        wire: Wire,
        step: Step,
        requests: Sequence[Request],
        take: Take,
        before: Sequence[Request] = (),
        sizes: Sequence[int] = (),
    ) -> None:
        each, total = len(self._fleet.servers), len(requests)
        tell = self._on_progress

        def tick(replies: int) -> None:
            if tell and 0 < replies < each * total:
                tell(step, replies // each, total)

        await wire.exchange(requests, each=each, take=take, before=before, sizes=sizes, tick=tick)
        if tell:
            tell(step, total, total)


def _load_request(account: str) -> Request:
    return LOAD, b'{"acc":"%s","subject":"_"}' % account.encode("ascii", "replace")


def _named(entries: Iterable[Entry]) -> str:
    names = [f'"{entry.name}"' for entry in entries]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"account {', '.join(names[:_SHOWN])}{more}"
