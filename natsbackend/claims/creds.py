"""The text of creds files and decorated tokens, byte for byte as the Go library has it (`creds_utils.go`).

Nothing here opens a file. The text of creds is a secret: it goes into a 0600 file or nowhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from natsbackend.claims.codec import TokenKind, decode
from natsbackend.errors import ClaimsError
from natsbackend.keys import KeyPair

_DASHES = "---"
_BODY = re.compile(r"[A-Za-z0-9_.=-]+")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_SEED_STARTS = ("SO", "SA", "SU")

_SEED_PART = """\
************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.
NKEYs are sensitive and should be treated as secrets.

-----BEGIN USER NKEY SEED-----
{seed}
------END USER NKEY SEED------

*************************************************************
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Creds:
    """What was found in the text of creds. Nothing of it is checked yet, and nothing of it is shown."""

    jwt: str | None = field(repr=False)
    """What stands where the token belongs, if it has the form of one."""
    seed: str | None = field(repr=False)
    """What stands where the seed belongs, if it begins like one of an operator, account or user."""


def decorate(kind: TokenKind, jwt: str) -> str:
    """Put the BEGIN and END lines around a token, with the blank line that follows them.

    Raises ClaimsError if the text does not have the form of a token. A resolver does not take decorated
    tokens.
    """
    if not _TOKEN.fullmatch(jwt):
        raise ClaimsError("not a token: it is not three parts of base64url on one line", rule="decode-chunks")
    noun = kind.upper()
    return f"-----BEGIN NATS {noun} JWT-----\n{jwt}\n------END NATS {noun} JWT------\n\n"


def format_creds(jwt: str, key: KeyPair) -> str:
    """Return the text of a creds file for a user token and the key of its subject. It holds the seed.

    Raises ClaimsError if the token does not decode, is not a user's, or has another key as its subject.
    """
    token = decode(jwt)
    if token.kind is not TokenKind.USER:
        raise ClaimsError(
            f"creds hold a user token, not the token of kind {token.kind.value!r}", rule="creds-kind"
        )
    if token.subject != key.public:
        message = f"the seed of {key.public} does not belong to the token, whose subject is another key"
        raise ClaimsError(message, rule="creds-seed")
    return format_creds_unverified(token.text, key)


def format_creds_unverified(jwt: str, key: KeyPair) -> str:
    """Return what `format_creds` returns for a user token and the key of its subject, and take it that they are.

    For tokens that this process signed, or compared with what it would sign: nothing is decoded, and no signature
    is verified, which would cost as much as making it. Raises ClaimsError if the text does not have the form of a
    token.
    """
    return decorate(TokenKind.USER, jwt) + _SEED_PART.format(seed=key.reveal_seed())


def parse_creds(text: str) -> Creds:
    """Find token and seed in the text of creds, by the rules of the Go library. Never raises.

    The first block is the token, the second the seed. Without a block the whole text is the token; with
    fewer than two, the first line that begins like a seed is the seed. Lines may end in LF or CRLF.
    """
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    blocks = _blocks(lines)
    jwt = blocks[0] if blocks else text.rstrip("\r\n")
    if len(blocks) > 1:
        seed = blocks[1]
    else:
        seed = next((line for line in lines if line.lstrip().startswith(_SEED_STARTS)), "")
    return Creds(
        jwt=jwt if _TOKEN.fullmatch(jwt) else None,
        seed=seed if seed.startswith(_SEED_STARTS) else None,
    )


def _blocks(lines: list[str]) -> list[str]:
    """Return the line of each block: a decoration, one line of token or seed, a decoration at a line's start.

    Line by line instead of Go's regular expression, which Python would need cubic time for on a line of
    dashes.
    """
    blocks = []
    at = 0
    while at + 2 < len(lines):
        before, body, after = lines[at : at + 3]
        if (
            _is_decoration(before)
            and _BODY.fullmatch(body)
            and after.startswith(_DASHES)
            and _is_decoration(after)
        ):
            blocks.append(body)
            at += 3
        else:
            at += 1
    return blocks


def _is_decoration(line: str) -> bool:
    return line.endswith(_DASHES) and _DASHES in line[: -len(_DASHES)]
