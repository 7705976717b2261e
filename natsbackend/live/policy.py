"""The proofs of the policy tests: what the spec says about who may do what, tried for real.

To try is to do. A subscription is made and ended again; a publish or a request sends an empty message,
without headers, that every real subscriber gets, and a delivery sends a short random one. On a server that
others use, test subjects whose subscribers bear that.

Where a test publishes to a pattern, literals are tried that stand for it: `*` becomes `probe`, `>` becomes
`probe` and `probe.probe`. All of them must be allowed, or all refused. `{{account-subject()}}` is the public key of the
account of whoever acts. Who cannot publish to a pattern can publish to
nothing in it: so whatever the spec allows them within it is tried, too. A subscription is tried as it stands: who
cannot subscribe to `user.>` may still subscribe to `user.alice`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from natsbackend.errors import LiveServerError, NatsBackendError
from natsbackend.live.principals import Principals
from natsbackend.live.proof import Proof
from natsbackend.live.wire import Connection, Deadline
from natsbackend.model.entities import Action, Decision, Delivery, Kind, Principal
from natsbackend.subjects import admits, has_wildcard, intersect, rename, request_subject, split_queue

_PROBE = "probe"
_DEFAULT_INBOX = "_INBOX"
_VIOLATION = "Permissions Violation"
_GRACE = 0.15
"""Seconds in which a message may still arrive that should not. One server needs none: it delivers before it
answers the sender's PING. Through the routes of a cluster a message may take a moment longer."""


def prove_decision(test: Decision, principals: Principals) -> Proof:
    """Try what a principal can or cannot do, on as many subjects as it takes."""
    verdicts: dict[str, str | None] = {}
    tried = test
    try:
        tried = replace(test, subject=principals.with_account(test.who, test.subject))
        for subject in (*_tried(tried), *_within(tried, principals)):
            verdicts[subject] = _try(principals, test.who, test.action, subject)
    except NatsBackendError as error:
        verdicts[test.subject] = str(error)
        conclusive = False
    else:
        conclusive = all(words is None or words.startswith(_VIOLATION) for words in verdicts.values())
    can = "can" if test.allowed else "cannot"
    return Proof(
        id="policy",
        title=f"{test.who} {can} {test.action} {test.subject}",
        passed=conclusive and all((words is None) == test.allowed for words in verdicts.values()),
        expected="allowed" if test.allowed else "refused",
        observed=_observed(tried, verdicts),
        at=test.at,
    )


def _observed(test: Decision, verdicts: Mapping[str, str | None]) -> str:
    """Return what the server said, and, of what should have been refused, which subject was allowed."""
    said = []
    for subject, words in verdicts.items():
        allowed = "allowed" if subject == test.subject else f"allowed with {subject}"
        said.append(words or allowed)
    return "; ".join(dict.fromkeys(said))


def _within(test: Decision, principals: Principals) -> Iterator[str]:
    """Return the literals that a principal is allowed within the pattern that it cannot publish to."""
    if test.allowed or test.action is Action.SUBSCRIBE or not has_wildcard(test.subject):
        return
    for grant in principals.permissions(test.who).publish.allow:
        subject = principals.filled(test.who, grant.subject)
        common = intersect(test.subject, subject) if subject is not None else None
        if common is not None:
            yield from _literals(common)


