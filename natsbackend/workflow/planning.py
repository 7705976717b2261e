"""`plan`: what a spec would change, against `build/`, or against a live target with no seed but an observer's.

A plan says what `generate` and `push` would come to. It reads one server in bulk; whether the others hold the same is
what `status` tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from natsbackend.claims.codec import Token, read_unverified
from natsbackend.errors import ClaimsError
from natsbackend.keystore.directory import DirectoryKeyStore
from natsbackend.keystore.interface import KeyStore
from natsbackend.lock import render_lock
from natsbackend.model.entities import Backend, Target
from natsbackend.model.system import OBSERVER, PUSHER
from natsbackend.plan.diff import diff, operator_diff, strangers
from natsbackend.plan.digests import digest, snapshot_digest
from natsbackend.plan.guards import find_guards
from natsbackend.plan.problems import find_problems
from natsbackend.plan.values import (
    Action,
    Consequence,
    Desired,
    Digests,
    IdentityChange,
    Impact,
    Plan,
    SeedNeed,
    Snapshot,
    UserChange,
)
from natsbackend.project import Project
from natsbackend.resolvers.interface import Resolver
from natsbackend.workflow.opening import Opened, read_file
from natsbackend.workflow.pruning import spared
from natsbackend.workflow.reckoning import Reckoned, reckon
from natsbackend.workflow.server_plan import with_server
from natsbackend.workflow.signing import RoleSigner
from natsbackend.workflow.targets import open_target
from natsbackend.workflow.tree import read_text

PUSH = "push"
"""The purpose of the seed that logs in to push."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for."""

    spec: Path
    opened: Opened
    project: Project
    target: Target | None
    """None: `build/`."""
    now: int
    timeout: float = 5.0
    prune: bool = False
    not_renamed: bool = False


def make_plan(request: Request) -> Plan:
    """Work out what would change.

    Raises:
        LockError, SpecError: the names or keys of the spec and the lock do not fit.
        KeyStoreError: a live target can only be read with the seed of the observer, or of the pusher.
        ResolverUnavailable, ResolverRejected: the target cannot be read.
    """
    reckoned = reckon(request.opened, request.project, now=request.now, not_renamed=request.not_renamed)
    store = DirectoryKeyStore(request.project.keys)
    target = request.target
    if target is None:
        held = snapshot_of_build(request.project)
    else:
        signer = RoleSigner(reckoned.backend, reckoned.base.keyring(), store)
        with observing(signer, target, now=request.now, timeout=request.timeout) as resolver:
            held = snapshot_of_target(resolver, target)
    desired = reckoned.desired(spared(reckoned.backend, reckoned.lock, held))
    plan = assemble(desired, held, request.spec, render_lock(reckoned.base), prune=request.prune)
    plan = with_server(plan, reckoned, request.project)
    return replace(
        plan,
        users=tuple(_users(reckoned)),
        keys_to_make=tuple(reckoned.new_keys),
        seeds=tuple(_seeds(reckoned, store, pushes=target is not None)),
    )


def assemble(
    desired: Desired,
    held: Snapshot,
    spec: Path,
    lock: str,
    *,
    prune: bool,
    issued: Mapping[str, int] | None = None,
) -> Plan:
    """Put a plan together.

    Args:
        desired: what the spec wants.
        held: what the target holds; accounts that this spec never had make no difference.
        spec: the file of the spec.
        lock: the lock on disk.
        prune: accounts that only `--prune` removes count for the guards.
        issued: `iat` of the JWTs that are here to be pushed, by the account's public key.
    """
    ours = frozenset(desired.names)
    known = replace(held, accounts={key: token for key, token in held.accounts.items() if key in ours})
    accounts = diff(desired, known)
    operator, consequences = operator_diff(desired, known)
    identities = tuple(_identities(desired, held))
    removed = sum(each.action is Action.REMOVED for each in accounts)
    return Plan(
        source=held.source,
        is_live=held.is_live,
        accounts=accounts,
        unchanged=len(desired.accounts) - (len(accounts) - removed),
        operator=operator,
        operator_consequences=consequences,
        identities=identities,
        guards=find_guards(accounts, desired, known, prune=prune),
        problems=find_problems(desired, known, accounts, issued=issued),
        digests=Digests(
            spec=spec_digest(spec),
            lock=digest(lock),
            snapshot=snapshot_digest(known),
            accounts={each.name: each.digest for each in desired.accounts},
        ),
    )


