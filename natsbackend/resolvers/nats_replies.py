"""What nats-servers answer in the system account, read without believing it: replies come from the network."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from natsbackend.claims.codec import read_unverified
from natsbackend.errors import ClaimsError, ResolverRejected
from natsbackend.resolvers.interface import Effect

_SERVER = re.compile(rb'"id":"(N[A-Z2-7]{55})"')
_HEAD = 2_000
"""Within so many bytes a reply names the server; its name and host stand before."""
_REFERENCE = re.compile(r"\$\d+")


def object_of(data: bytes) -> Mapping[str, Any]:
    """Read a JSON object.

    Raises:
        ResolverRejected: it is none.

    """
    try:
        reply = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ResolverRejected("a server's answer is not JSON") from error
    if not isinstance(reply, dict):
        raise ResolverRejected("a server's answer is not a JSON object")
    return reply


def member(reply: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a member that is an object; empty if it is not."""
    value = reply.get(name)
    return value if isinstance(value, dict) else {}


def server_id(data: bytes) -> str | None:
    """Return who answered, without reading all of it; None if the reply must be read for that."""
    found = _SERVER.search(data, 0, _HEAD) if data.startswith(b'{"server":{"name":"') else None
    return found[1].decode("ascii") if found else None


def issued_at(token: bytes) -> int:
    """Return the `iat` of a stored token in Unix seconds; 0 if it cannot be read: anything may replace it."""
    try:
        return read_unverified(token.decode("utf-8")).issued_at
    except (ClaimsError, UnicodeDecodeError):
        return 0


def is_complete(data: bytes, token: bytes) -> bool:
    """Tell whether an ACCOUNT.INFO reply says that this token is in effect as a whole.

    No text within JSON holds these bytes, since its quotes are escaped, and the server writes no other members of
    these names. Thousands of replies are read this way, each ten times as quick as with JSON.
    """
    return b'"complete":true' in data and b'"expired":false' in data and b'"jwt":"%s"' % token in data


def effect_of(reply: Mapping[str, Any], token: bytes | None) -> Effect | None:
    """Read an ACCOUNT.INFO reply (`accountInfo`, server/monitor.go, 2.15); None if it says nothing.

    Args:
        reply: what the server answered.
        token: what it should work with; None if any will do.

    """
    error, account = member(reply, "error"), member(reply, "data")
    if str(error.get("description", "")).endswith("does not exist"):
        return Effect.NOT_LOADED
    if not account:
        return None
    if token is not None and str(account.get("jwt", "")).encode("utf-8") != token:
        return Effect.STALE
    if account.get("expired"):
        return Effect.EXPIRED
    return Effect.COMPLETE if account.get("complete") else Effect.INCOMPLETE


def dropped_imports(reply: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the imports of an ACCOUNT.INFO reply that its JWT asks for and the server did not install.

    Each as `stream SUBJECT from KEY` or `service SUBJECT from KEY`, subject and key the exporter's. Of two streams
    with the same subject of the same account the server takes the first.
    """
    account = member(reply, "data")
    installed = Counter(
        _installed(one) for one in _objects(account.get("imports")) if one.get("invalid") is not True
    )
    lost = []
    for wanted in _objects(_claims(account).get("imports")):
        key = _wanted(wanted)
        if installed[key] > 0:
            installed[key] -= 1
        else:
            lost.append(f"{key[0]} {_exported(wanted)} from {key[1]}")
    return tuple(lost)


def exporters(token_claims: Mapping[str, object]) -> tuple[str, ...]:
    """Return the accounts that the `nats` member of an account's token imports from, each once."""
    found = (str(one.get("account")) for one in _objects(token_claims.get("imports")))
    return tuple(dict.fromkeys(found))


def _claims(account: Mapping[str, Any]) -> Mapping[str, object]:
    try:
        return read_unverified(str(account.get("jwt", ""))).nats
    except ClaimsError:
        return {}


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


_Key = tuple[str, str, str]
"""Type, exporting account, and what the server tells imports of one account apart by."""


def _installed(one: Mapping[str, Any]) -> _Key:
    kind = str(one.get("type"))
    what = one.get("local_subject") if kind == "service" else one.get("subject")
    return kind, str(one.get("account")), str(what)


def _wanted(one: Mapping[str, Any]) -> _Key:
    """Return the key under which an import of a JWT is installed (`ToSubject` and `GetTo`, jwt v2.8.2).

    A service is known by its local subject, which the old `to` beside a subject turns round; a stream by the
    exporter's.
    """
    kind, account, subject = str(one.get("type")), str(one.get("account")), str(one.get("subject"))
    local = one.get("local_subject")
    if kind == "service" and isinstance(local, str) and local:
        subject = _REFERENCE.sub("*", local)
    return kind, account, subject


def _exported(one: Mapping[str, Any]) -> str:
    old, local = one.get("to"), one.get("local_subject")
    turned = one.get("type") == "service" and old and not local
    return str(old if turned else one.get("subject"))
