"""A project whose servers run as one cluster of full resolvers, each of which can be stopped and started again."""

from __future__ import annotations

import contextlib
import copy
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from natsbackend.live.server import NatsServer, find_server
from support.cli import Ran, natsbackend
from support.resolvers import free_ports
from support.workspaces import Spec, Workspace

HOST = "127.0.0.1"
SYNC = "1h"
"""How often servers compare what they hold; only when they meet, in a test that says who repairs what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One server of the cluster, in a home of its own."""

    name: str
    port: int
    route: int
    home: Path

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://{HOST}:{self.port}"

    @property
    def store(self) -> Path:
        """Where the server keeps account JWTs."""
        return self.home / "jwt"


@dataclass(slots=True, kw_only=True)
class Cluster:
    """A project, the nodes that run what it generated, and the processes that run now."""

    space: Workspace
    nodes: dict[str, Node]
    running: dict[str, NatsServer] = field(default_factory=dict)

    @property
    def urls(self) -> list[str]:
        """Every way in."""
        return [node.url for node in self.nodes.values()]

    def start(self, name: str) -> None:
        """Start a node on what its home holds."""
        node = self.nodes[name]
        server = NatsServer(
            find_server(), node.home / "nats-server.conf", log=node.home / "log", cwd=node.home
        )
        server.start()
        self.running[name] = server

    def stop(self, name: str) -> None:
        """Stop a node; its store stays."""
        self.running.pop(name).stop()

    def run(self, *arguments: str, code: int | None = 0) -> Ran:
        """Run the command line in the project's folder."""
        return natsbackend(*arguments, cwd=self.space.root, code=code)


@contextmanager
def cluster(root: Path, spec: Spec, names: Sequence[str] = ("n1", "n2", "n3")) -> Iterator[Cluster]:
    """Generate a spec, and run a server for each name that starts from what was generated."""
    ports = free_ports(2 * len(names))
    nodes = {
        name: Node(name=name, port=port, route=route, home=root / name)
        for name, port, route in zip(names, ports[: len(names)], ports[len(names) :], strict=True)
    }
    project = root / "project"
    project.mkdir(parents=True)
    urls = [node.url for node in nodes.values()]
    whole = {**copy.deepcopy(spec), "targets": {"main": {"nats": urls, "servers": len(names)}}}
    whole["server"] = _server(next(iter(nodes.values())), nodes)
    space = Workspace(root=project, spec=whole)
    space.save()
    running = Cluster(space=space, nodes=nodes)
    running.run("generate")
    for node in nodes.values():
        _prepare(node, nodes, space)
    with contextlib.ExitStack() as stack:
        for name in names:
            running.start(name)
        stack.callback(lambda: [running.stop(name) for name in list(running.running)])
        yield running


def _server(node: Node, nodes: dict[str, Node]) -> Spec:
    routes = [f"nats://{HOST}:{other.route}" for other in nodes.values() if other is not node]
    return {
        "name": node.name,
        "listen": f"{HOST}:{node.port}",
        "resolver": {"type": "full", "dir": "jwt", "allow_delete": True, "interval": SYNC},
        "cluster": {"name": "eu", "listen": f"{HOST}:{node.route}", "routes": routes},
    }


def _prepare(node: Node, nodes: dict[str, Node], space: Workspace) -> None:
    """Write the config of a node: the same project, with another `server` section."""
    shutil.copytree(space.root, node.home)
    spec = {**copy.deepcopy(space.spec), "server": _server(node, nodes)}
    (node.home / "natsbackend.yaml").write_text(json.dumps(spec), encoding="utf-8")
    natsbackend("generate", "--frozen", cwd=node.home)
    shutil.copy(node.home / "build" / "nats-server.conf", node.home / "nats-server.conf")
