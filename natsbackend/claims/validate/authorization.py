"""Requests and responses of external authorization (`authorization_claims.go`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from natsbackend import keys
from natsbackend.claims.gotext import quoted
from natsbackend.claims.validate.finding import Findings
from natsbackend.keys import KeyRole


def check_request(nats: Mapping[str, Any], found: Findings) -> None:
    """Judge the `nats` part of a request."""
    key = nats["user_nkey"]
    if not key:
        found.error("authorization-request-user-nkey-required", "User nkey is required")
    elif not keys.is_public(key, KeyRole.USER):
        message = f"User nkey {quoted(key)} is not a valid user public key"
        found.error("authorization-request-user-nkey", message)


def check_response(claims: Mapping[str, Any], nats: Mapping[str, Any], found: Findings) -> None:
    """Judge a response, its subject and audience too."""
    rule = "authorization-response"
    if not keys.is_public(claims.get("sub"), KeyRole.USER):
        found.error(f"{rule}-subject", "Subject must be a user public key")
    if not keys.is_public(claims.get("aud"), KeyRole.SERVER):
        found.error(f"{rule}-audience", "Audience must be a server public key")
    token, error = nats.get("jwt"), nats.get("error")
    if not error and not token:
        found.error(f"{rule}-empty", "Error or Jwt is required")
    if error and token:
        found.error(f"{rule}-both", "Only Error or Jwt can be set")
    issuer = nats.get("issuer_account")
    if issuer and not keys.is_public(issuer, KeyRole.ACCOUNT):
        found.error(f"{rule}-issuer-account", "issuer_account is not an account public key")
