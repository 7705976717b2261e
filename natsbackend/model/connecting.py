"""The words of a role or user that say from where, when and over what it connects."""

from __future__ import annotations

from collections.abc import Sequence

from natsbackend.model.entities import ConnectionType, Restrictions, TimeWindow
from natsbackend.spec.user_models import ConnectingSpec


def connection_types(names: Sequence[str] | None) -> tuple[ConnectionType, ...]:
    """Turn the names of connection types into those of the wire, each once; none is no restriction."""
    return tuple(dict.fromkeys(ConnectionType[name.upper()] for name in names or ()))


_NONE = Restrictions()
_RESTRICTING = frozenset({"sources", "times", "time_zone", "proxy_required"})


def restrictions(spec: ConnectingSpec) -> Restrictions:
    """Turn the words into restrictions."""
    if spec.model_fields_set.isdisjoint(_RESTRICTING):
        return _NONE
    return Restrictions(
        sources=tuple(dict.fromkeys(spec.sources or ())),
        times=tuple(TimeWindow(start=window.start, end=window.end) for window in spec.times or ()),
        time_zone=spec.time_zone,
        proxy_required=spec.proxy_required,
    )
