"""The tree that a spec, a lock and seeds make: lock, build and creds, as values before anything is written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from natsbackend.claims.build import build
from natsbackend.claims.codec import TokenKind, read_unverified
from natsbackend.claims.creds import format_creds_unverified, parse_creds
from natsbackend.claims.sharing import activations
from natsbackend.errors import (
    ClaimsError,
    Diagnostic,
    ProjectError,
)
from natsbackend.files import Batch
from natsbackend.keys import KeyPair, KeyRole, is_public
from natsbackend.keystore.directory import DirectoryKeyStore
from natsbackend.keystore.interface import KeyStore
from natsbackend.lock import Lock, parse_lock, render_lock
from natsbackend.model.entities import OPERATOR_PATH, Account, Backend
from natsbackend.model.leafnodes import find_user
from natsbackend.model.sentinel import find_sentinel
from natsbackend.model.serving import Resolver, ResolverKind
from natsbackend.project import Project
from natsbackend.render.secrets import secret_files
from natsbackend.render.server_conf import render_server_config
from natsbackend.workflow.beginning import Entropy, begin
from natsbackend.workflow.carried import CarriedActivations
from natsbackend.workflow.issue import Issuing
from natsbackend.workflow.opening import Opened
from natsbackend.workflow.secret_files import included_secrets, old_secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Everything `generate` would leave on disk."""

    project: Project
    store: KeyStore
    backend: Backend
    lock: Lock
    tokens: Mapping[str, str]
    """The JWT of each path."""
    files: Mapping[Path, tuple[str, int]]
    """Content and mode of each file of build and creds."""
    new_keys: tuple[tuple[str, KeyPair], ...] = ()
    signed: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    without_creds: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def has_secrets(self) -> bool:
        """Whether something was read from a file of the user's besides the spec, which may change at any time."""
        return next(secret_files(self.backend.server), None) is not None

    def paths(self) -> Iterator[Path]:
        """Every file that is not a seed."""
        yield self.project.lock
        yield from self.files

    def stale(self) -> tuple[Path, ...]:
        """Which files differ from what they should be, or should not be there."""
        contents = {self.project.lock: (render_lock(self.lock), 0o644), **self.files}
        differing = [path for path, (content, _) in contents.items() if read_text(path) != content]
        return (*differing, *self._leftovers())

    def write(self) -> tuple[Path, ...]:
        """Write it in its three phases; return the files that were not up to date."""
        stale = self.stale()
        changed = set(stale)
        if self.new_keys:
            self.store.add(self.new_keys)
        lock, rest = Batch(), Batch()
        if self.project.lock in changed:
            lock.add(self.project.lock, render_lock(self.lock), differs=True)
        for path, (content, mode) in self.files.items():
            if path in changed or mode == 0o600:  # a secret that is right may still be open to others
                rest.add(path, content, mode, differs=path in changed)
        lock.write()
        rest.write()
        for path in stale:
            if path not in self.files and path != self.project.lock:
                _remove(path)
        return stale

    def record(self) -> None:
        """Write the lock, and what of `build/` is there and differs; nothing private is touched or removed."""
        lock, rest = Batch(), Batch()
        lock.add(self.project.lock, render_lock(self.lock))
        for path, (content, mode) in self.files.items():
            if path.is_relative_to(self.project.build) and path.exists() and read_text(path) != content:
                rest.add(path, content, mode, differs=True)
        lock.write()
        rest.write()

    def _leftovers(self) -> tuple[Path, ...]:
        """JWTs of accounts and creds of users that the spec no longer has; creds only where the store has the seed."""
        sentinel = self.project.default_sentinel
        build, accounts = self.project.build, self.project.accounts_dir
        elsewhere = build.is_symlink() or accounts.is_symlink()  # what lies there is not ours to remove
        jwts = [] if elsewhere else [*sorted(accounts.glob("*.jwt")), sentinel]
        creds = sorted(self.project.creds_dir.glob("*/*.creds"))
        old_jwts = [path for path in jwts if path not in self.files and path.is_file()]
        old_creds = [path for path in creds if path not in self.files and self._is_kept_elsewhere(path)]
        return (*old_jwts, *old_creds, *old_secrets(self.backend, self.project))

    def _is_kept_elsewhere(self, creds: Path) -> bool:
        """Whether the seed in a creds file is in the key store, too, so that nothing is lost with the file."""
        jwt = parse_creds(read_text(creds) or "").jwt if creds.is_file() else None
        try:
            subject = read_unverified(jwt).subject if jwt else ""
        except ClaimsError:
            return False
        return is_public(subject, KeyRole.USER) and self.store.find(str(creds), subject) is not None


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as e:
        raise ProjectError(f"cannot remove {path}: {e.strerror}") from e


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A lock in the place of the one on disk, and tokens in the place of those of `build/`."""

    lock: Lock
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By path."""


