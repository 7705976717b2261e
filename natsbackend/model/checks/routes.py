"""Rules about which subjects cross the routes of a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from natsbackend.errors import Diagnostic, Location, Severity
from natsbackend.model.checks.places import place
from natsbackend.model.clustering import RouteSubjects
from natsbackend.model.entities import Backend
from natsbackend.subjects import is_subset, overlaps, why_invalid

SERVERS_OWN = ("$SYS.>", "_INBOX.>", "_R_.>")
"""What servers ask each other over routes, how they answer, and how answers of imported services come back."""
_JETSTREAM = ("$JS.>", "$JSC.>", "$NRG.>")
"""The same of JetStream: its API, its assets, its elections."""


def _written(backend: Backend) -> Iterator[tuple[str, RouteSubjects, Location | None]]:
    """Each side of the permissions, with its word."""
    server = backend.server
    cluster = server.cluster if server else None
    for word, subjects in cluster.permissions.by_word() if cluster else ():
        if server is not None and subjects is not None:
            yield word, subjects, place(server, "cluster", "permissions", word)


def cluster_permission_subject(backend: Backend) -> Iterable[Diagnostic]:
    """A subject of the routes' permissions that is none: the server does not start (nats-server 2.15 `opts.go`)."""
    server = backend.server
    for word, subjects, _ in _written(backend):
        for side in ("allow", "deny"):
            for index, subject in enumerate(getattr(subjects, side)):
                reason = why_invalid(subject)
                if server is not None and reason is not None:
                    yield Diagnostic(
                        code="cluster-permission-subject",
                        message=f"{subject[:80]!r}: {reason}",
                        at=place(server, "cluster", "permissions", word, side, index),
                    )


def cluster_permission_system(backend: Backend) -> Iterable[Diagnostic]:
    """Permissions of routes that keep the servers' own subjects back: they then do not hear each other.

    They are asked for the system account's subscriptions as for all others (nats-server 2.15 `route.go`, canImport):
    a push reaches one server, imported services are not answered, JetStream elects nobody.
    """
    needed = SERVERS_OWN + (_JETSTREAM if backend.server and backend.server.jetstream else ())
    for word, subjects, at in _written(backend):
        kept = [subject for subject in needed if not _crosses(subject, subjects)]
        if kept:
            yield Diagnostic(
                code="cluster-permission-system",
                message=f"`{word}` keeps {', '.join(kept)} back: servers of this cluster do not hear each other",
                at=at,
                hint=f"add them to `{word}.allow`, and leave them out of `{word}.deny`",
                severity=Severity.WARNING,
            )


def _crosses(subject: str, subjects: RouteSubjects) -> bool:
    if any(overlaps(subject, denied) for denied in subjects.deny):
        return False
    return not subjects.allow or any(is_subset(subject, allowed) for allowed in subjects.allow)
