"""Times of day, time zones and networks as Go reads them."""

from __future__ import annotations

import ipaddress
import re
import zoneinfo

_TIME_OF_DAY = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.,][0-9]+)?")
_MASK = re.compile(r"0*[0-9]{1,3}")


def is_time_of_day(text: str) -> bool:
    """Tell whether `time.Parse("15:04:05", …)` reads a text: one digit of the hour and fractions are fine."""
    return _TIME_OF_DAY.fullmatch(text) is not None


def is_network(text: str) -> bool:
    """Tell whether `net.ParseCIDR` reads a text: an address without zone, and bits; host bits may be set."""
    address, slash, bits = text.partition("/")
    if not slash or "%" in address or not _MASK.fullmatch(bits):
        return False
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return int(bits) <= parsed.max_prefixlen


def why_unknown_zone(name: str) -> str | None:
    """Say, in Go's words, why `time.LoadLocation` finds no time zone; None if it does.

    It asks the time zone database of this machine, or that of the package tzdata. Without either every name
    but `UTC` and `Local` is unknown.
    """
    if name in ("", "UTC", "Local"):
        return None
    if ".." in name or name.startswith(("/", "\\")):
        return "time: invalid location name"
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return f"unknown time zone {name}"
    return None
