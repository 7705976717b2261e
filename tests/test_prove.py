"""Proofs on a real server: each kind passes where the spec holds, and fails where the server does not."""

from __future__ import annotations

import contextlib
import gc
import socket
import threading
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.livebackend import (
    ORIGIN,
    Minted,
    Running,
    permissions,
    running,
    running_with_tls,
    small_backend,
    user,
    with_role,
    with_websocket,
)
from support.programs import program
from support.servers import prepare

from natsbackend.errors import LiveServerError, Location, NatsBackendError, TokenError
from natsbackend.live.principals import Principals
from natsbackend.live.proof import Endpoints, Identity, Proof
from natsbackend.live.prove import prove
from natsbackend.live.server import find_server
from natsbackend.live.wire import Refused, connect_tcp
from natsbackend.model.entities import (
    AccountLimits,
    Action,
    Backend,
    ConnectionType,
    Decision,
    Delivery,
    Permissions,
    Principal,
    Rules,
)

INGEST = Principal(account="telemetry", user="ingest")
AUDITOR = Principal(account="telemetry", user="auditor")
HISTORY = Principal(account="telemetry", user="history")
METER = Principal(account="telemetry", user="meter")
KIOSK = Principal(account="web", user="kiosk")
ALICE = Principal(account="web", role="viewer", name="alice")
BOB = Principal(account="web", role="viewer", name="bob")
DESK = Principal(account="web", role="desk", name="frank", tags=("team:blue",))
HERE = Location("natsbackend.yaml", 7, 5)

LOGINS = (
    "cookie-login-accepted",
    "wrong-origin-refused",
    "bearer-refused-on-plain-tcp",
    "missing-cookie-refused",
    "garbage-cookie-refused",
    "non-bearer-cookie-refused",
)


def _can(who: Principal, action: Action, subject: str) -> Decision:
    return Decision(who=who, action=action, subject=subject, allowed=True, at=HERE)


def _cannot(who: Principal, action: Action, subject: str) -> Decision:
    return replace(_can(who, action, subject), allowed=False)


POLICY: tuple[Decision | Delivery, ...] = (
    _can(ALICE, Action.SUBSCRIBE, "sensors.eu.>"),
    _can(ALICE, Action.SUBSCRIBE, "user.alice.inbox"),
    _cannot(ALICE, Action.SUBSCRIBE, "user.bob.>"),
    _cannot(ALICE, Action.SUBSCRIBE, "sensors.secret"),
    _cannot(ALICE, Action.SUBSCRIBE, ">"),
    _can(ALICE, Action.REQUEST, "history.query"),
    _cannot(ALICE, Action.REQUEST, "billing.query"),
    _cannot(ALICE, Action.PUBLISH, "sensors.>"),
    _can(KIOSK, Action.SUBSCRIBE, "user.kiosk.*"),
    _can(DESK, Action.PUBLISH, "user.*.note"),
    _can(DESK, Action.PUBLISH, "team.blue.>"),
    _cannot(DESK, Action.PUBLISH, "team.red.>"),
    _cannot(DESK, Action.REQUEST, "user.alice.note"),
    _can(INGEST, Action.PUBLISH, "sensors.>"),
    _can(HISTORY, Action.SUBSCRIBE, "history.query workers"),
    _cannot(HISTORY, Action.SUBSCRIBE, "history.query"),
    Delivery(sender=INGEST, subject="sensors.eu.1", reaches=(ALICE, AUDITOR), not_reaches=(DESK,), at=HERE),
    Delivery(sender=INGEST, subject="status.pump.7", reaches=(ALICE, DESK), not_reaches=(AUDITOR,), at=HERE),
    Delivery(sender=INGEST, subject="private.diary", not_reaches=(ALICE, AUDITOR), at=HERE),
    Delivery(sender=ALICE, subject="history.query", reaches=(HISTORY,), not_reaches=(BOB,), at=HERE),
    Delivery(sender=DESK, subject="user.alice.note", reaches=(ALICE,), not_reaches=(BOB,), at=HERE),
    Delivery(sender=AUDITOR, subject="sensors.eu.1", not_reaches=(ALICE,), at=HERE),
)
"""True of the small backend."""


def _opposite(test: Decision | Delivery) -> Decision | Delivery:
    if isinstance(test, Decision):
        return replace(test, allowed=not test.allowed)
    return replace(test, reaches=test.not_reaches, not_reaches=test.reaches)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(replace(small_backend(), tests=POLICY), tmp_path_factory.mktemp("live")) as started:
        yield started


