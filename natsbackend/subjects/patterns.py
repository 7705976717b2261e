"""The grammar of subjects, and patterns as the sets of literals they match."""

from __future__ import annotations

from collections.abc import Iterable

ANY = "*"
"""The token that stands for any one token."""
REST = ">"
"""The last token that stands for one token or more."""


def why_invalid(subject: str) -> str | None:
    """Say why nats-server or the JWT library would not take a subject, or not take it as it reads.

    The JWT library lets tabs, control characters and a `>` in the middle pass, and the server then drops what
    holds them without a word. A token such as `*x` is refused although both take it: the server routes it as
    text but reads it as `*` when it decides whether an export covers an import (`isSubsetMatchTokenized`), so
    the export `*x.secret` gives away `b.secret` (observed on 2.15.1). `a*b` is plain text everywhere.
    """
    if not subject:
        return "a subject cannot be empty"
    if not subject.isprintable() or " " in subject:
        reason = _why_unprintable(subject)
        if reason is not None:
            return reason
    tokens = subject.split(".")
    if "" in tokens:
        return "a subject cannot begin or end with a dot or have two dots in a row"
    if _is_literal(subject):
        return None
    if REST in tokens[:-1]:
        return 'a subject can have ">" only as its last token'
    for token in tokens:
        if len(token) > 1 and token[0] in (ANY, REST):
            return (
                f'a token cannot begin with a wildcard as "{token}" does: '
                'nats-server reads it now as text, now as a wildcard; "*" and ">" stand alone'
            )
    return None


def why_invalid_publish(subject: str) -> str | None:
    """Say why nothing can be published to a subject: as `why_invalid`, and it must be a literal."""
    reason = why_invalid(subject)
    if reason is None and has_wildcard(subject):
        return "a subject to publish to cannot hold a wildcard"
    return reason


def has_wildcard(subject: str) -> bool:
    """Tell whether a token of a subject is a wildcard."""
    if _is_literal(subject):
        return False
    tokens = subject.split(".")
    return tokens[-1] == REST or ANY in tokens


def matches(pattern: str, literal: str) -> bool:
    """Tell whether a message to a literal subject reaches a subscription to a pattern."""
    return is_subset(literal, pattern)


def is_subset(inner: str, outer: str) -> bool:
    """Tell whether `outer` matches everything that `inner` matches, as an export must its imports."""
    if inner == outer:
        return True
    if ANY not in outer:
        # `a.>` without its `>`: a valid subject that begins with `a.` has at least one token more
        return outer == REST or (outer.endswith(".>") and inner.startswith(outer[:-1]))
    tokens = inner.split(".")
    pattern = outer.split(".")
    for token, wanted in zip(tokens, pattern, strict=False):
        if wanted == REST:
            return True
        if token == REST or wanted not in (ANY, token):
            return False
    return len(tokens) == len(pattern)


def admits(permission: str, subscription: str) -> bool:
    """Tell whether nats-server lets one who may subscribe to `permission` subscribe to `subscription`.

    Wider than `is_subset`: the server looks the wanted subject up as if it were a literal (`canSubscribe`
    in client.go), so the `*` of a permission takes a last `>` too. Who may subscribe to `foo.*` may subscribe
    to `foo.>`, and then receives `foo.a.b` (observed on 2.15.1).
    """
    if is_subset(subscription, permission):
        return True
    if not (subscription == REST or subscription.endswith(".>")):
        return False
    return is_subset(subscription[:-1] + ANY, permission)


def overlaps(a: str, b: str) -> bool:
    """Tell whether some literal is matched by both patterns."""
    if a == b:
        return True
    if _is_literal(a):
        return is_subset(a, b)
    if _is_literal(b):
        return is_subset(b, a)
    left, right = a.split("."), b.split(".")
    for x, y in zip(left, right, strict=False):
        if REST in (x, y):
            return True
        if x != y and ANY not in (x, y):
            return False
    return len(left) == len(right)


def intersect(a: str, b: str) -> str | None:
    """Return the pattern that matches exactly what both match, or None if nothing does."""
    left, right = a.split("."), b.split(".")
    common: list[str] = []
    for position, (x, y) in enumerate(zip(left, right, strict=False)):
        if x == REST:
            return ".".join(common + right[position:])
        if y == REST:
            return ".".join(common + left[position:])
        if x != y and ANY not in (x, y):
            return None
        common.append(y if x == ANY else x)
    return ".".join(common) if len(left) == len(right) else None


def covered(pattern: str, by: Iterable[str]) -> bool:
    """Tell whether one of several patterns alone covers a pattern, which is how the server asks.

    `*` and `*.>` together match all that `>` matches, but neither does alone: `>` is not covered.
    """
    return any(is_subset(pattern, outer) for outer in by)


def _is_literal(subject: str) -> bool:
    """Tell quickly that a subject has no wildcard; False says only that it holds one of the two signs."""
    return ANY not in subject and REST not in subject


def _why_unprintable(subject: str) -> str | None:
    """Say what the server would split or choke on; letters that merely do not show are left alone."""
    for character in subject:
        if character.isspace():
            return "a subject cannot hold blanks, tabs or line breaks"
        code = ord(character)
        if code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000:
            return "a subject cannot hold control characters or half a surrogate pair"
    return None
