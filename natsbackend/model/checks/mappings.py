"""Rules about the subject mappings of an account, over all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from natsbackend.errors import Diagnostic
from natsbackend.model.entities import Backend
from natsbackend.subjects import SubjectIndex, why_invalid


def mapping_overlap(backend: Backend) -> Iterable[Diagnostic]:
    """Two mapped subjects that one message may fit: which of them maps it differs from server to server.

    The server reads the mappings of a JWT in the order of a Go map, which is another one at each start, and takes the
    first that fits (nats-server 2.15 `accounts.go`, updateAccountClaimsWithRefresh, selectMappedSubject).
    """
    for account in backend.accounts.values():
        places = account.details.places
        for source, other in _overlapping(account.details.mappings):
            yield Diagnostic(
                code="mapping-overlap",
                message=f'messages may fit both "{source[:80]}" and "{other[:80]}"; which one maps them is by chance',
                at=places.get(("mappings", source), account.at),
                hint=f"the other one: {places.get(('mappings', other), account.at)}; let no message fit both",
            )


def _overlapping(mappings: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    """Each source that overlaps one before it, with the first such one."""
    before: SubjectIndex[str] = SubjectIndex()
    for source in mappings:
        if why_invalid(source) is None:
            other = next(iter(before.overlapping(source)), None)
            if other is not None:
                yield source, other
            before.add(source, source)
