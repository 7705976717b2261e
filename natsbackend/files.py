"""How files are written: whole or not at all, and durable in batches.

Writing is atomic: a temporary file in the same directory, then a rename. What must not exist yet is created under its
own name instead, since nobody looks for it before the batch is whole. Writing is durable in batches: a `Batch` is
written whole and then synced once, since a sync for each of thousands of files takes seconds.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from natsbackend.errors import ProjectError

_FEW = 24
"""Up to so many files are synced one by one; more, by one sync of the whole system, which costs about 0.1 s."""


def make_directory(path: Path | str, mode: int = 0o777) -> None:
    """Create a directory and its parents, all with the same mode; existing ones are left as they are."""
    name = os.fspath(path)  # there may be thousands, and `pathlib` takes its time
    try:
        os.mkdir(name, mode)  # noqa: PTH102
    except FileNotFoundError:
        make_directory(_directory_of(name), mode)
        os.mkdir(name, mode)  # noqa: PTH102
    except FileExistsError:
        if not os.path.isdir(name):  # noqa: PTH112
            raise


class Batch:
    """Files to be written together: each atomically, all of them durable when `write` returns.

    A file whose content is already there is left alone. `exclusive` files must not exist, and nothing may refer to
    them before `write` returns: a process that is killed can leave the last of them without its content.
    """

    def __init__(self) -> None:
        self._files: list[tuple[str, bytes, int, bool, bool]] = []
        self._directories: set[str] = set()

    def add(
        self,
        path: Path | str,
        content: str | bytes,
        mode: int = 0o644,
        *,
        exclusive: bool = False,
        differs: bool = False,
    ) -> None:
        """Plan a file, to be made with this mode (less what the umask takes away).

        `exclusive`: it must not exist. `differs`: what is there is known to be something else.
        """
        raw = content.encode("utf-8") if isinstance(content, str) else content
        self._files.append((os.fspath(path), raw, mode, exclusive, exclusive or differs))

    def __len__(self) -> int:
        return len(self._files)

    def write(self) -> int:
        """Write what differs from what is there, sync it, and return how many files were written.

        Raises:
            ProjectError: a file cannot be written. Files are whole or not there; what was there stays.
        """
        written: list[str] = []
        path = ""
        mark = f".{secrets.token_hex(4)}.tmp"
        try:
            for path, content, mode, exclusive, differs in self._files:
                if differs or not _is(path, content, mode):
                    self._directory(path, mode)
                    if exclusive:
                        _create(path, content, mode)
                    else:
                        _replace(path, path + mark, content, mode)
                    written.append(path)
            _sync(written)
        except OSError as e:
            raise ProjectError(f"cannot write {path}: {e.strerror}") from e
        return len(written)

    def _directory(self, path: str, mode: int) -> None:
        directory = _directory_of(path)
        if directory not in self._directories:
            make_directory(directory, 0o700 if mode == 0o600 else 0o777)
            self._directories.add(directory)


def _is(path: str, content: bytes, mode: int) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        found = os.fstat(descriptor)
        if found.st_size != len(content) or (mode == 0o600 and found.st_mode & 0o077):
            return False
        return os.read(descriptor, len(content) + 1) == content
    finally:
        os.close(descriptor)


def _replace(path: str, temporary: str, content: bytes, mode: int) -> None:
    _create(temporary, content, mode)
    try:
        os.rename(temporary, path)  # noqa: PTH104
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise


def _create(path: str, content: bytes, mode: int) -> None:
    """Write a new file; if that fails, there is none. What is there stays: no seed is written over."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108
        raise


def _directory_of(path: str) -> str:
    # thousands of files pass here, and nearly all have a slash that is not the first character
    return path.rpartition("/")[0] or os.path.dirname(path) or "."  # noqa: PTH120


def _sync(paths: list[str]) -> None:
    if not paths:
        return
    if len(paths) > _FEW and hasattr(os, "sync"):
        os.sync()
        return
    for path in {*paths, *map(_directory_of, paths)}:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
