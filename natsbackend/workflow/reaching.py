"""Log in to a target as a user of one of the system account's roles, minted for minutes and never written anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from natsbackend.errors import ProjectError
from natsbackend.keys import Keyring
from natsbackend.keystore.interface import KeyStore
from natsbackend.model.entities import Backend, Role, Target
from natsbackend.model.permissions import ROLE_INBOX
from natsbackend.resolvers.nats import NatsResolver, open_nats_resolver
from natsbackend.workflow.signing import RoleSigner

_USER = "natsbackend"
_TTL = 300


@contextmanager
def reaching(
    signer: RoleSigner, target: Target, *, roles: Sequence[str], now: int, timeout: float = 5.0
) -> Iterator[NatsResolver]:
    """Log in as the first of these roles whose seed is here.

    Raises:
        KeyStoreError: the seed of none of them is here; the message names the first.
        ProjectError: the role is for browsers.
        ResolverUnavailable, ResolverRejected: nobody answered, or the login was refused.
    """
    account = signer.backend.system_account
    role = _usable(signer.backend, signer.keyring, signer.store, roles)
    user = signer.mint(account, role, name=_USER, now=now, ttl=min(_TTL, role.ttl or _TTL))
    if user.key is None:
        raise ProjectError(
            f'the role "{role.name}" of account "{account.name}" is for browsers',
            hint="take out `websocket: true`",
        )
    inbox = (role.permissions.inbox or ROLE_INBOX).replace("{{name()}}", _USER)
    with open_nats_resolver(
        target.urls,
        jwt=user.jwt,
        key=user.key,
        inbox_prefix=inbox,
        timeout=timeout,
        expected_servers=target.servers,
    ) as resolver:
        yield resolver


def _usable(backend: Backend, keyring: Keyring, store: KeyStore, roles: Sequence[str]) -> Role:
    described = backend.system_account.roles
    known = [described[name] for name in roles if name in described]
    if not known:
        raise ProjectError(
            f'account "{backend.system_account.name}" has no role "{roles[0]}"',
            hint="describe it under the system account, or leave its roles out: both are made then",
        )
    here = (role for role in known if role.path in keyring and store.has(role.path, keyring[role.path]))
    return next(here, known[0])
