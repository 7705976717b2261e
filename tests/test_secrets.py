"""No secret leaves its file: not into what is printed, not into what goes to Git, not into an argument."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli import Ran, natsbackend_here, staying_up
from support.workspaces import Workspace

from natsbackend.claims.codec import decode
from natsbackend.claims.envelope import TokenKind
from natsbackend.errors import ClaimsError
from natsbackend.live.server import NatsServer, find_server

_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
_SEED = re.compile(r"\bS[OAUNCX][A-Z2-7]{20,}")


def user_tokens(text: str) -> list[str]:
    """Return every token in a text that somebody could log in with, and whatever only looks like one."""
    found = []
    for token in _TOKEN.findall(text):
        try:
            kind = decode(token).kind
        except ClaimsError:
            kind = TokenKind.USER
        if kind is TokenKind.USER:
            found.append(token)
    return found


def is_secret_file(path: Path) -> bool:
    """Tell whether a file is where secrets belong."""
    return path.suffix in (".nk", ".creds")


def leaks(space: Workspace, runs: list[Ran]) -> Iterator[str]:
    """Yield where a seed or a user's token is that should not be."""
    seeds = space.seeds()
    assert seeds
    said = {f"stderr of run {n}": ran.err for n, ran in enumerate(runs)}
    said |= {f"stdout of run {n}": ran.out for n, ran in enumerate(runs)}
    said |= {
        str(path.relative_to(space.root)): path.read_text(encoding="utf-8", errors="replace")
        for path in space.root.rglob("*")
        if path.is_file() and not is_secret_file(path)
    }
    for where, text in said.items():
        if any(seed in text or seed[4:30] in text for seed in seeds) or _SEED.search(text):
            yield f"{where} holds a seed"
        if user_tokens(text):
            yield f"{where} holds a user's token"


@pytest.fixture
def server(generated: Workspace) -> Iterator[NatsServer]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    generated.spec["server"]["listen"] = f"127.0.0.1:{port}"
    generated.spec["server"]["websocket"]["listen"] = "127.0.0.1:0"
    generated.spec["targets"] = {"main": {"nats": [f"nats://127.0.0.1:{port}"]}}
    generated.generate()
    config, log = generated.project.server_conf, generated.root / "server.log"
    with NatsServer(find_server(), config, log=log, cwd=generated.root) as running:
        yield running


def test_nothing_that_any_command_prints_or_writes_holds_a_secret(
    generated: Workspace, server: NatsServer
) -> None:
    def run(*arguments: str, code: int | None = 0) -> Ran:
        return natsbackend_here(*arguments, cwd=generated.root, code=code)

    token = ("token", "mint", "shop/visitor", "--name")
    runs = [
        run("check"),
        run("check", "--format", "json"),
        run("generate", "-v"),
        run("generate", "--check", "--format", "json"),
        run("push", "--yes", "-v"),
        run("push", "--yes", "--format", "json"),
        run("push", code=2),
        run("push", "--yes", "--server", "nats://127.0.0.1:1", code=1),
        run(*token, "*", code=1),
        run(*token, "alice", "--ttl", "1h", code=1),
        run(*token, "alice", "--format", "creds", code=1),
        run(*token, "a" * 4000, "--format", "set-cookie", code=1),
        run(*token, "alice", "-o", "alice.creds"),
        run(*token, "alice", "-o", "alice.creds", code=1),
        run("token", "mint", "shop/worker", "--name", "w", "-o", "w.creds"),
        run("up", "--once", code=None),
        run("up", "--once", "--format", "json", code=None),
        run("generate", "--env", "prod", "-v", "--format", "json"),
        run("schema"),
        run("migrate"),
    ]
    generated.project.account_jwt("shop").write_text("damaged")
    runs.append(run("generate", "-v"))
    assert list(leaks(generated, runs)) == []


_SIGNING = (
    ("generate",),
    ("push", "--yes", "--server", "nats://127.0.0.1:1"),
    ("token", "mint", "shop/visitor", "--name", "a"),
    ("token", "mint", "shop/worker", "--name", "a"),
)


