"""`pull`: what a target holds, written to a directory of `ACCOUNT_KEY.jwt` files; it only reads the target.

Nothing is written that is not what it says it is: the account whose name it has, with a sound signature of somebody
whom the servers trust. The directory is then good as a target of its own, or as the store of a full resolver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from natsbackend.claims.codec import Token, TokenKind, read_unverified
from natsbackend.errors import ClaimsError, ProjectError
from natsbackend.files import Batch
from natsbackend.keys import KeyRole, is_public
from natsbackend.keystore.directory import DirectoryKeyStore
from natsbackend.model.entities import Target
from natsbackend.model.system import OBSERVER, PUSHER
from natsbackend.plan.naming import shortened
from natsbackend.project import Project
from natsbackend.resolvers.interface import ServerInfo
from natsbackend.workflow.opening import Opened
from natsbackend.workflow.signing import RoleSigner
from natsbackend.workflow.targets import open_target
from natsbackend.workflow.tree import read_lock, read_text

_SUFFIX = ".jwt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for."""

    opened: Opened
    project: Project
    target: Target
    directory: Path
    now: int
    timeout: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account that the target holds."""

    public_key: str
    name: str
    """As its JWT says it; empty if it says nothing that can be believed."""
    problem: str = ""
    """Why it is not written; empty if it is."""
    is_new: bool = False
    """Whether the directory had no file of it, or another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What came of it."""

    accounts: tuple[Account, ...]
    """By public key."""
    left: tuple[str, ...]
    """Names of files in the directory whose accounts the target does not hold; they stay as they are."""

    @property
    def refused(self) -> tuple[Account, ...]:
        """Those that are not written."""
        return tuple(each for each in self.accounts if each.problem)

    @property
    def written(self) -> tuple[Account, ...]:
        """Those whose files are new or another than before."""
        return tuple(each for each in self.accounts if each.is_new)


def pull(request: Request) -> Pulled:
    """Write what a target holds to a directory; all of the files, or none.

    Raises:
        ProjectError: the directory cannot be used.
        KeyStoreError: the seed of neither the observer nor the pusher is here.
        ResolverUnavailable, ResolverRejected: the target cannot be read.
    """
    directory = request.directory
    if directory.exists() and not directory.is_dir():
        raise ProjectError(f"{directory} is no directory", hint="give another one with --out")
    lock = read_lock(request.project)
    signer = RoleSigner(request.opened.backend, lock.keyring(), DirectoryKeyStore(request.project.keys))
    roles = (OBSERVER, PUSHER)
    with open_target(
        signer, request.target, roles=roles, now=request.now, timeout=request.timeout
    ) as resolver:
        servers, listed = resolver.servers(), resolver.fetch()
        known = (key for path, keys in lock.keys.items() if _is_account(path) for key in keys)
        sound = [key for key in listed if is_public(key, KeyRole.ACCOUNT)]
        newest = resolver.lookup(tuple(dict.fromkeys((*known, *sound))))
    texts = {**listed, **{key: text for key, text in newest.items() if text is not None}}
    accounts = tuple(_judged(texts, _trusted(servers), directory))
    batch = Batch()
    for each in accounts:
        if each.is_new:
            batch.add(directory / f"{each.public_key}{_SUFFIX}", texts[each.public_key], 0o644)
    batch.write()
    return Pulled(accounts=accounts, left=tuple(_left(directory, texts)))


def _is_account(path: str) -> bool:
    return path.startswith("accounts/") and path.count("/") == 1


def _trusted(servers: tuple[ServerInfo, ...]) -> frozenset[str]:
    return frozenset[str]().union(*(server.operator_issuers for server in servers))


def _judged(texts: Mapping[str, str], trusted: frozenset[str], directory: Path) -> Iterator[Account]:
    for public in sorted(texts):
        if not is_public(public, KeyRole.ACCOUNT):
            yield Account(public_key=public, name="", problem="it is stored under what is no account's key")
            continue
        try:
            token = read_unverified(texts[public])
        except ClaimsError as e:
            yield Account(public_key=public, name="", problem=f"it is no JWT: {e.message}")
            continue
        problem = _problem(public, token, trusted)
        file = directory / f"{public}{_SUFFIX}"
        is_new = not problem and read_text(file) != texts[public]
        yield Account(public_key=public, name=token.name, problem=problem, is_new=is_new)


def _problem(public: str, token: Token, trusted: frozenset[str]) -> str:
    if token.subject != public or token.kind is not TokenKind.ACCOUNT:
        return f"it is not the JWT of this account, but of {shortened(token.subject)}"
    if not token.signature_is_valid:
        return "its signature is not valid"
    if trusted and token.issuer not in trusted:
        return f"it is signed by {shortened(token.issuer)}, whom the servers do not trust"
    return ""


def _left(directory: Path, texts: Mapping[str, str]) -> Iterator[str]:
    for file in sorted(directory.glob(f"*{_SUFFIX}")) if directory.is_dir() else ():
        if file.stem not in texts:
            yield file.name
