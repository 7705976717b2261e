"""Secrets from files: quoted for the server whatever they are, private on disk, and never in `build/`."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from support.resolvers import free_ports
from support.servers import NOW
from support.workspaces import Spec, Workspace

from natsbackend.errors import LiveServerError, SpecError
from natsbackend.live.server import NatsServer, find_server
from natsbackend.render.conf import ConfError, Include, write_conf

HOST = "127.0.0.1"
KEY = "secrets/js key.txt"


def workspace(root: Path, **encryption: object) -> Workspace:
    (port,) = free_ports(1)
    spec: Spec = {
        "version": 1,
        "operator": {"name": "acme"},
        "accounts": {"web": {"jetstream": {"disk": "1MiB"}}},
        "server": {
            "listen": f"{HOST}:{port}",
            "jetstream": {"store_dir": "js", "encryption": {"key": {"file": KEY}, **encryption}},
        },
    }
    return Workspace(root=root, spec=spec)


def put(root: Path, secret: str | bytes, name: str = KEY) -> Path:
    path = root / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(secret if isinstance(secret, bytes) else secret.encode())
    return path


def run(space: Workspace, cwd: Path | None = None) -> NatsServer:
    log = space.root / "server.log"
    return NatsServer(find_server(), space.project.server_conf, log=log, cwd=cwd or space.root)


@pytest.mark.parametrize(
    "secret", ["123", "a,b", "a b", '"', "\\", "$HOME", "'", "}\nport: 1\n{", "# x", "plain", " ", "ünd"]
)
def test_whatever_a_secret_is_the_server_starts_with_it(secret: str, tmp_path: Path) -> None:
    """The same text in a variable stops the server, or is read as something else; see test_server_section.py."""
    space = workspace(tmp_path)
    put(tmp_path, secret + "\n")
    space.generate(now=NOW)
    with run(space) as server:
        assert server.warnings() == ()
    assert "Encryption:      ChaCha20-Poly1305" in (tmp_path / "server.log").read_text(encoding="utf-8")
    put(tmp_path, secret)  # the line end did not count
    assert space.generate(now=NOW).written == ()
    put(tmp_path, f"{secret}x")
    assert space.generate(now=NOW).written == (tmp_path / ".natsbackend/secrets/jetstream.key.conf",)


def test_the_key_before_is_a_file_of_its_own(tmp_path: Path) -> None:
    space = workspace(tmp_path, previous_key={"file": "old"})
    put(tmp_path, "456")
    put(tmp_path, "123", "old")
    space.generate(now=NOW)
    with run(space) as server:
        assert server.warnings() == ()
    old = tmp_path / ".natsbackend/secrets/jetstream.prev_key.conf"
    assert old.read_text(encoding="utf-8").endswith('prev_key: "123"\n')


def test_a_secret_is_private_and_not_in_build(tmp_path: Path) -> None:
    space = workspace(tmp_path)
    put(tmp_path, "correct horse")
    space.generate(now=NOW)
    written = tmp_path / ".natsbackend" / "secrets" / "jetstream.key.conf"
    assert written.read_text(encoding="utf-8").endswith('key: "correct horse"\n')
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert stat.S_IMODE(written.parent.stat().st_mode) == 0o700
    built = b"".join(content for name, content in space.tree().items() if name.startswith("build"))
    assert b"correct horse" not in built
    assert b'  include "../.natsbackend/secrets/jetstream.key.conf"\n' in built
    assert b"correct horse" not in space.project.lock.read_bytes()


@pytest.mark.parametrize("env", [None, "prod"])
def test_the_config_finds_its_secret_from_wherever_the_server_starts(tmp_path: Path, env: str | None) -> None:
    space = Workspace(root=tmp_path / "project", spec=workspace(tmp_path).spec, env=env)
    space.root.mkdir()
    put(space.root, "123")
    space.generate(now=NOW)
    with run(space, cwd=tmp_path) as server:
        assert server.warnings() == ()
    moved = space.root.rename(tmp_path / "elsewhere")
    with run(Workspace(root=moved, spec=space.spec, env=env), cwd=moved / space.project.build.name) as server:
        assert server.warnings() == ()


def test_a_secret_that_is_not_here_is_said_and_the_server_refuses_to_run_without(tmp_path: Path) -> None:
    space = workspace(tmp_path)
    for _ in range(2):  # it is said each time
        (warned,) = space.generate(now=NOW).warnings
        assert (warned.code, warned.message) == (
            "secret-missing",
            f"there is no {KEY} here: the config includes .natsbackend/secrets/jetstream.key.conf",
        )
    with pytest.raises(LiveServerError, match=r"error parsing include file .*jetstream\.key\.conf"):
        run(space).start()
    put(tmp_path, "x")
    assert space.generate(now=NOW).warnings == ()
    assert space.generate(now=NOW, dry=True).written == ()


def test_a_clone_without_the_secret_has_the_same_build(tmp_path: Path) -> None:
    """So that `generate --check` runs where no secret is."""
    space = workspace(tmp_path)
    source = put(tmp_path, "x")
    space.generate(now=NOW)
    source.unlink()
    assert space.generate(now=NOW, dry=True).written == ()


def test_a_secret_that_is_named_no_more_is_taken_away(tmp_path: Path) -> None:
    space = workspace(tmp_path)
    put(tmp_path, "x")
    space.generate(now=NOW)
    space.spec["server"]["jetstream"]["encryption"]["key"] = {"env": "JS_KEY"}
    space.generate(now=NOW)
    assert list(space.project.secrets.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hush\0", "holds a NUL"),
        (b"hush\xff", "holds no text"),
        (b"hush" * 20_000, "has more than 65536 bytes"),
    ],
)
def test_what_can_be_no_secret_is_refused_and_not_repeated(
    tmp_path: Path, content: bytes, message: str
) -> None:
    put(tmp_path, content)
    with pytest.raises(SpecError) as refused:
        workspace(tmp_path).generate(now=NOW)
    (found,) = refused.value.diagnostics
    assert (found.code, found.message) == ("secret-file", f"{KEY} {message}")
    assert found.at is not None
    assert "hush" not in f"{refused.value} {found.hint}"
    assert refused.value.__cause__ is None


def test_a_directory_in_the_place_of_a_secret_is_an_error(tmp_path: Path) -> None:
    (tmp_path / KEY).mkdir(parents=True)
    with pytest.raises(SpecError, match="cannot be read: is a directory"):
        workspace(tmp_path).generate(now=NOW)


@pytest.mark.parametrize("path", ['a"b', "a\nb", "a\0b", "/run/secrets/key.conf"])
def test_an_include_that_cannot_be_written_is_refused(path: str) -> None:
    with pytest.raises(ConfError, match=r'^config key "jetstream\.key": '):
        write_conf({"jetstream": {"key": Include(path)}})


def test_the_server_takes_an_absolute_include_for_a_relative_one(tmp_path: Path) -> None:
    """Why an `Include` must be relative."""
    included = tmp_path / "port.conf"
    included.write_text("x: 1\n", encoding="ascii")
    config = tmp_path / "nats-server.conf"
    config.write_text(f'listen: "{HOST}:-1"\ninclude "{included}"\n', encoding="ascii")
    server = NatsServer(find_server(), config, log=tmp_path / "server.log", cwd=tmp_path)
    with pytest.raises(LiveServerError, match=rf"{tmp_path}{included}"):
        server.start()
