"""How JetStream works on the server, as options of `jetstream` (nats-server 2.15 `opts.go`, parseJetStream)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from natsbackend.model.serving import JetStreamTuning
from natsbackend.render.conf import Value, duration

_TIMES = frozenset({"duplicate_window", "timeout"})
_HANDLED = frozenset({"limits", "batch", "sync_interval", "strict"})


def tuning_options(tuning: JetStreamTuning) -> dict[str, Value]:
    """Return the options, without those that stand for the default."""
    options: dict[str, Value] = {}
    limits = _limits(tuning.limits)
    if tuning.batch:
        limits["batch"] = _limits(tuning.batch)
    if limits:
        options["limits"] = limits
    if isinstance(tuning.sync_interval, int):
        options["sync_interval"] = duration(tuning.sync_interval)
    elif tuning.sync_interval is not None:
        options["sync_interval"] = tuning.sync_interval
    if not tuning.strict:
        options["strict"] = False
    for each in fields(tuning):
        value = getattr(tuning, each.name)
        if each.name not in _HANDLED and value is not None and value is not False:
            options[each.name] = value
    return options


def _limits(limits: Mapping[str, int]) -> dict[str, Value]:
    return {name: duration(value) if name in _TIMES else value for name, value in limits.items()}
