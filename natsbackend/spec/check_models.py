"""The shape of the spec's `checks`: what `natsbackend check` is told; see `spec.models`."""

from __future__ import annotations

from pydantic import Field

from natsbackend.spec.shape import Model, becomes


class ChecksSpec(Model):
    """What is known and accepted."""

    off: dict[str, str] = Field(
        default={},
        description="Warnings that are not to be given, by the id of their check, each with the reason. Errors "
        "cannot be switched off.",
        examples=[{"websocket-same-origin": "the proxy keeps the Host header"}],
        json_schema_extra=becomes(),
    )
