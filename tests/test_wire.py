"""The proof client: its parser on any cut of a stream, its verdicts on real and on hostile servers."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.livebackend import (
    COOKIE,
    ORIGIN,
    Running,
    running,
    running_with_tls,
    small_backend,
)
from support.programs import program

from natsbackend.errors import LiveServerError
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.live.parser import Event, Info, Message, Ok, Parser, Ping, Pong, ProtocolError, ServerError
from natsbackend.live.wire import (
    Connection,
    Deadline,
    Disconnected,
    Refused,
    connect_tcp,
    connect_websocket,
)
from natsbackend.model.entities import Principal

TIMEOUT = 5.0
ALICE = Principal(account="web", role="viewer", name="alice")
INGEST = Principal(account="telemetry", user="ingest")
AUDITOR = Principal(account="telemetry", user="auditor")
METER = Principal(account="telemetry", user="meter")
"""Somebody with one subscription and messages of eight bytes, and not more."""


# --- the parser ---

_words = st.text("abc.$_0", min_size=1, max_size=8)
_bodies = st.binary(max_size=20) | st.just(b"\r\nPING\r\n")


@st.composite
def _said(draw: st.DrawFn) -> tuple[bytes, Event]:
    """One thing a server says, and what it means."""
    subject, sid, reply = draw(_words), draw(st.integers(1, 999)), draw(st.none() | _words)
    payload, headers = draw(_bodies), b"NATS/1.0\r\n\r\n"
    words = [subject, str(sid), *([reply] if reply else [])]
    message = Message(subject=subject, sid=sid, reply=reply, payload=payload)
    line = " ".join(words)
    return draw(
        st.sampled_from(
            [
                (f"MSG {line} {len(payload)}\r\n".encode() + payload + b"\r\n", message),
                (
                    f"HMSG {line} {len(headers)} {len(headers) + len(payload)}\r\n".encode()
                    + headers
                    + payload
                    + b"\r\n",
                    replace(message, headers=headers),
                ),
                (b"PING\r\n", Ping()),
                (b"PONG\r\n", Pong()),
                (b"+OK\r\n", Ok()),
                (b"-ERR 'it''s \"x\"'\r\n", ServerError(text="it''s \"x\"")),
                (
                    b'INFO {"nonce":"n","tls_required":true} \r\n',
                    Info(fields={"nonce": "n", "tls_required": True}),
                ),
            ]
        )
    )


@given(st.lists(_said(), max_size=6), st.data())
def test_any_cut_of_a_stream_gives_the_same_events(
    said: list[tuple[bytes, Event]], data: st.DataObject
) -> None:
    stream = b"".join(raw for raw, _ in said)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)))))
    parser = Parser()
    events: list[Event] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        events += parser.feed(stream[start:end])
    assert events == [event for _, event in said]


def test_a_message_is_held_back_until_its_last_byte() -> None:
    parser = Parser()
    assert parser.feed(b"MSG a 1 3\r\nabc\r") == []
    assert parser.feed(b"\n") == [Message(subject="a", sid=1, payload=b"abc")]


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"MSG a 1\r\n",
        b"MSG a x 3\r\n",
        b"MSG a 1 -3\r\n",
        b"MSG a 1 r 3 4 5\r\n",
        b"MSG a 1 99999999999999999999\r\n",
        b"MSG a 1 67108865\r\n",
        b"HMSG a 1 12 3\r\n",
        b"MSG a 1 3\r\nabcde",
        b"INFO {\r\n",
        b"INFO []\r\n",
        b"INFO " + b"[" * 100_000 + b"\r\n",
        b"x" * ((1 << 20) + 2),
    ],
)
def test_what_is_not_nats_is_refused(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        Parser().feed(raw)


# --- verdicts of a real server ---


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(small_backend(), tmp_path_factory.mktemp("live")) as started:
        yield started


def _tcp(live: Running, who: Principal) -> Connection:
    identity = live.identities.of(who)
    host, _, port = live.endpoints.nats.removeprefix("nats://").rpartition(":")
    return connect_tcp(host, int(port), jwt=identity.jwt, key=identity.key, timeout=TIMEOUT)


def _browser(
    live: Running, *, cookie: str | None, origin: str | None = ORIGIN, key: KeyPair | None = None
) -> Connection:
    return connect_websocket(
        str(live.endpoints.websocket),
        cookie=(COOKIE, cookie) if cookie is not None else None,
        origin=origin,
        key=key,
        timeout=TIMEOUT,
    )


def test_a_bearer_in_the_cookie_is_let_in_and_can_subscribe(live: Running) -> None:
    with _browser(live, cookie=live.identities.of(ALICE).jwt) as connection, _tcp(live, INGEST) as sender:
        sid = connection.subscribe("sensors.>")
        assert connection.flush() == []
        sender.publish("sensors.eu.1", b"17 C", reply="nobody")
        assert sender.flush() == []
        connection.flush()
        assert connection.messages() == [
            Message(subject="sensors.eu.1", sid=sid, reply="nobody", payload=b"17 C")
        ]
        assert connection.messages() == []


def test_a_large_message_in_many_frames_arrives_whole(live: Running) -> None:
    payload = bytes(range(256)) * 2000
    with _browser(live, cookie=live.identities.of(ALICE).jwt) as connection, _tcp(live, INGEST) as sender:
        connection.subscribe("sensors.>")
        connection.flush()
        sender.publish("sensors.big", payload)
        sender.flush()
        message = connection.wait_for(lambda each: each.subject == "sensors.big", Deadline(TIMEOUT))
    assert message is not None
    assert message.payload == payload


def test_a_foreign_origin_is_refused_at_the_upgrade_with_its_status(live: Running) -> None:
    with pytest.raises(Refused) as refused:
        _browser(live, cookie=live.identities.of(ALICE).jwt, origin="https://attacker.example")
    assert (refused.value.stage, refused.value.status) == ("upgrade", 403)
    assert str(refused.value) == "HTTP 403 Forbidden"


@pytest.mark.parametrize("cookie", [None, "garbage"])
def test_a_websocket_without_a_token_is_refused_with_the_servers_words_and_close_code(
    live: Running, cookie: str | None
) -> None:
    with pytest.raises(Refused) as refused:
        _browser(live, cookie=cookie)
    found = refused.value
    assert (found.stage, found.error) == ("connect", "Authorization Violation")
    assert (found.close_code, found.close_reason) == (1008, "Authentication Failure")


def test_a_signature_makes_a_token_in_the_cookie_good_that_is_no_bearers(live: Running) -> None:
    identity = live.identities.of(INGEST)
    with _browser(live, cookie=identity.jwt, key=identity.key) as connection:
        assert connection.flush() == []
    with pytest.raises(Refused, match="Authorization Violation"):
        _browser(live, cookie=identity.jwt)


def test_a_bearer_of_websockets_is_refused_over_tcp(live: Running) -> None:
    with pytest.raises(Refused) as refused:
        _tcp(live, ALICE)
    assert (refused.value.stage, refused.value.error) == ("connect", "Authorization Violation")
    assert refused.value.close_code is None


def test_a_signature_of_another_key_is_refused(live: Running) -> None:
    host, _, port = live.endpoints.nats.removeprefix("nats://").rpartition(":")
    stranger = KeyPair(KeyRole.USER, b"x" * 32)
    with pytest.raises(Refused, match="Authorization Violation"):
        connect_tcp(host, int(port), jwt=live.identities.of(INGEST).jwt, key=stranger, timeout=TIMEOUT)


def test_a_permission_violation_is_told_by_the_next_flush_and_only_there(live: Running) -> None:
    with _tcp(live, INGEST) as connection:
        connection.publish("forbidden.thing")
        connection.subscribe("sensors.>", queue="workers")
        assert connection.flush() == [
            'Permissions Violation for Publish to "forbidden.thing"',
            'Permissions Violation for Subscription to "sensors.>" using queue "workers"',
        ]
        connection.publish("sensors.eu.1")
        assert connection.flush() == []


def test_an_ended_subscription_gets_nothing(live: Running) -> None:
    with _tcp(live, AUDITOR) as connection, _tcp(live, INGEST) as sender:
        ended = connection.subscribe("sensors.ended")
        kept = connection.subscribe("sensors.kept")
        connection.unsubscribe(ended)
        connection.flush()
        for subject in ("sensors.ended", "sensors.kept"):
            sender.publish(subject)
        sender.flush()
        connection.flush()
        assert [message.sid for message in connection.messages()] == [kept]


def test_a_request_that_nobody_answers_comes_back_as_no_responders(live: Running) -> None:
    with _browser(live, cookie=live.identities.of(ALICE).jwt) as connection:
        connection.subscribe("_INBOX.alice.1")
        connection.publish("history.query", reply="_INBOX.alice.1")
        assert connection.flush() == []
        assert [message.headers.split(b"\r\n")[0] for message in connection.messages()] == [b"NATS/1.0 503"]


def test_waiting_keeps_the_messages_that_were_not_wanted_and_ends_in_time(live: Running) -> None:
    with _tcp(live, AUDITOR) as connection, _tcp(live, INGEST) as sender:
        connection.subscribe("sensors.>")
        connection.flush()
        for subject in ("sensors.1", "sensors.2", "sensors.3"):
            sender.publish(subject)
        sender.flush()
        found = connection.wait_for(lambda message: message.subject == "sensors.2", Deadline(TIMEOUT))
        assert found is not None
        assert connection.wait_for(lambda message: message.subject == "sensors.2", Deadline(0.05)) is None
        connection.flush()
        assert [message.subject for message in connection.messages()] == ["sensors.1", "sensors.3"]


def test_an_error_that_ends_the_connection_is_told_in_the_servers_words(live: Running) -> None:
    identity = live.identities.of(METER)
    with _browser(live, cookie=identity.jwt, key=identity.key) as connection:
        connection.publish("sensors.1", b"more than eight")
        with pytest.raises(Disconnected) as ended:
            connection.flush()
        assert connection.closed
        with pytest.raises(Disconnected, match="the connection is closed"):
            connection.flush()
    assert ended.value.error == "Maximum Payload Violation"
    assert (ended.value.close_code, ended.value.close_reason) == (1009, "Maximum Message Payload Exceeded")


def test_an_error_that_ends_a_tcp_connection_is_told_too(live: Running) -> None:
    with _tcp(live, METER) as connection:
        connection.publish("sensors.1", b"more than eight")
        with pytest.raises(Disconnected, match=r"^Maximum Payload Violation$"):
            connection.flush()


def test_a_subscription_too_many_is_an_error_that_leaves_the_connection_open(live: Running) -> None:
    with _tcp(live, METER) as connection:
        for subject in ("sensors.1", "sensors.2"):
            connection.subscribe(subject)
        assert connection.flush() == ["maximum subscriptions exceeded"]
        assert connection.flush() == []


@pytest.mark.parametrize("subject", ["", "a b", "a\r\nPUB stolen 0\r\n", "a\tb"])
def test_a_subject_cannot_smuggle_in_another_command(live: Running, subject: str) -> None:
    with _tcp(live, INGEST) as connection:
        with pytest.raises(LiveServerError, match="cannot be sent"):
            connection.publish(subject)
        with pytest.raises(LiveServerError, match="cannot be sent"):
            connection.subscribe("sensors.>", queue=subject or " ")
        assert connection.flush() == []


def test_a_cookie_cannot_smuggle_in_another_header(live: Running) -> None:
    with pytest.raises(Refused, match="cannot stand in an HTTP header") as refused:
        _browser(live, cookie="x\r\nOrigin: https://app.example.com")
    assert refused.value.stage == "transport"


# --- TLS ---


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    openssl = program("openssl")
    with running_with_tls(small_backend(), openssl, tmp_path_factory.mktemp("secure")) as started:
        yield started


def _trust(secure: Running) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=secure.endpoints.ca_file)


def _tls_tcp(running: Running, tls: ssl.SSLContext | None, *, force_tls: bool = False) -> Connection:
    identity = running.identities.of(INGEST)
    host, _, port = running.endpoints.nats.rpartition("/")[2].rpartition(":")
    return connect_tcp(
        host, int(port), jwt=identity.jwt, key=identity.key, tls=tls, force_tls=force_tls, timeout=TIMEOUT
    )


def test_a_server_that_requires_tls_is_connected_to_over_tls(secure: Running) -> None:
    with _tls_tcp(secure, _trust(secure)) as connection:
        assert connection.flush() == []


def test_a_websocket_over_tls_is_connected_to(secure: Running) -> None:
    url, cookie = str(secure.endpoints.websocket), secure.identities.of(ALICE).jwt
    assert url.startswith("wss://")
    with connect_websocket(
        url, cookie=(COOKIE, cookie), origin=ORIGIN, tls=_trust(secure), timeout=TIMEOUT
    ) as connection:
        assert connection.flush() == []


def test_a_certificate_nobody_vouches_for_is_refused(secure: Running) -> None:
    url = str(secure.endpoints.websocket)
    for attempt in (
        lambda tls: connect_websocket(url, tls=tls, timeout=TIMEOUT),
        lambda tls: _tls_tcp(secure, tls),
    ):
        with pytest.raises(Refused, match="CERTIFICATE_VERIFY_FAILED") as refused:
            attempt(ssl.create_default_context())
        assert refused.value.stage == "transport"


def test_a_token_is_not_sent_in_clear_where_tls_is_required_or_asked_for(
    secure: Running, live: Running
) -> None:
    with pytest.raises(Refused, match="requires TLS"):
        _tls_tcp(secure, None)
    with pytest.raises(Refused, match="does not offer it"):
        _tls_tcp(live, ssl.create_default_context(), force_tls=True)
    with pytest.raises(Refused, match="needs a TLS context"):
        connect_websocket(str(secure.endpoints.websocket), timeout=TIMEOUT)


# --- servers that are none ---


@contextmanager
def _server_saying(answer: bytes, *, then_close: bool = True) -> Iterator[tuple[int, list[bytes]]]:
    """Take one connection, say one thing, and note what the client says; a web server listens first."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                if answer.startswith(b"HTTP"):
                    heard.append(peer.recv(1 << 16))
                peer.sendall(answer)
                while not then_close and (chunk := peer.recv(1 << 16)):
                    heard.append(chunk)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1], heard
        finally:
            thread.join(TIMEOUT)


