"""User tokens of a role: JWT, creds, cookie.

A token of a role carries a name, tags and times; the role's template, which the server holds, carries the rest. The
name and the values of tags go into subjects as they are, so they must be one plain token each. A bearer
token's subject is derived from account and name (`keys.derived_user_key`); any other gets a key of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from natsbackend.claims.build import role_user_nats
from natsbackend.claims.codec import Claims, TokenKind, sign
from natsbackend.claims.creds import format_creds
from natsbackend.errors import TokenError
from natsbackend.keys import KeyPair, KeyRole, derived_user_key
from natsbackend.model.entities import Role
from natsbackend.model.names import is_template_safe, why_template_unsafe
from natsbackend.model.serving import Cookie
from natsbackend.model.sizes import MAX_COOKIE as MAX_COOKIE
from natsbackend.model.templates import denied_without_tag

DEFAULT_TTL = 15 * 60
"""Seconds a token lives where neither the role nor the caller says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """A token, and the key pair that goes with it unless it is a bearer."""

    jwt: str = field(repr=False)
    key: KeyPair | None
    subject: str
    name: str
    issued_at: int
    expires: int

    def creds(self) -> str:
        """Return a creds file.

        Raises:
            TokenError: it is a bearer, which has no seed.
        """
        if self.key is None:
            raise TokenError(
                "a bearer token has no seed, so there is no creds file of it",
                hint="take it as a JWT (--format jwt) or as a cookie (--format set-cookie)",
            )
        return format_creds(self.jwt, self.key)

    def set_cookie(self, cookie: Cookie) -> str:
        """Return the value of a Set-Cookie header that hands the token to a browser.

        Raises:
            TokenError: browsers would drop it for its size.
        """
        parts = [f"{cookie.name}={self.jwt}", "Path=/", f"Max-Age={self.expires - self.issued_at}"]
        if cookie.domain:
            parts.append(f"Domain={cookie.domain}")
        parts += ["HttpOnly", "Secure", f"SameSite={cookie.same_site}"]
        line = "; ".join(parts)
        if len(line) > MAX_COOKIE:
            raise TokenError(
                f"the cookie has {len(line)} bytes; browsers keep {MAX_COOKIE}",
                hint="give it fewer or shorter tags",
            )
        return line


def mint(
    role: Role,
    *,
    account: str,
    signer: KeyPair,
    name: str,
    now: int,
    tags: tuple[str, ...] = (),
    ttl: int | None = None,
    entropy: Callable[[int], bytes],
) -> Minted:
    """Mint a token of a role.

    Args:
        role: the role; its `ttl` is the longest a token may live.
        account: the account's public key.
        signer: the key pair of the role's scoped signing key.
        name: who it is for; one token of letters, digits, `-` and `_`.
        now: unix seconds.
        tags: `KEY:VALUE` or `KEY`; keys are written in lower case, as the server matches them.
        ttl: seconds to live; None for the role's, or 15 minutes.
        entropy: where the key of a token that is no bearer comes from.

    Raises:
        TokenError: a name or tag that could widen a template, a tag missing that the role needs to deny a subject,
            or a ttl above the role's.
    """
    _check_name(name)
    life = _life(role, ttl)
    key = None if role.bearer else KeyPair(KeyRole.USER, entropy(32))
    subject = derived_user_key(account, name) if key is None else key.public
    written = tuple(dict.fromkeys(_tag(tag) for tag in tags))
    _check_denials(role, written)
    nats = role_user_nats(account, written)
    claims = Claims(kind=TokenKind.USER, subject=subject, name=name, nats=nats, expires=now + life)
    jwt = sign(claims, signer, now)
    return Minted(jwt=jwt, key=key, subject=subject, name=name, issued_at=now, expires=now + life)


def span(seconds: int) -> str:
    """Return a number of seconds as a person writes it: `15m`."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _check_name(name: str) -> None:
    why = why_template_unsafe(name)
    if why is not None:
        raise TokenError(
            f"the name {name[:60]!r} {why}; it could widen the role's subjects",
            hint="use letters, digits, - and _, and no name that NATS has",
        )


def _check_denials(role: Role, tags: tuple[str, ...]) -> None:
    for grant, tag in denied_without_tag(role.permissions, tags):
        raise TokenError(
            f'role "{role.name}" needs a tag "{tag}:…" to deny "{grant.subject}"; without it the server refuses the '
            "token",
            hint=f"give it one: {tag}:VALUE",
        )


def _tag(tag: str) -> str:
    key, colon, value = tag.partition(":")
    if not is_template_safe(key) or (colon and not is_template_safe(value)):
        raise TokenError(
            f"the tag {tag[:60]!r} is not KEY or KEY:VALUE of plain subject tokens",
            hint="use letters, digits, - and _ on both sides of the colon",
        )
    return f"{key.lower()}{colon}{value}"


def _life(role: Role, ttl: int | None) -> int:
    most = role.ttl
    if ttl is None:
        return most if most is not None else DEFAULT_TTL
    if ttl < 1:
        raise TokenError("a token must live for at least one second")
    if most is not None and ttl > most:
        raise TokenError(
            f'a token of role "{role.name}" lives at most {span(most)}; {span(ttl)} was asked for',
            hint="ask for less, or raise the role's `ttl`",
        )
    return ttl
