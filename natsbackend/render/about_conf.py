"""What a server says of itself, and whom it believes, as options of its config."""

from __future__ import annotations

from natsbackend.model.serving import Log, Server
from natsbackend.render.conf import Value


def about(server: Server) -> dict[str, Value]:
    """Return the options of log, tags, metadata and proxies, in the order they are written."""
    options = _log(server.log)
    if server.tags:
        options["server_tags"] = list(server.tags)
    if server.metadata:
        options["server_metadata"] = dict(server.metadata)
    if server.proxies is not None:
        options["proxies"] = {"trusted": [{"key": key} for key in server.proxies]}
    return options


def _log(log: Log) -> dict[str, Value]:
    options: dict[str, Value] = {}
    texts_and_numbers = {
        "log_file": log.file,
        "logfile_size_limit": log.size_limit,
        "logfile_max_num": log.max_files,
        "max_traced_msg_len": log.trace_length,
    }
    options |= {name: value for name, value in texts_and_numbers.items() if value is not None}
    options |= {name: True for name in ("debug", "trace") if getattr(log, name)}
    if log.utc:
        options["logtime_utc"] = True
    return options
