"""What people call a public key."""

from __future__ import annotations

from natsbackend.model.names import unescape
from natsbackend.plan.values import Desired, Snapshot

ANY = "*"
"""Stands for everybody, in revocations and for an auth callout's accounts."""


def shortened(key: str) -> str:
    """Return the two ends of a public key."""
    return key if len(key) <= 16 else f"{key[:6]}…{key[-4:]}"


class Names:
    """The names of everything that the spec, its lock and the target know."""

    def __init__(self, desired: Desired, held: Snapshot) -> None:
        self._paths = desired.names
        self._new = desired.new_keys
        self._held = held.accounts
        self._accounts = {key: name.removeprefix("accounts/") for key, name in desired.outside.items()}
        self._accounts |= {each.unsigned.claims.subject: each.name for each in desired.accounts}

    def account(self, key: str) -> str:
        """Return an account's name: in the spec, in the lock, in its own JWT, else its key, shortened."""
        if key in self._accounts:
            return self._accounts[key]
        path = self._paths.get(key, "")
        if path:
            return unescape(path.rpartition("/")[2])
        token = self._held.get(key)
        return token.name if token is not None and token.name else shortened(key)

    def user(self, key: str) -> str:
        """Return the name of a user, `all_before` for everybody."""
        if key == ANY:
            return "all_before"
        path = self._paths.get(key, "")
        return unescape(path.rpartition("/")[2]) if "/users/" in path else self.key(key)

    def path(self, key: str) -> str:
        """Return where a key stands in the spec, or its two ends."""
        return self._paths.get(key) or self.key(key)

    def key(self, key: str) -> str:
        """Return the two ends of a key, or that it has yet to be made."""
        return "a key yet to be made" if key in self._new else shortened(key)
