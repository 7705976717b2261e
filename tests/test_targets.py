"""`push` and `plan` to every kind of target, through the command line."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.accountserver import AccountServer, account_server
from support.cli import Ran, natsbackend_here
from support.contract import certificate
from support.resolvers import free_ports
from support.workspaces import Workspace

from natsbackend.claims.codec import Claims, TokenKind, read_unverified, sign
from natsbackend.claims.creds import format_creds, parse_creds
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.live.server import NatsServer, find_server
from natsbackend.live.wire import Refused, connect_tcp
from natsbackend.workflow.opening import open_spec
from natsbackend.workflow.stored_login import inbox_of

CHANGES = 3
SIGNER = "operator/signing/main"


def run(space: Workspace, *words: str, code: int = 0) -> Ran:
    return natsbackend_here(*words, cwd=space.root, code=code)


def pushed(space: Workspace, *words: str) -> dict[str, Any]:
    answer: dict[str, Any] = run(space, "push", "--yes", "--format", "json", *words).json
    return answer


def pair_of(space: Workspace, path: str) -> KeyPair:
    return KeyPair.from_seed(space.seed_file(path).read_text().strip())


@pytest.fixture
def space(generated: Workspace) -> Workspace:
    """A generated project; its target is set by each test, which changes no JWT."""
    return generated


def target(space: Workspace, **words: object) -> None:
    space.spec["targets"] = {"main": words}
    space.save()


def forget_seeds(space: Workspace) -> None:
    """Take every seed away: what works now, works where no seed is."""
    for file in space.project.keys.rglob("*.nk"):
        file.unlink()


# --- a directory ---


def test_a_directory_takes_everything_and_promises_no_effect(space: Workspace) -> None:
    store = space.root / "jwt"
    store.mkdir()
    target(space, directory="jwt")
    forget_seeds(space)  # it needs no login
    first = run(space, "plan", "--to", "main", "--detailed-exitcode", code=CHANGES)
    assert "shop" in first.out
    answer = pushed(space)
    assert answer["ok"] is True
    for result in answer["results"]:
        file = store / f"{result['public_key']}.jwt"
        assert file.read_text() == space.project.account_jwt(result["account"]).read_text().strip()
        assert (result["read_back"], result["effect"]) == (True, {})
        assert result["not_verified"] == result["stored"] == ["jwt"]
    assert {result["unchanged"] for result in pushed(space)["results"]} == {True}
    run(space, "plan", "--to", "main", "--detailed-exitcode", code=0)
    assert "not verified on jwt: no running server was asked" in run(space, "push", "--yes", "-v").out


def test_what_is_revoked_in_a_directory_by_hand_is_kept(space: Workspace) -> None:
    (space.root / "jwt").mkdir()
    target(space, directory="jwt")
    pushed(space)
    key = space.key("accounts/lab")
    file = space.root / "jwt" / f"{key}.jwt"
    token = read_unverified(file.read_text())
    signer = pair_of(space, SIGNER)
    assert signer.public == token.issuer
    thief = KeyPair(KeyRole.USER, b"x" * 32).public
    nats = {word: value for word, value in token.nats.items() if word not in ("type", "version")}
    claims = Claims(
        kind=TokenKind.ACCOUNT,
        subject=key,
        name=token.name,
        nats={**nats, "revocations": {thief: token.issued_at}},
    )
    file.write_text(sign(claims, signer, token.issued_at + 1))
    answer = pushed(space)
    assert [found["key"] for found in answer["kept_revocations"]] == [thief]
    assert answer["foreign"] == []


def test_a_directory_that_is_not_there_is_said_before_anything_is_sent(space: Workspace) -> None:
    target(space, directory="unmounted")
    assert "mount the volume" in run(space, "push", "--yes", code=1).err


def test_pruning_in_a_directory_puts_the_file_aside(space: Workspace) -> None:
    (space.root / "jwt").mkdir()
    target(space, directory="jwt")
    pushed(space)
    key = space.key("accounts/lab")
    del space.accounts["lab"]
    space.save()
    run(space, "generate")
    answer = pushed(space, "--prune", "--force")
    assert (answer["ok"], answer["pruned"]["deleted"]) == (True, True)
    assert not (space.root / "jwt" / f"{key}.jwt").exists()


# --- an account server ---


@pytest.fixture
def server(space: Workspace) -> Iterator[AccountServer]:
    with account_server(space.project.operator_jwt.read_text().strip()) as running:
        yield running


def test_an_account_server_is_pushed_to(space: Workspace, server: AccountServer) -> None:
    target(space, http=server.url)
    forget_seeds(space)
    answer = pushed(space)
    assert answer["ok"] is True
    assert set(server.stored) == {result["public_key"] for result in answer["results"]}
    run(space, "plan", "--to", "main", "--detailed-exitcode", code=0)
    again = pushed(space, "--server", server.url)
    assert {result["unchanged"] for result in again["results"]} == {True}


def test_an_account_server_deletes_nothing_and_the_tombstone_does(
    space: Workspace, server: AccountServer
) -> None:
    target(space, http=server.url)
    pushed(space)
    key = space.key("accounts/lab")
    before = server.stored[key]
    del space.accounts["lab"]
    space.save()
    run(space, "generate")
    answer = pushed(space, "--prune", "--force")
    assert answer["ok"] is True
    assert "deletes nothing over http" in answer["pruned"]["waits_for"]
    assert server.stored[key] != before
    assert pushed(space)["ok"] is True


def test_an_operator_that_the_account_server_does_not_know_is_refused(space: Workspace) -> None:
    stranger = KeyPair(KeyRole.OPERATOR, b"s" * 32)
    claims = Claims(kind=TokenKind.OPERATOR, subject=stranger.public, name="other", nats={})
    with account_server(sign(claims, stranger, 1_800_000_000)) as server:
        target(space, http=server.url)
        assert "do not trust" in run(space, "push", "--yes", code=1).err
        assert server.stored == {}


def test_a_private_ca_is_believed_where_the_target_names_it(space: Workspace) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate(space.root))
    with account_server(space.project.operator_jwt.read_text().strip(), tls=tls) as server:
        target(space, http=server.url)
        assert "self-signed certificate" in run(space, "push", "--yes", code=1).err
        target(space, http=server.url, tls={"ca_file": "cert.pem"})
        assert pushed(space)["ok"] is True


def test_two_account_servers_are_not_one_target(space: Workspace) -> None:
    ran = run(space, "push", "--yes", "--server", "http://a", "--server", "http://b", code=1)
    assert "give --server once" in ran.err


# --- a config ---


def test_a_memory_resolver_gets_its_accounts_by_its_config(space: Workspace) -> None:
    (port,) = free_ports(1)
    (space.root / "etc").mkdir()
    pid, log = (space.root / "etc" / name for name in ("nats.pid", "nats.log"))
    space.spec["server"] = {
        "listen": f"127.0.0.1:{port}",
        "resolver": {"type": "memory"},
        "log": {"file": str(log)},
    }
    target(space, config="etc/nats-server.conf", pid_file="etc/nats.pid")
    run(space, "generate")
    config = space.root / "etc" / "nats-server.conf"
    shutil.copy(space.project.server_conf, config)
    with subprocess.Popen([find_server(), "-c", config, "-P", pid], start_new_session=True) as process:
        try:
            wait_for(lambda: "Server is ready" in (log.read_text() if log.exists() else ""))
            run(space, "plan", "--to", "main", "--detailed-exitcode", code=0)
            space.accounts["late"] = {"users": {"one": {"publish": ["a"]}}}
            space.save()
            run(space, "generate")
            answer = pushed(space)
            assert [change["account"] for change in answer["changes"]] == ["late"]
            assert space.key("accounts/late") in config.read_text()
            assert pushed(space)["changes"] == []
            assert gets_in(port, space, "late")
        finally:
            process.terminate()
    del space.accounts["late"]
    space.save()
    run(space, "generate")
    assert "no such process" in run(space, "push", "--yes", "--prune", code=1).err


def gets_in(port: int, space: Workspace, account: str) -> bool:
    creds = parse_creds(space.project.creds(account, "one").read_text())
    assert creds.jwt is not None
    assert creds.seed is not None
    try:
        connect_tcp("127.0.0.1", port, jwt=creds.jwt, key=KeyPair.from_seed(creds.seed), timeout=5).close()
    except Refused:
        return False
    return True


def wait_for(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not done():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.02)


# --- logins that are stored ---


@pytest.fixture
def running(space: Workspace) -> Iterator[str]:
    """A server on the generated config; yield its URL."""
    (port,) = free_ports(1)
    space.spec["server"] = {"listen": f"127.0.0.1:{port}"}
    space.save()
    run(space, "generate")
    log = space.root / "server.log"
    with NatsServer(find_server(), space.project.server_conf, log=log, cwd=space.root):
        yield f"nats://127.0.0.1:{port}"


def sys_creds(space: Workspace, file: Path) -> None:
    """Write creds of a user of the role `pusher`, as somebody keeps them."""
    key = KeyPair(KeyRole.USER, b"u" * 32)
    signer = pair_of(space, "accounts/SYS/roles/pusher")
    nats = {"issuer_account": space.key("accounts/SYS")}
    jwt = sign(Claims(kind=TokenKind.USER, subject=key.public, name="ci", nats=nats), signer, 1_700_000_000)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(format_creds(jwt, key))


def test_creds_replace_the_minted_login(space: Workspace, running: str) -> None:
    sys_creds(space, space.root / "secrets" / "push.creds")
    forget_seeds(space)
    target(space, nats=[running], servers=1)
    assert "seed of accounts/SYS/roles/pusher" in run(space, "push", "--yes", code=1).err
    target(space, nats=[running], servers=1, creds="secrets/push.creds")
    assert pushed(space)["ok"] is True
    run(space, "plan", "--to", "main", "--detailed-exitcode", code=0)


def test_a_context_of_the_nats_cli_replaces_the_minted_login(
    space: Workspace, running: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = space.root / "config"
    sys_creds(space, space.root / "push.creds")
    forget_seeds(space)
    target(space, nats=[running], servers=1, context="acme")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    assert 'there is no context "acme"' in run(space, "push", "--yes", code=1).err
    file = home / "nats" / "context" / "acme.json"
    file.parent.mkdir(parents=True)
    context = {"url": "nats://elsewhere", "creds": str(space.root / "push.creds"), "ca": "", "user": ""}
    file.write_text(json.dumps(context))
    assert pushed(space)["ok"] is True
    for words, said in (
        ({"user": "me", "password": "geheim"}, "`user` is no login"),
        ({"creds": "$HOME/a.creds"}, "not a plain path"),
        ({"creds": "op://vault/item"}, "not a plain path"),
        ({"creds": str(space.root / "no.creds")}, "it is not there"),
    ):
        file.write_text(json.dumps(words))
        ran = run(space, "push", "--yes", code=1)
        assert said in ran.err
        assert "geheim" not in ran.err
    file.write_text("[]")
    assert "is not a context" in run(space, "push", "--yes", code=1).err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing", "holds no creds"),
        (
            "-----BEGIN NATS USER JWT-----\nno.jwt.x\n------END NATS USER JWT------\n\n"
            "-----BEGIN USER NKEY SEED-----\nSUNOSEED\n------END USER NKEY SEED------\n",
            "that can be used",
        ),
    ],
)
def test_creds_that_are_none_are_told(space: Workspace, text: str, said: str) -> None:
    (space.root / "a.creds").write_text(text)
    target(space, nats=["nats://127.0.0.1:1"], creds="a.creds")
    ran = run(space, "push", "--yes", code=1)
    assert said in ran.err
    assert "SUNOSEED" not in ran.err


def test_creds_of_another_key_are_refused(space: Workspace) -> None:
    sys_creds(space, space.root / "a.creds")
    other = KeyPair(KeyRole.USER, b"o" * 32)
    text = (space.root / "a.creds").read_text()
    mine = KeyPair(KeyRole.USER, b"u" * 32).reveal_seed()
    (space.root / "a.creds").write_text(text.replace(mine, other.reveal_seed()))
    target(space, nats=["nats://127.0.0.1:1"], creds="a.creds")
    assert "do not belong together" in run(space, "push", "--yes", code=1).err


@pytest.mark.parametrize(
    ("sub", "inbox"),
    [
        ({"allow": ["_INBOX.>"]}, "_INBOX"),
        ({"allow": ["a.>", "_INBOX.ci.>"]}, "_INBOX.ci"),
        ({"allow": ["_INBOX.ci.>", "_INBOX.>"]}, "_INBOX"),
        ({"allow": ["_INBOX.ci"]}, "_INBOX"),
        ({}, "_INBOX"),
    ],
)
def test_replies_go_where_the_user_may_receive_them(space: Workspace, sub: object, inbox: str) -> None:
    key = KeyPair(KeyRole.USER, b"u" * 32)
    claims = Claims(kind=TokenKind.USER, subject=key.public, name="ci", nats={"sub": sub})
    token = read_unverified(sign(claims, KeyPair(KeyRole.ACCOUNT, b"a" * 32), 1_700_000_000))
    backend = open_spec(str(space.file)).backend
    assert inbox_of(token, backend, space.lock().keyring()) == inbox


def test_running_servers_with_a_private_ca_are_believed_where_the_target_names_it(space: Workspace) -> None:
    (port,) = free_ports(1)
    certificate(space.root)
    tls = {"cert_file": str(space.root / "cert.pem"), "key_file": str(space.root / "key.pem")}
    space.spec["server"] = {"listen": f"127.0.0.1:{port}", "tls": tls}
    space.save()
    run(space, "generate")
    log = space.root / "server.log"
    with NatsServer(find_server(), space.project.server_conf, log=log, cwd=space.root):
        words: dict[str, object] = {"nats": [f"tls://127.0.0.1:{port}"], "servers": 1}
        target(space, **words)
        assert "self-signed certificate" in run(space, "push", "--yes", code=1).err
        target(space, **words, tls={"ca_file": "cert.pem"})
        assert pushed(space)["ok"] is True
        target(space, **words, tls={"ca_file": "no.pem"})
        assert "cannot be read as certificates" in run(space, "push", "--yes", code=1).err
