"""What a key store is to its callers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from natsbackend.keys import KeyPair


class KeyStore(Protocol):
    """Seeds, found by the spec path and public key they belong to."""

    def find(self, path: str, public: str) -> KeyPair | None:
        """Return the key pair of a public key, or None if its seed is not here.

        Raises:
            KeyStoreError: there is something where the seed should be, and it is not that seed, or it is readable by
                others.
        """
        ...

    def has(self, path: str, public: str) -> bool:
        """Tell whether there is a seed for a public key, without reading it: it may still turn out to be damaged."""
        ...

    def add(self, pairs: Iterable[tuple[str, KeyPair]]) -> None:
        """Store new pairs, each with its spec path, durably before returning; an existing seed is never replaced.

        Raises:
            KeyStoreError: the store cannot be written, or holds one of them already.
        """
        ...
