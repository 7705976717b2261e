"""Advice about operators and accounts: limits, mappings, revocations, authorization, roles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from natsbackend import keys
from natsbackend.claims.advice.view import View, bearer_of, why_dropped
from natsbackend.claims.envelope import TokenKind
from natsbackend.claims.gotext import quoted
from natsbackend.claims.validate.decoded import JETSTREAM_LIMITS
from natsbackend.claims.validate.finding import Findings
from natsbackend.claims.validate.permissions import check_user_limits
from natsbackend.keys import KeyRole

_BASE_LIMITS = ("subs", "data", "payload", "imports", "exports", "conn", "leaf")


def operator_issuer(view: View) -> Iterator[str]:
    """An operator signed by a key that is neither its own nor one of its signing keys; no server minds."""
    token = view.token
    if token.issuer != token.subject and token.issuer not in view.nats.get("signing_keys", ()):
        yield "this operator is signed by a key that is not its own"


def operator_strict(view: View) -> Iterator[str]:
    """Strict, and without a signing key: no account of this operator is ever accepted."""
    if view.nats.get("strict_signing_key_usage") and not view.nats.get("signing_keys"):
        yield "strict_signing_key_usage without a signing key: the server accepts no account"


def operator_system_account(view: View) -> Iterator[str]:
    """No system account: account JWTs cannot be pushed to a resolver."""
    if not view.nats.get("system_account"):
        yield "no system account is named, so nothing can be pushed unless the server's config names one"


def zero_limits(view: View) -> Iterator[str]:
    """Absent limits are zero, not unlimited: nobody can connect, or nobody can do a thing."""
    limits = view.nats.get("limits", {})
    if not any(limits.get(name) for name in _BASE_LIMITS):
        yield "every limit is zero or absent, which is zero: nobody can connect; -1 is no limit"
        return
    zero = [name for name in ("conn", "subs", "payload") if not limits.get(name)]
    if zero:
        yield f"{', '.join(zero)} of zero or absent, which is zero: clients are refused; -1 is no limit"


def flat_beside_tiers(view: View) -> Iterator[str]:
    """JetStream limits beside tiers: the server drops them when it decodes the token."""
    given = view.token.nats.get("limits")
    if not isinstance(given, dict) or not given.get("tiered_limits"):
        return
    flat = [name for name in JETSTREAM_LIMITS if given.get(name)]
    if flat:
        yield f"{', '.join(flat)} beside tiered_limits is dropped: only the tiers count"


def wildcards_ignored(view: View) -> Iterator[str]:
    """Wildcard exports switched off while exports are unlimited: the server then does not look."""
    limits = view.nats.get("limits", {})
    if limits.get("exports") == -1 and not limits.get("wildcards"):
        yield "wildcards are off, which is only kept where the number of exports is limited too"


def mapping_subjects(view: View) -> Iterator[str]:
    """The source of a mapping that the server does not read as a subject."""
    for source in view.nats.get("mappings", {}):
        reason = why_dropped(source)
        if reason is not None:
            yield f"mapping {quoted(source)}: {reason}"


def mapping_duplicates(view: View) -> Iterator[str]:
    """A destination that stands twice, for whatever clusters: nats-server 2.15.1 refuses the account."""
    for source, destinations in view.nats.get("mappings", {}).items():
        named = Counter(one["subject"] for one in destinations or ())
        for subject, count in named.items():
            if count > 1:
                yield f"mapping {quoted(source)} names {quoted(subject)} {count} times"


def mapping_loss(view: View) -> Iterator[str]:
    """Weights that do not make a hundred with the source among them: the rest of the messages is lost."""
    for source, destinations in view.nats.get("mappings", {}).items():
        whole = [one for one in destinations or () if not one.get("cluster")]
        total = sum(one.get("weight", 100) for one in whole)
        if total < 100 and any(one["subject"] == source for one in whole):
            yield f"mapping {quoted(source)}: {100 - total} of 100 messages go nowhere"


def revocation_keys(view: View) -> Iterator[str]:
    """A revocation of something that is neither a user's public key nor `*`: it revokes nobody."""
    for key in view.nats.get("revocations", {}):
        if key != "*" and not keys.is_public(key, KeyRole.USER):
            yield f"the revocation of {quoted(key)} revokes nobody: it is no user's public key"
    for export in view.exports:
        for key in export.get("revocations", {}):
            if key != "*" and not keys.is_public(key, KeyRole.ACCOUNT):
                yield f"the revocation of {quoted(key)} ends no activation: it is no account's public key"


def xkey_without_users(view: View) -> Iterator[str]:
    """An xkey for external authorization that is not switched on, since there are no users for it."""
    authorization = view.nats.get("authorization", {})
    if authorization.get("xkey") and not authorization.get("auth_users"):
        yield "authorization has an xkey and no auth_users, so external authorization is off"


def bearer_roles(view: View) -> Iterator[str]:
    """Bearer tokens are not allowed, and a role makes them: the server refuses every one."""
    if not view.nats.get("limits", {}).get("disallow_bearer"):
        return
    for scope in view.scopes:
        if bearer_of(scope["template"]):
            yield f"role {quoted(scope['role'])} makes bearer tokens, which disallow_bearer refuses"


def scope_times(view: View) -> Iterator[str]:
    """Networks, time windows or zones of a role that cannot be read: all its users are refused."""
    for scope in view.scopes:
        found = Findings()
        check_user_limits(scope["template"], found)
        for issue in found.issues:
            yield f"role {quoted(scope['role'])}: {issue.message}"


def identity_among_keys(view: View) -> Iterator[str]:
    """The account's own key among its signing keys: whoever has it holds both."""
    named = (key if isinstance(key, str) else key["key"] for key in view.nats.get("signing_keys", ()))
    if view.token.subject and view.token.subject in named:
        yield "the account's identity key is listed as a signing key"


def account_name(view: View) -> Iterator[str]:
    """An account or operator without a name: tools name its files and directories by it."""
    if view.token.kind in (TokenKind.ACCOUNT, TokenKind.OPERATOR) and not view.token.name:
        yield f"this {view.token.kind.value} has no name"
