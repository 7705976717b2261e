"""Every path on disk, and how files are written there.

`Project(root, env)` is the only source of paths. A stage (`--env prod`) has its own lock, build, keys and creds:

| what | default | with `--env prod` |
|---|---|---|
| lock | `natsbackend.lock` | `natsbackend.prod.lock` |
| build | `build/` | `build.prod/` |
| keys, creds | `.natsbackend/keys`, `.natsbackend/creds` | `.natsbackend/env/prod/…` |

One writer at a time: `Project.mutex()` locks a file that is never renamed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from natsbackend.errors import ProjectError
from natsbackend.files import Batch, make_directory
from natsbackend.model.names import escape

SPEC_FILE = "natsbackend.yaml"


@dataclass(frozen=True, slots=True)
class Project:
    """The paths of one project and stage."""

    root: Path
    env: str | None = None

    def __post_init__(self) -> None:
        if self.env is not None and (not self.env.strip() or escape(self.env) != self.env):
            raise ProjectError(
                f"{self.env!r} cannot be the name of an environment",
                hint="use letters, digits, -, _ and dots",
            )

    @property
    def lock(self) -> Path:
        """Public keys, issue times and digests; in Git."""
        return self.root / (f"natsbackend.{self.env}.lock" if self.env else "natsbackend.lock")

    def stages(self) -> tuple[str, ...]:
        """Return the names of all stages that have a lock here."""
        prefix, suffix = "natsbackend.", ".lock"
        locks = sorted(path.name for path in self.root.glob(f"{prefix}*{suffix}"))
        names = [name[len(prefix) : -len(suffix)] for name in locks]
        return tuple(name for name in names if name)

    @property
    def build(self) -> Path:
        """What is generated and holds no secret; in Git if you like."""
        return self.root / (f"build.{self.env}" if self.env else "build")

    @property
    def server_conf(self) -> Path:
        """The config of nats-server."""
        return self.build / "nats-server.conf"

    @property
    def operator_jwt(self) -> Path:
        """The operator JWT."""
        return self.build / "operator.jwt"

    @property
    def default_sentinel(self) -> Path:
        """The JWT of the default sentinel: the user of whoever has none."""
        return self.build / "default_sentinel.jwt"

    @property
    def accounts_dir(self) -> Path:
        """All account JWTs."""
        return self.build / "accounts"

    def account_jwt(self, account: str) -> Path:
        """The JWT of an account."""
        return self.accounts_dir / f"{escape(account)}.jwt"

    @property
    def private(self) -> Path:
        """What never goes to Git: directories 0700, files 0600."""
        return self.root / ".natsbackend"

    @property
    def _stage(self) -> Path:
        return self.private / "env" / self.env if self.env else self.private

    @property
    def keys(self) -> Path:
        """The directory key store, laid out as nsc's `keys/`."""
        return self._stage / "keys"

    @property
    def creds_dir(self) -> Path:
        """All creds files."""
        return self._stage / "creds"

    def creds(self, account: str, user: str) -> Path:
        """The creds file of a user."""
        return self.creds_dir / escape(account) / f"{escape(user)}.creds"

    @property
    def secrets(self) -> Path:
        """The files with secrets that the config includes."""
        return self._stage / "secrets"

    @property
    def stamp(self) -> Path:
        """What the last `generate` read and wrote, so that the next can see that nothing changed."""
        return self._stage / "stamp.json"

    @property
    def up(self) -> Path:
        """The root of the throwaway project of `up`."""
        return self._stage / "up"

    def make_private(self) -> None:
        """Create `.natsbackend/` with a `.gitignore` of its own.

        Raises:
            ProjectError: it cannot be made, or is a link to somewhere else.
        """
        if self.private.is_symlink():
            raise ProjectError(
                f"{self.private} is a symbolic link", hint="secrets go into a real directory only"
            )
        try:
            self.private.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._stage != self.private:
                make_directory(self._stage, 0o700)
        except OSError as e:
            raise ProjectError(f"cannot make {self.private}: {e.strerror}") from e
        ignore = self.private / ".gitignore"
        if not ignore.exists():
            batch = Batch()
            batch.add(ignore, "*\n", 0o600)
            batch.write()

    @contextlib.contextmanager
    def mutex(self) -> Iterator[None]:
        """Hold the project for writing.

        Raises:
            ProjectError: another process holds it; the message says which.
        """
        self.make_private()
        path = self.private / "mutex"
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(path, flags, 0o600)
        except OSError as e:
            raise ProjectError(f"cannot use {path}: {e.strerror}") from e
        try:
            self._hold(descriptor, path)
            yield
        finally:
            os.close(descriptor)

    def _hold(self, descriptor: int, path: Path) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError as e:
            holder = os.pread(descriptor, 100, 0).decode("ascii", "replace").strip() or "unknown"
            raise ProjectError(
                f"another natsbackend is writing in {self.root} (process {holder})",
                hint="wait until it is done; if it is `natsbackend up`, stop it with ^C",
            ) from e
        except OSError as e:  # a file system without locks, a full disk, a pipe in its place
            raise ProjectError(f"cannot use {path}: {e.strerror}") from e
