"""The words for MQTT, leaf nodes, clusters and gateways to entities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from natsbackend.model.clustering import (
    Cluster,
    Gateway,
    RemoteGateway,
    RoutePermissions,
    RouteSubjects,
)
from natsbackend.model.leafnodes import LeafnodeLogin, LeafnodeProxy, LeafnodeRemote, Leafnodes, RemoteTls
from natsbackend.model.listening import Say, read_listen, read_secret, read_tls
from natsbackend.model.mqtt import Mqtt
from natsbackend.model.peers import Login, Peer
from natsbackend.model.serving import Server, Tls
from natsbackend.spec.cluster_models import (
    ClusterSpec,
    GatewaySpec,
    RemoteGatewaySpec,
    RoutePermissionsSpec,
    RouteSubjectsSpec,
)
from natsbackend.spec.leafnode_models import (
    CredsFileSpec,
    LeafnodeLoginSpec,
    LeafnodeRemoteSpec,
    LeafnodesSpec,
)
from natsbackend.spec.load import Spec, Step
from natsbackend.spec.mqtt_models import MqttSpec
from natsbackend.spec.peer_models import ListenerPeerTlsSpec, LoginSpec, PeerTlsSpec, PeerUrl
from natsbackend.spec.section_models import ServerSectionSpec


def joined(server: Server, model: ServerSectionSpec, spec: Spec, say: Say) -> Server:
    """Add to a server what it opens for MQTT and for other servers."""
    return replace(
        server,
        mqtt=_mqtt(model.mqtt, spec, say) if model.mqtt else None,
        leafnodes=_leafnodes(model.leafnodes, spec, say) if model.leafnodes else None,
        cluster=_cluster(model.cluster, spec, say) if model.cluster else None,
        gateway=_gateway(model.gateway, model.cluster, spec, say) if model.gateway else None,
    )


def _mqtt(model: MqttSpec, spec: Spec, say: Say) -> Mqtt:
    tls = read_tls(model.tls)
    if tls is not None and model.tls is not None:
        tls = replace(tls, timeout=model.tls.timeout)
    return Mqtt(
        listen=read_listen(model.listen, spec.at("server", "mqtt", "listen"), say),
        tls=tls,
        auth_timeout=model.auth_timeout,
        ack_wait=model.ack_wait,
        api_timeout=model.api_timeout,
        max_ack_pending=model.max_ack_pending,
        js_domain=model.js_domain,
        stream_replicas=model.stream_replicas,
        consumer_memory_storage=model.consumer_memory_storage,
        consumer_inactive_threshold=model.consumer_inactive_threshold,
        reject_qos2_publish=model.reject_qos2_publish,
        downgrade_qos2_subscribe=model.downgrade_qos2_subscribe,
    )


def _leafnodes(model: LeafnodesSpec, spec: Spec, say: Say) -> Leafnodes:
    at = spec.at("server", "leafnodes", "listen")
    return Leafnodes(
        listen=None if model.listen is None else read_listen(model.listen, at, say),
        tls=read_tls(model.tls),
        authorization=_leafnode_login(model.authorization),
        advertise=model.advertise,
        no_advertise=model.no_advertise,
        min_version=model.min_version,
        compression=model.compression,
        isolate=model.isolate,
        write_deadline=model.write_deadline,
        write_timeout=model.write_timeout,
        reconnect=model.reconnect,
        dial_timeout=model.dial_timeout,
        remotes=tuple(_remote(remote, spec, i) for i, remote in enumerate(model.remotes)),
    )


def _leafnode_login(model: LeafnodeLoginSpec | None) -> LeafnodeLogin | None:
    if model is None:
        return None
    return LeafnodeLogin(
        account=model.account,
        user=model.user,
        password=read_secret(model.password) if model.password else None,
        nkey=model.nkey,
        timeout=model.timeout,
    )


def _remote(model: LeafnodeRemoteSpec, spec: Spec, index: int) -> LeafnodeRemote:
    base = ("server", "leafnodes", "remotes", index)
    tls, creds, proxy = model.tls, model.creds, model.proxy
    return LeafnodeRemote(
        urls=_peers(model.urls, spec, *base, "urls"),
        account=model.account,
        user=creds if isinstance(creds, str) else None,
        creds_file=creds.file if isinstance(creds, CredsFileSpec) else None,
        nkey=read_secret(model.nkey) if model.nkey else None,
        tls=RemoteTls(**tls.model_dump()) if tls else None,
        hub=model.hub,
        deny_imports=tuple(model.deny_imports),
        deny_exports=tuple(model.deny_exports),
        no_randomize=model.no_randomize,
        compression=model.compression,
        ws_compression=model.ws_compression,
        ws_no_masking=model.ws_no_masking,
        jetstream_cluster_migrate=model.jetstream_cluster_migrate,
        isolate=model.isolate,
        request_isolation=model.request_isolation,
        first_info_timeout=model.first_info_timeout,
        dial_timeout=model.dial_timeout,
        ignore_discovered_servers=model.ignore_discovered_servers,
        disabled=model.disabled,
        proxy=LeafnodeProxy(
            url=proxy.url,
            username=proxy.username,
            password=read_secret(proxy.password) if proxy.password else None,
            timeout=proxy.timeout,
        )
        if proxy
        else None,
        at=spec.at(*base),
    )


def _cluster(model: ClusterSpec, spec: Spec, say: Say) -> Cluster:
    return Cluster(
        name=model.name,
        listen=read_listen(model.listen, spec.at("server", "cluster", "listen"), say),
        routes=_peers(model.routes, spec, "server", "cluster", "routes"),
        tls=_peer_tls(model.tls),
        authorization=_login(model.authorization),
        permissions=_permissions(model.permissions),
        advertise=model.advertise,
        no_advertise=model.no_advertise,
        pool_size=model.pool_size,
        accounts=tuple(model.accounts),
        compression=model.compression,
        ping_interval=model.ping_interval,
        ping_max=model.ping_max,
        connect_retries=model.connect_retries,
        connect_backoff=model.connect_backoff,
        write_deadline=model.write_deadline,
        write_timeout=model.write_timeout,
    )


def _permissions(model: RoutePermissionsSpec | None) -> RoutePermissions:
    if model is None:
        return RoutePermissions()
    return RoutePermissions(taken=_subjects(model.import_), given=_subjects(model.export))


def _subjects(model: RouteSubjectsSpec | None) -> RouteSubjects | None:
    return RouteSubjects(allow=tuple(model.allow or ()), deny=tuple(model.deny or ())) if model else None


def _gateway(model: GatewaySpec, cluster: ClusterSpec | None, spec: Spec, say: Say) -> Gateway:
    name = model.name if model.name is not None else cluster.name if cluster else None
    return Gateway(
        name=name,
        listen=read_listen(model.listen, spec.at("server", "gateway", "listen"), say),
        tls=_peer_tls(model.tls),
        authorization=_login(model.authorization),
        advertise=model.advertise,
        connect_retries=model.connect_retries,
        connect_backoff=model.connect_backoff,
        reject_unknown=model.reject_unknown,
        write_deadline=model.write_deadline,
        write_timeout=model.write_timeout,
        gateways=tuple(_remote_gateway(remote, spec, i) for i, remote in enumerate(model.gateways)),
    )


def _remote_gateway(model: RemoteGatewaySpec, spec: Spec, index: int) -> RemoteGateway:
    base = ("server", "gateway", "gateways", index)
    urls = _peers(model.urls, spec, *base, "urls")
    return RemoteGateway(name=model.name, urls=urls, tls=_peer_tls(model.tls), at=spec.at(*base))


def _peers(urls: Sequence[PeerUrl], spec: Spec, *path: Step) -> tuple[Peer, ...]:
    return tuple(
        Peer(url=url, at=spec.at(*path, i))
        if isinstance(url, str)
        else Peer(secret=read_secret(url), at=spec.at(*path, i))
        for i, url in enumerate(urls)
    )


def _peer_tls(model: PeerTlsSpec | None) -> Tls | None:
    """Read TLS between servers; `verify` is not written, since the server always asks for a certificate there."""
    if model is None:
        return None
    pins = model.pinned_certs if isinstance(model, ListenerPeerTlsSpec) else None
    return Tls(
        cert_file=model.cert_file,
        key_file=model.key_file,
        ca_file=model.ca_file,
        min_version=model.min_version,
        cipher_suites=tuple(model.cipher_suites or ()),
        curve_preferences=tuple(model.curve_preferences or ()),
        pinned_certs=tuple(pins or ()),
        timeout=model.timeout,
    )


def _login(model: LoginSpec | None) -> Login | None:
    if model is None:
        return None
    return Login(user=model.user, password=read_secret(model.password), timeout=model.timeout)
