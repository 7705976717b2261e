"""A directory of `ACCOUNT_KEY.jwt`: the store of a server's full resolver, reached through the file system.

The store is flat: a server shards neither a full nor a cache resolver's (`NewDirAccResolver`, server/accounts.go,
2.15). A server reads a file when it first needs the account. One that it has loaded already it works with until it
restarts, and a reload does not change that: so what is written here is stored, and not known to be in effect.

Whoever may write to the volume may put anything there. Links are never followed, nor is anything opened that is no
plain file; what stands in the place of an account's JWT and cannot be read as one is an error that names it, and
what else lies around is named by `strays`.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from natsbackend.claims.envelope import MAX_TOKEN_SIZE
from natsbackend.errors import ProjectError, ResolverRejected, ResolverUnavailable
from natsbackend.files import Batch
from natsbackend.keys import KeyRole, is_public
from natsbackend.resolvers.holder import Answer, HolderResolver

_SUFFIX = ".jwt"
_DELETED = ".deleted"
"""What a server puts behind the name of a file that it was told to delete (`DirJWTStore.delete`)."""
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_MODE = 0o644
"""A server may run as somebody else, and an account's JWT is no secret; the directory's mode says who gets there."""


class DirectoryStore:
    """The store. Its directory has to be there: an unmounted volume must not pass for an empty one.

    Raises:
        ResolverUnavailable: there is no such directory.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.is_dir():
            raise ResolverUnavailable(
                f'there is no directory "{path}"', hint="make it, or mount the volume that it is on"
            )

    @property
    def label(self) -> str:
        """The path of the directory."""
        return str(self._path)

    def operators(self) -> tuple[str, ...]:
        """Return nothing: a directory does not say whom the servers trust."""
        return ()

    def read(self, ids: Sequence[str]) -> Mapping[str, str | None]:
        """Return the text of each account's file, None if there is none."""
        return {account: self._text(account) for account in ids}

    def read_all(self) -> Mapping[str, str]:
        """Return the text of every account's file."""
        texts = {account: self._text(account) for account in sorted(self._names()) if _is_account(account)}
        return {account: text for account, text in texts.items() if text is not None}

    def strays(self) -> tuple[str, ...]:
        """Name what ends in `.jwt` and is not named as an account is: a server counts it, and never finds it."""
        return tuple(sorted(f"{name}{_SUFFIX}" for name in self._names() if not _is_account(name)))

    def write(self, tokens: Mapping[str, str]) -> Iterator[tuple[str, Answer]]:
        """Write a file for each, each atomically, all of them durable in the end. A link is replaced, not followed."""
        batch = Batch()
        for account, token in tokens.items():
            batch.add(self._file(account), token, _MODE, differs=True)
        try:
            batch.write()
        except ProjectError as error:
            raise ResolverUnavailable(
                error.message, hint="what is whole is kept; push again: it is safe"
            ) from error
        for account in tokens:
            yield account, Answer(words="written")

    def remove(self, ids: Sequence[str]) -> None:
        """Put files aside as a server does: `ID.jwt.deleted`."""
        for account in ids:
            file = self._file(account)
            try:
                with contextlib.suppress(FileNotFoundError):
                    file.rename(file.with_name(f"{file.name}{_DELETED}"))
            except OSError as error:
                raise ResolverRejected(f'cannot delete "{file}": {_why(error)}') from error

    def close(self) -> None:
        """Do nothing: no file is kept open."""

    def _file(self, account: str) -> Path:
        return self._path / f"{account}{_SUFFIX}"

    def _names(self) -> list[str]:
        try:
            names = os.listdir(self._path)
        except OSError as error:
            raise ResolverUnavailable(f'cannot read "{self._path}": {_why(error)}') from error
        return [name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)]

    def _text(self, account: str) -> str | None:
        file = self._file(account)
        try:
            descriptor = os.open(file, _FLAGS)
        except FileNotFoundError:
            return None
        except OSError as error:
            if file.is_symlink():
                raise _odd(file, "a link, which is not followed") from error
            raise ResolverUnavailable(f'cannot read "{file}": {_why(error)}') from error
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _odd(file, "no plain file")
            with os.fdopen(descriptor, "rb", closefd=False) as opened:
                data = opened.read(MAX_TOKEN_SIZE + 1)
        finally:
            os.close(descriptor)
        if len(data) > MAX_TOKEN_SIZE:
            raise _odd(file, f"larger than {MAX_TOKEN_SIZE} bytes, which no JWT is")
        return data.decode("utf-8", "replace")


def _is_account(name: str) -> bool:
    return is_public(name, KeyRole.ACCOUNT)


def _odd(file: Path, what: str) -> ResolverRejected:
    return ResolverRejected(f'"{file}" is {what}', hint="who put it there? take it away, then try again")


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


class DirectoryResolver(HolderResolver):
    """A `Resolver` over a directory; made by `open_directory_resolver`."""

    def __init__(self, store: DirectoryStore) -> None:
        super().__init__(store)
        self._directory = store

    def strays(self) -> tuple[str, ...]:
        """Name what ends in `.jwt` there and is not named as an account is; it is left alone."""
        return self._directory.strays()


@contextlib.contextmanager
def open_directory_resolver(path: Path) -> Iterator[DirectoryResolver]:
    """Open a directory as a resolver.

    Raises:
        ResolverUnavailable: there is no such directory.

    """
    resolver = DirectoryResolver(DirectoryStore(path))
    try:
        yield resolver
    finally:
        resolver.close()
