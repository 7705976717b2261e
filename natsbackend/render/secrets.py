"""Secrets of a config, by reference: as a variable of the environment, or as a file of their own that it includes.

The server reads a variable's text as a piece of config (nats-server 2.15 `conf/parse.go`, lookupVariable): `123` is a
number, which makes it panic where it wants a key, and `a,b` begins another option. An included file is config, too; so
it is written here, with the secret quoted, from a file that holds the bare secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from natsbackend.model.leafnodes import Leafnodes
from natsbackend.model.peers import Login, Peer
from natsbackend.model.serving import Secret, Server
from natsbackend.render.conf import Include, Value, Variable, write_conf


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFile:
    """A file that the config includes, and the user's file that the secret in it comes from."""

    path: str
    """The option it gives a value to, from the root of the config: `jetstream.key`."""
    source: str
    word: tuple[str | int, ...]
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
    for path, word, where in _secrets(server) if server else ():
        if where is not None and where.file is not None:
            yield SecretFile(path=path, source=where.file, word=(*word, "file"))


_Written: TypeAlias = "tuple[str, tuple[str | int, ...], Secret | None]"
"""The option that a secret is, where the spec says it, and where it stands."""


def _secrets(server: Server) -> Iterator[_Written]:
    encryption = server.jetstream.encryption if server.jetstream else None
    if encryption is not None:
        word = ("jetstream", "encryption")
        yield "jetstream.key", (*word, "key"), encryption.key
        yield "jetstream.prev_key", (*word, "previous_key"), encryption.previous_key
    if server.cluster is not None:
        yield from _login("cluster", server.cluster.authorization)
        yield from _urls(("cluster",), "routes", server.cluster.routes)
    if server.gateway is not None:
        yield from _login("gateway", server.gateway.authorization)
        for i, gateway in enumerate(server.gateway.gateways):
            yield from _urls(("gateway", "gateways", i), "urls", gateway.urls)
    if server.leafnodes is not None:
        yield from _leafnodes(server.leafnodes)


def _leafnodes(leafnodes: Leafnodes) -> Iterator[_Written]:
    if leafnodes.authorization is not None:
        path = ("leafnodes", "authorization", "password")
        yield option_path(*path), path, leafnodes.authorization.password
    for i, remote in enumerate(leafnodes.remotes):
        here = ("leafnodes", "remotes", i)
        yield option_path(*here, "nkey"), (*here, "nkey"), remote.nkey
        if remote.proxy is not None:
            proxy = (*here, "proxy", "password")
            yield option_path(*proxy), proxy, remote.proxy.password
        yield from _urls(here, "urls", remote.urls)


def _login(section: str, login: Login | None) -> Iterator[_Written]:
    if login is not None:
        path = (section, "authorization", "password")
        yield option_path(*path), path, login.password


def _urls(here: tuple[str | int, ...], word: str, peers: Sequence[Peer]) -> Iterator[_Written]:
    for i, peer in enumerate(peers):
        yield option_path(*here, url_name(i)), (*here, word, i), peer.secret


def option_path(*steps: str | int) -> str:
    """Return the path of an option; elements of lists are numbers."""
    return ".".join(str(step) for step in steps)


def url_name(index: int) -> str:
    """Return the name that the included file gives a URL of a list; the list takes it from there as a variable.

    A list holds no includes. The server takes a key that it does not know as long as a variable means it
    (nats-server 2.15 `opts.go`, IsUsedVariable), and looks among the keys around a list before its environment, so the
    name is one that no environment has.
    """
    return f"INCLUDED_URL_{index}"
