"""Rules about exports and imports, over all accounts at once.

The server answers 200 to a push of most of what is refused here, and drops the import or export without a word
(nats-server 2.15 `accounts.go`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from natsbackend.errors import Diagnostic
from natsbackend.model.entities import UNLIMITED, Account, Backend, Export, Import, Kind
from natsbackend.model.nearest import Nearest
from natsbackend.subjects import (
    SubjectIndex,
    has_wildcard,
    import_local,
    is_subset,
    why_invalid,
    why_invalid_local,
)
from natsbackend.subjects.index import FEW


def _exports(backend: Backend) -> Iterator[tuple[Account, Export]]:
    for account in backend.accounts.values():
        for export in account.exports:
            yield account, export


def _imports(backend: Backend) -> Iterator[tuple[Account, Import]]:
    for account in backend.accounts.values():
        for imported in account.imports:
            yield account, imported


def export_subject(backend: Backend) -> Iterable[Diagnostic]:
    """An exported subject that the server would not take."""
    for account in backend.written.doubtful_accounts():
        for export in account.exports:
            why = why_invalid(export.subject)
            if why:
                yield Diagnostic(code="export-subject", message=why, at=export.at)


def export_response(backend: Backend) -> Iterable[Diagnostic]:
    """A stream with a response type."""
    for _, export in _exports(backend):
        if export.kind is Kind.STREAM and export.response is not None:
            message = f'"{export.subject}" is a stream; only a service has a `response`'
            yield Diagnostic(code="export-response", message=message, at=export.at)


def export_overlap(backend: Backend) -> Iterable[Diagnostic]:
    """An export that contains another of its kind, in one account. Of two equal ones the second is reported."""
    for account in backend.accounts.values():
        if _are_apart(account.exports):
            continue
        seen: set[tuple[Kind, str]] = set()
        for export in account.exports:
            again = (export.kind, export.subject) in seen
            seen.add((export.kind, export.subject))
            covering = backend.offers.exports(account.name, export.kind).covering(export.subject)
            for other in covering if len(covering) > 1 else ():
                if other is not export and (again or other.subject != export.subject):
                    yield Diagnostic(
                        code="export-overlap",
                        message=f'the {export.kind} "{export.subject}" is already exported as "{other.subject}"',
                        at=export.at,
                        hint=f"the other one: {other.at}",
                    )
                    break


def _are_apart(exports: Sequence[Export]) -> bool:
    """Tell quickly that few exports do not contain each other; False says only that they are many, or do."""
    return len(exports) <= FEW and not any(
        a.kind is b.kind and (is_subset(a.subject, b.subject) or is_subset(b.subject, a.subject))
        for a, b in combinations(exports, 2)
    )


def import_subject(backend: Backend) -> Iterable[Diagnostic]:
    """An imported subject, or its local one, that the server would not take."""
    for account in backend.written.doubtful_accounts():
        for imported in account.imports:
            why = why_invalid(imported.subject)
            if why is None and imported.local_subject is not None:
                service = imported.kind is Kind.SERVICE
                why = why_invalid_local(imported.subject, imported.local_subject, service=service)
            if why:
                yield Diagnostic(code="import-subject", message=why, at=imported.at)


def import_unknown_account(backend: Backend) -> Iterable[Diagnostic]:
    """An import from an account that is not in the spec, or from the account itself."""
    nearest = Nearest()
    for account, imported in _imports(backend):
        if imported.account == account.name:
            message = f'account "{account.name}" imports from itself'
            yield Diagnostic(code="import-unknown-account", message=message, at=imported.at)
        elif imported.account not in backend.accounts and imported.outside_key is None:
            close = nearest.to(imported.account, [*backend.accounts, *backend.outside])
            yield Diagnostic(
                code="import-unknown-account",
                message=f'account "{account.name}" imports from "{imported.account}", which is not in this spec',
                at=imported.at,
                hint=f"did you mean {close!r}?"
                if close
                else "give an account of others a name under `outside`, with its `public_key`",
            )


def import_without_export(backend: Backend) -> Iterable[Diagnostic]:
    """An import that the other account does not offer: wrong subject, wrong kind, or wider than the export."""
    nearest = Nearest()
    for account, imported in _imports(backend):
        exporter = backend.accounts.get(imported.account)
        if exporter is None or exporter is account or backend.offers.is_offered(imported):
            continue
        if not why_invalid(imported.subject):
            yield _not_exported(backend, account, imported, nearest)


def _not_exported(backend: Backend, account: Account, imported: Import, nearest: Nearest) -> Diagnostic:
    offers, exporter = backend.offers, backend.accounts[imported.account]
    other = Kind.SERVICE if imported.kind is Kind.STREAM else Kind.STREAM
    wrong_kind = offers.exports(exporter.name, other).covering(imported.subject)
    narrower = offers.exports(exporter.name, imported.kind).overlapping(imported.subject)
    offered = {e.subject: e for e in exporter.exports if e.kind is imported.kind}
    close = nearest.to(imported.subject, offered)
    if wrong_kind:
        hint = f'"{exporter.name}" exports it as a {wrong_kind[0].kind} ({wrong_kind[0].at})'
    elif narrower:
        hint = f'"{exporter.name}" exports only "{narrower[0].subject}" of it ({narrower[0].at})'
    elif close:
        hint = f'"{exporter.name}" exports "{close}" ({offered[close].at}); did you mean that?'
    else:
        hint = f'export it in account "{exporter.name}", or take the import out'
    return Diagnostic(
        code="import-without-export",
        message=f'account "{account.name}" imports {imported.kind} "{imported.subject}" from "{exporter.name}", '
        "which does not export it",
        at=imported.at,
        hint=hint,
    )


def import_duplicate(backend: Backend) -> Iterable[Diagnostic]:
    """A stream imported twice from one account, or a service twice under one local subject.

    The server keeps the first of two streams, whatever their local subjects (nats-server 2.15 `accounts.go`,
    `addStreamImportWithClaim`), and takes no account with two equal services. A service may have two local subjects.
    """
    for account in backend.accounts.values():
        seen: dict[tuple[str, ...], Import] = {}
        for imported in account.imports:
            service = imported.kind is Kind.SERVICE
            local = import_local(imported.subject, imported.local_subject) if service else ""
            first = seen.setdefault((imported.kind, imported.account, imported.subject, local), imported)
            if first is not imported:
                then = "refuses the account" if service else "keeps one"
                yield Diagnostic(
                    code="import-duplicate",
                    message=f'{imported.kind} "{imported.subject}" is imported from "{imported.account}" twice; the '
                    f"server {then}",
                    at=imported.at,
                    hint=f"the other one: {first.at}",
                )


def import_overlap(backend: Backend) -> Iterable[Diagnostic]:
    """Services of one exporter whose local subjects contain one another (Go library, rule I16)."""
    for account in backend.accounts.values():
        services = [i for i in account.imports if i.kind is Kind.SERVICE]
        if len(services) < 2:
            continue
        indexes: dict[str, SubjectIndex[Import]] = {}
        for imported in services:
            local = import_local(imported.subject, imported.local_subject)
            indexes.setdefault(imported.account, SubjectIndex()).add(local, imported)
        said: set[int] = set()
        for imported in services:
            local = import_local(imported.subject, imported.local_subject)
            for other in indexes[imported.account].covering(local):
                twin = (other.subject, import_local(other.subject, other.local_subject)) == (
                    imported.subject,
                    local,
                )  # itself, or what `import-duplicate` reports
                if id(other) not in said and not twin:
                    said.add(id(imported))
                    yield Diagnostic(
                        code="import-overlap",
                        message=f'services "{imported.subject}" and "{other.subject}" of "{imported.account}" overlap '
                        f'in account "{account.name}"',
                        at=imported.at,
                        hint=f"the other one: {other.at}",
                    )
                    break


def import_cycle(backend: Backend) -> Iterable[Diagnostic]:
    """Accounts that import a service or stream from each other in a circle: one of the imports is dropped.

    Which one depends on the order of pushes, so each circle is reported, at one of its imports.
    """
    done: set[int] = set()
    for account, imported in _imports(backend):
        if id(imported) in done or not backend.offers.passes_on(imported.account):
            continue
        trail = _trail_back(backend, account, imported, done)
        if trail:
            names = " ← ".join([account.name, *(i.account for i in trail)])
            yield Diagnostic(
                code="import-cycle",
                message=f'{imported.kind} "{imported.subject}" is imported in a circle: {names}',
                at=imported.at,
                hint="the server drops one of these imports; rename it, or export it under another subject",
            )


def _trail_back(backend: Backend, account: Account, first: Import, done: set[int]) -> list[Import] | None:
    """Follow what is imported to where it comes from; return the imports of a circle that ends at `account`."""
    trail: list[Import] = []
    current = first
    while True:
        done.add(id(current))
        trail.append(current)
        if current.account == account.name and len(trail) > 1:
            return trail
        following = _imported_as(backend, current)
        if following is None or id(following) in done:
            return None
        current = following


def _imported_as(backend: Backend, imported: Import) -> Import | None:
    """The import by which an exporter itself has a subject that it exports."""
    return next(
        iter(backend.offers.imports(imported.account, imported.kind).overlapping(imported.subject)), None
    )


def limit_exceeded(backend: Backend) -> Iterable[Diagnostic]:
    """More imports or exports than the account's own limits allow, or wildcards where none are."""
    for account in backend.accounts.values():
        limits = account.limits
        for what, count, most in (
            ("imports", len(account.imports), limits.imports),
            ("exports", len(account.exports), limits.exports),
        ):
            if most != UNLIMITED and count > most:
                message = f'account "{account.name}" has {count} {what}, and its limit is {most}'
                yield Diagnostic(code="limit-exceeded", message=message, at=account.at)
        if limits.exports != UNLIMITED and not limits.wildcard_exports:
            for export in account.exports:
                if has_wildcard(export.subject):
                    message = f'"{export.subject}" has a wildcard, and `wildcard_exports` is false'
                    yield Diagnostic(code="limit-exceeded", message=message, at=export.at)