def _dial(scheme: str, port: int, timeout: float) -> Connection:
    if scheme == "nats":
        return connect_tcp("127.0.0.1", port, timeout=timeout)
    return connect_websocket(f"ws://127.0.0.1:{port}", timeout=timeout)


def test_nobody_listening_is_a_transport_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for scheme in ("nats", "ws"):
        with pytest.raises(Refused) as refused:
            _dial(scheme, port, TIMEOUT)
        assert refused.value.stage == "transport"


@pytest.mark.parametrize("scheme", ["nats", "ws"])
def test_a_silent_server_is_waited_for_no_longer_than_the_deadline(scheme: str) -> None:
    with (
        _server_saying(b"", then_close=False) as (port, _),
        pytest.raises(Refused, match=r"did not answer within 0\.1 s") as refused,
    ):
        _dial(scheme, port, 0.1)
    assert refused.value.stage == "transport"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", r"is not NATS"),
        (b"PONG\r\n", "did not start with INFO"),
        (b"", "closed the connection"),
        (b"INFO {}\r\n", r"closed|reset|Broken pipe"),
    ],
)
def test_a_port_of_something_else_is_a_transport_error(answer: bytes, words: str) -> None:
    with _server_saying(answer) as (port, _), pytest.raises(Refused, match=words) as refused:
        connect_tcp("127.0.0.1", port, timeout=TIMEOUT)
    assert refused.value.stage == "transport"


