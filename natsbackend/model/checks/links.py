"""URLs that every reader of a JWT takes, Go's parser among them."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

_USER = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:%@]*")
_HOST = re.compile(r"[A-Za-z0-9._~\u0080-\U0010ffff-]+|[0-9A-Fa-f:.]+")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def url_parts(text: str) -> SplitResult | None:
    """Return the parts of a URL with a scheme and a host, or None if it is none.

    Stricter than Go (`net/url`), which takes blanks in a path and odd signs in a host: whatever is taken here is taken
    there. What Go refuses and Python does not is `%` without two digits behind it, and in a host altogether, and other
    than plain signs in a login.
    """
    if not text.isprintable() or " " in text or _BAD_ESCAPE.search(text):
        return None
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    user, _, netloc = parts.netloc.rpartition("@")
    if not _USER.fullmatch(user):
        return None
    is_whole = netloc.startswith("[") or netloc.count(":") <= 1
    sound = bool(parts.scheme and parts.hostname and _HOST.fullmatch(parts.hostname)) and is_whole
    return parts if sound else None
