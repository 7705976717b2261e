"""What is wrong with a token although the official validator finds nothing: our own checks, each with an id.

They know one token alone, as the validator does. What nats-server 2.15.1 accepts and then drops, refuses or
reads otherwise; what makes a bearer token worth stealing; and what other tools trip over. A new check is a
function in the module of its subject and a line in `ADVICE`; its docstring is its line in the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from natsbackend.claims.advice import accounts, envelopes, permissions, sharing
from natsbackend.claims.advice.permissions import Holder
from natsbackend.claims.advice.view import Advice, Check, View, bearer_of, is_role_user, view
from natsbackend.claims.envelope import Token, TokenKind
from natsbackend.claims.gotext import quoted

__all__ = ["ADVICE", "Advice", "Advisor", "advise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisor:
    """One check and the kinds of token it is for."""

    kinds: frozenset[TokenKind]
    check: Check
    summary: str
    """What it finds, in one or two sentences."""


def advise(token: Token, *, now: int) -> tuple[Advice, ...]:
    """Return our findings about a token that `codec.decode` has accepted, in the order of `ADVICE`.

    Args:
        token: of any kind and version.
        now: Unix seconds.

    """
    seen = view(token, now)
    return tuple(
        Advice(check=name, message=message)
        for name, advisor in ADVICE.items()
        if token.kind in advisor.kinds
        for message in advisor.check(seen)
    )


def _for(check: Check, *kinds: TokenKind) -> Advisor:
    return Advisor(kinds=frozenset(kinds or TokenKind), check=check, summary=_summary(check))


def _summary(check: Callable[..., object]) -> str:
    return " ".join((check.__doc__ or "").split())


def _of_users_and_roles(check: Callable[[Holder], Iterator[str]]) -> Advisor:
    """Return a check of users that say something of their own, and of every role of an account."""

    def run(seen: View) -> Iterator[str]:
        if seen.token.kind is TokenKind.USER:
            if not is_role_user(seen.nats):
                yield from check(Holder(nats=seen.nats, is_role=False))
            return
        for scope in seen.scopes:
            for message in check(Holder(nats=scope["template"], is_role=True)):
                yield f"role {quoted(scope['role'])}: {message}"

    kinds = frozenset((TokenKind.USER, TokenKind.ACCOUNT))
    return Advisor(kinds=kinds, check=run, summary=_summary(check))


def _bearer_without_expiry(seen: View) -> Iterator[str]:
    """A bearer token that never expires: whoever once read it can use it for ever."""
    if bearer_of(seen.nats) and not seen.token.expires:
        yield "this bearer token never expires"


def _upper_case_tags(seen: View) -> Iterator[str]:
    """A tag with capitals: the server looks for tags in lower case and never finds it."""
    return permissions.upper_case_tags(seen.nats)


def _template_injection(seen: View) -> Iterator[str]:
    """A name or tag of a role's user that is more than one plain token: a template opens more with it."""
    if is_role_user(seen.nats):
        yield from permissions.unsafe_in_templates(seen.token.name, list(seen.nats.get("tags", ())))


def _default_permissions(seen: View) -> Iterator[str]:
    """An entry of the default permissions that nats-server skips or cannot read."""
    holder = Holder(nats=seen.nats.get("default_permissions", {}), is_role=False)
    yield from permissions.subjects(holder)
    yield from permissions.templates(holder)


_OPERATOR, _ACCOUNT, _USER = TokenKind.OPERATOR, TokenKind.ACCOUNT, TokenKind.USER

ADVICE: Mapping[str, Advisor] = {
    "token-subject": _for(envelopes.subject_kind),
    "token-jti": _for(envelopes.jti),
    "token-version-1": _for(envelopes.version_1),
    "token-issued-later": _for(envelopes.issued_later),
    "token-never-valid": _for(envelopes.never_valid),
    "token-name": _for(accounts.account_name, _OPERATOR, _ACCOUNT),
    "token-cookie-size": _for(envelopes.cookie_size, _USER),
    "operator-issuer": _for(accounts.operator_issuer, _OPERATOR),
    "operator-strict": _for(accounts.operator_strict, _OPERATOR),
    "operator-system-account": _for(accounts.operator_system_account, _OPERATOR),
    "limits-zero": _for(accounts.zero_limits, _ACCOUNT),
    "limits-beside-tiers": _for(accounts.flat_beside_tiers, _ACCOUNT),
    "limits-wildcards": _for(accounts.wildcards_ignored, _ACCOUNT),
    "mapping-subject": _for(accounts.mapping_subjects, _ACCOUNT),
    "mapping-duplicate": _for(accounts.mapping_duplicates, _ACCOUNT),
    "mapping-loss": _for(accounts.mapping_loss, _ACCOUNT),
    "revocation-key": _for(accounts.revocation_keys, _ACCOUNT),
    "authorization-off": _for(accounts.xkey_without_users, _ACCOUNT),
    "signing-key-identity": _for(accounts.identity_among_keys, _ACCOUNT),
    "role-bearer-disallowed": _for(accounts.bearer_roles, _ACCOUNT),
    "role-limits": _for(accounts.scope_times, _ACCOUNT),
    "default-permission-subject": _for(_default_permissions, _ACCOUNT),
    "export-subject": _for(sharing.export_subject, _ACCOUNT),
    "export-threshold": _for(sharing.export_threshold, _ACCOUNT),
    "export-latency": _for(sharing.export_latency, _ACCOUNT),
    "import-subject": _for(sharing.import_subject, _ACCOUNT),
    "import-local-subject": _for(sharing.import_local_subject, _ACCOUNT),
    "import-account": _for(sharing.import_account, _ACCOUNT),
    "import-duplicate": _for(sharing.import_duplicate, _ACCOUNT),
    "import-to": _for(sharing.import_legacy_to, _ACCOUNT),
    "import-activation": _for(sharing.import_activation_time, _ACCOUNT),
    "permission-subject": _of_users_and_roles(permissions.subjects),
    "permission-template": _of_users_and_roles(permissions.templates),
    "permission-queue-template": _of_users_and_roles(permissions.queues_beside_templates),
    "permission-star": _of_users_and_roles(permissions.star_at_the_end),
    "permission-responses": _of_users_and_roles(permissions.responses_without_publish),
    "connection-types": _of_users_and_roles(permissions.connection_types),
    "user-limits-zero": _of_users_and_roles(permissions.no_limits),
    "user-times-zone": _of_users_and_roles(permissions.local_time),
    "user-tags": _for(_upper_case_tags, _USER),
    "user-template-name": _for(_template_injection, _USER),
    "bearer-everywhere": _of_users_and_roles(permissions.bearer_everywhere),
    "bearer-unrestricted": _of_users_and_roles(permissions.bearer_unrestricted),
    "bearer-without-expiry": _for(_bearer_without_expiry, _USER),
    "activation-subject": _for(sharing.activation_subject, TokenKind.ACTIVATION),
    "response-user": _for(sharing.response_user, TokenKind.AUTHORIZATION_RESPONSE),
}
"""Every check by its id, in the order they are told."""
