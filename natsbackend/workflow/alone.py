"""A server that is alone on its machine: what `up` leaves of MQTT, leaf nodes, cluster and gateways.

Nothing leads outside: there are no routes, no gateways and no leaf node remotes, whose servers would take throwaway
identities for strangers anyway. Listeners stay, on loopback and without TLS, on a port of their own. Each thing that is
put in place of another is said.
"""

from __future__ import annotations

from dataclasses import replace

from natsbackend.model.leafnodes import Leafnodes
from natsbackend.model.mqtt import Mqtt
from natsbackend.model.serving import Listen, Server

LOOPBACK = "127.0.0.1"


def alone(server: Server, said: list[str]) -> Server:
    """Take out of a server what joins it to others, and put its other listeners on loopback."""
    if server.cluster is not None:
        said.append(f"cluster: none, the server is alone; {server.cluster.name} is not joined")
    if server.gateway is not None:
        names = ", ".join(remote.name for remote in server.gateway.gateways) or "no other cluster"
        said.append(f"gateway: none; {names} is not reached")
    return replace(
        server,
        mqtt=_mqtt(server.mqtt, server, said) if server.mqtt else None,
        leafnodes=_leafnodes(server.leafnodes, said) if server.leafnodes else None,
        cluster=None,
        gateway=None,
    )


def _listen(listen: Listen, what: str, said: list[str]) -> Listen:
    local = Listen(host=LOOPBACK, port=listen.port or 0)
    if listen.host != LOOPBACK or not listen.port:
        said.append(f"{what}: {LOOPBACK}:{local.port or '(any port)'}")
    return local


def _mqtt(mqtt: Mqtt, server: Server, said: list[str]) -> Mqtt:
    if mqtt.tls is not None:
        said.append("MQTT: no TLS, since it is on loopback")
    if (mqtt.stream_replicas or 1) > 1:
        said.append("MQTT: one replica of its streams, since the server is alone")
    domain = mqtt.js_domain
    if domain is not None and (server.jetstream is None or domain != server.jetstream.domain):
        said.append(f"MQTT: its sessions are in this server, not in the domain {domain}")
        domain = None
    listen = _listen(mqtt.listen, "MQTT", said)
    return replace(mqtt, listen=listen, tls=None, stream_replicas=None, js_domain=domain)


def _leafnodes(leafnodes: Leafnodes, said: list[str]) -> Leafnodes | None:
    if leafnodes.remotes:
        accounts = ", ".join(dict.fromkeys(remote.account for remote in leafnodes.remotes))
        said.append(f"leaf nodes: no remotes; {accounts} is joined with nothing elsewhere")
    if leafnodes.listen is None:
        return None
    if leafnodes.tls is not None:
        said.append("leaf nodes: no TLS, since it is on loopback")
    if leafnodes.authorization is not None:
        said.append("leaf nodes: with creds of users, since the login is the server's alone")
    listen = _listen(leafnodes.listen, "leaf nodes", said)
    return replace(leafnodes, listen=listen, tls=None, authorization=None, advertise=None, remotes=())
