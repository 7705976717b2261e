"""What the official validator finds, as values."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Finding:
    """One issue of the official validator (`ValidationIssue`)."""

    rule: str
    """Stable kebab-case id of the rule behind it, for instance `import-overlap`."""
    message: str
    """The library's text. It quotes claims, never a token inside them."""
    blocking: bool
    """Whether it is an error. The others are warnings, time checks among them."""
    time_check: bool = False
    """Whether another moment would have another answer. A server refuses such a token when it is used."""


@dataclass(slots=True)
class Findings:
    """Findings in the order they are made; equal ones are kept, as in Go."""

    issues: list[Finding] = field(default_factory=list)

    def error(self, rule: str, message: str) -> None:
        """Add what makes a token invalid (`AddError`)."""
        self.issues.append(Finding(rule=rule, message=message, blocking=True))

    def warning(self, rule: str, message: str) -> None:
        """Add what should be otherwise but is taken (`AddWarning`)."""
        self.issues.append(Finding(rule=rule, message=message, blocking=False))

    def time_check(self, rule: str, message: str) -> None:
        """Add what is wrong at this moment (`AddTimeCheck`)."""
        self.issues.append(Finding(rule=rule, message=message, blocking=False, time_check=True))
