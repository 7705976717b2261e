"""Facts about operators and accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from natsbackend.plan.facts import (
    Fact,
    Facts,
    Names,
    Place,
    elements,
    is_nothing,
    listed,
    members,
    moment,
    other,
    scalar,
    shown,
    unknown,
)
from natsbackend.plan.payloads import Payload
from natsbackend.plan.permission_facts import permission_facts, scope_facts
from natsbackend.plan.sharing_facts import export_facts, import_facts

_ENVELOPE = ("iss", "sub", "name", "exp", "nbf", "nats")
LIMITS = {
    "conn": ("connections", ""),
    "leaf": ("leaf_nodes", ""),
    "subs": ("subscriptions", ""),
    "payload": ("payload", "bytes"),
    "data": ("data", "bytes"),
    "imports": ("imports", ""),
    "exports": ("exports", ""),
    "wildcards": ("wildcard_exports", ""),
}
"""Base limits: the claim, the spec's word and its unit."""
JETSTREAM = {
    "disk_storage": ("disk", "bytes"),
    "mem_storage": ("memory", "bytes"),
    "streams": ("streams", ""),
    "consumer": ("consumers", ""),
    "max_ack_pending": ("max_ack_pending", ""),
    "disk_max_stream_bytes": ("disk_max_stream", "bytes"),
    "mem_max_stream_bytes": ("memory_max_stream", "bytes"),
    "max_bytes_required": ("max_bytes_required", ""),
}
"""Limits of JetStream, of an account or of one of its tiers."""
_TEXTS = {"description": "description", "info_url": "info_url", "cluster_traffic": "cluster_traffic"}
_ACCOUNT = (
    "limits", "exports", "imports", "signing_keys", "default_permissions", "mappings", "trace", "authorization",
    "revocations", "tags", "type", "version", *_TEXTS,
)  # fmt: skip
_OPERATOR = {
    "account_server_url": "account_server_url",
    "assert_server_version": "assert_server_version",
    "strict_signing_key_usage": "require_signing_keys",
}


def account_facts(payload: Payload, names: Names) -> Facts:
    """Return what an account's payload says."""
    nats = members(payload.get("nats"))
    return {
        **dict(_envelope(payload, names)),
        **dict(_limits(members(nats.get("limits")))),
        **dict(export_facts(nats.get("exports"), names)),
        **dict(import_facts(nats.get("imports"), names, str(payload.get("sub")))),
        **dict(_signing_keys(nats.get("signing_keys"), names)),
        **dict(permission_facts(members(nats.get("default_permissions")), "default_permissions")),
        **dict(_mappings(members(nats.get("mappings")))),
        **dict(_rest(nats, names)),
        **dict(unknown(nats, _ACCOUNT, "claims", "")),
    }


def operator_facts(payload: Payload, names: Names) -> Facts:
    """Return what an operator's payload says."""
    nats = members(payload.get("nats"))
    facts: Facts = dict(_envelope(payload, names))
    facts["", "signing_keys"] = listed(names.path(key) for key in elements(nats.get("signing_keys")))
    facts["", "system_account"] = Fact(
        names.of(nats.get("system_account")), identity=str(nats.get("system_account"))
    )
    for member, word in (("operator_service_urls", "service_urls"), ("tags", "tags")):
        if elements(nats.get(member)):
            facts["", word] = listed(elements(nats[member]))
    for member, word in _OPERATOR.items():
        if not is_nothing(nats.get(member)):
            facts["", word] = scalar(nats[member])
    known = ("signing_keys", "system_account", "operator_service_urls", "tags", "type", "version", *_OPERATOR)
    return facts | dict(unknown(nats, known, "claims", ""))


def _envelope(payload: Payload, names: Names) -> Iterator[tuple[Place, Fact]]:
    yield ("", "name"), scalar(payload.get("name", ""))
    yield ("", "signed by"), Fact(names.path(payload.get("iss")), identity=str(payload.get("iss")))
    for member, word in (("exp", "expires"), ("nbf", "not_before")):
        if not is_nothing(payload.get(member)):
            yield ("", word), scalar(payload[member], "moment")
    yield from unknown(payload, _ENVELOPE, "claims", "")


