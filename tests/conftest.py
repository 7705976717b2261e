"""Fixtures for all tests: projects on a temporary disk, brought up to date in this process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.workspaces import Workspace, base_spec

from natsbackend.errors import LiveServerError
from natsbackend.live.server import find_server


def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse to pass in CI without a nats-server: what is not tested must not look tested."""
    if os.environ.get("CI", "").lower() in ("true", "1"):
        try:
            find_server()
        except LiveServerError as e:
            pytest.exit(f"CI needs a nats-server: {e.message}", returncode=1)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A project whose spec is saved and nothing else: no lock, no key."""
    space = Workspace(root=tmp_path / "project", spec=base_spec())
    space.root.mkdir()
    space.save()
    return space


@pytest.fixture(scope="session")
def _generated(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    space = Workspace(root=tmp_path_factory.mktemp("generated") / "project", spec=base_spec())
    space.root.mkdir()
    space.generate()
    return space


@pytest.fixture
def generated(_generated: Workspace, tmp_path: Path) -> Workspace:
    """A project of one's own that `generate` has made up to date at `NOW`."""
    root = tmp_path / "project"
    shutil.copytree(_generated.root, root)
    return Workspace(root=root, spec=base_spec())


@pytest.fixture
def clone(tmp_path: Path) -> Callable[[Workspace], Workspace]:
    """A function that makes a fresh clone: what is in Git, and the key store brought along."""

    def copy(space: Workspace) -> Workspace:
        root = tmp_path / "clone"
        root.mkdir()
        other = Workspace(root=root, spec=space.spec, env=space.env)
        shutil.copy(space.file, other.file)
        shutil.copy(space.project.lock, other.project.lock)
        shutil.copytree(space.project.keys, other.project.keys)
        return other

    return copy
