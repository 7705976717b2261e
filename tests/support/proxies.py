"""A TCP proxy on the loopback address that breaks connections in chosen ways."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit


class Proxy:
    """Passes bytes on to one server; `made` runs it. What it does to them may be changed at any time."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{parts.scheme}://127.0.0.1:{self.port}"
        self.connections = 0
        self.delay = 0.0
        """Seconds each chunk waits."""
        self.cut_after = -1
        """Sent so many bytes to the server, over all connections, end the connection that sends the next; once."""
        self.is_silent = False
        """Pass nothing on, in either direction, and keep connections open: a partition."""
        self.upward = 0
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def cut(self) -> None:
        """End every connection."""
        for pair in self._pairs:
            for one in pair:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop listening and end everything."""
        self._ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        self._thread.join()

    def _accept(self) -> None:
        workers = []
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                break
            self.connections += 1
            try:
                server = socket.create_connection(self._upstream)
            except OSError:
                client.close()
                continue
            self._pairs.append((client, server))
            worker = threading.Thread(target=self._pass_on, args=(client, server))
            worker.start()
            workers.append(worker)
        for worker in workers:
            worker.join()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        with selectors.DefaultSelector() as ready, client, server:
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            while not self._ended.is_set():
                for found, _ in [] if self.is_silent else ready.select(0.05):
                    if not self._one(found.fileobj, found.data, is_upward=found.fileobj is client):
                        return
                if self.is_silent:
                    self._ended.wait(0.02)

    def _one(self, source: socket.socket, sink: socket.socket, *, is_upward: bool) -> bool:
        try:
            chunk = source.recv(65536)
            if not chunk:
                return False
            if is_upward:
                self.upward += len(chunk)
                if 0 <= self.cut_after < self.upward:
                    self.cut_after = -1
                    return False
            time.sleep(self.delay)
            sink.sendall(chunk)
        except OSError:
            return False
        return True


@contextlib.contextmanager
def made(upstream: str) -> Iterator[Proxy]:
    """Run a proxy before a server."""
    proxy = Proxy(upstream)
    try:
        yield proxy
    finally:
        proxy.close()
