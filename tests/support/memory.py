"""A real nats-server with a memory resolver, that logs into a file and writes its process id."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from natsbackend.live.server import find_server
from natsbackend.resolvers.interface import AccountPush
from support.resolvers import World, free_ports


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryServer:
    """One that runs."""

    url: str
    config: Path
    pid_file: Path
    log: Path
    process: subprocess.Popen[bytes]


@contextmanager
def memory_server(
    world: World, home: Path, *, preload: Sequence[AccountPush] = (), logs: bool = True, extra: str = ""
) -> Iterator[MemoryServer]:
    """Run it on the loopback address."""
    (port,) = free_ports(1)
    config, pid, log = home / "nats-server.conf", home / "nats.pid", home / "nats.log"
    preloaded = "".join(f"  {each.account}: {each.jwt}\n" for each in preload)
    config.write_text(
        f"# by hand\nserver_name: n1\nlisten: 127.0.0.1:{port}\noperator: {world.operator_jwt()}\n"
        f"system_account = {world.system.public}\nresolver: MEMORY // in the config\n"
        f'resolver_preload {{ # these\n  {world.system.public}: "{world.system_jwt()}"\n{preloaded}}}\n'
        f"pid_file: '{pid}'\n{f'log_file: {log}' if logs else ''}\n{extra}\n"
    )
    with subprocess.Popen(
        [find_server(), "-c", str(config)],
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            _wait(port, pid, process)
            yield MemoryServer(
                url=f"nats://127.0.0.1:{port}", config=config, pid_file=pid, log=log, process=process
            )
        finally:
            process.terminate()


def _wait(port: int, pid: Path, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 15
    while time.monotonic() < end:
        assert process.poll() is None, "it ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
            continue
        if pid.exists() and pid.read_text():
            return
    raise AssertionError("it did not start in time")
