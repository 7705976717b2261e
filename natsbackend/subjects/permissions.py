"""Entries of permission lists: a subject, perhaps with `{{…}}` templates, and perhaps a queue group."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache

from natsbackend.subjects.patterns import why_invalid

_TEMPLATE = re.compile(r"\{\{([^}]+)\}\}")  # as mustacheRE in server/auth.go
_PLAIN_FUNCTIONS = ("name", "subject", "account-name", "account-subject")
_TAG_FUNCTIONS = ("tag", "account-tag")
_KNOWN = ", ".join([f"{name}()" for name in _PLAIN_FUNCTIONS] + [f"{name}(TAG)" for name in _TAG_FUNCTIONS])


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFunction:
    """One `{{…}}` in a permission of a role, which the server fills in when a user connects."""

    text: str
    """As written, with the braces."""
    name: str
    """The function in lower case, for instance `account-tag`; all that stands there if it is unknown."""
    argument: str | None = None
    """The tag asked for, in lower case as the server compares it; None if the function takes none."""
    problem: str | None = None
    """Why the server refuses it or can never fill it in; None if it can."""


def template_functions(subject: str) -> tuple[TemplateFunction, ...]:
    """Return the `{{…}}` in a permission in the order they stand, unknown ones with their problem.

    The server expands them in the template of a role only; in the permissions of a user they stay text.
    """
    if "{{" not in subject:
        return ()
    return _functions_in(subject)


@lru_cache(maxsize=4096)  # many accounts have the same roles, and many rules ask
def _functions_in(subject: str) -> tuple[TemplateFunction, ...]:
    return tuple(_template_function(found.group()) for found in _TEMPLATE.finditer(subject))


def split_queue(entry: str) -> tuple[str, str | None]:
    """Split an entry of a subscribe permission into its subject and its queue group, if it names one.

    Blanks inside `{{…}}` do not split. Nothing is checked: the queue group of `a  b` is ` b`.
    """
    if " " not in entry:
        return entry, None
    cut = _without_templates(entry).find(" ")
    return (entry, None) if cut < 0 else (entry[:cut], entry[cut + 1 :])


def why_invalid_permission(entry: str, *, queue_allowed: bool) -> str | None:
    """Say why an entry of a permission list would be refused or skipped.

    Args:
        entry: a subject that may hold templates, or `SUBJECT QUEUE`.
        queue_allowed: whether it is a subscribe permission, which may name a queue group.

    """
    if not ("{{" in entry or "}}" in entry or " " in entry):
        return why_invalid(entry)
    return _why_invalid_entry(entry, queue_allowed)


@lru_cache(maxsize=4096)
def _why_invalid_entry(entry: str, queue_allowed: bool) -> str | None:
    functions = template_functions(entry)
    for function in functions:
        if function.problem is not None:
            return function.problem
    plain = _without_templates(entry)
    if "{{" in plain or "}}" in plain:
        return 'a template is a function between "{{" and "}}", for instance "{{name()}}"'
    subject, queue = split_queue(plain)
    reason = why_invalid(subject)
    if reason is not None or queue is None:
        return reason
    if not queue_allowed:
        return "only a subscribe permission can name a queue group, and a subject cannot hold blanks"
    if functions:
        # processUserPermissionsTemplate in auth.go wants what it expanded, queue and all, to be a valid
        # subject: an allow is dropped (observed on 2.15.1), a deny shuts the user out.
        return "nats-server drops a permission that has both a template and a queue group"
    reason = why_invalid(queue)
    return f"as a queue group: {reason}" if reason is not None else None


def _template_function(text: str) -> TemplateFunction:
    operation = text[2:-2].strip()
    word, _, rest = operation.partition("(")
    name = word.lower()
    if name in _TAG_FUNCTIONS and rest.endswith(")"):
        tag = rest[:-1]
        problem = _why_unfillable(word, tag)
        return TemplateFunction(text=text, name=name, argument=tag.lower(), problem=problem)
    if name in _PLAIN_FUNCTIONS and rest == ")":
        return TemplateFunction(text=text, name=name)
    quoted = json.dumps(text, ensure_ascii=False)
    problem = f"{quoted} is not a template function; there are {_KNOWN}"
    return TemplateFunction(text=text, name=operation.lower(), problem=problem)


def _why_unfillable(word: str, tag: str) -> str | None:
    if word != word.lower():
        # isTag in auth.go knows the name in any case, but cuts it off in lower case only, so that no tag fits
        return f'nats-server finds no tag for "{word}(…)"; write "{word.lower()}(…)"'
    if not tag or " " in tag or not tag.isprintable():
        return f'"{word}(…)" needs the name of a tag, without blanks'
    return None


def _without_templates(entry: str) -> str:
    """Put as many letters in the place of every template, which counts as text within one token."""
    if "{{" not in entry:
        return entry
    return _TEMPLATE.sub(lambda found: "x" * len(found.group()), entry)
