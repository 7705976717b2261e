"""The story of a push: look at the target, plan, and, once somebody said yes, record, push, verify, and prune.

What is signed here is in the lock before it is sent, and nothing is sent if the target is not what the plan was made
from. What a run leaves undone, for a server that is down or a ^C, the next one finishes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from natsbackend.claims.codec import Token, read_unverified
from natsbackend.errors import ClaimsError, KeyStoreError, ProjectError, ResolverError, ResolverRejected
from natsbackend.files import Batch
from natsbackend.lock import Issued, Lock, render_lock
from natsbackend.model.entities import OPERATOR_PATH, Target
from natsbackend.plan.values import Action, Plan, Snapshot
from natsbackend.project import Project
from natsbackend.resolvers.interface import (
    CannotRemove,
    Effect,
    OnProgress,
    PushInterrupted,
    PushRejected,
    PushResult,
    RemoveResult,
    Resolver,
    ServerInfo,
)
from natsbackend.resolvers.trust import operator_issuers
from natsbackend.workflow.found import Found, FoundRevocation, look_closer
from natsbackend.workflow.opening import Opened
from natsbackend.workflow.pruning import (
    Grave,
    Gravedigger,
    Pruning,
    begun,
    find_graves,
    finished,
    spared,
)
from natsbackend.workflow.push import pushes, pushing, recorded
from natsbackend.workflow.push_plan import make_plan
from natsbackend.workflow.tree import Known, Tree, plan_tree, read_lock

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for."""

    spec: Path
    opened: Opened
    project: Project
    target: Target
    now: int
    timeout: float = 5.0
    force: bool = False
    """A JWT there that is newer than the lock's is replaced."""
    prune: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A push that waits for a yes."""

    request: Request
    tree: Tree
    base: Lock
    """The lock on disk."""
    plan: Plan
    held: Mapping[str, str | None] = field(repr=False)
    """What the target held, by public key."""
    found: Found
    pruning: Pruning

    @property
    def records(self) -> bool:
        """Whether the lock has to be written first."""
        return self.tree.lock != self.base

    @property
    def is_done(self) -> bool:
        """Whether nothing is to be sent; what is there is looked at all the same."""
        accounts = [each for each in self.plan.accounts if not each.is_pruned]
        return not (accounts or self.records or self.pruning.graves)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a push."""

    results: tuple[PushResult, ...]
    """Of the accounts of the spec."""
    tombstones: tuple[PushResult, ...] = ()
    """Of those that the spec dropped."""
    removed: RemoveResult | None = None
    """Of their deletion; None if there was nothing to delete, or it has to wait."""
    waits_for: str = ""
    """Why the deletion has to wait."""
    must_delete: bool = False
    """Whether this run was asked to delete; else it only tried to finish what an earlier one began."""
    error: ResolverError | None = None
    """What ended the push before its end."""
    interrupted: bool = False
    arrived: tuple[str, ...] = ()
    """After ^C: names of the accounts that the target holds as they should be."""
    not_arrived: tuple[str, ...] = ()
    """After ^C: the others; both are empty if the target did not answer."""

    @property
    def ok(self) -> bool:
        """Whether all that was to be done is done."""
        pushed = all(result.ok for result in (*self.results, *self.tombstones))
        is_whole = self.error is None and not self.interrupted
        is_deleted = self.removed is None or self.removed.ok
        return pushed and is_whole and (is_deleted or not self.must_delete)


def prepare(request: Request) -> Prepared:
    """Look at the target and work out what is to be done; nothing is written or sent.

    Raises:
        ProjectError: the spec has moved on since `generate`.
        KeyStoreError: a seed is missing, of the pusher, or one that has to sign what was found.
        ResolverRejected: the target holds what is newer than the lock.
        ResolverUnavailable: nobody answered.
    """
    opened = request.opened
    tree = recorded(opened, request.project, now=request.now)
    base = tree.lock
    with pushing(tree, request.target, now=request.now, timeout=request.timeout) as resolver:
        servers = resolver.servers()
        held = resolver.lookup(_ids(base))
        # Who is new may be there under another key: then somebody lost a lock, or changed it.
        is_new = any(held[push.account] is None for push in pushes(tree))
        others = resolver.fetch() if is_new else {}
    snapshot = _snapshot(request.target, servers, {**others, **held})
    kept = spared(tree.backend, tree.lock, snapshot)
    trusted = trusted_by(servers) or operator_issuers([tree.tokens[OPERATOR_PATH]])
    found = look_closer(tree, snapshot.accounts, trusted, force=request.force)
    _refuse_newer(found.newer)
    lock = found.known.lock
    pruning = find_graves(lock, snapshot.accounts, kept, now=request.now, prune=request.prune)
    known = Known(lock=begun(lock, pruning), tokens=found.known.tokens)
    tree = _issued(opened, request, tree, known, found.revocations)

    def planned() -> Plan:
        return make_plan(tree, request.spec, snapshot, kept, prune=request.prune)

    plan = planned()
    renewed = _renewed(tree, plan)
    if renewed is not None:
        tree = _issued(opened, request, tree, Known(lock=renewed, tokens=known.tokens), ())
        plan = planned()
    return Prepared(request=request, tree=tree, base=base, plan=plan, held=held, found=found, pruning=pruning)


