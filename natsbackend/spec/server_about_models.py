"""The shape of what a server says: its log, its tags and metadata, and the proxies it believes."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from natsbackend.spec.shape import Model, becomes
from natsbackend.spec.units import PositiveSize, refuse


def _tag(text: str) -> str:
    """Refuse what the server would change: it trims tags and writes them in lower case (`jwt.TagList`)."""
    if not text or text != text.strip().lower():
        raise refuse(
            f"{text[:60]!r} is not a tag", "write it in lower case and without blanks around it: az:1"
        )
    return text


def _public_key(text: str) -> str:
    """Refuse a seed before anything else is said of it: nothing may repeat it."""
    if re.match(r"S[A-Z][A-Z2-7]{50,}", text):
        raise refuse(
            "this is a seed, the secret half of a key", "give the public key, and count the seed as known"
        )
    return text


ServerTag = Annotated[str, AfterValidator(_tag)]


class LogSpec(Model):
    """The log of the server. It goes to standard error unless it has a file."""

    file: str | None = Field(
        default=None,
        description="File to log into; a relative path begins at the directory the server runs in. Default: standard "
        "error.",
        examples=["/var/log/nats-server.log"],
        json_schema_extra=becomes("log_file"),
    )
    size_limit: PositiveSize | None = Field(
        default=None,
        description="Size at which the file is renamed and a new one begun. Default: no limit.",
        examples=["100MiB"],
        json_schema_extra=becomes("logfile_size_limit"),
    )
    max_files: int | None = Field(
        default=None,
        ge=1,
        description="Most files kept, the present one included. Default: all.",
        examples=[10],
        json_schema_extra=becomes("logfile_max_num"),
    )
    utc: bool = Field(
        default=False,
        description="Times in UTC and not in the machine's zone.",
        json_schema_extra=becomes("logtime_utc"),
    )
    debug: bool = Field(
        default=False,
        description="Log what is of use when looking for a fault, such as why an import is not installed.",
        json_schema_extra=becomes("debug"),
    )
    trace: bool = Field(
        default=False,
        description="Log every line of the protocol, whole tokens of browsers included.",
        json_schema_extra=becomes("trace"),
    )
    trace_length: PositiveSize | None = Field(
        default=None,
        description="Longest part of a message in a trace. Default: unlimited.",
        examples=[256],
        json_schema_extra=becomes("max_traced_msg_len"),
    )


class ProxiesSpec(Model):
    """Proxies that sign for the connections they pass on."""

    trusted: list[Annotated[str, AfterValidator(_public_key)]] = Field(
        description="Public keys of the proxies. A role or user with `proxy_required` connects through one of them.",
        examples=[["UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"]],
        json_schema_extra=becomes("proxies.trusted[].key"),
    )
