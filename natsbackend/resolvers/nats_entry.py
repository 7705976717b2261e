"""What a push knows of one account: what is to be stored, and what each server said to it."""

from __future__ import annotations

from natsbackend.claims.codec import read_unverified
from natsbackend.errors import ResolverRejected
from natsbackend.resolvers.interface import AccountPush, Effect, PushResult
from natsbackend.resolvers.nats_fleet import Fleet
from natsbackend.resolvers.nats_replies import (
    dropped_imports,
    effect_of,
    exporters,
    is_complete,
    member,
    object_of,
)

_UPDATED = "jwt updated"
"""The one good answer: "jwt update skipped" has code 200, too (`respondToUpdate`, server/accounts.go)."""


class Entry:
    """One account of a push.

    Raises:
        ClaimsError: its JWT cannot be read.
        ResolverRejected: it is not one JWT of this account.

    """

    __slots__ = (
        "_yes",
        "account",
        "dropped",
        "effective",
        "exporters",
        "iat",
        "issuer",
        "looked_up",
        "name",
        "read",
        "refused",
        "said",
        "same",
        "stored",
        "token",
        "was_sent",
    )

    def __init__(self, push: AccountPush) -> None:
        self.account, self.name = push.account, push.name
        self.token = push.jwt.encode("utf-8")
        claims = read_unverified(push.jwt)
        self.issuer, self.iat = claims.issuer, claims.issued_at
        # The server stores line ends along with a token, so what is read back would differ from then on.
        if claims.subject != push.account or push.jwt.split() != [push.jwt]:
            raise ResolverRejected(
                f'account "{push.name}": what should be pushed is not one JWT of {push.account}',
                hint="run natsbackend generate again",
            )
        self.exporters = exporters(claims.nats)
        self._yes = b'"data":{"account":"%s","code":200,"message":"jwt updated"}}' % push.account.encode()
        self.was_sent = False
        self.begin()

    def begin(self) -> None:
        """Forget what servers said, for another run; that it was sent is not forgotten."""
        self.looked_up = self.same = self.read = 0
        self.stored: dict[str, None] = {}
        self.refused: dict[str, str] = {}
        self.said: dict[str, str] = {}
        self.effective: dict[str, Effect] = {}
        self.dropped: dict[str, tuple[str, ...]] = {}

    def is_on_all(self, fleet: Fleet) -> bool:
        """Tell whether every server that answered had exactly this JWT when it was looked up."""
        return self.same == len(fleet.servers)

    def is_settled(self, fleet: Fleet) -> bool:
        """Tell whether every server stored it or refused it."""
        return len(self.stored) + len(self.refused) >= len(fleet.servers)

    def take_confirmation(self, fleet: Fleet, data: bytes) -> None:
        """Note what a server answered to the JWT."""
        if data.endswith(self._yes):
            server = fleet.label_of(data)
            self.stored[server] = None
            self.said[server] = _UPDATED
            self.refused.pop(server, None)
            return
        reply = object_of(data)
        server, done, error = fleet.label(reply), member(reply, "data"), member(reply, "error")
        words = str(error.get("description") or done.get("message") or "it gave no reason")
        self.said[server] = words
        if words == _UPDATED and done.get("account") == self.account and not error:
            self.stored[server] = None
        else:
            self.refused[server] = words

    def take_effect(self, fleet: Fleet, data: bytes) -> None:
        """Note what a server makes of the account."""
        if is_complete(data, self.token):
            server = fleet.label_of(data)
            self.effective[server] = Effect.COMPLETE
            self.dropped.pop(server, None)
            return
        reply = object_of(data)
        effect = effect_of(reply, self.token)
        if effect:
            server = fleet.label(reply)
            self.effective[server] = effect
            self.dropped.pop(server, None)
            if effect is Effect.INCOMPLETE:
                self.dropped[server] = dropped_imports(reply)

    def result(self, fleet: Fleet, unreachable: tuple[str, ...]) -> PushResult:
        """Return what became of it."""
        was_there = self.is_on_all(fleet)
        confirmed = tuple(fleet.labels.values()) if was_there else tuple(self.stored)
        return PushResult(
            account=self.account,
            name=self.name,
            is_unchanged=was_there and not self.was_sent,
            stored=tuple(sorted(confirmed)),
            refused=self.refused,
            missing=tuple(s for s in fleet.labels.values() if s not in confirmed and s not in self.refused),
            unheard=fleet.unheard,
            read_back_ok=(self.same if was_there else self.read) >= fleet.expected > 0,
            effective=self.effective,
            dropped=self.dropped,
            unreachable=unreachable,
            said=self.said,
        )
