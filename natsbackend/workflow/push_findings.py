"""What a push found that is not as the spec says it, with the lines of the spec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from natsbackend.errors import Diagnostic
from natsbackend.keys import Keyring
from natsbackend.model.entities import Account, Import, account_path
from natsbackend.model.sharing import ACCOUNT_TOKEN
from natsbackend.resolvers.interface import Effect, PushResult
from natsbackend.workflow.tree import Tree


def dropped_imports(tree: Tree, results: Iterable[PushResult]) -> tuple[Diagnostic, ...]:
    """Return a finding for each import that a server does not have in effect, at its place in the spec."""
    keyring = tree.lock.keyring()
    return tuple(
        found
        for result in results
        if result.dropped and result.name in tree.backend.accounts
        for found in dropped_of(tree.backend.accounts[result.name], result.dropped, keyring)
    )


def dropped_of(
    account: Account, dropped: Mapping[str, tuple[str, ...]], keyring: Keyring
) -> Iterator[Diagnostic]:
    """Return a finding for each import of an account that some server dropped; `dropped` is by server."""
    on: dict[str, list[str]] = {}
    for server, imports in dropped.items():
        for text in imports:
            on.setdefault(text, []).append(server)
    for text, servers in on.items():
        taken = next((each for each in account.imports if _is(each, text, account, keyring)), None)
        where = ", ".join(f'"{server}"' for server in servers)
        what = f'{taken.kind.value} "{taken.subject}" from "{taken.account}"' if taken else text
        yield Diagnostic(
            code="import-dropped",
            message=f'account "{account.name}": the import of {what} is not in effect on {where}',
            at=taken.at if taken else account.at,
            hint="the server has no export for it that this account may use, or a cycle: push the exporter, too",
        )


def _is(taken: Import, text: str, account: Account, keyring: Keyring) -> bool:
    """Tell whether a server speaks of this import: kind, subject and the exporter's key stand in the text."""
    subject = taken.subject.replace(ACCOUNT_TOKEN, keyring[account.path])
    key = taken.outside_key or keyring[account_path(taken.account)]
    words = text.split()
    return words[:2] == [taken.kind.value, subject] and key in words


def unverified(results: Iterable[PushResult]) -> dict[str, tuple[str, ...]]:
    """Return, by account, where its JWT is and its effect is not known.

    That is a server that has not loaded it or did not say, or a place that is no running server.
    """
    found = {result.name: tuple(_unverified(result)) for result in results}
    return {name: servers for name, servers in found.items() if servers}


def _unverified(result: PushResult) -> Iterator[str]:
    for server in result.stored:
        if result.effective.get(server, Effect.NOT_LOADED) is Effect.NOT_LOADED:
            yield server
