"""The words of JetStream on the server, as a real one reads them, and its limits as it holds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.resolvers import free_ports
from support.workspaces import Spec
from test_joining_on_server import EDGE, HOST, IN_CONFIG, TIMEOUT, connected, page, serving, spec_of, written

from natsbackend.live.wire import Connection, Deadline

WEB = {"jetstream": {"disk": "100MiB", "memory": "10MiB"}, "users": {"one": EDGE}}


def server(root: Path, jetstream: Spec) -> tuple[Any, int, int]:
    """Write a spec with JetStream; return it and where clients and monitoring are."""
    nats, monitor = free_ports(2)
    here = {
        "listen": f"{HOST}:{nats}",
        "monitor": {"listen": monitor},
        "resolver": IN_CONFIG,
        "tags": ["az:1"],
    }
    return written(root / "n", spec_of({**here, "jetstream": jetstream}, web=WEB)), nats, monitor


def asked(connection: Connection, subject: str, request: Spec) -> dict[str, Any]:
    """Ask JetStream for something."""
    connection.subscribe("answers")
    connection.publish(subject, json.dumps(request).encode(), "answers")
    answer = connection.wait_for(lambda message: message.subject == "answers", Deadline(TIMEOUT))
    assert answer is not None
    found: dict[str, Any] = json.loads(answer.payload)
    return found


def test_the_server_reads_what_was_meant(tmp_path: Path) -> None:
    limits = {"max_ack_pending": 77, "max_ha_assets": 9, "max_request_batch": 5, "duplicate_window": "3m"}
    words = {"limits": limits, "sync_interval": "10s", "unique_tag": "az:", "strict": False}
    space, _, monitor = server(tmp_path, words)
    with serving(space):
        found = page(monitor, "varz")["jetstream"]
    assert found["config"]["sync_interval"] == 10_000_000_000
    assert found["config"]["unique_tag"] == "az:"
    assert not found["config"].get("strict")
    assert found["limits"]["max_ack_pending"] == 77
    assert found["limits"]["max_ha_assets"] == 9
    assert found["limits"]["max_request_batch"] == 5


@pytest.mark.parametrize(("interval", "always"), [("always", True), ("1m", False)])
def test_always_is_a_sync_of_each_message(interval: str, always: bool, tmp_path: Path) -> None:
    space, _, monitor = server(tmp_path, {"sync_interval": interval})
    with serving(space):
        config = page(monitor, "varz")["jetstream"]["config"]
    assert bool(config.get("sync_always")) is always
    assert config["strict"] is True


@pytest.mark.parametrize(("limits", "refused"), [({"duplicate_window": "1m"}, True), ({}, False)])
def test_a_longer_window_for_duplicates_is_refused(limits: Spec, refused: bool, tmp_path: Path) -> None:
    space, nats, _ = server(tmp_path, {"limits": limits})
    stream = {"name": "S", "subjects": ["s.>"], "storage": "file", "duplicate_window": 90_000_000_000}
    with serving(space), connected(nats, space, "web", "one") as connection:
        answer = asked(connection, "$JS.API.STREAM.CREATE.S", stream)
    assert ("error" in answer) is refused


@pytest.mark.parametrize(("strict", "refused"), [(True, True), (False, False)])
def test_a_member_that_nobody_knows_is_refused_where_it_is_strict(
    strict: bool, refused: bool, tmp_path: Path
) -> None:
    space, nats, _ = server(tmp_path, {"strict": strict})
    stream = {"name": "S", "subjects": ["s.>"], "storage": "file", "unheard_of": 1}
    with serving(space), connected(nats, space, "web", "one") as connection:
        answer = asked(connection, "$JS.API.STREAM.CREATE.S", stream)
    assert ("error" in answer) is refused
