"""Spec to Backend: names filled in, words turned into what they mean, every element with its place.

Resolving never needs keys. It reports only what cannot be turned into an entity at all; whether the entities make
sense together is `model.checks`' to say, so that all findings come out at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from natsbackend.errors import Diagnostic, Location
from natsbackend.model import detailing, joining, serverside
from natsbackend.model.connecting import connection_types, restrictions
from natsbackend.model.entities import (
    Account,
    AccountLimits,
    Backend,
    Export,
    Import,
    JetStreamLimits,
    Kind,
    Operator,
    OutsideAccount,
    Response,
    Role,
    SigningKey,
    User,
    account_path,
    operator_signing_path,
    role_path,
    signing_path,
    user_path,
)
from natsbackend.model.names import printable
from natsbackend.model.permissions import ROLE_INBOX, Place, permissions, user_inbox, user_limits
from natsbackend.model.policy import policy_tests
from natsbackend.model.serving import Server
from natsbackend.model.sharing import EVERYONE, Latency, undecorated, without_account_token
from natsbackend.model.switched import switched_off
from natsbackend.model.system import system_roles
from natsbackend.model.targeting import targets
from natsbackend.spec.limit_models import AccountLimitsSpec, JetStreamLimitsSpec
from natsbackend.spec.load import Spec, Step
from natsbackend.spec.models import AccountSpec, DefaultsSpec, SigningKeySpec
from natsbackend.spec.sharing_models import ExportRevocationsSpec, ExportSpec, ImportSpec

DEFAULT_KEY = "main"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A backend, and what was wrong on the way to it."""

    backend: Backend
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(slots=True)
class _Way:
    """What resolving carries along."""

    spec: Spec
    found: list[Diagnostic] = field(default_factory=list)

    def say(self, code: str, message: str, at: Location, hint: str | None = None) -> None:
        shown = hint and printable(hint)
        self.found.append(Diagnostic(code=code, message=printable(message), at=at, hint=shown))


def resolve(spec: Spec) -> Resolved:
    """Turn a spec into a backend."""
    way = _Way(spec)
    model = spec.model
    operator = _operator(way)
    defaults = model.defaults or DefaultsSpec()
    accounts = {}
    for name, account in model.accounts.items():
        own = DefaultsSpec() if name == operator.system_account else defaults
        accounts[name] = _account(way, name, account, own, operator)
    system = operator.system_account
    if system not in accounts:
        at = spec.at("operator", "system_account")
        accounts[system] = Account(
            name=system, path=account_path(system), roles=system_roles(system, at), at=at
        )
    backend = Backend(
        operator=operator,
        accounts=accounts,
        server=_server(way),
        targets=targets(spec),
        tests=policy_tests(spec, accounts, way.say),
        outside={
            name: OutsideAccount(
                name=name, public_key=other.public_key, at=spec.at("outside", name, "public_key")
            )
            for name, other in model.outside.items()
        },
        checks_off=switched_off(spec),
    )
    return Resolved(backend, tuple(way.found))


def _server(way: _Way) -> Server | None:
    model = way.spec.model.server
    if model is None:
        return None
    return joining.joined(serverside.server(model, way.spec, way.say), model, way.spec, way.say)


