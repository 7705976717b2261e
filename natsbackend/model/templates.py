"""What the templates of a role ask of the tokens that it signs.

A token without a tag that `{{tag(KEY)}}` asks for loses the subject from an allow list; in a deny list, where losing it
would open something, the server refuses the login (nats-server 2.15 `auth.go`, processUserPermissionsTemplate).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from natsbackend.model.entities import Grant, Permissions
from natsbackend.subjects import template_functions


def denied_without_tag(permissions: Permissions, tags: Sequence[str]) -> Iterator[tuple[Grant, str]]:
    """Each denied subject that needs a tag these are without, and the tag's key: such a token cannot log in."""
    yield from _without_tag((*permissions.publish.deny, *permissions.subscribe.deny), tags)


def dropped_without_tag(permissions: Permissions, tags: Sequence[str]) -> Iterator[tuple[Grant, str]]:
    """Each allowed subject that needs a tag these are without, and the tag's key: it is not allowed then."""
    yield from _without_tag((*permissions.publish.allow, *permissions.subscribe.allow), tags)


def _without_tag(grants: Sequence[Grant], tags: Sequence[str]) -> Iterator[tuple[Grant, str]]:
    here = {tag.partition(":")[0].lower() for tag in tags if ":" in tag}
    for grant in grants:
        for function in template_functions(grant.subject):
            if function.name == "tag" and function.argument and function.argument not in here:
                yield grant, function.argument


SOMEBODY = "somebody-else"
"""A name that a token may have, for asking what the role's templates then open."""


def filled_in(subject: str, value: str = SOMEBODY) -> str:
    """Return a subject with a value in the place of every template."""
    for function in template_functions(subject):
        subject = subject.replace(function.text, value)
    return subject