def _limits(limits: Mapping[str, object]) -> Iterator[tuple[Place, Fact]]:
    for member, (word, unit) in LIMITS.items():
        yield ("limits", word), scalar(limits.get(member, False if member == "wildcards" else 0), unit)
    if not is_nothing(limits.get("disallow_bearer")):
        yield ("", "disallow_bearer"), scalar(limits["disallow_bearer"])
    yield from _jetstream(limits, "jetstream")
    tiers = members(limits.get("tiered_limits"))
    for tier, value in tiers.items():
        yield (f"jetstream: tier {shown(tier)}", ""), Fact("there")
        yield from _jetstream(members(value), f"jetstream: tier {shown(tier)}")
        yield from unknown(members(value), JETSTREAM, f"jetstream: tier {shown(tier)}", "")
    yield from unknown(limits, (*LIMITS, *JETSTREAM, "disallow_bearer", "tiered_limits"), "limits", "")


def _jetstream(limits: Mapping[str, object], where: str) -> Iterator[tuple[Place, Fact]]:
    for member, (word, unit) in JETSTREAM.items():
        if not is_nothing(limits.get(member)):
            yield (where, word), scalar(limits[member], unit)


def _signing_keys(values: object, names: Names) -> Iterator[tuple[Place, Fact]]:
    """Roles by name, all other signing keys as one list: each is either trusted or not."""
    plain = [names.path(key) for key in elements(values) if isinstance(key, str)]
    if plain:
        yield ("", "signing_keys"), listed(plain)
    roles: dict[str, list[Mapping[str, object]]] = {}
    for key in elements(values):
        if isinstance(key, dict):
            known = names.path(key.get("key")) != key.get("key")
            roles.setdefault(names.of(key.get("key")) if known else shown(key.get("role", "")), []).append(
                key
            )
    for role, keys in roles.items():
        for key in keys:
            where = f"roles: {role}" if len(keys) == 1 else f"roles: {role} ({str(key.get('key'))[:8]}…)"
            yield (where, ""), Fact("there")
            yield from scope_facts(key, where, names)


def _mappings(mappings: Mapping[str, object]) -> Iterator[tuple[Place, Fact]]:
    for source, targets in mappings.items():
        yield (f"mappings: {shown(source)}", "to"), listed(map(_destination, elements(targets)))


def _destination(value: object) -> object:
    target = dict(members(value))
    subject, weight = target.pop("subject", ""), target.pop("weight", 0)
    cluster = target.pop("cluster", "")
    if target or not isinstance(value, dict):
        return value
    share = f" {weight}%" if weight else ""
    return f"{subject}{share}{f' in {cluster}' if cluster else ''}"


def _rest(nats: Mapping[str, object], names: Names) -> Iterator[tuple[Place, Fact]]:
    for member, word in _TEXTS.items():
        if not is_nothing(nats.get(member)):
            yield ("", word), scalar(nats[member])
    if elements(nats.get("tags")):
        yield ("", "tags"), listed(elements(nats["tags"]))
    trace = members(nats.get("trace"))
    for member, word in (("dest", "to"), ("sampling", "sampling")):
        if not is_nothing(trace.get(member)):
            yield ("trace", word), scalar(trace[member])
    yield from unknown(trace, ("dest", "sampling"), "trace", "")
    asked = members(nats.get("authorization"))
    for member, word in (("auth_users", "users"), ("allowed_accounts", "accounts")):
        if elements(asked.get(member)):
            yield ("external_authorization", word), listed(names.of(key) for key in elements(asked[member]))
    if not is_nothing(asked.get("xkey")):
        yield ("external_authorization", "encrypt"), Fact("true", identity=str(asked["xkey"]))
    yield from unknown(asked, ("auth_users", "allowed_accounts", "xkey"), "external_authorization", "")
    for key, until in members(nats.get("revocations")).items():
        word = "all_before" if key == "*" else names.short(key)
        fact = Fact(moment(until)) if type(until) is int else other(until)
        yield ("revocations", word), Fact(fact.text, identity=key)
