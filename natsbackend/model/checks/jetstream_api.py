"""Rules about JetStream's API, whose subjects say what may be done to which stream.

A subject that leaves the stream open is held against a stream of an unlikely name. `$JS.DOMAIN.API.…` is the same
API under the name of its domain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from natsbackend.errors import Diagnostic, Severity
from natsbackend.model.entities import Backend, Grant, Rules
from natsbackend.model.holders import Holder, browsers, is_denied, is_everything
from natsbackend.subjects import intersect

_ANY = "any-other"
_WORDS_OF_SUBJECTS = frozenset({"publish", "request"})

_SHAPING = ("STREAM.CREATE.*", "STREAM.UPDATE.*")
"""Dangerous for any name: a stream's subjects are in the request, and it takes in what they match."""

_ADMINISTERING = (
    *(f"STREAM.{word}.{_ANY}" for word in ("DELETE", "PURGE", "SNAPSHOT", "RESTORE", "MSG.DELETE")),
    *(f"STREAM.{word}.{_ANY}" for word in ("LEADER.STEPDOWN", "PEER.REMOVE")),
    *(f"CONSUMER.{word}.{_ANY}.{_ANY}" for word in ("DELETE", "PAUSE", "LEADER.STEPDOWN")),
)

_READING = (
    f"CONSUMER.CREATE.{_ANY}",
    f"CONSUMER.CREATE.{_ANY}.{_ANY}",
    f"CONSUMER.CREATE.{_ANY}.{_ANY}.{_ANY}",
    f"CONSUMER.DURABLE.CREATE.{_ANY}.{_ANY}",
    f"CONSUMER.MSG.NEXT.{_ANY}.{_ANY}",
    f"STREAM.MSG.GET.{_ANY}",
    f"DIRECT.GET.{_ANY}",
    f"DIRECT.GET.{_ANY}.{_ANY}",
    f"DIRECT.GET.{_ANY}.{_ANY}.{_ANY}",
)

_ANY_ACK = f"$JS.ACK.{_ANY}.{_ANY}.1.1.1.1.1"


def jetstream_admin_open(backend: Backend) -> Iterable[Diagnostic]:
    """A browser that may make, change or delete streams or consumers."""
    for holder, grant, what in _open(backend, (*_SHAPING, *_ADMINISTERING)):
        yield Diagnostic(
            code="jetstream-admin-open",
            message=f'{holder.shown} may administer JetStream: "{grant.subject}" covers "$JS.API.{_shown(what)}"',
            at=grant.at,
            hint="name what it reads instead: $JS.API.DIRECT.GET.STREAM.SUBJECT, "
            "$JS.API.CONSUMER.CREATE.STREAM.{{name()}}.SUBJECT",
            severity=Severity.WARNING,
        )


def jetstream_api_open(backend: Backend) -> Iterable[Diagnostic]:
    """A browser that may read every stream of its account, or acknowledge what was delivered to others."""
    said = {id(grant) for _, grant, _ in _open(backend, (*_SHAPING, *_ADMINISTERING))}
    for holder, grant, what in _open(backend, _READING):
        if id(grant) not in said:
            yield Diagnostic(
                code="jetstream-api-open",
                message=f'{holder.shown} may read every stream of account "{holder.account.name}": "{grant.subject}" '
                f'covers "$JS.API.{_shown(what)}"',
                at=grant.at,
                hint="name the stream, and the subject in it",
                severity=Severity.WARNING,
            )
    for holder in browsers(backend):
        for grant in holder.permissions.publish.allow:
            if is_everything(grant.subject) or not grant.subject.startswith(("$JS.", "*.")):
                continue
            if not _reaches(holder.permissions.publish, grant, _ANY_ACK):
                continue
            if id(grant) not in said:
                yield Diagnostic(
                    code="jetstream-api-open",
                    message=f'{holder.shown} may acknowledge, and fetch, for every consumer: "{grant.subject}"',
                    at=grant.at,
                    hint="write `allow_responses: true`: it may then acknowledge what it was sent",
                    severity=Severity.WARNING,
                )


def jetstream_consumer_open(backend: Backend) -> Iterable[Diagnostic]:
    """A browser that may use consumers of any name: it can read all of the stream, or change another's consumer.

    The server takes the consumer's name and filter from the subject where they stand there (nats-server 2.15
    `jetstream_api.go`), and a consumer that exists is changed by one of the same name.
    """
    for holder in browsers(backend):
        rules = holder.permissions.publish
        for grant in rules.allow:
            stream = _stream_of(grant)
            if stream is None or grant.origin not in _WORDS_OF_SUBJECTS:
                continue
            probes = (
                f"$JS.API.CONSUMER.CREATE.{stream}",
                f"$JS.API.CONSUMER.CREATE.{stream}.{_ANY}",
                f"$JS.API.CONSUMER.CREATE.{stream}.{_ANY}.{_ANY}",
                f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{_ANY}",
                f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{_ANY}",
                f"$JS.ACK.{stream}.{_ANY}.1.1.1.1.1",
            )
            if any(_reaches(rules, grant, probe) for probe in probes):
                yield Diagnostic(
                    code="jetstream-consumer-open",
                    message=f'{holder.shown} may use any consumer of stream "{stream}", those of others too: '
                    f'"{grant.subject}"',
                    at=grant.at,
                    hint=_PINNED.format(stream=stream),
                    severity=Severity.WARNING,
                )


_PINNED = (
    "name the consumer after the token, and what it reads: "
    "$JS.API.CONSUMER.CREATE.{stream}.{{{{name()}}}}.SUBJECT, $JS.API.CONSUMER.MSG.NEXT.{stream}.{{{{name()}}}}; "
    "`allow_responses: true` for acknowledgements"
)


def _stream_of(grant: Grant) -> str | None:
    """Return the stream that the subject of a consumer names, if it names one."""
    tokens = _plain(grant.subject).split(".")
    for prefix in (
        ["$JS", "API", "CONSUMER", "CREATE"],
        ["$JS", "API", "CONSUMER", "DURABLE", "CREATE"],
        ["$JS", "API", "CONSUMER", "MSG", "NEXT"],
        ["$JS", "ACK"],
    ):
        rest = tokens[len(prefix) :]
        if tokens[: len(prefix)] == prefix and rest and rest[0] not in ("*", ">"):
            return rest[0]
    return None


def _open(backend: Backend, api: Iterable[str]) -> Iterator[tuple[Holder, Grant, str]]:
    """Each grant of a browser that reaches one of these subjects of the API, and the first of them."""
    wanted = tuple(api)
    for holder in browsers(backend):
        rules = holder.permissions.publish
        for grant in rules.allow:
            if is_everything(grant.subject) or not grant.subject.startswith(("$JS.", "*.")):
                continue  # `browser-open` says it, or it is none of this
            for what in wanted:
                if _reaches(rules, grant, f"$JS.API.{what}"):
                    yield holder, grant, what
                    break


def _reaches(rules: Rules, grant: Grant, wanted: str) -> bool:
    common = intersect(_plain(grant.subject), wanted)
    return common is not None and not is_denied(common, rules.deny)


def _plain(subject: str) -> str:
    """Return a subject of the API without the name of the domain."""
    tokens = subject.split(".")
    if tokens[0] == "$JS" and tokens[2:3] == ["API"]:
        del tokens[1]
    return ".".join(tokens)


def _shown(what: str) -> str:
    return what.replace(_ANY, "*")
