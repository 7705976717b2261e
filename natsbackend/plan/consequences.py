"""What a push means for those who are connected.

The behaviour is that of nats-server 2.15 (`accounts.go`, `updateAccountClaimsWithRefresh`), measured on a real server
in `tests/test_plan_on_server.py`. Only what changed between the two payloads is spoken of, except what any push of an
account does again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from natsbackend.plan.naming import ANY, Names
from natsbackend.plan.payloads import Payload
from natsbackend.plan.sharing import import_label
from natsbackend.plan.values import Change, Consequence, Desired, Impact, Snapshot
from natsbackend.plan.wordlist import date, quantity

_WORST = (Impact.DISCONNECTS, Impact.REFUSES, Impact.NOT_EFFECTIVE, Impact.NOTE)


def of_account(before: Payload, after: Payload, names: Names) -> tuple[Consequence, ...]:
    """Return what it means that an account's payload becomes another one, worst first."""
    old, new = _object(before, "nats"), _object(after, "nats")
    found = [
        *_connections(_object(old, "limits"), _object(new, "limits")),
        *_keys(old, new, names),
        *_revocations(_object(old, "revocations"), _object(new, "revocations"), names),
        *_validity(before, after),
        *_imports(old, new, names, str(after.get("sub", ""))),
        *_defaults(old, new),
        *_jetstream(_object(old, "limits"), _object(new, "limits")),
        *_thresholds(new),
    ]
    return tuple(sorted(found, key=lambda each: _WORST.index(each.impact)))


def of_removed(public: str, desired: Desired) -> tuple[Consequence, ...]:
    """Return what it means that an account goes."""
    takers = []
    for each in desired.accounts:
        imports = _list(each.unsigned.claims.nats, "imports")
        if any(isinstance(one, dict) and one.get("account") == public for one in imports):
            takers.append(each.name)
    found = [_says(Impact.DISCONNECTS, "everyone in it is disconnected, and nobody gets in again")]
    if takers:
        found.append(
            _says(Impact.REFUSES, f"what it exports is gone for {', '.join(_quoted(takers))} and all others")
        )
    else:
        found.append(_says(Impact.REFUSES, "whoever imports from it receives nothing more"))
    return tuple(found)


def of_operator(changes: Sequence[Change], held: Snapshot) -> tuple[Consequence, ...]:
    """Return what it means that the operator's JWT becomes another one: servers read it once, at their start."""
    if not changes or not held.is_live:
        return ()
    text = "the operator's JWT stands in the config of the servers: put the new one there and restart each of them"
    return (_says(Impact.NOT_EFFECTIVE, text),)


def _connections(old: Payload, new: Payload) -> Iterator[Consequence]:
    if (most := _lowered(old, new, "conn")) is not None:
        text = f"where more than {most} are connected, the newest are disconnected" if most else _NOBODY
        yield _says(Impact.DISCONNECTS, text)
    if (most := _lowered(old, new, "subs")) is not None:
        yield _says(Impact.DISCONNECTS, f"whoever has {most} subscriptions or more is disconnected")
    elif (most := _number(new, "subs")) >= 0:
        yield _says(
            Impact.NOTE, f"any push disconnects whoever has all of the {most} subscriptions that are allowed"
        )
    if (most := _lowered(old, new, "payload")) is not None:
        size = quantity(most, "bytes")
        yield _says(
            Impact.DISCONNECTS, f"whoever publishes more than {size} at once is disconnected when it does"
        )
    if new.get("disallow_bearer") is True and old.get("disallow_bearer") is not True:
        yield _says(
            Impact.DISCONNECTS, "whoever is connected with a bearer token is disconnected, browsers first"
        )
    if (most := _lowered(old, new, "leaf")) is not None:
        yield _says(Impact.REFUSES, f"no leaf node gets in beyond {most}; those that are connected stay")


_NOBODY = "everyone is disconnected, and nobody gets in again"


def _lowered(old: Payload, new: Payload, name: str) -> int | None:
    """Return a limit if it is lower than it was; -1 is none, and 0 the lowest."""
    before, after = (_number(side, name) for side in (old, new))
    return after if after >= 0 and (before < 0 or after < before) else None


def _keys(old: Payload, new: Payload, names: Names) -> Iterator[Consequence]:
    """The server compares scopes member by member, lists in their order, and ends the sessions of any that differ."""
    before, after = (_signers(side) for side in (old, new))
    for key, scope in before.items():
        what = _signer(key, scope, names)
        if key not in after:
            yield _says(
                Impact.DISCONNECTS,
                f"whoever is connected with a token of {what} is disconnected without a word, and its tokens and "
                "creds are good no more",
            )
        elif after[key] != scope:
            yield _says(
                Impact.DISCONNECTS,
                f"whoever is connected with a token of {what} is disconnected without a word; the same token then "
                "gets in, with what the key allows now",
            )


def _signers(nats: Payload) -> dict[str, object]:
    """Return signing keys with their scopes as Go has them: what is empty is as if it were not there."""
    out: dict[str, object] = {}
    for each in _list(nats, "signing_keys"):
        if isinstance(each, str):
            out[each] = None
        elif isinstance(each, dict):
            out[str(each.get("key", ""))] = _without_empties(each)
    return out