def test_a_ping_of_the_server_is_answered() -> None:
    with (
        _server_saying(b"INFO {}\r\nPONG\r\nPING\r\n", then_close=False) as (port, heard),
        connect_tcp("127.0.0.1", port, timeout=TIMEOUT) as connection,
    ):
        assert connection.wait_for(lambda _: True, Deadline(0.05)) is None
    assert b"".join(heard).endswith(b"\r\nPING\r\nPONG\r\n")


def test_a_server_that_stops_answering_ends_the_connection_at_the_deadline() -> None:
    with _server_saying(b"INFO {}\r\nPONG\r\n", then_close=False) as (port, _):
        connection = connect_tcp("127.0.0.1", port, timeout=TIMEOUT)
        with pytest.raises(Disconnected, match="did not answer a PING in time"):
            connection.flush(timeout=0.05)
        assert connection.closed


def test_a_redirect_is_not_followed_and_the_cookie_goes_nowhere_else() -> None:
    with (
        _server_saying(b"") as (elsewhere, _),
        _server_saying(
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ws://127.0.0.1:%d/\r\n\r\n" % elsewhere
        ) as (port, heard),
    ):
        with pytest.raises(Refused) as refused:
            connect_websocket(f"ws://127.0.0.1:{port}", cookie=(COOKIE, "token"), timeout=TIMEOUT)
        with socket.create_connection(("127.0.0.1", elsewhere)):
            pass  # the first and only one to come here
    assert (refused.value.stage, refused.value.status) == ("upgrade", 302)
    assert f"Cookie: {COOKIE}=token\r\n".encode() in heard[0]


def test_the_cookie_is_not_logged_by_the_websocket_library(
    live: Running, caplog: pytest.LogCaptureFixture
) -> None:
    jwt = live.identities.of(ALICE).jwt
    with caplog.at_level("DEBUG"), _browser(live, cookie=jwt):
        pass
    assert jwt not in caplog.text


@pytest.mark.parametrize("url", ["http://127.0.0.1", "127.0.0.1:8080", ""])
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="not a websocket url"):
        connect_websocket(url, timeout=TIMEOUT)
