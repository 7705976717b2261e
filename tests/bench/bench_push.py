"""How far a verified push is from the bare floor: `python tests/bench/bench_push.py`.

Floor: on the same connection, the same number of new account JWTs of the same size, published one after the
other without waiting, and the replies counted. A push asks who is there, looks every account up, sends it,
reads it back and asks whether it is in effect. Both are the best of several rounds, taken in turns, against
one real server. The limit is about the time until all is read back; the whole push is shown beside it.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from measuring import Report, arguments
from support.resolvers import NOW, USER, World, full_resolvers

from natsbackend.resolvers.interface import AccountPush, Step
from natsbackend.resolvers.nats import NatsResolver
from natsbackend.resolvers.nats_subjects import UPDATE

LIMIT = 2.5
"""A push may take so many times the floor, until everything is read back."""
SIZES = ((100, 5), (1_000, 3), (10_000, 1))
"""How many accounts, and how many rounds."""


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


def verified(resolver: NatsResolver, accounts: Sequence[AccountPush]) -> tuple[float, float]:
    """Return the seconds a push takes until all is read back, and in the whole."""
    read_back = 0.0

    def note(step: Step, done: int, total: int) -> None:
        nonlocal read_back
        if step is Step.READ_BACK and done == total:
            read_back = time.perf_counter()

    started = time.perf_counter()
    results = resolver.push(accounts, on_progress=note)
    whole = time.perf_counter() - started
    assert all(result.ok and not result.is_unchanged for result in results)
    return read_back - started, whole


def main() -> int:
    """Measure and print."""
    options = arguments(__doc__).parse_args()
    world, report = World(), Report()
    with tempfile.TemporaryDirectory() as directory, full_resolvers(world, Path(directory)) as running:
        iat = NOW
        for count, rounds in SIZES:
            bare, until_read_back, whole = [], [], []
            for _ in range(rounds):
                iat += 2
                with world.open([running["n1"][0]]) as resolver:
                    bare.append(floor(resolver, world.accounts(count, iat=iat)))
                    times = verified(resolver, world.accounts(count, iat=iat + 1))
                until_read_back.append(times[0])
                whole.append(times[1])
            report.say(
                f"{count:,} accounts: floor {min(bare) * 1e3:.1f} ms, read back {min(until_read_back) * 1e3:.1f} ms,"
                f" whole push {min(whole) * 1e3:.1f} ms = {min(whole) / min(bare):.2f} x the floor"
            )
            report.figure("  until read back, against the floor", min(until_read_back) / min(bare), LIMIT)
    return report.exit_code(asserting=options.asserting)


if __name__ == "__main__":
    sys.exit(main())