def _prove(live: Running, backend: Backend, timeout: float = 5.0) -> list[Proof]:
    return list(prove(backend, live.identities, live.endpoints, timeout=timeout))


def _failed(proofs: list[Proof]) -> list[str]:
    return [proof.id for proof in proofs if not proof.passed]


def _policy(live: Running, *tests: Decision | Delivery, timeout: float = 5.0) -> list[Proof]:
    """Prove these tests alone."""
    proofs = _prove(live, replace(live.backend, tests=tests), timeout)
    return [proof for proof in proofs if proof.id in ("policy", "delivery")]


# --- all is well ---


def test_everything_the_spec_says_is_proved_in_its_order(live: Running) -> None:
    proofs = _prove(live, live.backend)
    assert [proof for proof in proofs if not proof.passed] == []
    assert tuple(proof.id for proof in proofs[: len(LOGINS)]) == LOGINS
    titles = [proof.title for proof in proofs[len(LOGINS) :]]
    assert titles[0] == "web/viewer as 'alice' can subscribe sensors.eu.>"
    assert titles[2] == "web/viewer as 'alice' cannot subscribe user.bob.>"
    assert titles[16:19] == [
        "a message from telemetry/ingest on sensors.eu.1 reaches web/viewer as 'alice'",
        "a message from telemetry/ingest on sensors.eu.1 reaches telemetry/auditor",
        "a message from telemetry/ingest on sensors.eu.1 does not reach web/desk as 'frank'",
    ]
    assert all(proof.at == HERE for proof in proofs[len(LOGINS) :])


def test_the_opposite_of_everything_fails(live: Running) -> None:
    proofs = _policy(live, *map(_opposite, POLICY), timeout=0.2)
    assert [proof.title for proof in proofs if proof.passed] == []


def test_what_was_observed_is_told_in_the_servers_words(live: Running) -> None:
    observed = [proof.observed for proof in _policy(live, *POLICY[:3], POLICY[7])]
    assert observed == [
        "allowed",
        "allowed",
        'Permissions Violation for Subscription to "user.bob.>"',
        'Permissions Violation for Publish to "sensors.probe"; '
        'Permissions Violation for Publish to "sensors.probe.probe"',
    ]
    assert [proof.observed for proof in _policy(live, POLICY[17])] == [
        "reached on my.7.pump",
        "reached on my.7.pump",
        'Permissions Violation for Subscription to "status.pump.7"',
    ]


def test_a_backend_without_a_cookie_has_no_logins_to_prove(live: Running) -> None:
    assert live.backend.server is not None
    assert live.backend.server.websocket is not None
    without = with_websocket(live.backend, replace(live.backend.server.websocket, cookie=None))
    proofs = _prove(live, replace(without, tests=POLICY[:3]))
    assert [(proof.id, proof.passed) for proof in proofs] == [("policy", True)] * 3


def test_the_login_of_a_role_that_no_test_names_is_tried_with_the_tags_it_asks_for(
    live: Running, tmp_path: Path
) -> None:
    viewer = live.backend.accounts["web"].roles["viewer"]
    # A deny that asks for a tag: nats-server lets nobody in who has none.
    by_team = replace(
        viewer, permissions=permissions(subscribe=["team.>"], deny=["team.{{tag(team)}}.draft.{{tag(rank)}}"])
    )
    with running(with_role(replace(live.backend, tests=()), by_team), tmp_path) as started:
        proofs = _prove(started, started.backend)
        untagged = _policy(started, _cannot(ALICE, Action.SUBSCRIBE, "other.thing"))
    assert _failed(proofs) == []
    assert _failed(untagged) == ["policy"]


def test_no_token_shows_in_proofs_or_identities(live: Running) -> None:
    jwt = live.identities.of(ALICE).jwt
    shown = "".join(map(repr, _prove(live, live.backend)))
    assert jwt not in shown + repr(live.identities.of(ALICE))


# --- the server does otherwise ---


def test_a_server_that_lets_anybody_in_fails_every_refusal(live: Running, tmp_path: Path) -> None:
    config = "listen: 127.0.0.1:-1\nwebsocket { listen: '127.0.0.1:-1', no_tls: true }\n"
    with prepare(find_server(), tmp_path, config) as server:
        ports = server.ports()
        endpoints = Endpoints(nats=ports.nats[0], websocket=ports.websocket[0], origin=ORIGIN)
        proofs = list(prove(replace(live.backend, tests=()), live.identities, endpoints))
    assert _failed(proofs) == list(LOGINS[1:])
    assert {proof.observed for proof in proofs} == {"accepted"}


