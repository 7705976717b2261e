"""Two payloads of one account, and every word in which they differ, in the order of a spec."""

from __future__ import annotations

from collections.abc import Iterator

from natsbackend.plan import permissions, sharing
from natsbackend.plan.naming import ANY, Names
from natsbackend.plan.payloads import Payload
from natsbackend.plan.said import Many, Members, One, Words, as_json, compare, flag, many, text
from natsbackend.plan.values import Change
from natsbackend.plan.wordlist import date, numbers
from natsbackend.spec.limit_models import AccountLimitsSpec, JetStreamLimitsSpec

_LIMITS = ("conn", "leaf", "subs", "payload", "data", "imports", "exports", "wildcards")
_STORAGE = ("disk_storage", "mem_storage", "streams", "consumer")
_CEILINGS = ("max_ack_pending", "disk_max_stream_bytes", "mem_max_stream_bytes")
_JETSTREAM = (*_STORAGE, *_CEILINGS, "max_bytes_required")


def account_changes(before: Payload | None, after: Payload, names: Names) -> Iterator[Change]:
    """Yield every word in which two payloads of an account differ; before there was an account, there was None."""
    own = str(after.get("sub", ""))
    old, new = (_Account(side, names) for side in (before or {}, after))
    yield from compare(
        "", {} if before is None else old.about, _said(new.about) if before is None else new.about
    )
    for where in dict.fromkeys((*old.sections, *new.sections)):
        was, becomes = old.sections.get(where), new.sections.get(where)
        if where == "revocations":  # each is a change of its own
            was, becomes = was or {}, becomes or {}
        if before is None and becomes is not None and not _said(becomes):
            continue
        yield from compare(where, None if before is None else was, becomes)
    yield from sharing.exports(old.exports, new.exports, names)
    yield from sharing.imports(old.imports, new.imports, names, own)
    yield from compare("", {"signing_keys": old.plain_keys}, {"signing_keys": new.plain_keys})
    yield from permissions.roles(old.signing_keys, new.signing_keys, names)


def _said(words: Words) -> Words:
    """Return the words that say something."""
    return {word: said for word, said in words.items() if not (isinstance(said, One) and said.is_default)}


class _Account:
    """What one payload says: about the account itself, section by section, and the lists."""

    def __init__(self, payload: Payload, names: Names) -> None:
        members = Members(dict(payload), "")
        members.any("sub")
        nats = members.below("nats")
        limits = nats.below("limits")
        self.exports, self.imports = nats.elements("exports"), nats.elements("imports")
        self.signing_keys = nats.elements("signing_keys")
        self.plain_keys = many(permissions.plain_keys(self.signing_keys), names.path)
        self.sections = dict(_sections(nats, limits, names))
        self.about = _about(members, nats, limits, names)
        strange = [each for each in self.signing_keys if not isinstance(each, str | dict)]
        if strange:
            self.about["nats.signing_keys[]"] = as_json(strange)


def _about(members: Members, nats: Members, limits: Members, names: Names) -> dict[str, One | Many]:
    out: dict[str, One | Many] = dict(envelope_words(members, names))
    out["description"] = text(nats.text("description"))
    out["info_url"] = text(nats.text("info_url"))
    if tags := nats.texts("tags"):
        out["tags"] = many(tags)
    out["cluster_traffic"] = text(nats.text("cluster_traffic"))
    out["disallow_bearer"] = flag(limits.flag("disallow_bearer"))
    out |= kind_words(nats)
    return out | dict(limits.rest()) | dict(nats.rest()) | dict(members.rest())


def envelope_words(members: Members, names: Names) -> Iterator[tuple[str, One]]:
    """Take what stands around `nats` in any JWT."""
    name = members.text("name")
    yield "name", One(raw=name, text=name, is_default=True)
    for claim, word in (("nbf", "not_before"), ("exp", "expires")):
        second = members.number(claim)
        if second:
            yield word, One(raw=second, text=date(second))
    issuer = members.text("iss")
    yield "signed by", One(raw=issuer, text=names.path(issuer), is_default=True)
    if audience := members.text("aud"):
        yield "aud", text(audience)


