"""Sign what changed, and nothing else.

A JWT is signed again only if its claims differ from those the lock knows, or if the text is not here. It then gets
an `iat` above everything known of that path, since resolvers keep the newer one and two JWTs of one second would
carry one `jti` (nats-server 2.15 `dirstore.go`). The same goes for one that a revocation or a tombstone has ended:
what is issued again must be newer than that. Where the claims are the lock's, the lock's `iat` gives the same
bytes again; unless the text that is here is newer than the lock, which then was restored from an older state: going
back in time would make a JWT that no resolver takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from natsbackend.claims.build import Unsigned
from natsbackend.claims.codec import Draft, Token, TokenKind, read_unverified
from natsbackend.errors import ClaimsError, KeyStoreError, LockError
from natsbackend.keys import KeyPair
from natsbackend.lock import Issued, Lock

FindSeed = Callable[[str, str], KeyPair | None]
"""Returns the key pair of a path and public key, or None."""

FindToken = Callable[[str], str | None]
"""Returns the token of a path that was written before, or None."""


@dataclass(slots=True)
class Issuing:
    """What is signed so far; `finish` says what could not be."""

    lock: Lock
    find_seed: FindSeed
    find_token: FindToken
    now: int
    force_identity: bool = False
    """Whether what is here may have been issued for a key that the lock never had."""
    tokens: dict[str, str] = field(default_factory=dict)
    signed: list[str] = field(default_factory=list)
    _issued: dict[str, Issued] = field(default_factory=dict)
    _seeds: dict[str, KeyPair | None] = field(default_factory=dict)
    _unsigned: dict[str, list[str]] = field(default_factory=dict)
    _others: dict[str, Token] = field(default_factory=dict)

    def issue(self, unsigned: Unsigned) -> None:
        """Keep the token of these claims if it is here, or sign it."""
        path = unsigned.path
        claims = unsigned.claims
        draft = Draft(claims, unsigned.issuer)
        digest = draft.digest()
        known = self.lock.issued.get(path)
        text = self.find_token(path)
        token = _read(text)
        here = -1 if token is None else token.issued_at
        if token is not None and token.subject != claims.subject and path in self.lock.keys:
            self._others[path] = token
        dead = self.lock.dead_until(path, claims.subject)
        if dead > self.now and claims.kind is TokenKind.USER:
            dead = -1  # it is revoked until a moment that has yet to come, so that nothing new works either
        alive = known is not None and known.issued_at > dead
        if known is not None and alive and known.digest == digest and here <= known.issued_at:
            issued_at = known.issued_at
            if text is not None and draft.is_signed_as(text, issued_at):
                self.tokens[path] = text
                return
        else:
            issued_at = max(self.now, known.issued_at + 1 if known else 0, here + 1, dead + 1)
        pair = self._seed(unsigned.issuer_path, unsigned.issuer)
        if pair is None:
            self._unsigned.setdefault(unsigned.issuer_path, []).append(path)
            return
        self.tokens[path] = draft.sign(pair, issued_at)
        self._issued[path] = Issued(issued_at, digest)
        self.signed.append(path)

    def _seed(self, path: str, public: str) -> KeyPair | None:
        if public not in self._seeds:
            self._seeds[public] = self.find_seed(path, public)
        return self._seeds[public]

    def finish(self) -> Lock:
        """Return the lock with everything issued.

        Raises:
            LockError: what was issued before was for a key that the lock never had.
            KeyStoreError: a seed that had to sign is not here; the message names each and what it had to sign.
        """
        if not self.force_identity:
            _refuse_other_identities(self._others, self.lock)
        if self._unsigned:
            raise KeyStoreError(
                _needed(self._unsigned),
                hint="bring it into the key store, .natsbackend/keys, or restore build/ from where it is kept",
            )
        issued: Mapping[str, Issued] = {**self.lock.issued, **self._issued}
        return replace(self.lock, issued=issued)


def _read(text: str | None) -> Token | None:
    if text is None:
        return None
    try:
        return read_unverified(text)
    except ClaimsError:
        return None


def _refuse_other_identities(others: Mapping[str, Token], lock: Lock) -> None:
    """Refuse a key that took another's place without a trace: the old one would stand in the lock, retired.

    What a key that the lock does not know has signed was never ours, and is replaced.
    """
    known = {public for keys in lock.keys.values() for public in keys} if others else set()
    lost = [path for path, token in others.items() if token.subject not in known and token.issuer in known]
    if lost:
        more = f", and {len(lost) - 1} more" if len(lost) > 1 else ""
        now = lock.keyring()[lost[0]]
        raise LockError(
            f"the lock gives {lost[0]} another identity than the one that it was issued for: "
            f"{others[lost[0]].subject} became {now}{more}",
            hint="restore the lock from Git; if this is meant, `natsbackend generate --force-identity`",
        )


def _needed(unsigned: Mapping[str, list[str]]) -> str:
    def what(paths: list[str]) -> str:
        shown = ", ".join(paths[:3])
        return shown if len(paths) <= 3 else f"{shown} and {len(paths) - 3} more"

    needed = ", ".join(f"{signer} (to sign {what(paths)})" for signer, paths in unsigned.items())
    return f"{'a seed is' if len(unsigned) == 1 else 'seeds are'} not here: {needed}"