def test_a_listener_without_allowed_origins_fails_the_wrong_origin(live: Running, tmp_path: Path) -> None:
    backend = replace(live.backend, tests=())
    assert backend.server is not None
    assert backend.server.websocket is not None
    careless = with_websocket(backend, replace(backend.server.websocket, allowed_origins=()))
    with running(careless, tmp_path) as started:
        assert _failed(_prove(started, backend)) == ["wrong-origin-refused"]


def test_a_role_that_is_no_bearer_on_the_server_fails_the_cookie_login(live: Running, tmp_path: Path) -> None:
    backend = replace(live.backend, tests=(POLICY[0], POLICY[2], POLICY[13]))
    viewer = backend.accounts["web"].roles["viewer"]
    with running(with_role(backend, replace(viewer, bearer=False)), tmp_path) as started:
        proofs = list(prove(backend, live.identities, started.endpoints))
    # The upgrade is still refused to a foreign page; who is not let in proves nothing about what is denied.
    assert _failed(proofs) == ["cookie-login-accepted", "policy", "policy"]
    assert "Authorization Violation" in proofs[0].observed
    assert proofs[-1].passed


def test_a_bearer_that_may_come_over_tcp_fails_there(live: Running, tmp_path: Path) -> None:
    backend = replace(live.backend, tests=())
    viewer = backend.accounts["web"].roles["viewer"]
    with running(with_role(backend, replace(viewer, connection_types=())), tmp_path) as started:
        assert _failed(_prove(started, backend)) == ["bearer-refused-on-plain-tcp"]


def test_a_role_that_may_use_tcp_in_the_spec_is_not_proved_to_be_refused_there(
    live: Running, tmp_path: Path
) -> None:
    viewer = live.backend.accounts["web"].roles["viewer"]
    both = replace(viewer, connection_types=(ConnectionType.WEBSOCKET, ConnectionType.STANDARD))
    backend = with_role(replace(live.backend, tests=()), both)
    with running(backend, tmp_path) as started:
        proofs = _prove(started, backend)
    assert _failed(proofs) == []
    assert "bearer-refused-on-plain-tcp" not in {proof.id for proof in proofs}


def test_a_role_that_may_do_more_on_the_server_fails_its_policy(live: Running, tmp_path: Path) -> None:
    viewer = live.backend.accounts["web"].roles["viewer"]
    wide = replace(viewer, permissions=permissions(publish=[">"], subscribe=[">"]))
    with running(with_role(live.backend, wide), tmp_path) as started:
        failed = {proof.title for proof in _prove(started, live.backend) if not proof.passed}
    assert "web/viewer as 'alice' cannot publish sensors.>" in failed
    assert "web/viewer as 'alice' cannot subscribe user.bob.>" in failed
    assert (
        "a message from web/desk as 'frank' on user.alice.note does not reach web/viewer as 'bob'" in failed
    )


def test_a_missing_import_on_the_server_fails_the_delivery(live: Running, tmp_path: Path) -> None:
    web = replace(live.backend.accounts["web"], imports=())
    cut = replace(live.backend, accounts={**live.backend.accounts, "web": web})
    with running(cut, tmp_path) as started:
        backend = replace(live.backend, tests=(POLICY[16], POLICY[19]))
        proofs = _prove(started, backend, timeout=0.3)[len(LOGINS) :]
    assert [(proof.passed, proof.observed) for proof in proofs] == [
        (False, "not reached"),
        (True, "reached on sensors.eu.1"),
        (True, 'Permissions Violation for Subscription to "sensors.eu.1"'),
        (False, "not reached"),
        (True, 'Permissions Violation for Subscription to "history.query"'),
    ]


def test_a_pattern_of_which_a_part_is_allowed_is_neither_allowed_nor_refused(live: Running) -> None:
    for test in (_can(DESK, Action.PUBLISH, "user.>"), _cannot(DESK, Action.PUBLISH, "user.>")):
        (proof,) = _policy(live, test)
        assert not proof.passed
        assert test.allowed or proof.observed.endswith("allowed with user.probe.note")
    (can, cannot) = _policy(
        live, _can(DESK, Action.PUBLISH, "*.blue.>"), _cannot(DESK, Action.PUBLISH, "*.blue.>")
    )
    assert (can.passed, cannot.passed) == (False, False)


