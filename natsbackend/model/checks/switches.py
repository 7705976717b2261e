"""Rules about the checks that a spec switches off, and the one place where that takes effect."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from natsbackend.errors import Diagnostic, Severity
from natsbackend.model.entities import Backend
from natsbackend.model.switched import Silenced, SwitchedOff


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the rules found: what is to be said, and what the spec says not to say."""

    findings: tuple[Diagnostic, ...] = ()
    silenced: tuple[Silenced, ...] = ()


def sift(found: Iterable[Diagnostic], off: Mapping[str, SwitchedOff]) -> Judged:
    """Part what is switched off from the rest. An error never is, whatever the spec says of its check."""
    findings: list[Diagnostic] = []
    silenced: list[Silenced] = []
    for finding in found:
        switch = off.get(finding.code)
        if switch is None or not switch.reason.strip() or finding.severity is Severity.ERROR:
            findings.append(finding)
        else:
            silenced.append(Silenced(finding=finding, off=switch))
    return Judged(findings=tuple(findings), silenced=tuple(silenced))


def wrong(backend: Backend, known: Collection[str], warnings: Collection[str]) -> Iterable[Diagnostic]:
    """Find what cannot be switched off like this. `known` are all ids, `warnings` those that can be."""
    for switch in backend.checks_off.values():
        hint = None
        if switch.code not in known:
            close = get_close_matches(switch.code, sorted(warnings), 1, 0.6)
            message = f"there is no check {switch.code[:80]!r}"
            hint = f"did you mean {close[0]!r}?" if close else "the id stands in brackets behind `warning`"
        elif switch.code not in warnings:
            message = f'"{switch.code}" finds errors, which cannot be switched off'
            hint = "mend what it finds, and take this line out"
        elif not switch.reason.strip():
            message = f'"{switch.code}" is switched off without a reason'
            hint = f"say why it is no problem here: `{switch.code}: REASON`"
        else:
            continue
        yield Diagnostic(code="check-off", message=message, at=switch.at, hint=hint)


def unused(
    backend: Backend,
    rules: Mapping[str, Callable[[Backend], Iterable[Diagnostic]]],
    warnings: Collection[str],
) -> Iterable[Diagnostic]:
    """Find the checks that are switched off and find nothing; those of `rules` alone, which look at the spec."""
    for switch in backend.checks_off.values():
        heard = switch.code not in warnings or not switch.reason.strip()  # `wrong` says that
        rule = None if heard else rules.get(switch.code)
        if rule is not None and next(iter(rule(backend)), None) is None:
            yield Diagnostic(
                code="check-off-unused",
                message=f'"{switch.code}" is switched off and finds nothing',
                at=switch.at,
                hint="take the line out, so that it is heard the next time",
                severity=Severity.WARNING,
            )