def kind_words(nats: Members) -> dict[str, One]:
    """Take type and version, which are the same in every JWT of a kind unless another tool wrote it."""
    kind, version = nats.any("type"), nats.any("version")
    return {
        "nats.type": One(raw=as_json(kind).raw, text=str(kind), is_default=True),
        "nats.version": One(raw=as_json(version).raw, text=str(version), is_default=True),
    }


def _sections(nats: Members, limits: Members, names: Names) -> Iterator[tuple[str, Words]]:
    yield "limits", dict(numbers(limits, AccountLimitsSpec, _LIMITS))
    if any(claim in limits for claim in _JETSTREAM):
        yield "jetstream", _jetstream(limits)
    for tier, each in sorted(limits.mapping("tiered_limits").items()):
        tiered = Members(each, "nats.limits.tiered_limits.*")
        yield f"jetstream.tiers: {tier}", _jetstream(tiered) | dict(tiered.rest())
    default = permissions.default_words(nats.any("default_permissions"))
    if default is not None:
        yield "default_permissions", default
    for source, targets in sorted(nats.mapping("mappings").items()):
        yield f"mappings: {source}", {"to": _targets(targets)}
    trace = nats.below("trace")
    if trace:
        yield "trace", _trace(trace)
    if external := _external(nats.below("authorization"), names):
        yield "external_authorization", external
    if revoked := _revocations(nats.mapping("revocations"), names):
        yield "revocations", revoked


def _jetstream(limits: Members) -> dict[str, One]:
    """Ceilings of 0 and -1 are both none (nats-server 2.15 `accounts.go`, `toUnlimited`)."""
    words = dict(numbers(limits, JetStreamLimitsSpec, _JETSTREAM))
    for word, said in words.items():
        if said.raw == 0 and word in ("max_ack_pending", "disk_max_stream", "memory_max_stream"):
            words[word] = One(raw=-1, text="unlimited", is_default=True)
    return words


def _targets(targets: object) -> Many:
    out = {}
    for each in targets if isinstance(targets, list) else [targets]:
        members = Members(each, "nats.mappings.*[]")
        subject, weight, cluster = (
            members.text("subject"),
            members.number("weight") or 100,
            members.text("cluster"),
        )
        rest = [f"{path}: {said.text}" for path, said in members.rest()]
        parts = [
            subject,
            *([f"{weight}%"] if weight != 100 else []),
            *([f"in {cluster}"] if cluster else []),
            *rest,
        ]
        key = shown = " ".join(parts)
        while key in out:  # twice the same: the server adds their weights
            key += " again"
        out[key] = shown
    return Many(texts=out)


def _trace(members: Members) -> Words:
    sampling = members.number("sampling") or 100
    shown = One(raw=sampling, text=f"{sampling}", is_default=sampling == 100)
    return {"to": text(members.text("dest")), "sampling": shown} | dict(members.rest())


def _external(members: Members, names: Names) -> Words:
    out: dict[str, One | Many] = {}
    if users := members.texts("auth_users"):
        out["users"] = many(users, names.user)
    if accounts := members.texts("allowed_accounts"):
        out["accounts"] = many(accounts, lambda key: "any" if key == ANY else names.account(key))
    if xkey := members.text("xkey"):
        out["encrypt"] = One(raw=xkey, text=f"true, for {names.key(xkey)}")
    return out | dict(members.rest())


def _revocations(revoked: dict[str, object], names: Names) -> Words:
    out: dict[str, One | Many] = {}
    for key, until in sorted(revoked.items()):
        name = names.user(key)
        name = name if name not in out else f"{name} {key}"
        out[name] = One(raw=(key, until or 0), text=date(until) if isinstance(until, int) else "0")
    return out
