"""A `Backend` as the config of nats-server: which options, in which order, with which defaults.

How values are quoted is `conf`'s business; whether they make sense, `model.checks` says, with the line of the
spec. What the server does with them (nats-server 2.15, `server/opts.go`):

- Relative paths, `operator`'s included, are resolved against the directory the server is *started in*, not
  the one the config is in. No path here is expanded: `~` and `$HOME` are names like others.
- Options inside `resolver` are matched with their case, unknown ones are ignored without a word, and a time
  that is not a quoted string is refused: so the names stand here once, and `duration` writes the times.
- None of operator, system account, resolver, websocket and listen is changed by a reload: all need a restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from types import MappingProxyType
from typing import Any

from natsbackend.model.entities import UNLIMITED, Backend
from natsbackend.model.serving import (
    DEFAULT_PORT,
    Monitor,
    Resolver,
    ResolverKind,
    Server,
    ServerJetStream,
    ServerLimits,
    Websocket,
)
from natsbackend.render.about_conf import about
from natsbackend.render.conf import Value, duration, write_conf
from natsbackend.render.joining_conf import joining_config
from natsbackend.render.listener_conf import address as _address
from natsbackend.render.listener_conf import tls_options as _tls
from natsbackend.render.secrets import secret
from natsbackend.render.tuning_conf import tuning_options

DEFAULT_MONITOR_PORT = 8222
"""Where monitoring listens if the spec names no port; the one that all tools of NATS expect."""

DEFAULT_WEBSOCKET_PORT = 8443
"""The websocket port if the spec names none and there is `tls`; nats-server has no default of its own."""

DEFAULT_PLAIN_WEBSOCKET_PORT = 8080
"""The same without `tls`."""

_MOST = 2**31 - 1
_NO_ACCOUNTS: Mapping[str, str] = MappingProxyType({})


def server_config(
    backend: Backend,
    *,
    operator: str,
    system_account: str,
    preload: Mapping[str, str],
    accounts: Mapping[str, str] = _NO_ACCOUNTS,
    sentinel: str | None = None,
    secrets: str = "secrets",
    creds: Mapping[str, str] = _NO_ACCOUNTS,
    ports_dir: str | None = None,
) -> dict[str, Value]:
    """Return the options of nats-server for a backend, in the order they are written.

    A backend without a `server` gets the defaults of `Server`: a listener on loopback, and a full resolver.

    Args:
        backend: what the spec means; only its `server` is read.
        operator: the operator JWT itself, or the path of a file with it. The server resolves a relative path
            against the directory it is started in.
        system_account: the public key of the system account, the same as in the operator JWT.
        preload: account JWTs by public key that the resolver stores at the start, if it has no newer ones.
            With a strict operator the system account must be among them, and all accounts where the resolver is
            in memory. A URL resolver takes none: the server would not start.
        sentinel: the JWT of the default sentinel, if there is one.
        secrets: the directory of the included files with secrets, relative to that of the config.
        accounts: the public key of each account by name; needed where the resolver pins some, where a cluster has
            routes for some, and where leaf node remotes are joined with some.
        creds: the creds file of each user by its path; needed where a leaf node remote logs in as one.
        ports_dir: where the server writes the addresses it really listens on.

    Raises:
        ConfError: a time that cannot be written.
    """
    server = backend.server or Server()
    config: dict[str, Value] = {}
    if server.name is not None:
        config["server_name"] = server.name
    config["listen"] = _address(server.listen, DEFAULT_PORT)
    if server.advertise is not None:
        config["client_advertise"] = server.advertise
    if server.tls is not None:
        config["tls"] = _tls(server.tls)
    config.update(_limits(server.limits))
    if server.monitor is not None:
        config.update(_monitor(server.monitor))
    config.update(about(server))
    if ports_dir is not None:
        config["ports_file_dir"] = ports_dir
    if server.jetstream is not None:
        config["jetstream"] = _jetstream(server.jetstream, secrets)
    config["operator"] = operator
    config["system_account"] = system_account
    config["resolver"] = _resolver(server.resolver)
    if server.resolver.tls is not None:
        files = asdict(server.resolver.tls)
        config["resolver_tls"] = {word: path for word, path in files.items() if path is not None}
    if server.resolver.pinned is not None:
        pinned = (accounts[name] for name in server.resolver.pinned)
        config["resolver_pinned_accounts"] = list(dict.fromkeys((system_account, *pinned)))
    if preload and server.resolver.kind is not ResolverKind.URL:
        config["resolver_preload"] = dict(preload)
    if sentinel is not None:
        config["default_sentinel"] = sentinel
    if server.websocket is not None:
        config["websocket"] = _websocket(server.websocket)
    config.update(joining_config(backend, accounts, creds, secrets))
    config.update(server.extra)  # none of these options has been written: `extra-option`
    return config


def render_server_config(
    backend: Backend,
    *,
    operator: str,
    system_account: str,
    preload: Mapping[str, str],
    accounts: Mapping[str, str] = _NO_ACCOUNTS,
    sentinel: str | None = None,
    secrets: str = "secrets",
    creds: Mapping[str, str] = _NO_ACCOUNTS,
    ports_dir: str | None = None,
) -> str:
    """Return the text of `nats-server.conf`; the arguments are those of `server_config`.

    Raises:
        ConfError: a value that the config language cannot express; the message names its key.
    """
    config = server_config(
        backend,
        operator=operator,
        system_account=system_account,
        preload=preload,
        accounts=accounts,
        sentinel=sentinel,
        secrets=secrets,
        creds=creds,
        ports_dir=ports_dir,
    )
    return write_conf(config)


_TIMES = frozenset(
    {"auth_timeout", "write_deadline", "ping_interval", "lame_duck_duration", "lame_duck_grace_period"}
)


def _limits(limits: ServerLimits) -> dict[str, Value]:
    given: dict[str, Any] = {f.name: getattr(limits, f.name) for f in fields(limits)}
    if limits.max_connections == UNLIMITED:  # the server takes 0 and less for nobody at all (`server.go`)
        given["max_connections"] = _MOST
    options = {n: duration(v) if n in _TIMES else v for n, v in given.items() if v is not None}
    if "auth_timeout" in options:
        options["authorization"] = {"timeout": options.pop("auth_timeout")}
    return options


def _monitor(monitor: Monitor) -> dict[str, Value]:
    options: dict[str, Value] = {
        "https" if monitor.https else "http": _address(monitor.listen, DEFAULT_MONITOR_PORT)
    }
    if monitor.base_path is not None:
        options["http_base_path"] = monitor.base_path
    return options


def _jetstream(jetstream: ServerJetStream, secrets: str) -> dict[str, Value]:
    options: dict[str, Value] = {"store_dir": jetstream.store_dir}
    if jetstream.memory is not None:
        options["max_memory_store"] = jetstream.memory
    if jetstream.disk is not None:
        options["max_file_store"] = jetstream.disk
    if jetstream.domain is not None:
        options["domain"] = jetstream.domain
    if (encryption := jetstream.encryption) is not None:
        options |= {"cipher": encryption.cipher, "key": secret("jetstream.key", encryption.key, secrets)}
        if encryption.previous_key is not None:
            options["prev_key"] = secret("jetstream.prev_key", encryption.previous_key, secrets)
    return options | tuning_options(jetstream.tuning)


def _resolver(resolver: Resolver) -> Value:
    """Write only what the kind of resolver takes: the server refuses some words of others, and ignores the rest."""
    if resolver.kind is ResolverKind.MEMORY:
        return "MEMORY"
    if resolver.kind is ResolverKind.URL:
        return f"URL({resolver.url})"
    options: dict[str, Value] = {"type": resolver.kind.value, "dir": resolver.dir}
    if resolver.kind is ResolverKind.FULL:
        options["allow_delete"] = resolver.allow_delete
    if resolver.hard_delete:  # the server refuses even `hard_delete: false` where nothing may be deleted
        options["hard_delete"] = True
    if resolver.interval is not None:
        options["interval"] = duration(resolver.interval)
    if resolver.timeout is not None:
        options["timeout"] = duration(resolver.timeout)
    if resolver.limit is not None and (limit := _limit(resolver)) is not None:
        options["limit"] = limit
    if resolver.ttl is not None:
        options["ttl"] = duration(resolver.ttl)
    return options


def _limit(resolver: Resolver) -> int | None:
    """A full resolver has no limit unless it is given one; a cache takes none for 1000, so no limit is the largest."""
    if resolver.limit != UNLIMITED:
        return resolver.limit
    return _MOST if resolver.kind is ResolverKind.CACHE else None


def _websocket(websocket: Websocket) -> dict[str, Value]:
    options = _websocket_listener(websocket)
    for name in ("user_cookie", "pass_cookie", "token_cookie"):
        if (cookie := getattr(websocket, name)) is not None:
            options[name] = cookie
    if websocket.allowed_origins:
        options["allowed_origins"] = list(websocket.allowed_origins)
    for name in ("same_origin", "compression"):
        if getattr(websocket, name):
            options[name] = True
    for name in ("handshake_timeout", "ping_interval"):
        if (time := getattr(websocket, name)) is not None:
            options[name] = duration(time)
    if websocket.auth_timeout is not None:  # seconds: it reads no text here (`opts.go`, parseSimpleAuth)
        options["authorization"] = {"timeout": websocket.auth_timeout}
    if websocket.headers:
        options["headers"] = dict(websocket.headers)
    return options


def _websocket_listener(websocket: Websocket) -> dict[str, Value]:
    port = DEFAULT_PLAIN_WEBSOCKET_PORT if websocket.tls is None else DEFAULT_WEBSOCKET_PORT
    options: dict[str, Value] = {"listen": _address(websocket.listen, port)}
    if websocket.advertise is not None:
        options["advertise"] = websocket.advertise
    if websocket.tls is None:
        options["no_tls"] = True
    else:
        options["tls"] = _tls(websocket.tls)
    if websocket.cookie is not None:
        options["jwt_cookie"] = websocket.cookie.name
    return options