class Seeds:
    """Seeds made in this run and those of the store, each looked for once."""

    def __init__(self, store: KeyStore, made: Mapping[str, KeyPair]) -> None:
        self._store = store
        self._found: dict[str, KeyPair | None] = dict(made)

    def find(self, path: str, public: str) -> KeyPair | None:
        """Return the key pair of a path and public key, or None if its seed is not here."""
        if public not in self._found:
            self._found[public] = self._store.find(path, public)
        return self._found[public]


def plan_tree(
    opened: Opened,
    project: Project,
    *,
    now: int,
    frozen: bool = False,
    not_renamed: bool = False,
    users: bool = True,
    entropy: Entropy = os.urandom,
    known: Known | None = None,
    force_identity: bool = False,
) -> Tree:
    """Work out the tree of a spec.

    Without `users` no user is issued, no creds are made and no secret is read, so that only an operator's seed may be
    needed. `known` is what a target knows better than the lock. See `generate` for the other arguments and the errors.
    """
    backend = opened.backend
    store = DirectoryKeyStore(project.keys)
    known = known or Known(lock=read_lock(project))
    places = dict(token_files(backend, project))
    begun = begin(opened, project, known.lock, places, not_renamed=not_renamed)
    new_keys = begun.make_keys(frozen=frozen, entropy=entropy)
    lock, late = begun.with_keys({path: pair.public for path, pair in new_keys}, now=now)
    seeds = Seeds(store, {pair.public: pair for _, pair in new_keys})
    sentinel = _sentinel_file(backend, project)
    issuing = _issue_all(
        backend,
        lock,
        places,
        seeds,
        sentinel,
        now=now,
        users=users,
        known=known.tokens,
        force_identity=force_identity,
    )
    lock = issuing.finish()
    files, without = _token_contents(places, lock, seeds, issuing.tokens)
    files |= {file: (issuing.tokens[path], 0o644) for path, file in sentinel.items()}
    files[project.server_conf] = (server_conf(backend, lock, issuing.tokens, project), 0o644)
    secrets, missing = included_secrets(backend, project) if users else ({}, ())
    return Tree(
        project=project,
        store=store,
        backend=backend,
        lock=lock,
        tokens=issuing.tokens,
        files={**files, **secrets},
        new_keys=new_keys,
        signed=tuple(issuing.signed),
        retired=begun.reconciled.retired,
        without_creds=without if users else (),
        warnings=(*opened.warnings, *begun.reconciled.warnings, *late, *missing),
    )


def read_lock(project: Project) -> Lock:
    """Read the lock; without a file, an empty one.

    Raises:
        LockError: it cannot be read.
    """
    text = read_text(project.lock)
    return Lock() if text is None else parse_lock(text, os.fspath(project.lock))


def _issue_all(
    backend: Backend,
    lock: Lock,
    places: Mapping[str, Path],
    seeds: Seeds,
    sentinel: Mapping[str, Path],
    *,
    now: int,
    users: bool,
    known: Mapping[str, str],
    force_identity: bool,
) -> Issuing:
    def find_token(path: str) -> str | None:
        if path in known:
            return known[path]
        file = sentinel.get(path, places[path])
        text = read_text(file)
        return parse_creds(text).jwt if text is not None and file.suffix == ".creds" else text

    keyring = lock.keyring()
    carried = CarriedActivations(find_token, keyring)
    issuing = Issuing(
        lock,
        seeds.find,
        lambda path: (carried.find if path not in places else find_token)(path),
        now,
        force_identity,
    )
    for unsigned in activations(backend, keyring):
        issuing.issue(unsigned)
    for unsigned in build(backend, keyring, issuing.tokens, lock.revoked):
        claims = unsigned.claims
        is_written = unsigned.path in sentinel or (users and seeds.find(unsigned.path, claims.subject))
        if claims.kind is TokenKind.USER and not is_written:
            continue  # its creds are made where its seed is
        issuing.issue(unsigned)
    return issuing


