"""What changes mean for those who are connected now, and for whom else something has to be done.

Measured on nats-server 2.15.1 (`accounts.go`, `updateAccountClaimsWithRefresh`). A server compares a role's whole scope
object: any change of it, a description too, closes the connections of its users, who may come back at once with the
tokens they have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from natsbackend.plan.facts import Facts
from natsbackend.plan.values import Action, Change, Consequence, Impact


def consequences(changes: Sequence[Change], before: Facts, after: Facts) -> tuple[Consequence, ...]:
    """Say what the changes of one account mean, worst first, each thing once."""
    found = dict.fromkeys(each for change in changes for each in _of(change, before, after))
    ranks = list(Impact)
    return tuple(sorted(found, key=lambda each: ranks.index(each.impact)))


def of_removal() -> tuple[Consequence, ...]:
    """Say what it means that an account goes."""
    return (_ends("everybody in it is disconnected and refused; its streams and buckets stay on disk"),)


def response_changes(changes: Sequence[Change]) -> tuple[str, ...]:
    """Return the subjects of services whose response type changes: importers keep the old one until they are pushed."""
    prefix = "exports: service "
    return tuple(
        change.where.removeprefix(prefix)
        for change in changes
        if change.where.startswith(prefix) and change.word == "response" and change.action is Action.CHANGED
    )


def _of(change: Change, before: Facts, after: Facts) -> Iterator[Consequence]:
    section, _, name = change.where.partition(": ")
    if section == "roles":
        yield from _of_role(change, name)
    elif section == "limits":
        yield from _of_limit(change, before, after)
    elif section == "jetstream":
        yield from _of_jetstream(change)
    elif section == "imports":
        yield from _of_import(change, name)
    elif section == "exports":
        yield from _of_export(change, name)
    elif section == "revocations":
        yield from _of_revocation(change)
    elif section == "default_permissions":
        text = "who has no permissions of their own loses what is no longer allowed, and stays connected"
        yield Consequence(impact=Impact.REFUSES, text=text)
    elif section == "mappings":
        yield _note("messages take the new way as soon as this is pushed")
    elif not section:
        yield from _of_account(change)


def _of_role(change: Change, role: str) -> Iterator[Consequence]:
    if not change.word and change.action is Action.ADDED:
        return
    if change.word in ("", "key"):
        yield _ends(f'users of role "{role}" are disconnected, and their tokens are refused from then on')
    else:
        yield _ends(f'users of role "{role}" are disconnected, and may come back with the tokens they have')


def _of_account(change: Change) -> Iterator[Consequence]:
    if change.word == "signing_keys" and change.before:
        yield _ends(f"users signed by {change.before} are disconnected, and their tokens are refused")
    elif change.word == "disallow_bearer" and change.after == "true":
        yield _ends("bearer tokens are refused: every browser that logs in by a cookie is disconnected")
    elif change.word == "expires" and change.after is not None:
        yield _note(f"at {change.after} everybody is disconnected, unless it is pushed anew before")
    elif change.word == "not_before" and change.after is not None:
        yield _note(f"nobody is let in before {change.after}")


def _of_limit(change: Change, before: Facts, after: Facts) -> Iterator[Consequence]:
    place = (change.where, change.word)
    if not _is_lower(before[place].text, after[place].text):
        return
    if change.word == "connections":
        yield _ends(f"above {change.after} connections the newest are closed")
    elif change.word == "subscriptions":
        yield _ends(f"connections are closed while there are more than {change.after} subscriptions")
    elif change.word == "leaf_nodes":
        yield _ends(f"above {change.after} leaf nodes the newest are closed")
    elif change.word == "payload":
        yield _refuses(f"who publishes more than {change.after} in one message is disconnected")
    elif change.word in ("imports", "exports"):
        yield _refuses(f"above {change.after} {change.word} the rest are dropped")


def _of_jetstream(change: Change) -> Iterator[Consequence]:
    if change.action is Action.REMOVED:
        yield _refuses("streams without a limit are disabled; their data is kept, and comes back with it")
    elif change.action is Action.CHANGED and _is_lower(change.before or "", change.after or ""):
        yield _refuses("streams that already use more are kept, and take nothing new")


def _of_import(change: Change, name: str) -> Iterator[Consequence]:
    if change.word == "activation":
        return
    if change.action is Action.REMOVED and not change.word:
        what = "its messages stop" if name.startswith("stream") else "requests get no answer"
        yield _refuses(f"{name}: {what}; connections stay")
    elif change.word == "local_subject":
        yield _refuses(f"{name}: it is under another subject from then on")


def _of_export(change: Change, name: str) -> Iterator[Consequence]:
    if change.action is Action.REMOVED and not change.word:
        yield _refuses(f"{name}: accounts that import it lose it at once")
    elif change.word == "private" and change.after == "true":
        yield _refuses(f"{name}: accounts that import it without an activation lose it at once")
    elif change.word.startswith("revocations"):
        yield _refuses(f"{name}: whose activation is revoked loses it at once")
    elif change.word == "response" and change.action is Action.CHANGED:
        yield _note(
            f"{name}: accounts that import it are pushed again, since a server keeps the old response type there"
        )
    elif change.word == "threshold":
        text = f"{name}: the response threshold is lost with every push, and holds again after a restart"
        yield Consequence(impact=Impact.NOT_EFFECTIVE, text=text)


def _of_revocation(change: Change) -> Iterator[Consequence]:
    who = "everybody" if change.word == "all_before" else f'user "{change.word}"'
    if change.action is Action.REMOVED:
        yield _note(f"{who} with a token issued until {change.before} is let in again")
    else:
        yield _ends(f"{who} with a token issued until {change.after} is disconnected and refused")


def _is_lower(before: str, after: str) -> bool:
    """Tell whether a limit becomes stricter; both are in the notation of a spec."""
    old, new = _number(before), _number(after)
    return new is not None and (old is None or new < old)


def _number(text: str) -> int | None:
    """Return a number or size; None for no limit, or no number at all."""
    for unit, factor in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024), ("", 1)):
        digits = text.removesuffix(unit)
        if text.endswith(unit) and digits.isdecimal():
            return int(digits) * factor
    return None


def _ends(text: str) -> Consequence:
    return Consequence(impact=Impact.DISCONNECTS, text=text)


def _refuses(text: str) -> Consequence:
    return Consequence(impact=Impact.REFUSES, text=text)


def _note(text: str) -> Consequence:
    return Consequence(impact=Impact.NOTE, text=text)
