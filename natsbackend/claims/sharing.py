"""Exports and imports as the server reads them, member by member in the order the Go library writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from natsbackend.claims.codec import Claims, TokenKind
from natsbackend.claims.unsigned import Unsigned
from natsbackend.keys import Keyring
from natsbackend.model.entities import Account, Backend, account_path
from natsbackend.model.grants import Grants, activation_path
from natsbackend.model.sharing import ACCOUNT_TOKEN, Export, Import


def export_nats(export: Export, revoked: Mapping[str, int]) -> dict[str, object]:
    """Return one of the `exports` of an account; `revoked` are the importers whose activations no longer count."""
    out: dict[str, object] = {"name": export.name, "subject": export.subject, "type": export.kind.value}
    if export.private:
        out["token_req"] = True
        if revoked:
            out["revocations"] = {key: revoked[key] for key in sorted(revoked)}
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


def revoked_importers(backend: Backend, export: Export, known: Mapping[str, int]) -> dict[str, int]:
    """Return, by public key or `*`, until when activations of an export are revoked; `known` are those of the lock."""
    revoked = dict(known)
    for name, until in export.revoked.items():
        outside = backend.outside.get(name)
        key = name if outside is None else outside.public_key
        revoked[key] = max(until, revoked.get(key, 0))
    return revoked


def import_nats(account: Account, imported: Import, keyring: Keyring, token: str | None) -> dict[str, object]:
    """Return one of the `imports` of an account."""
    out: dict[str, object] = {
        "name": imported.name,
        "subject": imported.subject.replace(ACCOUNT_TOKEN, keyring[account.path]),
        "account": imported.outside_key or keyring[account_path(imported.account)],
    }
    if token is not None:
        out["token"] = token
    if imported.local_subject is not None:
        out["local_subject"] = imported.local_subject
    out["type"] = imported.kind.value
    if imported.share:
        out["share"] = True
    if imported.allow_trace:
        out["allow_trace"] = True
    return out


def activations(backend: Backend, keyring: Keyring) -> Iterator[Unsigned]:
    """Return the activations that imports of private exports need, each once.

    An activation is for the whole subject of the export, so narrower imports share it. The exporter's first plain
    key signs it, or its identity if it has none: the server takes either (nats-server 2.15 `accounts.go`,
    `isIssuerClaimTrusted`).
    """
    grants = Grants(backend)
    made: set[str] = set()
    for importer in backend.accounts.values():
        for taken in importer.imports:
            export = grants.of(importer, taken)
            if export is None:
                continue
            exporter = backend.accounts[taken.account]
            path = activation_path(exporter.path, importer.name, export)
            if path not in made:
                made.add(path)
                yield activation(exporter, export, keyring, importer=keyring[importer.path], path=path)


def activation(
    exporter: Account, export: Export, keyring: Keyring, *, importer: str, path: str, expires: int = 0
) -> Unsigned:
    """Build the claims that let the account with a public key import an export, until it expires."""
    signer = exporter.signing_keys[0].path if exporter.signing_keys else exporter.path
    nats: dict[str, object] = {"subject": export.subject, "kind": export.kind.value}
    if signer != exporter.path:
        nats["issuer_account"] = keyring[exporter.path]
    claims = Claims(kind=TokenKind.ACTIVATION, subject=importer, name=export.name, nats=nats, expires=expires)
    return Unsigned(path=path, claims=claims, issuer_path=signer, issuer=keyring[signer])
