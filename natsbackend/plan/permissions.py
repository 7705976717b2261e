"""Permissions, restrictions and limits of roles, and an account's default permissions, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from natsbackend.plan.naming import Names
from natsbackend.plan.pairing import Element, Labels, pairs
from natsbackend.plan.said import Many, Members, One, Words, compare, flag, many, text
from natsbackend.plan.values import Change
from natsbackend.plan.wordlist import quantity, words_of
from natsbackend.spec.limit_models import UserLimitsSpec
from natsbackend.spec.permission_models import ResponsesSpec
from natsbackend.spec.user_models import TimeWindowSpec as TimeWindowSpec

EVERYTHING = "everything"
NOTHING = "nothing"


def permission_words(members: Members) -> Iterator[tuple[str, One | Many]]:
    """Take `pub`, `sub` and `resp`."""
    for claim, word in (("pub", "publish"), ("sub", "subscribe")):
        yield from _direction(members.below(claim), word)
    if "resp" in members:
        resp = members.below("resp")
        most, ttl = resp.number("max"), resp.number("ttl")
        yield "allow_responses", _responses(most, ttl)
        yield from resp.rest()


def _direction(members: Members, word: str) -> Iterator[tuple[str, One | Many]]:
    """An empty allow list allows everything (nats-server 2.15 `client.go`), so it is not a list without elements."""
    allow, deny = members.texts("allow"), members.texts("deny")
    if allow:
        yield word, many(allow)
    elif deny == [">"]:
        deny = []
        yield word, One(raw=NOTHING, text=NOTHING)
    else:
        yield word, One(raw=EVERYTHING, text=EVERYTHING)
    if deny:
        yield f"{word}.deny", many(deny)
    yield from members.rest()


def _responses(most: int, ttl: int) -> One:
    known = words_of(ResponsesSpec)
    if not most and not ttl:
        return One(raw=(0, 0), text="true")
    parts = [f"max: {quantity(most or 1, known['max'].unit)}"]
    if ttl:
        parts.append(f"ttl: {quantity(ttl, 'nanoseconds')}")
    return One(raw=(most, ttl), text=f"{{{', '.join(parts)}}}")


def default_words(value: object) -> Words | None:
    """Return an account's default permissions; None if it has none."""
    members = Members(value, "nats.default_permissions")
    words = dict(permission_words(members)) | dict(members.rest())
    is_unsaid = all(isinstance(said, One) and said.raw == EVERYTHING for said in words.values())
    return None if is_unsaid else words


def roles(before: list[object], after: list[object], names: Names) -> Iterator[Change]:
    """Yield how roles differ: a role is known by its key, and with another key by its name."""
    labels = Labels()
    for old, new in pairs(_scopes(before), _scopes(after), _key, lambda each: str(each.get("role", ""))):
        shown = new if new is not None else old
        label = labels(f"roles: {_name(shown or {}, names)}")
        yield from compare(
            label, *(None if side is None else _role_words(side, names) for side in (old, new))
        )


def plain_keys(signing_keys: list[object]) -> list[str]:
    """Return the signing keys that hold their users to nothing."""
    return [each for each in signing_keys if isinstance(each, str)]


def _scopes(signing_keys: list[object]) -> list[Element]:
    return [each for each in signing_keys if isinstance(each, dict)]


def _key(scope: Element) -> str:
    return str(scope.get("key", ""))


def _name(scope: Mapping[str, object], names: Names) -> str:
    return str(scope.get("role") or "") or names.path(_key(scope))


def _role_words(scope: Element, names: Names) -> Words:
    members = Members(dict(scope), "nats.signing_keys[]")
    key, kind = members.text("key"), members.text("kind")
    words: dict[str, One | Many] = {
        "key": One(raw=key, text=names.key(key), is_default=True),
        "name": One(raw=members.text("role"), text=str(scope.get("role", "")), is_default=True),
        "nats.signing_keys[].kind": text(kind, "user_scope"),
    }
    template = members.below("template")
    words |= dict(permission_words(template)) | dict(connecting_words(template)) | dict(template.rest())
    words["description"] = text(members.text("description"))
    return words | dict(members.rest())


def connecting_words(members: Members) -> Iterator[tuple[str, One | Many]]:
    """Take what says from where, when, over what and with what proof one connects, and the limits."""
    sources = members.any("src")
    if isinstance(sources, str):  # Go reads a text with commas, too
        sources = sources.split(",")
    if isinstance(sources, list) and sources:
        yield "sources", many([str(each) for each in sources])
    times = [Members(each, "nats.signing_keys[].template.times[]") for each in members.elements("times")]
    if times:
        yield "times", many([_window(each) for each in times])
    if zone := members.text("times_location"):
        yield "time_zone", text(zone)
    for claim, word in words_of(UserLimitsSpec).items():
        number = members.number(claim)
        shown = quantity(number, word.unit)
        yield f"limits.{word.name}", One(raw=number, text=shown, is_default=number == word.default)
    yield "bearer", flag(members.flag("bearer_token"))
    yield "proxy_required", flag(members.flag("proxy_required"))
    if types := members.texts("allowed_connection_types"):
        yield "connection_types", many([each.lower() for each in types])


def _window(members: Members) -> str:
    window = f"{members.text('start')} to {members.text('end')}"
    rest = [f"{path}: {said.text}" for path, said in members.rest()]
    return " ".join((window, *rest))
