"""How long the first word takes to come: `python tests/bench/bench_startup.py`.

`natsbackend --version` and `natsbackend --help`, each in a fresh process, against a bare `python -c pass`, in turns.
The limit is held against the best of each; the medians are shown beside it. One round before is not counted: it
writes the compiled modules.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measuring import Report, arguments, in_turns, natsbackend, run

LIMIT = 8.0
"""Either may take so many times a bare interpreter."""
ROUNDS = 15


def main() -> int:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    report = Report()
    commands = {
        "python -c pass": (sys.executable, "-c", "pass"),
        "natsbackend --version": natsbackend("--version"),
        "natsbackend --help": natsbackend("--help"),
    }
    with tempfile.TemporaryDirectory() as directory:

        def measured(command: tuple[str, ...]) -> Callable[[], float]:
            return lambda: run(command, Path(directory)).seconds

        measures = [measured(command) for command in commands.values()]
        in_turns(1, *measures)
        taken = dict(zip(commands, in_turns(options.rounds, *measures), strict=True))
    bare = taken.pop("python -c pass")
    report.say(
        f"python -c pass: best {min(bare) * 1e3:.1f} ms, median {statistics.median(bare) * 1e3:.1f} ms"
    )
    for name, times in taken.items():
        median = statistics.median(times)
        report.say(
            f"{name}: best {min(times) * 1e3:.1f} ms, median {median * 1e3:.1f} ms"
            f" = {median / statistics.median(bare):.2f} x the bare median"
        )
        report.figure(f"{name}, best against best", min(times) / min(bare), LIMIT)
    return report.exit_code(asserting=options.asserting)


if __name__ == "__main__":
    sys.exit(main())