# --- nothing is proved by what does not work ---


def test_a_dead_server_fails_everything_and_raises_nothing(live: Running) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    endpoints = Endpoints(nats=f"nats://127.0.0.1:{port}", websocket=f"ws://127.0.0.1:{port}", origin=ORIGIN)
    proofs = list(prove(live.backend, live.identities, endpoints, timeout=1.0))
    assert len(proofs) == len(_prove(live, live.backend))
    assert [proof for proof in proofs if proof.passed] == []


def test_a_missing_websocket_endpoint_fails_what_needs_it(live: Running) -> None:
    endpoints = replace(live.endpoints, websocket=None)
    backend = replace(live.backend, tests=(POLICY[2], POLICY[13]))
    proofs = list(prove(backend, live.identities, endpoints))
    assert [proof.passed for proof in proofs[-2:]] == [False, True]
    assert proofs[0].observed == "there is no websocket endpoint to connect to"


class _Odd(Minted):
    """Identities that cannot be had, or are good for nothing."""

    def of(self, principal: Principal) -> Identity:
        if principal == BOB:
            raise TokenError("bob is blocked")
        return super().of(principal)

    def unsigned(self) -> Identity:
        return Identity(jwt="garbage")


def test_an_identity_that_nobody_could_use_does_not_prove_that_signatures_are_asked_for(
    live: Running,
) -> None:
    backend = replace(live.backend, tests=())
    (proof,) = [
        each
        for each in prove(backend, _Odd(backend), live.endpoints)
        if each.id == "non-bearer-cookie-refused"
    ]
    assert not proof.passed
    assert "nothing was shown" in proof.observed


def test_an_identity_that_cannot_be_made_fails_its_tests_and_no_others(live: Running) -> None:
    tests = (
        _cannot(BOB, Action.PUBLISH, "sensors.>"),
        Delivery(sender=INGEST, subject="sensors.1", reaches=(ALICE,), not_reaches=(BOB,)),
        Delivery(sender=BOB, subject="history.query", not_reaches=(AUDITOR,)),
        POLICY[0],
    )
    backend = replace(live.backend, tests=tests)
    proofs = list(prove(backend, _Odd(backend), live.endpoints))[len(LOGINS) :]
    assert [proof.passed for proof in proofs] == [False, True, False, False, True]
    assert proofs[0].observed == proofs[2].observed == proofs[3].observed == "bob is blocked"


def test_an_error_that_is_no_permission_is_no_verdict_and_the_next_test_connects_again(live: Running) -> None:
    # Its messages may have eight bytes; a delivery has sixteen, and the server ends the connection.
    tests = (
        Delivery(sender=METER, subject="sensors.1", reaches=(AUDITOR,)),
        Delivery(sender=METER, subject="sensors.1", not_reaches=(AUDITOR,)),
        _can(METER, Action.PUBLISH, "sensors.1"),
    )
    proofs = _policy(live, *tests)
    assert [proof.passed for proof in proofs] == [False, False, True]
    assert proofs[0].observed == "Maximum Payload Violation"


def test_an_error_that_is_no_permission_does_not_prove_a_refusal(live: Running, tmp_path: Path) -> None:
    free = user("telemetry", "free", Permissions(subscribe=Rules(unrestricted=True)))
    account = live.backend.accounts["telemetry"]
    telemetry = replace(account, users={**account.users, "free": free})
    backend = replace(live.backend, accounts={**live.backend.accounts, "telemetry": telemetry})
    with running(backend, tmp_path) as started:
        free_one = Principal(account="telemetry", user="free")
        (decided,) = _policy(
            started,
            _cannot(free_one, Action.SUBSCRIBE, "sensors..1"),
        )
    assert (decided.passed, decided.observed) == (False, "Invalid Subject")


def test_a_receiver_out_of_subscriptions_does_not_prove_that_it_is_not_reached(live: Running) -> None:
    # The second subscription of one that may have one: that it hears nothing says nothing about who may.
    twice = Delivery(sender=INGEST, subject="sensors.1", reaches=(METER,), not_reaches=(METER,))
    heard, deaf = _policy(live, twice)
    assert (heard.passed, heard.observed) == (True, "reached on sensors.1")
    assert (deaf.passed, deaf.observed) == (False, "maximum subscriptions exceeded")


