"""`push` against a real nats-server that runs on the generated config."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cli import Ran, natsbackend_here
from support.workspaces import Workspace

from natsbackend.claims.codec import decode
from natsbackend.keys import KeyPair
from natsbackend.live.server import NatsServer, find_server
from natsbackend.live.wire import Refused, connect_tcp


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.fixture
def space(generated: Workspace) -> Workspace:
    """A generated project whose server has a port and whose only target is that server."""
    port = free_port()
    generated.spec["server"] = {"listen": f"127.0.0.1:{port}"}
    del generated.accounts["shop"]["roles"]["visitor"]
    generated.spec["targets"] = {"main": {"nats": [f"nats://127.0.0.1:{port}"], "servers": 1}}
    generated.generate()
    return generated


@pytest.fixture
def server(space: Workspace) -> Iterator[NatsServer]:
    """The server, on the generated config."""
    config, log = space.project.server_conf, space.root / "server.log"
    with NatsServer(find_server(), config, log=log, cwd=space.root) as running:
        yield running


MEMBERS = {
    "arrived",
    "changes",
    "dropped_accounts",
    "error",
    "findings",
    "foreign",
    "format",
    "interrupted",
    "kept_revocations",
    "not_arrived",
    "ok",
    "pruned",
    "results",
    "target",
}


def test_every_member_of_the_answer_is_documented() -> None:
    page = (Path(__file__).parent.parent / "docs/push.md").read_text(encoding="utf-8")
    rows = page.partition("## `--format json`")[2].splitlines()
    named = [name for row in rows if row.startswith("| `") for name in row.split("|")[1].split(", ")]
    assert {name.strip(" `") for name in named} == MEMBERS


def push(space: Workspace, *arguments: str, code: int = 0) -> Ran:
    return natsbackend_here("push", *arguments, cwd=space.root, code=code)


def results(space: Workspace, *arguments: str) -> dict[str, dict[str, Any]]:
    answer = push(space, "--yes", "--format", "json", *arguments).json
    assert set(answer) == MEMBERS
    assert answer["format"] == 1
    return {result["account"]: result for result in answer["results"]}


def stored(space: Workspace) -> dict[str, str]:
    """Return what the server's resolver has on disk, by public key."""
    return {path.stem: path.read_text() for path in (space.root / "data/jwt").rglob("*.jwt")}


def test_every_account_is_pushed_and_read_back(space: Workspace, server: NatsServer) -> None:
    first = results(space)
    assert set(first) == {"shop", "lab", "SYS"}
    for name, result in first.items():
        assert set(result) == {
            "account",
            "public_key",
            "ok",
            "unchanged",
            "stored",
            "refused",
            "missing",
            "unheard",
            "read_back",
            "effect",
            "not_verified",
            "problems",
        }
        assert result["ok"], result
        assert result["problems"] == []
        assert result["public_key"] == space.key(f"accounts/{name}")
        assert stored(space)[result["public_key"]] == space.project.account_jwt(name).read_text()


def test_a_second_push_changes_nothing(space: Workspace, server: NatsServer) -> None:
    results(space)
    before = stored(space)
    assert all(result["unchanged"] for result in results(space).values())
    assert stored(space) == before


def test_users_can_log_in_once_their_account_is_pushed(space: Workspace, server: NatsServer) -> None:
    host, _, port = space.spec["server"]["listen"].partition(":")
    user = space.user("shop", "clerk")
    with pytest.raises(Refused):
        connect_tcp(host, int(port), jwt=user.text, key=_pair(space), timeout=5)
    push(space, "--yes")
    with connect_tcp(host, int(port), jwt=user.text, key=_pair(space), timeout=5) as clerk:
        clerk.publish("orders.new")
        assert clerk.flush() == []
        clerk.publish("other")
        assert "other" in clerk.flush()[0]


def _pair(space: Workspace) -> KeyPair:
    return KeyPair.from_seed(space.seed_file("accounts/shop/users/clerk").read_text())


def test_a_spec_that_moved_on_is_refused_until_generate_and_then_only_the_change_is_pushed(
    space: Workspace, server: NatsServer
) -> None:
    results(space)
    before = stored(space)
    space.accounts["lab"]["limits"] = {"connections": 7}
    space.save()
    ran = push(space, "--yes", code=1)
    assert "the spec has changed since the last `generate`: accounts/lab" in ran.err
    assert "hint: run `natsbackend generate`" in ran.err
    assert stored(space) == before
    space.generate(now=decode(space.project.account_jwt("lab").read_text()).issued_at + 10)
    after = results(space)
    assert {name for name, result in after.items() if not result["unchanged"]} == {"lab"}
    changed = {public for public, jwt in stored(space).items() if before.get(public) != jwt}
    assert changed == {space.key("accounts/lab")}


