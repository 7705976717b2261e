"""Backend to claims: exactly what the server will read, member by member in the order the Go library writes.

Three rules matter more than the rest:
- All eight base limits are always written; an absent one is zero, and nobody could connect
  (nats-server 2.15 `accounts.go`).
- An empty allow list allows everything. So where no word allows anything in a direction, `>` is denied (`client.go`).
- A user signed by a role carries no permission and no limit at all, or the server refuses it (`auth.go`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from natsbackend.claims.codec import Claims, TokenKind
from natsbackend.claims.sharing import export_nats, import_nats
from natsbackend.claims.unsigned import Unsigned as Unsigned
from natsbackend.keys import Keyring
from natsbackend.model.entities import (
    OPERATOR_PATH,
    UNLIMITED,
    Account,
    AccountLimits,
    Backend,
    Import,
    JetStreamLimits,
    Permissions,
    Role,
    Rules,
    User,
    UserLimits,
    account_path,
)
from natsbackend.model.grants import Grants, activation_path, export_path


def build(
    backend: Backend,
    keyring: Keyring,
    activations: Mapping[str, str] | None = None,
    revoked: Mapping[str, Mapping[str, int]] | None = None,
) -> Iterator[Unsigned]:
    """Return the claims of the operator, then of each account followed by its users, in the order of the spec.

    `activations` are the signed ones by path (`claims.sharing.activations`); imports carry theirs.
    `revoked` are the importers by path of the export whose activations no longer count, each with a unix second.
    """
    yield operator_claims(backend, keyring)
    grants = Grants(backend)
    for account in backend.accounts.values():
        carried: dict[Import, str] = {}
        for taken in account.imports:
            export = grants.of(account, taken)
            token = export and (activations or {}).get(
                activation_path(account_path(taken.account), account.name, export)
            )
            if token:
                carried[taken] = token
        yield account_claims(backend, account, keyring, carried, revoked)
        for user in account.users.values():
            yield user_claims(account, user, keyring)


def key_paths(backend: Backend) -> Iterator[str]:
    """Return every path that needs a key."""
    yield OPERATOR_PATH
    for key in backend.operator.signing_keys:
        yield key.path
    for account in backend.accounts.values():
        yield account.path
        for key in account.signing_keys:
            yield key.path
        for role in account.roles.values():
            yield role.path
        for user in account.users.values():
            yield user.path


def operator_claims(backend: Backend, keyring: Keyring) -> Unsigned:
    """Build the operator's claims; its identity key signs them and nothing else."""
    operator = backend.operator
    public = keyring[OPERATOR_PATH]
    nats: dict[str, object] = {}
    if operator.signing_keys:
        nats["signing_keys"] = [keyring[key.path] for key in operator.signing_keys]
    nats["system_account"] = keyring[backend.system_account.path]
    if operator.require_signing_keys:
        nats["strict_signing_key_usage"] = True
    claims = Claims(kind=TokenKind.OPERATOR, subject=public, name=operator.name, nats=nats)
    return Unsigned(path=OPERATOR_PATH, claims=claims, issuer_path=OPERATOR_PATH, issuer=public)


def account_claims(
    backend: Backend,
    account: Account,
    keyring: Keyring,
    activations: Mapping[Import, str] | None = None,
    revoked: Mapping[str, Mapping[str, int]] | None = None,
) -> Unsigned:
    """Build an account's claims; the operator's first signing key signs them, or its identity if it has none.

    `activations` are the signed ones that its imports carry; for `revoked` see `build`.
    """
    nats: dict[str, object] = {}
    if account.imports:
        imports = sorted(account.imports, key=lambda i: (i.subject, i.kind, i.account))
        nats["imports"] = [import_nats(account, i, keyring, (activations or {}).get(i)) for i in imports]
    if account.exports:
        nats["exports"] = [
            export_nats(e, (revoked or {}).get(export_path(account.path, e), {}))
            for e in sorted(account.exports, key=lambda e: (e.subject, e.kind))
        ]
    nats["limits"] = _account_limits(account.limits, account.jetstream)
    keys = _signing_keys(account, keyring)
    if keys:
        nats["signing_keys"] = keys
    nats["default_permissions"] = {"pub": {}, "sub": {}}
    nats["authorization"] = {}
    claims = Claims(kind=TokenKind.ACCOUNT, subject=keyring[account.path], name=account.name, nats=nats)
    signers = backend.operator.signing_keys
    signer = signers[0].path if signers else OPERATOR_PATH
    return Unsigned(path=account.path, claims=claims, issuer_path=signer, issuer=keyring[signer])