def test_a_proxy_in_trouble_is_no_proof_that_a_foreign_page_is_refused(live: Running) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse_everybody() -> None:
            with contextlib.suppress(OSError):  # the test is over, or a peer has gone
                while True:
                    with listener.accept()[0] as peer:
                        peer.recv(1 << 16)
                        peer.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=refuse_everybody, daemon=True).start()
        endpoints = replace(live.endpoints, websocket=f"ws://127.0.0.1:{listener.getsockname()[1]}")
        proofs = list(prove(replace(live.backend, tests=()), live.identities, endpoints))
        over_websocket = [proof for proof in proofs if proof.id != "bearer-refused-on-plain-tcp"]
        assert [proof.passed for proof in over_websocket] == [False] * len(over_websocket)
        assert proofs[1].observed == "HTTP 502 Bad Gateway"


@pytest.mark.parametrize("url", ["http://127.0.0.1:4222", "127.0.0.1:4222", "nats://", "nats://h:port", ""])
def test_an_endpoint_that_is_no_address_is_an_error(live: Running, url: str) -> None:
    with pytest.raises(LiveServerError, match="not the address of a nats-server"):
        list(prove(live.backend, live.identities, Endpoints(nats=url)))


def test_a_file_without_certificates_is_an_error(live: Running, tmp_path: Path) -> None:
    with pytest.raises(LiveServerError, match="cannot read certificates"):
        list(
            prove(live.backend, live.identities, replace(live.endpoints, ca_file=str(tmp_path / "none.pem")))
        )


def test_all_is_proved_over_tls_too_and_nothing_to_a_stranger(live: Running, tmp_path: Path) -> None:
    openssl = program("openssl")
    with running_with_tls(live.backend, openssl, tmp_path) as started:
        endpoints = replace(started.endpoints, nats=started.endpoints.nats.replace("nats://", "tls://"))
        proofs = list(prove(live.backend, live.identities, endpoints))
        mistrusted = list(prove(live.backend, live.identities, replace(endpoints, ca_file=None)))
    assert [proof for proof in proofs if not proof.passed] == []
    assert [proof for proof in mistrusted if proof.passed] == []
    assert "CERTIFICATE_VERIFY_FAILED" in mistrusted[0].observed


# --- connections ---


def test_a_principal_connects_once_and_is_closed_at_the_end(live: Running) -> None:
    with Principals(live.backend, live.identities, live.endpoints, timeout=5.0) as principals:
        first = principals.connection(ALICE)
        assert principals.connection(replace(ALICE, at=HERE)) is first
        assert principals.connection(BOB) is not first
        first.close()
        second = principals.connection(ALICE)
        assert not second.closed
    assert second.closed


def test_who_was_refused_is_not_asked_for_again(live: Running) -> None:
    class Stranger(Minted):
        asked = 0

        def of(self, principal: Principal) -> Identity:
            self.asked += 1
            return Identity(jwt="garbage")

    identities = Stranger(live.backend)
    with Principals(live.backend, identities, live.endpoints, timeout=5.0) as principals:
        for _ in range(3):
            with pytest.raises(NatsBackendError, match="Authorization Violation"):
                principals.connection(INGEST)
    assert identities.asked == 1


@pytest.mark.parametrize("ending", ["close", "drop"])
def test_a_run_that_is_given_up_closes_its_connections(live: Running, tmp_path: Path, ending: str) -> None:
    telemetry = replace(live.backend.accounts["telemetry"], limits=AccountLimits(connections=1))
    web = replace(live.backend.accounts["web"], roles={}, users={})
    narrow = replace(live.backend, accounts={**live.backend.accounts, "telemetry": telemetry, "web": web})
    with running(replace(narrow, tests=(POLICY[13], POLICY[14])), tmp_path) as started:
        proofs = prove(started.backend, started.identities, started.endpoints)
        assert next(proofs).passed
        assert not _only_connection(started)
        if ending == "close":
            assert isinstance(proofs, Generator)
            proofs.close()
        else:
            del proofs
            gc.collect()
        assert any(_only_connection(started) for _ in range(200))


def _only_connection(live: Running) -> bool:
    """Tell whether the one connection that telemetry may have is free."""
    identity = live.identities.of(INGEST)
    host, _, port = live.endpoints.nats.removeprefix("nats://").rpartition(":")
    try:
        connect_tcp(host, int(port), jwt=identity.jwt, key=identity.key, timeout=5.0).close()
    except Refused as refused:
        if refused.error != "maximum account active connections exceeded":
            raise
        return False
    return True
