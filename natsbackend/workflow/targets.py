"""Open the resolver of a target, whatever kind it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from natsbackend.model.entities import Target
from natsbackend.resolvers.interface import Resolver
from natsbackend.workflow.reaching import reaching, target_tls
from natsbackend.workflow.signing import RoleSigner


@contextmanager
def open_target(
    signer: RoleSigner, target: Target, *, roles: Sequence[str], now: int, timeout: float = 5.0
) -> Iterator[Resolver]:
    """Open a target; running servers are logged in to as by `reaching`, anything else needs no login.

    Raises:
        KeyStoreError, ProjectError: there is no login; see `reaching`.
        ResolverError: what the target names cannot be used, or nobody answered.
    """
    with _opened(signer, target, roles, now, timeout) as resolver:
        yield resolver


def _opened(
    signer: RoleSigner, target: Target, roles: Sequence[str], now: int, timeout: float
) -> AbstractContextManager[Resolver]:
    if target.http is not None:
        from natsbackend.resolvers.http import open_http_resolver

        return open_http_resolver(target.http, timeout=timeout, tls_context=target_tls(target))
    if target.directory is not None:
        from natsbackend.resolvers.directory import open_directory_resolver

        return open_directory_resolver(Path(target.directory))
    if target.config is not None:
        from natsbackend.resolvers.memory import open_memory_resolver

        return open_memory_resolver(Path(target.config), Path(target.pid_file or ""), timeout=timeout)
    return reaching(signer, target, roles=roles, now=now, timeout=timeout)
