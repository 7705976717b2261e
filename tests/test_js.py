"""The official JavaScript libraries: what they decode of our tokens, and their client with a token in its cookie."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from support.golden import SOUND, opened
from support.programs import program
from support.running import HOST, TIMEOUT, Running, running

from natsbackend.claims.codec import read_unverified
from natsbackend.live.wire import Deadline
from natsbackend.workflow.opening import open_spec

JS = Path(__file__).parent / "js"
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def node() -> str:
    """Node, with the packages of `tests/js`; `npm ci` there brings them."""
    if not (JS / "node_modules").is_dir():
        if os.environ.get("CI", "").lower() in ("true", "1"):
            pytest.fail("run `npm ci` in tests/js")
        pytest.skip("run `npm ci` in tests/js")
    return program("node")


def decoded(node: str, tokens: list[str]) -> list[Mapping[str, object]]:
    lines = "".join(f"{token}\n" for token in tokens)
    done = subprocess.run(
        [node, "decode.mjs"], cwd=JS, input=lines, capture_output=True, text=True, timeout=60, check=True
    )
    # the library takes the payload's bytes for Latin-1, so that what is not ASCII has to be read once more
    return [json.loads(line.encode("latin-1").decode("utf-8")) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("folder", SOUND, ids=lambda folder: folder.name)
def test_the_official_library_decodes_all_we_meant(node: str, folder: Path, tmp_path: Path) -> None:
    with running(opened(folder), tmp_path) as live:
        tokens = list(live.tree.tokens.values())
    assert decoded(node, tokens) == [{"claims": dict(read_unverified(token).claims)} for token in tokens]


def test_what_was_changed_after_signing_is_refused_there_too(node: str, quickstart: Running) -> None:
    head, payload, signature = next(iter(quickstart.tree.tokens.values())).split(".")
    turned = ("A" if signature[0] != "A" else "B") + signature[1:]
    assert "error" in decoded(node, [f"{head}.{payload}.{turned}"])[0]


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    spec = open_spec(str(ROOT / "examples/quickstart/natsbackend.yaml"))
    with running(spec, tmp_path_factory.mktemp("quickstart")) as live:
        yield live


def test_the_official_client_lives_on_its_cookie(node: str, quickstart: Running) -> None:
    """It is let in, hears a stream of another account, asks its service, and is refused what is not its own."""
    live = quickstart
    web, backend = live.tree.backend.accounts["web"], live.tree.backend.accounts["backend"]
    token = live.signer().mint(web, web.roles["visitor"], name="alice", now=int(time.time())).jwt
    websocket = live.loopback.server.websocket
    assert websocket is not None
    job = {
        "url": f"ws://{HOST}:{websocket.listen.port}",
        "cookie": f"nats_token={token}",
        "origin": live.loopback.origin,
        "inbox": "_INBOX.alice",
        "listen": "prices.eu.>",
        "ask": "quote.request",
        "forbidden": "user.bob.>",
    }
    with (
        live.connect(backend, backend.users["feed"]) as feed,
        live.connect(backend, backend.users["quotes"]) as quotes,
        subprocess.Popen(
            [node, "visitor.mjs"], cwd=JS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as visitor,
    ):
        assert visitor.stdin is not None
        assert visitor.stdout is not None
        quotes.subscribe("quote.request")
        quotes.flush()
        visitor.stdin.write(json.dumps(job))
        visitor.stdin.close()
        assert json.loads(visitor.stdout.readline()) == {"connected": True}
        feed.publish("prices.eu.gold", b"42")
        feed.flush()
        assert json.loads(visitor.stdout.readline()) == {"heard": "42"}
        asked = quotes.wait_for(lambda m: m.subject == "quote.request", Deadline(TIMEOUT))
        assert asked is not None
        quotes.publish(str(asked.reply), b"43")
        quotes.flush()
        assert json.loads(visitor.stdout.readline()) == {"answer": "43"}
        assert "user.bob.>" in json.loads(visitor.stdout.readline())["refused"]
        assert visitor.wait(timeout=10) == 0


def test_the_official_client_is_refused_without_its_cookie(node: str, quickstart: Running) -> None:
    websocket = quickstart.loopback.server.websocket
    assert websocket is not None
    job = {
        "url": f"ws://{HOST}:{websocket.listen.port}",
        "cookie": "other=1",
        "origin": quickstart.loopback.origin,
    }
    done = subprocess.run(
        [node, "visitor.mjs"],
        cwd=JS,
        input=json.dumps(job),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert "Authorization Violation" in done.stdout
