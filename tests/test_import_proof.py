"""The proof that every import is in place: of accounts that nobody was of, and of one that the server dropped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support.findings import with_head
from support.running import HOST, Running, running

from natsbackend.live.imports import Observer, prove_imports
from natsbackend.live.principals import Principals
from natsbackend.live.proof import Endpoints, Identity, Proof
from natsbackend.model.entities import Backend, Principal
from natsbackend.model.resolve import resolve
from natsbackend.model.system import OBSERVER
from natsbackend.spec.load import parse_spec
from natsbackend.workflow.opening import Opened

SOUND = """\
accounts:
  back:
    exports:
      - stream: events.*.>
      - {service: "ask.*", private: [front]}
      - service: quote
      - {service: "own.*", account_token_position: 2}
  front:
    imports:
      - {from: back, stream: events.eu.>, local_subject: eu.>}
      - {from: back, stream: events.us.>}
      - {from: back, service: ask.*, local_subject: "my.$1.ask"}
      - {from: back, service: quote, local_subject: one}
      - {from: back, service: quote, local_subject: two}
      - {from: back, service: "own.{{account-subject()}}"}
  idle: {}
"""


class Strangers:
    """Identities of nobody: the proof needs none but the observer's."""

    def of(self, principal: Principal) -> Identity:
        raise AssertionError(principal)

    def unsigned(self) -> Identity:
        raise AssertionError


def backend_of(text: str) -> Backend:
    """Return what a spec means, whatever `check` says of it."""
    return resolve(parse_spec(with_head(text), "spec.yaml")).backend


def proofs(live: Running, backend: Backend | None = None, port: int | None = None) -> list[Proof]:
    """Return the proof about a running spec, or about another one on its server."""
    system = live.tree.backend.system_account
    minted = live.signer().mint(system, system.roles[OBSERVER], name="watch", now=live.now)
    observer = Observer(identity=Identity(jwt=minted.jwt, key=minted.key), inbox="_INBOX.watch")
    keyring = live.tree.lock.keyring()
    keys = {account.name: keyring[account.path] for account in live.tree.backend.accounts.values()}
    endpoints = Endpoints(nats=f"nats://{HOST}:{port or live.port}")
    with Principals(backend or live.tree.backend, Strangers(), endpoints, timeout=2.0) as principals:
        return list(prove_imports(principals, keys, observer, now=live.now))


def test_imports_of_accounts_that_nobody_was_of_are_in_place(tmp_path: Path) -> None:
    with running(Opened(backend_of(SOUND), ()), tmp_path) as live:
        (proof,) = proofs(live)
        (again,) = proofs(live)
    assert proof.passed, proof.observed
    assert (proof.id, proof.title) == ("imports-installed", "6 imports are in place")
    assert again == proof


def test_an_import_that_the_server_dropped_is_named_where_it_stands(tmp_path: Path) -> None:
    """The push has nothing to say of it: the server answers 200, and has not read the account yet."""
    text = SOUND.replace("      - service: quote\n", "").replace("events.us", "news.us")
    with running(Opened(backend_of(text), ()), tmp_path) as live:
        (proof,) = proofs(live)
    assert not proof.passed
    assert proof.observed.split("; ") == [
        'account "front" has not got the stream "news.us.>" from "back"',
        'account "front" has not got the service "quote" from "back"',
        'account "front" has not got the service "quote" from "back"',
    ]
    assert proof.at is not None
    assert "news.us" in with_head(text).splitlines()[proof.at.line - 1]


def test_an_import_that_the_jwt_does_not_have_is_missing(tmp_path: Path) -> None:
    """What the server calls complete is complete for the JWT that it has, which may be another one."""
    backend = backend_of(SOUND)
    front = backend.accounts["front"]
    fewer = replace(
        backend, accounts={**backend.accounts, "front": replace(front, imports=front.imports[1:])}
    )
    with running(Opened(fewer, ()), tmp_path) as live:
        (proof,) = proofs(live, backend)
    assert not proof.passed
    assert proof.observed == 'account "front" has not got the stream "events.eu.>" from "back"'


def test_accounts_that_nobody_can_be_of_are_not_asked_about(tmp_path: Path) -> None:
    for pinned, count in (("front", 1), ("idle", 0)):
        text = SOUND + f"server: {{resolver: {{pinned: [{pinned}]}}}}\n"
        with running(Opened(backend_of(text), ()), tmp_path / pinned) as live:
            found = proofs(live)
        assert [proof.passed for proof in found] == [True] * count


def test_without_imports_there_is_nothing_to_prove(tmp_path: Path) -> None:
    with running(Opened(backend_of("accounts: {web: {}}"), ()), tmp_path) as live:
        assert proofs(live) == []


def test_a_server_that_is_not_there_proves_nothing(tmp_path: Path) -> None:
    with running(Opened(backend_of(SOUND), ()), tmp_path) as live:
        live.server.stop()
        (proof,) = proofs(live)
    assert not proof.passed
    assert "refused" in proof.observed
