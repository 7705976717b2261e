"""Rules about what is open to a browser, where whoever sits before it is not known.

A browser's token is a bearer, and every visitor can read its own: what a role for browsers may do, anybody may.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from natsbackend.errors import Diagnostic, Severity
from natsbackend.model.entities import UNLIMITED, Backend, Grant, Rules
from natsbackend.model.holders import (
    Holder,
    browsers,
    holders,
    is_denied,
    is_everything,
    publish_reaches,
    subscribable,
)
from natsbackend.model.templates import SOMEBODY, filled_in
from natsbackend.subjects import SubjectIndex, intersect, split_queue

_LONG = 24 * 60 * 60

_NOT_YOURS = ("$SYS.>", "$JS.>")
"""What the server itself answers; an application publishes nothing there by accident."""

CONNECTIONS = ("$SYS.REQ.SERVER.PING.CONNZ", "$SYS.REQ.ACCOUNT.PING.CONNZ")
"""Every account has these from the system account (nats-server 2.15 `events.go`, `registerSystemImports`)."""


def browser_open(backend: Backend) -> Iterable[Diagnostic]:
    """A browser that may publish or subscribe to everything in its account.

    With `>`, or what comes to it, and unless what the server answers itself, and others' inboxes, are denied.
    """
    for holder in browsers(backend):
        may = holder.permissions
        for word, rules, closing in (
            ("publish", may.publish, _NOT_YOURS),
            ("subscribe", may.subscribe, ("_INBOX.>",)),
        ):
            grant = next((g for g in rules.allow if _is_everything(g, word)), None)
            open_rules = (rules.unrestricted and not rules.allow) or grant is not None
            if open_rules and not all(is_denied(subject, rules.deny) for subject in closing):
                yield Diagnostic(
                    code="browser-open",
                    message=f"{holder.shown} lets a browser {word} to everything in account "
                    f'"{holder.account.name}"{_WHAT_FOLLOWS[word]}',
                    at=grant.at if grant is not None else holder.at,
                    hint=f"name the subjects it needs: {word}: [orders.>]",
                    severity=Severity.WARNING,
                )


_WHAT_FOLLOWS = {
    "publish": ": to JetStream's API, and to the server's own, which shows the token of everybody connected",
    "subscribe": ": what others say, and the replies to them",
}


def _is_everything(grant: Grant, word: str) -> bool:
    if not grant.subject.startswith(("*", ">")):
        return False
    return is_everything(subscribable(grant) if word == "subscribe" else grant.subject)


def permissions_all(backend: Backend) -> Iterable[Diagnostic]:
    """A role or user with `permissions: all` that is not for browsers; those `browser-open` speaks of."""
    for holder in holders(backend):
        own = holder.entity.permissions
        if own.publish.unrestricted and not own.account_default and not holder.browser:
            yield Diagnostic(
                code="permissions-all",
                message=f'{holder.shown} may do everything in account "{holder.account.name}"',
                at=holder.at,
                hint="say what it is for: `publish`, `subscribe`, `request`, `respond`",
                severity=Severity.WARNING,
            )


def permissions_default_missing(backend: Backend) -> Iterable[Diagnostic]:
    """Permissions left to an account that has no default ones: everything is allowed."""
    for holder in holders(backend):
        if holder.entity.permissions.account_default and holder.account.details.default_permissions is None:
            yield Diagnostic(
                code="permissions-default-missing",
                message=f"{holder.shown} leaves its permissions to account "
                f'"{holder.account.name}", which has no default ones: it may do everything',
                at=holder.at,
                hint="add `default_permissions` to the account",
                severity=Severity.WARNING,
            )


def browser_system(backend: Backend) -> Iterable[Diagnostic]:
    """A browser that may ask the server who is connected: with `auth` it shows whole tokens.

    The tokens of roles stand there in full: only a user's own `bearer_token` makes the server leave it out
    (nats-server 2.15 `monitor.go`, `redactBearerJWT`), and a role's stands in its template.
    """
    for holder in browsers(backend):
        if holder.account is backend.system_account:
            continue
        rules = holder.permissions.publish
        said: set[int] = set()
        for subject in CONNECTIONS:
            for grant in publish_reaches(rules, subject):
                if _is_everything(grant, "publish") or id(grant) in said:
                    continue
                said.add(id(grant))
                yield Diagnostic(
                    code="browser-system",
                    message=f'{holder.shown} may ask "{subject}": the answer shows the token of everybody '
                    f'connected to account "{holder.account.name}"',
                    at=grant.at,
                    hint="for a user's own permissions `$SYS.REQ.USER.INFO` is enough",
                    severity=Severity.WARNING,
                )


def system_account_bearer(backend: Backend) -> Iterable[Diagnostic]:
    """A bearer, or a role for browsers, in the system account, which sees the connections of every account."""
    system = backend.system_account
    for holder in holders(backend):
        if holder.account is system and (holder.entity.bearer or holder.browser):
            yield Diagnostic(
                code="system-account-bearer",
                message=f'{holder.shown} gives a token of the system account "{system.name}" to whoever holds it',
                at=holder.at,
                hint="let a service ask for it, and export what it finds to the account of the browsers",
                severity=Severity.WARNING,
            )


def inbox_open(backend: Backend) -> Iterable[Diagnostic]:
    """A browser that can read the replies to others: a shared inbox, or a subscription that covers theirs."""
    inboxes: dict[str, SubjectIndex[Holder]] = {}
    beginnings: dict[str, set[str]] = {}
    for holder in holders(backend):
        if holder.entity.permissions.inbox:
            replies = _replies(holder.entity.permissions.inbox)
            inboxes.setdefault(holder.account.name, SubjectIndex()).add(replies, holder)
            beginnings.setdefault(holder.account.name, {"*", ">"}).add(replies.partition(".")[0])
    for holder in browsers(backend):
        index = inboxes.get(holder.account.name)
        if index is None:
            continue
        begins = tuple(beginnings[holder.account.name])
        near = [grant for grant in holder.permissions.subscribe.allow if grant.subject.startswith(begins)]
        for grant, other in _others_inboxes(holder, near, index):
            whose = "of another of its tokens" if other.entity is holder.entity else f"of {other.shown}"
            yield Diagnostic(
                code="inbox-open",
                message=f'{holder.shown} may subscribe to "{grant.subject}", where the replies {whose} come in',
                at=grant.at,
                hint="leave `inbox` out: each token then has one of its own, `_INBOX.{{name()}}`",
                severity=Severity.WARNING,
            )


@lru_cache(maxsize=1024)  # many roles have the same one
def _replies(inbox: str) -> str:
    """Return where somebody's replies come in: clients put a token of their own behind the prefix."""
    return f"{filled_in(inbox)}.{SOMEBODY}.>"


