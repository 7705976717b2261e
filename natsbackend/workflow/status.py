"""`status`: what the spec and the lock say against what every server of a target holds and does; it only reads.

Drift is looked for in both directions: what the spec has and the servers do not, and what they have and it does not.
An account that nobody has used on a server yet is not loaded there; that is no drift, and `push` is what loads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from natsbackend.errors import Severity, SpecError
from natsbackend.keystore.directory import DirectoryKeyStore
from natsbackend.model.checks.life import Moment
from natsbackend.model.entities import Target
from natsbackend.model.system import OBSERVER, PUSHER
from natsbackend.project import Project
from natsbackend.workflow.drift import Code, Drift, Status
from natsbackend.workflow.looking import Look
from natsbackend.workflow.opening import Examined, Opened, examined
from natsbackend.workflow.reckoning import reckon
from natsbackend.workflow.signing import RoleSigner
from natsbackend.workflow.targets import open_target

_ENDS = ("expires-soon", "expired")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for."""

    spec: Path
    project: Project
    target: Target
    now: int
    within: int
    """Seconds: what expires in this time is reported."""
    timeout: float = 5.0


def examine(request: Request) -> Examined:
    """Open the spec, and find what ends.

    Raises:
        SpecError: it has errors.
        ProjectError: it cannot be read.
    """
    moment = Moment(now=request.now, within=request.within)
    found = examined(str(request.spec), moment, request.project)
    if any(each.severity is Severity.ERROR for each in found.judged.findings):
        raise SpecError(found.judged.findings)
    return found


def find_status(request: Request, found: Examined) -> Status:
    """Read a target and hold it against a spec.

    Raises:
        LockError, SpecError: the names or keys of the spec and the lock do not fit.
        KeyStoreError: the seed of neither the observer nor the pusher is here.
        ResolverUnavailable, ResolverRejected: the target cannot be read.
    """
    opened = Opened(found.backend, ())
    reckoned = reckon(opened, request.project, now=request.now, not_renamed=True)
    store = DirectoryKeyStore(request.project.keys)
    signer = RoleSigner(reckoned.backend, reckoned.base.keyring(), store)
    roles = (OBSERVER, PUSHER)
    with open_target(
        signer, request.target, roles=roles, now=request.now, timeout=request.timeout
    ) as resolver:
        servers, absent = resolver.servers(), resolver.absent()
        listed = resolver.fetch()
        keyring = reckoned.base.keyring()
        paths = [each.path for each in reckoned.backend.accounts.values() if each.path in keyring]
        holdings = resolver.inspect(tuple(dict.fromkeys((*(keyring[path] for path in paths), *listed))))
    look = Look(reckoned=reckoned, servers=servers, listed=listed, holdings=holdings, now=request.now)
    missing = (Drift(code=Code.SERVER_MISSING, text=text) for text in absent)
    return Status(
        target=request.target.name,
        at=request.now,
        servers=servers,
        expected=request.target.servers,
        accounts=tuple(look.states()),
        drifts=(*missing, *look.drifts(), *_endings(found)),
    )


def _endings(found: Examined) -> Iterator[Drift]:
    for each in found.judged.findings:
        if each.code in _ENDS:
            yield Drift(code=Code.EXPIRES, text=each.message, hint=each.hint or "", at=each.at)
