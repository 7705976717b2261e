"""The plan of a push: what a tree and a target come to, and whether a plan that was reviewed is still the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from natsbackend.claims.build import build, imports_in_order
from natsbackend.claims.codec import TokenKind
from natsbackend.errors import PlanError, ProjectError
from natsbackend.lock import render_lock
from natsbackend.plan.document import from_json
from natsbackend.plan.values import AccountChange, Desired, Plan, Snapshot, Wanted
from natsbackend.workflow.planning import assemble
from natsbackend.workflow.pruning import owned
from natsbackend.workflow.tree import Tree, read_lock

_SHOWN = 5


def desired(tree: Tree, spared: frozenset[str]) -> Desired:
    """Return what a tree wants; `spared` are accounts that are never removed."""
    backend, lock = tree.backend, tree.lock
    operator, *rest = build(backend, lock.keyring(), tree.tokens, lock.revoked)
    accounts = {each.path: each for each in rest if each.claims.kind is TokenKind.ACCOUNT}
    return Desired(
        operator=operator,
        accounts=tuple(
            Wanted(
                name=account.name,
                unsigned=accounts[account.path],
                digest=lock.issued[account.path].digest,
                at=account.at,
                imports_at=tuple(each.at for each in imports_in_order(account)),
            )
            for account in backend.accounts.values()
        ),
        system_account=lock.keyring()[backend.system_account.path],
        names={public: path for path, keys in lock.keys.items() for public in keys},
        outside={each.public_key: f"accounts/{name}" for name, each in backend.outside.items()},
        owned=frozenset(public for _, public in owned(lock, spared)),
    )


def make_plan(tree: Tree, spec: Path, held: Snapshot, spared: frozenset[str], *, prune: bool) -> Plan:
    """Return the plan of pushing a tree to a target."""
    lock = render_lock(read_lock(tree.project))
    keyring = tree.lock.keyring()
    paths = [account.path for account in tree.backend.accounts.values()]
    issued = {keyring[path]: tree.lock.issued[path].issued_at for path in paths}
    return assemble(desired(tree, spared), held, spec, lock, prune=prune, issued=issued)


def read_plan(file: Path) -> Plan:
    """Read a plan that was written down.

    Raises:
        PlanError: it is none.
        ProjectError: the file cannot be read.
    """
    try:
        return from_json(json.loads(file.read_bytes()))
    except (ValueError, RecursionError) as e:
        raise PlanError(
            f"{file} is no plan: not JSON", hint="write one with `natsbackend plan --out FILE`"
        ) from e
    except OSError as e:
        raise ProjectError(f"cannot read {file}: {e.strerror}") from e


def refuse_another(reviewed: Plan, now: Plan) -> None:
    """Refuse a plan that is not what would be done now.

    Raises:
        PlanError: it says what differs.
    """
    differing = list(dict.fromkeys(_differences(reviewed, now)))
    if differing:
        more = f", and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        raise PlanError(
            f"the plan is not what would be pushed now: {', '.join(differing[:_SHOWN])}{more}",
            hint="nothing was sent; make the plan again, and have it reviewed",
        )


def _differences(reviewed: Plan, now: Plan) -> Iterator[str]:
    before, after = reviewed.digests, now.digests
    if before is None or after is None or not reviewed.is_live:
        yield "it was not made against a target"
        return
    if before.spec != after.spec:
        yield "the spec has changed"
    if before.lock != after.lock:
        yield "the lock has changed"
    for name in sorted({*before.accounts, *after.accounts}):
        if before.accounts.get(name) != after.accounts.get(name):
            yield f'account "{name}" would be another'
    old, new = ({_what(each) for each in plan.accounts} for plan in (reviewed, now))
    for change in sorted(old ^ new):
        yield f'the target holds another account "{change[0]}"'
    if before.snapshot != after.snapshot:
        yield "the target holds other accounts"


def _what(change: AccountChange) -> tuple[str, str, str, str]:
    return change.name, change.public_key, change.action.value, change.held