def prove_delivery(test: Delivery, principals: Principals) -> tuple[Proof, ...]:
    """Send one message, and prove for each of those named that it comes in, or does not.

    Who may not subscribe is not reached, and nobody is by a message that its sender may not publish. A
    receiver that may subscribe in a queue group only joins it; a real member may then get the message.
    """
    watches = [_watch(test, who, principals) for who in (*test.reaches, *test.not_reaches)]
    payload = secrets.token_hex(8).encode("ascii")
    unsent = _send(test, payload, principals)
    grace = Deadline(_GRACE)
    proofs = []
    for position, watch in enumerate(watches):
        is_wanted = position < len(test.reaches)
        seen = unsent or watch.outcome(payload, Deadline(principals.timeout) if is_wanted else grace)
        verb = "reaches" if is_wanted else "does not reach"
        proofs.append(
            Proof(
                id="delivery",
                title=f"a message from {test.sender} on {test.subject} {verb} {watch.who}",
                passed=seen.is_conclusive and seen.is_reached == is_wanted,
                expected="reached" if is_wanted else "not reached",
                observed=seen.words,
                at=test.at,
            )
        )
    return tuple(proofs)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    is_reached: bool = False
    words: str
    is_conclusive: bool = True
    """False if something else than a permission stood in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watch:
    """A receiver with its subscriptions, or why it has none."""

    who: Principal
    connection: Connection | None = None
    sids: frozenset[int] = frozenset()
    deaf: _Outcome | None = None

    def outcome(self, payload: bytes, deadline: Deadline) -> _Outcome:
        """Wait for the message and end the subscriptions."""
        if self.deaf is not None or self.connection is None:
            return self.deaf or _Outcome(words="not connected", is_conclusive=False)
        try:
            self.connection.flush()
            message = self.connection.wait_for(
                lambda each: each.sid in self.sids and each.payload == payload, deadline
            )
            for sid in self.sids:
                self.connection.unsubscribe(sid)
        except NatsBackendError as error:
            return _Outcome(words=str(error), is_conclusive=False)
        if message is None:
            return _Outcome(words="not reached")
        return _Outcome(is_reached=True, words=f"reached on {message.subject}")


def _watch(test: Delivery, who: Principal, principals: Principals) -> _Watch:
    """Subscribe a receiver to every subject the message may have for it."""
    sids: set[int] = set()
    refusals: list[str] = []
    try:
        connection = principals.connection(who)
        connection.messages()
        for subject in _local_subjects(principals, test, who):
            sid = connection.subscribe(subject, _queue(principals, who, subject))
            if errors := connection.flush():
                refusals += errors
            else:
                sids.add(sid)
    except NatsBackendError as error:
        return _Watch(who=who, deaf=_Outcome(words=str(error), is_conclusive=False))
    if sids:
        return _Watch(who=who, connection=connection, sids=frozenset(sids))
    return _Watch(who=who, deaf=_denied(refusals))


def _send(test: Delivery, payload: bytes, principals: Principals) -> _Outcome | None:
    """Publish the message; say why it cannot have reached anybody if it was not taken."""
    try:
        sender = principals.connection(test.sender)
        sender.publish(principals.with_account(test.sender, test.subject), payload)
        errors = sender.flush()
    except NatsBackendError as error:
        return _Outcome(words=str(error), is_conclusive=False)
    return _denied(errors) if errors else None


def _denied(errors: list[str]) -> _Outcome:
    return _Outcome(
        words="; ".join(errors), is_conclusive=all(words.startswith(_VIOLATION) for words in errors)
    )


def _local_subjects(principals: Principals, test: Delivery, receiver: Principal) -> tuple[str, ...]:
    """Return the subjects under which a message can arrive in the account of a receiver.

    A stream comes with the receiver's import, a request of a service with the sender's. Where neither account
    imports anything, the subject itself is watched: nothing may arrive on it.
    """
    accounts, sender = principals.backend.accounts, test.sender
    sent = principals.with_account(sender, test.subject)
    if receiver.account == sender.account:
        return (sent,)
    streams = [
        rename(principals.with_account(receiver, each.subject), each.local_subject, sent)
        for each in accounts[receiver.account].imports
        if each.kind is Kind.STREAM and each.account == sender.account
    ]
    services = [
        request_subject(principals.with_account(sender, each.subject), each.local_subject, sent)
        for each in accounts[sender.account].imports
        if each.kind is Kind.SERVICE and each.account == receiver.account
    ]
    found = [subject for subject in (*streams, *services) if subject is not None]
    return tuple(dict.fromkeys(found)) or (sent,)


def _queue(principals: Principals, who: Principal, subject: str) -> str | None:
    """Return a queue group to join, if a subject may be subscribed to in a group only."""
    groups = []
    for grant in principals.permissions(who).subscribe.allow:
        entry = principals.filled(who, grant.subject)
        pattern, queue = split_queue(entry) if entry is not None else ("", None)
        if pattern and admits(pattern, subject):
            if queue is None:
                return None
            groups.append(queue)
    return _literals(groups[0])[0] if groups else None


def _try(principals: Principals, who: Principal, action: Action, subject: str) -> str | None:
    """Do it, and return what the server has against it."""
    connection = principals.connection(who)
    if action is Action.PUBLISH:
        connection.publish(subject)
        errors = connection.flush()
    elif action is Action.SUBSCRIBE:
        errors = _subscribe_briefly(connection, *split_queue(subject))
    else:
        errors = _request(connection, _inbox(principals, who), subject)
    connection.messages()
    return "; ".join(errors) or None


def _subscribe_briefly(connection: Connection, subject: str, queue: str | None) -> list[str]:
    sid = connection.subscribe(subject, queue)
    errors = connection.flush()
    connection.unsubscribe(sid)
    return errors


def _request(connection: Connection, inbox: str, subject: str) -> list[str]:
    """Subscribe to an inbox and publish with a reply to it, as the clients do. No answer is waited for."""
    sid = connection.subscribe(f"{inbox}.*")
    errors = connection.flush()
    if not errors:
        connection.publish(subject, reply=f"{inbox}.{_PROBE}")
        errors = connection.flush()
    connection.unsubscribe(sid)
    return errors


def _inbox(principals: Principals, who: Principal) -> str:
    """Return an inbox of one's own under the prefix of a principal."""
    template = principals.permissions(who).inbox or _DEFAULT_INBOX
    prefix = principals.filled(who, template)
    if prefix is None:
        raise LiveServerError(f"{who} has no inbox: there is nothing to put into {template!r}")
    return f"{prefix}.{secrets.token_hex(8)}"


def _tried(test: Decision) -> tuple[str, ...]:
    """Return what is tried for a test: a pattern can be subscribed to as it stands, but not published to."""
    return (test.subject,) if test.action is Action.SUBSCRIBE else _literals(test.subject)


def _literals(pattern: str) -> tuple[str, ...]:
    """Return literals that stand for a pattern."""
    if not has_wildcard(pattern):
        return (pattern,)
    filled = [_PROBE if part == "*" else part for part in pattern.split(".")]
    if not pattern.endswith(">"):
        return (".".join(filled),)
    return tuple(".".join([*filled[:-1], *tail]) for tail in ([_PROBE], [_PROBE, _PROBE]))
