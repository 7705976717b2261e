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
from natsbackend.claims.details import account_members, operator_members
from natsbackend.claims.sharing import export_nats, import_nats, revoked_importers
from natsbackend.claims.unsigned import Unsigned as Unsigned
from natsbackend.keys import Keyring
from natsbackend.model.entities import (
    OPERATOR_PATH,
    UNLIMITED,
    Account,
    Backend,
    Export,
    Import,
    JetStreamLimits,
    Permissions,
    Restrictions,
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
    `revoked` are, each with a unix second, the importers by path of the export whose activations no longer count, and
    the users (or `*`) by path of the account that are revoked besides those of the spec.
    """
    yield operator_claims(backend, keyring)
    grants = Grants(backend)
    for account in backend.accounts.values():
        carried: dict[Import, str] = {}
        for taken in account.imports:
            if taken.token is not None:
                carried[taken] = taken.token
                continue
            export = grants.of(account, taken)
            token = export and (activations or {}).get(
                activation_path(account_path(taken.account), account.name, export)
            )
            if token:
                carried[taken] = token
        yield account_claims(backend, account, keyring, carried, revoked)
        for user in account.users.values():
            yield user_claims(account, user, keyring)


def imports_in_order(account: Account) -> list[Import]:
    """Return the imports of an account as its claims list them: Go sorts them by subject."""
    return sorted(account.imports, key=lambda i: (i.subject, i.kind, i.account))


def key_paths(backend: Backend) -> Iterator[str]:
    """Return every path that needs a key."""
    yield OPERATOR_PATH
    for key in backend.operator.signing_keys:
        yield key.path
    for account in backend.accounts.values():
        yield account.path
        for key in account.signing_keys:
            yield key.path
        external = account.details.external_authorization
        if external is not None and external.xkey_path is not None:
            yield external.xkey_path
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
    members = operator_members(operator.details)
    for name in ("account_server_url", "operator_service_urls"):
        if name in members:
            nats[name] = members.pop(name)
    nats["system_account"] = keyring[backend.system_account.path]
    if "assert_server_version" in members:
        nats["assert_server_version"] = members.pop("assert_server_version")
    if operator.require_signing_keys:
        nats["strict_signing_key_usage"] = True
    validity = operator.details.validity
    claims = Claims(
        kind=TokenKind.OPERATOR,
        subject=public,
        name=operator.name,
        nats=nats | members,
        expires=validity.expires or 0,
        not_before=validity.not_before or 0,
    )
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
        imports = imports_in_order(account)
        nats["imports"] = [import_nats(account, i, keyring, (activations or {}).get(i)) for i in imports]
    if account.exports:
        nats["exports"] = [
            export_nats(e, revoked_importers(backend, e, _revoked_of(account, e, revoked)))
            for e in sorted(account.exports, key=lambda e: (e.subject, e.kind))
        ]
    nats["limits"] = _account_limits(account)
    keys = _signing_keys(account, keyring)
    if keys:
        nats["signing_keys"] = keys
    nats |= account_members(account, keyring, _permissions, (revoked or {}).get(account.path))
    validity = account.details.validity
    claims = Claims(
        kind=TokenKind.ACCOUNT,
        subject=keyring[account.path],
        name=account.name,
        nats=nats,
        expires=validity.expires or 0,
        not_before=validity.not_before or 0,
    )
    signers = backend.operator.signing_keys
    signer = signers[0].path if signers else OPERATOR_PATH
    return Unsigned(path=account.path, claims=claims, issuer_path=signer, issuer=keyring[signer])


def user_claims(account: Account, user: User, keyring: Keyring) -> Unsigned:
    """Build the claims of a user of the spec, for the key that signs it: see `_signer`."""
    signer = _signer(account, user)
    if user.role is not None:
        nats = {**user.claims, **role_user_nats(keyring[account.path], user.tags)}
    else:
        nats = _holder(user, account)
        if signer != account.path:
            nats["issuer_account"] = keyring[account.path]
        if user.tags:
            nats["tags"] = list(user.tags)
    claims = Claims(
        kind=TokenKind.USER,
        subject=keyring[user.path],
        name=user.name,
        nats=nats,
        expires=user.expires or 0,
        not_before=user.not_before or 0,
    )
    return Unsigned(path=user.path, claims=claims, issuer_path=signer, issuer=keyring[signer])


def _signer(account: Account, user: User) -> str:
    """Return the path of the key that signs a user: its role's, the one it names, the account's first, its identity."""
    if user.role is not None:
        return account.roles[user.role].path
    for key in account.signing_keys:
        if user.signing_key in (None, key.name):
            return key.path
    return account.path


def role_user_nats(account: str, tags: tuple[str, ...]) -> dict[str, object]:
    """Return the `nats` part of a user that a role signs: nothing but the account and the tags."""
    nats: dict[str, object] = {"pub": {}, "sub": {}, "issuer_account": account}
    if tags:
        nats["tags"] = list(tags)
    return nats


def _revoked_of(
    account: Account, export: Export, revoked: Mapping[str, Mapping[str, int]] | None
) -> Mapping[str, int]:
    return revoked.get(export_path(account.path, export), {}) if revoked else {}


def _account_limits(account: Account) -> dict[str, object]:
    limits, jetstream, details = account.limits, account.jetstream, account.details
    out: dict[str, object] = {
        "subs": limits.subscriptions,
        "data": limits.data,
        "payload": limits.payload,
        "imports": limits.imports,
        "exports": limits.exports,
        "wildcards": limits.wildcard_exports,
    }
    if details.disallow_bearer:
        out["disallow_bearer"] = True
    out |= {"conn": limits.connections, "leaf": limits.leaf_nodes}
    if jetstream.memory != 0 or jetstream.disk != 0:
        out |= _jetstream(jetstream)
    if details.tiers:
        out["tiered_limits"] = {tier: _jetstream(details.tiers[tier]) for tier in sorted(details.tiers)}
    return _as_go_writes(out)


def _as_go_writes(limits: dict[str, object]) -> dict[str, object]:
    """Leave out what is 0 or false, as Go does and reads it (`account_claims.go`, omitempty)."""
    return {name: limit for name, limit in limits.items() if limit}


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
    return _as_go_writes(out)


def _signing_keys(account: Account, keyring: Keyring) -> list[object]:
    """The account's plain keys and scopes, sorted by key, as the Go library writes them."""
    keys: dict[str, object] = {keyring[key.path]: keyring[key.path] for key in account.signing_keys}
    for role in account.roles.values():
        keys[keyring[role.path]] = _scope(role, account, keyring[role.path])
    return [keys[public] for public in sorted(keys)]


def _scope(role: Role, account: Account, public: str) -> Mapping[str, object]:
    return {
        "kind": "user_scope",
        "key": public,
        "role": role.name,
        "template": _holder(role, account),
        "description": role.description,
    }


def _holder(holder: Role | User, account: Account) -> dict[str, object]:
    """What the template of a role and a user without one have in common."""
    out = {
        **_permissions(holder.permissions, account),
        **_restrictions(holder.restrictions),
        **_user_limits(holder.limits),
    }
    if holder.bearer:
        out["bearer_token"] = True
    if holder.restrictions.proxy_required:
        out["proxy_required"] = True
    if holder.connection_types:
        out["allowed_connection_types"] = [kind.value for kind in holder.connection_types]
    return {**out, **holder.claims}


def _restrictions(restrictions: Restrictions) -> dict[str, object]:
    out: dict[str, object] = {}
    if restrictions.sources:
        out["src"] = list(restrictions.sources)
    if restrictions.times:
        out["times"] = [{"start": window.start, "end": window.end} for window in restrictions.times]
    if restrictions.time_zone is not None:
        out["times_location"] = restrictions.time_zone
    return out


def _permissions(permissions: Permissions, account: Account | None = None) -> dict[str, object]:
    """Return the permissions of somebody in an account; without one, those are an account's defaults themselves.

    Who may do everything says so where the account has defaults: without a word they would hold instead.
    """
    has_defaults = account is not None and account.details.default_permissions is not None
    says_all = has_defaults and not permissions.account_default
    out: dict[str, object] = {
        "pub": _rules(permissions.publish, says_all=says_all),
        "sub": _rules(permissions.subscribe, says_all=says_all),
    }
    if permissions.responses is not None:
        out["resp"] = {"max": permissions.responses.max, "ttl": permissions.responses.ttl}
    return out


def _rules(rules: Rules, *, says_all: bool) -> dict[str, object]:
    allow = list(dict.fromkeys(grant.subject for grant in rules.allow))
    deny = list(dict.fromkeys(grant.subject for grant in rules.deny))
    if not allow:
        if not rules.unrestricted:
            deny = [">"]
        elif says_all:
            allow = [">"]
    out: dict[str, object] = {}
    if allow:
        out["allow"] = allow
    if deny:
        out["deny"] = deny
    return out


def _user_limits(limits: UserLimits) -> dict[str, object]:
    return _as_go_writes({"subs": limits.subscriptions, "data": limits.data, "payload": limits.payload})
