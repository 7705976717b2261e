"""Whom servers trust to sign accounts, read from the JWTs of their operators."""

from __future__ import annotations

from collections.abc import Iterable

from natsbackend.claims.codec import read_unverified
from natsbackend.errors import ClaimsError


def operator_issuers(jwts: Iterable[str]) -> frozenset[str]:
    """Return who may sign accounts: the operators' signing keys, and an identity unless its operator is strict."""
    issuers: set[str] = set()
    for jwt in jwts:
        try:
            operator = read_unverified(jwt)
        except ClaimsError:
            continue  # whom it trusts by that is not known, so nothing of theirs is pushed
        signing_keys = operator.nats.get("signing_keys")
        issuers.update(map(str, signing_keys if isinstance(signing_keys, list) else ()))
        if not operator.nats.get("strict_signing_key_usage"):
            issuers.add(operator.subject)
    return frozenset(issuers)
