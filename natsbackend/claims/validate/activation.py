"""Activation tokens (`activation_claims.go`)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from natsbackend import keys
from natsbackend.claims.envelope import Token, TokenKind
from natsbackend.claims.validate.decoded import decoded
from natsbackend.claims.validate.finding import Findings
from natsbackend.claims.validate.subjects import check_subject
from natsbackend.keys import KeyRole


def check_activation(
    nats: Mapping[str, Any], found: Findings, *, type_rule: str = "activation-import-type"
) -> None:
    """Judge the `nats` part of an activation. Inside an import a missing type goes by another rule id."""
    if not nats.get("kind"):
        found.error(type_rule, 'invalid import type: "unknown"')
    check_subject(nats.get("subject", ""), found)
    issuer = nats.get("issuer_account")
    if issuer and not keys.is_public(issuer, KeyRole.ACCOUNT):
        found.error("activation-issuer-account", "account_id is not an account public key")


def hash_id(token: Token) -> str | None:
    """Return the library's hash of who activates what for whom, or None (`ActivationClaims.HashID`).

    It is made of issuer, subject and the subject's tokens before its first wildcard. Only an activation that
    has all three has one.
    """
    if token.kind is not TokenKind.ACTIVATION:
        return None
    subject = decoded(token).get("nats", {}).get("subject", "")
    if not (token.issuer and token.subject and subject):
        return None
    base = f"{token.issuer}.{token.subject}.{_fixed_part(subject)}"
    return base64.b32encode(hashlib.sha256(base.encode()).digest()).decode("ascii")


def _fixed_part(subject: str) -> str:
    tokens = subject.split(".")
    wildcard = next((place for place, token in enumerate(tokens) if token in ("*", ">")), None)
    if wildcard == 0:
        return "_"
    # `cleanSubject` takes the whole subject where nothing is left before the wildcard, as in `.*`
    return ".".join(tokens[:wildcard]) or subject
