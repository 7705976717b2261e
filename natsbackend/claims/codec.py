"""Tokens: claims to canonical JSON to a signed text, and back. The only door to PyJWT.

A token is `header.payload.signature`, each part base64url without padding. What is written here is byte for
byte what the Go library (github.com/nats-io/jwt/v2 v2.8.2) writes for the same claims; the same claims, key
and `iat` always give the same bytes. PyJWT writes. Reading is done here, because NATS reads otherwise than
RFC 7519: `alg` in any case, no padding, and version 1 signed over the payload alone.

The order of the members of `nats` is the caller's. Go sorts what it keeps in a map (revocations, mappings,
tiers), signing keys by key, and imports and exports by subject.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn, cast

from jwt import PyJWS
from jwt.algorithms import Algorithm
from jwt.utils import base64url_encode

from natsbackend import keys
from natsbackend.claims.envelope import (
    ALGORITHM,
    ISSUERS,
    MAX_TOKEN_SIZE,
    OLD_ALGORITHM,
    SUBJECTS,
    VERSION,
    Claims,
    Token,
    TokenKind,
    is_signed,
    kind_and_version,
    may_issue,
    segment,
    split,
    text_of,
    token_of,
)
from natsbackend.claims.schema import check_header, check_payload, parse_object
from natsbackend.errors import ClaimsError
from natsbackend.keys import KeyPair, KeyRole

__all__ = [
    "HEADER_PART",
    "Claims",
    "Draft",
    "Token",
    "TokenKind",
    "canonical_json",
    "claims_digest",
    "decode",
    "expected_jti",
    "jti",
    "payload_bytes",
    "read_unverified",
    "reuse",
    "sign",
]

# --- writing ---


def canonical_json(value: object) -> bytes:
    """Return the bytes Go's `encoding/json` writes for texts, integers, booleans, null, lists and objects.

    Compact, members in their order; `<`, `>`, `&` and U+2028/9 escaped, other text raw. A float is written as
    Python does: no claim of NATS holds one. Raises ClaimsError if JSON cannot carry the value.
    """
    try:
        text = _ENCODER.encode(value)
        # outside of texts JSON has none of these characters, so the whole can be searched
        for character, escaped in _HTML_ESCAPES:
            text = text.replace(character, escaped)
        return text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise ClaimsError(f"claims hold what JSON cannot carry ({type(error).__name__})") from None


def jti(envelope: Mapping[str, object]) -> str:
    """Return the id Go gives to a token with these members around `nats`, in the order of the wire.

    The `jti` itself is left out, and `nats` is not hashed: two contents for one subject, signed by one key
    in one second, have the same id.
    """
    return keys.base32(hashlib.new("sha512_256", canonical_json(envelope)).digest())


def expected_jti(token: Token) -> str:
    """Return the `jti` that Go would have given to a token."""
    return jti({key: token.claims[key] for key in _ENVELOPE if key != "jti" and token.claims.get(key)})


class Draft:
    """Claims that an issuer, by its public key, is to sign.

    Digest and token both hold `nats`, which is put into JSON here, once. Raises ClaimsError if JSON cannot carry it.
    """

    __slots__ = ("_claims", "_issuer", "_json", "_nats")

    def __init__(self, claims: Claims, issuer: str) -> None:
        self._claims = claims
        self._issuer = issuer
        self._nats = _nats(claims)
        self._json = canonical_json(self._nats)

    def digest(self) -> str:
        """Return the SHA-256, base64url without padding, of all that a token says except when it was issued."""
        return _base64url(hashlib.sha256(self._around(_envelope(self._claims, self._issuer, 0))).digest())

    def payload(self, issued_at: int) -> bytes:
        """Return the payload of a token, `jti` and all. The same draft and time always give the same bytes."""
        envelope = _envelope(self._claims, self._issuer, issued_at)
        envelope["jti"] = jti(envelope)
        return self._around({key: envelope[key] for key in _ENVELOPE if key in envelope})

    def sign(self, issuer: KeyPair, issued_at: int) -> str:
        """Return the token, issued by the key pair of the issuer at a time in Unix seconds.

        Raises ClaimsError if such a key may not issue this kind, the subject is no key of the right role, a
        member has a type the server would refuse, or the token is longer than the server reads.
        """
        if issuer.public != self._issuer:
            raise ValueError("this is the key of another issuer")
        self._check(issuer.role, issued_at)
        # PyJWT hands the key to our algorithm as it is; its own key types are those of its own algorithms
        key = cast("Any", issuer)
        text = _JWS.encode(self.payload(issued_at), key, algorithm=ALGORITHM, sort_headers=False)
        if len(text) > MAX_TOKEN_SIZE:
            what = f"{self._claims.kind} {self._claims.name!r}"
            message = f"the token of {what} has {len(text)} bytes, servers read {MAX_TOKEN_SIZE}"
            raise ClaimsError(message, rule="decode-token-size")
        return text

    def is_signed_as(self, token: str, issued_at: int) -> bool:
        """Tell whether a token is, byte for byte, what `sign` would make of this. No seed is needed."""
        signing_input = f"{HEADER_PART}.{_base64url(self.payload(issued_at))}"
        written, _, signature = token.rpartition(".")
        if written != signing_input or not _CANONICAL_SIGNATURE.fullmatch(signature):
            return False
        if not is_signed(self._issuer, signing_input, signature):
            return False
        try:
            self._check(keys.public_role(self._issuer), issued_at)
        except ClaimsError:
            return False
        return True

    def _check(self, role: KeyRole, issued_at: int) -> None:
        envelope = _envelope(self._claims, self._issuer, issued_at)
        _check(self._claims, role, {**envelope, "nats": self._nats})

    def _around(self, envelope: Mapping[str, object]) -> bytes:
        """Return the payload with these members before `nats`."""
        members = canonical_json(envelope)[1:-1]
        return b'{%b%b"nats":%b}' % (members, b"," if members else b"", self._json)


def claims_digest(claims: Claims, issuer: str) -> str:
    """Return the digest of claims that an issuer is to sign; see `Draft.digest`."""
    return Draft(claims, issuer).digest()


def payload_bytes(claims: Claims, issuer: str, issued_at: int) -> bytes:
    """Return the payload of the token of claims; see `Draft.payload`."""
    return Draft(claims, issuer).payload(issued_at)


def sign(claims: Claims, issuer: KeyPair, issued_at: int) -> str:
    """Return the token of claims; see `Draft.sign`, also for what it raises."""
    return Draft(claims, issuer.public).sign(issuer, issued_at)


def reuse(token: str, claims: Claims, issuer: str, issued_at: int) -> bool:
    """Tell whether a token is what `sign` would make of this; see `Draft.is_signed_as`."""
    return Draft(claims, issuer).is_signed_as(token, issued_at)


# --- reading ---


def decode(text: str, *, verify: bool = True) -> Token:
    """Read a token as the server does: form, types, version, signature and the role of the issuer's key.

    Line ends behind the token are cut off. Without `verify` the signature alone is not looked at. Whether
    the token has expired, and whether its issuer is trusted, are other questions. Raises ClaimsError with
    the rule of decoding that is broken; the message never holds the token.
    """
    text = text.rstrip("\r\n")
    head, body, signature = split(text)
    header = parse_object(segment(head, "header"), "header")
    _check_header(header)
    payload = parse_object(segment(body, "payload"), "payload")
    token = token_of(text, header, payload)
    _check_version(token)
    check_payload(token.kind, token.version, payload)
    segment(signature, "signature")
    if verify:
        _check_signature(token, body)
    if not may_issue(token.kind, token.issuer):
        message = f"{_a(token.kind)} token is issued by {_issuers(token.kind)} key, and this one is not"
        raise ClaimsError(message, rule="decode-issuer-prefix")
    return token


def read_unverified(text: str) -> Token:
    """Read a token for judging it: three parts of base64url with a JSON object in the middle is all it takes.

    What has the wrong type reads as absent, and a header that cannot be read as empty. Raises ClaimsError
    if not even that much can be read.
    """
    text = text.rstrip("\r\n")
    head, body, signature = split(text)
    raw_header = segment(head, "header")
    payload = parse_object(segment(body, "payload"), "payload")
    segment(signature, "signature")
    try:
        header = parse_object(raw_header, "header")
    except ClaimsError:
        header = {}
    return token_of(text, header, payload)


# --- helpers of writing ---


class _Nkey(Algorithm):
    """Ed25519 with the keys of NATS, as an algorithm of PyJWT."""

    def prepare_key(self, key: Any) -> Any:
        return key

    def sign(self, msg: bytes, key: KeyPair) -> bytes:
        return key.sign(msg)

    def verify(self, msg: bytes, key: str, sig: bytes) -> bool:
        return keys.verify(key, msg, sig)

    @staticmethod
    def to_jwk(key_obj: Any, as_dict: bool = False) -> NoReturn:
        raise NotImplementedError("an nkey has no JWK form")

    @staticmethod
    def from_jwk(jwk: Any) -> NoReturn:
        raise NotImplementedError("an nkey has no JWK form")


_JWS = PyJWS(algorithms=[])  # none of PyJWT's own algorithms, least of all "none"
_JWS.register_algorithm(ALGORITHM, _Nkey())

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_HTML_ESCAPES = tuple((c, f"\\u{ord(c):04x}") for c in "<>&\u2028\u2029")

_ENVELOPE = ("aud", "exp", "jti", "iat", "iss", "name", "nbf", "sub")
"""The order of the members around `nats` (`ClaimsData`); empty ones are left out."""


def _base64url(raw: bytes) -> str:
    return base64url_encode(raw).decode("ascii")


HEADER_PART = _base64url(b'{"typ":"JWT","alg":"%s"}' % ALGORITHM.encode("ascii"))
"""The first part of every token that is written here, or by the Go library."""

_CANONICAL_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{85}[AQgw]")
"""64 bytes; the last character carries four bits that Go writes as zero and does not look at."""


def _envelope(claims: Claims, issuer: str, issued_at: int) -> dict[str, object]:
    members = {
        "aud": claims.audience,
        "exp": claims.expires,
        "iat": issued_at,
        "iss": issuer,
        "name": claims.name,
        "nbf": claims.not_before,
        "sub": claims.subject,
    }
    return {key: value for key, value in members.items() if value}


def _nats(claims: Claims) -> dict[str, object]:
    members = dict(claims.nats)
    if claims.kind is not TokenKind.GENERIC:
        return members | {"type": claims.kind.value, "version": VERSION}
    members["version"] = VERSION
    return {key: _sorted(members[key]) for key in sorted(members)}


def _sorted(value: object) -> object:
    """Order the members of every object: what Go keeps in a map comes out by name."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [_sorted(item) for item in value]
    return value


