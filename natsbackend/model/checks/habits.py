"""Rules about what other systems write and NATS takes for plain text: it passes everywhere, and means nothing.

Each is a warning, since a subject may hold almost any character: keys of a bucket are paths at times, and a `*`
within a token is just a letter to the server (nats-server 2.15 `sublist.go`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from natsbackend.errors import Diagnostic, Location, Severity
from natsbackend.model.entities import Backend
from natsbackend.model.sharing import ACCOUNT_TOKEN
from natsbackend.subjects import why_invalid

_TEMPLATE = re.compile(r"\{\{[^}]*\}\}")
_BRACES = re.compile(r"\$?\{[^{}]*\}")
_GLUED = re.compile(r"[^.*>][*>]")
"""A wildcard behind text of its token. One before it is refused altogether: see `subjects.why_invalid`."""
_SLASHED = re.compile(r"\A[^.]*/[^.]*\Z")
"""Slashes and no dot; with a dot it may well be a path below it, as the keys of a bucket are."""


def _subjects(backend: Backend, holding: re.Pattern[str]) -> Iterator[tuple[str, Location | None]]:
    """Every valid subject that holds something, each once a place; a letter stands for each `{{…}}` in it."""
    seen: set[tuple[str, Location | None]] = set()
    for plain, at in backend.written.odd_subjects():
        if holding.search(plain) and (plain, at) not in seen and why_invalid(plain) is None:
            seen.add((plain, at))
            yield plain, at


def subject_star_in_text(backend: Backend) -> Iterable[Diagnostic]:
    """A wildcard behind text, as in `time*`: to the server it is a letter, and matches nothing but itself."""
    for subject, at in _subjects(backend, _GLUED):
        if _SLASHED.search(subject):
            continue  # `subject-slash` says it
        glued = next((token for token in subject.split(".") if _GLUED.search(token)), None)
        if glued is not None:
            stem = glued.rstrip("*>")
            within = "" if glued == subject else f' in "{subject}"'
            yield Diagnostic(
                code="subject-star-in-text",
                severity=Severity.WARNING,
                message=f'"{glued}"{within} is plain text: a wildcard stands for whole tokens only',
                at=at,
                hint=f'write "{stem}.*" for one token below it, "{stem}.>" for all' if stem else None,
            )


def subject_slash(backend: Backend) -> Iterable[Diagnostic]:
    """A subject in the form of a path, as in HTTP and MQTT: `/` separates nothing, it is one token."""
    for subject, at in _subjects(backend, _SLASHED):
        meant = ".".join(token for token in subject.split("/") if token)
        yield Diagnostic(
            code="subject-slash",
            severity=Severity.WARNING,
            message=f'"{subject}" is one token to the server: "/" separates nothing in a subject',
            at=at,
            hint=f'write "{meant}"' if meant else None,
        )


def subject_braces(backend: Backend) -> Iterable[Diagnostic]:
    """`{name}` or `${name}` in a subject: the server fills in nothing but `{{name()}}` and its like, and these only."""
    for subject, at in _subjects(backend, _BRACES):
        found = _BRACES.search(subject)
        if found:
            yield Diagnostic(
                code="subject-braces",
                severity=Severity.WARNING,
                message=f'"{found.group()}" in "{subject}" is plain text, which nothing is filled in for',
                at=at,
                hint='a role\'s templates are "{{name()}}", "{{subject()}}", "{{tag(KEY)}}" and their like; a '
                'mapping\'s wildcards "$1"',
            )


def sharing_template(backend: Backend) -> Iterable[Diagnostic]:
    """A template in an export, or another than `{{account-subject()}}` in an import: the server takes it as text.

    Templates are filled in for permissions alone (nats-server 2.15 `auth.go`, processUserPermissionsTemplate); the
    importer's key in an import is filled in before it is signed.
    """
    for account in backend.written.doubtful_accounts():
        for export in account.exports:
            found = _TEMPLATE.search(export.subject)
            if found:
                place = next(n for n, token in enumerate(export.subject.split("."), 1) if "{{" in token)
                yield Diagnostic(
                    code="sharing-template",
                    message=f'"{found.group()}" in the export "{export.subject}" would be plain text to the server',
                    at=export.at,
                    hint=f'for the importing account write "*" there, and `account_token_position: {place}`',
                )
        for taken in account.imports:
            found = _TEMPLATE.search(taken.subject.replace(ACCOUNT_TOKEN, "x"))
            if found:
                yield Diagnostic(
                    code="sharing-template",
                    message=f'"{found.group()}" in the import "{taken.subject}" would be plain text to the server',
                    at=taken.at,
                    hint=f'"{ACCOUNT_TOKEN}" alone is filled in there: the key of this account',
                )
