"""Judge tokens and creds: what they say, whether they decode, and all that is wrong with them.

Three judges, kept apart. The decoder says whether nats-server reads a token at all. The official validator says
what the JWT library finds, and nothing else is ever put among its errors and warnings. Advice is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from natsbackend.claims.advice import Advice, advise
from natsbackend.claims.codec import decode, expected_jti, read_unverified
from natsbackend.claims.creds import parse_creds
from natsbackend.claims.envelope import Token, TokenKind
from natsbackend.claims.shapes import MismatchError, free
from natsbackend.claims.validate import Finding, hash_id, validate
from natsbackend.errors import ClaimsError, InvalidKey
from natsbackend.keys import KeyPair

CREDS_CHECKS: Mapping[str, str] = {
    "creds-kind": "What stands in creds in the place of the token is not a user's.",
    "creds-seed": "The seed in creds is missing, damaged, or that of another key than the token's subject.",
}
"""The checks of creds by their ids; those of tokens are in `natsbackend.claims.advice`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CredsVerdict:
    """What was found in a file beside the token. The seed itself is not kept."""

    seed_public: str | None
    """The public key of the seed; None if there is no seed, or a damaged one."""
    seed_error: str | None
    seed_matches: bool
    """The seed is that of the token's subject."""
    usable: bool
    """A user token that decodes, with its own seed: a client can log in with it."""
    expected: bool
    """The text looks as if a seed belonged to it. A token alone in a file is no broken creds file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """One token, judged at one moment."""

    token: Token | None = field(repr=False)
    """As much of it as could be read; None if that was nothing."""
    decode_error: ClaimsError | None
    findings: tuple[Finding, ...] = ()
    """The official validator's; none if the token does not decode."""
    advice: tuple[Advice, ...] = ()
    creds: CredsVerdict | None = None
    """None if only a token was asked about."""

    @property
    def sound(self) -> bool:
        """Whether a server would take the token at this moment, and creds would work.

        It decodes, the validator finds no error, it has not expired and is already valid. Warnings that are not
        about time, and advice about the token, do not count.
        """
        whole = self.creds is None or self.creds.usable or not self.creds.expected
        return (
            self.decode_error is None and whole and not any(f.blocking or f.time_check for f in self.findings)
        )

    def to_json(self) -> dict[str, Any]:
        """Return the answer as JSON. It holds the claims, but neither the token nor a seed."""
        token, error = self.token, self.decode_error
        out: dict[str, Any] = {
            "kind": token.kind.value if token else None,
            "subject": token.subject if token else None,
            "issuer": token.issuer if token else None,
            "name": token.name if token else None,
            "decodes": error is None,
            "decode_error": error.message if error else None,
            "valid_signature": token is not None and token.signature_is_valid,
            "expires": (token.expires or None) if token else None,
            "claims": dict(token.claims) if token else None,
            "jti_ok": token.jti == expected_jti(token) if token and error is None else None,
            "errors": [_issue(f) for f in self.findings if f.blocking],
            "warnings": [_issue(f) for f in self.findings if not f.blocking],
            "advice": [{"check": a.check, "message": a.message} for a in self.advice],
            "sound": self.sound,
            "hash_id": hash_id(token) if token and error is None else None,
        }
        if error is not None:
            out["errors"] = [{"rule": error.rule, "message": error.message}]
        return out | (_creds_json(self.creds) if self.creds else {})


def _issue(finding: Finding) -> dict[str, str]:
    return {"rule": finding.rule, "message": finding.message}


def _creds_json(creds: CredsVerdict) -> dict[str, Any]:
    return {
        "seed_ok": creds.seed_public is not None,
        "seed_error": creds.seed_error,
        "seed_public": creds.seed_public,
        "seed_matches": creds.seed_matches,
        "usable": creds.usable,
    }


def inspect_token(text: str, *, now: int) -> Inspection:
    """Judge one token. Whatever the text is, there is an answer.

    Args:
        text: the token; line ends behind it do not matter.
        now: Unix seconds, for the time checks.

    """
    try:
        token = decode(text)
    except ClaimsError as error:
        return Inspection(token=_as_far_as_it_reads(text), decode_error=error)
    return Inspection(
        token=token,
        decode_error=None,
        findings=validate(token, now=now),
        advice=advise(token, now=now),
    )


def inspect_text(text: str, *, now: int) -> Inspection:
    """Judge what stands in a file: a token, decorated or not, or creds with their seed."""
    found = parse_creds(text)
    # without a block the whole text is the token, and says best itself why it is none
    judged = inspect_token(found.jwt if found.jwt is not None else text, now=now)
    seen = _judge_seed(judged, found.seed, expected=found.seed is not None or "SEED-----" in text)
    return Inspection(
        token=judged.token,
        decode_error=judged.decode_error,
        findings=judged.findings,
        advice=(*judged.advice, *_creds_advice(judged, seen)),
        creds=seen,
    )


def _as_far_as_it_reads(text: str) -> Token | None:
    try:
        token = read_unverified(text)
        free(dict(token.claims))  # deeper than this it cannot be written out again
    except (ClaimsError, MismatchError):
        return None
    return token


def _judge_seed(judged: Inspection, seed: str | None, *, expected: bool) -> CredsVerdict:
    public, error = None, "no seed was found"
    if seed is not None:
        try:
            public, error = KeyPair.from_seed(seed).public, ""
        except InvalidKey as invalid:
            error = invalid.message
    token = judged.token if judged.decode_error is None else None
    matches = token is not None and public == token.subject
    return CredsVerdict(
        seed_public=public,
        seed_error=error or None,
        seed_matches=matches,
        usable=matches and token is not None and token.kind is TokenKind.USER,
        expected=expected,
    )


def _creds_advice(judged: Inspection, creds: CredsVerdict) -> tuple[Advice, ...]:
    if not creds.expected or judged.token is None or judged.decode_error is not None:
        return ()
    kind = judged.token.kind
    if kind is not TokenKind.USER:
        message = f"the token is of kind {kind.value}; a client logs in with a user's"
        return (Advice(check="creds-kind", message=message),)
    if creds.seed_error is not None:
        return (Advice(check="creds-seed", message=creds.seed_error),)
    if not creds.seed_matches:
        message = f"the seed is that of {creds.seed_public}, and the token is for another key"
        return (Advice(check="creds-seed", message=message),)
    return ()
