"""Two payloads of an operator, and every word in which they differ."""

from __future__ import annotations

from collections.abc import Iterator

from natsbackend.plan.account_words import envelope_words, kind_words
from natsbackend.plan.naming import Names
from natsbackend.plan.payloads import Payload
from natsbackend.plan.said import Many, Members, One, compare, flag, many, text
from natsbackend.plan.values import Change


def operator_changes(before: Payload, after: Payload, names: Names) -> Iterator[Change]:
    """Yield every word in which two payloads of one operator differ."""
    yield from compare("", *(_words(Members(dict(side), ""), names) for side in (before, after)))


def _words(members: Members, names: Names) -> dict[str, One | Many]:
    nats = members.below("nats")
    members.any("sub")
    out: dict[str, One | Many] = dict(envelope_words(members, names))
    if keys := nats.texts("signing_keys"):
        out["signing_keys"] = many(keys, names.path)
    out["require_signing_keys"] = flag(nats.flag("strict_signing_key_usage"))
    system = nats.text("system_account")
    out["system_account"] = One(raw=system, text=names.account(system) if system else "none")
    urls = nats.texts("operator_service_urls")
    out["service_urls"] = One(raw=urls, text=f"[{', '.join(urls)}]", is_default=not urls)
    for claim in ("account_server_url", "assert_server_version"):
        if said := nats.text(claim):
            out[claim] = text(said)
    if tags := nats.texts("tags"):
        out["tags"] = many(tags)
    return out | kind_words(nats) | dict(nats.rest()) | dict(members.rest())
