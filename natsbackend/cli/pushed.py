"""How `push` says what it is about to do, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from natsbackend.cli import output
from natsbackend.wording import counted

if TYPE_CHECKING:
    from natsbackend.errors import Diagnostic
    from natsbackend.resolvers.interface import PushResult, RemoveResult
    from natsbackend.workflow.push_run import Outcome, Prepared

_KEY_LENGTH = 56
_SHOWN = 20


def show(prepared: Prepared) -> None:
    """Show what a push would do, to stderr."""
    from natsbackend.plan.text import render_text

    output.say(render_text(prepared.plan, colour=output.styled).rstrip("\n"))
    for found in prepared.found.revocations:
        who = "everybody" if found.key == "*" else found.key
        output.say(
            f'! account "{found.account}" has {who} revoked there; that is kept, and recorded in the lock'
        )
    for name in prepared.found.foreign:
        output.say(f'! account "{name}" was replaced there by a JWT that nobody trusted has signed')
    for grave in prepared.pruning.graves:
        if not grave.is_begun:
            cut = ", ".join(grave.users[:_SHOWN]) or "nobody"
            more = f" and {len(grave.users) - _SHOWN} more" if len(grave.users) > _SHOWN else ""
            output.say(f'- account "{grave.name}" ends; cut off: {cut}{more}')
    if prepared.pruning.waiting:
        names = ", ".join(f'"{name}"' for name in prepared.pruning.waiting[:_SHOWN])
        output.say(f"· dropped by the spec and still live: {names}; --prune ends them")


def tell(prepared: Prepared, outcome: Outcome, *, quiet: bool, verbose: bool) -> None:
    """Say what came of a push, to stdout."""
    from natsbackend.workflow.push_findings import unverified

    if outcome.interrupted:
        _tell_interrupted(outcome)
        return
    unseen = unverified(outcome.results)
    for result in (*outcome.results, *outcome.tombstones):
        for problem in result.problems():
            output.answer(f"{output.bad('✗')} {result.name}: {problem}")
        if verbose and result.ok:
            state = "unchanged" if result.is_unchanged else "pushed"
            servers = ", ".join(short(server) for server in result.stored)
            output.answer(f"{output.good('✓')} {result.name}: {state}, on {servers}")
            if result.name in unseen:
                where = ", ".join(short(server) for server in unseen[result.name])
                why = "nobody has used it there yet" if result.effective else "no running server was asked"
                output.answer(f"  not verified on {where}: {why}")
    _tell_deletion(prepared, outcome, quiet=quiet)
    if not quiet:
        output.answer(_summary(outcome, len(unseen)))


def _summary(outcome: Outcome, unseen: int) -> str:
    failed = sum(not r.ok for r in outcome.results)
    pushed = sum(r.ok and not r.is_unchanged for r in outcome.results)
    unchanged = sum(r.ok and r.is_unchanged for r in outcome.results)
    line = f"{counted(pushed, 'account')} pushed and read back, {unchanged} unchanged, {failed} failed"
    return f"{line}, {unseen} not verified on every server" if unseen else line


def _tell_interrupted(outcome: Outcome) -> None:
    if not (outcome.arrived or outcome.not_arrived):
        output.answer(
            "interrupted; the servers do not say what has arrived; pushing again sends what is missing"
        )
        return
    total = len(outcome.arrived) + len(outcome.not_arrived)
    output.answer(
        f"interrupted: {len(outcome.arrived)} of {counted(total, 'account')} are there as they should be"
    )
    if outcome.not_arrived:
        names = ", ".join(outcome.not_arrived[:_SHOWN])
        more = f" and {len(outcome.not_arrived) - _SHOWN} more" if len(outcome.not_arrived) > _SHOWN else ""
        output.answer(f"missing: {names}{more}; pushing again sends them")


def _tell_deletion(prepared: Prepared, outcome: Outcome, *, quiet: bool) -> None:
    graves, removed = prepared.pruning.graves, outcome.removed
    if not graves:
        return
    names = ", ".join(f'"{grave.name}"' for grave in graves[:_SHOWN])
    if removed is not None and removed.ok:
        if not quiet:
            output.answer(f"{output.good('✓')} deleted on every server: {names}")
        return
    why = [outcome.waits_for] if outcome.waits_for else []
    if removed is not None:
        why += [f'server "{server}": {words}' for server, words in removed.refused.items()]
        why += [f'server "{server}" did not confirm it' for server in removed.missing]
        if removed.unheard:
            why.append(f"{removed.unheard} of the expected servers did not answer")
    if not all(result.ok for result in outcome.tombstones):
        output.answer(f"{output.bad('✗')} not every server has ended {names} yet; a later push finishes it")
        return
    sign = output.bad("✗") if removed is not None and outcome.must_delete else "·"
    output.answer(f"{sign} nobody gets into {names} any more, and it is not deleted yet: {'; '.join(why)}")


def short(server: str) -> str:
    """A server without a name of its own is called by its key, whose beginning tells it from others."""
    return server[:8] if len(server) == _KEY_LENGTH and server.startswith("N") else server


def to_json(prepared: Prepared, outcome: Outcome, findings: tuple[Diagnostic, ...]) -> dict[str, Any]:
    """Return the answer of `push --format json`."""
    from natsbackend.workflow.push_findings import unverified

    unseen = unverified(outcome.results)
    return {
        "format": 1,
        "target": prepared.request.target.name,
        "ok": outcome.ok,
        "changes": [
            {"account": change.name, "action": change.action.value}
            for change in prepared.plan.accounts
            if prepared.request.prune or not change.is_pruned
        ],
        "results": [_result_json(result, unseen.get(result.name, ())) for result in outcome.results],
        "kept_revocations": [
            {"account": found.account, "key": found.key, "until": found.until}
            for found in prepared.found.revocations
        ],
        "foreign": list(prepared.found.foreign),
        "findings": [
            {"id": found.code, "message": found.message, "at": str(found.at) if found.at else None}
            for found in findings
        ],
        "pruned": {
            "accounts": [
                {"account": grave.name, "public_key": grave.public, "cut_off": list(grave.users)}
                for grave in prepared.pruning.graves
            ],
            "tombstones": [_result_json(result, ()) for result in outcome.tombstones],
            "deleted": outcome.removed is not None and outcome.removed.ok,
            "waits_for": outcome.waits_for,
            "deletion": _removed_json(outcome.removed) if outcome.removed is not None else None,
        },
        "dropped_accounts": list(prepared.pruning.waiting),
        "interrupted": outcome.interrupted,
        "arrived": list(outcome.arrived),
        "not_arrived": list(outcome.not_arrived),
        "error": outcome.error.message if outcome.error is not None else None,
    }


def _removed_json(removed: RemoveResult) -> dict[str, Any]:
    return {
        "removed": list(removed.removed),
        "refused": dict(removed.refused),
        "missing": list(removed.missing),
        "unheard": removed.unheard,
    }


def _result_json(result: PushResult, unseen: tuple[str, ...]) -> dict[str, Any]:
    return {
        "account": result.name,
        "public_key": result.account,
        "ok": result.ok,
        "unchanged": result.is_unchanged,
        "stored": list(result.stored),
        "refused": dict(result.refused),
        "missing": list(result.missing),
        "unheard": result.unheard,
        "read_back": result.read_back_ok,
        "effect": {server: state.value for server, state in result.effective.items()},
        "not_verified": list(unseen),
        "problems": list(result.problems()),
    }
