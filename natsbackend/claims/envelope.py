"""The outside of a token: its three parts, its kind and version, who may issue it, what its signature covers.

Nothing here judges or writes a whole token; `codec` does.
"""

from __future__ import annotations

import base64
import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from natsbackend import keys
from natsbackend.errors import ClaimsError, InvalidKey
from natsbackend.keys import KeyRole

MAX_TOKEN_SIZE = 1024 * 1024
"""The longest token in bytes that the server reads (jwt v2.8.1 `decoder.go`)."""

ALGORITHM = "ed25519-nkey"
OLD_ALGORITHM = "ed25519"
"""What version 1 wrote; the server still reads either name with either version."""

VERSION = 2
"""The version that is written."""


class TokenKind(enum.StrEnum):
    """What a token speaks of; the values are the wire's. Any type of one's own, and none, is generic."""

    OPERATOR = "operator"
    ACCOUNT = "account"
    USER = "user"
    ACTIVATION = "activation"
    AUTHORIZATION_REQUEST = "authorization_request"
    AUTHORIZATION_RESPONSE = "authorization_response"
    GENERIC = "generic"


ISSUERS = {
    TokenKind.OPERATOR: (KeyRole.OPERATOR,),
    TokenKind.ACCOUNT: (KeyRole.OPERATOR, KeyRole.ACCOUNT),
    TokenKind.USER: (KeyRole.ACCOUNT,),
    TokenKind.ACTIVATION: (KeyRole.ACCOUNT, KeyRole.OPERATOR),
    TokenKind.AUTHORIZATION_REQUEST: (KeyRole.SERVER,),
    TokenKind.AUTHORIZATION_RESPONSE: (KeyRole.ACCOUNT,),
}
"""Whose keys may sign a kind, by role alone (Go's `ExpectedPrefixes`). Any key may sign a generic token."""

SUBJECTS = {
    TokenKind.OPERATOR: KeyRole.OPERATOR,
    TokenKind.ACCOUNT: KeyRole.ACCOUNT,
    TokenKind.USER: KeyRole.USER,
    TokenKind.ACTIVATION: KeyRole.ACCOUNT,
}
"""Whose key the subject must be. Go looks at it when it writes, never when it reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What is to be signed: everything but issuer, `iat` and `jti`."""

    kind: TokenKind
    subject: str
    name: str
    nats: Mapping[str, object] = field(repr=False)
    """The members of `nats` in the order of the wire, tags last; without `type` and `version`."""
    expires: int = 0
    """Unix seconds; 0 is never."""
    not_before: int = 0
    """Unix seconds; 0 is at once."""
    audience: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token that was read. `text` may be all it takes to log in, so no part of it is shown."""

    text: str = field(repr=False)
    kind: TokenKind
    version: int
    """`nats.version`, 0 if there is none; 1 whenever there is a `type` beside `nats`."""
    header: Mapping[str, object] = field(compare=False)
    claims: Mapping[str, object] = field(compare=False, repr=False)
    """The payload as it stands, envelope and `nats`; a null counts as absent."""
    issuer: str
    subject: str
    name: str
    issued_at: int
    """Unix seconds, like the next two; 0 if absent."""
    expires: int
    not_before: int
    jti: str

    @property
    def nats(self) -> Mapping[str, object]:
        """The member `nats`, empty if there is none."""
        return _object(self.claims.get("nats"))

    @property
    def signing_input(self) -> str:
        """The part of the text that the signature covers: version 1 left the header out."""
        whole = self.text.rpartition(".")[0]
        if self.kind is TokenKind.GENERIC:
            old = text_of(self.header.get("alg")).lower() == OLD_ALGORITHM
        else:
            old = self.version < VERSION
        return whole.partition(".")[2] if old else whole

    @property
    def signature_is_valid(self) -> bool:
        """Whether the key in `iss` made the signature. Whether to trust that key is another question."""
        return is_signed(self.issuer, self.signing_input, self.text.rpartition(".")[2])


_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


def split(text: str) -> tuple[str, str, str]:
    """Take a token apart into header, payload and signature. Raises ClaimsError if it cannot be."""
    if len(text) > MAX_TOKEN_SIZE:
        message = f"the token has {len(text)} bytes; servers read at most {MAX_TOKEN_SIZE}"
        raise ClaimsError(message, rule="decode-token-size")
    parts = text.split(".", 3)
    if len(parts) != 3:
        raise ClaimsError("not a token: it does not have three parts", rule="decode-chunks")
    return parts[0], parts[1], parts[2]


def segment(part: str, what: str) -> bytes:
    """Decode one part; `what` names it in errors. As in Go, spare bits of the last character are ignored."""
    if len(part) % 4 == 1 or not _BASE64URL.fullmatch(part):
        raise ClaimsError(f"the {what} of the token is not base64url without padding", rule="decode-base64")
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def token_of(text: str, header: Mapping[str, object], payload: Mapping[str, object]) -> Token:
    """Put together a token from its text and what was read of it; what has the wrong type reads as absent."""
    kind, version = kind_and_version(payload)
    return Token(
        text=text,
        kind=TokenKind(kind) if kind in ISSUERS else TokenKind.GENERIC,
        version=version,
        header=header,
        claims=payload,
        issuer=text_of(payload.get("iss")),
        subject=text_of(payload.get("sub")),
        name=text_of(payload.get("name")),
        issued_at=_number(payload.get("iat")),
        expires=_number(payload.get("exp")),
        not_before=_number(payload.get("nbf")),
        jti=text_of(payload.get("jti")),
    )


def kind_and_version(payload: Mapping[str, object]) -> tuple[str, int]:
    """Return the type and version a payload says it has: `type` beside `nats` is the mark of version 1."""
    old = text_of(payload.get("type"))
    if old:
        return old, 1
    nats = _object(payload.get("nats"))
    kind, version = text_of(nats.get("type")), nats.get("version")
    if version is None or type(version) is int:
        return kind, _number(version)
    return kind, VERSION  # a version of the wrong type: judged as the form whose signature covers everything


def is_signed(issuer: str, signing_input: str, signature: str) -> bool:
    """Tell whether a signature, as it stands in a token, was made over a text by the key `issuer`."""
    try:
        return keys.verify(issuer, signing_input.encode("ascii"), segment(signature, "signature"))
    except (InvalidKey, ClaimsError):
        return False


def may_issue(kind: TokenKind, issuer: str) -> bool:
    """Tell whether a public key has a role that may sign this kind."""
    roles = ISSUERS.get(kind)
    return roles is None or any(keys.is_public(issuer, role) for role in roles)


def text_of(value: object) -> str:
    """Return a text, or an empty one for anything else."""
    return value if isinstance(value, str) else ""


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
