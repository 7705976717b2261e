"""The shape of exports and imports; see `spec.models`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Tag, WithJsonSchema

from natsbackend.spec.shape import BOOLEAN, LIST, MAP, NUMBER, TEXT, Model, becomes, by_shape
from natsbackend.spec.units import PositiveNanoseconds, Timestamp, refuse


def _percentage(value: int) -> int:
    """Refuse what is no share of all requests; the wire's 0 means `headers` (Go library, `exports.go`)."""
    if not 1 <= value <= 100:
        raise refuse(f"{value} is not a percentage from 1 to 100", "write 1 to 100, or `headers`")
    return value


Sampling = Annotated[
    Annotated[
        int,
        AfterValidator(_percentage),
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 100}),
        Tag(NUMBER),
    ]
    | Annotated[Literal["headers"], Tag(TEXT)],
    by_shape("a percentage, or `headers`"),
]


Private = Annotated[
    Annotated[bool, Tag(BOOLEAN)] | Annotated[list[str], Tag(LIST)],
    by_shape("`true` or `false`, or a list of accounts"),
]


class LatencySpec(Model):
    """How long requests of a service take, measured by the server and published as messages."""

    sampling: Sampling = Field(
        description="How many requests of a hundred are measured, or `headers`: those that carry a tracing header.",
        examples=[50, "headers"],
        json_schema_extra=becomes(".sampling"),
    )
    to: str = Field(
        description="Where in this account the measurements are published.",
        examples=["latency.history"],
        json_schema_extra=becomes(".results"),
    )


class OutsideAccountSpec(Model):
    """An account that this spec does not make: imports may be `from` it, and private exports may name it."""

    public_key: str = Field(
        description="Its public key, which whoever runs it knows.",
        examples=["ABJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLA"],
        json_schema_extra=becomes("nats.imports[].account"),
    )


class ExportRevocationsSpec(Model):
    """Activations that are good no more: those issued up to a time."""

    accounts: dict[str, Timestamp] = Field(
        default={},
        description="By the importing account, by its name under `outside` or its public key. An account of this spec "
        "is taken out of `private` instead.",
        examples=[{"partner": "2027-01-31T12:00:00Z"}],
        json_schema_extra=becomes(".*"),
    )
    all_before: Timestamp | None = Field(
        default=None,
        description="Every activation up to here; those of accounts of this spec are made anew. Default: none.",
        examples=["2027-01-31"],
        json_schema_extra=becomes(".*", note="the key `*`"),
    )


