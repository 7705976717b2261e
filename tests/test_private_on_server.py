"""A private export on a real nats-server: for whom it is, and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.golden import GOLDEN, opened
from support.running import Running, running
from test_sharing_on_server import SOON, arrival, connect, imports_of, key, restore, smuggle

from natsbackend.claims.sharing import export_nats
from natsbackend.live.wire import Connection


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(opened(GOLDEN / "019-private"), tmp_path_factory.mktemp("private")) as started:
        yield started


def heard(live: Running, listener: Connection, subject: str) -> bool:
    """Tell whether what the exporter publishes arrives."""
    listener.subscribe("sensors.>")
    assert listener.flush() == []
    with connect(live, "telemetry", "ingest") as ingest:
        ingest.publish(subject)
        assert ingest.flush() == []
        return arrival(listener, SOON) is not None


def test_who_is_named_has_the_stream(live: Running) -> None:
    for account in ("web", "mobile"):
        with connect(live, account, "viewer") as viewer:
            assert heard(live, viewer, "sensors.eu.1")


def test_who_is_named_can_ask(live: Running) -> None:
    with connect(live, "telemetry", "ingest") as ingest, connect(live, "web", "viewer") as viewer:
        ingest.subscribe("history.>")
        assert ingest.flush() == []
        viewer.publish("past.query", reply="_INBOX.@viewer.1")
        assert viewer.flush() == []
        message = arrival(ingest)
        assert message is not None
        assert message.subject == "history.query"


@pytest.mark.parametrize("with_token", [False, True])
def test_an_import_smuggled_into_another_account_is_dropped(live: Running, with_token: bool) -> None:
    stolen = imports_of(live, "mobile")
    if not with_token:
        stolen = [{key: value for key, value in each.items() if key != "token"} for each in stolen]
    with connect(live, "other", "viewer") as viewer:  # so that the account is loaded
        try:
            assert smuggle(live, "other", imports=stolen).problems() != ()
            assert not heard(live, viewer, "sensors.eu.1")
        finally:
            restore(live, "other")


def test_a_revoked_activation_ends_what_it_let_in(live: Running) -> None:
    account = live.tree.backend.accounts["telemetry"]
    revoked = {key(live, "mobile"): live.now}
    exports = [export_nats(e, revoked if e.importers else {}) for e in account.exports]
    with connect(live, "mobile", "viewer") as mobile, connect(live, "web", "viewer") as web:
        assert smuggle(live, "telemetry", exports=exports).problems() == ()
        try:
            assert not heard(live, mobile, "sensors.eu.1")
            assert heard(live, web, "sensors.eu.1")
        finally:
            restore(live, "telemetry")
