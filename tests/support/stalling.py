"""A way to a server that stops carrying requests at a given place, so that a push hangs exactly there."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


class Stalling:
    """Forwards connections; the one with number `connection` is cut short before `marker` comes for the nth time."""

    def __init__(self, port: int, *, connection: int, marker: bytes, times: int) -> None:
        self.stalled = threading.Event()
        self._to, self._connection, self._marker, self._times = port, connection, marker, times
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets = [self._listener]

    @contextlib.contextmanager
    def running(self) -> Iterator[Stalling]:
        """Carry connections while inside."""
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield self
        finally:
            for each in self._sockets:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()

    def _accept(self) -> None:
        number = 0
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._to))
            self._sockets += (client, server)
            number += 1
            for carry in (self._requests(client, server, number), self._plain(server, client)):
                threading.Thread(target=lambda run=carry: list(run), daemon=True).start()

    def _plain(self, source: socket.socket, sink: socket.socket) -> Iterator[None]:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
                yield

    def _requests(self, source: socket.socket, sink: socket.socket, number: int) -> Iterator[None]:
        if number != self._connection:
            yield from self._plain(source, sink)
            return
        seen = b""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                before, seen = len(seen), seen + data
                place = self._place(seen)
                sink.sendall(seen[before:place])
                if place is not None:
                    self.stalled.set()
                    return
                yield

    def _place(self, seen: bytes) -> int | None:
        place = -1
        for _ in range(self._times):
            place = seen.find(self._marker, place + 1)
            if place < 0:
                return None
        return place
