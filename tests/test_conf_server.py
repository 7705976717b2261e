"""No name and no value can change the structure of a config: the real nats-server is asked what it read.

Every string a user can choose is carried at once: into the options of a real set-up, and by the hundred into
`server_metadata`, whose keys and values the server shows in /varz as it read them. Options before and after
them are the canaries.
"""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.servers import LOOPBACK, PLAIN_WEBSOCKET, config_of, prepare, trust

from natsbackend.errors import LiveServerError
from natsbackend.live.server import find_server
from natsbackend.model.entities import Backend, Operator
from natsbackend.model.serving import (
    Cookie,
    Listen,
    Monitor,
    Resolver,
    Server,
    ServerJetStream,
    ServerLimits,
    Tls,
    Websocket,
)
from natsbackend.render.conf import HEADER, ConfError, write_conf
from natsbackend.render.server_conf import render_server_config

BINARY = find_server()
TRUST = trust()

NASTY = (
    "",
    " ",
    '"',
    "'",
    "\\",
    '\\"',
    "\\n",
    "\\x00",
    "\\u0041",
    "\n",
    "\r\n",
    "\t",
    "\x01",
    "\x1b[31m",
    "\x7f",
    "\x85",
    "\u2028",
    "\u202e",
    "\ufeff",
    "$HOME",
    "$canary",
    "$2a$11$abcdefghijklmnopqrstuv",
    "~/x",
    "%s%n",
    "include 'nats-server.conf'",
    "\ninclude nats-server.conf\n",
    "# ",
    "//",
    "/* */",
    "{",
    "}",
    "}}\nmax_payload: 1\n",
    "[",
    "]",
    "(",
    "\n)\n",
    ",",
    ";",
    ":",
    "=",
    "a,b: 1",
    "true",
    "off",
    "null",
    "1",
    "-1",
    "30m",
    "1.5",
    "1.2.3.4",
    "2026-01-01T00:00:00Z",
    "naïve",
    "日本",
    "🦜",
    "👩‍🚀",
    "e\u0301",
    "\U0010ffff",
)
EVERY_PAIR = [left + right for left, right in itertools.product(NASTY, repeat=2)]

texts = st.lists(
    st.sampled_from(NASTY)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6),
    max_size=6,
).map("".join)


def can_be_a_key(text: str) -> bool:
    try:
        write_conf({text: ""})
    except ConfError:
        return False
    return True


def origin(text: str) -> str:
    """Return an origin the server takes (Go `url.ParseRequestURI`) with as much of a text as can be in it."""
    return "https://app.example.com/" + re.sub(r"[\x00-\x20\x7f]", "", text).replace("%", "%25")


def file_name(text: str) -> str:
    """Return a name for a directory with as much of a text as a file name holds."""
    return "d" + text.replace("/", "|")[:40]


def hostile_server(directory: Path, text: str) -> Server:
    return Server(
        name="n" + text.replace(" ", "_"),  # the server refuses a blank in its name
        listen=LOOPBACK,
        jetstream=ServerJetStream(
            store_dir=str(directory / ("js" + file_name(text))), memory=1 << 20, disk=1 << 24
        ),
        resolver=Resolver(dir=str(directory / file_name(text)), interval=61_500_000_000, limit=77),
        websocket=Websocket(
            listen=LOOPBACK,
            cookie=Cookie(name="c" + text),
            allowed_origins=(origin(text), "https://canary.example.com"),
            handshake_timeout=2_500_000_000,
            advertise="h" + re.sub(r"[:\[\]]", "", text) + ":8080",
        ),
    )


