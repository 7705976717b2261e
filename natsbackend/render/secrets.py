"""Secrets of a config, by reference: as a variable of the environment, or as a file of their own that it includes.

The server reads a variable's text as a piece of config (nats-server 2.15 `conf/parse.go`, lookupVariable): `123` is a
number, which makes it panic where it wants a key, and `a,b` begins another option. An included file is config, too; so
it is written here, with the secret quoted, from a file that holds the bare secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from natsbackend.model.serving import Secret, Server
from natsbackend.render.conf import Include, Value, Variable, write_conf


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFile:
    """A file that the config includes, and the user's file that the secret in it comes from."""

    path: str
    """The option it gives a value to, from the root of the config: `jetstream.key`."""
    source: str
    word: tuple[str, ...]
    """Where the spec names it, below `server`."""

    @property
    def name(self) -> str:
        """The name of the file; no two secrets of a config have one."""
        return _name(self.path)

    def content(self, text: str) -> str:
        """Return what stands in it.

        Raises:
            ConfError: the secret cannot be written, since it holds a NUL; the message does not repeat it.
        """
        return write_conf({self.path.rpartition(".")[2]: text})


def _name(path: str) -> str:
    return f"{path}.conf"


def secret(path: str, where: Secret, directory: str) -> Value:
    """Return the value of the option at a path that is a secret; `directory` is relative to that of the config."""
    if where.env is not None:
        return Variable(where.env)
    return Include(f"{directory}/{_name(path)}")


def secret_files(server: Server | None) -> Iterator[SecretFile]:
    """Return every file with a secret that the config of a server includes."""
    encryption = server.jetstream.encryption if server and server.jetstream else None
    if encryption is None:
        return
    for path, word, where in (
        ("jetstream.key", "key", encryption.key),
        ("jetstream.prev_key", "previous_key", encryption.previous_key),
    ):
        if where is not None and where.file is not None:
            yield SecretFile(path=path, source=where.file, word=("jetstream", "encryption", word, "file"))
