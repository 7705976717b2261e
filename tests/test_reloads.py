"""Which options a reload brings: what `plan.reloads` says, and what a real nats-server does with it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from support.livebackend import Minted, key_of, small_backend
from support.resolvers import free_ports

from natsbackend.live.server import NatsServer, find_server
from natsbackend.plan.reloads import is_reloaded
from natsbackend.plan.server_words import Leaf
from natsbackend.render.conf import write_conf
from natsbackend.render.server_conf import server_config

SOON = 5.0
STORE = {"store_dir": "store"}
WEBSOCKET = {"listen": "127.0.0.1:-1", "no_tls": True}
ALONE = {"name": "c", "listen": "127.0.0.1:-1"}


def remote(port: int) -> dict[str, Any]:
    return {"urls": [f"nats://127.0.0.1:{port}"], "account": key_of("accounts/SYS").public}


CASES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "name": ({"server_name": "a"}, {"server_name": "b"}, "server_name"),
    "base path": ({}, {"http_base_path": "/x"}, "http_base_path"),
    "payload": ({}, {"max_payload": 2048}, "max_payload"),
    "connections": ({}, {"max_connections": 7}, "max_connections"),
    "subscriptions": ({}, {"max_subscriptions": 7}, "max_subscriptions"),
    "pending": ({}, {"max_pending": 1 << 20}, "max_pending"),
    "control line": ({}, {"max_control_line": 2048}, "max_control_line"),
    "deadline": ({}, {"write_deadline": "3s"}, "write_deadline"),
    "pings": ({}, {"ping_interval": "30s", "ping_max": 5}, "ping_interval"),
    "lame duck": ({}, {"lame_duck_duration": "40s"}, "lame_duck_duration"),
    "auth timeout": ({}, {"authorization": {"timeout": 3}}, "authorization.timeout"),
    "advertise": ({}, {"client_advertise": "n1:4222"}, "client_advertise"),
    "debug": ({}, {"debug": True}, "debug"),
    "log size": ({}, {"logfile_size_limit": 999999}, "logfile_size_limit"),
    "tags": ({}, {"server_tags": ["a"]}, "server_tags"),
    "metadata": ({}, {"server_metadata": {"a": "b"}}, "server_metadata.a"),
    "another listener": ({}, {"websocket": WEBSOCKET}, "websocket.listen"),
    "origins": (
        {"websocket": WEBSOCKET},
        {"websocket": {**WEBSOCKET, "allowed_origins": ["https://a.example"]}},
        "websocket.allowed_origins",
    ),
    "cookie": (
        {"websocket": WEBSOCKET},
        {"websocket": {**WEBSOCKET, "jwt_cookie": "c"}},
        "websocket.jwt_cookie",
    ),
    "jetstream": ({}, {"jetstream": STORE}, "jetstream.store_dir"),
    "more disk": (
        {"jetstream": {**STORE, "max_file_store": 10_000_000}},
        {"jetstream": {**STORE, "max_file_store": 20_000_000}},
        "jetstream.max_file_store",
    ),
    "less disk": (
        {"jetstream": {**STORE, "max_file_store": 20_000_000}},
        {"jetstream": {**STORE, "max_file_store": 10_000_000}},
        "jetstream.max_file_store",
    ),
    "another store": ({"jetstream": STORE}, {"jetstream": {"store_dir": "other"}}, "jetstream.store_dir"),
    "domain": ({"jetstream": STORE}, {"jetstream": {**STORE, "domain": "d"}}, "jetstream.domain"),
    "a cluster": ({}, {"cluster": {"name": "c", "listen": "127.0.0.1:-1"}}, "cluster.listen"),
    "routes": (
        {"cluster": ALONE},
        {"cluster": {**ALONE, "routes": ["nats://127.0.0.1:1"]}},
        "cluster.routes",
    ),
    "a gateway": ({}, {"gateway": {"name": "g", "listen": "127.0.0.1:-1"}}, "gateway.listen"),
    "leaf nodes": ({}, {"leafnodes": {"listen": "127.0.0.1:-1"}}, "leafnodes.listen"),
    "the first remote": ({}, {"leafnodes": {"remotes": [remote(1)]}}, "leafnodes.remotes[0].urls"),
    "a remote more": (
        {"leafnodes": {"remotes": [remote(1)]}},
        {"leafnodes": {"remotes": [remote(1), remote(2)]}},
        "leafnodes.remotes[1].urls",
    ),
    "a remote less": (
        {"leafnodes": {"remotes": [remote(1), remote(2)]}},
        {"leafnodes": {"remotes": [remote(1)]}},
        "leafnodes.remotes[1].urls",
    ),
    "a hub": (
        {"leafnodes": {"remotes": [remote(1)]}},
        {"leafnodes": {"remotes": [{**remote(1), "hub": True}]}},
        "leafnodes.remotes[0].hub",
    ),
    "cluster's name": (
        {"cluster": {"name": "c", "listen": "127.0.0.1:16222"}},
        {"cluster": {"name": "d", "listen": "127.0.0.1:16222"}},
        "cluster.name",
    ),
    "advertised routes": (
        {"cluster": ALONE},
        {"cluster": {**ALONE, "no_advertise": True}},
        "cluster.no_advertise",
    ),
    "profiling": ({}, {"prof_block_rate": 5}, "prof_block_rate"),
}


@pytest.fixture(scope="module")
def base() -> dict[str, Any]:
    backend = small_backend()
    identities = Minted(backend)
    config: dict[str, Any] = server_config(
        backend,
        operator=identities.tokens["operator"],
        system_account=key_of(backend.system_account.path).public,
        preload=identities.accounts,
    )
    del config["websocket"]
    return config


def leaves(options: dict[str, Any], path: str = "") -> dict[str, Leaf]:
    found: dict[str, Leaf] = {}
    for key, value in options.items():
        below = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            found |= leaves(value, below)
        elif isinstance(value, list) and isinstance(value[0], dict):
            for number, each in enumerate(value):
                found |= leaves(each, f"{below}[{number}]")
        else:
            found[below] = tuple(value) if isinstance(value, list) else value
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_server_takes_over_what_is_said_to_be_reloaded_and_nothing_else(
    case: str, base: dict[str, Any], tmp_path: Path
) -> None:
    before, after, path = CASES[case]
    listen = f"127.0.0.1:{free_ports(1)[0]}"
    config, log = tmp_path / "nats-server.conf", tmp_path / "log"
    config.write_text(write_conf({**base, "listen": listen, **before}))
    server = NatsServer(find_server(), config, log=log, cwd=tmp_path)
    server.start()
    try:
        config.write_text(write_conf({**base, "listen": listen, **after}))
        os.kill(server.pid, signal.SIGHUP)
        assert reloaded(log) == is_reloaded(path, leaves(before), leaves(after))
    finally:
        server.stop()


def reloaded(log: Path) -> bool:
    """Wait for what the server says of the reload."""
    began = time.monotonic()
    while time.monotonic() - began < SOON:
        text = log.read_text()
        if "Reloaded server configuration" in text:
            return True
        if "Failed to reload server configuration" in text:
            return False
        time.sleep(0.02)
    raise AssertionError("the server said nothing of a reload")