def test_a_new_account_is_pushed_beside_the_others(space: Workspace, server: NatsServer) -> None:
    results(space)
    space.accounts["extra"] = {}
    space.generate()
    assert {name for name, result in results(space).items() if not result["unchanged"]} == {"extra"}


def test_for_people_it_says_how_many_and_with_verbose_which(space: Workspace, server: NatsServer) -> None:
    ran = push(space, "--yes", "--verbose")
    assert "accounts pushed and read back" in ran.out
    assert "✓ shop: pushed" in ran.out
    assert push(space, "--yes", "--quiet").out == ""
    assert "0 accounts pushed and read back, 3 unchanged, 0 failed" in push(space, "--yes").out


def test_without_a_terminal_and_without_yes_nothing_is_sent(space: Workspace, server: NatsServer) -> None:
    before = stored(space)
    ran = push(space, code=2)
    assert "pass --yes" in ran.err
    assert stored(space) == before


def test_a_target_is_chosen_by_name_and_an_unknown_one_lists_those_there_are(
    space: Workspace, server: NatsServer
) -> None:
    assert results(space, "--to", "main")
    ran = push(space, "--to", "nowhere", "--yes", code=1)
    assert 'there is no target "nowhere"' in ran.err
    assert "hint: the targets: main" in ran.err


def test_two_targets_and_no_choice_is_an_error(space: Workspace) -> None:
    space.spec["targets"]["other"] = {"nats": ["nats://127.0.0.1:1"]}
    space.save()
    ran = push(space, "--yes", code=1)
    assert "not clear where to push" in ran.err
    assert "main, other" in ran.err


def test_no_target_at_all_is_an_error_that_says_how_to_give_one(space: Workspace) -> None:
    del space.spec["targets"]
    space.save()
    assert "--server URL" in push(space, "--yes", code=1).err


def test_a_server_that_is_down_is_exit_1_and_named(space: Workspace) -> None:
    ran = push(space, "--yes", code=1)
    assert space.spec["targets"]["main"]["nats"][0].removeprefix("nats://") in ran.err
    assert "refused" in ran.err
    assert ran.out == ""


def test_a_server_that_went_away_is_exit_1(space: Workspace, server: NatsServer) -> None:
    results(space)
    server.stop()
    push(space, "--yes", code=1)


def test_a_server_that_hangs_is_exit_1_within_the_timeout(space: Workspace, server: NatsServer) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        ran = push(space, "--yes", "--timeout", "0.3", code=1)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    assert ran.out == ""
    assert "127.0.0.1" in ran.err


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "nats://",
        "nats://[",
        "nats://127.0.0.1:99999",
        "nats://127.0.0.1:x",
        "http://127.0.0.1:1",
        "://",
        "nats://no.such.host.invalid:4222",
        "nats://user:secret-word@127.0.0.1:1",
        "\udcff",
        "nats://127.0.0.1:1\r\nPUB x 0",
    ],
)
def test_an_address_that_cannot_be_used_is_an_error(space: Workspace, url: str) -> None:
    ran = push(space, "--yes", "--server", url, "--timeout", "1", code=1)
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    assert "secret-word" not in ran.err


def test_a_server_of_another_operator_gets_nothing(
    space: Workspace, server: NatsServer, tmp_path: Path
) -> None:
    other = Workspace(root=tmp_path / "other", spec=space.spec)
    other.root.mkdir()
    other.generate()
    before = stored(space)
    push(other, "--yes", code=1)
    assert stored(space) == before


def test_push_needs_the_pushers_seed_and_says_so(space: Workspace, server: NatsServer) -> None:
    for file in list(space.project.keys.rglob("*.nk")):
        if file != space.seed_file("accounts/SYS/roles/pusher"):
            file.unlink()
    results(space)
    space.seed_file("accounts/SYS/roles/pusher").unlink()
    assert "the seed of accounts/SYS/roles/pusher" in push(space, "--yes", code=1).err


def test_without_a_build_push_signs_the_same_bytes_again_and_writes_nothing(
    space: Workspace, server: NatsServer
) -> None:
    results(space)
    before = stored(space)
    shutil.rmtree(space.project.build)
    assert all(result["unchanged"] for result in results(space).values())
    assert stored(space) == before
    assert not space.project.build.exists()


def test_a_build_that_somebody_changed_is_not_what_is_pushed(space: Workspace, server: NatsServer) -> None:
    jwt = space.project.account_jwt("shop").read_text()
    space.project.account_jwt("shop").write_text(space.project.account_jwt("lab").read_text())
    results(space)
    assert stored(space)[space.key("accounts/shop")] == jwt


def test_push_before_generate_says_what_to_run(workspace: Workspace) -> None:
    ran = push(workspace, "--yes", "--server", "nats://127.0.0.1:1", code=1)
    assert "natsbackend generate" in ran.err
    assert not workspace.project.lock.exists()
