"""Permissions and limits of users, and the permissions an account gives by default (`types.go`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from natsbackend.claims.gotext import quoted
from natsbackend.claims.validate.finding import Findings
from natsbackend.claims.validate.subjects import check_subject
from natsbackend.claims.validate.times import is_network, is_time_of_day, why_unknown_zone


def check_permissions(permissions: Mapping[str, Any], found: Findings) -> None:
    """Judge `pub` and `sub`; nothing is wrong with any `resp`."""
    for direction in ("sub", "pub"):
        lists = permissions.get(direction, {})
        for entry in (*lists.get("allow", ()), *lists.get("deny", ())):
            _check_entry(entry, found, queue_allowed=direction == "sub")


def _check_entry(entry: str, found: Findings, *, queue_allowed: bool) -> None:
    parts = entry.split(" ")
    if len(parts) > 2:
        # the library puts plain quotes around the entry here, so nothing in it is escaped
        message = f'Permission Subject "{entry}" contains too many spaces'
        found.error("permission-too-many-spaces", message)
        return
    for part in parts:
        check_subject(part, found)
    if len(parts) == 2 and not queue_allowed:
        message = f'Permission Subject "{entry}" is not allowed to contain queue'
        found.error("permission-queue", message)


def check_user_limits(user: Mapping[str, Any], found: Findings) -> None:
    """Judge source networks, time windows and time zone of a user."""
    for network in user.get("src", ()):
        if not is_network(network):
            found.error("source-cidr", f"invalid cidr {quoted(network)} in user src limits")
    for window in user.get("times", ()):
        for end in ("start", "end"):
            _check_time(end, window.get(end, ""), found)
    reason = why_unknown_zone(user.get("times_location", ""))
    if reason is not None:
        found.error("time-zone", f"could not parse iana time zone by name: {reason}")


def _check_time(end: str, text: str, found: Findings) -> None:
    if not text:
        article = "a" if end == "start" else "an"
        found.error(f"time-range-{end}-missing", f"time ranges {end} must contain {article} {end}")
    elif not is_time_of_day(text):
        found.error(f"time-range-{end}-invalid", f"{end} in time range is invalid {quoted(text)}")
