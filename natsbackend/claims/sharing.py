"""Exports and imports as the server reads them, member by member in the order the Go library writes."""

from __future__ import annotations

from natsbackend.keys import Keyring
from natsbackend.model.entities import Account, account_path
from natsbackend.model.sharing import ACCOUNT_TOKEN, Export, Import


def export_nats(export: Export) -> dict[str, object]:
    """Return one of the `exports` of an account."""
    out: dict[str, object] = {"name": export.name, "subject": export.subject, "type": export.kind.value}
    if export.response is not None:
        out["response_type"] = export.response.value
    if export.response_threshold:
        out["response_threshold"] = export.response_threshold
    if export.latency is not None:
        out["service_latency"] = {"sampling": export.latency.sampling, "results": export.latency.to}
    if export.account_token_position:
        out["account_token_position"] = export.account_token_position
    if export.advertise:
        out["advertise"] = True
    if export.allow_trace:
        out["allow_trace"] = True
    if export.description:
        out["description"] = export.description
    if export.info_url:
        out["info_url"] = export.info_url
    return out


def import_nats(account: Account, imported: Import, keyring: Keyring) -> dict[str, object]:
    """Return one of the `imports` of an account."""
    out: dict[str, object] = {
        "name": imported.name,
        "subject": imported.subject.replace(ACCOUNT_TOKEN, keyring[account.path]),
        "account": keyring[account_path(imported.account)],
    }
    if imported.local_subject is not None:
        out["local_subject"] = imported.local_subject
    out["type"] = imported.kind.value
    if imported.share:
        out["share"] = True
    if imported.allow_trace:
        out["allow_trace"] = True
    return out
