"""`push`: every account JWT to a target, verified by reading it back.

What is pushed is what `generate` last recorded: if the spec has moved on since, that is said and nothing is sent.
The pushing user is minted for minutes from the system account's role `pusher` and never written anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from natsbackend.errors import ProjectError
from natsbackend.model.entities import Backend, Target
from natsbackend.model.system import PUSHER
from natsbackend.project import Project
from natsbackend.resolvers.interface import AccountPush, OnProgress, PushResult, Resolver
from natsbackend.workflow.opening import Opened, open_spec
from natsbackend.workflow.signing import RoleSigner
from natsbackend.workflow.targets import open_target
from natsbackend.workflow.tree import Tree, plan_tree, read_lock


def recorded_tree(spec: Path, project: Project, *, now: int) -> Tree:
    """Return the tree of what `generate` recorded, signing again what is not in `build/`.

    Raises:
        ProjectError: the spec has changed since; nothing may be pushed that the lock does not record.
    """
    return recorded(open_spec(os.fspath(spec)), project, now=now)


def recorded(opened: Opened, project: Project, *, now: int) -> Tree:
    """Return the same of a spec that is open already."""
    tree = plan_tree(opened, project, now=now, frozen=True, users=False)
    if tree.lock != read_lock(project):
        changed = ", ".join(tree.signed[:5]) + (", …" if len(tree.signed) > 5 else "")
        raise ProjectError(
            f"the spec has changed since the last `generate`{f': {changed}' if changed else ''}",
            hint="run `natsbackend generate`, look at the change, then push",
        )
    return tree


def choose_target(backend: Backend, name: str | None, urls: Sequence[str], *, what: str = "push") -> Target:
    """Return where to push, or to do something else (`what`): the URLs given, the target named, or the only one.

    Raises:
        ProjectError: that is not clear.
    """
    if urls:
        return _of_command_line(tuple(urls))
    known = ", ".join(backend.targets) or "none"
    if name is not None:
        if name not in backend.targets:
            raise ProjectError(f'there is no target "{name}"', hint=f"the targets: {known}")
        return backend.targets[name]
    if len(backend.targets) != 1:
        choose = (
            f"choose one with --to NAME ({known}), or give"
            if backend.targets
            else "name one in `targets`, or give"
        )
        hint = f"{choose} --server URL"
        raise ProjectError(f"it is not clear where to {what}", hint=hint)
    return next(iter(backend.targets.values()))


def _of_command_line(urls: tuple[str, ...]) -> Target:
    name = "the command line"
    if not any(url.startswith(("http://", "https://")) for url in urls):
        return Target(name=name, urls=urls)
    if len(urls) > 1:
        raise ProjectError(
            "an account server is one URL, and no way into a cluster", hint="give --server once"
        )
    return Target(name=name, http=urls[0], servers=1)


def pushes(tree: Tree) -> tuple[AccountPush, ...]:
    """Return every account of a tree with its JWT."""
    keyring = tree.lock.keyring()
    return tuple(
        AccountPush(account=keyring[account.path], jwt=tree.tokens[account.path], name=account.name)
        for account in tree.backend.accounts.values()
    )


def push(
    tree: Tree, target: Target, *, now: int, timeout: float = 5.0, on_progress: OnProgress | None = None
) -> tuple[PushResult, ...]:
    """Push every account of a tree to a target; each result says what came of it.

    Raises:
        KeyStoreError: the seed of the role `pusher` is not here.
        ResolverUnavailable, ResolverRejected: nothing more could be sent; see `resolvers.interface`.
    """
    with pushing(tree, target, now=now, timeout=timeout) as resolver:
        return resolver.push(pushes(tree), expected=target.servers, on_progress=on_progress)


@contextmanager
def pushing(tree: Tree, target: Target, *, now: int, timeout: float = 5.0) -> Iterator[Resolver]:
    """Open a target; to running servers, by default, as a user of the role `pusher` that lives for five minutes."""
    signer = RoleSigner(tree.backend, tree.lock.keyring(), tree.store)
    with open_target(signer, target, roles=(PUSHER,), now=now, timeout=timeout) as resolver:
        yield resolver