class ExportSpec(Model):
    """A stream or a service offered to other accounts."""

    stream: str | None = Field(
        default=None,
        description="Subject of a message stream: importers may subscribe to it. An export has either this or "
        "`service`. Default: a `service`.",
        examples=["sensors.>"],
        json_schema_extra=becomes(".subject", ".type"),
    )
    service: str | None = Field(
        default=None,
        description="Subject of a service: importers may send requests to it. Default: a `stream`.",
        examples=["history.query"],
        json_schema_extra=becomes(".subject", ".type"),
    )
    name: str | None = Field(
        default=None,
        description="A name to show. Default: the subject.",
        examples=["sensors"],
        json_schema_extra=becomes(".name"),
    )
    response: Literal["singleton", "stream", "chunked"] | None = Field(
        default=None,
        description="How many messages answer a request to the service. Default: `singleton`.",
        json_schema_extra=becomes(".response_type"),
    )
    private: Private = Field(
        default=False,
        description="Who may import it. A list names accounts: those of this spec get their activations made and "
        "carried for them, those of `outside` get one from `activation mint`; `true`: whoever has an activation.",
        examples=[["web"]],
        json_schema_extra=becomes(".token_req", "nats.imports[].token"),
    )
    revocations: ExportRevocationsSpec | None = Field(
        default=None,
        description="Activations that are good no more. Default: none.",
        json_schema_extra=becomes(".revocations"),
        examples=[{"all_before": "2027-01-31"}],
    )
    response_threshold: PositiveNanoseconds | None = Field(
        default=None,
        description="How long a service may take to answer. Default: the server's 2m. A running server goes back to "
        "2m at the account's next change.",
        examples=["5s"],
        json_schema_extra=becomes(".response_threshold"),
    )
    latency: LatencySpec | None = Field(
        default=None,
        description="Measure how long requests take. Default: not measured.",
        examples=[{"sampling": 50, "to": "latency.history"}],
        json_schema_extra=becomes(".service_latency"),
    )
    account_token_position: int | None = Field(
        default=None,
        ge=1,
        description="Which token of the subject, a `*`, counted from 1, is the importing account's public key: so"
        " importers cannot pass for each other. Default: none.",
        examples=[2],
        json_schema_extra=becomes(".account_token_position"),
    )
    advertise: bool = Field(
        default=False,
        description="Tools may list the export publicly.",
        json_schema_extra=becomes(".advertise"),
    )
    allow_trace: bool = Field(
        default=False,
        description="Message traces of importers go on into this account's service.",
        json_schema_extra=becomes(".allow_trace"),
    )
    description: str = Field(
        default="",
        description="What it is, for those who import it.",
        examples=["Readings of all sensors"],
        json_schema_extra=becomes(".description"),
    )
    info_url: str = Field(
        default="",
        description="Where to read more.",
        examples=["https://docs.example.com/sensors"],
        json_schema_extra=becomes(".info_url"),
    )


class TokenFileSpec(Model):
    """A file that holds an activation, with or without BEGIN and END lines."""

    file: str = Field(
        description="Its path from the folder of the spec on; it must not lead out of it.",
        examples=["activations/billing.jwt"],
        json_schema_extra=becomes("."),
    )


ImportToken = Annotated[
    Annotated[str, Tag(TEXT)] | Annotated[TokenFileSpec, Tag(MAP)],
    by_shape("the text of an activation, or `{file: PATH}`"),
]


class ImportSpec(Model):
    """A stream or a service taken from another account."""

    from_: str = Field(
        alias="from",
        description="The exporting account, by its name under `accounts` or `outside`.",
        examples=["telemetry"],
        json_schema_extra=becomes(".account"),
    )
    stream: str | None = Field(
        default=None,
        description="Subject of a stream, as exported or narrower. Where the export has an "
        "`account_token_position`, `{{account-subject()}}` stands there. Default: a `service`.",
        examples=["sensors.eu.>"],
        json_schema_extra=becomes(".subject", ".type"),
    )
    service: str | None = Field(
        default=None,
        description="Subject of a service, likewise. Default: a `stream`.",
        examples=["history.query", "jobs.{{account-subject()}}.add"],
        json_schema_extra=becomes(".subject", ".type"),
    )
    local_subject: str | None = Field(
        default=None,
        description="The subject it has in this account; `$1` stands for the first `*` of the imported subject. "
        "Default: the subject, without an `{{account-subject()}}`.",
        examples=["eu.sensors.>"],
        json_schema_extra=becomes(".local_subject"),
    )
    name: str | None = Field(
        default=None,
        description="A name to show. Default: the subject.",
        examples=["sensors"],
        json_schema_extra=becomes(".name"),
    )
    token: ImportToken | None = Field(
        default=None,
        description="The activation that an account of `outside` gave for its private export: the text, or a "
        "file. It is no secret. Default: none; within the spec none is needed.",
        examples=[{"file": "activations/billing.jwt"}],
        json_schema_extra=becomes("nats.imports[].token"),
    )
    share: bool = Field(
        default=False,
        description="The service may see who asks: measurements of its latency name the client.",
        json_schema_extra=becomes(".share"),
    )
    allow_trace: bool = Field(
        default=False,
        description="Message traces of the exporter's stream go on into this account.",
        json_schema_extra=becomes(".allow_trace"),
    )
