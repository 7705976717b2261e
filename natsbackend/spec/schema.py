"""The JSON Schema of the spec, for editors and other tools."""

from __future__ import annotations

from typing import Any

from natsbackend.spec.models import SpecModel


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a spec; the same bytes for the same release."""
    schema = SpecModel.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "natsbackend spec", **schema}
