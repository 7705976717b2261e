"""The proof that every import is in place, as the server sees it once the accounts are in use.

A server that has stored an account's JWT has not read it yet: it does so when somebody claims to be of the account,
and drops, without a word, each import that it then cannot find, or may not have. So whoever logged in already is not
enough: accounts that nobody was of are claimed by a stranger, who is refused, and then all are asked about.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from natsbackend.claims.codec import Claims, TokenKind, sign
from natsbackend.errors import LiveServerError, Location
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.live.principals import Principals
from natsbackend.live.proof import Identity, Proof
from natsbackend.live.wire import Connection, Deadline, Refused
from natsbackend.model.entities import Account, Backend, Import
from natsbackend.model.sharing import ACCOUNT_TOKEN
from natsbackend.wording import counted

INFO = "$SYS.REQ.ACCOUNT.{}.INFO"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Who asks what the server makes of accounts: a user of the system account's role `observer`."""

    identity: Identity
    inbox: str
    """Where it may receive answers, without the final `.>`."""


def prove_imports(
    principals: Principals, keys: Mapping[str, str], observer: Observer, *, now: int
) -> Iterator[Proof]:
    """Yield one proof about the imports of all accounts; none if there are no imports.

    Args:
        principals: reaches the server.
        keys: the public key of each account by name.
        observer: asks.
        now: unix seconds.
    """
    importers = [account for account in _usable(principals.backend) if account.imports]
    count = sum(len(account.imports) for account in importers)
    if not count:
        return
    title = f"{counted(count, 'import')} {'is' if count == 1 else 'are'} in place"
    expected = "the server has installed every import"
    try:
        with contextlib.closing(principals.over_tcp(observer.identity)) as connection:
            asking = _Asking(connection, observer.inbox, principals.timeout)
            wrong = [
                found for account in importers for found in _missing(account, keys, asking, principals, now)
            ]
    except LiveServerError as error:
        yield Proof(
            id="imports-installed", title=title, passed=False, expected=expected, observed=error.message
        )
        return
    yield Proof(
        id="imports-installed",
        title=title,
        passed=not wrong,
        expected=expected,
        observed="; ".join(words for words, _ in wrong[:5]) or expected,
        at=wrong[0][1] if wrong else None,
    )


def _usable(backend: Backend) -> Iterator[Account]:
    """Every account that somebody can be of: where the resolver pins some, the server does not read the others."""
    pinned = backend.server.resolver.pinned if backend.server else None
    for account in backend.accounts.values():
        if pinned is None or account.name in (*pinned, backend.operator.system_account):
            yield account


class _Asking:
    """Questions to the server, one at a time."""

    def __init__(self, connection: Connection, inbox: str, timeout: float) -> None:
        self._connection, self._inbox, self._timeout = connection, f"{inbox}.imports", timeout
        connection.subscribe(f"{self._inbox}.*")
        self._asked = 0

    def info(self, public: str) -> dict[str, Any] | None:
        """Return what the server makes of an account, or None if it has not read it.

        Raises:
            LiveServerError: it does not answer, or ends the connection.
        """
        self._asked += 1
        reply = f"{self._inbox}.{self._asked}"
        self._connection.publish(INFO.format(public), reply=reply)
        answer = self._connection.wait_for(lambda m: m.subject == reply, Deadline(self._timeout))
        if answer is None:
            raise LiveServerError(f"the server does not say what it makes of {public}")
        data = json.loads(answer.payload).get("data")
        return data if isinstance(data, dict) else None


def _missing(
    account: Account, keys: Mapping[str, str], asking: _Asking, principals: Principals, now: int
) -> Iterator[tuple[str, Location | None]]:
    """Say which imports of an account the server has not installed, and where they stand in the spec."""
    public = keys[account.name]
    info = asking.info(public)
    if info is None:
        _claim(public, principals, now)
        info = asking.info(public)
    if info is None:
        yield f'the server has not read account "{account.name}"', account.at
        return
    installed = {
        (each.get("type"), each.get("account"), each.get("subject"))
        for each in info.get("imports") or ()
        if not each.get("invalid")
    }
    lost = [taken for taken in account.imports if _wire(taken, public, keys) not in installed]
    for taken in lost:
        what = f'the {taken.kind.value} "{taken.subject}" from "{taken.account}"'
        yield f'account "{account.name}" has not got {what}', taken.at
    if not lost and info.get("complete") is not True:
        yield f'the server dropped an import of account "{account.name}"', account.at


def _wire(taken: Import, public: str, keys: Mapping[str, str]) -> tuple[str, str | None, str]:
    """Return an import as the server tells of it: kind, exporter and the exporter's subject."""
    exporter = taken.outside_key or keys.get(taken.account)
    return taken.kind.value, exporter, taken.subject.replace(ACCOUNT_TOKEN, public)


def _claim(public: str, principals: Principals, now: int) -> None:
    """Claim to be of an account, signed by nobody: the server reads the account to find out that it is not so."""
    stranger, nobody = KeyPair(KeyRole.USER, bytes(32)), KeyPair(KeyRole.ACCOUNT, bytes(32))
    nats = {"pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1, "issuer_account": public}
    claims = Claims(kind=TokenKind.USER, subject=stranger.public, name="stranger", nats=nats)
    identity = Identity(jwt=sign(claims, nobody, now), key=stranger)
    with contextlib.suppress(Refused):
        principals.over_tcp(identity).close()
