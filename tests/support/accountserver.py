"""An account server as nats-account-server was: real sockets, real HTTP, and the same answers.

It stores what an operator's trusted key has signed, in memory; `faults` are statuses that it answers with first.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from natsbackend.claims.codec import decode, read_unverified
from natsbackend.errors import ClaimsError
from natsbackend.resolvers.trust import operator_issuers

_API = "/jwt/v1"


@dataclass(slots=True, kw_only=True)
class AccountServer:
    """What it holds, and what it was asked."""

    operator: str | None
    url: str = ""
    stored: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """METHOD PATH STATUS of every request."""
    faults: list[int] = field(default_factory=list)
    pends: bool = False
    """Whether it waits for somebody to sign what it is sent."""
    has_pack: bool = True

    def get(self, path: str, etags: str) -> tuple[int, str, dict[str, str]]:
        plain = {"Content-Type": "text/plain"}
        if path in ("/accounts", "/accounts/"):
            return 200, "", {"Cache-Control": "no-cache"}
        if path == "/operator" and self.operator is not None:
            return 200, self.operator, {"Content-Type": "application/jwt"}
        if path == "/pack" and self.has_pack:
            return 200, "\n".join(f"{account}|{jwt}" for account, jwt in sorted(self.stored.items())), plain
        name = path.removeprefix("/accounts/")
        if name not in self.stored:
            return 404, "no matching account JWT", plain
        etag = f'"{read_unverified(self.stored[name]).jti}"'
        if etag in etags:
            return 304, "", {"Etag": etag}
        return 200, self.stored[name], {"Etag": etag, "Content-Type": "application/jwt"}

    def post(self, path: str, body: str) -> tuple[int, str, dict[str, str]]:
        account = path.removeprefix("/accounts/")
        try:
            token = decode(body)
        except ClaimsError:
            return 400, "bad JWT in request", {}
        if token.subject != account:
            return 400, "pub keys don't match", {}
        if self.operator is not None and token.issuer not in operator_issuers([self.operator]):
            return 400, "untrusted issuer in request", {}
        if self.pends:
            return 202, "waiting for a signature", {}
        self.stored[account] = body
        return 200, "", {}


@contextmanager
def account_server(
    operator: str | None, *, tls: ssl.SSLContext | None = None, faults: tuple[int, ...] = ()
) -> Iterator[AccountServer]:
    """Run one on the loopback address."""
    state = AccountServer(operator=operator, faults=list(faults))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answer(*state.get(self._path(), self.headers.get("If-None-Match", "")))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(*((0, "", {}) if state.faults else state.post(self._path(), body)))

        def _path(self) -> str:
            assert self.path.startswith(_API), self.path
            return self.path.removeprefix(_API)

        def _answer(self, status: int, text: str, headers: dict[str, str]) -> None:
            if state.faults:
                status, text, headers = state.faults.pop(0), "out of order", {}
            state.asked.append(f"{self.command} {self._path()} {status}")
            if status == 0:  # it hangs up
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    state.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}{_API}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
