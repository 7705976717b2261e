"""Operators (`operator_claims.go`). No nats-server asks this of one; the tools do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from natsbackend import keys
from natsbackend.claims.gotext import integer, quoted
from natsbackend.claims.gourl import UrlError, parse_url
from natsbackend.claims.validate.finding import Findings
from natsbackend.keys import KeyRole

_SERVICE_SCHEMES = ("nats", "tls", "ws", "wss")


def check_operator(nats: Mapping[str, Any], found: Findings) -> None:
    """Judge the `nats` part of an operator."""
    _check_account_server_url(nats.get("account_server_url", ""), found)
    for url in nats.get("operator_service_urls", ()):
        if url:
            _check_service_url(url, found)
    for key in nats.get("signing_keys", ()):
        if not keys.is_public(key, KeyRole.OPERATOR):
            found.error("operator-signing-key", f"{key} is not an operator public key")
    system = nats.get("system_account")
    if system and not keys.is_public(system, KeyRole.ACCOUNT):
        found.error("operator-system-account", f"{system} is not an account public key")
    _check_version(nats.get("assert_server_version", ""), found)


def _check_account_server_url(text: str, found: Findings) -> None:
    if not text:
        return
    try:
        url = parse_url(text)
    except UrlError as error:
        rule = "operator-account-server-url-unparsable"
        found.error(rule, f"error parsing account server url: {error}")
        return
    if not url.scheme:
        rule = "operator-account-server-url-no-protocol"
        found.error(rule, f"account server url {quoted(text)} requires a protocol")


def _check_service_url(text: str, found: Findings) -> None:
    rule, subject = "operator-service-url", f"operator service url {quoted(text)}"
    try:
        url = parse_url(text)
    except UrlError as error:
        found.error(f"{rule}-unparsable", f"error parsing {subject}: {error}")
        return
    if url.has_user:
        found.error(f"{rule}-credentials", f"{subject} - credentials are not supported")
    elif url.path:
        found.error(f"{rule}-path", f"{subject} - paths are not supported")
    elif url.scheme not in _SERVICE_SCHEMES:
        message = f"{subject} - protocol not supported (only 'nats', 'tls', 'ws', 'wss' only)"
        found.error(f"{rule}-protocol", message)


def _check_version(text: str, found: Findings) -> None:
    """Judge the lowest server version, `MAJOR.MINOR.UPDATE` (`ParseServerVersion`)."""
    if not text:
        return
    rule, said = "operator-assert-version", "assert server version error: asserted server version"
    parts = text.split(".")
    if len(parts) != 3:
        found.error(f"{rule}-form", f"{said} must be of the form <major>.<minor>.<update>")
        return
    numbers = [integer(part) for part in parts]
    if None in numbers:
        found.error(f"{rule}-number", f"{said} cant parse {parts[numbers.index(None)]} to int")
    elif any(number is not None and number < 0 for number in numbers):
        found.error(f"{rule}-negative", f"{said} can'b contain negative values: {text}")
