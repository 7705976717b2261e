"""Checks that the spec switches off: which, why, and what they would have found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from natsbackend.errors import Diagnostic, Location

if TYPE_CHECKING:
    from natsbackend.spec.load import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchedOff:
    """A check that the spec switches off."""

    code: str
    reason: str
    at: Location | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silenced:
    """A finding that is not given, because its check is switched off."""

    finding: Diagnostic
    off: SwitchedOff


def switched_off(spec: Spec) -> dict[str, SwitchedOff]:
    """Return the checks that a spec switches off, by id."""
    if spec.model.checks is None:
        return {}
    return {
        code: SwitchedOff(code=code, reason=reason, at=spec.key_at("checks", "off", code))
        for code, reason in spec.model.checks.off.items()
    }
