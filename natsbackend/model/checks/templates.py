"""Rules about what names and tags make of a role's subjects, where a visitor may have chosen them.

A token's name and the values of its tags are one plain token each, which `token mint` holds them to; still there are
positions where such a text opens more than its own. The values of an account's functions are known beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from natsbackend.errors import Diagnostic, Severity
from natsbackend.model.entities import Account, Backend, Grant, Permissions, Role
from natsbackend.model.names import is_template_safe, why_template_unsafe
from natsbackend.subjects import split_queue, template_functions

_Grants = Callable[[Permissions], Iterator[Grant]]

_CHOSEN = frozenset({"name", "tag"})
_TEMPLATE = re.compile(r"\{\{[^}]+\}\}")
_BETWEEN = re.compile(r"[A-Za-z0-9_-]*")
"""Text between two templates that names and tags can hold, too."""


def _allowed(permissions: Permissions) -> Iterator[Grant]:
    yield from permissions.publish.allow
    yield from permissions.subscribe.allow


def _roles(backend: Backend) -> Iterator[tuple[Account, Role]]:
    for account in backend.accounts.values():
        for role in account.roles.values():
            yield account, role


def template_first(backend: Backend) -> Iterable[Diagnostic]:
    """A name or tag as the first token of a subject: it may be `_INBOX`, or the first token of any other subject."""
    for _, role in _roles(backend):
        for grant in _allowed(role.permissions):
            first = split_queue(grant.subject)[0].split(".")[0]
            functions = template_functions(first)
            if functions and functions[0].text == first and functions[0].name in _CHOSEN:
                rest = grant.subject[len(first) :]
                yield Diagnostic(
                    code="template-first",
                    message=f'"{grant.subject}" of role "{role.name}" is "_INBOX{rest}" for who is called _INBOX, and '
                    "anything else in the account for who is called like it",
                    at=grant.at,
                    hint=f'begin with a text: "user.{first}{rest}"',
                    severity=Severity.WARNING,
                )


def template_ambiguous(backend: Backend) -> Iterable[Diagnostic]:
    """Two names or tags in one token: two people can come to the same one, as `a` and `b-c` with `a-b` and `c`."""
    for _, role in _roles(backend):
        for grant in _allowed(role.permissions):
            for token in split_queue(grant.subject)[0].split(".") if grant.subject.count("{{") > 1 else ():
                if _is_ambiguous(token):
                    yield Diagnostic(
                        code="template-ambiguous",
                        message=f'"{token}" of role "{role.name}" can come out the same for two people, whose names '
                        "and tags are cut elsewhere",
                        at=grant.at,
                        hint=f'make them tokens of their own: "{_apart(token)}"',
                        severity=Severity.WARNING,
                    )


def _is_ambiguous(token: str) -> bool:
    chosen = [f for f in template_functions(token) if f.name in _CHOSEN]
    if len(chosen) < 2:
        return False
    between = _TEMPLATE.split(token)[1:-1]
    return any(_BETWEEN.fullmatch(text) for text in between)


def _apart(token: str) -> str:
    return ".".join(part.strip("-_") for part in re.split(r"(\{\{[^}]+\}\})", token) if part.strip("-_"))


def template_account_value(backend: Backend) -> Iterable[Diagnostic]:
    """An account's name or tag that goes into a role's subjects, and is not one plain token: it could widen them."""
    for account, role in _roles(backend):
        for grant in (*_allowed(role.permissions), *_denied(role.permissions)):
            for function in template_functions(grant.subject):
                values = _values(account, function.name, function.argument)
                bad = next((value for value in values if not is_template_safe(value)), None)
                if bad is not None:
                    yield Diagnostic(
                        code="template-account-value",
                        message=f'"{function.text}" in "{grant.subject}" is {bad[:60]!r} in account "{account.name}", '
                        f"and that {why_template_unsafe(bad)}",
                        at=grant.at,
                        hint="use {{account-subject()}}, or a tag of letters, digits, - and _",
                    )


def _denied(permissions: Permissions) -> Iterator[Grant]:
    yield from permissions.publish.deny
    yield from permissions.subscribe.deny


def _values(account: Account, function: str, argument: str | None) -> list[str]:
    """Return what a function of the account comes to; nothing for functions of the token."""
    if function == "account-name":
        return [account.name]
    if function == "account-tag":
        tags = (tag.partition(":") for tag in account.details.tags)
        return [value for key, colon, value in tags if colon and key == argument]
    return []


def account_tag_missing(backend: Backend) -> Iterable[Diagnostic]:
    """A role's subject with a tag that its account does not have: nobody is allowed it."""
    for account, role, grant, tag in _without_tag(backend, _allowed):
        yield Diagnostic(
            code="account-tag-missing",
            message=f'account "{account.name}" has no tag "{tag}:…", so that role "{role.name}" allows nobody '
            f'"{grant.subject}"',
            at=grant.at,
            hint=f'add a tag to the account: tags: ["{tag}:VALUE"]',
            severity=Severity.WARNING,
        )


def account_tag_denied(backend: Backend) -> Iterable[Diagnostic]:
    """A role's denial with a tag that its account does not have: the server refuses everybody's login."""
    for account, role, grant, tag in _without_tag(backend, _denied):
        yield Diagnostic(
            code="account-tag-denied",
            message=f'account "{account.name}" has no tag "{tag}:…", which role "{role.name}" needs to deny '
            f'"{grant.subject}"; the server refuses each of its tokens',
            at=grant.at,
            hint=f'add a tag to the account: tags: ["{tag}:VALUE"]',
        )


def _without_tag(backend: Backend, grants: _Grants) -> Iterator[tuple[Account, Role, Grant, str]]:
    for account, role in _roles(backend):
        for grant in grants(role.permissions):
            for function in template_functions(grant.subject):
                asked = function.argument if function.name == "account-tag" and not function.problem else None
                if asked is not None and not _values(account, function.name, asked):
                    yield account, role, grant, asked
