"""Digests that tell whether what a plan was made from is still what is there."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping

from natsbackend.plan.values import Snapshot


def digest(*parts: str) -> str:
    """Return the SHA-256, base64url without padding, of texts; where one ends and the next begins counts."""
    summed = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        summed.update(b"%d:" % len(raw))
        summed.update(raw)
    return base64.urlsafe_b64encode(summed.digest()).decode("ascii").rstrip("=")


def snapshot_digest(held: Snapshot) -> str:
    """Return the digest of all that a target holds: every JWT byte for byte, in no order."""
    texts = {key: token.text for key, token in held.accounts.items()}
    return texts_digest(texts, [token.text for token in held.operators], held.unreadable)


def texts_digest(accounts: Mapping[str, str], operators: Iterable[str], unreadable: Iterable[str]) -> str:
    """Return the same of accounts and operators that nobody has read: their JWTs, those of accounts by key."""
    held = (part for key in sorted(accounts) for part in (key, accounts[key]))
    return digest("accounts", *held, "operators", *sorted(operators), "unreadable", *sorted(unreadable))
