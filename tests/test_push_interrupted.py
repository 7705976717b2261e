"""^C in the middle of a push: it says what has arrived, ends with 130, and the next run sends the rest."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest
from support.cli import COMMAND, environment
from support.stalling import Stalling
from support.workspaces import NOW, Workspace
from test_push_cli import push, server, space, stored

from natsbackend.live.server import NatsServer

__all__ = ["server", "space"]

UPDATE = b"PUB $SYS.REQ.CLAIMS.UPDATE"


@pytest.mark.parametrize(("format_", "arrived"), [("json", 2), ("human", 0)])
def test_interrupted_between_accounts(
    space: Workspace, server: NatsServer, format_: str, arrived: int
) -> None:
    for number in range(6):
        space.accounts[f"extra{number}"] = {}
    space.generate(now=NOW + 10)
    before = space.tree()
    port = int(space.spec["server"]["listen"].rpartition(":")[2])
    with Stalling(port, connection=2, marker=UPDATE, times=arrived + 1).running() as way:
        url = f"nats://127.0.0.1:{way.port}"
        command = [*COMMAND, "push", "--yes", "--server", url, "--servers", "1", "--format", format_]
        with subprocess.Popen(
            command,
            cwd=space.root,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert way.stalled.wait(20)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    there = stored(space)
    names = {space.key(f"accounts/{name}"): name for name in space.accounts}
    names[space.key("accounts/SYS")] = "SYS"  # preloaded
    assert len(there) == arrived + 1
    if format_ == "json":
        answer = json.loads(out)
        assert answer["interrupted"]
        assert set(answer["arrived"]) == {names[public] for public in there}
        assert set(answer["arrived"]) | set(answer["not_arrived"]) == set(names.values())
    else:
        assert "interrupted: 1 of 9 accounts are there as they should be" in out
        assert "missing: " in out
    assert space.tree() == before | {k: v for k, v in space.tree().items() if k.startswith("data/")}
    again = push(space, "--yes", "--format", "json").json
    assert again["ok"]
    sent = [result["account"] for result in again["results"] if not result["unchanged"]]
    assert len(sent) == 9 - len(there)


def test_a_way_that_breaks_off_is_said_with_what_has_arrived_and_the_next_run_sends_the_rest(
    space: Workspace, server: NatsServer
) -> None:
    for number in range(6):
        space.accounts[f"extra{number}"] = {}
    space.generate(now=NOW + 10)
    port = int(space.spec["server"]["listen"].rpartition(":")[2])
    with Stalling(port, connection=2, marker=UPDATE, times=3).running() as way:
        url = f"nats://127.0.0.1:{way.port}"
        ran = push(
            space, "--yes", "--server", url, "--servers", "1", "--timeout", "1", "--format", "json", code=1
        )
    answer = ran.json
    assert not answer["ok"]
    there = set(stored(space)) - {space.key("accounts/SYS")}
    assert len(there) == 2
    confirmed = {r["public_key"] for r in answer["results"] if r["stored"] and not r["unchanged"]}
    assert confirmed == there
    failed = {r["account"] for r in answer["results"] if not r["ok"]}
    assert len(failed) >= 6
    again = push(space, "--yes", "--format", "json").json
    assert again["ok"]
    assert {r["account"] for r in again["results"] if not r["unchanged"]} <= failed
