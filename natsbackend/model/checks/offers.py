"""Rules about single exports and imports: words that do not go together, and what the server drops without a word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from natsbackend.errors import Diagnostic, Severity
from natsbackend.model.checks.texts import info_problems
from natsbackend.model.entities import Account, Backend
from natsbackend.model.sharing import ACCOUNT_TOKEN, Export, Import, Kind, Response
from natsbackend.subjects import SubjectIndex, why_invalid, why_invalid_publish


def _exports(backend: Backend) -> Iterator[tuple[Account, Export]]:
    return ((account, export) for account in backend.accounts.values() for export in account.exports)


def _imports(backend: Backend) -> Iterator[tuple[Account, Import]]:
    return ((account, taken) for account in backend.accounts.values() for taken in account.imports)


def export_service_word(backend: Backend) -> Iterable[Diagnostic]:
    """A stream with a word that only a service has: `response_threshold`, `latency`, `allow_trace`."""
    for _, export in _exports(backend):
        if export.kind is Kind.SERVICE:
            continue
        given = {
            "response_threshold": export.response_threshold,
            "latency": export.latency,
            "allow_trace": export.allow_trace,
        }
        for word in (word for word, value in given.items() if value):
            message = f'"{export.subject}" is a stream; only the export of a service takes `{word}`'
            hint = "the import of a stream can have it" if word == "allow_trace" else None
            yield Diagnostic(code="export-service-word", message=message, at=export.at, hint=hint)


def export_threshold_lost(backend: Backend) -> Iterable[Diagnostic]:
    """A response threshold: a running server forgets it when the account changes.

    It refuses to set one on an account that it has from a JWT (nats-server 2.15 `accounts.go`,
    `SetServiceExportResponseThreshold`), and only the first load of an account is exempt.
    """
    for _, export in _exports(backend):
        if export.kind is Kind.SERVICE and export.response_threshold:
            yield Diagnostic(
                code="export-threshold-lost",
                severity=Severity.WARNING,
                message=f'the response threshold of "{export.subject}" holds until the account\'s next change; '
                "a running server then goes back to 2m",
                at=export.at,
                hint="restart the servers after a push, or let the service answer in time by itself",
            )


def export_latency(backend: Backend) -> Iterable[Diagnostic]:
    """Latency that the server would not publish: to no literal subject, to a service, of more than one answer."""
    for account in backend.accounts.values():
        measured = [e for e in account.exports if e.latency is not None and e.kind is Kind.SERVICE]
        services: SubjectIndex[Export] = SubjectIndex()
        for export in account.exports if measured else ():
            if export.kind is Kind.SERVICE:
                services.add(export.subject, export)
        for export in measured:
            wrong = _why_no_latency(export, services)
            if wrong is not None:
                message, hint = wrong
                yield Diagnostic(code="export-latency", message=message, at=export.at, hint=hint)


def _why_no_latency(export: Export, services: SubjectIndex[Export]) -> tuple[str, str] | None:
    """Say what the server has against it (nats-server 2.15 `accounts.go`, `TrackServiceExportWithSampling`).

    A subject that is none, or holds a wildcard, is for the JWT library to refuse, with the whole account.
    """
    assert export.latency is not None
    why = why_invalid_publish(export.latency.to)
    if why is not None:
        return why, "write a subject without wildcards: latency.orders"
    dropped = "the server drops the latency, and nothing else"
    own = next(iter(services.covering(export.latency.to)), None)
    if own is not None:
        message = f'latency cannot go to "{export.latency.to}", which is the service "{own.subject}" of this account'
        return message, dropped
    if export.response is not Response.SINGLETON:
        return (
            f'the latency of "{export.subject}" is not measured: it answers with more than one message',
            dropped,
        )
    return None


def export_token_position(backend: Backend) -> Iterable[Diagnostic]:
    """An account token position where the exported subject has no `*`."""
    for _, export in _exports(backend):
        position, tokens = export.account_token_position, export.subject.split(".")
        if not position:
            continue
        if position > len(tokens):
            message = (
                f'"{export.subject}" has {len(tokens)} tokens, and `account_token_position` is {position}'
            )
        elif tokens[position - 1] != "*":
            message = (
                f'token {position} of "{export.subject}" is "{tokens[position - 1]}"; the account takes a "*"'
            )
        else:
            continue
        yield Diagnostic(code="export-token-position", message=message, at=export.at)


def export_info(backend: Backend) -> Iterable[Diagnostic]:
    """A description or URL that the JWT library refuses: too long, or no URL with a scheme and a host."""
    for _, export in _exports(backend):
        for _, message, hint in info_problems(export.description, export.info_url):
            yield Diagnostic(code="export-info", message=message, at=export.at, hint=hint)


def import_other_kind(backend: Backend) -> Iterable[Diagnostic]:
    """An import with a word of the other kind: `share` on a stream, `allow_trace` on a service."""
    for _, taken in _imports(backend):
        if taken.share and taken.kind is Kind.STREAM:
            message = f'"{taken.subject}" is a stream; only a service can be asked by somebody, and `share` who it is'
            yield Diagnostic(code="import-other-kind", message=message, at=taken.at)
        if taken.allow_trace and taken.kind is Kind.SERVICE:
            message = f'"{taken.subject}" is a service; `allow_trace` belongs to its export'
            yield Diagnostic(code="import-other-kind", message=message, at=taken.at)


def import_account_token(backend: Backend) -> Iterable[Diagnostic]:
    """An import without the account's own token where the export asks for it, or with one where it does not.

    The server drops such an import (nats-server 2.15 `accounts.go`, `checkAuth`).
    """
    asking = {a.name for a in backend.accounts.values() if any(e.account_token_position for e in a.exports)}
    for _, taken in _imports(backend):
        if not (taken.account in asking or ACCOUNT_TOKEN in taken.subject) or why_invalid(taken.subject):
            continue
        export = backend.offers.offered(taken)
        if export is not None and (said := _wrong_token(taken, export)) is not None:
            yield said


def _wrong_token(taken: Import, export: Export) -> Diagnostic | None:
    wanted, tokens = export.account_token_position, taken.subject.split(".")
    places = [place for place, token in enumerate(tokens, 1) if ACCOUNT_TOKEN in token]
    if wanted:
        if places == [wanted] and tokens[wanted - 1] == ACCOUNT_TOKEN:
            return None
        message = f'token {wanted} of "{taken.subject}" must be the importing account, and no other token'
        hint = f"write {ACCOUNT_TOKEN} there"
    elif places:
        message = f'"{export.subject}" is exported without an `account_token_position`'
        hint = f'take {ACCOUNT_TOKEN} out, or set the position in account "{taken.account}"'
    else:
        return None
    return Diagnostic(code="import-account-token", message=message, at=taken.at, hint=hint)
