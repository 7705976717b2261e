"""Tokens of the roles of a project: who signs what, from its lock and key store."""

from __future__ import annotations

import os
from dataclasses import dataclass

from natsbackend.errors import KeyStoreError, TokenError
from natsbackend.keys import Keyring
from natsbackend.keystore.interface import KeyStore
from natsbackend.model.entities import Account, Backend, Role
from natsbackend.tokens import Minted, mint


@dataclass(frozen=True, slots=True)
class RoleSigner:
    """Mints tokens of the roles of a backend."""

    backend: Backend
    keyring: Keyring
    store: KeyStore
    made_by: str = "natsbackend generate"
    """The command that makes the keys, for hints."""

    def mint(
        self,
        account: Account,
        role: Role,
        *,
        name: str,
        now: int,
        tags: tuple[str, ...] = (),
        ttl: int | None = None,
    ) -> Minted:
        """Mint a token; see `tokens.mint`.

        Raises:
            TokenError: the name, a tag or the ttl cannot be.
            KeyStoreError: the role has no key yet, or its seed is not here.
        """
        if role.path not in self.keyring or account.path not in self.keyring:
            raise KeyStoreError(f"{role.path} has no key yet", hint=f"run `{self.made_by}`")
        signer = self.store.find(role.path, self.keyring[role.path])
        if signer is None:
            raise KeyStoreError(
                f"the seed of {role.path} must sign this token, and is not here",
                hint=f"run this where the key store is; the seed is that of {self.keyring[role.path]}",
            )
        return mint(
            role,
            account=self.keyring[account.path],
            signer=signer,
            name=name,
            now=now,
            tags=tags,
            ttl=ttl,
            entropy=os.urandom,
        )


def find_role(backend: Backend, text: str) -> tuple[Account, Role]:
    """Find a role by `ACCOUNT/ROLE`.

    Raises:
        TokenError: there is none; the hint lists those there are.
    """
    roles = [(account, role) for account in backend.accounts.values() for role in account.roles.values()]
    known = [f"{account.name}/{role.name}" for account, role in roles]
    fitting = [pair for pair, name in zip(roles, known, strict=True) if name == text]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise TokenError(
            f"{text[:80]!r} names {len(fitting)} roles", hint="rename one: a name there holds a slash"
        )
    shown = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
    raise TokenError(
        f"there is no role {text[:80]!r}; write ACCOUNT/ROLE", hint=f"the roles: {shown or 'none'}"
    )
