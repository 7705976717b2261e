"""How a role or a user may connect: from where, when, over what, and with what proof of who it is.

Where an empty list would mean "no restriction" to the server, it is refused here: whoever writes a list restricts.
"""

from __future__ import annotations

import re
import zoneinfo
from ipaddress import ip_network
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from natsbackend.spec.raw_claims import refuse_known
from natsbackend.spec.shape import Model, becomes
from natsbackend.spec.units import refuse

ConnectionTypeName = Literal[
    "standard", "websocket", "leafnode", "leafnode_ws", "mqtt", "mqtt_ws", "in_process"
]

_NETWORK = re.compile(r"[0-9A-Fa-f:.]+/[0-9]{1,3}")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?")


def _network(text: str) -> str:
    """Refuse what Go's `net.ParseCIDR` would: the server then lets nobody in (nats-server 2.15 `jwt.go`)."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        network = None
    if network is None or not _NETWORK.fullmatch(text):
        hint = "write ADDRESS/BITS: 10.0.0.0/8, 2001:db8::/32"
        if network is not None and "/" not in text and "%" not in text:
            hint = f"for this one address write {text}/{network.prefixlen}"
        raise refuse(f"{text[:60]!r} is not a network", hint)
    return text.lower()


def _clock(text: str) -> str:
    """Read `08:00` or `08:00:30` as the `HH:MM:SS` that the server parses."""
    if not _CLOCK.fullmatch(text):
        raise refuse(f"{text[:60]!r} is not a time of day", "write HH:MM or HH:MM:SS, from 00:00 to 23:59:59")
    return text if len(text) == 8 else f"{text}:00"


def _time_zone(name: str) -> str:
    """Refuse a name that is not in the IANA database: the server would refuse the user."""
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        hint = "write a name of the IANA database: Europe/Berlin, America/New_York, UTC"
        raise refuse(f"{name[:60]!r} is not a time zone", hint) from None
    return name


def _not_empty(values: list[Any]) -> list[Any]:
    """Refuse an empty list: the server takes it for no restriction at all."""
    if not values:
        raise refuse("an empty list restricts nothing", "name at least one, or take the line out")
    return values


Some = AfterValidator(_not_empty)


class TimeWindowSpec(Model):
    """A part of the day, from the moment after `start` to the one before `end`; it may go over midnight."""

    start: Annotated[str, AfterValidator(_clock)] = Field(
        description="When it opens, HH:MM or HH:MM:SS.",
        examples=["08:00"],
        json_schema_extra=becomes(".start") | {"pattern": f"^{_CLOCK.pattern}$"},
    )
    end: Annotated[str, AfterValidator(_clock)] = Field(
        description="When it closes, HH:MM or HH:MM:SS.",
        examples=["18:00"],
        json_schema_extra=becomes(".end") | {"pattern": f"^{_CLOCK.pattern}$"},
    )

    @model_validator(mode="after")
    def _opens(self) -> Self:
        """Refuse a window that is never open."""
        if self.start == self.end:
            hint = "for the whole day, take the window out"
            raise refuse(f"a window from {self.start} to {self.end} is never open", hint)
        return self


WORDS_OF_CLAIMS = {
    "pub": "publish",
    "sub": "subscribe",
    "resp": "allow_responses",
    "src": "sources",
    "times": "times",
    "times_location": "time_zone",
    "subs": "limits.subscriptions",
    "data": "limits.data",
    "payload": "limits.payload",
    "bearer_token": "bearer",
    "proxy_required": "proxy_required",
    "allowed_connection_types": "connection_types",
    "tags": "tags",
}
"""The word of the spec for each member that the format knows of a user."""

DECIDED_CLAIMS = frozenset({"issuer_account", "type", "version"})
"""The members that follow from everything else."""


class ConnectingSpec(Model):
    """From where, when and over what a connection may be made. What is not given is not restricted."""

    sources: Annotated[list[Annotated[str, AfterValidator(_network)]], Some] | None = Field(
        default=None,
        description="Networks to connect from. Behind a proxy the server sees the proxy's address. Default: from "
        "anywhere.",
        examples=[["10.0.0.0/8", "2001:db8::/32"]],
        json_schema_extra=becomes(".src[]")
        | {"minItems": 1, "items": {"type": "string", "pattern": f"^{_NETWORK.pattern}$"}},
    )
    times: Annotated[list[TimeWindowSpec], Some] | None = Field(
        default=None,
        description="When one may be connected; a window that closes ends its connections. Default: at any time.",
        examples=[[{"start": "08:00", "end": "18:00"}]],
        json_schema_extra=becomes(".times[]") | {"minItems": 1},
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] | None = Field(
        default=None,
        description="The zone of `times`, by its IANA name. Default: each server's own.",
        examples=["Europe/Berlin"],
        json_schema_extra=becomes(".times_location"),
    )
    bearer: bool | None = Field(
        default=None,
        description="The JWT alone logs in, without its key: whoever holds it is it. Default: `false`, with "
        "`websocket: true` it is `true`.",
        json_schema_extra=becomes(".bearer_token"),
    )
    proxy_required: bool = Field(
        default=False,
        description="Connect through a proxy that the server trusts only.",
        json_schema_extra=becomes(".proxy_required"),
    )
    connection_types: Annotated[list[ConnectionTypeName], Some] | None = Field(
        default=None,
        description="Over what one may connect. Default: everything.",
        examples=[["standard", "websocket"]],
        json_schema_extra=becomes(".allowed_connection_types[]") | {"minItems": 1},
    )

    claims: Annotated[dict[str, Any], AfterValidator(refuse_known(WORDS_OF_CLAIMS, DECIDED_CLAIMS))] = Field(
        default={},
        description="Members for the JWT as they are, for what a later nats-server reads and the spec has no word"
        " for.",
        examples=[{"new_limit": 5}],
        json_schema_extra=becomes(".*", note="the members as they are"),
    )

    @model_validator(mode="after")
    def _zone_of_something(self) -> Self:
        """Refuse a time zone that no time is read in."""
        if self.time_zone is not None and self.times is None:
            raise refuse("`time_zone` says nothing without `times`", "add `times`, or take `time_zone` out")
        return self
