"""`push` and `plan` to every kind of target, through the command line."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.accountserver import AccountServer, account_server
from support.cli import Ran, natsbackend_here
from support.contract import certificate
from support.resolvers import free_ports
from support.workspaces import Workspace

from natsbackend.claims.codec import Claims, TokenKind, read_unverified, sign
from natsbackend.claims.creds import format_creds
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.live.server import NatsServer, find_server

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
