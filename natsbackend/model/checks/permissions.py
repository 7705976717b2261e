"""Rules about what roles and users may do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from natsbackend.errors import Diagnostic, Severity
from natsbackend.model.entities import Account, Action, Backend, Decision, Grant, Permissions, User
from natsbackend.model.names import why_template_unsafe
from natsbackend.subjects import (
    is_subset,
    split_queue,
    template_functions,
    why_invalid,
    why_invalid_permission,
    why_invalid_publish,
)


def _permissions(accounts: Iterable[Account]) -> Iterator[tuple[Permissions, str | None]]:
    """All permissions, and why no template is filled in there; None for a role, where they are."""
    for account in accounts:
        if account.details.default_permissions is not None:
            yield account.details.default_permissions, "an account's default permissions are of no role"
        for role in account.roles.values():
            yield role.permissions, None
        for user in account.users.values():
            yield user.permissions, f'user "{user.name}" has none'


def _grants(permissions: Permissions) -> Iterator[tuple[Grant, bool]]:
    """Every grant, and whether it may name a queue group."""
    for grant in (*permissions.publish.allow, *permissions.publish.deny):
        yield grant, False
    for grant in (*permissions.subscribe.allow, *permissions.subscribe.deny):
        yield grant, True


def subject(backend: Backend) -> Iterable[Diagnostic]:
    """A subject that the server would skip or refuse: the permission would silently be missing."""
    for permissions, _ in _permissions(backend.written.doubtful_accounts()):
        for grant, queue in _grants(permissions):
            if "{{" in grant.subject and any(f.problem for f in template_functions(grant.subject)):
                continue  # `permission-template` says it
            why = why_invalid_permission(grant.subject, queue_allowed=queue)
            if why:
                yield Diagnostic(code="permission-subject", message=why, at=grant.at)


def template(backend: Backend) -> Iterable[Diagnostic]:
    """A template where none is filled in (outside a role), or one the server does not know."""
    for permissions, why_not in _permissions(backend.written.doubtful_accounts()):
        for grant, _ in _grants(permissions):
            functions = template_functions(grant.subject)
            if functions and why_not is not None:
                yield Diagnostic(
                    code="permission-template",
                    message=f'"{functions[0].text}" is filled in for tokens of a role only; {why_not}',
                    at=grant.at,
                    hint="write the subject out, or move the words to a role",
                )
                continue
            for function in functions:
                if function.problem:
                    message = function.problem
                    yield Diagnostic(code="permission-template", message=message, at=grant.at)


def queue_with_template(backend: Backend) -> Iterable[Diagnostic]:
    """A queue group beside a template in one list of a role: the server drops every entry with a queue.

    nats-server 2.15 `auth.go` (processUserPermissionsTemplate) reads such a list as subjects alone.
    """
    for account in backend.written.doubtful_accounts():
        for role in account.roles.values():
            for grants in (role.permissions.subscribe.allow, role.permissions.subscribe.deny):
                templates = [g for g in grants if template_functions(g.subject)]
                queues = [g for g in grants if split_queue(g.subject)[1] is not None and g not in templates]
                for grant in queues if templates else ():
                    yield Diagnostic(
                        code="permission-queue-template",
                        message=f'the server drops "{grant.subject}" from role "{role.name}", since '
                        f'"{templates[0].subject}" in the same list has a template',
                        at=grant.at,
                        hint="answer in a queue group as a user of the spec, or take the template, or the queue, out",
                    )


def star_at_the_end(backend: Backend) -> Iterable[Diagnostic]:
    """A subscription allowed to end in `*`: the server then allows one that ends in `>` (nats-server 2.15).

    `canSubscribe` looks the wanted subject up as if it were a literal, so that `a.*` admits `a.>`, which sees `a.b.c`.
    """
    for permissions, _ in _permissions(backend.accounts.values()):
        rules = permissions.subscribe
        for grant in rules.allow:
            subject, _ = split_queue(grant.subject)
            deeper = f"{subject}.>"
            if subject.split(".")[-1] == "*" and not any(is_subset(deeper, d.subject) for d in rules.deny):
                wider = f"{subject[:-1]}>"
                yield Diagnostic(
                    code="permission-star",
                    message=f'whoever may subscribe to "{subject}" may subscribe to "{wider}" as well',
                    at=grant.at,
                    hint=f'write "{wider}" if that is fine; else deny the deeper subjects: "{deeper}"',
                    severity=Severity.WARNING,
                )


def role_unknown(backend: Backend) -> Iterable[Diagnostic]:
    """A user has a role that its account does not have."""
    for account in backend.accounts.values():
        for user in account.users.values():
            if user.role is not None and user.role not in account.roles:
                close = get_close_matches(user.role, account.roles, 1, 0.6)
                known = ", ".join(account.roles) or "none"
                yield Diagnostic(
                    code="role-unknown",
                    message=f'account "{account.name}" has no role "{user.role}"',
                    at=user.at,
                    hint=f"did you mean {close[0]!r}?" if close else f"its roles: {known}",
                )


def role_user_own_words(backend: Backend) -> Iterable[Diagnostic]:
    """A user with a role has words of its own: the server would refuse it."""
    for account in backend.accounts.values():
        for user in account.users.values():
            if user.role is not None and _has_own_words(user):
                yield Diagnostic(
                    code="role-user-own-words",
                    message=f'user "{user.name}" has the role "{user.role}", which decides everything; it can have '
                    "no permissions or limits of its own",
                    at=user.at,
                    hint="take them out, or the role",
                )


def _has_own_words(user: User) -> bool:
    """Whether it has any of what the server wants to be empty in a scoped user (jwt `user_claims.go`)."""
    bare = User(name=user.name, path=user.path)
    own = (user.permissions, user.limits, user.bearer, user.connection_types, user.restrictions)
    return own != (bare.permissions, bare.limits, bare.bearer, bare.connection_types, bare.restrictions)


def role_user_name(backend: Backend) -> Iterable[Diagnostic]:
    """The name or a tag of a user with a role goes into templates, and must be one plain token."""
    for account in backend.accounts.values():
        for user in account.users.values():
            if user.role is None:
                continue
            values = [user.name, *(tag.partition(":")[2] for tag in user.tags if ":" in tag)]
            for value in values:
                why = why_template_unsafe(value)
                if why is not None:
                    yield Diagnostic(
                        code="role-user-name",
                        message=f'{value[:60]!r} goes into the subjects of role "{user.role}" and {why}; '
                        "it could widen them",
                        at=user.at,
                        hint="use letters, digits, - and _",
                    )


def role_without_ttl(backend: Backend) -> Iterable[Diagnostic]:
    """A browser role without a longest life: whoever mints a token of it says how long it lives."""
    for account in backend.accounts.values():
        for role in account.roles.values():
            if role.websocket and role.ttl is None:
                yield Diagnostic(
                    code="role-without-ttl",
                    message=f'role "{role.name}" sets no `ttl`; a token of it lives as long as whoever mints it says',
                    at=role.at,
                    hint="say how long: ttl: 15m",
                    severity=Severity.WARNING,
                )


def test_subject(backend: Backend) -> Iterable[Diagnostic]:
    """A policy test with a subject that cannot be tried."""
    for test in backend.tests:
        if not isinstance(test, Decision):
            why = why_invalid_publish(test.subject)
        elif test.action is Action.SUBSCRIBE:
            why = why_invalid_permission(test.subject, queue_allowed=True)
        else:
            why = why_invalid(test.subject)
        if why:
            yield Diagnostic(code="test-subject", message=why, at=test.at)
