"""`server.extra` on a real nats-server: each option starts clean, and does what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from support.resolvers import free_ports
from support.servers import LOOPBACK, config_of, prepare, trust
from test_server_about import logging_server, workspace

from natsbackend.errors import LiveServerError, SpecError
from natsbackend.live.server import find_server
from natsbackend.model.entities import Backend, Operator
from natsbackend.model.server_options import ALIASES, DECIDED, LOCAL, RAW, WORDS
from natsbackend.model.serving import Resolver, Server
from natsbackend.render.conf import Value
from natsbackend.spec.load import _words_at
from natsbackend.workflow.loopback import LoopbackPorts, on_loopback

HOST = "127.0.0.1"
PEERS = {"cluster", "gateway", "leafnodes", "mqtt"}
"""Those that more than one word of theirs is needed for."""
SAMPLES: dict[str, Any] = {
    "allow_non_tls": True,
    "connect_error_reports": 10,
    "default_js_domain": {},
    "disable_sublist_cache": True,
    "feature_flags": {"js_ack_fc_v2": True},
    "logtime": False,
    "max_closed_clients": 100,
    "max_sub_tokens": 16,
    "no_fast_producer_stall": True,
    "no_header_support": True,
    "ocsp": False,
    "ocsp_cache": {"type": "local", "local_store": "ocsp"},
    "pid_file": 'nats "server".pid',
    "ports_file_dir": ".",
    "prof_block_rate": 0,
    "prof_port": 0,
    "proxy_protocol": True,
    "reconnect_error_reports": 10,
    "remote_syslog": "udp://127.0.0.1:514",
    "syslog": False,
    "trace_headers": False,
    "trace_verbose": False,
    "write_timeout": "retry",
}


def test_there_is_a_sample_of_every_option() -> None:
    assert set(SAMPLES) == set(RAW) - PEERS
    assert set(SAMPLES) >= LOCAL


@pytest.mark.parametrize("option", SAMPLES)
def test_the_server_starts_clean_with_it(option: str, tmp_path: Path) -> None:
    nats, monitor = free_ports(2)
    server = {
        "listen": f"{HOST}:{nats}",
        "monitor": {"listen": monitor},
        "log": {"file": "server.log"},
        "extra": {option: SAMPLES[option]},
    }
    space = workspace(tmp_path, server)
    with logging_server(space, tmp_path / "server.log"):
        assert httpx.get(f"http://{HOST}:{monitor}/healthz", trust_env=False).json() == {"status": "ok"}
    said = (tmp_path / "server.log").read_text(encoding="utf-8")
    assert not [word for word in ("[WRN]", "[ERR]", "[FTL]") if word in said]


def test_all_of_them_together_do_what_they_say(tmp_path: Path) -> None:
    nats, monitor = free_ports(2)
    extra = {name: value for name, value in SAMPLES.items() if name not in ("no_header_support", "ocsp")}
    server = {
        "listen": f"{HOST}:{nats}",
        "monitor": {"listen": monitor},
        "log": {"file": "server.log"},
        "extra": extra,
    }
    space = workspace(tmp_path, server)
    with logging_server(space, tmp_path / "server.log"):
        varz = httpx.get(f"http://{HOST}:{monitor}/varz", trust_env=False).json()
        assert (tmp_path / 'nats "server".pid').read_text(encoding="ascii").isdigit()
    assert varz["feature_flags"]["js_ack_fc_v2"] is True
    text = space.project.server_conf.read_text(encoding="utf-8")
    written = [line.partition(":")[0] for line in text.splitlines() if line[:1].isalpha()]
    assert written[-len(extra) :] == list(extra)


@pytest.mark.parametrize("option", ["mapping", "no_auth_user", "authorization", "accounts"])
def test_what_is_refused_would_break_an_operators_server_or_be_unknown(option: str, tmp_path: Path) -> None:
    users = {"users": [{"user": "a", "password": "b"}]}
    values: dict[str, Value] = {
        "mapping": {"a": "b"},
        "no_auth_user": "a",
        "authorization": users,
        "accounts": {"A": users},
    }
    config = config_of(Server(listen=LOOPBACK, resolver=Resolver(dir=str(tmp_path / "jwt"))), trust())
    with pytest.raises(LiveServerError, match=r"operator|Operator|unknown field"):
        prepare(find_server(), tmp_path, {**config, option: values[option]}).start()
    with pytest.raises(SpecError) as refused:
        workspace(tmp_path, {"extra": {option: values[option]}})
    assert "extra-option" in {found.code for found in refused.value.diagnostics}


def test_no_option_is_in_two_tables_and_every_word_is_one() -> None:
    names = [*RAW, *WORDS, *DECIDED, *ALIASES]
    assert len(names) == len(set(names))
    assert set(ALIASES.values()) <= set(RAW)
    for word in WORDS.values():
        *path, last = word.split(".")
        assert last in _words_at(("server", *path)), word


def test_on_loopback_only_what_opens_nothing_stays(tmp_path: Path) -> None:
    server = Server(extra={"pid_file": "x", "max_closed_clients": 5, "proxy_protocol": True})
    backend = Backend(operator=Operator(name="acme"), accounts={}, server=server)
    ports = LoopbackPorts(nats=1, websocket=2)
    local = on_loopback(backend, ports, spec_dir=tmp_path, data=tmp_path)
    assert local.server.extra == {"max_closed_clients": 5}
    assert "extra: without pid_file, proxy_protocol" in local.substitutions
