"""The two sides of a comparison: payloads of JWTs as plain JSON, and a quick way to see that they are equal."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping

from natsbackend.claims.codec import Token, canonical_json, payload_bytes
from natsbackend.claims.envelope import segment, split
from natsbackend.claims.unsigned import Unsigned

Payload = Mapping[str, object]

_ISSUED = re.compile(
    rb'(\{(?:"aud":"(?:[^"\\]|\\.)*",)?(?:"exp":[0-9]+,)?)"jti":"[A-Za-z0-9_-]*","iat":[0-9]+,'
)
"""The beginning of a payload in the order of the wire, up to the members that each signing changes."""


def wanted_payload(unsigned: Unsigned) -> Payload:
    """Return the payload that claims would have, `iat` and `jti` left out."""
    payload: dict[str, object] = json.loads(payload_bytes(unsigned.claims, unsigned.issuer, 0))
    del payload["jti"]
    return payload


def held_payload(token: Token) -> Payload:
    """Return the payload of a token, `iat` and `jti` left out."""
    return {name: value for name, value in token.claims.items() if name not in ("iat", "jti")}


def held_digest(token: Token) -> str:
    """Return what `claims_digest` gives for the claims of a token, without building them again.

    A payload that is not written in Go's order has another digest than the same claims written here; it is then
    compared word by word.
    """
    return quick_digest(token.text) or _digest(canonical_json(held_payload(token)))


def quick_digest(text: str) -> str:
    """Return the same of the text of a token, unread; empty for a payload that is not written in Go's order.

    Raises:
        ClaimsError: it is no token.
    """
    raw = segment(split(text)[1], "payload")
    plain, found = _ISSUED.subn(rb"\1", raw, count=1)
    return _digest(plain) if found and raw.startswith(b"{") else ""


def _digest(plain: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(plain).digest()).decode("ascii").rstrip("=")
