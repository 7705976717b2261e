"""URLs as Go reads them (`net/url` Parse, Go 1.25, which nats-server 2.15 is built with).

Only as much of a URL as the JWT library looks at. Python's own parsers accept and refuse other texts. What is not
ASCII is never looked at by Go either, so texts serve where Go has bytes.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from dataclasses import dataclass

from natsbackend.claims.gotext import quoted


class UrlError(ValueError):
    """A text that Go does not read as a URL; the message is Go's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """What the JWT library asks of a URL."""

    scheme: str
    """In lower case; empty if there is none."""
    has_user: bool
    host: str
    """Name or address, unescaped, with its port."""
    path: str

    @property
    def hostname(self) -> str:
        """The host without its port and without the brackets of an IPv6 address."""
        name, colon, port = self.host.rpartition(":")
        host = name if colon and _is_port(f":{port}") else self.host
        return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def parse_url(text: str) -> Url:
    """Read a URL, absolute or relative. Raises UrlError."""
    body, _, fragment = text.partition("#")
    shown = body
    try:
        url = _parse(body)
        shown = text
        _unescape(fragment, _Part.OTHER)
    except UrlError as error:
        raise UrlError(f"parse {quoted(shown)}: {error}") from None
    return url


class _Part(enum.Enum):
    """Where an escape stands: hosts and zones take only some."""

    HOST = enum.auto()
    ZONE = enum.auto()
    OTHER = enum.auto()


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)?:")
_USER = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_PORT = re.compile(r":[0-9]*")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
_NOT_IN_A_HOST = re.compile(r"[^A-Za-z0-9!$&'()*+,;=:\[\]<>\"\-_.~%\x80-\U0010ffff]")


def _parse(text: str) -> Url:
    if _CONTROL.search(text):
        raise UrlError("net/url: invalid control character in URL")
    scheme, rest = _split_scheme(text)
    rest = rest.partition("?")[0]
    if not rest.startswith("/"):
        if scheme:  # opaque, as in mailto:name
            return Url(scheme=scheme, has_user=False, host="", path="")
        if ":" in rest.partition("/")[0]:
            raise UrlError("first path segment in URL cannot contain colon")
    user, host = False, ""
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, tail = rest[2:].partition("/")
        rest = slash + tail
        user, host = _parse_authority(authority)
    return Url(scheme=scheme, has_user=user, host=host, path=_unescape(rest, _Part.OTHER))


def _split_scheme(text: str) -> tuple[str, str]:
    found = _SCHEME.match(text)
    if found is None:
        return "", text
    if not found[1]:
        raise UrlError("missing protocol scheme")
    return found[1].lower(), text[found.end() :]


def _parse_authority(authority: str) -> tuple[bool, str]:
    user, at, host = authority.rpartition("@")
    parsed = _parse_host(host)
    if not at:
        return False, parsed
    if not _USER.fullmatch(user):
        raise UrlError("net/url: invalid userinfo")
    _unescape(user, _Part.OTHER)
    return True, parsed


def _parse_host(host: str) -> str:
    bracket = host.rfind("[")
    if bracket > 0:
        raise UrlError("invalid IP-literal")
    if bracket == 0:
        return _parse_literal(host)
    _, colon, port = host.rpartition(":")
    if colon and not _is_port(f":{port}"):
        raise UrlError(f"invalid port {quoted(f':{port}')} after host")
    return _unescape(host, _Part.HOST)


def _parse_literal(host: str) -> str:
    """Read `[IPv6]` with a port or none; `%25` begins the zone of the address."""
    name, closing, port = host[1:].rpartition("]")
    if not closing:
        raise UrlError("missing ']' in host")
    if not _is_port(port):
        raise UrlError(f"invalid port {quoted(port)} after host")
    address, percent, zone = name.partition("%25")
    unescaped = _unescape(address, _Part.HOST) + _unescape(percent + zone, _Part.ZONE)
    address, percent, zone = unescaped.partition("%")
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        raise UrlError(f"invalid host: ParseAddr({quoted(unescaped)}): unable to parse IP") from None
    if percent and not zone:
        raise UrlError(f"invalid host: ParseAddr({quoted(unescaped)}): zone must be a non-empty string")
    return f"[{unescaped}]{port}"


def _is_port(text: str) -> bool:
    return not text or _PORT.fullmatch(text) is not None


def _unescape(text: str, part: _Part) -> str:
    """Undo percent escapes; their bytes come out one character each, which nobody here looks at."""
    if part is not _Part.OTHER and (found := _NOT_IN_A_HOST.search(text)):
        raise UrlError(f"invalid character {quoted(found[0])} in host name")
    return _ESCAPE.sub(lambda escape: _unescaped(escape, part), text)


def _unescaped(escape: re.Match[str], part: _Part) -> str:
    if escape[1] is None:
        raise UrlError(f"invalid URL escape {quoted(escape.string[escape.start() :][:3])}")
    byte = int(escape[1], 16)
    character = chr(byte)
    refused = escape[0] != "%25" and (
        (part is _Part.HOST and byte < 0x80)
        or (part is _Part.ZONE and character != " " and (byte >= 0x80 or _NOT_IN_A_HOST.match(character)))
    )
    if refused:
        raise UrlError(f"invalid URL escape {quoted(escape[0])}")
    return character
