"""Accounts: limits, mappings, external authorization, tracing and keys (`account_claims.go`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from natsbackend import keys
from natsbackend.claims.gotext import quoted
from natsbackend.claims.validate.finding import Findings
from natsbackend.claims.validate.info import check_info
from natsbackend.claims.validate.permissions import check_permissions
from natsbackend.claims.validate.sharing import check_exports, check_imports
from natsbackend.claims.validate.subjects import check_subject, has_wildcards, subject_issues
from natsbackend.keys import KeyRole

Members = Mapping[str, Any]
_UNLIMITED = -1
_ANY_ACCOUNT = "*"
_CLUSTER_TRAFFIC = ("", "system", "owner")


def check_account(nats: Members, subject: str, issuer: str, found: Findings) -> None:
    """Judge the `nats` part of an account with this public key, signed by `issuer`."""
    limits = nats.get("limits", {})
    imports, exports = nats.get("imports", ()), nats.get("exports", ())
    check_imports(imports, subject, found)
    check_exports(exports, found)
    if "" in limits.get("tiered_limits", ()):
        message = 'Tiered JetStream Limits can not contain a blank "" tier name'
        found.error("limits-tier-blank-name", message)
    check_permissions(nats.get("default_permissions", {}), found)
    for source, destinations in nats.get("mappings", {}).items():
        _check_mapping(source, destinations, found)
    _check_authorization(nats.get("authorization", {}), found)
    if "trace" in nats:
        _check_trace(nats["trace"], found)
    _check_counts(limits, imports, exports, found)
    for key in nats.get("signing_keys", ()):
        _check_signing_key(key, found)
    check_info(nats, found)
    traffic = nats.get("cluster_traffic", "")
    if traffic not in _CLUSTER_TRAFFIC:
        found.error("account-cluster-traffic", f"unknown cluster traffic option: {quoted(traffic)}")
    if limits and keys.is_public(issuer, KeyRole.ACCOUNT):
        message = "self-signed account JWTs shouldn't contain operator limits"
        found.warning("account-self-signed-limits", message)


def _check_mapping(source: str, destinations: Sequence[Members] | None, found: Findings) -> None:
    check_subject(source, found)
    mapping, whole = f"Mapping {quoted(source)}", 0
    by_cluster: dict[str, int] = defaultdict(int)
    for destination in destinations or ():
        check_subject(destination["subject"], found)
        weight = destination.get("weight", 100)
        if weight > 100:
            found.error("mapping-weight-above-100", f"{mapping} has a weight {weight} that exceeds 100")
        cluster = destination.get("cluster")
        if not cluster:
            whole += weight
            continue
        by_cluster[cluster] += weight
        if by_cluster[cluster] > 100:
            message = (
                f"{mapping} in cluster {quoted(cluster)} exceeds 100% among all of it's weighted to mappings"
            )
            found.error("mapping-cluster-sum-above-100", message)
    if whole > 100:
        message = f"{mapping} exceeds 100% among all of it's weighted to mappings"
        found.error("mapping-sum-above-100", message)


def _check_authorization(authorization: Members, found: Findings) -> None:
    users, accounts = authorization.get("auth_users", ()), authorization.get("allowed_accounts", ())
    if accounts and not users:
        message = "External authorization cannot have accounts without users specified"
        found.error("authorization-accounts-without-users", message)
    for user in users:
        if not keys.is_public(user, KeyRole.USER):
            message = f"AuthUser {quoted(user)} is not a valid user public key"
            found.error("authorization-auth-user", message)
    for account in accounts:
        if account == _ANY_ACCOUNT:
            if len(accounts) > 1:
                message = 'AllowedAccounts can only be a list of accounts or "*"'
                found.error("authorization-any-account-with-others", message)
        elif not keys.is_public(account, KeyRole.ACCOUNT):
            message = f"Account {quoted(account)} is not a valid account public key"
            found.error("authorization-allowed-account", message)
    xkey = authorization.get("xkey")
    if xkey and not keys.is_public(xkey, KeyRole.CURVE):
        found.error("authorization-xkey", f"XKey {quoted(xkey)} is not a valid public xkey")


def _check_trace(trace: Members, found: Findings) -> None:
    destination, sampling = trace.get("dest", ""), trace.get("sampling", 0)
    for _, message in subject_issues(destination):
        found.error("trace-destination", f"the account Trace.Destination {message}")
        break  # the library tells the first issue only
    if has_wildcards(destination):
        message = (
            f"the account Trace.Destination subject {quoted(destination)} is not a valid publish subject"
        )
        found.error("trace-destination-wildcard", message)
    if not 0 <= sampling <= 100:
        message = (
            f"the account Trace.Sampling value '{sampling}' is not valid, should be in the range [1..100]"
        )
        found.error("trace-sampling", message)


def _check_counts(
    limits: Members, imports: Sequence[object], exports: Sequence[Members | None], found: Findings
) -> None:
    """Hold imports and exports against the limits. The library has two ways to count imports, and uses both."""
    too_many = "the account contains more imports than allowed by the operator"
    most = limits.get("imports", 0)
    if limits and 0 <= most < len(imports):
        found.error("account-too-many-imports", too_many)
    if most != _UNLIMITED and len(imports) > most:
        found.error("account-too-many-imports", too_many)
    most = limits.get("exports", 0)
    if most == _UNLIMITED:
        return
    if len(exports) > most:
        message = "the account contains more exports than allowed by the operator"
        found.error("account-too-many-exports", message)
    if not limits.get("wildcards"):
        message = "the account contains wildcard exports that are not allowed by the operator"
        for export in exports:
            # Go crashes on a null here; nobody can want the same
            if export is not None and has_wildcards(export.get("subject", "")):
                found.error("account-wildcard-exports", message)


def _check_signing_key(key: str | Members, found: Findings) -> None:
    """Judge a plain signing key or a scope; the template of a scope is nobody's business here."""
    if isinstance(key, str):
        if not keys.is_public(key, KeyRole.ACCOUNT):
            found.error("signing-key", f"{quoted(key)} is not a valid account signing key")
    elif not keys.is_public(key["key"], KeyRole.ACCOUNT):
        found.error("scoped-signing-key", f"{key['key']} is not an account public key")
