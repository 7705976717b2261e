"""MQTT, leaf nodes, clusters and gateways as they are generated, on real servers that find each other."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.findings import with_head
from support.mqtt import ACCEPTED, NOT_AUTHORIZED, MqttClient
from support.programs import program
from support.resolvers import free_ports
from support.rules import RULES
from support.servers import NOW, PLAIN_WEBSOCKET, prepare, trust
from support.workspaces import Spec, Workspace

from natsbackend.claims.creds import parse_creds
from natsbackend.errors import LiveServerError
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.live.server import NatsServer, find_server
from natsbackend.live.wire import Connection, Deadline, connect_tcp
from natsbackend.model.entities import Target
from natsbackend.model.resolve import resolve
from natsbackend.render.conf import Value
from natsbackend.render.server_conf import server_config
from natsbackend.spec.load import parse_spec
from natsbackend.workflow.opening import open_spec
from natsbackend.workflow.push import push
from natsbackend.workflow.tree import plan_tree

HOST = "127.0.0.1"
TIMEOUT = 10.0
BEFORE_THE_ELECTION = (
    "[WRN] Waiting for routing to be established...",
    "[WRN] JetStream has not established contact with a meta leader",
)
"""What JetStream says in the first moments of every cluster."""
IN_CONFIG = {"type": "memory"}
LISTENERS = frozenset({"websocket", "mqtt", "leafnodes", "cluster", "gateway"})


def spec_of(server: Spec, **accounts: Spec) -> Spec:
    """Return a spec with a server section."""
    return {"version": 1, "operator": {"name": "acme"}, "accounts": accounts, "server": server}


def written(root: Path, spec: Spec, *, like: Workspace | None = None) -> Workspace:
    """Generate a spec, with the identities of another project if there is one."""
    if like is not None:
        shutil.copytree(like.root, root, ignore=shutil.ignore_patterns("data", "*.log"))
    space = Workspace(root=root, spec=spec)
    root.mkdir(parents=True, exist_ok=True)
    space.generate(now=NOW)
    return space


@contextmanager
def serving(space: Workspace) -> Iterator[NatsServer]:
    """Run what was written, from where it was written; it starts without a warning."""
    config, log = space.project.server_conf, space.root / "server.log"
    with NatsServer(find_server(), config, log=log, cwd=space.root) as running:
        assert [w for w in running.warnings() if w != PLAIN_WEBSOCKET] == []
        yield running


def connected(port: int, space: Workspace, account: str, user: str) -> Connection:
    """Connect as a user, with its creds."""
    creds = parse_creds(space.project.creds(account, user).read_text(encoding="utf-8"))
    assert creds.seed is not None
    return connect_tcp(HOST, port, jwt=creds.jwt, key=KeyPair.from_seed(creds.seed), timeout=TIMEOUT)


def page(port: int, name: str) -> Any:
    """Return a page of the monitoring of a server."""
    return httpx.get(f"http://{HOST}:{port}/{name}", trust_env=False).json()


def eventually(look: Callable[[], Any]) -> Any:
    """Return what is there at last; servers need a moment to find each other."""
    end = time.monotonic() + TIMEOUT
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.05)
    assert found
    return found


def crosses(receiver: Connection, sender: Connection, subject: str) -> bool:
    """Tell whether a message gets from one connection to another, before one that is known to get there.

    The interest may arrive between the two of a round, so the first round in which the fence comes alone says nothing.
    """
    sid = receiver.subscribe(subject)
    fence = receiver.subscribe("fence")
    assert receiver.flush() == []
    end = time.monotonic() + TIMEOUT
    alone = 0
    while time.monotonic() < end and alone < 2:  # the interest has to get there first
        sender.publish(subject, b"1")
        sender.publish("fence", b"1")
        assert sender.flush() == []
        found = receiver.wait_for(lambda message: message.sid in (sid, fence), Deadline(0.2))
        if found is not None and found.sid == sid:
            return True
        alone += found is not None
    return False


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, str]:
    """TLS between servers on the loopback address, from one certificate that is its own authority."""
    cert, private = tmp_path / "n.crt", tmp_path / "n.key"
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    subject = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(cert), "-keyout", str(private)]
    subprocess.run([program("openssl"), *command.split(), *subject], check=True, capture_output=True)
    return {"cert_file": str(cert), "key_file": str(private), "ca_file": str(cert)}


THING = {"bearer": True, "connection_types": ["mqtt"], "expires": "2099-01-01", "publish": ["sensors.>"]}


def test_mqtt_answers_a_bearer_and_its_messages_reach_subscribers(tmp_path: Path) -> None:
    nats, mqtt, monitor = free_ports(3)
    options = {
        "listen": f"{HOST}:{mqtt}",
        "ack_wait": "1m",
        "api_timeout": "3s",
        "max_ack_pending": 77,
        "stream_replicas": 1,
        "consumer_memory_storage": True,
        "consumer_inactive_threshold": "24h",
        "reject_qos2_publish": True,
        "downgrade_qos2_subscribe": True,
    }
    server = {
        "listen": f"{HOST}:{nats}",
        "monitor": {"listen": monitor},
        "jetstream": True,
        "mqtt": options,
        "resolver": IN_CONFIG,
    }
    users = {"thing": THING, "reader": {"subscribe": ["sensors.>"]}}
    web = {"jetstream": {"disk": "10MiB", "memory": "10MiB"}, "users": users}
    space = written(tmp_path / "n1", spec_of(server, web=web))
    token = parse_creds(space.project.creds("web", "thing").read_text(encoding="utf-8")).jwt
    assert token is not None
    with serving(space) as running, connected(nats, space, "web", "reader") as reader:
        varz = page(monitor, "varz")["mqtt"]
        reader.subscribe("sensors.>")
        assert reader.flush() == []
        with MqttClient(mqtt, token) as thing:
            assert thing.code == ACCEPTED
            thing.publish("sensors/1", b"21.5")
            message = reader.wait_for(lambda _: True, Deadline(TIMEOUT))
        assert running.warnings() == ()
        with MqttClient(mqtt, token[:-4] + "AAAA") as stranger:
            assert stranger.code == NOT_AUTHORIZED
    assert message is not None
    assert (message.subject, message.payload) == ("sensors.1", b"21.5")
    assert varz["ack_wait"] == 60_000_000_000
    assert varz["max_ack_pending"] == 77


def cluster_of(name: str, ports: tuple[int, int, int], tls: Spec) -> Spec:
    """Return a server of the cluster `eu` that asks for TLS and a password."""
    nats, routes, monitor = ports
    login = {"user": "route", "password": {"env": "NB_TEST_ROUTE_PASSWORD"}, "timeout": "5s"}
    cluster = {
        "name": "eu",
        "listen": f"{HOST}:{routes}",
        "tls": tls,
        "authorization": login,
        "pool_size": 2,
        "accounts": ["web"],
        "compression": "fast",
        "routes": [{"env": "NB_TEST_ROUTE"}],
        "ping_interval": "20s",
        "ping_max": 3,
        "connect_retries": 3,
        "connect_backoff": True,
        "no_advertise": True,
        "write_deadline": "5s",
    }
    return {
        "name": name,
        "listen": f"{HOST}:{nats}",
        "monitor": {"listen": monitor},
        "jetstream": True,
        "cluster": cluster,
    }


def test_two_servers_are_a_cluster_and_an_account_pushed_to_one_is_on_the_other(
    tmp_path: Path, certificate: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = free_ports(6)
    one, other = (ports[0], ports[1], ports[2]), (ports[3], ports[4], ports[5])
    monkeypatch.setenv("NB_TEST_ROUTE_PASSWORD", '"route, \\"secret\\""')
    monkeypatch.setenv("NB_TEST_ROUTE", f'"tls://route:route%2C%20%22secret%22@{HOST}:{one[1]}"')
    web = {"users": {"one": {"publish": ["a"]}, "two": {"subscribe": ["a", "fence"]}}}
    tls = {**certificate, "timeout": "5s", "min_version": "1.3"}
    first = written(tmp_path / "n1", spec_of(cluster_of("n1", one, tls), web=web))
    joining = cluster_of("n2", other, tls)
    second = written(tmp_path / "n2", spec_of(joining, web=web), like=first)
    assert second.key("accounts/web") == first.key("accounts/web")
    with serving(first) as a, serving(second) as b:
        # two of the pool, one of the account `web` and one of the system account
        eventually(lambda: page(one[2], "routez")["num_routes"] == 4)
        assert page(one[2], "varz")["cluster"]["name"] == "eu"
        tree = plan_tree(open_spec(str(first.file)), first.project, now=NOW)
        target = Target(name="eu", urls=(f"nats://{HOST}:{one[0]}",), servers=2)
        assert [r.problems() for r in push(tree, target, now=int(time.time()))] == [(), ()]
        stored = second.root / "data" / "jwt" / f"{second.key('accounts/web')}.jwt"
        assert stored.read_text(encoding="utf-8") == tree.tokens["accounts/web"]
        with (
            connected(other[0], second, "web", "two") as receiver,
            connected(one[0], first, "web", "one") as sender,
        ):
            receiver.subscribe("a")
            assert receiver.flush() == []
            eventually(lambda: page(one[2], "varz")["subscriptions"] and _arrives(sender, receiver, "a"))
        assert [w for w in (*a.warnings(), *b.warnings()) if w not in BEFORE_THE_ELECTION] == []
    conf = second.project.server_conf.read_text(encoding="utf-8")
    assert "$NB_TEST_ROUTE\n" in conf
    assert "secret" not in conf


def _arrives(sender: Connection, receiver: Connection, subject: str) -> bool:
    sender.publish(subject, b"1")
    assert sender.flush() == []
    return receiver.wait_for(lambda _: True, Deadline(0.2)) is not None


def test_a_route_without_the_password_is_refused(
    tmp_path: Path, certificate: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = free_ports(6)
    one, other = (ports[0], ports[1], ports[2]), (ports[3], ports[4], ports[5])
    monkeypatch.setenv("NB_TEST_ROUTE_PASSWORD", "right")
    monkeypatch.setenv("NB_TEST_ROUTE", f"tls://route:wrong@{HOST}:{one[1]}")
    first = written(tmp_path / "n1", spec_of(cluster_of("n1", one, certificate), web={}))
    joining = cluster_of("n2", other, certificate)
    second = written(tmp_path / "n2", spec_of(joining, web={}), like=first)
    with serving(first) as a, serving(second):
        eventually(lambda: any("authentication error" in line for line in a.warnings()))
        assert page(one[2], "routez")["num_routes"] == 0


EDGE = {"publish": [">"], "subscribe": [">"]}
HUB_USERS = {
    "edge": {"connection_types": ["leafnode", "leafnode_ws"], **EDGE},
    "center": EDGE,
}


@pytest.mark.parametrize(
    ("scheme", "words"),
    [
        ("nats", {"creds": "web/edge", "compression": "off", "first_info_timeout": "5s"}),
        ("ws", {"creds": "web/edge", "ws_compression": True, "ws_no_masking": True}),
        ("nats", {"creds": None, "no_randomize": True, "ignore_discovered_servers": True, "isolate": True}),
    ],
    ids=["creds-by-name", "over-a-websocket", "creds-from-elsewhere"],
)
def test_a_leaf_node_joins_an_account_and_messages_cross(
    scheme: str, words: Mapping[str, Any], tmp_path: Path
) -> None:
    nats, leaf, websocket, monitor, edge = free_ports(5)
    listening = {
        "listen": f"{HOST}:{leaf}",
        "min_version": "2.10.0",
        "no_advertise": True,
        "write_deadline": "5s",
    }
    server = {
        "listen": f"{HOST}:{nats}",
        "monitor": {"listen": monitor},
        "resolver": IN_CONFIG,
        "leafnodes": listening,
        "websocket": {"listen": f"{HOST}:{websocket}", "no_tls": True},
    }
    hub = written(tmp_path / "hub", spec_of(server, web={"users": HUB_USERS}))
    remote = {
        "urls": [f"{scheme}://{HOST}:{leaf if scheme == 'nats' else websocket}"],
        "account": "web",
        "deny_imports": ["private.>"],
        **words,
    }
    if remote["creds"] is None:  # another operator, whose account knows nothing of the hub but a creds file
        remote["creds"] = {"file": str(hub.project.creds("web", "edge"))}
    there = {
        "listen": f"{HOST}:{edge}",
        "resolver": IN_CONFIG,
        "leafnodes": {"remotes": [remote], "reconnect": "1s", "dial_timeout": "2s"},
    }
    like = hub if isinstance(remote["creds"], str) else None
    far = written(tmp_path / "edge", spec_of(there, web={"users": HUB_USERS}), like=like)
    with serving(hub) as one, serving(far) as other:
        (leafz,) = eventually(lambda: page(monitor, "leafz").get("leafs"))
        assert leafz["account"] == hub.key("accounts/web")
        with connected(nats, hub, "web", "center") as center, connected(edge, far, "web", "center") as local:
            assert crosses(local, center, "down.1")
            assert crosses(center, local, "up.1")
            assert not crosses(local, center, "private.1")
        assert [w for w in (*one.warnings(), *other.warnings()) if w != PLAIN_WEBSOCKET] == []


def test_gateways_join_two_clusters(
    tmp_path: Path, certificate: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nats, gateway, monitor, other_nats, other_gateway, other_monitor = free_ports(6)
    monkeypatch.setenv("NB_TEST_GATEWAY_PASSWORD", '"123"')
    both = {
        "tls": certificate,
        "authorization": {"user": "gateway", "password": {"env": "NB_TEST_GATEWAY_PASSWORD"}},
        "connect_retries": 3,
        "connect_backoff": True,
        "write_deadline": "5s",
    }
    users = {"web": {"users": {"center": EDGE}}}
    server = {
        "name": "eu1",
        "listen": f"{HOST}:{nats}",
        "monitor": {"listen": monitor},
        "resolver": IN_CONFIG,
        "gateway": {"name": "eu", "listen": f"{HOST}:{gateway}", **both},
    }
    eu = written(tmp_path / "eu", spec_of(server, **users))
    remote = {"name": "eu", "urls": [f"nats://{HOST}:{gateway}"], "tls": certificate}
    theirs = {
        "name": "us1",
        "listen": f"{HOST}:{other_nats}",
        "monitor": {"listen": other_monitor},
        "resolver": IN_CONFIG,
        "gateway": {
            "name": "us",
            "listen": f"{HOST}:{other_gateway}",
            "reject_unknown": True,
            "gateways": [remote],
            **both,
        },
    }
    us = written(tmp_path / "us", spec_of(theirs, **users), like=eu)
    with serving(eu) as one, serving(us) as other:
        assert eventually(lambda: page(other_monitor, "gatewayz")["outbound_gateways"])["eu"]
        assert eventually(lambda: page(monitor, "gatewayz")["outbound_gateways"])["us"]
        with connected(nats, eu, "web", "center") as a, connected(other_nats, us, "web", "center") as b:
            assert crosses(a, b, "over.there")
        assert (one.warnings(), other.warnings()) == ((), ())


NOT_STARTED = (
    "advertise",
    "mqtt-jetstream",
    "leafnode-login",
    "leafnode-mixed-urls",
    "leafnode-duplicate",
    "leafnode-subject",
    "leafnode-tls",
    "leafnode-version",
    "cluster-server-name",
    "cluster-jetstream",
    "cluster-permission-subject",
    "gateway-name",
    "extra-js-domain",
    "same-address",
)


STARTED = ("advertise: ''", "n1:70000", "a b:1")
"""What the server takes as it is and hands on, to nobody's use."""


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (code, text)
        for code in NOT_STARTED
        for text in RULES[code].breaks
        if not any(word in text for word in STARTED)
    ],
)
def test_what_a_check_says_of_the_start_is_so(
    code: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEED", KeyPair(KeyRole.USER, bytes(range(32))).reveal_seed())
    server = prepare(find_server(), tmp_path, config_of(text, moved=code != "same-address"))
    with contextlib.suppress(LiveServerError), server:
        assert server.wait(TIMEOUT)  # it was ready before it came to what it refuses
    assert not server.alive
    assert ("address already in use" in server.last_words) is (code == "same-address")
    assert "variable reference" not in server.last_words


@pytest.mark.parametrize("text", [t for t in RULES["advertise"].breaks if any(w in t for w in STARTED)])
def test_an_address_that_nobody_can_connect_to_is_handed_on_as_it_is(text: str, tmp_path: Path) -> None:
    with prepare(find_server(), tmp_path, config_of(text, moved=True)) as server:
        assert not server.wait(0.2)


def config_of(text: str, *, moved: bool) -> dict[str, Value]:
    """Return the config of a spec; where it is moved, every listener is on a free port."""
    backend = resolve(parse_spec(with_head(text), "spec.yaml")).backend
    trusted = trust()
    config = dict(
        server_config(
            backend,
            operator=trusted.operator,
            system_account=trusted.system_account,
            preload=trusted.preload,
            accounts=dict.fromkeys(backend.accounts, trusted.system_account),
            creds={u.path: "none.creds" for a in backend.accounts.values() for u in a.users.values()},
        )
    )
    if moved:
        config["listen"] = f"{HOST}:-1"
        for word in LISTENERS & config.keys():
            section = config[word]
            assert isinstance(section, Mapping)
            config[word] = {**section, "listen": f"{HOST}:-1"}
    return config
