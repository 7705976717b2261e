"""Which options of its config a nats-server takes over on a reload, and which ask for a restart.

After `diffOptions` of nats-server 2.15 (`server/reload.go`), tried on a real server in `tests/test_reloads.py`. One
option that asks for a restart makes the server refuse the whole reload, but for `resolver`: it is passed over without a
word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Leaves = Mapping[str, object]
"""Options by their path in the config, `websocket.jwt_cookie`; elements of a list of maps as `remotes[0].urls`."""

_RELOADED = frozenset(
    (
        "debug",
        "trace",
        "trace_verbose",
        "trace_headers",
        "logtime",
        "logtime_utc",
        "log_file",
        "syslog",
        "remote_syslog",
        "max_traced_msg_len",
        "authorization.timeout",
        "server_tags",
        "default_sentinel",
        "resolver_pinned_accounts",
        "max_connections",
        "max_payload",
        "max_control_line",
        "ping_interval",
        "ping_max",
        "write_deadline",
        "client_advertise",
        "connect_error_reports",
        "reconnect_error_reports",
        "prof_block_rate",
        "pid_file",
        "no_fast_producer_stall",
        "jetstream.meta_compact",
        "jetstream.meta_compact_size",
        "jetstream.meta_compact_sync",
        "mqtt.ack_wait",
        "mqtt.max_ack_pending",
        "mqtt.stream_replicas",
        "mqtt.consumer_replicas",
        "mqtt.consumer_memory_storage",
        "mqtt.consumer_inactive_threshold",
        "leafnodes.compression",
        "leafnodes.tls.handshake_first",
    )
)
_RELOADED_BELOW = ("server_metadata", "proxies", "tls", "cluster")
_NOT_ALL_OF_THESE = frozenset({"tls.connection_rate_limit", "cluster.listen"})
_OF_TLS = re.compile(r"(websocket|mqtt|gateway|leafnodes)\.tls\.(cert_file|key_file|ca_file|min_version)")
"""Of a listener that has TLS already."""
_REMOTE = re.compile(r"(leafnodes\.remotes\[[0-9]+\]\.)(.*)")
_OF_A_REMOTE = re.compile(r"compression|disabled|tls\..*")
"""What changes at a remote that stays; others come and go."""
_MOST_OF_JETSTREAM = ("jetstream.max_memory_store", "jetstream.max_file_store")
_SWITCHES_JETSTREAM = (*_MOST_OF_JETSTREAM, "jetstream.store_dir")


def is_reloaded(path: str, before: Leaves, after: Leaves) -> bool:
    """Tell whether a reload brings the change of an option."""
    section = path.partition(".")[0]
    if (
        section not in (path, "leafnodes")
        and path not in _RELOADED
        and section not in ("authorization", "server_metadata")
    ):
        had, has = (any(each.startswith(f"{section}.") for each in side) for side in (before, after))
        if had != has:
            return section in ("tls", "proxies") or path in _SWITCHES_JETSTREAM
    if path in _MOST_OF_JETSTREAM:
        old, new = before.get(path), after.get(path)
        return isinstance(old, int) and isinstance(new, int) and new > old  # it grows, and never shrinks
    if found := _REMOTE.fullmatch(path):
        had, has = (any(each.startswith(found[1]) for each in side) for side in (before, after))
        return had != has or bool(_OF_A_REMOTE.fullmatch(found[2]))
    if path in _RELOADED:
        return True
    if found := _OF_TLS.fullmatch(path):
        return all(f"{found[1]}.tls.cert_file" in side for side in (before, after))
    return section in _RELOADED_BELOW and path not in _NOT_ALL_OF_THESE
