"""The proofs about logging in: what the cookie opens, and what it does not.

The server says no to every wrong login in the same words, `Authorization Violation`, whatever was wrong. So
each refusal is tried next to a login that differs in one thing only and is accepted; and a refusal counts
only if it came from the server itself: a dead listener refuses everything too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from natsbackend.errors import NatsBackendError
from natsbackend.live.principals import Principals
from natsbackend.live.proof import Identity, Proof
from natsbackend.live.wire import Connection, Refused
from natsbackend.model.entities import (
    Account,
    Backend,
    ConnectionType,
    Decision,
    Principal,
    Restrictions,
    Role,
)
from natsbackend.model.sentinel import find_sentinel
from natsbackend.model.serving import Websocket
from natsbackend.subjects import template_functions

_ACCEPTED = "accepted"
_VIOLATION = "Authorization Violation"
_UNAUTHORIZED = f'refused with "{_VIOLATION}"'
_FORBIDDEN = "refused with HTTP 403"
_GARBAGE = "not-a-token"


def prove_logins(principals: Principals) -> Iterator[Proof]:
    """Prove the cookie of the websocket listener, once for the listener and once for each role of a browser.

    A backend whose websocket reads no cookie has nothing to prove here.
    """
    backend = principals.backend
    websocket = backend.server.websocket if backend.server is not None else None
    if websocket is None or websocket.cookie is None:
        return
    roles = [(a, r) for a in backend.accounts.values() for r in a.roles.values() if r.websocket]
    for account, role in roles:
        yield from _prove_role(principals, account, role)
    if roles:
        yield from _prove_listener(principals, websocket)


def _prove_role(principals: Principals, account: Account, role: Role) -> Iterator[Proof]:
    who = _sample(principals.backend, account, role)
    name = f"{account.name}/{role.name}"
    origin, foreign = principals.endpoints.origin, principals.endpoints.foreign_origin

    def bearer() -> str:
        return principals.identities.of(who).jwt

    yield _proof(
        "cookie-login-accepted",
        f"{name} logs in over the websocket with its token in the cookie",
        _ACCEPTED,
        lambda: principals.over_websocket(None, cookie=bearer(), origin=origin),
        role,
    )
    yield _proof(
        "wrong-origin-refused",
        f"{name} is refused from a page of {foreign}",
        _FORBIDDEN,
        lambda: principals.over_websocket(None, cookie=bearer(), origin=foreign),
        role,
    )
    if ConnectionType.STANDARD not in role.connection_types:
        yield _proof(
            "bearer-refused-on-plain-tcp",
            f"{name} is refused over TCP: its token is good for a websocket only",
            _UNAUTHORIZED,
            lambda: principals.over_tcp(Identity(jwt=bearer())),
            role,
        )


def _prove_listener(principals: Principals, websocket: Websocket) -> Iterator[Proof]:
    origin = principals.endpoints.origin
    expected = _without_token(principals.backend)
    outcome = "comes in as the default sentinel" if expected == _ACCEPTED else "is refused"
    suffix = "accepted" if expected == _ACCEPTED else "refused"
    if expected is not None:
        yield _proof(
            f"missing-cookie-{suffix}",
            f"a websocket without the cookie {outcome}",
            expected,
            lambda: principals.over_websocket(None, cookie=None, origin=origin),
            websocket,
        )
        yield _proof(
            f"garbage-cookie-{suffix}",
            f"a websocket with garbage in the cookie {outcome}",
            expected,
            lambda: principals.over_websocket(None, cookie=_GARBAGE, origin=origin),
            websocket,
        )
    yield _proof_of_signature(principals, websocket)


def _without_token(backend: Backend) -> str | None:
    """Return what becomes of a browser without a JWT; None where a callout decides, or the sentinel is restricted."""
    found = find_sentinel(backend)
    if found is None:
        return _UNAUTHORIZED
    account, user = found
    holder = (account.roles[user.role] if user.role is not None else None) or user
    if account.details.external_authorization or holder.restrictions != Restrictions():
        return None
    types = holder.connection_types
    return _ACCEPTED if not types or ConnectionType.WEBSOCKET in types else _UNAUTHORIZED


def _proof_of_signature(principals: Principals, websocket: Websocket) -> Proof:
    """Show a token that is no bearer's with its signature and without: only the first may be accepted."""
    kind = "non-bearer-cookie-refused"
    title = "a token that is no bearer's is refused in the cookie"
    origin = principals.endpoints.origin

    def signed() -> Connection:
        identity = principals.identities.unsigned()
        return principals.over_websocket(identity, cookie=identity.jwt, origin=origin)

    control = _proof(kind, title, _ACCEPTED, signed, websocket)
    if not control.passed:
        observed = (
            f"nothing was shown, since the same token with its signature was not accepted: {control.observed}"
        )
        return Proof(
            id=kind, title=title, passed=False, expected=_UNAUTHORIZED, observed=observed, at=websocket.at
        )
    return _proof(
        kind,
        title,
        _UNAUTHORIZED,
        lambda: principals.over_websocket(None, cookie=principals.identities.unsigned().jwt, origin=origin),
        websocket,
    )


def _proof(
    kind: str, title: str, expected: str, connect: Callable[[], Connection], source: Role | Websocket
) -> Proof:
    observed, passed = _ACCEPTED, expected == _ACCEPTED
    try:
        connect().close()
    except Refused as refused:
        observed, passed = str(refused), _is_refusal(refused, expected)
    except NatsBackendError as error:
        observed, passed = str(error), False
    return Proof(id=kind, title=title, passed=passed, expected=expected, observed=observed, at=source.at)


def _is_refusal(refused: Refused, expected: str) -> bool:
    """Tell whether the server refused in the one way that proves something."""
    if expected == _FORBIDDEN:
        return refused.stage == "upgrade" and refused.status == 403
    return expected == _UNAUTHORIZED and refused.stage == "connect" and refused.error == _VIOLATION


def _sample(backend: Backend, account: Account, role: Role) -> Principal:
    """Return somebody with this role: from the policy tests, else one with every tag the role asks for."""
    for test in backend.tests:
        people = (
            (test.who,) if isinstance(test, Decision) else (test.sender, *test.reaches, *test.not_reaches)
        )
        for who in people:
            if who.account == account.name and who.role == role.name:
                return who
    permissions = role.permissions
    rules = (permissions.publish, permissions.subscribe)
    subjects = [grant.subject for rule in rules for grant in (*rule.allow, *rule.deny)]
    functions = [function for subject in subjects for function in template_functions(subject)]
    tags = sorted({f"{function.argument}:probe" for function in functions if function.name == "tag"})
    return Principal(account=account.name, role=role.name, name="probe", tags=tuple(tags))
