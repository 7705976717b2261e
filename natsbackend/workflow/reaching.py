"""Log in to the running servers of a target.

As whom the target says, by creds or a context; else as a user of one of the system account's roles, minted for minutes
and never written anywhere.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from natsbackend.errors import ProjectError
from natsbackend.keys import Keyring
from natsbackend.keystore.interface import KeyStore
from natsbackend.model.entities import Backend, Role, Target
from natsbackend.model.permissions import ROLE_INBOX
from natsbackend.resolvers.nats import NatsResolver, open_nats_resolver
from natsbackend.resolvers.nats_tls import tls_context
from natsbackend.workflow.signing import RoleSigner
from natsbackend.workflow.stored_login import StoredLogin, stored_login

_USER = "natsbackend"
_TTL = 300


@contextmanager
def reaching(
    signer: RoleSigner, target: Target, *, roles: Sequence[str], now: int, timeout: float = 5.0
) -> Iterator[NatsResolver]:
    """Log in with the creds that the target names, else as the first of these roles whose seed is here.

    Raises:
        KeyStoreError: the seed of none of them is here, or the creds are not; the message names the first.
        ProjectError: the role is for browsers, or the context is not there.
        ResolverError: a certificate of the target cannot be read.
        ResolverUnavailable, ResolverRejected: nobody answered, or the login was refused.
    """
    stored = stored_login(target, signer.backend, signer.keyring)
    login = stored or _minted(signer, roles, now)
    with open_nats_resolver(
        target.urls,
        jwt=login.jwt,
        key=login.key,
        inbox_prefix=login.inbox_prefix,
        timeout=timeout,
        expected_servers=target.servers,
        tls_context=target_tls(target, stored),
    ) as resolver:
        yield resolver


def target_tls(target: Target, login: StoredLogin | None = None) -> ssl.SSLContext | None:
    """Return what connections to a target believe and show; its own words go before those of a context.

    Raises:
        ResolverError: a file cannot be read.
    """
    if target.tls is not None:
        files = (target.tls.ca_file, target.tls.cert_file, target.tls.key_file)
        ca, cert, key = (None if file is None else Path(file) for file in files)
    elif login is not None:
        ca, cert, key = login.ca_file, login.cert_file, login.key_file
    else:
        return None
    return None if ca is None and cert is None else tls_context(ca=ca, cert=cert, key=key)


def _minted(signer: RoleSigner, roles: Sequence[str], now: int) -> StoredLogin:
    account = signer.backend.system_account
    role = _usable(signer.backend, signer.keyring, signer.store, roles)
    user = signer.mint(account, role, name=_USER, now=now, ttl=min(_TTL, role.ttl or _TTL))
    if user.key is None:
        raise ProjectError(
            f'the role "{role.name}" of account "{account.name}" is for browsers',
            hint="take out `websocket: true`",
        )
    inbox = (role.permissions.inbox or ROLE_INBOX).replace("{{name()}}", _USER)
    return StoredLogin(jwt=user.jwt, key=user.key, inbox_prefix=inbox)


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
