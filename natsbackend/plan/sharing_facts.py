"""Facts about exports and imports, each at a place that names it as a person would."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping

from natsbackend.model.sharing import ACCOUNT_TOKEN
from natsbackend.plan.facts import (
    Fact,
    Names,
    Place,
    elements,
    is_nothing,
    members,
    moment,
    other,
    scalar,
    shown,
    unknown,
)

_EXPORT = {
    "description": ("description", ""),
    "info_url": ("info_url", ""),
    "token_req": ("private", ""),
    "response_threshold": ("threshold", "nanoseconds"),
    "account_token_position": ("account_token_position", ""),
    "advertise": ("advertise", ""),
    "allow_trace": ("allow_trace", ""),
}
_IMPORT = {"local_subject": ("local_subject", ""), "share": ("share", ""), "allow_trace": ("allow_trace", "")}
_NAMED = ("subject", "type")


def export_facts(values: object, names: Names) -> Iterator[tuple[Place, Fact]]:
    """Facts of all exports of an account."""
    for where, value in _placed(values, "exports", lambda value: _label(value), lambda _: ""):
        yield (where, ""), Fact("offered")
        yield from _name(value, where)
        if value.get("type") == "service":
            yield (where, "response"), scalar(str(value.get("response_type") or "Singleton").lower())
        elif not is_nothing(value.get("response_type")):
            yield (where, "response_type"), other(value["response_type"])
        yield from _words(value, _EXPORT, where)
        latency = members(value.get("service_latency"))
        for member, word in (("sampling", "latency: sampling"), ("results", "latency: results")):
            if member in latency:
                yield (where, word), scalar(latency[member])
        yield from unknown(latency, ("sampling", "results"), where, "service_latency.")
        for key, until in members(value.get("revocations")).items():
            word = "revocations: all_before" if key == "*" else f"revocations: {names.short(key)}"
            yield (where, word), Fact(scalar(until, "moment").text, identity=key)
        known = ("name", *_NAMED, "response_type", "service_latency", "revocations", *_EXPORT)
        yield from unknown(value, known, where, "")


def import_facts(values: object, names: Names, own: str) -> Iterator[tuple[Place, Fact]]:
    """Facts of all imports of an account whose public key is `own`."""

    def label(value: Mapping[str, object]) -> str:
        return f"{_label(value, own)} from {names.short(value.get('account'))}"

    def local(value: Mapping[str, object]) -> str:
        return f" as {shown(value.get('local_subject', ''))}"

    for where, value in _placed(values, "imports", label, local):
        yield (where, ""), Fact("taken", identity=str(value.get("account")))
        yield from _name(value, where)
        yield from _words(value, _IMPORT, where)
        token = value.get("token")
        if not is_nothing(token):
            digest = hashlib.sha256(str(token).encode("utf-8", "surrogatepass")).hexdigest()
            yield (where, "activation"), Fact("there", identity=digest)
        yield from unknown(value, ("name", "account", "token", *_NAMED, *_IMPORT), where, "")


def _placed(
    values: object,
    section: str,
    label: Callable[[Mapping[str, object]], str],
    more: Callable[[Mapping[str, object]], str],
) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Give each element a place of its own, whatever their order is."""
    placed: dict[str, list[Mapping[str, object]]] = {}
    for value in elements(values):
        placed.setdefault(f"{section}: {label(members(value))}", []).append(members(value))
    for where, those in placed.items():
        if len(those) == 1:
            yield where, those[0]
            continue
        taken: dict[str, int] = {}
        for value in sorted(those, key=str):
            place = f"{where}{more(value)}"
            taken[place] = number = taken.get(place, 0) + 1
            yield place if number == 1 else f"{place} ({number})", value


def _label(value: Mapping[str, object], own: str = "") -> str:
    subject = str(value.get("subject", ""))
    if own:
        subject = ".".join(ACCOUNT_TOKEN if token == own else token for token in subject.split("."))
    return f"{shown(value.get('type', ''))} {shown(subject)}"


def _name(value: Mapping[str, object], where: str) -> Iterator[tuple[Place, Fact]]:
    """The name, where somebody chose one: without it it is the subject."""
    if value.get("name") != value.get("subject") and not is_nothing(value.get("name")):
        yield (where, "name"), scalar(value["name"])


def _words(
    value: Mapping[str, object], words: Mapping[str, tuple[str, str]], where: str
) -> Iterator[tuple[Place, Fact]]:
    for member, (word, unit) in words.items():
        if not is_nothing(value.get(member)):
            yield (where, word), scalar(value[member], unit)


__all__ = ["export_facts", "import_facts", "moment"]
