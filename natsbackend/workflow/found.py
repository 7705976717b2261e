"""What a target holds beside what the lock records: nothing that somebody did there by hand is undone unseen.

A revocation that neither spec nor lock knows is kept: it may be all that keeps a stolen token out. A JWT that is newer
than the lock's comes from another checkout, or from another tool: to push over it would undo somebody's work, so that
is refused, unless it differs in revocations alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from natsbackend.claims.build import build
from natsbackend.claims.codec import Token, claims_digest, reuse
from natsbackend.claims.details import spec_revocations
from natsbackend.claims.unsigned import Unsigned
from natsbackend.keys import Keyring
from natsbackend.lock import Issued, Lock
from natsbackend.model.sharing import EVERYONE
from natsbackend.plan.payloads import Payload, held_payload, wanted_payload
from natsbackend.workflow.tree import Known, Tree

Held = Mapping[str, Token]
"""The account JWTs of a target by public key, the newest where servers differ."""

_FOUND = "found"
"""Stands for the digest of claims that this lock did not issue; the JWT that follows them is newer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRevocation:
    """A revocation that a target has and neither spec nor lock knew."""

    account: str
    path: str
    key: str
    """Public key of a user, or `*`; a server takes any text."""
    until: int
    """Unix seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a target knows better than the lock."""

    known: Known
    revocations: tuple[FoundRevocation, ...] = ()
    newer: tuple[str, ...] = ()
    """Names of accounts whose JWT there is as new as the lock's or newer, and another in more than revocations."""
    foreign: tuple[str, ...] = ()
    """Names of accounts whose JWT there was signed by nobody whom the servers trust."""


def unknown_revocations(lock: Lock, path: str, token: Token, said: Mapping[str, int]) -> dict[str, int]:
    """Return the revocations of a live account that neither the spec (`said`) nor the lock knows.

    What a newer revocation of everybody covers is known by that; so is what a tombstone of ours says.
    """
    if token.issued_at == lock.dead_until(path, token.subject):
        return {}
    sources = (said, lock.revoked.get(path, {}), lock.known.get(path, {}))

    def is_unknown(key: str, until: int) -> bool:
        return until > max(times.get(key, -1) for times in sources)

    unknown = {key: until for key, until in _revocations(token) if is_unknown(key, until)}
    everyone = max(times.get(EVERYONE, -1) for times in (said, lock.revoked.get(path, {}), unknown))
    return {key: until for key, until in unknown.items() if key == EVERYONE or until > everyone}


def _revocations(token: Token) -> Iterator[tuple[str, int]]:
    """Read the revocations of a token as Go does: the member's name in any case, any text as a key."""
    for name, value in token.nats.items():
        if name.lower() == "revocations" and isinstance(value, dict):
            for key, until in value.items():
                if key and type(until) is int and until >= 0:
                    yield key, until


def look_closer(tree: Tree, held: Held, trusted: frozenset[str], *, force: bool = False) -> Found:
    """Hold what a target has against a tree.

    Args:
        tree: what the lock records.
        held: what the target has.
        trusted: who may sign accounts there; what others signed is stored and never in effect, so it is replaced.
        force: what is newer there is replaced by what is newer still.
    """
    keyring = tree.lock.keyring()
    sound = {
        key: token for key, token in held.items() if token.issuer in trusted and token.signature_is_valid
    }
    kept = tuple(_kept(tree, sound, keyring))
    lock = with_revocations(tree.lock, kept)
    differing = dict(_differing(tree, held, keyring))
    issued, tokens, newer, foreign = dict(lock.issued), dict[str, str](), list[str](), list[str]()
    for unsigned in build(tree.backend, keyring, tree.tokens, lock.revoked) if differing else ():
        name = differing.get(unsigned.path)
        if name is None:
            continue
        token = held[unsigned.claims.subject]
        if token.subject not in sound:
            foreign.append(name)
        elif token.issued_at < issued[unsigned.path].issued_at:
            continue
        elif reuse(token.text, unsigned.claims, unsigned.issuer, token.issued_at):
            tokens[unsigned.path] = token.text
            digest = claims_digest(unsigned.claims, unsigned.issuer)
            issued[unsigned.path] = Issued(token.issued_at, digest)
            continue
        elif not (force or _has_but_more_revocations(token, unsigned)):
            newer.append(name)
        if token.issued_at >= issued[unsigned.path].issued_at:
            issued[unsigned.path] = Issued(token.issued_at, _FOUND)
    known = Known(lock=replace(lock, issued=issued), tokens=tokens)
    return Found(known=known, revocations=kept, newer=tuple(newer), foreign=tuple(foreign))


def _differing(tree: Tree, held: Held, keyring: Keyring) -> Iterator[tuple[str, str]]:
    """Return path and name of every account that the target has otherwise than the tree."""
    for account in tree.backend.accounts.values():
        token = held.get(keyring[account.path])
        if token is not None and token.text != tree.tokens[account.path]:
            yield account.path, account.name


def _kept(tree: Tree, held: Held, keyring: Keyring) -> Iterator[FoundRevocation]:
    for account in tree.backend.accounts.values():
        token = held.get(keyring[account.path])
        if token is None:
            continue
        said = spec_revocations(account, keyring)
        unknown = unknown_revocations(tree.lock, account.path, token, said)
        for key, until in sorted(unknown.items()):
            yield FoundRevocation(account=account.name, path=account.path, key=key, until=until)


def with_revocations(lock: Lock, found: tuple[FoundRevocation, ...]) -> Lock:
    """Return a lock that has them, too."""
    if not found:
        return lock
    revoked = {path: dict(times) for path, times in lock.revoked.items()}
    for each in found:
        times = revoked.setdefault(each.path, {})
        times[each.key] = max(each.until, times.get(each.key, -1))
    return replace(lock, revoked=revoked)


def _has_but_more_revocations(token: Token, unsigned: Unsigned) -> bool:
    """Tell whether a live account differs from what is wanted in nothing but that it may revoke more."""
    live, said = dict(_revocations(token)), unsigned.claims.nats.get("revocations")
    ours = said if isinstance(said, dict) else {}
    everyone = live.get(EVERYONE, -1)
    has_all = all(max(live.get(key, -1), everyone) >= until for key, until in ours.items())
    return has_all and _rest(held_payload(token)) == _rest(wanted_payload(unsigned))


def _rest(payload: Payload) -> Mapping[str, object]:
    """Return a payload without its revocations, and without who signed it and what means nothing when it is empty."""
    nats = payload.get("nats")
    members = nats if isinstance(nats, dict) else {}
    rest = {name: value for name, value in members.items() if name.lower() != "revocations"}
    out = {name: value for name, value in payload.items() if name not in ("iss", "nats")}
    return {**out, "nats": _filled(rest)}


def _filled(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: filled
            for name, each in value.items()
            if (filled := _filled(each)) not in ({}, [], "", None)
        }
    return [_filled(each) for each in value] if isinstance(value, list) else value