def _without_empties(value: object) -> object:
    if not isinstance(value, dict):
        return value
    members = {name: _without_empties(each) for name, each in value.items()}
    return {
        name: each
        for name, each in members.items()
        if each not in (None, "", 0, False, [], {}) or name == "resp"
    }


def _signer(key: str, scope: object, names: Names) -> str:
    role = scope.get("role") if isinstance(scope, dict) else None
    return f'role "{role}"' if role else f"signing key {names.path(key)}"


def _revocations(old: Payload, new: Payload, names: Names) -> Iterator[Consequence]:
    for key, until in new.items():
        if isinstance(until, int) and until > _number(old, key):
            who = "everyone" if key == ANY else f'"{names.user(key)}"'
            yield _says(
                Impact.DISCONNECTS,
                f"{who} is disconnected where the token was issued up to {date(until)}, and such tokens are refused",
            )
    for key, until in old.items():
        if isinstance(until, int) and until > _number(new, key):
            who = "everyone" if key == ANY else f'"{names.user(key)}"'
            yield _says(Impact.NOTE, f"tokens of {who} that were revoked up to {date(until)} are good again")


def _validity(before: Payload, after: Payload) -> Iterator[Consequence]:
    expires = _number(after, "exp")
    if expires and expires != _number(before, "exp"):
        yield _says(
            Impact.NOTE,
            f"at {date(expires)} everyone is disconnected and nobody gets in, unless it is pushed again before then",
        )
    begins = _number(after, "nbf")
    if begins > _number(before, "nbf"):
        yield _says(Impact.NOT_EFFECTIVE, f"servers do not take it over before {date(begins)}")


def _imports(old: Payload, new: Payload, names: Names, own: str) -> Iterator[Consequence]:
    kept = {_taken(each) for each in _list(new, "imports")}
    for each in _list(old, "imports"):
        if isinstance(each, dict) and _taken(each) not in kept:
            label = import_label(each, names, own)
            if each.get("type") == "service":
                yield _says(Impact.REFUSES, f"requests to {label} find no responders; connections stay")
            else:
                yield _says(Impact.REFUSES, f"{label} no longer arrives; subscriptions stay, silent")


def _taken(each: object) -> tuple[object, ...]:
    """What makes an import the same to a client: what it is of, and where it is in the account."""
    members = each if isinstance(each, dict) else {}
    local = members.get("local_subject") or members.get("to") or ""
    return (members.get("type"), members.get("account"), members.get("subject"), local)


def _defaults(old: Payload, new: Payload) -> Iterator[Consequence]:
    before, after = (_without_empties(_object(side, "default_permissions")) for side in (old, new))
    if after and before != after:
        yield _says(
            Impact.REFUSES,
            "users without permissions of their own may now do what the default permissions say: subscriptions that "
            "are not allowed end with an error, connections stay",
        )


def _jetstream(old: Payload, new: Payload) -> Iterator[Consequence]:
    before, after = _shares(old), _shares(new)
    if before and not after:
        yield _says(
            Impact.REFUSES,
            "JetStream is off in this account: its streams stop; their files stay, and come back with it",
        )
        return
    for tier, share in before.items():
        tier_name = f" of tier {tier}" if tier else ""
        for name, word in (("disk_storage", "disk"), ("mem_storage", "memory")):
            most = _lowered(share, after.get(tier, {}), name)
            if most is not None:
                yield _says(
                    Impact.REFUSES,
                    f"streams{tier_name} that need more than {quantity(most, 'bytes')} of {word} take nothing new; "
                    "what is stored stays",
                )


def _shares(limits: Payload) -> Mapping[str, Payload]:
    """Return JetStream's limits by tier, the flat ones under an empty name; nothing if it is off."""
    tiers = {
        str(tier): each for tier, each in _object(limits, "tiered_limits").items() if isinstance(each, dict)
    }
    if tiers:
        return tiers
    return {"": limits} if _number(limits, "disk_storage") or _number(limits, "mem_storage") else {}


def _thresholds(new: Payload) -> Iterator[Consequence]:
    """An account that runs takes no threshold: `SetServiceExportResponseThreshold` refuses it from claims.

    Each import keeps the export it was made with, and with it the old threshold, until the importer is pushed.
    """
    for each in _list(new, "exports"):
        if isinstance(each, dict) and (threshold := _number(each, "response_threshold")):
            yield _says(
                Impact.NOT_EFFECTIVE,
                f"response_threshold {quantity(threshold, 'nanoseconds')} of service {each.get('subject')} holds after "
                "a restart: until then importers keep the one that was loaded first, or have 2m once they are pushed",
            )


def _says(impact: Impact, text: str) -> Consequence:
    return Consequence(impact=impact, text=text)


def _quoted(names: Sequence[str]) -> list[str]:
    shown = [f'"{name}"' for name in names[:5]]
    return shown if len(names) <= 5 else [*shown, f"{len(names) - 5} more"]


def _object(members: Payload, name: str) -> Payload:
    value = members.get(name)
    return value if isinstance(value, dict) else {}


def _list(members: Payload, name: str) -> list[object]:
    value = members.get(name)
    return list(value) if isinstance(value, list | tuple) else []


def _number(members: Payload, name: str) -> int:
    value = members.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
