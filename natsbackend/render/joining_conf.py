"""MQTT, leaf nodes, cluster and gateways as the config of nats-server (2.15, `server/opts.go`).

Passwords, seeds and URLs that hold one are written as variables of the environment that the server starts in, or stand
in files that it includes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from natsbackend.model.clustering import (
    DEFAULT_CLUSTER_PORT,
    DEFAULT_GATEWAY_PORT,
    Cluster,
    Gateway,
    RemoteGateway,
    RoutePermissions,
)
from natsbackend.model.entities import Backend
from natsbackend.model.leafnodes import (
    DEFAULT_LEAFNODE_PORT,
    LeafnodeLogin,
    LeafnodeProxy,
    LeafnodeRemote,
    Leafnodes,
    RemoteTls,
    find_user,
)
from natsbackend.model.mqtt import Mqtt
from natsbackend.model.peers import Login, Peer
from natsbackend.model.serving import Secret
from natsbackend.render.conf import Value, Variable, duration
from natsbackend.render.listener_conf import address, tls_options
from natsbackend.render.secrets import option_path, secret, url_name

Options = dict[str, Value]

_TIMES = frozenset(
    {
        "ack_wait",
        "api_timeout",
        "consumer_inactive_threshold",
        "dial_timeout",
        "first_info_timeout",
        "ping_interval",
        "reconnect",
        "timeout",
        "write_deadline",
    }
)
_OTHER_NAMES = {
    "api_timeout": "js_api_timeout",
    "isolate": "isolate_leafnode_interest",
    "reject_unknown": "reject_unknown_cluster",
}
"""Names in the config of words that have another one in the spec."""


def joining_config(
    backend: Backend, accounts: Mapping[str, str], creds: Mapping[str, str], secrets: str
) -> Options:
    """Return the options for MQTT and for other servers; the arguments are those of `server_config`."""
    server = backend.server
    config: Options = {}
    if server is None:
        return config
    if server.mqtt is not None:
        config["mqtt"] = _mqtt(server.mqtt)
    if server.leafnodes is not None:
        config["leafnodes"] = _leafnodes(server.leafnodes, backend, accounts, creds, secrets)
    if server.cluster is not None:
        config["cluster"] = _cluster(server.cluster, accounts, secrets)
    if server.gateway is not None:
        config["gateway"] = _gateway(server.gateway, secrets)
    return config


def _plain(entity: object, *left_out: str) -> Options:
    """Return the options that are texts, numbers, switches and times, without those that stand for the default."""
    options: Options = {}
    for each in fields(entity):  # type: ignore[arg-type]  # every entity is a dataclass
        value = getattr(entity, each.name)
        if each.name in left_out or value is None or value is False or each.name == "at":
            continue
        name = _OTHER_NAMES.get(each.name, each.name)
        options[name] = duration(value) if each.name in _TIMES else value
    return options


def _mqtt(mqtt: Mqtt) -> Options:
    options: Options = {"listen": address(mqtt.listen, mqtt.default_port)}
    if mqtt.tls is not None:
        options["tls"] = tls_options(mqtt.tls)
    if mqtt.auth_timeout is not None:  # seconds: it reads no text here (`opts.go`, parseSimpleAuth)
        options["authorization"] = {"timeout": mqtt.auth_timeout}
    return options | _plain(mqtt, "listen", "tls", "auth_timeout")


def _leafnodes(
    leafnodes: Leafnodes,
    backend: Backend,
    accounts: Mapping[str, str],
    creds: Mapping[str, str],
    secrets: str,
) -> Options:
    options: Options = {}
    if leafnodes.listen is not None:
        options["listen"] = address(leafnodes.listen, DEFAULT_LEAFNODE_PORT)
    if leafnodes.tls is not None:
        options["tls"] = tls_options(leafnodes.tls)
    if leafnodes.authorization is not None:
        options["authorization"] = _leafnode_login(leafnodes.authorization, accounts, secrets)
    options |= _plain(leafnodes, "listen", "tls", "authorization", "remotes")
    if leafnodes.remotes:
        options["remotes"] = [
            _remote(remote, backend, accounts, creds, _Secrets(secrets, ("leafnodes", "remotes", i)))
            for i, remote in enumerate(leafnodes.remotes)
        ]
    return options


def _leafnode_login(login: LeafnodeLogin, accounts: Mapping[str, str], directory: str) -> Options:
    options = _plain(login, "account", "password") | {"account": accounts[login.account]}
    if login.password is not None:
        secrets = _Secrets(directory, ("leafnodes", "authorization"))
        options["password"] = secrets.value(login.password, "password")
    return options


def _remote(
    remote: LeafnodeRemote,
    backend: Backend,
    accounts: Mapping[str, str],
    creds: Mapping[str, str],
    secrets: _Secrets,
) -> Options:
    options: Options = {**secrets.urls("urls", remote.urls), "account": accounts[remote.account]}
    found = find_user(backend.accounts, remote.user) if remote.user is not None else None
    if found is not None:
        options["credentials"] = creds[found[1].path]
    elif remote.creds_file is not None:
        options["credentials"] = remote.creds_file
    if remote.nkey is not None:
        options["nkey"] = secrets.value(remote.nkey, "nkey")
    if remote.tls is not None:
        options["tls"] = _remote_tls(remote.tls)
    for word in ("deny_imports", "deny_exports"):
        if subjects := getattr(remote, word):
            options[word] = list(subjects)
    handled = (
        "urls",
        "account",
        "user",
        "creds_file",
        "nkey",
        "tls",
        "deny_imports",
        "deny_exports",
        "proxy",
    )
    options |= _plain(remote, *handled)
    if not isinstance(remote.jetstream_cluster_migrate, bool):
        delay = duration(remote.jetstream_cluster_migrate)
        options["jetstream_cluster_migrate"] = {"leader_migrate_delay": delay}
    if remote.proxy is not None:
        options["proxy"] = _proxy(remote.proxy, secrets)
    return options


def _remote_tls(tls: RemoteTls) -> Options:
    return _plain(tls)


def _proxy(proxy: LeafnodeProxy, secrets: _Secrets) -> Options:
    options = _plain(proxy, "password")
    if proxy.password is not None:
        options["password"] = secrets.value(proxy.password, "proxy", "password")
    return options


def _cluster(cluster: Cluster, accounts: Mapping[str, str], directory: str) -> Options:
    secrets = _Secrets(directory, ("cluster",))
    options: Options = {"name": cluster.name, "listen": address(cluster.listen, DEFAULT_CLUSTER_PORT)}
    if cluster.tls is not None:
        options["tls"] = tls_options(cluster.tls)
    if cluster.authorization is not None:
        options["authorization"] = _login(cluster.authorization, secrets)
    if cluster.routes:
        options |= secrets.urls("routes", cluster.routes)
    if permissions := _permissions(cluster.permissions):
        options["permissions"] = permissions
    handled = ("name", "listen", "tls", "authorization", "permissions", "routes", "accounts")
    options |= _plain(cluster, *handled)
    if cluster.accounts:
        options["accounts"] = [accounts[name] for name in cluster.accounts]
    return options


def _permissions(permissions: RoutePermissions) -> Options:
    """Leave out what stands empty: an empty list is no restriction to the server, as none is."""
    options: Options = {}
    for word, subjects in permissions.by_word():
        listed = {"allow": subjects.allow, "deny": subjects.deny} if subjects else {}
        if any(listed.values()):
            options[word] = {name: list(found) for name, found in listed.items() if found}
    return options


def _gateway(gateway: Gateway, directory: str) -> Options:
    secrets = _Secrets(directory, ("gateway",))
    options: Options = {
        "name": gateway.name or "",
        "listen": address(gateway.listen, DEFAULT_GATEWAY_PORT),
    }
    if gateway.tls is not None:
        options["tls"] = tls_options(gateway.tls)
    if gateway.authorization is not None:
        options["authorization"] = _login(gateway.authorization, secrets)
    options |= _plain(gateway, "name", "listen", "tls", "authorization", "gateways")
    if gateway.gateways:
        options["gateways"] = [
            _remote_gateway(remote, _Secrets(directory, ("gateway", "gateways", i)))
            for i, remote in enumerate(gateway.gateways)
        ]
    return options


def _remote_gateway(remote: RemoteGateway, secrets: _Secrets) -> Options:
    options: Options = {"name": remote.name, **secrets.urls("urls", remote.urls)}
    if remote.tls is not None:
        options["tls"] = tls_options(remote.tls)
    return options


def _login(login: Login, secrets: _Secrets) -> Options:
    password = secrets.value(login.password, "authorization", "password")
    options: Options = {"user": login.user, "password": password}
    if login.timeout is not None:
        options["timeout"] = duration(login.timeout)
    return options


@dataclass(frozen=True, slots=True)
class _Secrets:
    """The secrets of a section or an element of one, as its options."""

    directory: str
    """Where the included files are, relative to the config."""
    section: tuple[str | int, ...]

    def value(self, where: Secret, *path: str) -> Value:
        """Return the value of an option that is a secret; its path begins at the section."""
        return secret(option_path(*self.section, *path), where, self.directory)

    def urls(self, word: str, peers: Iterable[Peer]) -> Options:
        """Return an option that is a list of URLs, behind the includes of those that stand in files."""
        included: Options = {}
        urls: list[Value] = []
        for index, peer in enumerate(peers):
            if peer.secret is None:
                urls.append(peer.url or "")
            elif peer.secret.env is not None:
                urls.append(Variable(peer.secret.env))
            else:
                name = url_name(index)
                included[name] = self.value(peer.secret, name)
                urls.append(Variable(name))
        return included | {word: urls}
