"""The top-level options of nats-server: which have a word, which follow from the spec, which may stand under `extra`.

Every option of nats-server 2.15 (`opts.go`, processConfigFileLine) is in one of the three tables. The server reads
option names in any case of their letters and, of two that differ in nothing else, either; so `extra` takes lower case.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType


class Shape(enum.StrEnum):
    """What the server takes as the value of an option, as it is said to whoever wrote something else."""

    BOOLEAN = "`true` or `false`"
    NUMBER = "a whole number, not below 0"
    TEXT = "a text"
    MAP = "a map"
    BOOLEAN_OR_MAP = "`true`, `false` or a map"
    BOOLEANS = "a map of names to `true` or `false`"
    TEXTS = "a map of names to texts"
    WRITE_TIMEOUT = "`default`, `close` or `retry`"


RAW: Mapping[str, Shape] = MappingProxyType(
    {
        "allow_non_tls": Shape.BOOLEAN,
        "cluster": Shape.MAP,
        "connect_error_reports": Shape.NUMBER,
        "default_js_domain": Shape.TEXTS,
        "disable_sublist_cache": Shape.BOOLEAN,
        "feature_flags": Shape.BOOLEANS,
        "gateway": Shape.MAP,
        "leafnodes": Shape.MAP,
        "logtime": Shape.BOOLEAN,
        "max_closed_clients": Shape.NUMBER,
        "max_sub_tokens": Shape.NUMBER,
        "mqtt": Shape.MAP,
        "no_fast_producer_stall": Shape.BOOLEAN,
        "no_header_support": Shape.BOOLEAN,
        "ocsp": Shape.BOOLEAN_OR_MAP,
        "ocsp_cache": Shape.BOOLEAN_OR_MAP,
        "pid_file": Shape.TEXT,
        "ports_file_dir": Shape.TEXT,
        "prof_block_rate": Shape.NUMBER,
        "prof_port": Shape.NUMBER,
        "proxy_protocol": Shape.BOOLEAN,
        "reconnect_error_reports": Shape.NUMBER,
        "remote_syslog": Shape.TEXT,
        "syslog": Shape.BOOLEAN,
        "trace_headers": Shape.BOOLEAN,
        "trace_verbose": Shape.BOOLEAN,
        "write_timeout": Shape.WRITE_TIMEOUT,
    }
)
"""Options for `extra`; one that the spec has a word of the same name for is refused there nevertheless."""

MOST: Mapping[str, int] = MappingProxyType({"max_sub_tokens": 255, "prof_port": 65535})
"""The largest number that the server takes, where that is not the largest that it reads."""

LEAST: Mapping[str, int] = MappingProxyType({"max_sub_tokens": 1})

LOCAL = frozenset(
    {
        "connect_error_reports",
        "default_js_domain",
        "disable_sublist_cache",
        "feature_flags",
        "max_closed_clients",
        "max_sub_tokens",
        "no_fast_producer_stall",
        "no_header_support",
        "reconnect_error_reports",
        "write_timeout",
    }
)
"""Options that open nothing, name no file and change no log: a throwaway server on loopback has them, too."""

_LIMITS = (
    "max_connections",
    "max_control_line",
    "max_payload",
    "max_pending",
    "max_subscriptions",
    "ping_interval",
    "ping_max",
    "write_deadline",
    "lame_duck_duration",
    "lame_duck_grace_period",
)

WORDS: Mapping[str, str] = MappingProxyType(
    {
        **{name: f"limits.{name}" for name in _LIMITS},
        "client_advertise": "advertise",
        "debug": "log.debug",
        "default_sentinel": "default_sentinel",
        "host": "listen",
        "http": "monitor.listen",
        "http_base_path": "monitor.base_path",
        "http_port": "monitor.listen",
        "https": "monitor.https",
        "https_port": "monitor.https",
        "jetstream": "jetstream",
        "listen": "listen",
        "log_file": "log.file",
        "log_max_num": "log.max_files",
        "log_size_limit": "log.size_limit",
        "logfile": "log.file",
        "logfile_max_num": "log.max_files",
        "logfile_size_limit": "log.size_limit",
        "logtime_utc": "log.utc",
        "max_conn": "limits.max_connections",
        "max_subs": "limits.max_subscriptions",
        "max_traced_msg_len": "log.trace_length",
        "monitor_port": "monitor.listen",
        "net": "listen",
        "port": "listen",
        "proxies": "proxies",
        "resolver": "resolver",
        "account_resolver": "resolver",
        "accounts_resolver": "resolver",
        "resolver_pinned_accounts": "resolver.pinned",
        "resolver_tls": "resolver.tls",
        "server_metadata": "metadata",
        "server_name": "name",
        "server_tags": "tags",
        "store_dir": "jetstream.store_dir",
        "storedir": "jetstream.store_dir",
        "tls": "tls",
        "trace": "log.trace",
        "websocket": "websocket",
        "ws": "websocket",
    }
)
"""The word of each option below `server`, for every name that the server has for it."""

_MADE = "it follows from the rest of the spec; take it out"

DECIDED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("operator", "operators", "root", "roots", "root_operator", "root_operators"), _MADE),
        **dict.fromkeys(("trusted", "trusted_keys", "resolver_preload"), _MADE),
        **dict.fromkeys(("system", "system_account"), "write operator.system_account"),
        **dict.fromkeys(
            ("no_system_account", "no_system", "no_sys_acc"), "an operator needs one; take it out"
        ),
        "accounts": "describe them under `accounts` of the spec",
        "mappings": "write accounts.NAME.mappings",
        "maps": "write accounts.NAME.mappings",
        "authorization": "users come with a JWT: describe them under accounts.NAME.users; its timeout is "
        "server.limits.auth_timeout",
        "no_auth_user": "the server does not start with it and an operator; write server.default_sentinel",
    }
)
"""What an operator's server refuses, or has from the rest of the spec; and what to do instead."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "leaf": "leafnodes",
        "max_subscription_tokens": "max_sub_tokens",
        "no_sublist_cache": "disable_sublist_cache",
        "pidfile": "pid_file",
    }
)
"""Other names that the server has for an option of `RAW`: of two names of one option, either would count."""