def trusted_by(servers: tuple[ServerInfo, ...]) -> frozenset[str]:
    """Return who may sign accounts there; nobody if that is not known, as of a directory."""
    return frozenset[str]().union(*(server.operator_issuers for server in servers))


def _ids(lock: Lock) -> tuple[str, ...]:
    """Return the keys of all accounts, those that the spec has dropped too."""
    accounts = (keys for path, keys in lock.keys.items() if path.count("/") == 1 and path[:9] == "accounts/")
    return tuple(dict.fromkeys(public for keys in accounts for public in keys))


def _snapshot(target: Target, servers: tuple[ServerInfo, ...], held: Mapping[str, str | None]) -> Snapshot:
    accounts: dict[str, Token] = {}
    unreadable: list[str] = []
    for public, text in held.items():
        if text is None:
            continue
        try:
            accounts[public] = read_unverified(text)
        except ClaimsError:
            unreadable.append(public)
    operators = dict.fromkeys(jwt for server in servers for jwt in server.operator_jwts)
    return Snapshot(
        source=f'target "{target.name}"',
        accounts=accounts,
        operators=tuple(read_unverified(jwt) for jwt in operators),
        is_live=True,
        unreadable=tuple(unreadable),
    )


def _refuse_newer(names: tuple[str, ...]) -> None:
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        shown = ", ".join(f'"{name}"' for name in names[:_SHOWN])
        raise ResolverRejected(
            f"the resolver holds a JWT that is as new or newer for account {shown}{more}; nothing was sent",
            hint="it was issued from another lock than the one here: bring that natsbackend.lock here (git pull), then "
            "generate and push; --force replaces what somebody pushed by hand",
        )


def _issued(
    opened: Opened, request: Request, tree: Tree, known: Known, found: tuple[FoundRevocation, ...]
) -> Tree:
    """Issue what the target knows better, and nothing else."""
    if known.lock == tree.lock and not known.tokens:
        return tree
    try:
        return plan_tree(opened, request.project, now=request.now, frozen=True, users=False, known=known)
    except KeyStoreError as e:
        if not found:
            raise
        what = "; ".join(f'"{each.account}" revokes {each.key} until {each.until}' for each in found)
        raise KeyStoreError(
            f"the servers revoke what neither spec nor lock knows, and it must not be lost: {what}; {e.message}",
            hint="push where the seed is: the revocations are recorded in the lock, and carried from then on",
        ) from e


def _renewed(tree: Tree, plan: Plan) -> Lock | None:
    """Return a lock that has accounts issued anew which must be pushed though none of their words changed."""
    issued = dict(tree.lock.issued)
    for change in plan.accounts:
        if change.action is Action.RENEWED:
            path = tree.backend.accounts[change.name].path
            if issued[path].issued_at <= change.held_iat:
                issued[path] = Issued(change.held_iat, Action.RENEWED.value)
    return None if issued == tree.lock.issued else replace(tree.lock, issued=issued)


def apply(prepared: Prepared, *, on_progress: OnProgress | None = None) -> Outcome:
    """Do what was planned.

    Raises:
        ResolverRejected: the target has changed since; or nothing that may be sent.
        ResolverUnavailable: nobody answered; nothing was sent.
        KeyStoreError: a seed that has to sign the end of accounts is not here.
    """
    request, graves = prepared.request, prepared.pruning.graves
    digger = Gravedigger(prepared.tree) if graves else None
    ends = digger.tombstones(graves) if digger else ()
    accounts = (*pushes(prepared.tree), *ends)
    expected = request.target.servers
    try:
        with pushing(prepared.tree, request.target, now=request.now, timeout=request.timeout) as resolver:
            _refuse_changed(prepared, resolver)
            if prepared.records:
                _record(prepared.tree, prepared.base)
            try:
                results = resolver.push(accounts, expected=expected, probe=True, on_progress=on_progress)
                results = _revived(prepared, resolver, results)
            except (PushInterrupted, PushRejected) as error:
                return _outcome(error.results, ends=len(ends), error=error)
            if digger is None:
                return _outcome(results, ends=0)
            return _buried(prepared, resolver, digger, results)
    except KeyboardInterrupt:
        return _interrupted(prepared)