def token_files(backend: Backend, project: Project) -> Iterator[tuple[str, Path]]:
    """Return where the token of each path is written."""
    yield OPERATOR_PATH, project.operator_jwt
    for account in backend.accounts.values():
        yield account.path, project.account_jwt(account.name)
        for user in account.users.values():
            yield user.path, project.creds(account.name, user.name)


def _sentinel_file(backend: Backend, project: Project) -> dict[str, Path]:
    """Where the JWT of the default sentinel is written, besides its creds, so that no seed of it is needed."""
    found = find_sentinel(backend)
    return {found[1].path: project.default_sentinel} if found else {}


def _token_contents(
    places: Mapping[str, Path], lock: Lock, seeds: Seeds, tokens: Mapping[str, str]
) -> tuple[dict[Path, tuple[str, int]], tuple[str, ...]]:
    """Content and mode of every file with a token, and the users that get no creds here."""
    keyring = lock.keyring()
    files: dict[Path, tuple[str, int]] = {}
    without: list[str] = []
    for path, file in places.items():
        token = tokens.get(path)
        if file.suffix != ".creds" and token is not None:
            files[file] = (token, 0o644)
        elif token is not None and (pair := seeds.find(path, keyring[path])):
            files[file] = (format_creds_unverified(token, pair), 0o600)
        else:
            without.append(path)
    return files, tuple(without)


def server_conf(backend: Backend, lock: Lock, tokens: Mapping[str, str], project: Project) -> str:
    """Return the config of the servers; `tokens` are JWTs by path."""
    keyring = lock.keyring()
    resolver = backend.server.resolver if backend.server else Resolver()
    sentinel = find_sentinel(backend)
    in_memory = resolver.kind is ResolverKind.MEMORY  # it has no accounts but those of the config
    preloaded = backend.accounts.values() if in_memory else _needed_at_start(backend)
    return render_server_config(
        backend,
        operator=tokens[OPERATOR_PATH],
        system_account=keyring[backend.system_account.path],
        preload={keyring[account.path]: tokens[account.path] for account in preloaded},
        accounts={account.name: keyring[account.path] for account in backend.accounts.values()},
        secrets=os.path.relpath(project.secrets, project.build),
        sentinel=tokens[sentinel[1].path] if sentinel else None,
        creds=dict(_leafnode_creds(backend, project)),
    )


def _needed_at_start(backend: Backend) -> tuple[Account, ...]:
    """The accounts a server must know before anything is pushed: the system account, and those it joins to others.

    A route or leaf node of an account that it does not know ends with an error, again and again.
    """
    names = [backend.system_account.name]
    server = backend.server
    if server is not None and server.cluster is not None:
        names += server.cluster.accounts
    if server is not None and server.leafnodes is not None:
        login = server.leafnodes.authorization
        names += (login.account,) if login is not None else ()
        names += (remote.account for remote in server.leafnodes.remotes)
    return tuple(backend.accounts[name] for name in dict.fromkeys(names))


def _leafnode_creds(backend: Backend, project: Project) -> Iterator[tuple[str, str]]:
    """The creds files that leaf node remotes log in with, by the user's path, from where the server is started."""
    leafnodes = backend.server.leafnodes if backend.server else None
    for remote in leafnodes.remotes if leafnodes else ():
        found = find_user(backend.accounts, remote.user) if remote.user is not None else None
        if found is not None:
            account, user = found
            yield user.path, project.creds(account.name, user.name).relative_to(project.root).as_posix()


def read_text(path: Path) -> str | None:
    """Return what a file of the project holds; None without one, nothing if it is no text."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        return ""
    except OSError as e:
        raise ProjectError(f"cannot read {path}: {e.strerror}") from e
