"""How large tokens become, said before there is a key: keys, signatures and times have known lengths.

A user without a role carries its permissions in its token; one of a role is of much the same size whatever the
role may do, since the server holds the template. Sizes are within some dozens of bytes of what is signed later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from natsbackend.model.entities import User
from natsbackend.model.serving import Cookie

MAX_COOKIE = 4096
"""Bytes of name, value and attributes that browsers keep (RFC 6265, 6.1); a larger cookie is dropped silently."""

LONGEST_NAME = 64
"""A name of this many bytes is allowed for on the tokens of a role."""

_HEADER = len('{"typ":"JWT","alg":"ed25519-nkey"}')
_SIGNATURE = 64
_ENVELOPE = len(
    f'{{"exp":1000000000,"jti":"{"X" * 52}","iat":1000000000,"iss":"{"A" * 56}","name":,"sub":"{"U" * 56}",'
    f'"nats":{{"pub":{{}},"sub":{{}},"issuer_account":"{"A" * 56}","type":"user","version":2}}}}'
)
_LIMITS = len('"subs":-1,"data":-1,"payload":-1,"bearer_token":true,') + len('"allow":[],"deny":[],') * 2
_RESPONSES = len('"resp":{"max":1,"ttl":0},')


def user_token_size(user: User) -> int:
    """Return about how many bytes the token of a user of the spec has."""
    size = _ENVELOPE + _text(user.name) + _texts("tags", user.tags) + _raw(user)
    if user.role is not None:
        return _encoded(size)
    may, restrictions = user.permissions, user.restrictions
    for rules in (may.publish, may.subscribe):
        size += sum(_text(subject) + 1 for subject in dict.fromkeys(g.subject for g in rules.allow))
        size += sum(_text(subject) + 1 for subject in dict.fromkeys(g.subject for g in rules.deny))
    size += _LIMITS + (_RESPONSES if may.responses else 0)
    size += _texts("src", restrictions.sources)
    size += len('{"start":"00:00:00","end":"00:00:00"},') * len(restrictions.times)
    size += _texts("allowed_connection_types", [kind.value for kind in user.connection_types])
    return _encoded(size)


def role_token_size() -> int:
    """Return about how many bytes a token of a role has that carries no tags and a name of usual length."""
    return _encoded(_ENVELOPE + LONGEST_NAME + 2)


def cookie_size(cookie: Cookie, token: int, ttl: int) -> int:
    """Return how many bytes a `Set-Cookie` with a token of this size has, name and attributes included."""
    domain = f"; Domain={cookie.domain}" if cookie.domain else ""
    rest = f"{cookie.name}=; Path=/; Max-Age={ttl}{domain}; HttpOnly; Secure; SameSite={cookie.same_site}"
    return len(rest.encode()) + token


def _encoded(payload: int) -> int:
    """Return the length of a token with a payload of so many bytes: three parts of base64 without padding."""
    return sum(-(-size * 4 // 3) for size in (_HEADER, payload, _SIGNATURE)) + 2


def _text(text: str) -> int:
    """Return the length of a text in JSON as Go writes it, which escapes `<`, `>` and `&`."""
    plain = len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace"))
    return plain + 5 * sum(text.count(c) for c in "<>&")


def _texts(name: str, values: Iterable[str]) -> int:
    lengths = [_text(value) + 1 for value in values]
    return sum(lengths) + len(f'"{name}":[],') if lengths else 0


def _raw(user: User) -> int:
    return _text(json.dumps(user.claims)) if user.claims else 0
