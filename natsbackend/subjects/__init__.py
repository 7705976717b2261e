"""NATS subjects: what is valid, what a wildcard matches, entries of permissions, local subjects of imports.

Owns the grammar and the set algebra of subjects, and `SubjectIndex` to look through thousands at once. Knows
nothing of accounts and users, nor who may do what.

The rules:

- A subject is tokens joined by dots. `*` as a whole token stands for any one token, `>` as the whole last
  token for one or more. A pattern is a subject that may hold wildcards; a literal is one that holds none.
- A `why_…` function returns a reason in words, or None if there is nothing to object to. Every other function
  takes subjects that those find no fault with; for others its answer means nothing.
- Tokens are compared as text. A template such as `{{name()}}` is text until it is expanded.

Behaviour is that of nats-server 2.15 (`sublist.go`, `subject_transform.go`, `auth.go`, `client.go`) and
nats-io/jwt v2.8 (`types.go`); where the two differ, the stricter one holds.
"""

from __future__ import annotations

from natsbackend.subjects.index import SubjectIndex
from natsbackend.subjects.patterns import (
    admits,
    covered,
    has_wildcard,
    intersect,
    is_subset,
    matches,
    overlaps,
    why_invalid,
    why_invalid_publish,
)
from natsbackend.subjects.permissions import (
    TemplateFunction,
    split_queue,
    template_functions,
    why_invalid_permission,
)
from natsbackend.subjects.renaming import import_local, rename, request_subject, why_invalid_local

__all__ = [
    "SubjectIndex",
    "TemplateFunction",
    "admits",
    "covered",
    "has_wildcard",
    "import_local",
    "intersect",
    "is_subset",
    "matches",
    "overlaps",
    "rename",
    "request_subject",
    "split_queue",
    "template_functions",
    "why_invalid",
    "why_invalid_local",
    "why_invalid_permission",
    "why_invalid_publish",
]
