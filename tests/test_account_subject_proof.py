"""Policy tests across exports with an account token: the key of whoever acts is filled in, and a wrong claim fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.findings import with_head
from support.livebackend import ORIGIN, Running, running
from support.servers import LOOPBACK

from natsbackend.live.policy import prove_decision, prove_delivery
from natsbackend.live.principals import Principals
from natsbackend.live.proof import Proof
from natsbackend.model.entities import Backend, Decision
from natsbackend.model.resolve import resolve
from natsbackend.spec.load import parse_spec

SPEC = """
accounts:
  back:
    exports:
      - {service: jobs.*.add, account_token_position: 2}
      - {stream: events.*.>, account_token_position: 2}
    users:
      worker: {respond: [jobs.*.add], publish: ["events.>"]}
  front:
    imports:
      - {from: back, service: "jobs.{{account-subject()}}.add"}
      - {from: back, stream: "events.{{account-subject()}}.>"}
    users:
      asks: {request: [jobs.add], subscribe: ["events.>"]}
    roles:
      own: {ttl: 1h, publish: ["own.{{account-subject()}}.a"], subscribe: ["own.{{account-subject()}}.>"]}
server: {websocket: {no_tls: true, cookie: {name: t}, allowed_origins: [ORIGIN]}}
tests:
""".replace("ORIGIN", ORIGIN)
OWN = "  - {as: {role: front/own, name: ann}, %s}\n"
MESSAGE = "  - {message: {from: %s, subject: %s}, %s: [%s]}\n"
TESTS = (
    (OWN % 'can: {publish: ["own.{{account-subject()}}.a"]}', True),
    (OWN % 'can: {subscribe: ["own.{{account-subject()}}.>"]}', True),
    (OWN % 'cannot: {publish: ["own.{{account-subject()}}.a"]}', False),
    (OWN % 'cannot: {publish: ["own.{{account-subject()}}.b"]}', True),
    (MESSAGE % ("front/asks", "jobs.add", "reaches", "back/worker"), True),
    (MESSAGE % ("front/asks", "jobs.add", "not_reaches", "back/worker"), False),
    (MESSAGE % ("back/worker", '"events.{{account-subject()}}.x"', "not_reaches", "front/asks"), True),
)


def backend() -> Backend:
    resolved = resolve(parse_spec(with_head(SPEC + "".join(text for text, _ in TESTS)), "spec.yaml"))
    assert resolved.diagnostics == ()
    server = resolved.backend.server
    assert server is not None
    assert server.websocket is not None
    websocket = replace(server.websocket, listen=LOOPBACK)
    return replace(resolved.backend, server=replace(server, listen=LOOPBACK, websocket=websocket))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(backend(), tmp_path_factory.mktemp("account-subject")) as started:
        yield started


@pytest.mark.parametrize("number", range(len(TESTS)))
def test_the_key_of_whoever_acts_is_filled_in(live: Running, number: int) -> None:
    text, passes = TESTS[number]
    with Principals(live.backend, live.identities, live.endpoints, timeout=5.0) as principals:
        (proof,) = proofs_of(principals, number)
    assert proof.passed == passes, (text, proof)
    assert "{{" not in proof.observed


def proofs_of(principals: Principals, number: int) -> tuple[Proof, ...]:
    """Prove one of the tests."""
    test = principals.backend.tests[number]
    if isinstance(test, Decision):
        return (prove_decision(test, principals),)
    return prove_delivery(test, principals)
