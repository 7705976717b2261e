"""Local subjects of imports: the name an imported stream or service has in the importing account.

In a local subject `$2` stands for the second `*` of the exporter's subject. A plain `*` stands for the one
whose turn it is among the plain ones, whatever references stand before it (`transformTokenize`).
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

from natsbackend.subjects.patterns import ANY, REST, is_subset, why_invalid


def why_invalid_local(subject: str, local: str, *, service: bool) -> str | None:
    """Say why an import of `subject` cannot be known as `local` in the importing account.

    Both must end in `>` or neither, and every `*` of the subject must stand exactly once in the local one.
    The JWT library only counts: it takes `$0`, and `*.$1` for one token twice, and messages go astray.

    Args:
        subject: the exporter's, valid.
        local: the importer's.
        service: whether a service is imported. To map a request back, the server uses the order it was given
            instead of its inverse (`subjectTransform.reverse`, observed on 2.15.1): that is right as long as
            tokens change places in pairs, and wrong for `$2.$3.$1`.

    """
    reason = why_invalid(local)
    if reason is not None:
        return reason
    if "{{" in local:
        return 'a local subject takes "$1", "$2", … for the "*" of the subject, and no "{{…}}"'
    tokens, original = local.split("."), subject.split(".")
    if (tokens[-1] == REST) != (original[-1] == REST):
        return f'the local subject and "{subject}" must both end in ">", or neither'
    for token in original:
        if _is_reference(token):
            return f'"{subject}" cannot be renamed: nats-server would take its "{token}" for a reference'
    reason = _why_wrong_reference(subject, tokens, original.count(ANY))
    if reason is None and service:
        order = _order(tokens)
        if any(order[number - 1] != place for place, number in enumerate(order, 1)):
            return "nats-server maps requests in this order wrongly; let tokens change places in pairs only"
    return reason


def import_local(subject: str, local: str | None) -> str:
    """Return the pattern under which the importer subscribes to a stream or requests a service."""
    if local is None:
        return subject
    return ".".join(ANY if _is_reference(token) else token for token in local.split("."))


def rename(subject: str, local: str | None, published: str) -> str | None:
    """Return the local subject under which a message of an imported stream arrives; None if it does not.

    `published` may be a pattern within `subject`; the answer then is the pattern of all that can arrive.
    """
    if not is_subset(published, subject):
        return None
    if local is None:
        return published
    stars, tail = _captured(subject, published)
    tokens = local.split(".")
    return _filled(tokens, (stars[number - 1] for number in _order(tokens)), tail)


def request_subject(subject: str, local: str | None, requested: str) -> str | None:
    """Return the subject under which the exporter of a service sees a local request; None if it does not.

    The inverse of `rename`. `requested` may be a pattern within the local subject.
    """
    pattern = import_local(subject, local)
    if not is_subset(requested, pattern):
        return None
    if local is None:
        return requested
    stars, tail = _captured(pattern, requested)
    by_number = sorted(zip(_order(local.split(".")), stars, strict=True), key=itemgetter(0))
    return _filled(subject.split("."), (star for _, star in by_number), tail)


def _is_reference(token: str) -> bool:
    """Tell whether the server could take a token for a reference: `$1`, and also `$0`, `$-1`, `$1x`."""
    return token.startswith("$") and token[1:].lstrip("+-")[:1] in tuple("0123456789")


def _why_wrong_reference(subject: str, local: list[str], count: int) -> str | None:
    """Check that each of the `count` wildcards of the subject stands once in the local one."""
    known = {f"${number}" for number in range(1, count + 1)}
    for token in local:
        if _is_reference(token) and token not in known:
            there = f'it has {count}, the first is "$1"' if count else "it has none"
            return f'"{token}" stands for no "*" of "{subject}": {there}'
    order = _order(local)
    for number in order:
        if number > count:
            return f'the local subject has more "*" than "{subject}"'
        if order.count(number) > 1:
            return (
                f'"${number}" stands twice in the local subject; its "*" count too, as "$1", "$2", … in turn'
            )
    for number in range(1, count + 1):
        if number not in order:
            return f'the local subject leaves out a "*" of "{subject}": add "${number}"'
    return None


def _order(local: list[str]) -> list[int]:
    """Return which `*` of the exporter's subject, from 1, each place of a local subject stands for."""
    order = []
    plain = 0
    for token in local:
        if token == ANY:
            plain += 1
            order.append(plain)
        elif _is_reference(token):
            order.append(int(token[1:]))
    return order


def _captured(pattern: str, within: str) -> tuple[list[str], list[str]]:
    """Return what stands at each `*`, and what at the `>`, of a pattern in a subject that lies within it."""
    tokens, wanted = within.split("."), pattern.split(".")
    stars = [token for token, place in zip(tokens, wanted, strict=False) if place == ANY]
    return stars, tokens[len(wanted) - 1 :] if wanted[-1] == REST else []


def _filled(tokens: list[str], stars: Iterator[str], tail: list[str]) -> str:
    """Put what was captured, in this order, into the places of a subject."""
    filled: list[str] = []
    for token in tokens:
        if token == REST:
            filled += tail
        else:
            filled.append(next(stars) if token == ANY or _is_reference(token) else token)
    return ".".join(filled)
