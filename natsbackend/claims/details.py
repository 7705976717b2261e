"""The claims of an account besides imports, exports, limits and signing keys, in the Go library's member order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from natsbackend.keys import Keyring, KeyRole, derived_user_key, is_public
from natsbackend.model.details import ANY_ACCOUNT, AccountDetails, ExternalAuthorization, OperatorDetails
from natsbackend.model.entities import Account, Permissions, account_path
from natsbackend.model.sharing import EVERYONE


def operator_members(details: OperatorDetails) -> dict[str, object]:
    """Return the operator's members that come before and after its system account, by name; raw ones are last."""
    members = {
        "account_server_url": details.account_server_url,
        "operator_service_urls": list(details.service_urls),
        "assert_server_version": details.assert_server_version,
        "tags": list(details.tags),
    }
    return {name: value for name, value in members.items() if value} | dict(details.claims)


def account_members(
    account: Account,
    keyring: Keyring,
    permissions_of: Callable[[Permissions], dict[str, object]],
    revoked: Mapping[str, int] | None = None,
) -> dict[str, object]:
    """Return an account's members from `revocations` on; `revoked` are those that the spec does not say."""
    details = account.details
    out: dict[str, object] = {}
    revocations = _all_revocations(account, keyring, revoked or {})
    if revocations:
        out["revocations"] = revocations
    default = details.default_permissions
    out["default_permissions"] = {"pub": {}, "sub": {}} if default is None else permissions_of(default)
    if details.mappings:
        out["mappings"] = {source: _targets(details, source) for source in sorted(details.mappings)}
    out["authorization"] = _authorization(account, keyring, details.external_authorization)
    if details.trace is not None:
        out["trace"] = {"dest": details.trace.to, "sampling": details.trace.sampling}
    rest = {
        "cluster_traffic": details.cluster_traffic,
        "description": details.description,
        "info_url": details.info_url,
        "tags": list(details.tags),
    }
    return out | {name: value for name, value in rest.items() if value} | dict(details.claims)


def _all_revocations(account: Account, keyring: Keyring, revoked: Mapping[str, int]) -> Mapping[str, int]:
    """Revocations by key, sorted as Go writes a map. What a newer one of everybody covers need not be carried."""
    said = spec_revocations(account, keyring)
    everyone = max(said.get(EVERYONE, -1), revoked.get(EVERYONE, -1))
    out = dict(said)
    for key, until in revoked.items():
        if key == EVERYONE or until > everyone:
            out[key] = max(until, out.get(key, 0))
    return dict(sorted(out.items()))


def spec_revocations(account: Account, keyring: Keyring) -> Mapping[str, int]:
    """Return the revocations of the spec by key. A name that no user has is that on tokens of a role."""

    def key(name: str) -> str:
        if name == "*" or is_public(name, KeyRole.USER):
            return name
        user = account.users.get(name)
        return keyring[user.path] if user else derived_user_key(keyring[account.path], name)

    revoked: dict[str, int] = {}
    for name, until in account.details.revocations.items():
        revoked[key(name)] = max(until, revoked.get(key(name), 0))
    return revoked


def _targets(details: AccountDetails, source: str) -> list[dict[str, object]]:
    out = []
    for target in details.mappings[source]:
        one: dict[str, object] = {"subject": target.subject}
        if target.weight is not None:
            one["weight"] = target.weight
        if target.cluster:
            one["cluster"] = target.cluster
        out.append(one)
    return out


def _authorization(
    account: Account, keyring: Keyring, external: ExternalAuthorization | None
) -> dict[str, object]:
    if external is None:
        return {}
    out: dict[str, object] = {"auth_users": [keyring[account.users[name].path] for name in external.users]}
    if external.accounts == (ANY_ACCOUNT,):
        out["allowed_accounts"] = [ANY_ACCOUNT]
    elif external.accounts:
        out["allowed_accounts"] = [
            external.outside.get(name) or keyring[account_path(name)] for name in external.accounts
        ]
    if external.xkey_path is not None:
        out["xkey"] = keyring[external.xkey_path]
    return out
