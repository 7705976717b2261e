"""`natsbackend.lock`: by spec path, public keys with their state, and each JWT's issue time and claims digest.

One fact a line, sorted, so that two branches merge like any text; no secret. The lock is what makes a fresh clone
with the seeds sign the same bytes, and what keeps an identity when a seed is missing. Facts, after the path:

    key STATE PUBLIC       a key of this path; states are next, active, retiring, retired
    jwt IAT DIGEST         the JWT was issued at IAT (unix seconds) over claims with this digest; that of an activation
                           stands below the exporter's path, without a key of its own
    revoked KEY SECONDS    of an export: activations that KEY has had until then are revoked; of an account: the user
                           KEY, or with `*` everybody, is revoked until then. What is no key stands there escaped
    known KEY SECONDS      of an account: the spec has revoked KEY until then. If a server still does and nothing here
                           does any more, that was taken back; any other revocation found there is kept (`push`).
                           `known` in the place of `revoked` takes one back that was found
    tombstone KEY IAT      of an account that the spec dropped: a JWT that lets nobody in was issued for KEY, and is not
                           known to be deleted on every server
    pruned KEY IAT         the same, and every server has deleted it; what is issued for KEY again must be newer

The first line is `format 1`. A fact this release does not know is an error: dropping it would lose it.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from natsbackend.errors import InvalidKey, LockError
from natsbackend.keys import Keyring, KeyRole, is_public, public_role
from natsbackend.model.names import escape, unescape
from natsbackend.model.sharing import EVERYONE

FORMAT = 1
_HEADER = f"format {FORMAT}"
_NOTE = "# Public keys, issue times and claims digests by spec path. No secret; keep it in Git."
_PATH = re.compile(r"[A-Za-z0-9_./%-]+")
_MARKERS = ("<<<<<<<", "=======", ">>>>>>>")
_ACCOUNT = re.compile(r"accounts/[^/]+")
_LIKE_A_KEY = re.compile(r"[A-Z2-7]{56}")
_REVOKED, _KNOWN, _TOMBSTONE, _PRUNED = "revoked", "known", "tombstone", "pruned"
_TIMES = (_REVOKED, _KNOWN, _TOMBSTONE, _PRUNED)
"""Facts of a key and a time, in the order of the fields of `Lock`."""


class KeyState(enum.StrEnum):
    """Where a key is in its life: next (published) → active (signs) → retiring (trusted) → retired."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRING = "retiring"
    RETIRED = "retired"


_STATES = frozenset(KeyState)


@dataclass(frozen=True, slots=True)
class Issued:
    """When the JWT of a path was issued (unix seconds), and over which claims."""

    issued_at: int
    digest: str


