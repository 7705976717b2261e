"""The accounts of a memory resolver: `resolver_preload` of a server's config, rewritten, and the server told to reload.

A memory resolver takes every change of its preloads at a reload: what is new or changed is applied, clients of what
is gone are cut off (`reloadAuthorization`, server/reload.go, 2.15). A full resolver does not, so its config is refused
here. A signal has no answer: whether the server took the config is read from its log, where that is a file. If it
did not, the config is put back as it was, so that a later push does not take it for done, and a restart finds the
config that the server runs with.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from natsbackend.errors import ProjectError, ResolverRejected, ResolverUnavailable
from natsbackend.files import Batch
from natsbackend.resolvers.conf_text import Entry, read_conf
from natsbackend.resolvers.holder import Answer, HolderResolver
from natsbackend.secrecy import masked

_PRELOAD = "resolver_preload"
_RESOLVER = ("resolver", "account_resolver", "accounts_resolver")
_OPERATOR = ("operator", "operators", "roots", "root", "root_operators", "root_operator")
_LOG = ("log_file", "logfile")
_SYSTEM = ("system_account", "system")
_MEMORY = re.compile(r"MEM", re.IGNORECASE)
"""How the server knows a memory resolver by: these letters anywhere in the text (`opts.go`)."""
_DONE = b"Reloaded server configuration"
_FAILED = re.compile(rb"Failed to reload server configuration: ([^\n]*)")
_POLL = 0.02
_MOST = 1 << 28
_WORDS = 300
_PROGRAM = "nats-server"

_NOT_RELOADED = (
    ("operator", _OPERATOR),
    ("trusted_keys", ("trusted", "trusted_keys")),
    ("system_account", _SYSTEM),
    ("server_name", ("server_name",)),
    ("listen", ("listen", "host", "net", "port", "client_port")),
    ("http", ("http", "https", "http_port", "https_port", "monitor_port", "http_base_path")),
    ("websocket", ("websocket", "ws")),
    ("gateway", ("gateway",)),
    ("no_auth_user", ("no_auth_user",)),
)
"""Options that a server keeps until it restarts (`diffOptions`, server/reload.go, 2.15), and their other names."""


def cannot_reload(before: str, after: str) -> tuple[str, ...]:
    """Return the options that differ between two configs and fail a reload, which then changes nothing at all.

    Raises:
        ResolverRejected: a config is not understood.

    """
    old, new = _options(before), _options(after)
    differing = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    found = [name for name, names in _NOT_RELOADED if differing & set(names)]
    if _is_memory(read_conf(before)) != _is_memory(read_conf(after)):
        found.append("resolver")
    return tuple(found)


def _options(text: str) -> dict[str, object]:
    return {entry.key: _meaning(text, entry) for entry in read_conf(text)}


def _meaning(text: str, entry: Entry) -> object:
    """Return what an entry says, whatever the blanks, the quotes and the order of keys."""
    if entry.entries is not None:
        return frozenset((inner.key, _meaning(text, inner)) for inner in entry.entries)
    return entry.value or "".join(text[entry.value_start : entry.end].split())


def _named(entries: Sequence[Entry], names: Sequence[str]) -> Entry | None:
    """Return the entry of an option; the last counts, as in the server."""
    return next((entry for entry in reversed(entries) if entry.key in names), None)


def _is_memory(entries: Sequence[Entry]) -> bool:
    found = _named(entries, _RESOLVER)
    if found is None:
        return False
    kind = found if found.entries is None else _named(found.entries, ("type",))
    return kind is not None and bool(_MEMORY.search(kind.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Config:
    """A config as it was read."""

    text: str
    mode: int
    entries: tuple[Entry, ...]
    preload: Entry

    def tokens(self) -> dict[str, str]:
        return {entry.raw_key: entry.value for entry in self.preload.entries or ()}

    def value(self, names: Sequence[str]) -> str:
        found = _named(self.entries, names)
        return found.value if found is not None else ""

    def with_tokens(self, tokens: Mapping[str, str]) -> str:
        """Return the text with other preloads, and nothing else changed."""
        lines = "".join(f'  {account}: "{token}"\n' for account, token in tokens.items())
        return f"{self.text[: self.preload.value_start]}{{\n{lines}}}{self.text[self.preload.end :]}"


class PreloadStore:
    """A `Store` in a config."""

    def __init__(self, config: Path, pid_file: Path, *, timeout: float) -> None:
        self._path = config
        self._pid_file = pid_file
        self._timeout = timeout

    @property
    def label(self) -> str:
        """The path of the config."""
        return str(self._path)

    def operators(self) -> tuple[str, ...]:
        """Return the operator's JWT, if it stands in the config itself and not in another file."""
        jwt = self._read().value(_OPERATOR)
        return (jwt,) if jwt.startswith("eyJ") else ()

    def read(self, ids: Sequence[str]) -> Mapping[str, str | None]:
        """Return the preloads of some accounts."""
        tokens = self._read().tokens()
        return {account: tokens.get(account) for account in ids}

    def read_all(self) -> Mapping[str, str]:
        """Return all preloads."""
        return self._read().tokens()

    def write(self, tokens: Mapping[str, str]) -> Iterator[tuple[str, Answer]]:
        """Put preloads into the config, all at once, and have the server reload it."""
        config = self._read()
        words = self._replace(config, {**config.tokens(), **tokens})
        for account in tokens:
            yield account, Answer(words=words)

    def remove(self, ids: Sequence[str]) -> None:
        """Take preloads out of the config; the server ends the accounts."""
        config = self._read()
        if config.value(_SYSTEM) in ids:
            raise ResolverRejected("the system account must never be deleted")
        left = {account: token for account, token in config.tokens().items() if account not in ids}
        if left != config.tokens():
            self._replace(config, left)

    def close(self) -> None:
        """Do nothing: no file is kept open."""

    def _read(self) -> _Config:
        text, mode = _plain_file(self._path)
        entries = read_conf(text)
        if not _is_memory(entries):
            raise ResolverRejected(
                f'the server of "{self._path}" has no memory resolver: a reload brings others no accounts',
                hint="push to the running servers: a target {nats: [URL]}",
            )
        found = [entry for entry in entries if entry.key == _PRELOAD]
        preload = found[0] if len(found) == 1 else None
        if preload is None or preload.entries is None or any(each.is_include for each in preload.entries):
            raise ResolverRejected(
                f'"{self._path}" has no `{_PRELOAD}` of its own, just once and without `include`',
                hint="`natsbackend generate` writes it for a memory resolver",
            )
        return _Config(text=text, mode=mode, entries=entries, preload=preload)

    def _replace(self, config: _Config, tokens: Mapping[str, str]) -> str:
        """Write the config and have it reloaded; return what is known of that."""
        server = self._server()
        log = self._log(config, server)
        seen = log.stat().st_size if log else 0
        self._write(config.with_tokens(tokens), config.mode)
        try:
            os.kill(server, signal.SIGHUP)
            return self._verdict(log, seen, server)
        except (OSError, ResolverRejected) as error:
            self._write(config.text, config.mode)
            if isinstance(error, OSError):
                raise ResolverUnavailable(
                    f"the server (process {server}) cannot be told to reload: {_why(error)}; the config is as it was",
                    hint="run this as the server's user",
                ) from error
            raise

    def _write(self, text: str, mode: int) -> None:
        batch = Batch()
        batch.add(self._path, text, mode, differs=True)
        try:
            batch.write()
        except ProjectError as error:
            raise ResolverUnavailable(error.message, hint="the config is as it was") from error

    def _server(self) -> int:
        """Return the process of the server, if there is one that would take the signal: others would die of it."""
        text, _ = _plain_file(self._pid_file)
        hint = "start the server, or write its `pid_file`; nothing was written"
        if not text.strip().isdecimal() or int(text) <= 0:
            raise ResolverUnavailable(f'"{self._pid_file}" holds no process id', hint=hint)
        process = int(text)
        try:
            os.kill(process, 0)
        except OSError as error:
            raise ResolverUnavailable(
                f'the server of "{self._pid_file}" (process {process}) cannot be reached: {_why(error)}',
                hint=hint,
            ) from error
        with contextlib.suppress(OSError):
            name = Path(f"/proc/{process}/comm").read_text(encoding="utf-8", errors="replace").strip()
            if name != _PROGRAM:
                raise ResolverUnavailable(
                    f'process {process} of "{self._pid_file}" is no {_PROGRAM}, and gets no signal', hint=hint
                )
        return process

    def _log(self, config: _Config, server: int) -> Path | None:
        """Return the server's log, if it is a file that can be found and read."""
        name = config.value(_LOG)
        if not name or name.startswith("$"):
            return None
        with contextlib.suppress(OSError):
            file = Path(f"/proc/{server}/cwd").readlink() / name if not name.startswith("/") else Path(name)
            if stat.S_ISREG(file.stat().st_mode) and os.access(file, os.R_OK):
                return file
        return None

    def _verdict(self, log: Path | None, seen: int, server: int) -> str:
        """Wait for what the log says of the reload.

        Raises:
            ResolverRejected: the server did not take the config, or ended.

        """
        if log is None:
            return "written, and the server told; whether it took it is not known: it logs into no file of the config"
        end = time.monotonic() + self._timeout
        while time.monotonic() < end:
            with log.open("rb") as opened:
                opened.seek(seen)
                said = opened.read(_MOST)
            if failed := _FAILED.search(said):
                words = masked(failed[1].decode("utf-8", "replace"))[:_WORDS]
                raise ResolverRejected(
                    f"the server did not reload: {words}; the config is as it was",
                    hint="it works on with the config that it had; some options need a restart",
                )
            if _DONE in said:
                return "written and reloaded"
            os.kill(server, 0)
            time.sleep(_POLL)
        raise ResolverRejected(
            f"the server says nothing of a reload within {self._timeout:g} seconds; the config is as it was",
            hint=f'does it log into "{log}"? a longer --timeout may help',
        )


def _plain_file(path: Path) -> tuple[str, int]:
    """Return the text of a file and its mode; a link is not followed, since writing would replace it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        why = "it is a link; name the file itself" if path.is_symlink() else _why(error)
        raise ResolverUnavailable(f'cannot read "{path}": {why}') from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ResolverRejected(f'"{path}" is no plain file')
        with os.fdopen(descriptor, "rb", closefd=False) as opened:
            return opened.read(_MOST).decode("utf-8"), stat.S_IMODE(found.st_mode)
    except UnicodeDecodeError as error:
        raise ResolverRejected(f'"{path}" is not UTF-8') from error
    finally:
        os.close(descriptor)


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


@contextlib.contextmanager
def open_memory_resolver(config: Path, pid_file: Path, *, timeout: float = 5.0) -> Iterator[HolderResolver]:
    """Open the config of a server with a memory resolver; nothing is read yet.

    Args:
        config: the file that the server was started with.
        pid_file: where the server writes its process id (`pid_file` of its config, or `-P`).
        timeout: seconds to wait for what the log says of a reload.

    """
    resolver = HolderResolver(PreloadStore(config, pid_file, timeout=timeout))
    try:
        yield resolver
    finally:
        resolver.close()
