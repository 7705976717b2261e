"""Facts about permissions: of roles, and of what an account gives to users without their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from natsbackend.plan.facts import (
    Fact,
    Names,
    Place,
    elements,
    is_nothing,
    listed,
    members,
    other,
    scalar,
    unknown,
)

_DIRECTIONS = {"pub": "publish", "sub": "subscribe"}
_LIMITS = {"subs": ("subscriptions", ""), "data": ("data", "bytes"), "payload": ("payload", "bytes")}
_LISTS = {"src": "sources", "times": "times", "allowed_connection_types": "connection_types"}
_SCALARS = {"times_location": "time_zone", "bearer_token": "bearer", "proxy_required": "proxy_required"}
_SCOPE = ("kind", "key", "role", "template", "description")
EVERYTHING = Fact("everything")
NOTHING = Fact("nothing")


def permission_facts(value: Mapping[str, object], where: str) -> Iterator[tuple[Place, Fact]]:
    """Facts of `pub`, `sub` and `resp`."""
    for direction, word in _DIRECTIONS.items():
        rules = members(value.get(direction))
        allow, deny = elements(rules.get("allow")), elements(rules.get("deny"))
        if allow:
            yield (where, word), listed(allow)
        elif deny == [">"]:
            yield (where, word), NOTHING
            deny = []
        else:
            yield (where, word), EVERYTHING
        if deny:
            yield (where, f"{word}: deny"), listed(deny)
        yield from unknown(rules, ("allow", "deny"), where, f"{direction}.")
    responses = value.get("resp")
    if isinstance(responses, dict):
        yield (where, "responses: max"), scalar(responses.get("max", 0))
        yield (where, "responses: expires"), scalar(responses.get("ttl", 0), "nanoseconds")
        yield from unknown(responses, ("max", "ttl"), where, "resp.")
    elif not is_nothing(responses):
        yield (where, "resp"), other(responses)


def scope_facts(key: Mapping[str, object], where: str, names: Names) -> Iterator[tuple[Place, Fact]]:
    """Facts of a role: a scoped signing key."""
    public = key.get("key")
    path = names.path(public)
    if isinstance(public, str):
        yield (where, "key"), Fact(public)
    if names.of(public) != key.get("role") or path == public:
        yield (where, "role"), scalar(key.get("role"))
    if key.get("kind") != "user_scope":
        yield (where, "kind"), other(key.get("kind"))
    if not is_nothing(key.get("description")):
        yield (where, "description"), scalar(key["description"])
    template = members(key.get("template"))
    yield from permission_facts(template, where)
    for name, (word, unit) in _LIMITS.items():
        yield (where, f"limits: {word}"), scalar(template.get(name, 0), unit)
    for name, word in _LISTS.items():
        if elements(template.get(name)):
            yield (where, word), listed(map(_window, elements(template[name])))
    for name, word in _SCALARS.items():
        if not is_nothing(template.get(name)):
            yield (where, word), scalar(template[name])
    known = (*_DIRECTIONS, "resp", *_LIMITS, *_LISTS, *_SCALARS)
    yield from unknown(template, known, where, "template.")
    yield from unknown(key, _SCOPE, where, "")


def _window(value: object) -> object:
    """Return a time window as `22:00:00-06:00:00`; anything else as it is."""
    window = members(value)
    if set(window) == {"start", "end"}:
        return f"{window['start']}-{window['end']}"
    return value
