"""What was issued and will end, read from the public JWTs in `build/`: no seed, no creds.

What ends when the spec says is the spec's to say (`model.checks.life`); here is what the spec no longer says, or never
did: a JWT that was issued before the spec gave it more time, and the activations that accounts carry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from natsbackend.claims.codec import read_unverified
from natsbackend.claims.envelope import Token
from natsbackend.errors import ClaimsError, Location
from natsbackend.model.checks.life import Ending
from natsbackend.model.entities import Account, Backend
from natsbackend.project import Project

_AGAIN = "the spec gives it another end: `natsbackend generate`, then `natsbackend push`"
_ISSUED = "that is what was issued"
_DROPPED = "the server drops the import then"
_ACTIVATION = "ask the exporter for a new one"


def built_endings(backend: Backend, project: Project) -> Iterator[Ending]:
    """Return what ends in a build otherwise than its spec says; nothing where there is no build."""
    operator = backend.operator
    file = project.operator_jwt
    yield from _older(file, _read(file), operator.details.validity.expires, operator.at)
    for account in backend.accounts.values():
        file = project.account_jwt(account.name)
        token = _read(file)
        yield from _older(file, token, account.details.validity.expires, account.at)
        if token is not None:
            yield from _carried(file, token, account)


def _older(file: Path, token: Token | None, expires: int | None, at: Location | None) -> Iterator[Ending]:
    """Return the end of a JWT whose spec gives it another one."""
    if token is not None and token.expires and token.expires != expires:
        yield Ending(what=str(file), expires=token.expires, then=_ISSUED, hint=_AGAIN, at=at)


def _carried(file: Path, token: Token, account: Account) -> Iterator[Ending]:
    """Return the ends of the activations in an account's JWT."""
    nats = token.claims.get("nats")
    imports = nats.get("imports") if isinstance(nats, Mapping) else None
    for position, carried in enumerate(imports if isinstance(imports, list) else ()):
        text = carried.get("token") if isinstance(carried, Mapping) else None
        activation = _token(text) if isinstance(text, str) else None
        if activation is not None and activation.expires:
            yield Ending(
                what=f'the activation of import {position + 1} of account "{account.name}" ({file})',
                expires=activation.expires,
                then=_DROPPED,
                hint=_ACTIVATION,
                at=account.imports[position].at if position < len(account.imports) else account.at,
            )


def _read(file: Path) -> Token | None:
    try:
        return _token(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None


def _token(text: str) -> Token | None:
    try:
        return read_unverified(text)
    except ClaimsError:
        return None
