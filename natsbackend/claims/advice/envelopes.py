"""Advice about any token: its subject, its times, its id."""

from __future__ import annotations

from collections.abc import Iterator

from natsbackend import keys
from natsbackend.claims.advice.view import View, bearer_of
from natsbackend.claims.codec import expected_jti
from natsbackend.claims.envelope import SUBJECTS, VERSION, TokenKind
from natsbackend.keys import KeyRole

COOKIE_SIZE = 4096
"""Bytes that browsers keep of a cookie, its name and attributes included."""
_ATTRIBUTES = 128
"""What a name and the usual attributes take of them, about."""


def subject_kind(view: View) -> Iterator[str]:
    """The subject is not a key of the role that this kind of token speaks of; Go looks only when it writes."""
    role = SUBJECTS.get(view.token.kind)
    if role is not None and not keys.is_public(view.token.subject, role):
        kind = view.token.kind.value
        noun = "a user" if role is KeyRole.USER else f"an {role.noun}"
        yield f"the subject of this {kind} is not the public key of {noun}; the official library would not write it"


def jti(view: View) -> Iterator[str]:
    """The `jti` is not the one the Go library computes; resolvers take tokens of one `jti` for the same."""
    if view.token.version >= VERSION and view.token.jti != expected_jti(view.token):
        yield "the jti is not what the official library computes: the claims were made or changed by another tool"


def version_1(view: View) -> Iterator[str]:
    """A token of version 1, whose signature leaves out the header and which no tool writes any more."""
    if view.token.kind is not TokenKind.GENERIC and view.token.version < VERSION:
        yield "this token is of version 1: issue it again to have it in version 2"


def issued_later(view: View) -> Iterator[str]:
    """Issued in the future: the server takes it, and a revocation up to now does not reach it."""
    if view.token.issued_at > view.now:
        yield "this token says that it is issued in the future: a revocation up to now would not end it"


def never_valid(view: View) -> Iterator[str]:
    """It expires before it becomes valid."""
    token = view.token
    if 0 < token.expires <= token.not_before:
        yield "this token expires before it becomes valid"


def cookie_size(view: View) -> Iterator[str]:
    """A bearer token that is too large for a cookie: browsers drop it without a word."""
    size = len(view.token.text)
    if view.token.kind is TokenKind.USER and bearer_of(view.nats) and size > COOKIE_SIZE - _ATTRIBUTES:
        yield (
            f"this bearer token has {size} bytes; with name and attributes a cookie may have {COOKIE_SIZE}: "
            "move its permissions into a role"
        )
