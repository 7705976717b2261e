"""The words of a role or user (publish, request, respond, …) to permissions.

An empty allow list allows everything on the wire, so the absence of a word becomes a deny later (`claims.build`);
here a direction without a word is `Rules()`, which allows nothing.

Replies come in under an inbox prefix of one's own. A token of a role has `_INBOX.{{name()}}`; a user of the spec
has `_INBOX.@NAME`, which no token's name can spell, since `@` is not template-safe: nobody who can choose a name
can read a user's replies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from natsbackend.errors import Location
from natsbackend.model.entities import (
    UNLIMITED,
    Export,
    Grant,
    Kind,
    Permissions,
    Response,
    ResponsePermission,
    Rules,
    UserLimits,
)
from natsbackend.model.names import escape
from natsbackend.spec.limit_models import UserLimitsSpec
from natsbackend.spec.permission_models import PermissionsSpec, RespondSpec, ResponsesSpec, RulesSpec
from natsbackend.subjects import is_subset

Place = Callable[..., Location]
"""Gives the location of a path below the role or user."""

SHARED_INBOX = "_INBOX"
ROLE_INBOX = "_INBOX.{{name()}}"


def user_inbox(name: str) -> str:
    """Return the private inbox prefix of a user of the spec."""
    return f"_INBOX.@{escape(name).replace('.', '%2E')}"


def permissions(
    spec: PermissionsSpec, place: Place, *, private_inbox: str, exports: Sequence[Export] = ()
) -> Permissions:
    """Turn the words into permissions.

    `exports` are those of the account: a service among them that answers in several messages gives whoever
    responds on its subject as many replies as it likes.
    """
    if spec.permissions is not None:
        everything = Rules(unrestricted=True)
        return Permissions(
            publish=everything,
            subscribe=everything,
            inbox=SHARED_INBOX,
            account_default=spec.permissions == "account_default",
        )
    publish, subscribe = _rules(spec.publish, "publish", place), _rules(spec.subscribe, "subscribe", place)
    requests = _grants(spec.request or [], "request", place)
    inbox = _inbox(spec.inbox, private_inbox) if requests or spec.inbox else None
    replies = [] if inbox is None else [Grant(subject=f"{inbox}.>", origin="inbox", at=place("inbox"))]
    answers = _respond(spec, place)
    return Permissions(
        publish=Rules(allow=(*publish.allow, *requests), deny=publish.deny),
        subscribe=Rules(allow=(*subscribe.allow, *answers, *replies), deny=subscribe.deny),
        responses=_responses(spec, answers, exports),
        inbox=inbox,
    )


_UNLIMITED = UserLimits()


def user_limits(spec: UserLimitsSpec | None) -> UserLimits:
    """Turn the limits of a role or user into those of the wire."""
    if spec is None:
        return _UNLIMITED
    return UserLimits(subscriptions=spec.subscriptions, data=spec.data, payload=spec.payload)


_NOTHING = Rules()


def _rules(spec: list[str] | RulesSpec | None, word: str, place: Place) -> Rules:
    if spec is None:
        return _NOTHING
    if isinstance(spec, list):
        return Rules(allow=_grants(spec, word, place))
    allow = _grants(spec.allow, word, lambda *path: place(path[0], "allow", *path[1:]))
    deny = _grants(spec.deny, word, lambda *path: place(path[0], "deny", *path[1:]))
    return Rules(allow=allow, deny=deny)


def _grants(subjects: Sequence[str], word: str, place: Place) -> tuple[Grant, ...]:
    return tuple(Grant(subject=s, origin=word, at=place(word, i)) for i, s in enumerate(subjects))


def _inbox(word: str | None, private: str) -> str | None:
    if word is None or word == "private":
        return private
    if word == "none":
        return None
    return SHARED_INBOX if word == "shared" else word


def _respond(spec: PermissionsSpec, place: Place) -> tuple[Grant, ...]:
    grants = []
    for index, entry in enumerate(spec.respond or []):
        service = RespondSpec(subject=entry) if isinstance(entry, str) else entry
        subject = f"{service.subject} {service.queue}" if service.queue else service.subject
        grants.append(Grant(subject=subject, origin="respond", at=place("respond", index)))
    return tuple(grants)


def _responses(
    spec: PermissionsSpec, answers: Sequence[Grant], exports: Sequence[Export]
) -> ResponsePermission | None:
    asked = spec.allow_responses
    if isinstance(asked, ResponsesSpec):
        return ResponsePermission(max=asked.max, ttl=asked.ttl or 0)
    if asked is False or (asked is None and not answers):
        return None
    several = any(
        export.kind is Kind.SERVICE
        and export.response in (Response.STREAM, Response.CHUNKED)
        and is_subset(answer.subject.partition(" ")[0], export.subject)
        for answer in answers
        for export in exports
    )
    return ResponsePermission(max=UNLIMITED if several else 1)
