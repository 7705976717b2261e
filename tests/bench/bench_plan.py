"""How far a `plan` of nothing is from fetching the accounts: `python tests/bench/bench_plan.py`.

Backends of 100, 1,000 and 10,000 accounts, each with 3 exports, 3 imports from its neighbours and a role. They are
generated, pushed to one real server, and planned against it with nothing changed: `plan --to main`, the whole command
in a fresh process. Figures, the best of each size's rounds:

- The command against the floor (`floor_fetch.py`): fetching all accounts in bulk on a connection that stands, in turns
  with it. Where accounts are few it is the start of Python that is measured, which is held against nothing.
- The same in a fresh clone, where no run of `generate` has left a stamp, so that the spec is read and reckoned. It is
  held against nothing: reading a spec of ten thousand accounts takes longer alone than fetching them.
- The time of one more account, between 1,000 and 10,000 against between 100 and 1,000: 1 is linear.
- The most memory that `push` of all and `plan`, either way, held: a limit of 500 MiB with 10,000 accounts.

Everything is in memory where there is such a file system. The server loads each account that it is pushed; with 10,000
of these that takes it half a minute (see `bench_push.py`), so the push has patience.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measuring import MEMORY, Report, Run, arguments, natsbackend, run

SIZES = (100, 1_000, 10_000)
ROUNDS = {100: 15, 1_000: 10}
"""How often each size is measured, 5 times if it is not listed: where a run is short, a busy moment is much of it."""
LIMIT = 3.0
"""A plan of nothing may take so many times the floor."""
LIMIT_GROWTH = 1.5
"""One more account may cost so many times what it costs among ten times fewer."""
MOST_MEMORY = 500 << 20
HELD_FROM = 10_000
FLOOR = Path(__file__).with_name("floor_fetch.py")
PATIENCE = "120"
SOON = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The best of several rounds with one size."""

    count: int
    floor: float
    """Seconds, like the next two."""
    plan: float
    clone: float
    peaks: dict[str, int]
    """Bytes, by what held them."""


def lines(count: int, port: int) -> Iterator[str]:
    """Write the spec."""
    yield "version: 1\noperator: {name: bench}\naccounts:\n"
    names = [f"tenant{number:05}" for number in range(count)]
    for number, name in enumerate(names):
        alerts, events, query = (names[(number + step) % count] for step in (1, 2, 3))
        yield f"""\
  {name}:
    exports:
      - stream: {name}.events.>
      - stream: {name}.alerts.*
      - service: {name}.query
    imports:
      - {{from: {alerts}, stream: {alerts}.alerts.*}}
      - {{from: {events}, stream: {events}.events.>}}
      - {{from: {query}, service: {query}.query}}
    roles:
      app:
        ttl: 1h
        publish: [{name}.events.>, {name}.alerts.*]
        subscribe: [{name}.query]
"""
    yield f"server: {{listen: 127.0.0.1:{port}, resolver: {{type: full, dir: jwt}}}}\n"
    yield f"targets: {{main: {{nats: ['nats://127.0.0.1:{port}'], servers: 1}}}}\n"


@contextmanager
def server(place: Path, port: int) -> Iterator[None]:
    """Run a server on what was generated."""
    command = [_server_program(), "-c", "nats-server.conf", "-l", str(place / "log")]
    process = subprocess.Popen(command, cwd=place / "build")
    try:
        _wait_for(port)
        yield
    finally:
        process.terminate()
        process.wait()


def _server_program() -> str:
    found = shutil.which("nats-server")
    if found is None:
        sys.exit("there is no nats-server on the PATH")
    return found


def _wait_for(port: int) -> None:
    began = time.monotonic()
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() - began > SOON:
                sys.exit("the server does not listen; its log is beside the spec")
            time.sleep(0.05)
        else:
            return


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def measure(count: int, rounds: int, root: Path) -> Measured:
    """Generate, push, and measure floor and plans in turns."""
    place, port = Path(tempfile.mkdtemp(prefix=f"{count}-", dir=root)), _free_port()
    spec = place / "natsbackend.yaml"
    with spec.open("w", encoding="utf-8") as file:
        file.writelines(lines(count, port))
    run(natsbackend("generate", "--no-frozen"), place)
    with server(place, port):
        push = run(natsbackend("push", "--yes", "--force", "--timeout", PATIENCE), place)
        floors, plans = [], []
        for _ in range(rounds):
            floors.append(json.loads(run((sys.executable, str(FLOOR), str(spec), "2"), place).answer))
            plans.append(_planned(place, count))
        (place / ".natsbackend/stamp.json").unlink()
        clones = [_planned(place, count) for _ in range(rounds)]
    return Measured(
        count=count,
        floor=min(one["seconds"] for one in floors),
        plan=min(one.seconds for one in plans),
        clone=min(one.seconds for one in clones),
        peaks={"push": push.peak, "plan": _peak(plans), "plan in a fresh clone": _peak(clones)},
    )


def _planned(place: Path, count: int) -> Run:
    done = run(natsbackend("plan", "--to", "main", "--timeout", PATIENCE), place)
    if f"({count + 1} accounts)" not in done.answer:
        sys.exit(f"there was something to change:\n{done.answer[:1000]}")
    return done


def _peak(runs: Sequence[Run]) -> int:
    return max(one.peak for one in runs)


def tell(report: Report, one: Measured, earlier: Sequence[Measured]) -> None:
    """Print the figures of one size."""
    report.say(
        f"\n{one.count:,} accounts: floor {one.floor * 1e3:.0f} ms, plan {one.plan * 1e3:.0f} ms,"
        f" in a fresh clone {one.clone * 1e3:.0f} ms = {one.clone / one.floor:.2f} x the floor"
    )
    if one.count < HELD_FROM:
        report.say(f"  a plan against the floor: {one.plan / one.floor:.2f} x")
    else:
        report.figure("  a plan against the floor", one.plan / one.floor, LIMIT)
        for what, peak in one.peaks.items():
            report.figure(f"  peak memory of {what}, {peak / 2**20:.0f} MiB", peak / MOST_MEMORY, 1)
    if len(earlier) > 1:
        growth = _marginal(earlier[-1], one) / _marginal(earlier[-2], earlier[-1])
        report.figure("  one more account, against a size smaller", growth, LIMIT_GROWTH)


def _marginal(smaller: Measured, larger: Measured) -> float:
    return (larger.plan - smaller.plan) / (larger.count - smaller.count)


def main() -> int:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="COUNT")
    options = parser.parse_args()
    report, earlier = Report(), list[Measured]()
    root = Path(tempfile.mkdtemp(prefix="bench-plan-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        for count in sorted(options.sizes):
            one = measure(count, ROUNDS.get(count, 5), root)
            tell(report, one, earlier)
            earlier.append(one)
    finally:
        shutil.rmtree(root)
    return report.exit_code(asserting=options.asserting)


if __name__ == "__main__":
    sys.exit(main())
