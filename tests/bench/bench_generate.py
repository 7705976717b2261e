"""What `generate` costs, in time and memory: `python tests/bench/bench_generate.py`.

Specs of 100, 1,000 and 10,000 accounts, each with 3 exports, 3 imports from its neighbours, 2 signing keys and 1 user
with creds. The whole command in a fresh process, on the disk below `--root` (the system's temporary directory), in a
fresh directory each time; then once more with nothing changed. Figures, the best of each size's rounds:

- The whole command against the floor (`floor.py`), measured in turns with it. What the official Go library
  (github.com/nats-io/jwt/v2 v2.8.2, nkeys v0.4.11, Go 1.27.3) needs for the same in memory is about `GO` times the
  floor. It was timed once, on the machine and in the minute of a floor of 0.151 s: 0.275 s, the best of 15, for the
  key pairs, claims, `Encode` and `FormatUserConfig` of 1,000 accounts. The limit is four times what it needs.
- The time of one more account, between 1,000 and 10,000 against between 100 and 1,000: 1 is linear growth. The start
  of the interpreter is in neither.
- The second run against the first.
- The most memory the process held.

Nothing is deleted between timed runs. ext4 without a journal searches past every inode deleted in the last five
minutes when it creates a file, so a run after a deletion would measure the deletion. All directories go at the very
end, or stay with `--keep`. If the disk is in that state already, a line says so, its figures are held against nothing,
and the runs are repeated in memory. Start again some minutes later, or with a `--root` made for it directly below the
root of the file system: ext4 puts such a directory elsewhere on the disk, where nobody deletes.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from measuring import MEMORY, Report, Run, arguments, is_slow, natsbackend, run, seconds_a_file

SIZES = (100, 1_000, 10_000)
ROUNDS = {100: 5, 1_000: 3, 10_000: 1}
"""How often each size is measured; 3 times if it is not listed."""
GO = 1.8
"""The official Go library needs so many times the floor; see above."""
LIMIT = 4 * GO
"""The whole command may take so many times the floor."""
LIMIT_GROWTH = 1.5
"""One more account may cost so many times what it costs among ten times fewer."""
LIMIT_SECOND = 0.25
"""A run with nothing changed may take this fraction of the first."""
HELD_FROM = 1_000
"""Fewer accounts are held against no limit: it is the start of Python that is measured."""
FLOOR = Path(__file__).with_name("floor.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The best of several rounds with one size."""

    count: int
    floor: float
    """Seconds, like the next two."""
    first: float
    second: float
    cpu: float
    """Seconds of the processor in the first run."""
    peak: int
    """Bytes, the largest of all rounds."""
    sizes: tuple[float, float]
    """The mean bytes of an account JWT and of creds as written, in parts of the floor's."""


def lines(count: int) -> Iterator[str]:
    """Write the spec; the claims are those of `floor.py`."""
    yield "version: 1\noperator: {name: bench}\naccounts:\n"
    names = [f"tenant{number:05}" for number in range(count)]
    for number, name in enumerate(names):
        alerts, events, query = (names[(number + step) % count] for step in (1, 2, 3))
        yield f"""\
  {name}:
    signing_keys: [main, spare]
    exports:
      - stream: {name}.events.>
      - stream: {name}.alerts.*
      - service: {name}.query
    imports:
      - {{from: {alerts}, stream: {alerts}.alerts.*}}
      - {{from: {events}, stream: {events}.events.>}}
      - {{from: {query}, service: {query}.query}}
    users:
      app:
        publish: [{name}.events.>, {name}.alerts.*]
        subscribe: [{name}.query, _INBOX.>]
"""
    yield "server: {listen: 127.0.0.1}\n"


def measure(count: int, rounds: int, root: Path) -> Measured:
    """Measure floor, first and second run in turns, each round in a directory of its own."""
    floors, firsts, seconds = [], [], []
    sizes = (0.0, 0.0)
    for _ in range(rounds):
        place = Path(tempfile.mkdtemp(prefix=f"{count}-", dir=root))
        with (place / "natsbackend.yaml").open("w", encoding="utf-8") as spec:
            spec.writelines(lines(count))
        command = natsbackend("generate", "-f", str(place / "natsbackend.yaml"), "--no-frozen")
        floor = json.loads(run((sys.executable, str(FLOOR), str(count), "3"), place).answer)
        floors.append(floor["seconds"])
        os.sync()  # so that the run pays for nobody else's files when it syncs its own
        firsts.append(run(command, place))
        seconds.append(run(command, place))
        sizes = _sizes(place, floor)
    best = min(firsts, key=lambda one: one.seconds)
    return Measured(
        count=count,
        floor=min(floors),
        first=best.seconds,
        second=min(one.seconds for one in seconds),
        cpu=best.cpu,
        peak=_peak([*firsts, *seconds]),
        sizes=sizes,
    )