def observing(
    signer: RoleSigner, target: Target, *, now: int, timeout: float
) -> AbstractContextManager[Resolver]:
    """Log in to a target to read it, with the role `observer` or, where its seed is not here, the pusher's."""
    return open_target(signer, target, roles=(OBSERVER, PUSHER), now=now, timeout=timeout)


def snapshot_of_build(project: Project) -> Snapshot:
    """Return what `build/` holds."""
    operator = read_text(project.operator_jwt)
    files = sorted(project.accounts_dir.glob("*.jwt"))
    texts = {file.name: read_text(file) or "" for file in files}
    accounts, unreadable = readable_tokens(texts)
    operators, _ = readable_tokens({} if operator is None else {"operator": operator})
    return Snapshot(
        source=f"{project.build.name}/",
        accounts={token.subject: token for token in accounts.values()},
        operators=tuple(operators.values()),
        unreadable=unreadable,
    )


def name_of(target: Target) -> str:
    """Return how a plan calls a target."""
    return f'target "{target.name}"'


def spec_digest(spec: Path) -> str:
    """Return the digest of a spec as a plan has it."""
    return digest(read_file(str(spec)).decode("utf-8", "replace"))


def snapshot_of_target(resolver: Resolver, target: Target) -> Snapshot:
    """Return what one server of a target holds, and whom all of them trust."""
    servers = resolver.servers()
    accounts, unreadable = readable_tokens(resolver.fetch())
    operators = dict.fromkeys(jwt for server in servers for jwt in server.operator_jwts)
    return Snapshot(
        source=name_of(target),
        accounts=accounts,
        operators=tuple(read_unverified(jwt) for jwt in operators),
        is_live=True,
        unreadable=unreadable,
    )


def readable_tokens(texts: Mapping[str, str]) -> tuple[dict[str, Token], tuple[str, ...]]:
    """Return what can be read of tokens, by their key here, and the keys of the others."""
    tokens, unreadable = dict[str, Token](), list[str]()
    for key, text in texts.items():
        try:
            tokens[key] = read_unverified(text)
        except ClaimsError:
            unreadable.append(key)
    return tokens, tuple(unreadable)


def _identities(desired: Desired, held: Snapshot) -> Iterator[IdentityChange]:
    """Accounts that the target knows by a key that the lock never had: somebody lost a lock, or made them anew."""
    strange: dict[str, str] = {}
    for token in strangers(desired, held):
        if token.subject not in desired.names:
            strange.setdefault(token.name, token.subject)
    for wanted in desired.accounts:
        key = wanted.unsigned.claims.subject
        if wanted.name in strange and (wanted.is_new or key not in held.accounts):
            after = "a new key" if wanted.is_new else key
            yield IdentityChange(path=f"accounts/{wanted.name}", before=strange[wanted.name], after=after)


def _users(reckoned: Reckoned) -> Iterator[UserChange]:
    for path in reckoned.users:
        known = reckoned.lock.issued.get(path)
        if path in reckoned.new_keys:
            yield UserChange(path=path, action=Action.ADDED)
        elif known is not None and known.digest != reckoned.digests.get(path):
            text = "its creds are made anew; the old ones are good until they expire or are revoked"
            yield UserChange(path=path, action=Action.CHANGED, consequences=(_note(text),))
    for path in reckoned.retired:
        if path.count("/") == 3 and path.split("/")[2] == "users":
            consequence = Consequence(
                impact=Impact.DISCONNECTS, text="it is revoked: disconnected and refused"
            )
            yield UserChange(path=path, action=Action.REMOVED, consequences=(consequence,))


def _note(text: str) -> Consequence:
    return Consequence(impact=Impact.NOTE, text=text)


def _seeds(reckoned: Reckoned, store: KeyStore, *, pushes: bool) -> Iterator[SeedNeed]:
    """Every seed that signing and pushing need; a key that `generate` makes has its seed where that runs."""
    keyring, needs = reckoned.lock.keyring(), dict[str, tuple[str, ...]](reckoned.to_sign)
    if pushes:
        for path in pusher_paths(reckoned.backend):
            needs[path] = (*needs.get(path, ()), PUSH)
    for path, purposes in needs.items():
        if path not in reckoned.new_keys:
            public = keyring[path]
            yield SeedNeed(path=path, public_key=public, is_here=store.has(path, public), purposes=purposes)


def pusher_paths(backend: Backend) -> tuple[str, ...]:
    """Return the path of the role that pushes, if the system account has it."""
    pusher = backend.system_account.roles.get(PUSHER)
    return () if pusher is None else (pusher.path,)