def _others_inboxes(
    holder: Holder, grants: Iterable[Grant], inboxes: SubjectIndex[Holder]
) -> Iterator[tuple[Grant, Holder]]:
    """Each of these subscriptions by which it sees somebody else's inbox, and whose; the open ones left out."""
    rules: Rules = holder.permissions.subscribe
    for grant in grants:
        if _is_everything(grant, "subscribe"):
            continue
        subject = subscribable(grant)
        for other in inboxes.overlapping(subject):
            if other.entity is holder.entity and holder.shown.startswith("user"):
                continue
            common = intersect(subject, _replies(other.entity.permissions.inbox or ""))
            if common is not None and not is_denied(common, rules.deny):
                yield grant, other
                break


def browser_responses(backend: Backend) -> Iterable[Diagnostic]:
    """A browser that may answer without end: to whatever subject a message names, as often as it likes."""
    for holder in browsers(backend):
        may = holder.permissions
        services = any(grant.origin == "respond" for grant in may.subscribe.allow)
        if may.responses is not None and may.responses.max == UNLIMITED and not services:
            yield Diagnostic(
                code="browser-responses",
                message=f"{holder.shown} lets a browser answer each message without end, wherever its sender said",
                at=holder.at,
                hint="say how many answers one message takes: allow_responses: {max: 1}",
                severity=Severity.WARNING,
            )


def role_ttl_long(backend: Backend) -> Iterable[Diagnostic]:
    """Tokens for browsers that live longer than a day: a copied one is good for as long."""
    for holder in browsers(backend):
        ttl = getattr(holder.entity, "ttl", None)
        if ttl is not None and ttl > _LONG:
            yield Diagnostic(
                code="role-ttl-long",
                message=f"tokens of {holder.shown} live up to {ttl // 3600} hours, and so does a copy of one",
                at=holder.at,
                hint="give them an hour or less and renew the cookie before it ends: ttl: 1h",
                severity=Severity.WARNING,
            )


def deny_queue_group(backend: Backend) -> Iterable[Diagnostic]:
    """A denial of a queue group alone, beside which everybody may subscribe without a queue, and reads everything."""
    for holder in holders(backend):
        rules = holder.permissions.subscribe
        for denied in rules.deny:
            subject, queue = split_queue(denied.subject)
            plain = [g for g in rules.allow if split_queue(g.subject)[1] is None]
            is_open = rules.unrestricted or any(intersect(subscribable(g), subject) for g in plain)
            if queue is not None and is_open and not is_denied(subject, rules.deny):
                yield Diagnostic(
                    code="deny-queue-group",
                    message=f'denying "{denied.subject}" leaves "{subject}" open to {holder.shown} without a queue '
                    "group, and in another one",
                    at=denied.at,
                    hint=f'deny the subject itself: "{subject}"',
                    severity=Severity.WARNING,
                )
