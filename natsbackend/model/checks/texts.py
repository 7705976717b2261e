"""Texts that accounts and exports show to people: how long the JWT library lets them be, and what is a URL to it."""

from __future__ import annotations

from collections.abc import Iterator

from natsbackend.model.checks.links import url_parts

_MOST_BYTES = 8192
"""Bytes that a description or URL may have (Go library, `types.go`, MaxInfoLength)."""


def info_problems(description: str, info_url: str) -> Iterator[tuple[str, str, str | None]]:
    """Yield what the library has against a description and URL: the word, the message, the hint."""
    for word, text in (("description", description), ("info_url", info_url)):
        if len(text.encode("utf-8", "replace")) > _MOST_BYTES:
            yield word, f"this `{word}` has more than {_MOST_BYTES} bytes", None
        elif word == "info_url" and text and url_parts(text) is None:
            hint = "write it in full: https://docs.example.com/sensors"
            yield word, f"{text[:80]!r} is no URL with a scheme and a host", hint
