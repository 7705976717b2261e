"""Advice about exports, imports and activations: what nats-server drops without a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from natsbackend import keys
from natsbackend.claims.advice.view import Members, View, why_dropped
from natsbackend.claims.codec import decode
from natsbackend.claims.envelope import TokenKind
from natsbackend.claims.gotext import quoted
from natsbackend.claims.validate import validate
from natsbackend.claims.validate.finding import Findings
from natsbackend.claims.validate.subjects import check_local_subject
from natsbackend.errors import ClaimsError
from natsbackend.keys import KeyRole
from natsbackend.subjects import overlaps, why_invalid, why_invalid_local, why_invalid_publish


def export_subject(view: View) -> Iterator[str]:
    """The subject of an export that nats-server does not read as one, such as `a.>.b`: it is not exported."""
    for export in view.exports:
        subject = export.get("subject", "")
        reason = why_dropped(subject)
        if reason is not None:
            yield f"export {quoted(subject)}: {reason}"


def export_threshold(view: View) -> Iterator[str]:
    """A response threshold, which the server loses at the first update of the account (2.15 `accounts.go`)."""
    for export in view.exports:
        if export.get("response_threshold", 0) > 0:
            subject = quoted(export.get("subject", ""))
            yield f"export {subject}: response_threshold falls back to 2 minutes at every update until a restart"


def export_latency(view: View) -> Iterator[str]:
    """Latency results that the server does not send: to no literal subject, or of a service with many answers."""
    services = [e.get("subject", "") for e in view.exports if e.get("type") == "service"]
    for export in view.exports:
        results = export.get("service_latency", {}).get("results", "")
        if not results:
            continue
        reason = why_invalid_publish(results)
        if reason is None and export.get("response_type", "Singleton") != "Singleton":
            reason = "latency is measured of services that answer once only"
        if reason is None and any(why_invalid(s) is None and overlaps(results, s) for s in services):
            reason = "results cannot go to a service of the same account"
        if reason is not None:
            yield f"latency results {quoted(results)} of export {quoted(export.get('subject', ''))}: {reason}"


def import_subject(view: View) -> Iterator[str]:
    """The subject of an import that nats-server does not read as one: it is not imported."""
    for imported in view.imports:
        subject = imported.get("subject", "")
        reason = why_dropped(subject)
        if reason is not None:
            yield f"import {quoted(subject)}: {reason}"


def import_local_subject(view: View) -> Iterator[str]:
    """A local subject that the library takes and the server mistakes, such as one with `$0`."""
    for imported in view.imports:
        subject, local = imported.get("subject", ""), imported.get("local_subject", "")
        if not local or why_invalid(subject) is not None:
            continue
        official = Findings()
        check_local_subject(local, subject, official)
        reason = why_invalid_local(subject, local, service=imported.get("type") == "service")
        if reason is not None and not official.issues:
            yield f"local_subject {quoted(local)} of import {quoted(subject)}: {reason}"


def import_account(view: View) -> Iterator[str]:
    """An import from what is no account's public key, or from the account itself: it is dropped."""
    for imported in view.imports:
        account, subject = imported.get("account", ""), quoted(imported.get("subject", ""))
        if account and not keys.is_public(account, KeyRole.ACCOUNT):
            yield f"import {subject} is from {quoted(account)}, which is no account's public key"
        elif account and account == view.token.subject:
            yield f"import {subject} is from the account itself"


def import_duplicate(view: View) -> Iterator[str]:
    """A stream that is imported twice, under whatever names: the server drops the second."""
    streams = Counter(
        (imported.get("account", ""), imported.get("subject", ""))
        for imported in view.imports
        if imported.get("type") == "stream"
    )
    for (account, subject), count in streams.items():
        if count > 1:
            yield f"stream {quoted(subject)} is imported {count} times from {account}; the server keeps one"


def import_legacy_to(view: View) -> Iterator[str]:
    """A service with `to`: there `subject` is the local name and `to` the exporter's, the other way round."""
    for imported in view.imports:
        if imported.get("type") == "service" and imported.get("to"):
            subject, to = quoted(imported.get("subject", "")), quoted(imported["to"])
            yield f"service import: {subject} is requested here and {to} is what the exporter sees"


def import_activation_time(view: View) -> Iterator[str]:
    """An activation inside an import that has expired, or is not yet valid: the server drops the import."""
    for imported in view.imports:
        for message in _time_problems(imported, view.now):
            yield f"the activation of import {quoted(imported.get('subject', ''))}: {message}"


def _time_problems(imported: Members, now: int) -> Iterator[str]:
    try:
        token = decode(imported.get("token", ""))
    except ClaimsError:
        return  # the official validator says so
    if token.kind is TokenKind.ACTIVATION:
        yield from (issue.message for issue in validate(token, now=now) if issue.time_check)


def activation_subject(view: View) -> Iterator[str]:
    """The subject of an activation that nats-server does not read as one."""
    reason = why_dropped(view.nats.get("subject", ""))
    if reason is not None:
        yield f"{quoted(view.nats['subject'])}: {reason}"


def response_user(view: View) -> Iterator[str]:
    """The user token in an answer to an authorization request that the server would refuse."""
    text = view.nats.get("jwt", "")
    if not text:
        return
    try:
        user = decode(text)
    except ClaimsError as error:
        yield f"the user token in it does not decode: {error.message}"
        return
    if user.kind is not TokenKind.USER:
        yield f"the token in it is of kind {quoted(user.kind.value)}, not a user's"
        return
    if user.subject != view.token.subject:
        yield "the user token in it is for another key than the answer"
    yield from (f"the user token in it: {issue.message}" for issue in validate(user, now=view.now))
