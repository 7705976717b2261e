"""`generate`: missing keys, changed JWTs, server config and creds; offline, and idempotent.

Durable in three phases, each synced before the next: the seeds; then the lock, which records whose they are; then
what was signed with them. A crash between two leaves the old state or one that the next run completes: seeds that
no lock names were never anybody's, and whatever the lock records can be signed again to the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from natsbackend.errors import Diagnostic
from natsbackend.project import Project
from natsbackend.workflow import stamp

if TYPE_CHECKING:  # the long way loads them; a run with nothing to do never needs them
    from natsbackend.workflow.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """What a run did."""

    files: int
    """Files that make up the tree."""
    written: tuple[Path, ...] = ()
    """Files written, seeds left out; with `dry`, those that are not up to date."""
    keys_made: tuple[str, ...] = ()
    signed: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    without_creds: tuple[str, ...] = ()
    """Users whose creds were not written because their seed is not here."""
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything was, or has to be, made or written."""
        return bool(self.written or self.keys_made or self.signed)


def generate(
    spec: Path,
    project: Project,
    *,
    now: int,
    frozen: bool = False,
    dry: bool = False,
    not_renamed: bool = False,
    force_identity: bool = False,
    entropy: Callable[[int], bytes] = os.urandom,
) -> Generated:
    """Bring the tree up to date with the spec.

    Args:
        spec: the file to read.
        project: where everything is.
        now: unix seconds, for what is issued now.
        frozen: make no keys; a missing one is an error that names it.
        dry: write nothing; say what is not up to date.
        not_renamed: a name that vanished while another appeared is another thing.
        force_identity: the lock may give what was issued before a key that it never had.
        entropy: where new keys come from.

    Raises:
        SpecError, LockError, KeyStoreError, ProjectError: nothing was written, or what was is whole.
    """
    files = stamp.is_current(spec, project)
    if files is not None:
        return Generated(files=files)
    from natsbackend.claims.imported import outside_tokens
    from natsbackend.workflow.collecting import collection_paused
    from natsbackend.workflow.opening import open_spec
    from natsbackend.workflow.tree import plan_tree

    def plan() -> Tree:
        return plan_tree(
            opened,
            project,
            now=now,
            frozen=frozen,
            not_renamed=not_renamed,
            entropy=entropy,
            force_identity=force_identity,
        )

    with collection_paused():
        opened = open_spec(os.fspath(spec))
        if dry:
            tree = plan()
            return _report(tree, tree.stale())
        with project.mutex():
            tree = plan()
            written = tree.write()
            lasting = not any(outside_tokens(tree.backend))  # such a token ends, and its file may change
            if lasting and not tree.warnings and not tree.without_creds and not tree.has_secrets:
                stamp.write(spec, project, tree.paths(), [project.accounts_dir], gist=opened.gist)
    return _report(tree, written)


def _report(tree: Tree, written: tuple[Path, ...]) -> Generated:
    return Generated(
        files=len(tree.files) + 1,  # the lock
        written=written,
        keys_made=tuple(path for path, _ in tree.new_keys),
        signed=tree.signed,
        retired=tree.retired,
        without_creds=tree.without_creds,
        warnings=tree.warnings,
    )
