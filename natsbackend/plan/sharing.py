"""Exports and imports, in words: known by what they are of, and labelled with it."""

from __future__ import annotations

from collections.abc import Iterator

from natsbackend.claims.codec import canonical_json
from natsbackend.model.sharing import ACCOUNT_TOKEN
from natsbackend.plan.naming import ANY, Names
from natsbackend.plan.pairing import Element, Labels, pairs
from natsbackend.plan.said import Many, Members, One, Words, compare, flag, text
from natsbackend.plan.values import Change
from natsbackend.plan.wordlist import date, quantity


def exports(before: list[object], after: list[object], names: Names) -> Iterator[Change]:
    """Yield how exports differ."""
    labels = Labels()
    for old, new in pairs(_objects(before), _objects(after), canonical_json, _of):
        label = labels(f"exports: {export_label(new or old or {})}")
        yield from compare(
            label, *(None if side is None else _export_words(side, names) for side in (old, new))
        )
    yield from _strange("nats.exports[]", before, after)


def imports(before: list[object], after: list[object], names: Names, own: str) -> Iterator[Change]:
    """Yield how imports differ; `own` is the key of the importing account."""
    labels = Labels()

    def local(each: Element) -> object:
        return (*_of(each), each.get("account"), each.get("local_subject"))

    def exporter(each: Element) -> object:
        return (*_of(each), each.get("account"))

    for old, new in pairs(_objects(before), _objects(after), canonical_json, local, exporter, _of):
        label = labels(f"imports: {import_label(new or old or {}, names, own)}")
        yield from compare(
            label, *(None if side is None else _import_words(side, names) for side in (old, new))
        )
    yield from _strange("nats.imports[]", before, after)


def export_label(export: Element) -> str:
    """Return `stream sensors.>`."""
    return f"{export.get('type', '')} {export.get('subject', '')}"


def import_label(imported: Element, names: Names, own: str) -> str:
    """Return `stream sensors.> from telemetry`; the importer's own key is a word of the spec."""
    subject = (
        str(imported.get("subject", "")).replace(own, ACCOUNT_TOKEN) if own else imported.get("subject", "")
    )
    return f"{imported.get('type', '')} {subject} from {names.account(str(imported.get('account', '')))}"


def _of(each: Element) -> tuple[object, object]:
    return (each.get("type"), each.get("subject"))


def _objects(values: list[object]) -> list[Element]:
    return [each for each in values if isinstance(each, dict)]


def _strange(path: str, before: list[object], after: list[object]) -> Iterator[Change]:
    """Entries that are no objects: the server ignores or refuses them, and yet they are there."""
    old, new = ([each for each in side if not isinstance(each, dict)] for side in (before, after))
    if old != new:
        members = (Members({"": side or None}, path) for side in (old, new))
        yield from compare("", *(dict(each.rest()) for each in members))


def _export_words(export: Element, names: Names) -> Words:
    members = Members(dict(export), "nats.exports[]")
    subject = members.text("subject")
    kind = members.text("type")
    words: dict[str, One | Many] = {
        "private": flag(members.flag("token_req")),
        **_revocations(members, names),
    }
    response = members.text("response_type") or ("Singleton" if kind == "service" else "")
    words["response"] = One(
        raw=response, text=response.lower() or "none", is_default=response in ("", "Singleton")
    )
    if threshold := members.number("response_threshold"):
        words["response_threshold"] = One(raw=threshold, text=quantity(threshold, "nanoseconds"))
    if "service_latency" in members:
        words |= _latency(members.below("service_latency"))
    if position := members.number("account_token_position"):
        words["account_token_position"] = One(raw=position, text=str(position))
    words["advertise"] = flag(members.flag("advertise"))
    words["allow_trace"] = flag(members.flag("allow_trace"))
    return words | _about(members, subject) | dict(members.rest())


def _revocations(members: Members, names: Names) -> dict[str, One]:
    out = {}
    for key, until in sorted(members.mapping("revocations").items()):
        name = "all_before" if key == ANY else f"accounts.{names.account(key)}"
        said = One(raw=(key, until), text=date(until) if isinstance(until, int) else "0")
        out[f"revocations.{name}"] = said
    return out


def _latency(members: Members) -> dict[str, One]:
    """Go writes a sampling of 0 as `headers` and reads it so."""
    sampling = members.any("sampling") or "headers"
    out = {
        "latency.sampling": One(raw=sampling, text=str(sampling)),
        "latency.to": text(members.text("results")),
    }
    return out | dict(members.rest())


def _about(members: Members, subject: str) -> dict[str, One]:
    return {
        "name": text(members.text("name"), subject),
        "description": text(members.text("description")),
        "info_url": text(members.text("info_url")),
    }


def _import_words(imported: Element, names: Names) -> Words:
    members = Members(dict(imported), "nats.imports[]")
    subject = members.text("subject")
    members.text("type")
    exporter, token = members.text("account"), members.text("token")
    words: dict[str, One | Many] = {
        "from": One(raw=exporter, text=names.account(exporter), is_default=True),
        "local_subject": text(members.text("local_subject")),
        "nats.imports[].to": text(members.text("to")),
    }
    if token:  # whoever holds one may import: it is never shown
        words["activation"] = One(raw=token, text="present")
    words["share"] = flag(members.flag("share"))
    words["allow_trace"] = flag(members.flag("allow_trace"))
    words["name"] = text(members.text("name"), subject)
    return words | dict(members.rest())