def _check(claims: Claims, issuer: KeyRole, payload: Mapping[str, object]) -> None:
    """Refuse what Go would not write or the server would not read."""
    kind = claims.kind
    if issuer is KeyRole.CURVE or issuer not in ISSUERS.get(kind, KeyRole):
        message = f"{_a(kind)} token is issued by {_issuers(kind)} key, not by {_a(issuer.noun)} key"
        raise ClaimsError(message, rule="decode-issuer-prefix")
    role = SUBJECTS.get(kind)
    if role is not None and not keys.is_public(claims.subject, role):
        message = f"the subject of {kind} {claims.name!r} is not {_a(role.noun)} public key"
        raise ClaimsError(message, rule="encode-subject")
    if not claims.subject:
        raise ClaimsError(f"{_a(kind)} token needs a subject", rule="encode-subject")
    if _names_its_type(claims):
        message = f"type and version of {kind} {claims.name!r} are not among its claims to choose"
        raise ClaimsError(message, rule="encode-type")
    check_payload(kind, VERSION, payload)


def _names_its_type(claims: Claims) -> bool:
    if claims.kind is TokenKind.GENERIC:  # may have a type of its own, but not pass for another kind
        return text_of(claims.nats.get("type")) in ISSUERS
    return "type" in claims.nats or "version" in claims.nats


