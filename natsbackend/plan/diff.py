"""What differs between what a spec wants and what a target holds, account by account, in the words of the spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from natsbackend.claims.codec import Token
from natsbackend.plan.account_facts import account_facts, operator_facts
from natsbackend.plan.compare import compare
from natsbackend.plan.consequences import consequences, of_removal, response_changes
from natsbackend.plan.facts import Names, readable
from natsbackend.plan.payloads import held_digest, held_payload, wanted_payload
from natsbackend.plan.values import (
    AccountChange,
    Action,
    Change,
    Consequence,
    Desired,
    Impact,
    Snapshot,
    Wanted,
)
from natsbackend.subjects.patterns import is_subset


def diff(desired: Desired, held: Snapshot) -> tuple[AccountChange, ...]:
    """Return every account that is not as it should be, in the order of the spec, removed ones last.

    An account that the target holds and this spec never had is nobody's business here: see `strangers`.
    """
    names = Names(_known(desired, held))
    changed = {
        wanted.name: change
        for wanted in desired.accounts
        if (change := _of_account(wanted, held, names)) is not None
    }
    if held.is_live:
        changed |= _renewed(desired, held, changed)
    ordered = [changed[wanted.name] for wanted in desired.accounts if wanted.name in changed]
    return (*ordered, *_removed(desired, held))


def operator_diff(desired: Desired, held: Snapshot) -> tuple[tuple[Change, ...], tuple[Consequence, ...]]:
    """Return what of the operator differs from what the servers run with, and what that means."""
    wanted, names = desired.operator.claims.subject, Names(_known(desired, held))
    after = operator_facts(wanted_payload(desired.operator), names)
    for token in held.operators:
        if token.subject == wanted:
            changes = compare(operator_facts(held_payload(token), names), after)
            text = (
                "servers take another operator JWT from their config when they are restarted, not from a push"
            )
            return changes, (Consequence(impact=Impact.NOT_EFFECTIVE, text=text),) if changes else ()
    if not held.operators:
        return (Change(where="", word="name", action=Action.ADDED, after=desired.operator.claims.name),), ()
    running = ", ".join(sorted({readable(token.name) for token in held.operators}))
    change = Change(
        where="", word="operator", action=Action.CHANGED, before=running, after=desired.operator.claims.name
    )
    text = "the servers run with another operator and trust nothing that this one signs"
    return (change,), (Consequence(impact=Impact.NOT_EFFECTIVE, text=text),)


def strangers(desired: Desired, held: Snapshot) -> tuple[Token, ...]:
    """Return the accounts that the target holds and that this spec neither has nor once had."""
    ours = {wanted.unsigned.claims.subject for wanted in desired.accounts} | desired.owned
    return tuple(token for key, token in sorted(held.accounts.items()) if key not in ours)


def _known(desired: Desired, held: Snapshot) -> Mapping[str, str]:
    """Return the paths of all keys that have a name: in the spec, or else in a JWT that the target holds."""
    strange = {key: f"accounts/{token.name}" for key, token in held.accounts.items() if token.name}
    return {**strange, **desired.outside, **desired.names}


def _of_account(wanted: Wanted, held: Snapshot, names: Names) -> AccountChange | None:
    subject = wanted.unsigned.claims.subject
    token = None if wanted.is_new else held.accounts.get(subject)
    if token is None:
        said = account_facts(wanted_payload(wanted.unsigned), names)
        return AccountChange(
            name=wanted.name,
            public_key="" if wanted.is_new else subject,
            action=Action.ADDED,
            changes=tuple(change for change in compare({}, said) if not change.word),
            digest=wanted.digest,
            at=wanted.at,
        )
    if wanted.digest and held_digest(token) == wanted.digest:
        return None
    old, new = held_payload(token), wanted_payload(wanted.unsigned)
    before, after = account_facts(old, names), account_facts(new, names)
    changes = compare(before, after)
    if not changes:
        if old == new:
            return None
        changes = (Change(where="", word="claims", action=Action.CHANGED, after="the same in another form"),)
    return AccountChange(
        name=wanted.name,
        public_key=subject,
        action=Action.CHANGED,
        changes=changes,
        consequences=consequences(changes, before, after),
        digest=wanted.digest,
        held=token.jti,
        held_iat=token.issued_at,
        at=wanted.at,
    )


def _renewed(
    desired: Desired, held: Snapshot, changed: Mapping[str, AccountChange]
) -> dict[str, AccountChange]:
    """Return the importers that must be pushed again for what changes in their exporters.

    A server keeps the response type of a service with each account that imports it, and looks at the exporter's
    again only when it reads that importer's claims anew (nats-server 2.15 `accounts.go`, `addServiceImport`).
    """
    subjects = {
        (change.public_key, subject): change.name
        for change in changed.values()
        for subject in response_changes(change.changes)
    }
    exporters = {key for key, _ in subjects}
    out: dict[str, AccountChange] = {}
    for wanted in desired.accounts if exporters else ():
        token = held.accounts.get(wanted.unsigned.claims.subject)
        reasons = tuple(_reasons(wanted, exporters, subjects))
        if not reasons or token is None:
            continue
        if wanted.name in changed:
            out[wanted.name] = replace(changed[wanted.name], because=reasons)
            continue
        out[wanted.name] = AccountChange(
            name=wanted.name,
            public_key=wanted.unsigned.claims.subject,
            action=Action.RENEWED,
            because=reasons,
            digest=wanted.digest,
            held=token.jti,
            held_iat=token.issued_at,
            at=wanted.at,
        )
    return out


def _reasons(wanted: Wanted, exporters: set[str], subjects: Mapping[tuple[str, str], str]) -> Iterator[str]:
    imports = wanted.unsigned.claims.nats.get("imports")
    for taken in imports if isinstance(imports, list) else ():
        if taken.get("account") not in exporters or taken.get("type") != "service":
            continue
        for (exporter, subject), name in subjects.items():
            if exporter == taken["account"] and is_subset(taken["subject"], subject):
                yield f'it imports service {taken["subject"]}, whose response type changes in "{name}"'


def _removed(desired: Desired, held: Snapshot) -> Iterator[AccountChange]:
    wanted = {each.unsigned.claims.subject for each in desired.accounts if not each.is_new}
    for public in sorted(desired.owned - wanted):
        token = held.accounts.get(public)
        if token is not None:
            yield AccountChange(
                name=readable(token.name),
                public_key=public,
                action=Action.REMOVED,
                held=token.jti,
                held_iat=token.issued_at,
                consequences=of_removal() if held.is_live else (),
                is_pruned=held.is_live,
            )
