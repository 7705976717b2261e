"""Where everything is, one stage apart from the other, and one writer at a time."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.cli import natsbackend
from support.workspaces import NOW, Workspace, base_spec

from natsbackend.errors import ProjectError
from natsbackend.project import Project

HOLD = """
import sys
from pathlib import Path
from natsbackend.project import Project
with Project(Path(sys.argv[1]), sys.argv[2] or None).mutex():
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another(root: Path, env: str = "") -> Iterator[subprocess.Popen[str]]:
    """Let another process hold the project."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root), env],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def paths(project: Project) -> set[Path]:
    return {
        project.lock,
        project.build,
        project.server_conf,
        project.operator_jwt,
        project.account_jwt("web"),
        project.keys,
        project.creds_dir,
        project.creds("web", "kiosk"),
        project.stamp,
    }


def is_within(path: Path, root: Path) -> bool:
    return Path(os.path.normpath(path)).is_relative_to(root)


def test_every_stage_has_paths_of_its_own(tmp_path: Path) -> None:
    stages = [paths(Project(tmp_path, env)) for env in (None, "prod", "prod.eu", "keys", "env", "up")]
    for number, one in enumerate(stages):
        assert all(is_within(path, tmp_path) for path in one)
        for other in stages[number + 1 :]:
            assert not one & other


def test_no_stage_lies_within_a_directory_of_another(tmp_path: Path) -> None:
    stages = [Project(tmp_path, env) for env in (None, "prod", "keys", "creds")]
    for one in stages:
        for other in stages:
            if one is not other:
                assert not one.keys.is_relative_to(other.keys)
                assert not one.creds_dir.is_relative_to(other.creds_dir)
                assert not one.build.is_relative_to(other.build)


@pytest.mark.parametrize(
    "env",
    [
        "",
        " ",
        ".",
        "..",
        "../prod",
        "a/b",
        "a\\b",
        "/etc",
        "..\\x",
        ".hidden",
        "a b",
        "a%2Fb",
        "%2e%2e",
        "prod\n",
        "prod\0",
        "pröd",
        "\udcff",
        "~",
        "$HOME",
        "*",
    ],
)
def test_an_environment_name_that_could_leave_its_folder_is_refused(tmp_path: Path, env: str) -> None:
    with pytest.raises(ProjectError) as caught:
        Project(tmp_path, env)
    assert "environment" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("env", ["prod", "prod.eu-1", "PROD_2", "1"])
def test_a_plain_environment_name_is_taken(tmp_path: Path, env: str) -> None:
    assert Project(tmp_path, env).build == tmp_path / f"build.{env}"


@pytest.mark.parametrize(
    "name", ["../../x", "..", ".", "a/b", "a\\b", "/etc/passwd", "%2F", "~root", "ü", "a\0b", "x" * 60, " "]
)
def test_names_of_accounts_and_users_stay_inside_their_folder(tmp_path: Path, name: str) -> None:
    project = Project(tmp_path)
    assert project.account_jwt(name).parent == tmp_path / "build/accounts"
    creds = project.creds(name, name)
    assert creds.parent.parent == project.creds_dir
    assert is_within(creds, project.creds_dir)
    assert is_within(project.account_jwt(name), tmp_path / "build")


def test_what_is_private_is_made_private_and_kept_out_of_git(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Project(tmp_path, "prod").make_private()
    finally:
        os.umask(before)
    for path in [tmp_path / ".natsbackend", *(tmp_path / ".natsbackend").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert (tmp_path / ".natsbackend/.gitignore").read_text() == "*\n"


def test_git_sees_nothing_of_what_is_private(tmp_path: Path) -> None:
    space = Workspace(root=tmp_path, spec=base_spec())
    space.generate()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    seen = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    assert "natsbackend.lock" in seen
    assert ".natsbackend" not in seen.replace("natsbackend.lock", "")


def test_a_gitignore_that_somebody_wrote_is_kept(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.make_private()
    (project.private / ".gitignore").write_text("*\n!notes\n")
    project.make_private()
    assert (project.private / ".gitignore").read_text() == "*\n!notes\n"


def test_a_link_in_the_place_of_the_private_directory_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / ".natsbackend").symlink_to(elsewhere)
    with pytest.raises(ProjectError, match="symbolic link"), Project(tmp_path).mutex():
        pass
    assert not list(elsewhere.iterdir())


def test_a_file_in_the_place_of_the_private_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / ".natsbackend").write_text("a file")
    with pytest.raises(ProjectError, match=r"\.natsbackend"):
        Project(tmp_path).make_private()


@pytest.mark.parametrize("env", [None, "prod"])
def test_a_file_in_the_place_of_the_root_is_named(tmp_path: Path, env: str | None) -> None:
    (tmp_path / "root").write_text("a file")
    with pytest.raises(ProjectError, match="root"):
        Project(tmp_path / "root", env).make_private()


def test_a_second_writer_is_told_who_holds_the_project(tmp_path: Path) -> None:
    with held_by_another(tmp_path) as other:
        with pytest.raises(ProjectError, match=rf"\(process {other.pid}\)") as caught:
            Project(tmp_path).mutex().__enter__()
        assert caught.value.hint


def test_a_writer_of_another_stage_waits_too_since_they_share_the_directory(tmp_path: Path) -> None:
    with held_by_another(tmp_path, "prod"), pytest.raises(ProjectError), Project(tmp_path).mutex():
        pass


def test_a_second_generate_in_another_process_is_refused_and_writes_nothing(workspace: Workspace) -> None:
    with held_by_another(workspace.root) as other:
        ran = natsbackend("generate", "-f", workspace.file, cwd=workspace.root, code=1)
    assert f"process {other.pid}" in ran.err
    assert not workspace.project.lock.exists()
    assert not workspace.project.keys.exists()


def test_the_mutex_is_free_again_after_the_block_and_after_an_error(tmp_path: Path) -> None:
    project = Project(tmp_path)
    with pytest.raises(KeyError), project.mutex():
        raise KeyError
    with project.mutex():
        pass
    with project.mutex():
        pass


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_mutex_is_free_again_when_its_holder_was_killed(tmp_path: Path, number: signal.Signals) -> None:
    with held_by_another(tmp_path) as other:
        other.send_signal(number)
        other.wait()
        with Project(tmp_path).mutex():
            pass


def test_what_the_last_holder_left_in_the_mutex_does_not_confuse(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.make_private()
    (project.private / "mutex").write_text("99999999999\nold")
    with project.mutex():
        assert (project.private / "mutex").read_text() == f"{os.getpid()}\n"


def test_a_link_in_the_place_of_the_mutex_is_refused_and_not_followed(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.make_private()
    victim = tmp_path / "victim"
    victim.write_text("keep me")
    (project.private / "mutex").symlink_to(victim)
    with pytest.raises(ProjectError, match="mutex"), project.mutex():
        pass
    assert victim.read_text() == "keep me"


def test_a_directory_in_the_place_of_the_mutex_is_an_error_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / ".natsbackend/mutex").mkdir(parents=True)
    with pytest.raises(ProjectError, match="mutex"), Project(tmp_path).mutex():
        pass


def test_stages_of_one_project_have_keys_of_their_own(workspace: Workspace) -> None:
    stage = Workspace(root=workspace.root, spec=workspace.spec, env="prod")
    workspace.generate()
    before = workspace.tree()
    stage.generate(now=NOW + 1)
    assert {n: c for n, c in stage.tree().items() if n in before} == before
    assert set(stage.lock().keyring().public) == set(workspace.lock().keyring().public)
    assert not set(stage.lock().keyring().public.values()) & set(workspace.lock().keyring().public.values())
