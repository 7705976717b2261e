"""Descriptions and links (`Info` in `types.go`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from natsbackend.claims.gourl import UrlError, parse_url
from natsbackend.claims.validate.finding import Findings

MAX_INFO_LENGTH = 8 * 1024
"""Bytes that a description, and a link, may have."""


def check_info(members: Mapping[str, Any], found: Findings) -> None:
    """Judge `description` and `info_url` of an account or an export."""
    if _too_long(members.get("description", "")):
        found.error("description-too-long", "Description is too long")
    url = members.get("info_url", "")
    if not url:
        return
    if _too_long(url):
        found.error("info-url-too-long", "Info URL is too long")
    reason = _why_no_link(url)
    if reason is not None:
        found.error("info-url-unparsable", f"error parsing info url: {reason}")


def _too_long(text: str) -> bool:
    return len(text.encode("utf-8")) > MAX_INFO_LENGTH


def _why_no_link(text: str) -> str | None:
    try:
        url = parse_url(text)
    except UrlError as error:
        return str(error)
    return None if url.hostname and url.scheme else "no hostname or scheme"
