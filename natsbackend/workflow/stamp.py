"""See at a glance that nothing changed since the last `generate`, as Git's index does.

The stamp holds the digests of what was read (spec, lock, this release) and, of every file written, what `stat`
says: size, inode, and times of content and inode, in nanoseconds. A file that was touched in any way, or is gone,
makes the stamp worthless, and the long way is taken. It also holds the gist of the spec, so that `plan` reaches a
target without reading the rest. The stamp is derived; deleting it costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from natsbackend import __version__
from natsbackend.files import Batch
from natsbackend.project import Project

_FORMAT = 2


def digest_of_inputs(spec: Path, project: Project) -> str | None:
    """Return one digest of spec, lock and release, or None if one of the files is not there."""
    digest = hashlib.sha256(f"{_FORMAT} {__version__}\n".encode())
    try:
        for path in (spec, project.lock):
            content = path.read_bytes()
            digest.update(f"{path.name} {len(content)}\n".encode())
            digest.update(content)
    except OSError:
        return None
    return digest.hexdigest()


def is_current(spec: Path, project: Project) -> int | None:
    """Return how many files the last `generate` left, if nothing has changed since; else None."""
    found = read(spec, project)
    return None if found is None else found.files


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What the last `generate` left, if nothing has changed since."""

    files: int
    """How many there are."""
    gist: str
    """By which the targets of the spec are reached; see `spec.gist`."""


def read(spec: Path, project: Project) -> Stamp | None:
    """Return the stamp, if nothing has changed since it was written."""
    try:
        stamp = json.loads(project.stamp.read_bytes())
        inputs, files, gist = stamp["inputs"], stamp["files"], stamp["gist"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(files, dict) or inputs is None or inputs != digest_of_inputs(spec, project):
        return None
    root = os.fspath(project.root)
    try:
        for name, expected in files.items():
            if _fingerprint(f"{root}/{name}") != expected:
                return None
    except OSError:
        return None
    return Stamp(files=sum(1 for name in files if not name.endswith("/")), gist=str(gist))


def write(
    spec: Path, project: Project, files: Iterable[Path], directories: Iterable[Path], *, gist: str = ""
) -> None:
    """Remember what is on disk now; a directory changes when a file in it comes or goes."""
    root = os.fspath(project.root)
    names = [os.fspath(path) for path in files]
    names += [f"{os.fspath(path)}/" for path in directories]
    found = {name.removeprefix(f"{root}/"): _fingerprint(name) for name in names}
    stamp = {"inputs": digest_of_inputs(spec, project), "gist": gist, "files": found}
    content = json.dumps(stamp, separators=(",", ":"))
    batch = Batch()
    batch.add(project.stamp, content, 0o600)
    batch.write()


def _fingerprint(path: str) -> str:
    found = os.stat(path, follow_symlinks=False)
    return f"{found.st_size} {found.st_mode} {found.st_ino} {found.st_mtime_ns} {found.st_ctime_ns}"
