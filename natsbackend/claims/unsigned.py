"""Claims that wait for their signature."""

from __future__ import annotations

from dataclasses import dataclass

from natsbackend.claims.codec import Claims


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsigned:
    """Claims with the spec path they belong to and the path of the key that must sign them."""

    path: str
    claims: Claims
    issuer_path: str
    issuer: str
    """The public key of the issuer."""