# --- helpers of reading ---


def _check_header(header: Mapping[str, object]) -> None:
    check_header(header)
    if text_of(header.get("typ")).upper() != "JWT":
        raise ClaimsError('the header of the token does not say "typ": "JWT"', rule="decode-header-type")
    if text_of(header.get("alg")).lower() not in (ALGORITHM, OLD_ALGORITHM):
        message = f'the header of the token does not say "alg": "{ALGORITHM}"'
        raise ClaimsError(message, rule="decode-header-algorithm")


def _check_version(token: Token) -> None:
    if token.version > VERSION:
        message = f"the token is of version {token.version}; this reads up to version {VERSION}"
        raise ClaimsError(message, rule="decode-version-newer")
    if kind_and_version(token.claims)[0] in ("cluster", "server"):
        raise ClaimsError("cluster and server tokens are not supported", rule="decode-kind-unsupported")
    if token.version < 1 and token.kind in SUBJECTS:
        raise ClaimsError(f"{_a(token.kind)} token of no known version", rule="decode-version-unsupported")


def _check_signature(token: Token, body: str) -> None:
    # Go reads an unknown kind the version 1 way, whatever the header says (`loadClaims` gives -1)
    old = token.kind is TokenKind.GENERIC or token.version < VERSION
    signed = body if old else token.signing_input
    if not is_signed(token.issuer, signed, token.text.rpartition(".")[2]):
        raise ClaimsError(
            "the signature does not fit the token and its issuer",
            rule="decode-signature-v1" if old else "decode-signature-v2",
            hint="the token was changed, or made with another key than it says",
        )


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def _issuers(kind: TokenKind) -> str:
    return " or ".join(_a(role.noun) for role in ISSUERS.get(kind, KeyRole))