def user_claims(account: Account, user: User, keyring: Keyring) -> Unsigned:
    """Build the claims of a user of the spec, for its role's key, or the account's first key, or its identity."""
    if user.role is not None:
        signer = account.roles[user.role].path
        nats = role_user_nats(keyring[account.path], user.tags)
    else:
        signer = account.signing_keys[0].path if account.signing_keys else account.path
        nats = {**_permissions(user.permissions), **_user_limits(user.limits)}
        if signer != account.path:
            nats["issuer_account"] = keyring[account.path]
        if user.tags:
            nats["tags"] = list(user.tags)
    claims = Claims(
        kind=TokenKind.USER, subject=keyring[user.path], name=user.name, nats=nats, expires=user.expires or 0
    )
    return Unsigned(path=user.path, claims=claims, issuer_path=signer, issuer=keyring[signer])


def role_user_nats(account: str, tags: tuple[str, ...]) -> dict[str, object]:
    """Return the `nats` part of a user that a role signs: nothing but the account and the tags."""
    nats: dict[str, object] = {"pub": {}, "sub": {}, "issuer_account": account}
    if tags:
        nats["tags"] = list(tags)
    return nats


def _account_limits(limits: AccountLimits, jetstream: JetStreamLimits) -> dict[str, object]:
    out: dict[str, object] = {
        "subs": limits.subscriptions,
        "data": limits.data,
        "payload": limits.payload,
        "imports": limits.imports,
        "exports": limits.exports,
        "wildcards": limits.wildcard_exports,
        "conn": limits.connections,
        "leaf": limits.leaf_nodes,
    }
    if jetstream.memory != 0 or jetstream.disk != 0:
        out |= _jetstream(jetstream)
    return out


def _jetstream(limits: JetStreamLimits) -> dict[str, object]:
    out: dict[str, object] = {}
    if limits.memory:
        out["mem_storage"] = limits.memory
    if limits.disk:
        out["disk_storage"] = limits.disk
    out["streams"] = limits.streams
    out["consumer"] = limits.consumers
    ceilings = {
        "max_ack_pending": limits.max_ack_pending,
        "mem_max_stream_bytes": limits.memory_max_stream,
        "disk_max_stream_bytes": limits.disk_max_stream,
    }
    out |= {name: value for name, value in ceilings.items() if value != UNLIMITED}
    if limits.max_bytes_required:
        out["max_bytes_required"] = True
    return out


def _signing_keys(account: Account, keyring: Keyring) -> list[object]:
    """The account's plain keys and scopes, sorted by key, as the Go library writes them."""
    keys: dict[str, object] = {keyring[key.path]: keyring[key.path] for key in account.signing_keys}
    for role in account.roles.values():
        keys[keyring[role.path]] = _scope(role, keyring[role.path])
    return [keys[public] for public in sorted(keys)]


def _scope(role: Role, public: str) -> Mapping[str, object]:
    template = {**_permissions(role.permissions), **_user_limits(role.limits)}
    if role.bearer:
        template["bearer_token"] = True
    if role.connection_types:
        template["allowed_connection_types"] = [kind.value for kind in role.connection_types]
    return {
        "kind": "user_scope",
        "key": public,
        "role": role.name,
        "template": template,
        "description": role.description,
    }


def _permissions(permissions: Permissions) -> dict[str, object]:
    out: dict[str, object] = {"pub": _rules(permissions.publish), "sub": _rules(permissions.subscribe)}
    if permissions.responses is not None:
        out["resp"] = {"max": permissions.responses.max, "ttl": permissions.responses.ttl}
    return out


def _rules(rules: Rules) -> dict[str, object]:
    allow = list(dict.fromkeys(grant.subject for grant in rules.allow))
    deny = list(dict.fromkeys(grant.subject for grant in rules.deny))
    if not allow and not rules.unrestricted:
        deny = [">"]
    out: dict[str, object] = {}
    if allow:
        out["allow"] = allow
    if deny:
        out["deny"] = deny
    return out


def _user_limits(limits: UserLimits) -> dict[str, object]:
    return {"subs": limits.subscriptions, "data": limits.data, "payload": limits.payload}
