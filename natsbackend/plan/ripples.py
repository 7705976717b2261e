"""Accounts that must be pushed again because another one changed.

A server that runs copies the response type of a service into every import when the *importer's* JWT is applied, and
never looks again (nats-server 2.15 `accounts.go`, `addServiceImport`). Everything else of an export (its subject, who
may import it, revocations, the position of the account, traces, latency) reaches importers with the exporter's push.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from natsbackend.plan.naming import Names
from natsbackend.plan.values import Consequence, Desired, Impact, Snapshot, Wanted
from natsbackend.subjects import has_wildcard, is_subset, why_invalid

Export = Mapping[str, object]


class Ripples:
    """What changes of exporters do to importers whose own words stay."""

    def __init__(self, desired: Desired, held: Snapshot, names: Names, changed: frozenset[str]) -> None:
        self._names = names
        self._desired = desired
        self._held = held
        self._changed = changed
        self._before: dict[str, Mapping[str, Export]] = {}
        self._after: dict[str, Mapping[str, Export]] = {}
        for each in desired.accounts:
            public = each.unsigned.claims.subject
            if each.name in changed and public in held.accounts:
                before = _services(held.accounts[public].nats.get("exports"))
                after = _services(each.unsigned.claims.nats.get("exports"))
                if before != after:
                    self._before[public], self._after[public] = before, after

    def reasons(self, wanted: Wanted) -> tuple[str, ...]:
        """Say why an account that is as it should be must be pushed again; nothing if it need not."""
        if wanted.name in self._changed or not self._before:
            return ()
        return tuple(
            self._reasons(wanted.unsigned.claims.nats.get("imports"), wanted.unsigned.claims.subject)
        )

    def left_behind(self) -> Iterator[tuple[str, tuple[Consequence, ...]]]:
        """Yield for exporters what accounts outside the spec will miss until somebody pushes them again."""
        if not self._before:
            return
        ours = {each.unsigned.claims.subject: each.name for each in self._desired.accounts}
        for public, token in sorted(self._held.accounts.items()):
            imports = token.nats.get("imports")
            for exporter in self._before if public not in ours else ():
                for reason in self._reasons(imports, public, exporter):
                    text = (
                        f'"{self._names.account(public)}" is not of this spec and keeps the old one: {reason}'
                    )
                    yield ours[exporter], (Consequence(impact=Impact.NOT_EFFECTIVE, text=text),)

    def _reasons(self, imports: object, own: str, only: str | None = None) -> Iterator[str]:
        for each in imports if isinstance(imports, list | tuple) else ():
            exporter = each.get("account") if isinstance(each, dict) else None
            if exporter not in self._before or exporter == own or only not in (None, exporter):
                continue
            subject = _remote_subject(each)
            before, after = (_found(side[exporter], subject) for side in (self._before, self._after))
            if before is None or after is None:  # what was not imported until now is taken over as it is
                continue
            what = f'of service {subject}, which it imports from "{self._names.account(exporter)}"'
            if _response(before) != _response(after):
                yield f"the response type {what}, changes from {_response(before)} to {_response(after)}"


def _services(exports: object) -> Mapping[str, Export]:
    return {
        str(each.get("subject")): each
        for each in (exports if isinstance(exports, list | tuple) else ())
        if isinstance(each, dict) and each.get("type") == "service"
    }


def _remote_subject(imported: Mapping[str, object]) -> str:
    """Return the exporter's subject; with the old `to` it stands there."""
    if imported.get("type") != "service":
        return ""
    return str(imported.get("to") or imported.get("subject") or "")


def _found(exports: Mapping[str, Export], subject: str) -> Export | None:
    """Return the export that the server finds for an import: of this very subject, or one that covers it."""
    if subject in exports:
        return exports[subject]
    if not subject or why_invalid(subject):
        return None
    covering = (
        each for each in exports if has_wildcard(each) and not why_invalid(each) and is_subset(subject, each)
    )
    found = next(covering, None)
    return None if found is None else exports[found]


def _response(export: Export) -> str:
    return str(export.get("response_type") or "Singleton").lower()
