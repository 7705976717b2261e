"""Texts as Go writes, trims and reads them, where Python would differ: `%q`, `strings`, `strconv`."""

from __future__ import annotations

import re

_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}
_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Unicode's White_Space, which `strings.TrimSpace` cuts off; `str.strip` cuts off U+001C to U+001F too."""

_INTEGER = re.compile(r"[+-]?[0-9]+")
_INT64 = 2**63


def quoted(text: str) -> str:
    """Return a text as `%q` shows it: in double quotes, what does not print escaped."""
    return f'"{"".join(map(_shown, text))}"'


def _shown(character: str) -> str:
    escaped = _ESCAPES.get(character)
    if escaped is not None:
        return escaped
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def lower(text: str) -> str:
    """Return a text as `strings.ToLower` does: letter by letter, each one letter again."""
    return text.lower() if text.isascii() else "".join(c.lower()[0] for c in text)


def trim_space(text: str) -> str:
    """Return a text without the white space around it, as `strings.TrimSpace` does."""
    return text.strip(_SPACE)


def integer(text: str) -> int | None:
    """Return the number that `strconv.Atoi` reads, or None: a sign, digits, and within 64 bits."""
    if not _INTEGER.fullmatch(text) or len(text.lstrip("+-0")) > 19:
        return None
    number = int(text)
    return number if -_INT64 <= number < _INT64 else None