def test_nothing_that_a_failing_command_prints_holds_a_secret(generated: Workspace) -> None:
    """Seeds that are damaged in every way, and a spec that changes so that each must sign."""
    secrets = generated.seeds()
    files = {path: path.read_text() for path in generated.project.keys.rglob("*.nk")}
    generated.accounts["shop"]["roles"]["visitor"]["subscribe"].append("more.>")
    generated.accounts["shop"]["users"]["clerk"]["publish"].append("more")
    generated.accounts["lab"]["users"]["robot"]["subscribe"].append("more")
    generated.spec["operator"]["require_signing_keys"] = False
    generated.save()
    runs = []
    values = list(files.values())
    for damage in (
        lambda n, seed: seed[:40],
        lambda n, seed: seed[:-1] + ("A" if seed[-1] != "A" else "B"),
        lambda n, seed: values[(n + 1) % len(values)],
        lambda n, seed: f"{seed} {seed}",
    ):
        for n, (path, seed) in enumerate(files.items()):
            path.write_text(damage(n, seed))
        runs += [natsbackend_here(*command, cwd=generated.root, code=1) for command in _SIGNING]
    for path, seed in files.items():
        path.write_text(seed)
        path.chmod(0o644)
    runs.append(natsbackend_here("generate", cwd=generated.root, code=1))
    text = "".join(ran.out + ran.err for ran in runs)
    assert len(runs) == 17
    for seed in secrets:
        assert seed not in text
        assert seed[4:24] not in text
    assert user_tokens(text) == []


def test_a_seed_or_token_that_somebody_typed_into_the_wrong_place_is_not_repeated(
    generated: Workspace,
) -> None:
    seed = generated.seed_file("operator").read_text()
    jwt = natsbackend_here("token", "mint", "shop/visitor", "--name", "a", cwd=generated.root).out.strip()
    lock = generated.project.lock
    content = lock.read_text()
    said = []
    for secret in (seed, jwt):
        lock.write_text(f"{content}operator key active {secret}\n")
        said.append(natsbackend_here("generate", cwd=generated.root, code=1))
    lock.write_text(content)
    text = "".join(ran.out + ran.err for ran in said)
    assert seed not in text
    assert jwt not in text


def test_the_server_that_up_starts_is_given_no_secret_as_an_argument_or_in_its_environment(
    generated: Workspace,
) -> None:
    with staying_up(generated.file, cwd=generated.root) as up:
        pid = up.server_pid()
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
        environment = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
        own = Path(f"/proc/{up.process.pid}/cmdline").read_bytes().decode()
    assert [argument.startswith(b"-") for argument in arguments[1:]] == [True, False]
    assert b"-V" not in arguments
    for text in (b" ".join(arguments).decode(), environment, own):
        assert not _SEED.search(text)
        assert "eyJ" not in text
        assert not any(seed in text for seed in generated.seeds())


def test_the_log_of_the_server_holds_no_token_of_a_user_that_was_refused_or_let_in(
    generated: Workspace,
) -> None:
    natsbackend_here("up", "--once", cwd=generated.root)
    log = (generated.project.up / "server.log").read_text(encoding="utf-8", errors="replace")
    assert "nats-server" in log
    assert "eyJ" not in log
    assert not _SEED.search(log)


def test_a_bug_on_the_way_shows_no_local_value(generated: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash in the very function that holds the seed."""
    from natsbackend import tokens

    def broken(*arguments: object, **options: object) -> str:
        raise RuntimeError(f"with {arguments} {options} {generated.seeds()}")

    monkeypatch.setattr(tokens, "sign", broken)
    from typer.testing import CliRunner

    from natsbackend.cli.app import app

    arguments = ["token", "mint", "shop/visitor", "--name", "a", "-f", str(generated.file)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 70
    assert "a bug: RuntimeError" in result.stderr
    assert not _SEED.search(result.output)