def _peak(runs: Sequence[Run]) -> int:
    return max(one.peak for one in runs)


def _sizes(place: Path, floor: dict[str, int]) -> tuple[float, float]:
    def mean(pattern: str) -> float:
        found = [path.stat().st_size for path in place.glob(pattern)]
        return sum(found) / len(found)

    return (
        mean("build/accounts/tenant*.jwt") / floor["account_bytes"],
        mean(".natsbackend/creds/tenant*/*.creds") / floor["creds_bytes"],
    )


def tell(report: Report, sizes: Sequence[int], root: Path) -> None:
    """Measure every size and print its figures."""
    earlier: list[Measured] = []
    for count in sizes:
        one = measure(count, ROUNDS.get(count, 3), root)
        report.say(
            f"\n{count:,} accounts in {root}: {one.first:.2f} s ({one.cpu:.2f} s of the processor),"
            f" {one.first / count * 1e3:.3f} ms an account, peak {one.peak / 2**20:.0f} MiB"
            f" = {one.peak / count / 1024:.0f} KiB an account"
        )
        report.say(
            f"  floor {one.floor:.3f} s; Go library about {one.floor * GO:.3f} s;"
            f" tokens {one.sizes[0]:.2f} x, creds {one.sizes[1]:.2f} x as long as the floor's"
        )
        over_floor, second = one.first / one.floor, one.second / one.first
        again = f"  second run ({one.second:.3f} s) against the first"
        if count < HELD_FROM:
            report.say(f"  first run against the floor: {over_floor:.2f} x\n{again}: {second:.2f} x")
        else:
            report.figure("  first run against the floor", over_floor, LIMIT)
            report.say(f"  first run against the Go library: about {over_floor / GO:.2f} x")
            report.figure(again, second, LIMIT_SECOND)
        if earlier:
            report.say(f"  an account against {_more(earlier[-1], one)}")
        if len(earlier) > 1:
            growth = _marginal(earlier[-1], one) / _marginal(earlier[-2], earlier[-1])
            report.figure("  one more account, against a size smaller", growth, LIMIT_GROWTH)
        earlier.append(one)


def _more(smaller: Measured, larger: Measured) -> str:
    ratio = larger.first / larger.count / (smaller.first / smaller.count)
    return (
        f"one of {smaller.count:,}: {ratio:.2f} x, one more costs {_marginal(smaller, larger) * 1e3:.3f} ms"
    )


def _marginal(smaller: Measured, larger: Measured) -> float:
    return (larger.first - smaller.first) / (larger.count - smaller.count)


def main() -> int:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="COUNT")
    parser.add_argument("--root", type=Path, default=Path(tempfile.gettempdir()), help="where to write")
    parser.add_argument("--keep", action="store_true", help="leave what was written")
    options = parser.parse_args()
    report, sizes = Report(), sorted(options.sizes)
    roots = [Path(tempfile.mkdtemp(prefix="bench-generate-", dir=options.root))]
    try:
        disk = seconds_a_file(roots[0])
        report.say(f"bare creation of a file in {roots[0]}: {disk * 1e6:.0f} µs")
        if MEMORY.is_dir():
            roots.append(Path(tempfile.mkdtemp(prefix="bench-generate-", dir=MEMORY)))
            memory = seconds_a_file(roots[1])
            report.say(f"in memory: {memory * 1e6:.0f} µs; the disk takes {disk / memory:.1f} x")
        if len(roots) > 1 and is_slow(disk, memory):
            report.say(
                "WARNING: many files were deleted here lately, and new ones are slow; figures of the disk say"
            )
            report.say("         nothing and are held against nothing; those in memory follow")
            tell(Report(holds=False), sizes, roots[0])
            tell(report, sizes, roots[1])
        else:
            tell(report, sizes, roots[0])
    finally:
        if not options.keep:
            for root in roots:
                shutil.rmtree(root)
    return report.exit_code(asserting=options.asserting)


if __name__ == "__main__":
    sys.exit(main())
