"""`claims:`, the members of a JWT as they are: for what a later nats-server reads and the spec has no word for.

A member that has a word, or that everything else decides, is refused: it could be said twice, or undo what the tool
does. Go honours member names in any case of their letters, so they are compared as Go folds them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from natsbackend.spec.shape import becomes
from natsbackend.spec.units import refuse

_DESCRIPTION = (
    "Members for the JWT as they are, for what a later nats-server reads and the spec has no word for."
)

WORDS_OF_ACCOUNTS = {
    "imports": "imports",
    "exports": "exports",
    "limits": "limits",
    "signing_keys": "signing_keys",
    "revocations": "revocations",
    "default_permissions": "default_permissions",
    "mappings": "mappings",
    "authorization": "external_authorization",
    "trace": "trace",
    "cluster_traffic": "cluster_traffic",
    "description": "description",
    "info_url": "info_url",
    "tags": "tags",
}
"""The word of the spec for each member that the format knows of an account (Go library, `account_claims.go`)."""

WORDS_OF_OPERATORS = {
    "signing_keys": "signing_keys",
    "account_server_url": "account_server_url",
    "operator_service_urls": "service_urls",
    "system_account": "system_account",
    "assert_server_version": "assert_server_version",
    "strict_signing_key_usage": "require_signing_keys",
    "tags": "tags",
}
"""The same for the operator (`operator_claims.go`)."""

_DECIDED = frozenset({"type", "version"})


def refuse_known(
    words: Mapping[str, str], decided: frozenset[str]
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a validator that refuses what has a word or is decided, and what JSON cannot say."""

    def check(members: dict[str, Any]) -> dict[str, Any]:
        for name, value in members.items():
            known = name.casefold()
            if known in words:
                raise refuse(f"the claim {name[:60]!r} has a word", f"write `{words[known]}` instead")
            if known in decided:
                raise refuse(f"the claim {name[:60]!r} is decided by the rest of the spec", "take it out")
            if _has_infinity(value):
                hint = "write a finite one"
                raise refuse(f"the claim {name[:60]!r} holds a number that JSON does not have", hint)
        return members

    return check


def _has_infinity(value: object) -> bool:
    if isinstance(value, dict | list):
        return any(map(_has_infinity, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and not math.isfinite(value)


AccountClaims = Annotated[dict[str, Any], AfterValidator(refuse_known(WORDS_OF_ACCOUNTS, _DECIDED))]
OperatorClaims = Annotated[dict[str, Any], AfterValidator(refuse_known(WORDS_OF_OPERATORS, _DECIDED))]
RAW_CLAIMS: Any = Field(
    default={},
    description="Members for the JWT as they are, for what a later nats-server reads and the spec has no word for.",
    examples=[{"later": {"words": ["one"]}}],
    json_schema_extra=becomes("nats.*"),
)
"""What all fields of raw claims say about themselves."""
