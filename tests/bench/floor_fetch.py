"""The floor of `plan`: `python tests/bench/floor_fetch.py SPEC ROUNDS` prints the best seconds, as JSON.

One request for all accounts of the spec's target `main`, on a connection that stands, and the messages counted up to
the empty one: no reader of what a server holds gets around it. The login is that of `plan`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from bench_push import fetch_floor

from natsbackend.keystore.directory import DirectoryKeyStore
from natsbackend.project import Project
from natsbackend.workflow import stamp
from natsbackend.workflow.glance import reached_by
from natsbackend.workflow.planning import observing
from natsbackend.workflow.signing import RoleSigner
from natsbackend.workflow.tree import read_lock


def main(spec: Path, rounds: int) -> None:
    """Measure and print."""
    project = Project(spec.parent)
    found = stamp.read(spec, project)
    backend = reached_by(found, spec)
    assert backend is not None
    signer = RoleSigner(backend, read_lock(project).keyring(), DirectoryKeyStore(project.keys))
    with observing(signer, backend.targets["main"], now=int(time.time()), timeout=60) as resolver:
        print(json.dumps({"seconds": min(fetch_floor(resolver, "natsbackend") for _ in range(rounds))}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
