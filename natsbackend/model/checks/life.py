"""What ends, and what has not begun: rules that depend on the day.

They look at endings instead of the backend, since what was issued may end otherwise than the spec says by now. The
core has no clock: the moment is an argument, and the same moment gives the same findings. All of them are
warnings: time alone shall not turn the verdict on a commit around.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from natsbackend.errors import Diagnostic, Location, Severity
from natsbackend.model.details import Places, Validity
from natsbackend.model.entities import Backend

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_RENEW = "write a later `expires`, or take it out; then `natsbackend generate` and `natsbackend push`"
_OF_OPERATOR = "tools refuse it then, though nats-server does not look"
_OF_ACCOUNT = "its clients are cut off then, and resolvers delete it"
_OF_USER = "its creds stop working then"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When it is, and how far to look ahead. Unix seconds, and seconds."""

    now: int
    within: int = 30 * _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Something that is valid for a time."""

    what: str
    expires: int | None = None
    """Unix seconds."""
    not_before: int | None = None
    """Unix seconds."""
    then: str = ""
    """What comes of its end."""
    hint: str = _RENEW
    at: Location | None = None
    begins_at: Location | None = None
    """Where its beginning is written."""


Rule = Callable[[Ending, Moment], Diagnostic | None]


def expires_soon(ending: Ending, moment: Moment) -> Diagnostic | None:
    """An operator, account, user or activation ends within the days that `--expires-within` gives, or else thirty."""
    if ending.expires is None or not moment.now < ending.expires <= moment.now + moment.within:
        return None
    left = span_of(ending.expires - moment.now)
    return _warning(
        "expires-soon", f"{ending.what} expires at {when(ending.expires)}, in {left}; {ending.then}", ending
    )


def expired(ending: Ending, moment: Moment) -> Diagnostic | None:
    """An operator, account, user or activation has ended: servers refuse it, and whoever needs it."""
    if ending.expires is None or ending.expires > moment.now:
        return None
    ago = span_of(moment.now - ending.expires)
    message = f"{ending.what} has expired at {when(ending.expires)}, {ago} ago"
    return _warning("expired", message, ending)


def not_yet_valid(ending: Ending, moment: Moment) -> Diagnostic | None:
    """An operator, account or user begins in the future: until then servers refuse it (nats-server 2.15 `auth.go`)."""
    if ending.not_before is None or ending.not_before <= moment.now:
        return None
    message = f"{ending.what} is not valid before {when(ending.not_before)}"
    hint = "until then servers refuse it; if it may begin at once, take `not_before` out"
    return Diagnostic(
        code="not-yet-valid",
        message=message,
        at=ending.begins_at or ending.at,
        hint=hint,
        severity=Severity.WARNING,
    )


LIFE: Mapping[str, Rule] = {
    "expires-soon": expires_soon,
    "expired": expired,
    "not-yet-valid": not_yet_valid,
}
"""The rules about time, by id; `check` alone asks them."""


def _warning(code: str, message: str, ending: Ending) -> Diagnostic:
    return Diagnostic(
        code=code, message=message, at=ending.at, hint=ending.hint or None, severity=Severity.WARNING
    )


def judge_endings(endings: Iterable[Ending], moment: Moment) -> Iterator[Diagnostic]:
    """Return what is to be said about endings at a moment."""
    for ending in endings:
        if ending.expires is not None or ending.not_before is not None:
            yield from (found for rule in LIFE.values() if (found := rule(ending, moment)) is not None)


def endings_of(backend: Backend) -> Iterator[Ending]:
    """Return everything in a spec that may end or begin."""
    operator = backend.operator
    yield _ending(
        f'operator "{operator.name}"',
        operator.details.validity,
        _OF_OPERATOR,
        operator.details.places,
        operator.at,
    )
    for account in backend.accounts.values():
        details = account.details
        yield _ending(f'account "{account.name}"', details.validity, _OF_ACCOUNT, details.places, account.at)
        for user in account.users.values():
            life = Validity(expires=user.expires, not_before=user.not_before)
            yield _ending(f'user "{user.name}" of account "{account.name}"', life, _OF_USER, {}, user.at)


def _ending(what: str, life: Validity, then: str, places: Places, at: Location | None) -> Ending:
    return Ending(
        what=what,
        expires=life.expires,
        not_before=life.not_before,
        then=then,
        at=places.get(("expires",), at),
        begins_at=places.get(("not_before",), at),
    )


def when(seconds: int) -> str:
    """Return a moment as RFC 3339 in UTC; one that no calendar has, as it is."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"unix second {seconds}"


def span_of(seconds: int) -> str:
    """Return a time in words, in the largest unit of which there are at least two."""
    for size, word in ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {word}"
    return "1 second" if seconds == 1 else f"{seconds} seconds"
