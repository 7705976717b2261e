"""One look at a target: what each server holds and does, against what the spec comes to and the lock records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from natsbackend.claims.codec import Token, read_unverified
from natsbackend.errors import ClaimsError, Location
from natsbackend.keys import Keyring
from natsbackend.lock import Issued
from natsbackend.model.checks.life import when
from natsbackend.model.entities import OPERATOR_PATH, Account
from natsbackend.model.names import printable, unescape
from natsbackend.plan.account_words import account_changes
from natsbackend.plan.diff import operator_diff
from natsbackend.plan.naming import Names, shortened
from natsbackend.plan.payloads import held_digest, held_payload, wanted_payload
from natsbackend.plan.text import change_lines
from natsbackend.plan.values import Desired, Snapshot, Wanted
from natsbackend.resolvers.interface import Effect, Holding, ServerInfo
from natsbackend.workflow.drift import AccountState, Code, Drift
from natsbackend.workflow.planning import readable_tokens
from natsbackend.workflow.pruning import spared
from natsbackend.workflow.push_findings import dropped_of
from natsbackend.workflow.reckoning import Reckoned

_PUSH = "`natsbackend push` brings it there"
_GENERATE = "`natsbackend generate`, then `natsbackend push`"
_NOTHING = Issued(-1, "")


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a spec comes to, and what a target was found to hold."""

    reckoned: Reckoned
    servers: tuple[ServerInfo, ...]
    listed: Mapping[str, str]
    """Account JWTs of one server, by public key."""
    holdings: Mapping[str, Holding]
    now: int

    @cached_property
    def _snapshot(self) -> Snapshot:
        accounts, unreadable = readable_tokens(self.listed)
        operators = dict.fromkeys(jwt for server in self.servers for jwt in server.operator_jwts)
        return Snapshot(
            source="the servers",
            accounts=accounts,
            operators=tuple(read_unverified(jwt) for jwt in operators),
            is_live=True,
            unreadable=unreadable,
        )

    @cached_property
    def _spared(self) -> frozenset[str]:
        return spared(self.reckoned.backend, self.reckoned.lock, self._snapshot)

    @cached_property
    def _desired(self) -> Desired:
        return self.reckoned.desired(self._spared)

    @cached_property
    def _names(self) -> Names:
        return Names(self._desired, self._snapshot)

    @cached_property
    def _trusted(self) -> Mapping[str, frozenset[str]]:
        return {server.name: server.operator_issuers for server in self.servers}

    def states(self) -> Iterator[AccountState]:
        """Return each account of the spec that has a key."""
        for account in self.reckoned.backend.accounts.values():
            public = self._key(account)
            if public is None:
                continue
            issued, holding = self._issued(account), self.holdings.get(public, Holding())
            tokens = {server: _token(text) for server, text in holding.tokens.items()}
            ends = [token.expires for token in tokens.values() if token is not None and token.expires]
            yield AccountState(
                name=account.name,
                public_key=public,
                issued_at=issued.issued_at,
                in_sync={server: _is_recorded(token, issued) for server, token in tokens.items()},
                held={server: token.jti if token else "" for server, token in tokens.items()},
                effective=dict(holding.effective),
                expires=min(ends, default=None),
            )

    def drifts(self) -> Iterator[Drift]:
        """Return everything that is not as it should be, the servers' operator first, strangers last."""
        yield from self._operators()
        for account, wanted in zip(
            self.reckoned.backend.accounts.values(), self._desired.accounts, strict=True
        ):
            yield from self._of_account(account, wanted)
        yield from self._others()

    @cached_property
    def _keyring(self) -> Keyring:
        return self.reckoned.base.keyring()

    def _key(self, account: Account) -> str | None:
        return self._keyring.public.get(account.path)

    def _issued(self, account: Account) -> Issued:
        return self.reckoned.base.issued.get(account.path, _NOTHING)

    def _operators(self) -> Iterator[Drift]:
        if self.reckoned.base.issued.get(OPERATOR_PATH, _NOTHING).digest != self.reckoned.digests.get(
            OPERATOR_PATH
        ):
            yield Drift(
                code=Code.NOT_GENERATED,
                text="the spec says another operator JWT than the lock records",
                hint="`natsbackend generate`, then restart the servers with the operator JWT of build/",
            )
        by_jwt: dict[tuple[str, ...], list[str]] = {}
        for server in self.servers:
            by_jwt.setdefault(server.operator_jwts, []).append(server.name)
        for jwts, names in by_jwt.items():
            operators = tuple(token for jwt in jwts if (token := _token(jwt)) is not None)
            running = Snapshot(source="the servers", accounts={}, operators=operators, is_live=True)
            changes, _ = operator_diff(self._desired, running)
            if changes:
                yield Drift(
                    code=Code.OPERATOR_DIFFERS,
                    text=f"{_on(names)} with another operator JWT than the spec says",
                    servers=tuple(names),
                    details=tuple(change_lines(changes)),
                    hint="restart with the operator JWT of build/: a reload does not take it over",
                )

    def _of_account(self, account: Account, wanted: Wanted) -> Iterator[Drift]:
        issued = self._issued(account)
        public = self._key(account)
        is_moved = wanted.is_new or not wanted.digest or wanted.digest != issued.digest
        if is_moved:
            yield self._not_generated(account, wanted, public)
        if public is None:
            return
        holding = self.holdings.get(public, Holding())
        by_text: dict[str | None, list[str]] = {}
        for server, text in holding.tokens.items():
            by_text.setdefault(text, []).append(server)
        for held, servers in by_text.items():
            yield from self._held(account, wanted, held, tuple(servers), shows_words=not is_moved)
        yield from self._effects(account, holding)

    def _not_generated(self, account: Account, wanted: Wanted, public: str | None) -> Drift:
        token = self._snapshot.accounts.get(public) if public else None
        changes = self._words(token, wanted) if token is not None else ()
        known = "has no key yet" if public is None else "is in the spec as `generate` has not recorded it yet"
        return Drift(
            code=Code.NOT_GENERATED,
            text=f'account "{printable(account.name)}" {known}',
            account=account.name,
            details=changes,
            hint=_GENERATE,
            at=account.at,
        )

    def _held(
        self,
        account: Account,
        wanted: Wanted,
        text: str | None,
        servers: tuple[str, ...],
        *,
        shows_words: bool,
    ) -> Iterator[Drift]:
        """Judge what some servers hold of an account."""
        name, issued = f'account "{printable(account.name)}"', self._issued(account)
        if text is None:
            if issued is not _NOTHING:
                yield _drift(Code.ACCOUNT_MISSING, account, f"{name} is not on {_listed(servers)}", servers)
            return
        token = _token(text)
        if token is None:
            said = f"what {_listed(servers)} stores for {name} is no JWT"
            yield _drift(Code.UNREADABLE, account, said, servers)
            return
        strange = tuple(server for server in servers if not self._is_trusted(token, server))
        if strange:
            why = (
                f"is signed by {shortened(token.issuer)}, whom the server does not trust"
                if token.signature_is_valid
                else "has no valid signature"
            )
            said = f"the JWT of {name} on {_listed(strange)} {why}: it is not in effect"
            hint = "somebody stored it past `natsbackend push`; pushing replaces it"
            yield _drift(Code.ISSUER_NOT_TRUSTED, account, said, strange, hint=hint)
        if not _is_recorded(token, issued):
            age = _age(token, issued)
            yield _drift(
                Code.ACCOUNT_DIFFERS,
                account,
                f"{_listed(servers)} {'hold' if len(servers) > 1 else 'holds'} another JWT of {name} "
                f"than the lock records, {age}",
                servers,
                details=self._words(token, wanted) if shows_words else (),
                hint=_PUSH if token.issued_at < issued.issued_at else _NEWER,
            )

    def _is_trusted(self, token: Token, server: str) -> bool:
        everywhere = frozenset[str]().union(*self._trusted.values())
        issuers = (
            self._trusted.get(server) or everywhere or self._own
        )  # a directory does not say whom servers trust
        return token.signature_is_valid and token.issuer in issuers

    @cached_property
    def _own(self) -> frozenset[str]:
        """Who may sign accounts by the spec."""
        operator = self.reckoned.operator.claims
        keys = operator.nats.get("signing_keys")
        signing = (key for key in (keys if isinstance(keys, list | tuple) else ()) if isinstance(key, str))
        is_strict = operator.nats.get("strict_signing_key_usage") is True
        return frozenset((*signing, *(() if is_strict else (operator.subject,))))

    def _words(self, token: Token, wanted: Wanted) -> tuple[str, ...]:
        changes = account_changes(held_payload(token), wanted_payload(wanted.unsigned), self._names)
        return tuple(change_lines(tuple(changes)))

    def _effects(self, account: Account, holding: Holding) -> Iterator[Drift]:
        name = f'account "{printable(account.name)}"'
        on: dict[Effect, list[str]] = {}
        for server, effect in holding.effective.items():
            on.setdefault(effect, []).append(server)
        for effect, servers in on.items():
            if effect in (Effect.EXPIRED, Effect.STALE):
                said = f"{name} is {effect} on {_listed(servers)}{_MEANING[effect]}"
                yield _drift(Code.NOT_IN_EFFECT, account, said, tuple(servers))
        for found in dropped_of(account, holding.dropped, self._keyring):
            where = tuple(server for server in holding.dropped if f'"{server}"' in found.message)
            yield Drift(
                code=Code.IMPORT_DROPPED,
                text=found.message,
                account=account.name,
                servers=where,
                hint=found.hint or "",
                at=found.at,
            )

    def _others(self) -> Iterator[Drift]:
        """Return what the target holds of accounts that are not in the spec."""
        lock, ours = self.reckoned.lock, {each.unsigned.claims.subject for each in self._desired.accounts}
        known = ours | set(self._desired.outside)
        for public in sorted(set(self.listed) - known):
            token = self._snapshot.accounts.get(public)
            name = token.name if token is not None and token.name else shortened(public)
            if public in self._desired.owned:
                path = self._desired.names.get(public, "")
                name = unescape(path.rpartition("/")[2])
                yield self._dropped(name, is_ended=public in lock.tombstones.get(path, {}))
            else:
                signed = f", signed by {shortened(token.issuer)}" if token is not None else ", and is no JWT"
                yield Drift(
                    code=Code.STRANGER,
                    text=f'account "{printable(name)}" ({public}) is not in the spec{signed}',
                    account=name,
                    hint="somebody pushed it by hand or from another spec; name it under `outside` if it may be there",
                )

    def _dropped(self, name: str, *, is_ended: bool) -> Drift:
        if is_ended:
            text = f'account "{printable(name)}" has been ended, and is not deleted on every server yet'
            hint = "`natsbackend push` finishes it when every server answers"
            return Drift(code=Code.TOMBSTONE, text=text, account=name, hint=hint)
        text = f'the spec has dropped account "{printable(name)}", and it is still live'
        hint = "`natsbackend push --prune` ends it"
        return Drift(code=Code.ACCOUNT_DROPPED, text=text, account=name, hint=hint)