def read_by_server(directory: Path, config: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Start a server with a config, and return what its /varz and its warnings say."""
    with prepare(BINARY, directory, {"max_connections": 4321, "http": "127.0.0.1:-1", **config}) as server:
        (monitoring,) = server.ports().monitoring
        return httpx.get(f"{monitoring}/varz", trust_env=False).json(), server.warnings()


def assert_read_as_written(directory: Path, text: str, metadata: dict[str, str]) -> None:
    server = hostile_server(directory, text)
    config = config_of(server, TRUST)
    varz, warnings = read_by_server(directory, {**config, "server_metadata": metadata, "max_payload": 76543})
    websocket, jetstream = server.websocket, server.jetstream
    assert websocket is not None
    assert websocket.cookie is not None
    assert jetstream is not None
    assert varz["metadata"] == metadata
    assert varz["server_name"] == server.name
    assert varz["websocket"]["jwt_cookie"] == websocket.cookie.name
    assert varz["websocket"]["allowed_origins"] == list(websocket.allowed_origins)
    assert varz["websocket"]["advertise"] == websocket.advertise
    assert varz["websocket"]["handshake_timeout"] == websocket.handshake_timeout
    assert varz["jetstream"]["config"]["store_dir"] == f"{jetstream.store_dir}/jetstream"
    assert varz["jetstream"]["config"]["max_memory"] == jetstream.memory
    assert varz["jetstream"]["config"]["max_storage"] == jetstream.disk
    assert varz["system_account"] == TRUST.system_account
    assert varz["trusted_operators_jwt"] == [TRUST.operator]
    assert (varz["max_connections"], varz["max_payload"]) == (4321, 76543)
    assert [path.name for path in Path(server.resolver.dir).iterdir()] == [f"{TRUST.system_account}.jwt"]
    assert warnings == (PLAIN_WEBSOCKET,)


def test_every_pair_of_nasty_texts_is_read_as_it_was_written(tmp_path: Path) -> None:
    keys = [text for text in EVERY_PAIR if can_be_a_key(text)]
    metadata = {f"value-{number}": text for number, text in enumerate(EVERY_PAIR)}
    metadata |= {key: key for key in keys}
    assert len(keys) > 1000
    assert_read_as_written(tmp_path, "plain", metadata)


@pytest.mark.parametrize("text", [text for text in NASTY if text.strip(" ")])
def test_a_nasty_text_in_every_option_is_read_as_it_was_written(tmp_path: Path, text: str) -> None:
    assert_read_as_written(tmp_path, text, {"canary": text})


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=texts, values=st.lists(texts, min_size=30, max_size=120))
def test_no_text_changes_the_structure(
    tmp_path_factory: pytest.TempPathFactory, text: str, values: list[str]
) -> None:
    metadata = {f"value-{number}": value for number, value in enumerate(values)}
    metadata |= {value: value for value in values if can_be_a_key(value)}
    assert_read_as_written(tmp_path_factory.mktemp("hostile"), text, metadata)


def test_the_same_texts_break_a_config_that_is_quoted_carelessly(tmp_path: Path) -> None:
    """The proof above can fail: JSON's quoting, or none, does not pass it."""
    naive = 'listen: "127.0.0.1:-1"\nhttp: "127.0.0.1:-1"\nserver_metadata: {\n  a: %s\n}\n'
    with pytest.raises(LiveServerError, match="Invalid escape character 'u'"):
        prepare(BINARY, tmp_path / "json", naive % json.dumps("\x01")).start()
    with prepare(BINARY, tmp_path / "bare", naive % "x\n}\nserver_name: owned\nserver_metadata: {") as server:
        (monitoring,) = server.ports().monitoring
        assert httpx.get(f"{monitoring}/varz", trust_env=False).json()["server_name"] == "owned"


@pytest.mark.parametrize("hostile", ["\0", chr(0xD800)])
@pytest.mark.parametrize("option", ["server_name", "store_dir", "resolver.dir", "jwt_cookie", "advertise"])
def test_a_text_that_cannot_be_written_is_refused_wherever_it_is(option: str, hostile: str) -> None:
    text = f"a{hostile}b"
    server = Server(
        name=text if option == "server_name" else None,
        jetstream=ServerJetStream(store_dir=text) if option == "store_dir" else None,
        resolver=Resolver(dir=text) if option == "resolver.dir" else Resolver(),
        websocket=Websocket(
            listen=LOOPBACK,
            cookie=Cookie(name=text) if option == "jwt_cookie" else None,
            advertise=text if option == "advertise" else None,
        ),
    )
    with pytest.raises(ConfError, match=rf'^config key "[a-z.]*{re.escape(option)}": a '):
        write_conf(config_of(server, TRUST))


def test_a_relative_operator_file_is_found_from_where_the_server_starts(tmp_path: Path) -> None:
    """`operator.jwt` beside the config is read if the server starts there, and only then."""
    config = config_of(
        Server(listen=LOOPBACK, resolver=Resolver(dir=str(tmp_path / "jwt"))), TRUST, "operator.jwt"
    )
    beside = prepare(BINARY, tmp_path / "build", config)
    (tmp_path / "build" / "operator.jwt").write_text(TRUST.operator, encoding="ascii")
    with beside:
        assert beside.alive

    from_elsewhere = type(beside)(
        BINARY, tmp_path / "build" / "nats-server.conf", log=tmp_path / "elsewhere.log", cwd=tmp_path
    )
    with pytest.raises(LiveServerError, match=r"open operator\.jwt: no such file or directory"):
        from_elsewhere.start()


def test_every_option_of_a_server_is_written_in_a_fixed_order() -> None:
    server = Server(
        name="n1",
        advertise="nats.example.com:4222",
        tls=Tls(cert_file="n.crt", key_file="n.key", timeout=1_000_000_000, handshake_first=True),
        limits=ServerLimits(max_payload=7, ping_interval=60_000_000_000),
        monitor=Monitor(listen=LOOPBACK, base_path="/nats"),
        jetstream=ServerJetStream(store_dir="data", disk=10),
        resolver=Resolver(
            dir="jwt",
            allow_delete=True,
            hard_delete=True,
            interval=60_000_000_000,
            timeout=1_900_000_000,
            limit=5,
        ),
        websocket=Websocket(
            listen=LOOPBACK,
            tls=Tls(cert_file="web.crt", key_file="web.key"),
            cookie=Cookie(name="nats_token"),
            allowed_origins=("https://app.example.com",),
            same_origin=True,
            compression=True,
            handshake_timeout=2_000_000_000,
            advertise="app.example.com:443",
        ),
    )
    assert list(config_of(server, TRUST, "operator.jwt").items()) == [
        ("server_name", "n1"),
        ("listen", "127.0.0.1:4222"),
        ("client_advertise", "nats.example.com:4222"),
        ("tls", {"cert_file": "n.crt", "key_file": "n.key", "timeout": "1s", "handshake_first": True}),
        ("max_payload", 7),
        ("ping_interval", "1m"),
        ("http", "127.0.0.1:-1"),
        ("http_base_path", "/nats"),
        ("jetstream", {"store_dir": "data", "max_file_store": 10}),
        ("operator", "operator.jwt"),
        ("system_account", TRUST.system_account),
        (
            "resolver",
            {
                "type": "full",
                "dir": "jwt",
                "allow_delete": True,
                "hard_delete": True,
                "interval": "1m",
                "timeout": "1s900ms",
                "limit": 5,
            },
        ),
        ("resolver_preload", dict(TRUST.preload)),
        (
            "websocket",
            {
                "listen": "127.0.0.1:-1",
                "advertise": "app.example.com:443",
                "tls": {"cert_file": "web.crt", "key_file": "web.key"},
                "jwt_cookie": "nats_token",
                "allowed_origins": ["https://app.example.com"],
                "same_origin": True,
                "compression": True,
                "handshake_timeout": "2s",
            },
        ),
    ]


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        (Listen(host="0.0.0.0"), "0.0.0.0:4222"),
        (Listen(host="127.0.0.1", port=4333), "127.0.0.1:4333"),
        (Listen(host="localhost", port=0), "localhost:-1"),
        (Listen(host="::1", port=-1), "[::1]:-1"),
        (Listen(host="[::]"), "[::]:4222"),
    ],
)
def test_an_address_is_written_as_go_splits_it(listen: Listen, address: str) -> None:
    assert config_of(Server(listen=listen), TRUST)["listen"] == address


