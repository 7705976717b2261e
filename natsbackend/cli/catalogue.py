"""Every finding that a spec can give rise to: its id, what it is about, and how bad it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from natsbackend.errors import Severity

UNREADABLE = "spec-unreadable"
"""Where a report is a document, what stops the reading is a finding like any other."""

SHAPE = {
    "spec-unreadable": "The file cannot be read; a finding where the answer of `check` is a document.",
    "yaml-syntax": "The file is not YAML.",
    "yaml-encoding": "The file is not UTF-8.",
    "yaml-documents": "The file holds more than one YAML document.",
    "yaml-key": "A key is not a text, or `<<` merges something that is no map.",
    "yaml-tag": "A tag, such as `!!python/object`, that has no meaning here.",
    "yaml-alias": "An alias to nothing, or to what it stands in.",
    "yaml-too-deep": "Values are nested too deeply.",
    "yaml-too-large": "The file, or what its aliases expand to, is too large.",
    "duplicate-key": "A key stands twice in one map.",
    "spec-shape": "The spec is empty, or no map.",
    "spec-version": "The `version` is one that this release does not know.",
    "spec-null": "A key without a value.",
    "spec-value": "A value of another kind or form than the word takes.",
    "unknown-word": "A word that has no meaning at its place.",
    "missing-word": "A word that is needed is not there.",
    "spec-file": "A file that the spec names cannot be read, or is not below the spec's folder.",
    "one-kind": "An export or import is not exactly one of `stream` and `service`.",
    "listen": "Not an address to listen on.",
    "websocket-tls": "A websocket listener with neither `tls` nor `no_tls`, or with both.",
    "test-shape": "A policy test that is neither `as` with `can` or `cannot` nor `message` with `reaches`.",
    "test-principal": "A policy test does not say who acts, or gives a name that no token can have.",
    "unknown-principal": "A policy test names a user or role that is not in the spec.",
    "import-token": "An activation from outside that does not let its import in: made by, for, or of something else.",
}
"""The findings about reading and shape, and about words that cannot be resolved; all of them are errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A kind of finding."""

    code: str
    title: str
    severity: Severity


def rules() -> Iterator[Rule]:
    """Return every kind of finding, in the order of the documentation."""
    from natsbackend.model.checks import CHECKS, WARNINGS
    from natsbackend.model.checks.life import LIFE

    for code, title in SHAPE.items():
        yield Rule(code=code, title=title, severity=Severity.ERROR)
    for code, rule in CHECKS.items():
        severity = Severity.WARNING if code in WARNINGS else Severity.ERROR
        yield Rule(code=code, title=str(rule.__doc__).splitlines()[0], severity=severity)
    for code, judge in LIFE.items():
        yield Rule(code=code, title=str(judge.__doc__).splitlines()[0], severity=Severity.WARNING)
