"""Names a person typed, made safe for files, key paths and subjects, without two names falling together.

`escape` keeps `[A-Za-z0-9_-]` and writes every other byte of the name's UTF-8 form as `%XX`; a dot is kept unless
it leads. So the escaped form is injective, holds no separator, is never `.` or `..`, and can be read back.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line ends, half surrogate pairs, and what turns the direction of the text around it."""
_TEMPLATE_SAFE = re.compile(r"[A-Za-z0-9_-]+")
_INBOX = "_INBOX"
"""The first token of the inboxes that clients choose by default."""

MAX_ESCAPED = 200
"""Longest escaped name, in bytes: a file name may have 255 with its ending."""


@lru_cache(maxsize=16_384)  # the same few names stand in every path
def escape(name: str) -> str:
    """Return the injective, file-safe form of a name."""
    if _PLAIN.fullmatch(name):
        return name
    out = []
    for position, byte in enumerate(name.encode("utf-8", "surrogatepass")):
        keep = byte in _SAFE or (byte == 0x2E and position > 0)
        out.append(chr(byte) if keep else f"%{byte:02X}")
    return "".join(out)


def unescape(escaped: str) -> str:
    """Return the name that `escape` turned into this."""
    return unquote(escaped, errors="strict")


def why_unusable(name: str) -> str | None:
    """Say why a name cannot be used for an operator, account, role, user or key, or return None."""
    if len(name) <= MAX_ESCAPED and _PLAIN.fullmatch(name):
        return None
    if not name.strip():
        return "a name cannot be empty or blank"
    if name != name.strip():
        return "a name cannot begin or end with a blank"
    if not name.isprintable() and _UNUSABLE.search(name):
        return "a name cannot hold control characters"
    if len(escape(name)) > MAX_ESCAPED:
        return f"a name can have at most {MAX_ESCAPED} bytes in its escaped form"
    return None


def is_template_safe(text: str) -> bool:
    """Tell whether a name or tag value is one plain subject token, so that no template can be widened by it."""
    return why_template_unsafe(text) is None


def why_template_unsafe(text: str) -> str | None:
    """Say what makes a name or tag value unfit for templates, or return None.

    The server puts the text into subjects as it is: `*` would open every user's subjects (nats-server 2.15 `auth.go`),
    and `_INBOX`, as `{{name()}}.>`, the replies to everybody.
    """
    if text == _INBOX:
        return "is where the replies to everybody come in"
    return None if _TEMPLATE_SAFE.fullmatch(text) else "is not one plain subject token"


def printable(text: str) -> str:
    """Return a text for a person: what a terminal would obey instead of showing is escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
