"""Exports and imports of an account (`exports.go`, `imports.go`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from natsbackend.claims.codec import decode
from natsbackend.claims.envelope import Token, TokenKind
from natsbackend.claims.gotext import quoted
from natsbackend.claims.validate.activation import check_activation
from natsbackend.claims.validate.decoded import decoded
from natsbackend.claims.validate.finding import Findings
from natsbackend.claims.validate.info import check_info
from natsbackend.claims.validate.subjects import (
    SubjectSet,
    check_local_subject,
    check_subject,
    has_wildcards,
    is_contained,
    to_pattern,
)
from natsbackend.errors import ClaimsError

Members = Mapping[str, Any]
_RESPONSE_TYPES = ("", "Singleton", "Stream", "Chunked")


def check_exports(exports: Sequence[Members | None], found: Findings) -> None:
    """Judge the exports of an account, each and among themselves."""
    services: list[str] = []
    streams: list[str] = []
    for export in exports:
        if export is None:
            found.error("export-null", "null export is not allowed")
            continue
        subjects = services if _kind(export) == "service" else streams
        subjects.append(export.get("subject", ""))
        _check_export(export, found)
    _check_overlap("service", services, found)
    _check_overlap("stream", streams, found)


def _kind(member: Members) -> str:
    return str(member.get("type", "unknown"))


def _check_export(export: Members, found: Findings) -> None:
    kind, subject = _kind(export), export.get("subject", "")
    if kind == "unknown":
        found.error("export-type", 'invalid export type: "unknown"')
    _check_response(kind, export, found)
    if kind == "stream" and export.get("allow_trace"):
        found.error("export-allow-trace-on-stream", "AllowTrace only valid for service export")
    if "service_latency" in export:
        if kind != "service":
            found.error("export-latency-on-stream", "latency tracking only permitted for services")
        _check_latency(export["service_latency"], found)
    threshold = export.get("response_threshold", 0)
    if threshold < 0:
        found.error("export-threshold-negative", "negative response threshold is invalid")
    if threshold > 0 and kind != "service":
        found.error("export-threshold-on-stream", "response threshold only valid for services")
    check_subject(subject, found)
    _check_token_position(subject, export.get("account_token_position", 0), found)
    check_info(export, found)


def _check_response(kind: str, export: Members, found: Findings) -> None:
    response = export.get("response_type", "")
    if kind == "service" and response not in _RESPONSE_TYPES:
        found.error("export-response-type", f"invalid response type for service: {quoted(response)}")
    if kind == "stream" and response:
        found.error("export-response-type-on-stream", f"invalid response type for stream: {quoted(response)}")


def _check_latency(latency: Members, found: Findings) -> None:
    sampling, results = latency["sampling"], latency["results"]
    if isinstance(sampling, int) and not 1 <= sampling <= 100:
        found.error("latency-sampling", "sampling percentage needs to be between 1-100")
    check_subject(results, found)
    if has_wildcards(results):
        found.error("latency-results-wildcard", "results subject can not contain wildcards")


def _check_token_position(subject: str, position: int, found: Findings) -> None:
    if not position:
        return
    rule = "export-token-position"
    if not has_wildcards(subject):
        message = f"Account Token Position can only be used with wildcard subjects: {subject}"
        found.error(f"{rule}-no-wildcard", message)
        return
    tokens = subject.split(".")
    if position > len(tokens):
        message = f"Account Token Position {position} exceeds length of subject '{subject}'"
        found.error(f"{rule}-too-large", message)
    elif (token := tokens[position - 1]) != "*":
        message = f"Account Token Position {position} matches '{token}' but must match a * in: {subject}"
        found.error(f"{rule}-not-star", message)


def _check_overlap(kind: str, subjects: Sequence[str], found: Findings) -> None:
    """Report each subject that contains another one once, with the first such other (`isContainedIn`)."""
    every = SubjectSet()
    for subject in subjects:
        every.add(subject)
    count = Counter(subjects)
    first_within: dict[str, str] = {}
    for subject in subjects:
        for outer in every.containing(subject):
            if outer != subject or count[subject] > 1:
                first_within.setdefault(outer, subject)
    for outer, inner in first_within.items():
        message = f"{kind} export subject {quoted(outer)} already exports {quoted(inner)}"
        found.error(f"export-overlap-{kind}", message)


def check_imports(imports: Sequence[Members | None], account: str, found: Findings) -> None:
    """Judge the imports of the account with this public key, each and among themselves."""
    services: dict[str, SubjectSet] = {}
    for imported in imports:
        if imported is None:
            found.error("import-null", "null import is not allowed")
            continue
        if _kind(imported) == "service":
            exporter = imported.get("account", "")
            _check_import_overlap(imported, services.setdefault(exporter, SubjectSet()), found)
        _check_import(imported, account, found)


def _check_import_overlap(imported: Members, before: SubjectSet, found: Findings) -> None:
    """Compare a service with those imported from the same account before it, by their local subjects."""
    account = imported.get("account", "")
    subject = (
        imported.get("to") or to_pattern(imported.get("local_subject", "")) or imported.get("subject", "")
    )
    for other in dict.fromkeys((*before.containing(subject), *before.within(subject))):
        message = (
            f"overlapping subject namespace for {quoted(subject)} and {quoted(other)} "
            f"in same account {quoted(account)}"
        )
        found.error("import-overlap", message)
    if subject in before:
        message = f"overlapping subject namespace for {quoted(subject)} in account {quoted(account)}"
        found.error("import-overlap-identical", message)
    before.add(subject)


def _check_import(imported: Members, account: str, found: Findings) -> None:
    kind, subject = _kind(imported), imported.get("subject", "")
    if kind == "unknown":
        found.error("import-type", 'invalid import type: "unknown"')
    if kind == "service" and imported.get("allow_trace"):
        found.error("import-allow-trace-on-service", "AllowTrace only valid for stream import")
    if not imported.get("account"):
        found.error("import-account-missing", "account to import from is not specified")
    if imported.get("to"):
        message = "the field to has been deprecated (use LocalSubject instead)"
        found.warning("import-to-deprecated", message)
    check_subject(subject, found)
    if imported.get("local_subject"):
        check_local_subject(imported["local_subject"], subject, found)
        if imported.get("to"):
            found.error("import-to-and-local-subject", "Local Subject replaces To")
    if imported.get("share") and kind != "service":
        message = "sharing information (for latency tracking) is only valid for services: " + quoted(subject)
        found.error("import-share-on-stream", message)
    if imported.get("token"):
        _check_token(imported, account, found)


def _check_token(imported: Members, account: str, found: Findings) -> None:
    """Judge the activation token inside an import; whether it has expired is not asked."""
    kind, subject = _kind(imported), imported.get("subject", "")
    token = _activation(imported["token"])
    if token is None:
        message = f"import {quoted(subject)} contains an invalid activation token"
        found.error("import-token-invalid", message)
        return
    activation = decoded(token).get("nats", {})
    if imported.get("account", "") not in (token.issuer, activation.get("issuer_account", "")):
        message = f"activation token doesn't match account for import {quoted(subject)}"
        found.error("import-token-issuer", message)
    if token.subject != account:
        message = f"activation token doesn't match account it is being included in, {quoted(subject)}"
        found.error("import-token-subject", message)
    activated = activation.get("kind", "unknown")
    if activated != kind:
        message = f"mismatch between token import type {activated} and type of import {kind}"
        found.error("import-token-type", message)
    check_activation(activation, found, type_rule="import-type")
    local = imported.get("to") if kind == "service" else None
    granted = activation.get("subject", "")
    if not is_contained(local or subject, granted):
        message = f"activation token import subject {quoted(granted)} doesn't match import {quoted(subject)}"
        found.error("import-token-import-subject", message)


def _activation(text: str) -> Token | None:
    try:
        token = decode(text)
    except ClaimsError:
        return None
    return token if token.kind is TokenKind.ACTIVATION else None
