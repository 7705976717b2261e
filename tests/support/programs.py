"""Programs that tests run besides nats-server."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str) -> str:
    """Return the path of a program; without it the test is skipped, and in CI it fails."""
    path = shutil.which(name)
    if path is None:
        reason = f"there is no {name} on this machine"
        if os.environ.get("CI", "").lower() in ("true", "1"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path
