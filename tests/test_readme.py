"""The two lines of the README, run as they are written, where nothing is installed and nothing was generated."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
_LINES = re.findall(r"^```sh\n(.+)\n```$", README, re.MULTILINE)
_SHOWN = re.search(r"^```text\n(✓.*?)^```$", README, re.MULTILINE | re.DOTALL)
_STEPS = re.search(r"^```console\n(\$ natsbackend init .*?)^```$", README, re.MULTILINE | re.DOTALL)
_SPEC = re.search(r"^```yaml\n(version: 1\n.*?)^```$", README, re.MULTILINE | re.DOTALL)
_UNREACHABLE = "connection broken by"
"""How pip says that it cannot reach an index; a package that is nowhere to be had is another thing."""
_IN_CI = os.environ.get("CI", "").lower() in ("true", "1")


def run_line(line: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of shell as somebody who has this Python, and neither a nats-server nor an active environment."""
    path = [str(Path(sys.base_prefix) / "bin"), *os.environ.get("PATH", "").split(os.pathsep)]
    env = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")}
    env["PATH"] = os.pathsep.join(p for p in path if not (Path(p) / "nats-server").exists())
    return subprocess.run(
        ["bash", "-c", line],
        cwd=directory,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a fresh clone would hold: every file of the working tree that Git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0 and not _IN_CI:
        pytest.skip("not a Git work tree, so what a clone would hold is not known")
    listed.check_returncode()
    directory = tmp_path_factory.mktemp("readme") / "clone"
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        if (ROOT / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, directory / name)
    return directory


@pytest.fixture(scope="module")
def first_line(clone: Path) -> subprocess.CompletedProcess[str]:
    """The first line of the README, run in the clone."""
    done = run_line(_LINES[0], clone)
    if done.returncode != 0 and _UNREACHABLE in done.stderr and not _IN_CI:
        pytest.skip("pip reaches no package index from here, so the line cannot be tried")
    return done


def test_the_first_line_ends_in_the_proofs_all_green(first_line: subprocess.CompletedProcess[str]) -> None:
    assert first_line.returncode == 0, first_line.stderr
    assert "all proofs passed" in first_line.stdout
    assert "✗" not in first_line.stdout


def test_the_readme_shows_what_the_first_line_says(first_line: subprocess.CompletedProcess[str]) -> None:
    assert _SHOWN is not None
    said = _without_what_varies(first_line.stdout + first_line.stderr)
    shown = [line for line in _without_what_varies(_SHOWN[1]).splitlines() if line]
    assert len(shown) > 15
    assert [line for line in shown if line not in said.splitlines()] == []


def test_a_second_run_in_that_clone_signs_nothing_and_proves_all(
    first_line: subprocess.CompletedProcess[str], clone: Path
) -> None:
    assert first_line.returncode == 0
    again = run_line(f"{_LINES[0].rpartition('&&')[2]} --format json", clone)
    assert again.returncode == 0, again.stderr
    answer = json.loads(again.stdout)
    assert (answer["proven"], answer["jwts_signed"]) == (True, 0)


def test_the_spec_in_the_readme_is_proven_too(
    first_line: subprocess.CompletedProcess[str], clone: Path, tmp_path: Path
) -> None:
    assert _SPEC is not None
    assert first_line.returncode == 0
    # its ports are the well-known ones, which something else may have here
    spec = _SPEC[1].replace("\nserver:\n", "\nserver:\n  listen: 127.0.0.1:0\n", 1)
    (tmp_path / "natsbackend.yaml").write_text(spec, encoding="utf-8")
    done = run_line(f"'{clone}/.venv/bin/natsbackend' up --once", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all proofs passed" in done.stdout


def test_the_steps_to_a_server_run_as_they_are_written(
    first_line: subprocess.CompletedProcess[str], clone: Path, tmp_path: Path
) -> None:
    """All but the two that need the well-known port, which something else may have here."""
    assert _STEPS is not None
    assert first_line.returncode == 0
    steps = [line.removeprefix("$ ") for line in _STEPS[1].splitlines()]
    offline = [s for s in steps if not s.startswith(("nats-server ", "natsbackend push "))]
    assert len(offline) == len(steps) - 2 == 3
    line = "unset CI; " + " && ".join([f"export PATH='{clone}/.venv/bin':$PATH", *offline])
    done = run_line(line, tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"nats_token=[\w.-]+; Path=/; .*HttpOnly; Secure; SameSite=Strict\n", done.stdout)


def test_what_is_installed_is_typed_and_brings_its_templates(
    first_line: subprocess.CompletedProcess[str], clone: Path
) -> None:
    assert first_line.returncode == 0
    (package,) = clone.glob(".venv/lib/python*/site-packages/natsbackend")
    assert (package / "py.typed").is_file()
    assert {path.name for path in (package / "templates").iterdir()} >= {"minimal.yaml", "dashboard.yaml"}


def test_the_second_line_is_the_one_that_ci_runs() -> None:
    assert len(_LINES) == 2
    assert "pytest" in _LINES[1]
    in_ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line.strip() for line in in_ci].count(_LINES[1]) == 1


def test_every_dependency_has_a_pinned_version_for_the_second_line() -> None:
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = set(re.findall(r'^  "([A-Za-z0-9-]+)(?:[>=~\[].*)?",?$', project, re.MULTILINE))
    wanted = {name.lower() for name in named} - {"natsbackend"}
    assert {"typer", "pytest", "mypy"} <= wanted
    assert wanted - pinned == set()


def _without_what_varies(text: str) -> str:
    return re.sub(r"\d+\.\d+\.\d+(?!\.)", "VERSION", re.sub(r"\b\d{4,5}\b", "PORT", text))