_NEWER = (
    "somebody pushed from another lock, or by hand: bring that natsbackend.lock here, or "
    "`natsbackend push --force`"
)
_MEANING = {
    Effect.EXPIRED: ": it expired, or somebody deleted it",
    Effect.STALE: ": the server stored its JWT and works with an older one",
}


def _drift(
    code: Code,
    account: Account,
    text: str,
    servers: tuple[str, ...],
    *,
    details: tuple[str, ...] = (),
    hint: str = _PUSH,
) -> Drift:
    at: Location | None = account.at
    return Drift(
        code=code, text=text, account=account.name, servers=servers, details=details, hint=hint, at=at
    )


def _is_recorded(token: Token | None, issued: Issued) -> bool:
    """Tell whether a JWT is the one that the lock records: claims, issuer and moment, and a sound signature."""
    return (
        token is not None
        and token.issued_at == issued.issued_at
        and held_digest(token) == issued.digest
        and token.signature_is_valid
    )


def _age(token: Token, issued: Issued) -> str:
    if issued is _NOTHING:
        return "which records none"
    if token.issued_at == issued.issued_at:
        return f"issued at the same second, {when(token.issued_at)}"
    word = "older" if token.issued_at < issued.issued_at else "newer"
    return f"{word}: issued at {when(token.issued_at)}, not {when(issued.issued_at)}"


def _token(text: str | None) -> Token | None:
    try:
        return None if text is None else read_unverified(text)
    except ClaimsError:
        return None


def _listed(servers: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f'"{printable(server)}"' for server in servers)


def _on(names: list[str]) -> str:
    return f"{_listed(names)} {'run' if len(names) > 1 else 'runs'}"