@dataclass(frozen=True, slots=True)
class Lock:
    """The facts. `keys` maps a path to its keys and their states, in the order they were made."""

    keys: Mapping[str, Mapping[str, KeyState]] = field(default_factory=dict)
    issued: Mapping[str, Issued] = field(default_factory=dict)
    revoked: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By path of an export, the importers whose activations are revoked, and the unix second until which; by path of
    an account, the users, or `*`."""
    known: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By path of an account, the revocations that the spec has had."""
    tombstones: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By path of an account, the keys it was dropped with, and the `iat` of the JWT that lets nobody in."""
    pruned: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """The same of what every server has deleted since."""

    def keyring(self) -> Keyring:
        """Return the active key of every path."""
        return Keyring(
            {
                path: public
                for path, keys in self.keys.items()
                for public, state in keys.items()
                if state is KeyState.ACTIVE
            }
        )

    def with_keys(self, made: Mapping[str, str]) -> Lock:
        """Return a lock in which each of these is the active key of its path."""
        keys = dict(self.keys)
        for path, public in made.items():
            retired = dict.fromkeys(keys.get(path, {}), KeyState.RETIRED)
            keys[path] = {**retired, public: KeyState.ACTIVE}
        return replace(self, keys=keys)

    def with_state(self, paths: Iterable[str], state: KeyState) -> Lock:
        """Return a lock in which all keys of these paths are in a state."""
        keys = dict(self.keys)
        for path in paths:
            keys[path] = dict.fromkeys(keys[path], state)
        return replace(self, keys=keys)

    def renamed(self, old: str, new: str) -> Lock:
        """Return a lock in which everything at and below a path is at and below another.

        Keys that the other path had before stay on record beside those that come.
        """

        def moved(path: str) -> str:
            head, activations, rest = path.partition("/activations/")
            importer, slash, export = rest.partition("/")
            if activations and f"accounts/{importer}" == old:  # given to what has another name now
                return f"{head}{activations}{new.partition('/')[2]}{slash}{export}"
            return new + path[len(old) :] if path == old or path.startswith(f"{old}/") else path

        keys = {path: states for path, states in self.keys.items() if moved(path) == path}
        issued = {path: at for path, at in self.issued.items() if moved(path) == path}
        for path in self.keys.keys() - keys.keys():
            keys[moved(path)] = {**keys.get(moved(path), {}), **self.keys[path]}
        issued |= {moved(path): self.issued[path] for path in self.issued.keys() - issued.keys()}
        return replace(
            self,
            keys=keys,
            issued=issued,
            revoked=_moved(self.revoked, moved),
            known=_moved(self.known, moved),
            tombstones=_moved(self.tombstones, moved),
            pruned=_moved(self.pruned, moved),
        )

    def dead_until(self, path: str, public: str) -> int:
        """Return the `iat` up to which no JWT of a path and its key can be used any more; -1 if there is none."""
        account, users, _ = path.partition("/users/")
        if users:
            return self.revoked.get(account, {}).get(public, -1)
        facts = (self.tombstones, self.pruned)
        return max((times.get(path, {}).get(public, -1) for times in facts), default=-1)


def parse_lock(text: str, file: str) -> Lock:
    """Read a lock.

    Raises:
        LockError: with the file and line, for another format, a fact that is not understood, or merge markers.
    """
    keys: dict[str, dict[str, KeyState]] = {}
    issued: dict[str, Issued] = {}
    times: dict[str, dict[str, dict[str, int]]] = {word: {} for word in _TIMES}
    lines = ((n, line) for n, line in enumerate(text.splitlines(), 1) if line and not line.startswith("#"))
    first = next(lines, (1, ""))
    if first[1].startswith(_MARKERS):
        raise _bad_line(file, *first)
    if first[1] != _HEADER:
        raise LockError(
            f"{file}:{first[0]}: cannot read the lock: not {_HEADER!r}",
            hint="a newer natsbackend may read it",
        )
    for number, line in lines:
        match line.split(" "):
            case [path, "key", state, public] if _is_key(path, state, public):
                if keys.setdefault(path, {}).setdefault(public, KeyState(state)) != state:
                    raise _two_states(file, number, path)
            case [path, "jwt", at, digest] if _is_jwt(path, at) and path not in issued:
                issued[path] = Issued(int(at), digest)
            case [path, word, whom, at] if (
                word in _TIMES and _is_jwt(path, at) and _is_whom(path, word, whom)
            ):
                of_path = times[word].setdefault(
                    path, {}
                )  # two people may have done it; the later time has both
                key = unescape(whom)
                of_path[key] = max(int(at), of_path.get(key, 0))
            case _:
                raise _bad_line(file, number, line)
    _one_active(keys, file)
    _whose(keys, issued, file)
    for word in (_TOMBSTONE, _PRUNED):
        _whose_grave(keys, word, times[word], file)
    return Lock(keys, issued, *(times[word] for word in _TIMES))


def _moved(times: Mapping[str, Mapping[str, int]], moved: Callable[[str], str]) -> dict[str, dict[str, int]]:
    out: dict[str, dict[str, int]] = {}
    for path, of_path in times.items():
        there = out.setdefault(moved(path), {})
        there |= {key: max(at, there.get(key, 0)) for key, at in of_path.items()}
    return out


def _is_whom(path: str, word: str, whom: str) -> bool:
    """Tell whether a text can be the key of such a fact.

    In an account's revocations a server takes any text; one that has the form of a key must be one all the same.
    """
    of_account = bool(_ACCOUNT.fullmatch(path))
    if word in (_TOMBSTONE, _PRUNED):
        return of_account and is_public(whom, KeyRole.ACCOUNT)
    if not of_account:
        return word == _REVOKED and _is_public(whom)
    if whom == EVERYONE or _is_public(whom):
        return True
    try:
        name = unescape(whom)
    except UnicodeDecodeError:
        return False
    return escape(name) == whom and not _LIKE_A_KEY.fullmatch(whom) and bool(name)


def _is_key(path: str, state: str, public: str) -> bool:
    return bool(_PATH.fullmatch(path)) and state in _STATES and _is_public(public)


def _is_public(text: str) -> bool:
    try:
        public_role(text)
    except InvalidKey:
        return False
    return True


def _is_jwt(path: str, at: str) -> bool:
    return bool(_PATH.fullmatch(path)) and at.isascii() and at.isdecimal()


def _two_states(file: str, number: int, path: str) -> LockError:
    return LockError(
        f"{file}:{number}: a key of {path} is in two states",
        hint="two people changed it at once; keep the line of the later state, delete the other",
    )


def _bad_line(file: str, number: int, line: str) -> LockError:
    if line.startswith(_MARKERS):
        hint = "keep the lines of both sides, without the markers; one `jwt` line a path, the one with the larger time"
        return LockError(f"{file}:{number}: the lock holds merge markers", hint=hint)
    hint = "restore the lock from Git; a fact of a newer natsbackend needs that release"
    return LockError(f"{file}:{number}: a line of the lock is not understood", hint=hint)


def _one_active(keys: Mapping[str, Mapping[str, KeyState]], file: str) -> None:
    for path, states in keys.items():
        if sum(state is KeyState.ACTIVE for state in states.values()) > 1:
            raise LockError(
                f"{file}: {path} has two active keys",
                hint="two people made it at once; keep the line of the key whose JWT is in use, delete the other",
            )


def _whose(keys: Mapping[str, object], issued: Mapping[str, object], file: str) -> None:
    """Refuse a JWT of nobody: a key that a merge lost would be made anew, as another identity."""
    for path in issued:
        if path.partition("/activations/")[0] not in keys:  # an activation is of the account that gives it
            raise LockError(
                f"{file}: there is a JWT of {path} and no key of it",
                hint="restore the line of the key from Git",
            )


def _whose_grave(
    keys: Mapping[str, Mapping[str, object]], word: str, times: Mapping[str, Mapping[str, int]], file: str
) -> None:
    """Refuse a grave of nobody: only what this lock once made may be deleted."""
    for path, of_path in times.items():
        for public in of_path:
            if public not in keys.get(path, {}):
                raise LockError(
                    f"{file}: {path} has a {word} of a key that it never had: {public}",
                    hint="restore the line of the key from Git",
                )


def render_lock(lock: Lock) -> str:
    """Return the text of a lock, one fact a line, sorted."""
    return "\n".join([_NOTE, _HEADER, *sorted(_facts(lock))]) + "\n"


def _facts(lock: Lock) -> Iterator[str]:
    for path, keys in lock.keys.items():
        for public, state in keys.items():
            yield f"{path} key {state.value} {public}"
    for path, issued in lock.issued.items():
        yield f"{path} jwt {issued.issued_at} {issued.digest}"
    facts = (lock.revoked, lock.known, lock.tombstones, lock.pruned)
    for word, times in zip(_TIMES, facts, strict=True):
        for path, of_path in times.items():
            for whom, at in of_path.items():
                yield f"{path} {word} {whom if whom == EVERYONE else escape(whom)} {at}"