def _operator(way: _Way) -> Operator:
    model = way.spec.model.operator
    keys = _keys(way.spec, model.signing_keys, "operator", "signing_keys")
    if keys is None:
        keys = [_Key(at=way.spec.key_at("operator"))] if model.require_signing_keys else []
    return Operator(
        name=model.name,
        was=model.was,
        signing_keys=tuple(
            SigningKey(name=key.name, path=operator_signing_path(key.name), was=key.was, at=key.at)
            for key in keys
        ),
        require_signing_keys=model.require_signing_keys,
        system_account=model.system_account,
        details=detailing.operator_details(way.spec),
        at=way.spec.at("operator", "name"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """A signing key as it is written."""

    name: str = DEFAULT_KEY
    was: str | None = None
    at: Location


def _keys(
    spec: Spec, signing_keys: list[str] | dict[str, SigningKeySpec] | None, *path: Step
) -> list[_Key] | None:
    """Return the signing keys that stand at a path, a list of names or a map of them; None if there is no word."""
    if signing_keys is None:
        return None
    if isinstance(signing_keys, list):
        at = spec.below(*path)
        return [_Key(name=name, at=at(i)) for i, name in enumerate(signing_keys)]
    return [_Key(name=name, was=key.was, at=spec.key_at(*path, name)) for name, key in signing_keys.items()]


def _account(way: _Way, name: str, model: AccountSpec, defaults: DefaultsSpec, operator: Operator) -> Account:
    spec = way.spec
    at = spec.below("accounts", name)
    is_system = name == operator.system_account
    exports = tuple(e for i, x in enumerate(model.exports) if (e := _export(way, x, at("exports", i))))
    imports = tuple(
        m for i, x in enumerate(model.imports) if (m := _import(way, x, partial(at, "imports", i)))
    )
    roles = _roles(spec, name, model, exports)
    if is_system:
        roles = {**system_roles(name, spec.key_at("accounts", name)), **roles}
    return Account(
        name=name,
        path=account_path(name),
        was=model.was,
        limits=_limits(model.limits, defaults.limits),
        jetstream=_jetstream(model.jetstream, defaults.jetstream),
        exports=exports,
        imports=imports,
        signing_keys=_account_keys(way, name, model, operator),
        roles=roles,
        users=_users(spec, name, model, exports),
        details=detailing.account_details(spec, name, model),
        at=spec.key_at("accounts", name),
    )


def _account_keys(way: _Way, account: str, model: AccountSpec, operator: Operator) -> tuple[SigningKey, ...]:
    """The account's plain keys; where users or activations need one and none is named, there is one, `main`."""
    keys = _keys(way.spec, model.signing_keys, "accounts", account, "signing_keys")
    if keys is None:
        plain_users = any(user.role is None for user in model.users.values())
        activations = any(export.private for export in model.exports)
        needed = (plain_users or activations) and operator.require_signing_keys
        keys = [_Key(at=way.spec.key_at("accounts", account))] if needed else []
    return tuple(
        SigningKey(name=key.name, path=signing_path(account, key.name), was=key.was, at=key.at)
        for key in keys
    )


_UNLIMITED = AccountLimits()
_NO_JETSTREAM = JetStreamLimits()


def _limits(own: AccountLimitsSpec | None, default: AccountLimitsSpec | None) -> AccountLimits:
    if own is None and default is None:
        return _UNLIMITED
    return AccountLimits(**{**_given(default), **_given(own)})


def _jetstream(own: JetStreamLimitsSpec | None, default: JetStreamLimitsSpec | None) -> JetStreamLimits:
    if own is None and default is None:
        return _NO_JETSTREAM
    return JetStreamLimits(**{**_given(default), **_given(own)})


def _given(spec: AccountLimitsSpec | JetStreamLimitsSpec | None) -> dict[str, Any]:
    """The limits that are written; the defaults of the others are those of the entity."""
    return {} if spec is None else spec.model_dump(exclude_unset=True, exclude={"tiers"})


def _kind(way: _Way, spec: ExportSpec | ImportSpec, at: Location) -> tuple[Kind, str] | None:
    if (spec.stream is None) == (spec.service is None):
        way.say("one-kind", "exactly one of `stream` and `service` is needed here", at)
        return None
    if spec.stream is not None:
        return Kind.STREAM, spec.stream
    assert spec.service is not None
    return Kind.SERVICE, spec.service


_RESPONSES = {"singleton": Response.SINGLETON, "stream": Response.STREAM, "chunked": Response.CHUNKED}


def _export(way: _Way, spec: ExportSpec, at: Location) -> Export | None:
    kind = _kind(way, spec, at)
    if kind is None:
        return None
    response = _RESPONSES[spec.response] if spec.response else None
    if response is None and kind[0] is Kind.SERVICE:
        response = Response.SINGLETON
    return Export(
        kind=kind[0],
        subject=kind[1],
        name=spec.name or kind[1],
        private=spec.private is not False,
        importers=() if isinstance(spec.private, bool) else tuple(dict.fromkeys(spec.private)),
        revoked=_revoked(spec.revocations),
        response=response,
        response_threshold=spec.response_threshold or 0,
        latency=Latency(sampling=spec.latency.sampling, to=spec.latency.to) if spec.latency else None,
        account_token_position=spec.account_token_position or 0,
        advertise=spec.advertise,
        allow_trace=spec.allow_trace,
        description=spec.description,
        info_url=spec.info_url,
        at=at,
    )


def _revoked(spec: ExportRevocationsSpec | None) -> dict[str, int]:
    if spec is None:
        return {}
    everyone = {} if spec.all_before is None else {EVERYONE: spec.all_before}
    return {**everyone, **spec.accounts}


def _import(way: _Way, spec: ImportSpec, place: Place) -> Import | None:
    at = place()
    kind = _kind(way, spec, at)
    if kind is None:
        return None
    outside = way.spec.model.outside.get(spec.from_)
    return Import(
        kind=kind[0],
        subject=kind[1],
        account=spec.from_,
        outside_key=outside.public_key if outside is not None else None,
        name=spec.name or kind[1],
        local_subject=spec.local_subject
        if spec.local_subject is not None
        else without_account_token(kind[1]),
        token=_token(way, spec),
        token_at=place("token") if spec.token is not None else None,
        share=spec.share,
        allow_trace=spec.allow_trace,
        at=at,
    )


def _token(way: _Way, spec: ImportSpec) -> str | None:
    """The activation an import carries; one in a file that nobody has read is as good as none."""
    if spec.token is None:
        return None
    text = spec.token if isinstance(spec.token, str) else way.spec.files.get(spec.token.file, "")
    return undecorated(text)


def _roles(spec: Spec, account: str, model: AccountSpec, exports: tuple[Export, ...]) -> dict[str, Role]:
    roles = {}
    for name, role in model.roles.items():
        base = ("accounts", account, "roles", name)
        words = permissions(role, spec.below(*base), private_inbox=ROLE_INBOX, exports=exports)
        roles[name] = Role(
            name=name,
            path=role_path(account, name),
            was=role.was,
            description=role.description,
            permissions=words,
            limits=user_limits(role.limits),
            bearer=role.websocket or role.bearer is True,
            connection_types=connection_types(["websocket"] if role.websocket else role.connection_types),
            restrictions=restrictions(role),
            claims=role.claims,
            ttl=role.ttl,
            at=spec.key_at(*base),
        )
    return roles


def _users(spec: Spec, account: str, model: AccountSpec, exports: tuple[Export, ...]) -> dict[str, User]:
    users = {}
    for name, user in model.users.items():
        base = ("accounts", account, "users", name)
        words = permissions(user, spec.below(*base), private_inbox=user_inbox(name), exports=exports)
        users[name] = User(
            name=name,
            path=user_path(account, name),
            was=user.was,
            role=user.role,
            permissions=words,
            limits=user_limits(user.limits),
            bearer=user.bearer is True,
            connection_types=connection_types(user.connection_types),
            restrictions=restrictions(user),
            claims=user.claims,
            tags=tuple(dict.fromkeys(_tag(tag) for tag in user.tags)),
            signing_key=user.signing_key,
            expires=user.expires,
            not_before=user.not_before,
            at=spec.key_at(*base),
        )
    return users


def _tag(text: str) -> str:
    """Write a tag as the server looks for it: the part before the colon in lower case (`tag()` asks in lower case)."""
    key, colon, value = text.strip().partition(":")
    return f"{key.lower()}{colon}{value}"
