"""A project on a cluster of real nats-servers, each of which can go down and come back with what it had stored."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from natsbackend.live.server import NatsServer, find_server
from support.resolvers import free_ports
from support.workspaces import Workspace

SYNC = "500ms"
"""How often the servers compare what they have."""


@dataclass(slots=True, kw_only=True)
class Node:
    """One server."""

    name: str
    port: int
    home: Path
    running: NatsServer | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def up(self) -> None:
        """Start it, with what it has on disk."""
        config = self.home / "nats-server.conf"
        self.running = NatsServer(find_server(), config, log=self.home / "log", cwd=self.home)
        self.running.start()

    def down(self) -> None:
        """Stop it, if it runs."""
        if self.running is not None:
            self.running.stop()
            self.running = None

    def stored(self) -> dict[str, str]:
        """Return what its resolver has on disk, by public key."""
        return {path.stem: path.read_text() for path in (self.home / "jwt").glob("*.jwt")}


@contextlib.contextmanager
def nodes(
    space: Workspace, directory: Path, names: Sequence[str] = ("n1", "n2", "n3"), *, deletes: bool = True
) -> Iterator[dict[str, Node]]:
    """Run a generated project on so many servers, and name them all as its target `main`."""
    ports = free_ports(2 * len(names))
    found = {n: Node(name=n, port=p, home=directory / n) for n, p in zip(names, ports, strict=False)}
    routes = ports[len(names) :]
    space.spec["targets"] = {"main": {"nats": [node.url for node in found.values()], "servers": len(names)}}
    space.generate()
    for node, route in zip(found.values(), routes, strict=True):
        node.home.mkdir(parents=True)
        others = ", ".join(f"nats://127.0.0.1:{other}" for other in routes if other != route)
        cluster = f"cluster {{ name: c, listen: 127.0.0.1:{route}, routes: [{others}] }}" if others else ""
        (node.home / "nats-server.conf").write_text(
            f"""
            server_name: {node.name}
            listen: 127.0.0.1:{node.port}
            operator: {space.project.operator_jwt.read_text()}
            system_account: {space.key("accounts/SYS")}
            resolver: {{
                type: full, dir: "{node.home / "jwt"}", interval: "{SYNC}"
                allow_delete: {str(deletes).lower()}
            }}
            resolver_preload: {{ {space.key("accounts/SYS")}: {space.project.account_jwt("SYS").read_text()} }}
            {cluster}
            """
        )
    try:
        for node in found.values():
            node.up()
        yield found
    finally:
        for node in found.values():
            node.down()


def eventually(what: str, is_so: object, *, within: float = 15.0) -> None:
    """Wait until something is so, and fail if it never is."""
    assert callable(is_so)
    end = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.05)
