"""What cannot work, whatever is forced: found before anything is sent, since servers answer 200 to all of it.

`check` has judged the spec by itself already. Here it is held against what is live: whom the servers trust, and what
accounts that others run export (nats-server 2.15 `accounts.go`, `checkStreamImportAuthorized` and its like).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from natsbackend.claims.codec import read_unverified
from natsbackend.errors import ClaimsError, Diagnostic, Location
from natsbackend.plan.naming import ANY, Names
from natsbackend.plan.sharing import import_label
from natsbackend.plan.values import AccountChange, Action, Desired, Snapshot, Wanted
from natsbackend.subjects import is_subset, why_invalid

Members = Mapping[str, object]


def find_problems(
    desired: Desired,
    held: Snapshot,
    accounts: Sequence[AccountChange],
    *,
    issued: Mapping[str, int] | None = None,
) -> tuple[Diagnostic, ...]:
    """Return what is to be pushed and would not become effective.

    Args:
        desired: what the spec wants.
        held: what the target holds, and the operators its servers trust.
        accounts: what `diff` found.
        issued: `iat` of the JWTs that are here to be pushed, by the account's public key.
    """
    names = Names(desired, held)
    changed = {each.name for each in accounts if each.action is not Action.REMOVED}
    pushed = [each for each in desired.accounts if each.name in changed]
    found = [*_untrusted(pushed, held), *_too_old(pushed, held, issued or {})]
    if held.is_live:
        touched = {each.unsigned.claims.subject for each in pushed}
        offers = _Offers(desired, held)
        for each in desired.accounts:
            found += _imports(each, offers, names, None if each.name in changed else touched)
    return tuple(found)


def _untrusted(pushed: Sequence[Wanted], held: Snapshot) -> Iterator[Diagnostic]:
    trusted = _trusted(held)
    for each in pushed if held.operators else ():
        if each.unsigned.issuer not in trusted:
            yield Diagnostic(
                code="issuer-not-trusted",
                message=f'account "{each.name}" is signed with {each.unsigned.issuer_path}, which the servers of '
                f"{held.source} do not trust: they would store it and not take it over",
                at=each.at,
                hint="restart the servers with the operator JWT of build/ first, or push to this operator's servers",
            )


def _trusted(held: Snapshot) -> frozenset[str]:
    """Return who may sign accounts: signing keys, and the identity of an operator that is not strict."""
    out: set[str] = set()
    for token in held.operators:
        keys = token.nats.get("signing_keys")
        out.update(key for key in (keys if isinstance(keys, list) else ()) if isinstance(key, str))
        if token.nats.get("strict_signing_key_usage") is not True:
            out.add(token.subject)
    return frozenset(out)


def _too_old(pushed: Sequence[Wanted], held: Snapshot, issued: Mapping[str, int]) -> Iterator[Diagnostic]:
    for each in pushed:
        public = each.unsigned.claims.subject
        token, at = held.accounts.get(public), issued.get(public)
        if token is not None and at is not None and at <= token.issued_at:
            yield Diagnostic(
                code="issued-earlier",
                message=f'the JWT of account "{each.name}" was issued at {at}, and the one that {held.source} holds at '
                f"{token.issued_at}: servers that come back later keep the newer one",
                at=each.at,
                hint="sign it again with a later time: `natsbackend generate`",
            )


class _Offers:
    """What every account exports once everything is pushed."""

    def __init__(self, desired: Desired, held: Snapshot) -> None:
        self._claims: dict[str, Members] = {key: token.nats for key, token in held.accounts.items()}
        self._claims |= {each.unsigned.claims.subject: each.unsigned.claims.nats for each in desired.accounts}

    def of(self, exporter: str) -> list[Members] | None:
        """Return an account's exports; None if nobody knows the account."""
        claims = self._claims.get(exporter)
        exports = None if claims is None else claims.get("exports") or []
        return [e for e in exports if isinstance(e, dict)] if isinstance(exports, list | tuple) else None


def _imports(wanted: Wanted, offers: _Offers, names: Names, only: set[str] | None) -> Iterator[Diagnostic]:
    """Judge imports, of an account that stays as it is only those from exporters in `only`."""
    own = wanted.unsigned.claims.subject
    imports = wanted.unsigned.claims.nats.get("imports")
    for number, each in enumerate(imports if isinstance(imports, list | tuple) else ()):
        exporter = str(each.get("account", "")) if isinstance(each, dict) else ""
        if exporter and (only is None or exporter in only):
            why = _why_not(each, offers.of(exporter), own)
            if why is not None:
                reason, hint = why
                yield Diagnostic(
                    code="import-not-offered",
                    message=f'account "{wanted.name}" imports {import_label(each, names, own)}, which {reason}: the '
                    "servers would drop the import",
                    at=_line(wanted, number),
                    hint=hint,
                )


def _line(wanted: Wanted, number: int) -> Location | None:
    at = wanted.imports_at[number] if number < len(wanted.imports_at) else None
    return at or wanted.at


_ASK = "ask whoever runs that account"


def _why_not(taken: Members, exports: list[Members] | None, own: str) -> tuple[str, str] | None:
    """Say why the exporter does not let this be imported, with a way out; None if it does."""
    if exports is None:
        return "is an account that the target does not hold", f"push that account first, or {_ASK}"
    subject = _remote(taken)
    covering = [each for each in exports if each.get("type") == taken.get("type") and _covers(each, subject)]
    exact = [each for each in covering if each.get("subject") == subject]  # then the server looks at no other
    covering = exact or covering
    if not covering:
        offered = ", ".join(f"{e.get('type')} {e.get('subject')}" for e in exports[:3]) or "nothing"
        return "it does not export", f"it exports {offered}; {_ASK}"
    reasons = [_why_unauthorised(each, taken, subject, own) for each in covering]
    return None if None in reasons else reasons[0]


def _remote(taken: Members) -> str:
    """Return the exporter's subject: with the old `to`, a service's stands there."""
    legacy = taken.get("to") if taken.get("type") == "service" and not taken.get("local_subject") else None
    return str(legacy or taken.get("subject") or "")


def _covers(export: Members, subject: str) -> bool:
    offered = str(export.get("subject", ""))
    if subject == offered:
        return True
    return why_invalid(offered) is None and why_invalid(subject) is None and is_subset(subject, offered)


def _why_unauthorised(export: Members, taken: Members, subject: str, own: str) -> tuple[str, str] | None:
    position = export.get("account_token_position")
    if isinstance(position, int) and position > 0:
        tokens = subject.split(".")
        if len(tokens) >= position and tokens[position - 1] == own:
            return None
        place = f"token {position} of the subject"
        return f"it exports with the importer's key as {place}", f"write {{{{account-subject()}}}} as {place}"
    if export.get("token_req") is not True:
        return None
    token = taken.get("token")
    if not token:
        return "it exports to those alone who have its activation", f"{_ASK} for one, and write it as `token`"
    revoked = export.get("revocations")
    if isinstance(revoked, dict) and _issued_at(str(token)) <= _latest(revoked, own):
        return "it exports, but the activation is revoked", f"{_ASK} for a new one"
    return None


def _latest(revoked: Members, own: str) -> int:
    times = [revoked.get(key) for key in (own, ANY)]
    return max((each for each in times if isinstance(each, int)), default=-1)


def _issued_at(token: str) -> int:
    try:
        return read_unverified(token).issued_at
    except ClaimsError:
        return 0
