"""What a spec gives rise to, as codes: for tests of rules."""

from __future__ import annotations

from natsbackend.errors import Diagnostic, SpecError
from natsbackend.model.checks import check
from natsbackend.model.resolve import resolve
from natsbackend.spec.load import parse_spec

FILE = "spec.yaml"
HEAD = "version: 1\noperator: {name: acme}\n"


def findings(text: str | bytes) -> tuple[Diagnostic, ...]:
    """Return every finding about a spec, whatever stage it comes from."""
    try:
        resolved = resolve(parse_spec(text, FILE))
    except SpecError as e:
        return e.diagnostics
    return (*resolved.diagnostics, *check(resolved.backend))


def codes(text: str | bytes) -> set[str]:
    """Return the ids of the findings about a spec."""
    return {found.code for found in findings(text)}


def with_head(text: str) -> str:
    """Put version and operator in front, unless the text has its own."""
    return text if "operator:" in text else HEAD + text
