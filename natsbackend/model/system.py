"""The system account's two roles, made unless the spec describes them.

`pusher` may update, delete and read back account JWTs; `observer` may only read. Both have a private inbox and may
see every server's VARZ, which carries the operator JWT the server runs with. Neither may ask CONNZ, which shows
every client's whole bearer token (nats-server 2.15 `monitor.go`).
"""

from __future__ import annotations

from natsbackend.errors import Location
from natsbackend.model.entities import ConnectionType, Grant, Permissions, Role, Rules, role_path
from natsbackend.model.permissions import ROLE_INBOX

PUSHER = "pusher"
OBSERVER = "observer"

READ_SUBJECTS = (
    "$SYS.REQ.CLAIMS.LIST",
    "$SYS.REQ.CLAIMS.PACK",
    "$SYS.REQ.ACCOUNT.*.CLAIMS.LOOKUP",
    "$SYS.REQ.ACCOUNT.*.INFO",
    "$SYS.REQ.SERVER.PING",
    "$SYS.REQ.SERVER.PING.STATSZ",
    "$SYS.REQ.SERVER.PING.VARZ",
    "$SYS.REQ.SERVER.PING.JSZ",
)
WRITE_SUBJECTS = ("$SYS.REQ.CLAIMS.UPDATE", "$SYS.REQ.CLAIMS.DELETE", "$SYS.REQ.ACCOUNT.NSUBS")
"""The last one changes nothing that is stored: to count an account's subscriptions a server loads the account."""

_CONNECTIONS = (ConnectionType.STANDARD, ConnectionType.WEBSOCKET)
_TTL = 15 * 60


def system_roles(account: str, at: Location | None) -> dict[str, Role]:
    """Return the roles every system account gets, by name."""
    return {
        PUSHER: _role(account, PUSHER, (*WRITE_SUBJECTS, *READ_SUBJECTS), "pushes account JWTs", at),
        OBSERVER: _role(account, OBSERVER, READ_SUBJECTS, "reads what servers and resolvers hold", at),
    }


def _role(account: str, name: str, publish: tuple[str, ...], what: str, at: Location | None) -> Role:
    inbox = Grant(subject=f"{ROLE_INBOX}.>", origin="inbox", at=at)
    return Role(
        name=name,
        path=role_path(account, name),
        description=what,
        permissions=Permissions(
            publish=Rules(allow=tuple(Grant(subject=s, origin="system", at=at) for s in publish)),
            subscribe=Rules(allow=(inbox,)),
            inbox=ROLE_INBOX,
        ),
        connection_types=_CONNECTIONS,
        ttl=_TTL,
        at=at,
    )
