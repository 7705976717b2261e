"""`status`: what the spec and the lock say against what every server of a target holds and does; it only reads.

Drift is looked for in both directions: what the spec has and the servers do not, and what they have and it does not.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from natsbackend.claims.codec import Token
from natsbackend.errors import Location
from natsbackend.keystore.directory import DirectoryKeyStore
from natsbackend.model.checks import Judged
from natsbackend.model.checks.life import Moment
from natsbackend.model.entities import Target, account_path
from natsbackend.model.names import printable, unescape
from natsbackend.model.system import OBSERVER, PUSHER
from natsbackend.plan.diff import diff, strangers
from natsbackend.plan.text import phrase
from natsbackend.plan.values import AccountChange, Action, Desired, Snapshot
from natsbackend.project import Project
from natsbackend.resolvers.interface import Effect, Holding, ServerInfo
from natsbackend.workflow.opening import examined
from natsbackend.workflow.planning import readable_tokens
from natsbackend.workflow.pruning import spared
from natsbackend.workflow.push_findings import dropped_of
from natsbackend.workflow.reaching import reaching
from natsbackend.workflow.reckoning import Reckoned, reckon
from natsbackend.workflow.signing import RoleSigner

_ENDS = ("expires-soon", "expired")


class Code(enum.StrEnum):
    """What kind of drift it is; stable, for programs."""

    SERVER_MISSING = "server-missing"
    NOT_GENERATED = "not-generated"
    ACCOUNT_MISSING = "account-missing"
    ACCOUNT_DIFFERS = "account-differs"
    ACCOUNT_NOT_RECORDED = "account-not-recorded"
    SERVER_DIFFERS = "server-differs"
    ISSUER_NOT_TRUSTED = "issuer-not-trusted"
    NOT_IN_EFFECT = "not-in-effect"
    IMPORT_DROPPED = "import-dropped"
    UNREADABLE = "unreadable"
    DROPPED_ACCOUNT = "dropped-account"
    TOMBSTONE = "tombstone"
    STRANGER = "stranger"
    EXPIRES = "expires"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One thing that is not as the spec and the lock say."""

    code: Code
    text: str
    """One sentence: lower case, no full stop."""
    account: str = ""
    """Its name in the spec; of a stranger, that in its JWT."""
    server: str = ""
    details: tuple[str, ...] = ()
    """Changes in the words of the spec, from what the servers have to what the spec says."""
    at: Location | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """One account of the spec on the servers."""

    name: str
    public_key: str
    servers: tuple[str, ...]
    """Those that hold what the lock records."""
    effective: Mapping[str, Effect]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What was found."""

    target: str
    servers: tuple[ServerInfo, ...]
    accounts: tuple[AccountState, ...]
    drifts: tuple[Drift, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nothing differs and nothing ends soon."""
        return not self.drifts


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


def find_status(request: Request, judged: Judged) -> Status:
    """Read a target and hold it against a spec.

    Args:
        request: what to read.
        judged: the spec, sound, and its findings.

    Raises:
        LockError, SpecError, KeyStoreError, ResolverUnavailable, ResolverRejected: see `planning.make_plan`.
    """
    opened = judged.opened
    reckoned = reckon(opened, request.project, now=request.now, not_renamed=True)
    store = DirectoryKeyStore(request.project.keys)
    signer = RoleSigner(reckoned.backend, reckoned.base.keyring(), store)
    roles = (OBSERVER, PUSHER)
    with reaching(signer, request.target, roles=roles, now=request.now, timeout=request.timeout) as resolver:
        servers, absent = resolver.servers(), resolver.absent()
        listed = resolver.fetch()
        ids = dict.fromkeys((*_ids(reckoned), *listed))
        holdings = resolver.inspect(tuple(ids))
    look = _Look(reckoned, servers, holdings)
    drifts = (
        *(Drift(code=Code.SERVER_MISSING, text=text) for text in absent),
        *look.drifts(),
        *_endings(request, judged),
    )
    return Status(target=request.target.name, servers=servers, accounts=tuple(look.states()), drifts=drifts)
