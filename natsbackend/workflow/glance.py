"""See at a glance that a live target is as the spec wants it, without reading the spec.

When nothing has changed since `generate` (see `stamp`), the lock has the digest of the claims of every account of the
spec. If a target holds exactly those, there is nothing to plan. Whatever is not quite so takes the long way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from natsbackend.claims.codec import HEADER_PART, read_unverified
from natsbackend.errors import ClaimsError, SpecError
from natsbackend.keystore.directory import DirectoryKeyStore
from natsbackend.lock import KeyState, Lock
from natsbackend.model.entities import OPERATOR_PATH, Backend
from natsbackend.model.names import unescape
from natsbackend.model.resolve import resolve
from natsbackend.plan.digests import digest, texts_digest
from natsbackend.plan.payloads import quick_digest
from natsbackend.plan.values import Digests, Plan, SeedNeed
from natsbackend.project import Project
from natsbackend.spec.load import parse_spec
from natsbackend.workflow import stamp
from natsbackend.workflow.planning import PUSH, name_of, observing, pusher_paths, spec_digest
from natsbackend.workflow.push import choose_target
from natsbackend.workflow.signing import RoleSigner
from natsbackend.workflow.tree import read_lock, read_text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Live:
    """What a target holds, unread."""

    accounts: Mapping[str, str]
    operators: tuple[str, ...]


def plan_at_a_glance(
    spec: Path, project: Project, *, to: str | None, servers: Sequence[str], now: int, timeout: float
) -> Plan | None:
    """Return the plan that there is nothing to do, or None if that cannot be seen at a glance.

    Raises:
        ProjectError: there is no such target.
        KeyStoreError, ResolverUnavailable, ResolverRejected: the target cannot be read; see `make_plan`.
    """
    backend = reached_by(stamp.read(spec, project), spec)
    if backend is None:
        return None
    lock, store = read_lock(project), DirectoryKeyStore(project.keys)
    target = choose_target(backend, to, servers)
    signer = RoleSigner(backend, lock.keyring(), store)
    with observing(signer, target, now=now, timeout=timeout) as resolver:
        operators = dict.fromkeys(jwt for each in resolver.servers() for jwt in each.operator_jwts)
        live = _Live(
            accounts={key: text.rstrip("\r\n") for key, text in resolver.fetch().items()},
            operators=tuple(operators),
        )
    digests = _unchanged(lock, live)
    if digests is None:
        return None
    return Plan(
        source=name_of(target),
        is_live=True,
        unchanged=len(digests),
        seeds=tuple(
            SeedNeed(path=path, public_key=public, is_here=store.has(path, public), purposes=(PUSH,))
            for path in pusher_paths(backend)
            for public in (lock.keyring()[path],)
        ),
        digests=Digests(
            spec=spec_digest(spec),
            lock=digest(read_text(project.lock) or ""),
            snapshot=_snapshot_digest(lock, live),
            accounts=digests,
        ),
    )


def reached_by(found: stamp.Stamp | None, spec: Path) -> Backend | None:
    """Return the targets of a spec, and the roles to log in with, if nothing has changed since `generate`."""
    if found is None or not found.gist:
        return None
    try:
        resolved = resolve(parse_spec(found.gist, str(spec)))
    except SpecError:
        return None
    return None if resolved.diagnostics else resolved.backend


def _unchanged(lock: Lock, live: _Live) -> dict[str, str] | None:
    """Return the digest of every account by name, if the target holds just these, and no dropped ones."""
    digests: dict[str, str] = {}
    if any(_is_another(text, lock.issued[OPERATOR_PATH].digest) for text in live.operators):
        return None
    for path, keys in lock.keys.items():
        head, _, name = path.partition("/")
        if head != "accounts" or "/" in name:
            continue
        for public, state in keys.items():
            text = live.accounts.get(public)
            if state is not KeyState.ACTIVE:
                if text is not None:
                    return None
                continue
            known = lock.issued.get(path)
            if text is None or known is None or _is_another(text, known.digest):
                return None
            digests[unescape(name)] = known.digest
    return digests


def _is_another(text: str, known: str) -> bool:
    """Tell whether a token cannot be seen to have the claims of this digest."""
    if not text.startswith(f"{HEADER_PART}."):
        return True
    try:
        return quick_digest(text) != known
    except ClaimsError:
        return True


def _snapshot_digest(lock: Lock, live: _Live) -> str:
    """Return the digest of what the target holds of ours; what cannot be read counts, whosever it is."""
    ours = {public for path, keys in lock.keys.items() for public in keys if path.count("/") == 1}
    known = {key: text for key, text in live.accounts.items() if key in ours}
    strange = (key for key, text in live.accounts.items() if key not in ours and not _is_readable(text))
    return texts_digest(known, live.operators, strange)


def _is_readable(text: str) -> bool:
    try:
        read_unverified(text)
    except ClaimsError:
        return False
    return True
