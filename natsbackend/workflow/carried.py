"""Activations that were made before: they stand in the JWTs of the accounts that import with them."""

from __future__ import annotations

from collections.abc import Callable

from natsbackend.claims.codec import Token, TokenKind, read_unverified
from natsbackend.errors import ClaimsError
from natsbackend.keys import Keyring
from natsbackend.model.entities import account_path
from natsbackend.model.names import unescape


class CarriedActivations:
    """Looks for activations in account JWTs, each of which is read once."""

    def __init__(self, find_token: Callable[[str], str | None], keyring: Keyring) -> None:
        self._find_token = find_token
        self._keyring = keyring
        self._of: dict[str, tuple[Token, ...]] = {}

    def find(self, path: str) -> str | None:
        """Return the activation of a path as its importer carries it, or None."""
        exporter, _, rest = path.partition("/activations/")
        importer, kind, subject = (unescape(part) for part in rest.split("/"))
        holder = account_path(importer)
        if holder not in self._of:
            self._of[holder] = _carried(self._find_token(holder))
        for token in self._of[holder]:
            issuer = token.nats.get("issuer_account", token.issuer)
            if (issuer, token.nats.get("kind"), token.nats.get("subject")) == (
                self._keyring[exporter],
                kind,
                subject,
            ):
                return token.text
        return None


def _carried(jwt: str | None) -> tuple[Token, ...]:
    account = _read(jwt)
    imports = account.nats.get("imports") if account is not None else None
    texts = (
        (each.get("token") for each in imports if isinstance(each, dict)) if isinstance(imports, list) else ()
    )
    found = (_read(text) for text in texts if isinstance(text, str))
    return tuple(token for token in found if token is not None and token.kind is TokenKind.ACTIVATION)


def _read(text: str | None) -> Token | None:
    if text is None:
        return None
    try:
        return read_unverified(text)
    except ClaimsError:
        return None
