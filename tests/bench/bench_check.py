"""What `check` costs beside loading: `python tests/bench/bench_check.py`.

Loading is reading and validating the text of a spec (`spec.load`); checking is that, and resolving and asking every
rule (`workflow.opening.examine`). Both in this process, in turns, best of several rounds, and both with the cyclic
garbage collector paused, as `examine` does: with it, loading alone would be the slower of the two.

- `ring`: the spec of `bench_generate.py`, where each account has 3 exports, 3 imports from its neighbours, 2 signing
  keys and 1 user with creds. The whole check may take twice as long as loading.
- `roles`: as `ring`, but each account has a role for browsers in the place of keys and user, with a template and a
  request, so that every lint has something to look at. It may take as long.
- `hub`: one account that all others import from and that imports from all others, so that whatever is asked of an
  exporter's list once for each import would be quadratic here.
- `wrong`: as `ring`, but no import is exported as it is written, and half of them name an account that is not there:
  every import is a finding, with a hint where one is found.

Printed for 100, 1,000 and 10,000 accounts: the ratio, and the time of one account in each. What one more account costs
among 10,000 is held against what it costs among 1,000: 1 is linear growth.
"""

from __future__ import annotations

import gc
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from time import perf_counter

import bench_generate
from measuring import Report, arguments, in_turns

from natsbackend.spec.load import load
from natsbackend.workflow.collecting import collection_paused
from natsbackend.workflow.opening import examine, read_file

SIZES = (100, 1_000, 10_000)
ROUNDS = {100: 7, 1_000: 7, 10_000: 3}
LIMIT = 2.0
"""A check may take so many times what loading takes, for `ring` and `roles` of 1,000 accounts."""
HELD = frozenset({"ring", "roles"})
LIMIT_GROWTH = 1.5
"""An account among ten times as many may cost so many times as much."""


def hub(count: int) -> Iterator[str]:
    """Write a spec in which everybody shares with one account."""
    yield "version: 1\noperator: {name: bench}\naccounts:\n  hub:\n    exports:\n"
    yield from (f"      - service: ask.tenant{n}.>\n" for n in range(count))
    yield "    imports:\n"
    yield from (f"      - {{from: tenant{n}, stream: events.tenant{n}.>}}\n" for n in range(count))
    for n in range(count):
        yield f"  tenant{n}:\n    exports:\n      - stream: events.tenant{n}.>\n"
        yield f"    imports:\n      - {{from: hub, service: ask.tenant{n}.one}}\n"


def wrong(count: int) -> Iterator[str]:
    """Write a spec in which nothing that is imported is exported."""
    for line in bench_generate.lines(count):
        renamed = line.replace(".alerts.*}", ".alarms.*}").replace("service: tenant", "service: tenants")
        yield renamed.replace("{from: tenant", "{from: tenent", 1)


def roles(count: int) -> Iterator[str]:
    """Write a spec of tenants for browsers."""
    for lines in bench_generate.lines(count):
        account, found, _ = lines.partition("    users:\n")
        if not found:
            yield lines
            continue
        name = account.split(":")[0].strip()
        yield account.replace("    signing_keys: [main, spare]\n", "")
        yield "    roles:\n      viewer:\n        websocket: true\n        ttl: 15m\n"
        yield f'        subscribe: [{name}.events.>, "user.{{{{name()}}}}.>"]\n        request: [{name}.query]\n'


SPECS: Mapping[str, Callable[[int], Iterator[str]]] = {
    "ring": bench_generate.lines,
    "roles": roles,
    "hub": hub,
    "wrong": wrong,
}


def loaded(file: str) -> None:
    """Load a spec as `examine` does."""
    with collection_paused():
        load(file, read_file)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that something takes; what earlier rounds left behind is collected first."""
    gc.collect()
    started = perf_counter()
    work()
    return perf_counter() - started


def main() -> int:
    """Measure, print, and hold the figures against their limits."""
    options = arguments(__doc__).parse_args()
    report = Report()
    with tempfile.TemporaryDirectory() as directory:
        for name, text in SPECS.items():
            earlier = 0.0
            for count in SIZES:
                file = Path(directory, f"{name}-{count}.yaml")
                file.write_text("".join(text(count)), encoding="utf-8")
                measures = [partial(timed, partial(work, str(file))) for work in (loaded, examine)]
                loading, checking = (min(times) for times in in_turns(ROUNDS[count], *measures))
                each = checking / count
                what = f"{name}, {count:>6,} accounts: {each * 1e6:6.0f} us an account; the whole check"
                limit = LIMIT if name in HELD and count == 1_000 else 99
                report.figure(f"{what} / loading", checking / loading, limit)
                if earlier and count == SIZES[-1]:
                    report.figure(
                        f"{name}: an account among {count:,} / among a tenth", each / earlier, LIMIT_GROWTH
                    )
                earlier = each
    return report.exit_code(asserting=options.asserting)


if __name__ == "__main__":
    sys.exit(main())
