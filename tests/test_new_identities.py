"""What `generate` says before something that may be a typo gets an identity of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli import natsbackend_here

HEAD = "version: 1\noperator: {name: acme}\naccounts: {web: {}%s}\n"


def generated(tmp_path: Path, accounts: str = "", *more: str) -> str:
    """Generate a spec with these accounts beside `web`; return what was said."""
    (tmp_path / "natsbackend.yaml").write_text(HEAD % accounts, encoding="utf-8")
    return natsbackend_here("generate", *more, cwd=tmp_path).err


def test_a_stage_that_has_no_lock_while_others_have_is_said_first(tmp_path: Path) -> None:
    assert "warning" not in generated(tmp_path)
    assert "warning" not in generated(tmp_path, "", "--env", "prod")  # the first one
    assert "warning" not in generated(tmp_path, "", "--env", "prod")
    lines = generated(tmp_path, "", "--env", "prdo").splitlines()
    assert lines[:2] == [
        'warning: the stage "prdo" has no lock yet; its identities are new',
        "hint: did you mean --env prod?",
    ]
    assert "the stages with a lock: prdo, prod" in generated(tmp_path, "", "--env", "xyz")


@pytest.mark.parametrize("thing", ["shop: {was: stroe}", "shop: {}, new: {users: {one: {was: nobody}}}"])
def test_a_former_name_that_the_lock_does_not_know_is_said(tmp_path: Path, thing: str) -> None:
    generated(tmp_path)
    said = generated(tmp_path, f", {thing}")
    assert "natsbackend.yaml:3:" in said
    assert "warning[was-unknown]" in said
    assert "was-unknown" not in generated(tmp_path, f", {thing}")  # it has its keys now


def test_a_former_name_that_the_lock_knows_or_knew_is_not_said(tmp_path: Path) -> None:
    generated(tmp_path, ", store: {}")
    assert "was-unknown" not in generated(tmp_path, ", shop: {was: store}")
    assert "was-unknown" not in generated(tmp_path, ", shop: {was: store}, another: {}")


def test_where_everything_is_new_no_former_name_is_said(tmp_path: Path) -> None:
    assert "was-unknown" not in generated(tmp_path, ", shop: {was: store}")
