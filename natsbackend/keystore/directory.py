"""The directory key store, in nsc's own layout: `{O,A,U,…}/XX/PUBLIC.nk`, XX being its 2nd and 3rd letters.

Directories are 0700 and files 0600; a file holds the seed and no newline (nsc `store/keys.go`). A seed file is
created exclusively and never written over. Every read checks the seed's checksum, that it is the seed of the public
key it is filed under, and that nobody else can read it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from natsbackend.errors import InvalidKey, KeyStoreError, ProjectError
from natsbackend.files import Batch
from natsbackend.keys import KeyPair

_LONGEST = 256


class DirectoryKeyStore:
    """Seeds below a directory; see the module's docstring."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path_of(self, public: str) -> Path:
        """Return the file in which the seed of a public key is kept."""
        return self.root / public[0] / public[1:3] / f"{public}.nk"

    def find(self, path: str, public: str) -> KeyPair | None:
        """Return the key pair of a public key, or None if its seed is not here; see `KeyStore`."""
        file = self.path_of(public)
        text = _read(file)
        if text is None:
            return None
        try:
            pair = KeyPair.from_seed(text)
        except InvalidKey as e:
            raise KeyStoreError(
                f"the seed of {path} in {file} is damaged: {e.message}", hint="restore it from a backup"
            ) from None
        if pair.public != public:
            raise KeyStoreError(
                f"{file} holds the seed of another key, {pair.public}",
                hint="a file is named after its public key",
            )
        return pair

    def has(self, path: str, public: str) -> bool:  # noqa: ARG002 - other stores go by the path
        """Tell whether there is a file for a public key; see `KeyStore`."""
        return os.path.lexists(self.path_of(public))

    def add(self, pairs: Iterable[tuple[str, KeyPair]]) -> None:
        """Store new pairs durably; see `KeyStore`."""
        batch = Batch()
        root = os.fspath(self.root)
        for _, pair in pairs:
            public = pair.public
            file = f"{root}/{public[0]}/{public[1:3]}/{public}.nk"
            batch.add(file, pair.reveal_seed(), 0o600, exclusive=True)
        try:
            batch.write()
        except ProjectError as e:
            raise KeyStoreError(e.message, hint="the key store must be writable to make keys") from e


def _read(file: Path) -> str | None:
    try:
        # a pipe in its place must not make us wait for a writer
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as e:
        raise KeyStoreError(f"cannot read {file}: {e.strerror}") from e
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise KeyStoreError(f"{file} is not a regular file")
        if found.st_mode & 0o077:
            raise KeyStoreError(f"{file} can be read by others", hint=f"chmod 600 {file}")
        return os.read(descriptor, _LONGEST).decode("ascii", "replace").removesuffix("\n")
    finally:
        os.close(descriptor)
