"""Subjects as the JWT library judges them (`types.go`), which is laxer than `natsbackend.subjects`.

It knows no `>` in the middle, no control characters and no queue names; those are for our own advice.
"""

from __future__ import annotations

from collections.abc import Iterator

from natsbackend.claims.gotext import integer, quoted
from natsbackend.claims.validate.finding import Findings


def check_subject(subject: str, found: Findings) -> None:
    """Judge a subject (`Subject.Validate`)."""
    for rule, message in subject_issues(subject):
        found.error(rule, message)


def subject_issues(subject: str) -> Iterator[tuple[str, str]]:
    """Return rule and message of everything wrong with a subject, in Go's order."""
    if not subject:
        yield "subject-empty", "subject cannot be empty"
        return
    if " " in subject:
        yield "subject-spaces", f"subject {quoted(subject)} cannot have spaces"
    if subject.startswith(".") or subject.endswith("."):
        yield "subject-edge-dot", f"subject {quoted(subject)} cannot start or end with a `.`"
    if ".." in subject:
        yield "subject-double-dot", f"subject {quoted(subject)} cannot contain consecutive `.`"


def check_local_subject(local: str, subject: str, found: Findings) -> None:
    """Judge the local subject of an import of `subject` (`RenamingSubject.Validate`)."""
    check_subject(local, found)
    if not subject:
        found.error("subject-empty", "subject cannot be empty")
    if " " in local:
        found.error("subject-spaces", f"subject {quoted(local)} cannot have spaces")
    if _ends_in_rest(local) != _ends_in_rest(subject):
        message = "both, renaming subject and subject, need to end or not end in >"
        found.error("local-subject-suffix", message)
    wildcards = subject.split(".").count("*")
    used = 0
    for part in local.split("."):
        number = _reference(part)
        if part == "*" or (number is not None and number <= wildcards):
            used += 1
        elif number is not None:
            message = (
                f"Reference ${number} in {quoted(local)} reference * in {quoted(subject)} that do not exist"
            )
            found.error("local-subject-reference", message)
    if used != wildcards:
        message = "subject does not contain enough * or reference wildcards $[0-9]"
        found.error("local-subject-wildcard-count", message)


def to_pattern(local: str) -> str:
    """Return a local subject with `*` in the place of its references (`RenamingSubject.ToSubject`)."""
    if "$" not in local:
        return local
    return ".".join("*" if _reference(token) is not None else token for token in local.split("."))


def _ends_in_rest(subject: str) -> bool:
    return subject == ">" or subject.endswith(".>")


def _reference(token: str) -> int | None:
    return integer(token[1:]) if token.startswith("$") else None


def has_wildcards(subject: str) -> bool:
    """Tell whether Go sees a wildcard in a subject (`Subject.HasWildCards`)."""
    return (
        subject in ("*", ">")
        or subject.endswith((".>", ".*"))
        or subject.startswith("*.")
        or ".*." in subject
    )


def is_contained(inner: str, outer: str) -> bool:
    """Tell whether `outer` matches all that `inner` does, as Go has it (`Subject.IsContainedIn`)."""
    return _is_contained(inner.split("."), outer.split("."))


def _is_contained(tokens: list[str], pattern: list[str]) -> bool:
    rest = pattern[-1] == ">"
    if len(tokens) < len(pattern) or (len(tokens) > len(pattern) and not rest):
        return False
    fixed = pattern[:-1] if rest else pattern
    return all(wanted in (token, "*") for wanted, token in zip(fixed, tokens, strict=False))


class SubjectSet:
    """Different subjects, asked which of them contain another or lie in it, without looking at each of them.

    A subject without wildcards contains only itself, and a pattern only what begins as it does: so literals are
    found by name, and patterns by their tokens before the first wildcard.
    """

    def __init__(self) -> None:
        self._tokens: dict[str, list[str]] = {}
        self._patterns: dict[_Prefix, list[str]] = {}
        """Patterns by all of their prefix."""
        self._beginning: dict[_Prefix, list[str]] = {}
        """Every subject by each of its beginnings."""

    def __contains__(self, subject: str) -> bool:
        return subject in self._tokens

    def add(self, subject: str) -> None:
        """Add a subject; a second time changes nothing."""
        if subject in self._tokens:
            return
        tokens = self._tokens[subject] = subject.split(".")
        for beginning in _beginnings(tokens):
            self._beginning.setdefault(beginning, []).append(subject)
        if _is_pattern(tokens):
            self._patterns.setdefault(_prefix(tokens), []).append(subject)

    def containing(self, subject: str) -> Iterator[str]:
        """Return those that contain a subject, itself among them."""
        tokens = subject.split(".")
        if subject in self and not _is_pattern(tokens):
            yield subject
        for beginning in _beginnings(tokens):
            for other in self._patterns.get(beginning, ()):
                if _is_contained(tokens, self._tokens[other]):
                    yield other

    def within(self, subject: str) -> Iterator[str]:
        """Return those that a subject contains, itself among them."""
        pattern = subject.split(".")
        if not _is_pattern(pattern):
            if subject in self:
                yield subject
            return
        for other in self._beginning.get(_prefix(pattern), ()):
            if _is_contained(self._tokens[other], pattern):
                yield other


_Prefix = tuple[str, ...]
_MOST_TOKENS = 8
"""Longest prefix that is kept, so that a subject of very many tokens costs no more than others."""


def _beginnings(tokens: list[str]) -> Iterator[_Prefix]:
    for length in range(min(len(tokens), _MOST_TOKENS) + 1):
        yield tuple(tokens[:length])


def _prefix(pattern: list[str]) -> _Prefix:
    """Return the tokens of a pattern that are the same in all it contains."""
    wild = pattern.index("*") if "*" in pattern else len(pattern) - 1
    return tuple(pattern[: min(wild, _MOST_TOKENS)])


def _is_pattern(tokens: list[str]) -> bool:
    return "*" in tokens or tokens[-1] == ">"
