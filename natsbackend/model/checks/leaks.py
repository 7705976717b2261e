"""Rules about what carries whole tokens out: exports of the system account, and imports that share who asks."""

from __future__ import annotations

from collections.abc import Iterable

from natsbackend.errors import Diagnostic, Severity
from natsbackend.model.entities import Backend, Kind
from natsbackend.subjects import overlaps, why_invalid

_LEAKING = {
    Kind.STREAM: ("$SYS.ACCOUNT.*.CONNECT", "$SYS.ACCOUNT.*.DISCONNECT"),
    Kind.SERVICE: ("$SYS.REQ.SERVER.*.CONNZ", "$SYS.REQ.ACCOUNT.*.CONNZ"),
}
"""What holds the JWT of each connection (nats-server 2.15 `events.go`, `monitor.go`)."""


def system_export_tokens(backend: Backend) -> Iterable[Diagnostic]:
    """An export of the system account by which others see tokens: events of connections, or their list.

    An account token position does not help: a tenant then has the tokens of its own users.
    """
    for export in backend.system_account.exports:
        if why_invalid(export.subject):
            continue
        leak = next((s for s in _LEAKING[export.kind] if overlaps(export.subject, s)), None)
        if leak is not None:
            yield Diagnostic(
                code="system-export-tokens",
                message=f'the {export.kind} "{export.subject}" shows importers the whole token of whoever connects: '
                f'it covers "{leak}"',
                at=export.at,
                hint="export what is needed alone: $SYS.ACCOUNT.*.SERVER.CONNS, $SYS.REQ.ACCOUNT.*.INFO",
                severity=Severity.WARNING,
            )


def import_share_bearer(backend: Backend) -> Iterable[Diagnostic]:
    """A service imported with `share` into an account of bearers: who answers is sent their whole token.

    The server adds it to each request (nats-server 2.15 `client.go`, `getClientInfo`).
    """
    for account in backend.accounts.values():
        bearers = [role.name for role in account.roles.values() if role.bearer]
        bearers += [user.name for user in account.users.values() if user.bearer]
        for taken in account.imports:
            if taken.share and taken.kind is Kind.SERVICE and bearers:
                yield Diagnostic(
                    code="import-share-bearer",
                    message=f'`share` sends account "{taken.account}" the whole token of whoever asks '
                    f'"{taken.subject}", and those of "{bearers[0]}" are bearers',
                    at=taken.at,
                    hint="leave `share` out; put who asks into the subject: quote.{{name()}}",
                    severity=Severity.WARNING,
                )