def test_a_websocket_without_a_port_gets_8443_or_8080_if_it_is_plain() -> None:
    listen = Listen(host="0.0.0.0")
    tls = Tls(cert_file="web.crt", key_file="web.key")
    secure = config_of(Server(websocket=Websocket(listen=listen, tls=tls)), TRUST)
    plain = config_of(Server(websocket=Websocket(listen=listen)), TRUST)
    assert secure["websocket"] == {
        "listen": "0.0.0.0:8443",
        "tls": {"cert_file": "web.crt", "key_file": "web.key"},
    }
    assert plain["websocket"] == {"listen": "0.0.0.0:8080", "no_tls": True}


def test_a_backend_without_a_server_listens_on_loopback_and_keeps_what_is_pushed() -> None:
    backend = Backend(operator=Operator(name="acme"), accounts={})
    text = render_server_config(
        backend, operator="operator.jwt", system_account="A", preload={}, ports_dir="p"
    )
    assert text.removeprefix(HEADER) == (
        'listen: "127.0.0.1:4222"\n'
        'ports_file_dir: "p"\n'
        'operator: "operator.jwt"\n'
        'system_account: "A"\n'
        "resolver: {\n"
        '  type: "full"\n'
        '  dir: "jwt"\n'
        "  allow_delete: false\n"
        "}\n"
    )
