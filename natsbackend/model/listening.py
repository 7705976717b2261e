"""What the `server` section says of every listener: its address and its TLS."""

from __future__ import annotations

import re
from collections.abc import Callable

from natsbackend.errors import Location
from natsbackend.model.serving import Certificate, Listen, Secret, Tls
from natsbackend.spec.secret_models import SecretSpec
from natsbackend.spec.tls_models import ClientTlsSpec, ServerTlsSpec, TlsSpec

Say = Callable[..., None]
"""Records a diagnostic: code, message, location, hint."""

ANYWHERE = "0.0.0.0"  # noqa: S104 - the server's own default, and what a public listener needs

_LISTEN = re.compile(
    r"""(?P<alone>[0-9]{1,5})
    |(?:\[(?P<ipv6>[0-9A-Fa-f:.]+(?:%\w+)?)\]|(?P<host>(?![0-9]+$)(?:\w[\w.-]*)?))(?::(?P<port>[0-9]{1,5}))?""",
    re.ASCII | re.VERBOSE,
)


def read_listen(text: str | int | None, at: Location, say: Say, host: str = ANYWHERE) -> Listen:
    """Read `HOST:PORT`, `:PORT`, `PORT` or `HOST`; an IPv6 address stands in brackets."""
    match = _LISTEN.fullmatch("" if text is None else str(text))
    port = match and (match["alone"] or match["port"])
    if match is None or (port and int(port) > 65535) or text == "":
        hint = "write HOST:PORT, for instance 0.0.0.0:4222 or [::1]:4222; port 0 leaves it open"
        say("listen", f"{str(text)[:80]!r} is not an address to listen on", at, hint)
        return Listen(host=host)
    return Listen(host=match["ipv6"] or match["host"] or host, port=int(port) if port else None)


def read_tls(model: TlsSpec | None) -> Tls | None:
    """Turn the words of a listener's certificate into an entity."""
    if model is None:
        return None
    client = model if isinstance(model, ClientTlsSpec) else None
    return Tls(
        cert_file=model.cert_file,
        key_file=model.key_file,
        certs=tuple(Certificate(**each.model_dump()) for each in model.certs or ()),
        ca_file=model.ca_file,
        verify=model.verify,
        min_version=model.min_version,
        cipher_suites=tuple(model.cipher_suites or ()),
        curve_preferences=tuple(model.curve_preferences or ()),
        pinned_certs=tuple((client.pinned_certs if client else None) or ()),
        timeout=client.timeout if client else None,
        handshake_first=client.handshake_first if client else False,
        connection_rate_limit=model.connection_rate_limit if isinstance(model, ServerTlsSpec) else None,
    )


def read_secret(model: SecretSpec) -> Secret:
    """Turn the words that say where a secret stands into an entity."""
    return Secret(env=model.env, file=model.file)
