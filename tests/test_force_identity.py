"""A lock in which a key took another's place without a trace stops `generate`, and what it signs for."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli import natsbackend_here
from support.plans import pair
from support.workspaces import NOW, Workspace, base_spec

from natsbackend.errors import LockError
from natsbackend.keys import KeyRole

OTHER = pair(KeyRole.ACCOUNT, 99).public


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    made = Workspace(root=tmp_path, spec=base_spec())
    made.accounts["shop"]["exports"][0]["private"] = ["lab"]  # an activation is for an identity, and has none
    made.generate()
    return made


def tamper(space: Workspace, path: str, public: str) -> str:
    """Put another key into the place of that of a path; return the one that was there."""
    before = space.lock().keyring()[path]
    text = space.project.lock.read_text(encoding="utf-8")
    assert f"{path} key active {before}" in text
    space.project.lock.write_text(text.replace(before, public), encoding="utf-8")
    return before


def test_a_key_that_the_lock_never_had_is_refused_and_nothing_is_written(space: Workspace) -> None:
    before = tamper(space, "accounts/lab", OTHER)
    tree = space.tree()
    with pytest.raises(LockError) as refused:
        space.generate(now=NOW + 1)
    assert (
        f"gives accounts/lab another identity than the one that it was issued for: {before} became {OTHER}"
        in str(refused.value)
    )
    assert "--force-identity" in str(refused.value.hint)
    assert space.tree() == tree


def test_it_is_made_where_it_is_meant(space: Workspace) -> None:
    tamper(space, "accounts/lab", OTHER)
    ran = natsbackend_here("generate", cwd=space.root, code=1)
    assert "--force-identity" in ran.err
    natsbackend_here("generate", "--force-identity", cwd=space.root)
    assert space.account("lab").subject == OTHER
    natsbackend_here("generate", cwd=space.root)


def test_a_key_that_the_lock_has_retired_is_explained(space: Workspace) -> None:
    before = space.lock().keyring()["accounts/lab"]
    text = space.project.lock.read_text(encoding="utf-8")
    retired = f"accounts/lab key retired {before}\naccounts/lab key active {OTHER}"
    changed = text.replace(f"accounts/lab key active {before}", retired)
    space.project.lock.write_text(changed, encoding="utf-8")
    space.generate(now=NOW + 1)
    assert space.account("lab").subject == OTHER
