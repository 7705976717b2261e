"""Activations for accounts that are not in the spec, but trust the same operator."""

from __future__ import annotations

from dataclasses import dataclass, replace

from natsbackend.claims.codec import sign
from natsbackend.claims.sharing import activation
from natsbackend.errors import KeyStoreError, TokenError
from natsbackend.keys import Keyring, KeyRole, is_public
from natsbackend.keystore.interface import KeyStore
from natsbackend.model.entities import Account, Backend, Export, Kind
from natsbackend.subjects import is_subset, why_invalid


@dataclass(frozen=True, slots=True)
class ActivationSigner:
    """Mints activations of the private exports of a backend."""

    backend: Backend
    keyring: Keyring
    store: KeyStore

    def mint(
        self,
        exporter: str,
        subject: str,
        *,
        kind: Kind | None,
        importer: str,
        now: int,
        ttl: int | None = None,
    ) -> str:
        """Return an activation that lets an account import a subject, for `ttl` seconds or for good.

        Args:
            exporter: the exporting account, by name.
            subject: that of a private export, or narrower.
            kind: stream or service; None where only one is exported.
            importer: the importing account, by its name in `outside` or by its public key.
            now: unix seconds.
            ttl: seconds.

        Raises:
            TokenError: there is no such export, it needs no activation, or the importer is no account.
            KeyStoreError: the exporter has no key yet, or its seed is not here.
        """
        account = self.backend.accounts.get(exporter)
        if account is None:
            known = ", ".join(self.backend.accounts)
            raise TokenError(f"there is no account {exporter[:80]!r}", hint=f"the accounts: {known}")
        export = _find(account, subject, kind)
        public = self._importer(export, importer)
        signer = account.signing_keys[0].path if account.signing_keys else account.path
        if account.path not in self.keyring or signer not in self.keyring:
            raise KeyStoreError(f"{signer} has no key yet", hint="run `natsbackend generate`")
        pair = self.store.find(signer, self.keyring[signer])
        if pair is None:
            raise KeyStoreError(
                f"the seed of {signer} must sign this activation, and is not here",
                hint=f"run this where the key store is; the seed is that of {self.keyring[signer]}",
            )
        unsigned = activation(
            account,
            replace(export, subject=subject),
            self.keyring,
            importer=public,
            path=account.path,
            expires=0 if ttl is None else now + ttl,
        )
        return sign(unsigned.claims, pair, now)

    def _importer(self, export: Export, importer: str) -> str:
        """Return the public key of who may import an export."""
        outside = self.backend.outside.get(importer)
        if outside is None and is_public(importer, KeyRole.ACCOUNT):
            return importer
        if outside is None:
            hint = "a name under `outside`, or 56 characters that begin with A; whoever imports knows them"
            if importer in self.backend.accounts:
                hint = f"{importer!r} is an account of the spec: name it in `private`, and it needs none from here"
            raise TokenError(f"{importer[:60]!r} is not the public key of an account outside", hint=hint)
        if export.importers and importer not in export.importers:
            raise TokenError(
                f'"{export.subject}" is not for {importer[:60]!r}',
                hint=f"name it in `private` there ({export.at})",
            )
        return outside.public_key


def _find(account: Account, subject: str, kind: Kind | None) -> Export:
    """Return the one private export that a subject is of."""
    why = why_invalid(subject)
    if why:
        raise TokenError(f"{subject[:80]!r} cannot be imported: {why}")
    fitting = [e for e in account.exports if kind in (None, e.kind) and is_subset(subject, e.subject)]
    if not fitting:
        known = ", ".join(f'{e.kind} "{e.subject}"' for e in account.exports if e.private)
        hint = f"its private exports: {known or 'none'}"
        raise TokenError(f'account "{account.name}" does not export {subject[:80]!r}', hint=hint)
    private = [export for export in fitting if export.private]
    if not private:
        raise TokenError(
            f'"{fitting[0].subject}" is not private; nobody needs an activation to import it',
            hint="add `private: true` to the export",
        )
    if len(private) > 1:
        raise TokenError(f"{subject[:80]!r} is of a stream and of a service", hint="say which: --kind stream")
    return private[0]
