"""How far a verified push is from the bare floor: `python tests/bench/bench_push.py`.

Floor of a push: on the same connection, the same number of new account JWTs of the same size, published in one write,
and the replies counted. A push asks who is there, looks every account up, sends it, reads it back and asks whether it
is in effect; with a probe it has every account loaded before. Floor of fetching: on the same connection one request for
all accounts, and the messages counted. Each is the best of several rounds, against one real server, whose store is in
memory where there is such a file system: on a disk that others use one push takes twice as long as the next.

Accounts are plain, and rich: three exports, three imports and one role. Loading rich ones is not held against a limit
and done with a thousand: a server (2.15) that loads an account with exports or signing keys walks all that are loaded
(`updateAccountClaimsWithRefresh`, server/accounts.go), so ten thousand take it half a minute, whoever makes it.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from measuring import MEMORY, Report, arguments
from support.resolvers import NOW, USER, World, full_resolvers, key

from natsbackend.keys import KeyRole
from natsbackend.resolvers.interface import AccountPush, Effect
from natsbackend.resolvers.nats import NatsResolver
from natsbackend.resolvers.nats_subjects import LOAD, PACK, PUSHER_PUBLISH, UPDATE

PLAIN, PROBED, FETCHED = 1.8, 5.0, 3.0
"""How many times the floor a push, a push that loads every account, and fetching all may take."""
LINEAR = 1.4
"""How much longer an account may take among the most than among a thousand."""
MOST_MEMORY = 500 << 20
"""Bytes that may be held at most, with the accounts themselves, their keys and all that was measured."""
SIZES = ((100, 9), (1_000, 5), (10_000, 2))
"""How many accounts, and how many rounds."""


def rich_accounts(world: World, count: int, *, iat: int) -> list[AccountPush]:
    """Return accounts with three exports, three imports and a role; every 50th imports nothing."""
    role = key(KeyRole.ACCOUNT, 77).public
    template = {"pub": {"allow": ["a.>", "b.*.c"]}, "sub": {"allow": ["_INBOX.{{name()}}.>"]}, "subs": -1}
    template |= {"data": -1, "payload": -1}
    scope = {"kind": "user_scope", "key": role, "role": "r", "template": template, "description": ""}
    exports = [{"name": f"e{n}", "subject": f"e{n}.>", "type": "stream"} for n in range(3)]
    made = []
    for number in range(count):
        exporter = key(KeyRole.ACCOUNT, 1000 + number - 1).public
        imports = [
            {"name": f"i{n}", "subject": f"e{n}.x", "account": exporter, "type": "stream"} for n in range(3)
        ]
        words = {"imports": imports} if number % 50 else {}
        made.append(world.account(number, iat=iat, exports=exports, signing_keys=[scope], **words))
    return made


def floor(resolver: NatsResolver, accounts: Sequence[AccountPush]) -> float:
    """Return the seconds it takes to publish all JWTs in one write and to count the replies, and nothing else."""
    stream = resolver._open().wire._stream
    inbox = f"_INBOX.{USER}.floor"
    payloads = [account.jwt.encode() for account in accounts]
    data = b"".join(
        b"PUB %s %s %d\r\n%s\r\n" % (UPDATE.encode(), inbox.encode(), len(payload), payload)
        for payload in payloads
    )

    async def run() -> float:
        done, left, listener = asyncio.Event(), len(payloads), stream.on_message

        def count(*_: bytes) -> None:
            nonlocal left
            left -= 1
            if not left:
                done.set()

        stream.on_message = count
        stream.write(f"SUB {inbox} 9\r\nPING\r\n".encode())
        await stream.wait_for(b"PONG")
        started = time.perf_counter()
        stream.write(data)
        await done.wait()
        took = time.perf_counter() - started
        stream.write(b"UNSUB 9\r\n")
        stream.on_message = listener
        return took

    return resolver._runner.run(run())


def fetch_floor(resolver: NatsResolver, user: str = USER) -> float:
    """Return the seconds it takes to ask for all accounts and to count the messages up to the empty one."""
    stream = resolver._open().wire._stream
    inbox = f"_INBOX.{user}.fetched"

    async def run() -> float:
        done, listener = asyncio.Event(), stream.on_message

        def count(_: bytes, __: bytes, payload: bytes) -> None:
            if not payload:
                done.set()

        stream.on_message = count
        stream.write(f"SUB {inbox} 8\r\nPING\r\n".encode())
        await stream.wait_for(b"PONG")
        started = time.perf_counter()
        stream.write(f"PUB {PACK} {inbox} 0\r\n\r\n".encode())
        await done.wait()
        took = time.perf_counter() - started
        stream.write(b"UNSUB 8\r\n")
        stream.on_message = listener
        return took

    return resolver._runner.run(run())


def pushed(resolver: NatsResolver, pushes: Sequence[AccountPush], *, probe: bool) -> float:
    """Return the seconds of a push of new JWTs, read back and in effect as far as can be seen."""
    started = time.perf_counter()
    results = resolver.push(pushes, probe=probe)
    took = time.perf_counter() - started
    state = {Effect.COMPLETE} if probe else {Effect.NOT_LOADED}
    assert all(r.ok and not r.is_unchanged and set(r.effective.values()) == state for r in results)
    return took


def fetched(resolver: NatsResolver, expected: int) -> float:
    """Return the seconds of fetching all accounts."""
    started = time.perf_counter()
    held = resolver.fetch()
    took = time.perf_counter() - started
    assert len(held) == expected + 1
    return took


def measure(world: World, what: str, count: int, rounds: int, report: Report, *, probe: bool) -> float:
    """Measure with so many accounts, print, and return what a push takes for one account."""
    make = rich_accounts if what == "rich" else World.accounts
    times: dict[str, list[float]] = {"floor": [], "push": [], "probed": [], "fetch floor": [], "fetch": []}
    for turn in range(rounds):
        iat = NOW + 4 * turn
        # Each round on a server of its own: a probe leaves accounts loaded.
        with (
            tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory,
            full_resolvers(world, Path(directory)) as running,
            world.open([running["n1"][0]]) as resolver,
        ):
            floor(resolver, make(world, count, iat=iat))  # the first time the server makes the files
            times["floor"].append(floor(resolver, make(world, count, iat=iat + 1)))
            times["push"].append(pushed(resolver, make(world, count, iat=iat + 2), probe=False))
            if probe:
                times["probed"].append(pushed(resolver, make(world, count, iat=iat + 3), probe=True))
            times["fetch floor"].append(fetch_floor(resolver))
            times["fetch"].append(fetched(resolver, count))
    best = {step: min(taken) for step, taken in times.items() if taken}
    shown = ", ".join(f"{step} {took * 1e3:.1f} ms" for step, took in best.items())
    report.say(f"{count:,} {what} accounts: {shown}")
    report.figure("  a push, against the floor", best["push"] / best["floor"], PLAIN)
    if probe and what == "plain":
        report.figure("  a push that loads every account", best["probed"] / best["floor"], PROBED)
    elif probe:
        report.say(f"  a push that loads every account: {best['probed'] / best['floor']:.2f} x")
    report.figure("  fetching all, against its floor", best["fetch"] / best["fetch floor"], FETCHED)
    return best["push"] / count


def main() -> int:
    """Measure and print."""
    options = arguments(__doc__).parse_args()
    world, report = World(publish=(*PUSHER_PUBLISH, LOAD, PACK)), Report()
    each = [measure(world, "plain", count, rounds, report, probe=True) for count, rounds in SIZES]
    report.figure("an account among the most, against one among a thousand", each[-1] / each[-2], LINEAR)
    measure(world, "rich", 1_000, 5, report, probe=True)
    measure(world, "rich", 10_000, 2, report, probe=False)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    report.figure(f"peak memory, {peak / 2**20:.0f} MiB", peak / MOST_MEMORY, 1)
    return report.exit_code(asserting=options.asserting)


if __name__ == "__main__":
    sys.exit(main())
