"""What a connection to a server shows and believes, from the files that a person names."""

from __future__ import annotations

import ssl
from pathlib import Path

from natsbackend.errors import ResolverError


def tls_context(
    *, ca: Path | None = None, cert: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """Return a context for `open_nats_resolver`.

    Args:
        ca: certificates to believe, in PEM, instead of the system's.
        cert: the client's certificate in PEM, for a server that verifies clients.
        key: its private key in PEM, without a passphrase; not needed if `cert` holds it.

    Raises:
        ResolverError: a file cannot be read, or is not what it should be.

    """
    if key is not None and cert is None:
        raise ResolverError("a client's key is of no use without its certificate")
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise ResolverError(f'"{ca}" cannot be read as certificates of a CA: {_why(error)}') from error
    if cert is not None:
        try:
            # An empty passphrase keeps OpenSSL from asking for one on the terminal.
            context.load_cert_chain(cert, key, password="")
        except (OSError, ValueError) as error:
            files = f'"{cert}"' if key is None else f'"{cert}" and "{key}"'
            raise ResolverError(
                f"{files} cannot be read as a certificate and its key: {_why(error)}",
                hint="both in PEM, and the key without a passphrase",
            ) from error
    return context


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "it is no pem").replace("_", " ").lower()
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
