"""What must not be shown, found in texts by how it looks and by the word it stands behind.

A secret belongs into a file or the environment; where somebody writes one into the spec all the same, the finding that
says so must not put it into a terminal or a CI log.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"eyJ[\w-]{10,}(?:\.[\w-]*){0,2}", re.ASCII)
"""A JWT, or the beginning of one that was cut."""
_SEED = re.compile(r"(?<![A-Za-z0-9])S[OAUNCX][A-Z2-7]{20,}")
"""An nkey's seed, or the beginning of one that was cut."""
_LOGIN = re.compile(r"""(?<=://)(?!USER:PASSWORD@)[^\s/"']+(?=@)""")
"""User and password in a URL, but not the ones that a hint shows."""
_WORD = r"""(?:^|[\s{,"'])
         (?:\w*pas+w\w*|pass|passphrase|pwd|\w*secret|\w*token|n?key|seed|(?!public_|signing_)\w+_key)["']?\s*:"""
_BEHIND_A_WORD = re.compile(
    rf"""(?P<word>{_WORD}\s+(?:[&!]\S*\s+)*)
        (?!(?:true|false)\b)(?P<value>"(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?|[^\s{{}}\[\],\#&*!|>'"][^,}}\#]*)""",
    re.VERBOSE | re.IGNORECASE,
)
"""A plain value behind a word for a secret, also behind one with a slip; a map such as `{env: NAME}` is none."""

_TO_THE_END = re.compile(
    rf"""^(?P<word>\s*(?:-\s+)*{_WORD}\s+)(?!(?:true|false)\s*$)(?P<value>[^\s{{\[&*!|>\#"'].*?)(?=\s+\#|\s*$)""",
    re.VERBOSE | re.IGNORECASE,
)
"""The same where the word begins the line: commas and brackets are letters of the value there."""
_WORD_ALONE = re.compile(_WORD + r"\s*(?:[&!|>]\S*\s*)*$", re.VERBOSE | re.IGNORECASE)
_A_MAP = re.compile(r"\s*(?:[\w-]+:(?:\s|$)|\{)")
_ANY = re.compile(r"\S+")


def masked(text: str) -> str:
    """Return a message with every JWT, seed and login of a URL in it starred out."""
    for pattern in (_TOKEN, _SEED, _LOGIN):
        text = pattern.sub(_stars, text)
    return text


def masked_line(line: str, above: str = "") -> str:
    """Return a line of a spec with the plain values of words for secrets starred out, too; no column moves.

    Args:
        line: the line.
        above: the one before it, which may end in the word.
    """
    if _WORD_ALONE.search(above) and not _A_MAP.match(line):
        return _ANY.sub(_stars, line)
    for pattern in (_TO_THE_END, _BEHIND_A_WORD):
        line = pattern.sub(lambda found: found["word"] + _stars(found, "value"), line)
    return masked(line)


def _stars(found: re.Match[str], group: str | int = 0) -> str:
    shown = found[group].rstrip()
    return "*" * len(shown) + found[group][len(shown) :]
