"""What the config says of every listener: its address and its TLS."""

from __future__ import annotations

from dataclasses import asdict

from natsbackend.model.serving import Listen, Tls
from natsbackend.render.conf import Value, duration

RANDOM_PORT = -1
"""What nats-server wants to read for a port of its own choice; 0 means its default, or off."""


def address(listen: Listen, default_port: int) -> str:
    """Return `host:port` as Go's `net.SplitHostPort` reads it: an IPv6 address in brackets."""
    port = default_port if listen.port is None else listen.port or RANDOM_PORT
    host = f"[{listen.host}]" if ":" in listen.host and not listen.host.startswith("[") else listen.host
    return f"{host}:{port}"


def tls_options(tls: Tls) -> dict[str, Value]:
    """Return the options of a listener's `tls`."""
    options: dict[str, Value] = {"cert_file": tls.cert_file, "key_file": tls.key_file}
    if tls.certs:  # one list of all: the server takes it beside no `cert_file` (`opts.go`, parseTLS)
        options = {"certs": [options, *(asdict(each) for each in tls.certs)]}
    if tls.ca_file is not None:
        options["ca_file"] = tls.ca_file
    if tls.verify:
        options["verify"] = True
    if tls.min_version is not None:
        options["min_version"] = tls.min_version
    for name in ("cipher_suites", "curve_preferences", "pinned_certs"):
        if chosen := getattr(tls, name):
            options[name] = list(chosen)
    if tls.timeout is not None:
        options["timeout"] = duration(tls.timeout)
    if tls.connection_rate_limit is not None:
        options["connection_rate_limit"] = tls.connection_rate_limit
    if tls.handshake_first is True or isinstance(tls.handshake_first, str):
        options["handshake_first"] = tls.handshake_first
    elif tls.handshake_first:
        options["handshake_first"] = duration(tls.handshake_first)
    return options
