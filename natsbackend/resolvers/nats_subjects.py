"""The subjects of the system account that resolvers are asked on, and which of them each task needs.

nats-server 2.15: `server/events.go`, `server/accounts.go`.
"""

from __future__ import annotations

STATSZ = "$SYS.REQ.SERVER.PING.STATSZ"
VARZ = "$SYS.REQ.SERVER.PING.VARZ"
UPDATE = "$SYS.REQ.CLAIMS.UPDATE"
DELETE = "$SYS.REQ.CLAIMS.DELETE"
PACK = "$SYS.REQ.CLAIMS.PACK"
LIST = "$SYS.REQ.CLAIMS.LIST"
LOOKUP = "$SYS.REQ.ACCOUNT.{}.CLAIMS.LOOKUP"
INFO = "$SYS.REQ.ACCOUNT.{}.INFO"
LOAD = "$SYS.REQ.ACCOUNT.NSUBS"
"""How many subscriptions an account has on each server: to count them, a server loads the account."""

OBSERVER_PUBLISH = (STATSZ, VARZ, LOOKUP.format("*"), INFO.format("*"))
"""All that `servers` and `lookup` publish to (and the last step of a push)."""
READER_PUBLISH = (*OBSERVER_PUBLISH, PACK, LIST)
"""All that `fetch` and `inspect` publish to, too."""
PUSHER_PUBLISH = (*OBSERVER_PUBLISH, UPDATE)
"""All that `push` publishes to without a probe; with one also to `LOAD`."""
