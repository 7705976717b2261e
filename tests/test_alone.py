"""A server that is alone on this machine: nothing leads outside, listeners are on loopback, and all of it is said."""

from __future__ import annotations

from pathlib import Path

from support.findings import with_head
from support.golden import GOLDEN, SPEC
from support.running import without_ports

from natsbackend.live.server import NatsServer, find_server
from natsbackend.model.entities import Backend
from natsbackend.model.resolve import resolve
from natsbackend.model.serving import Listen
from natsbackend.project import Project
from natsbackend.spec.load import parse_spec
from natsbackend.workflow.loopback import Loopback, LoopbackPorts, on_loopback
from natsbackend.workflow.opening import Opened
from natsbackend.workflow.tree import plan_tree

HOST = "127.0.0.1"


def backend_of(text: str) -> Backend:
    """Return what a spec means."""
    return resolve(parse_spec(with_head(text), SPEC)).backend


def golden(name: str) -> str:
    """Return a spec of the golden corpus."""
    return (GOLDEN / name / SPEC).read_text(encoding="utf-8")


def local(backend: Backend, directory: Path, nats: int = 4222) -> Loopback:
    """Put a backend on loopback."""
    ports = LoopbackPorts(nats=nats, websocket=8080)
    return on_loopback(backend, ports, spec_dir=directory, data=directory / "data")


def test_there_is_no_cluster_and_no_gateway(tmp_path: Path) -> None:
    alone = local(backend_of(golden("052-cluster")), tmp_path)
    assert (alone.server.cluster, alone.server.gateway) == (None, None)
    assert {
        "cluster: none, the server is alone; eu is not joined",
        "gateway: none; eu, us is not reached",
    } <= {*alone.substitutions}


def test_the_login_of_leaf_nodes_is_left_out(tmp_path: Path) -> None:
    alone = local(backend_of(golden("095-leafnode-login")), tmp_path)
    assert alone.server.leafnodes is not None
    assert alone.server.leafnodes.authorization is None
    assert "leaf nodes: with creds of users, since the login is the server's alone" in alone.substitutions


def test_there_are_no_remotes_and_leaf_nodes_come_over_loopback(tmp_path: Path) -> None:
    alone = local(backend_of(golden("051-leafnodes")), tmp_path)
    leafnodes = alone.server.leafnodes
    assert leafnodes is not None
    assert (leafnodes.listen, leafnodes.tls, leafnodes.remotes) == (Listen(host=HOST, port=7422), None, ())
    assert (leafnodes.advertise, leafnodes.isolate) == (None, True)
    assert {
        "leaf nodes: no remotes; web, ünd/lab is joined with nothing elsewhere",
        "leaf nodes: no TLS, since it is on loopback",
        "leaf nodes: 127.0.0.1:7422",
    } <= {*alone.substitutions}


def test_remotes_alone_leave_nothing(tmp_path: Path) -> None:
    text = "accounts: {web: {}}\nserver: {leafnodes: {remotes: [{account: web, urls: ['tls://hub']}]}}"
    assert local(backend_of(text), tmp_path).server.leafnodes is None


def test_mqtt_keeps_its_sessions_here(tmp_path: Path) -> None:
    text = "server: {leafnodes: {listen: 7422}, mqtt: {listen: 1883, stream_replicas: 3, js_domain: hub}}"
    alone = local(backend_of(text), tmp_path)
    mqtt = alone.server.mqtt
    assert mqtt is not None
    assert (mqtt.stream_replicas, mqtt.js_domain, alone.server.jetstream is None) == (None, None, False)
    assert {
        "JetStream is on, since MQTT keeps its sessions there",
        "MQTT: one replica of its streams, since the server is alone",
        "MQTT: its sessions are in this server, not in the domain hub",
        "MQTT: 127.0.0.1:1883",
    } <= {*alone.substitutions}


def test_the_domain_of_mqtt_stays_if_it_is_that_of_the_server(tmp_path: Path) -> None:
    mqtt = local(backend_of(golden("050-mqtt")), tmp_path).server.mqtt
    assert mqtt is not None
    assert (mqtt.js_domain, mqtt.tls, mqtt.ack_wait) == ("hub", None, 60_000_000_000)


def test_what_is_already_so_is_not_said(tmp_path: Path) -> None:
    text = "server: {listen: '127.0.0.1:4222', jetstream: true, mqtt: {listen: '127.0.0.1:1883'}}"
    assert not [said for said in local(backend_of(text), tmp_path).substitutions if "MQTT" in said]


def test_it_starts_without_a_warning(tmp_path: Path) -> None:
    backend = without_ports(backend_of(golden("053-gateway-alone")))
    project = Project(tmp_path)
    project.make_private()
    alone = local(backend, tmp_path, nats=0)
    plan_tree(Opened(alone.backend, ()), project, now=1_760_000_000).write()
    config = project.server_conf
    with NatsServer(find_server(), config, log=tmp_path / "log", cwd=tmp_path) as server:
        assert server.warnings() == ()
