"""The official validator: what `Validate()` of github.com/nats-io/jwt/v2 v2.8.2 finds in one token, and no more.

Rule by rule as the library has it, kind by kind, over what it holds after decoding. It knows one token alone:
whether an import has an export, whether a template of a scope makes sense, whether a connection type exists,
is not asked here (`natsbackend.claims.advice` asks some of it).

Stricter than the library in one point: a public key must have its 56 characters, where Go takes other lengths
whose checksum fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from natsbackend import keys
from natsbackend.claims.envelope import Token, TokenKind
from natsbackend.claims.validate.account import check_account
from natsbackend.claims.validate.activation import check_activation, hash_id
from natsbackend.claims.validate.authorization import check_request, check_response
from natsbackend.claims.validate.decoded import decoded
from natsbackend.claims.validate.finding import Finding, Findings
from natsbackend.claims.validate.operator import check_operator
from natsbackend.claims.validate.permissions import check_permissions, check_user_limits
from natsbackend.keys import KeyRole

__all__ = ["Finding", "decoded", "hash_id", "validate"]


def validate(token: Token, *, now: int) -> tuple[Finding, ...]:
    """Return what the official validator finds in a token that `codec.decode` has accepted.

    Args:
        token: of any kind and version; version 1 is judged as what it is migrated to.
        now: Unix seconds, for the time checks.

    """
    found = Findings()
    claims = decoded(token)
    _check_times(claims, now, found)
    nats = claims.get("nats", {})
    match token.kind:
        case TokenKind.OPERATOR:
            check_operator(nats, found)
        case TokenKind.ACCOUNT:
            check_account(nats, token.subject, token.issuer, found)
        case TokenKind.USER:
            _check_user(nats, found)
        case TokenKind.ACTIVATION:
            check_activation(nats, found)
        case TokenKind.AUTHORIZATION_REQUEST:
            check_request(nats, found)
        case TokenKind.AUTHORIZATION_RESPONSE:
            check_response(claims, nats, found)
        case TokenKind.GENERIC:
            pass
    return tuple(found.issues)


def _check_times(claims: Mapping[str, Any], now: int, found: Findings) -> None:
    if 0 < claims.get("exp", 0) < now:
        found.time_check("time-expired", "claim is expired")
    if claims.get("nbf", 0) > now:
        found.time_check("time-not-yet-valid", "claim is not yet valid")


def _check_user(nats: Mapping[str, Any], found: Findings) -> None:
    check_permissions(nats, found)
    check_user_limits(nats, found)
    issuer = nats.get("issuer_account")
    if issuer and not keys.is_public(issuer, KeyRole.ACCOUNT):
        found.error("user-issuer-account", "account_id is not an account public key")