def _revived(
    prepared: Prepared, resolver: Resolver, results: tuple[PushResult, ...]
) -> tuple[PushResult, ...]:
    """Issue accounts anew that somebody has deleted by hand: to the bytes that it had a server says yes, and no more.

    What is deleted stays "expired" until something else than before is pushed (nats-server 2.15 `accounts.go`).
    """
    tree, request = prepared.tree, prepared.request
    paths = {account.name: account.path for account in tree.backend.accounts.values()}
    issued = dict(tree.lock.issued)
    for result in results:
        path = paths.get(result.name)
        if path is not None and Effect.EXPIRED in result.effective.values():
            token = read_unverified(tree.tokens[path])
            if token.subject == result.account and not 0 < token.expires <= request.now:
                issued[path] = Issued(token.issued_at, Effect.EXPIRED.value)
    if issued == tree.lock.issued:
        return results
    known = Known(lock=replace(tree.lock, issued=issued), tokens=prepared.found.known.tokens)
    anew = _issued(request.opened, request, tree, known, ())
    _record(anew, tree.lock)
    again = [push for push in pushes(anew) if push.jwt not in tree.tokens.values()]
    done = {
        result.account: result for result in resolver.push(again, expected=request.target.servers, probe=True)
    }
    return tuple(done.get(result.account, result) for result in results)


def _outcome(results: tuple[PushResult, ...], *, ends: int, error: ResolverError | None = None) -> Outcome:
    first = len(results) - ends
    return Outcome(results=results[:first], tombstones=results[first:], error=error)


def _refuse_changed(prepared: Prepared, resolver: Resolver) -> None:
    if resolver.lookup(tuple(prepared.held)) != prepared.held:
        raise ResolverRejected(
            "the target has changed since the plan was made; nothing was sent", hint="run push again"
        )


def _record(tree: Tree, base: Lock) -> None:
    """Write the lock, and the JWTs that it now records where `build/` is."""
    with tree.project.mutex():
        if read_lock(tree.project) != base:
            raise ProjectError(
                "the lock has changed since the plan was made; nothing was sent", hint="run push again"
            )
        tree.record()


def _buried(
    prepared: Prepared, resolver: Resolver, digger: Gravedigger, results: tuple[PushResult, ...]
) -> Outcome:
    """Delete the accounts whose tombstones every server has; the others wait for a later run."""
    graves, expected = prepared.pruning.graves, prepared.request.target.servers
    done = results[len(results) - len(graves) :]
    waits_for = ""
    removed = None
    if expected is None:
        waits_for = (
            "how many servers there should be is not known: write `servers` at the target, or give --servers"
        )
    elif not all(result.ok for result in done):
        waits_for = "not every server has their tombstones"
    else:
        ids = [grave.public for grave in graves]
        permits = digger.permits(graves, now=prepared.request.now)
        try:
            removed = resolver.remove(ids, permits, expected=expected)
        except CannotRemove as error:
            waits_for = error.message
        except ResolverError as error:
            return _outcome(results, ends=len(graves), error=error)
        if removed is not None and removed.ok:
            _finish(prepared.tree.project, graves)
    pushed = _outcome(results, ends=len(graves))
    must = prepared.request.prune
    return replace(pushed, removed=removed, waits_for=waits_for, must_delete=must)


def _finish(project: Project, graves: tuple[Grave, ...]) -> None:
    with project.mutex():
        lock = Batch()
        lock.add(project.lock, render_lock(finished(read_lock(project), graves)))
        lock.write()


def _interrupted(prepared: Prepared) -> Outcome:
    """Ask the target, over a connection of its own, what of the push has arrived."""
    request = prepared.request
    wanted = {each.account: each for each in pushes(prepared.tree)}
    try:
        with pushing(
            prepared.tree, request.target, now=request.now, timeout=min(request.timeout, 2.0)
        ) as resolver:
            held = resolver.lookup(tuple(wanted))
    except (ResolverError, KeyboardInterrupt):
        return Outcome(results=(), interrupted=True)
    return Outcome(
        results=(),
        interrupted=True,
        arrived=tuple(each.name for key, each in wanted.items() if held[key] == each.jwt),
        not_arrived=tuple(each.name for key, each in wanted.items() if held[key] != each.jwt),
    )
