"""A judged token in words: our names for the words of the wire, dates for numbers, and no secrets.

Claims come from outside: whatever does not print is escaped, so that no token can write to the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from natsbackend.claims.envelope import Token, TokenKind
from natsbackend.claims.gotext import quoted
from natsbackend.claims.validate import decoded
from natsbackend.cli import output
from natsbackend.workflow.inspect import Inspection

_WORDS = {
    "pub": "publish",
    "sub": "subscribe",
    "resp": "responses",
    "subs": "subscriptions",
    "conn": "connections",
    "leaf": "leaf_nodes",
    "wildcards": "wildcard_exports",
    "mem_storage": "memory",
    "disk_storage": "disk",
    "consumer": "consumers",
    "mem_max_stream_bytes": "memory_max_stream",
    "disk_max_stream_bytes": "disk_max_stream",
    "src": "source_networks",
    "times": "time_windows",
    "times_location": "time_zone",
    "bearer_token": "bearer",
    "allowed_connection_types": "connection_types",
    "token_req": "activation_required",
    "service_latency": "latency",
    "strict_signing_key_usage": "require_signing_keys",
    "assert_server_version": "least_server_version",
    "dest": "destination",
}
"""What the spec calls it, where the wire says otherwise."""
_BYTES = frozenset(
    {"payload", "data", "mem_storage", "disk_storage", "mem_max_stream_bytes", "disk_max_stream_bytes"}
)
_NANOSECONDS = frozenset({"ttl", "response_threshold"})
_COUNTS = frozenset({"subs", "imports", "exports", "conn", "leaf", "streams", "consumer", "max_ack_pending"})
_SECRET = frozenset({"token", "jwt", "auth_token", "pass", "sig", "nonce", "request_nonce"})
_ASIDE = frozenset({"type", "version", "issuer_account"})
"""Members of `nats` that the headline has already told."""

_AGES = (("year", 31_557_600), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_DURATIONS = (("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000))
_SIZES = (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


def report(inspection: Inspection, now: int) -> Iterator[str]:
    """Return the lines about one token, judged at `now` in Unix seconds; coloured if stdout is a terminal."""
    token = inspection.token
    verdict = output.good("sound") if inspection.sound else output.bad("not sound")
    yield f"{_headline(token)}: {verdict}"
    if token is not None:
        yield from _envelope(token, now)
        claims = decoded(token) if inspection.decode_error is None else {}
        aside = _ASIDE if token.kind is not TokenKind.GENERIC else frozenset()
        told = {name: member for name, member in claims.get("nats", {}).items() if name not in aside}
        yield from _members(told, "  ")
    yield from _seed(inspection)
    yield from _judgement(inspection)


def _headline(token: Token | None) -> str:
    if token is None:
        return "no token that can be read"
    return f"{token.kind.value.replace('_', ' ')} {quoted(token.name) if token.name else '(without a name)'}"


def _envelope(token: Token, now: int) -> Iterator[str]:
    yield _line("subject", _plain(token.subject) or "(none)")
    signature = (
        "its signature is good" if token.signature_is_valid else output.bad("its signature does not fit")
    )
    yield _line("issuer", f"{_plain(token.issuer) or '(none)'}, {signature}")
    account = token.nats.get("issuer_account") or token.claims.get("issuer_account")
    if isinstance(account, str):
        yield _line("account", _plain(account))
    audience = token.claims.get("aud")
    if isinstance(audience, str) and audience:
        yield _line("audience", _plain(audience))
    if token.issued_at:
        yield _line("issued", moment(token.issued_at, now))
    if token.not_before:
        yield _line("valid from", moment(token.not_before, now))
    yield _line("expires", moment(token.expires, now) if token.expires else "never")


def _line(name: str, text: str) -> str:
    return f"  {name:<10} {text}"


def _seed(inspection: Inspection) -> Iterator[str]:
    creds = inspection.creds
    if creds is None or not creds.expected:
        return
    if creds.usable:
        yield _line("seed", "fits the token")
    elif creds.seed_public is not None:
        yield _line("seed", output.bad(f"is that of {creds.seed_public}, not the token's"))
    else:
        yield _line("seed", output.bad(creds.seed_error or "was not found"))


def _judgement(inspection: Inspection) -> Iterator[str]:
    if inspection.decode_error is not None:
        error = inspection.decode_error
        yield f"{output.bad(f'error[{error.rule}]:')} {_plain(error.message)}"
    for finding in inspection.findings:
        severity = "error" if finding.blocking else "warning"
        yield f"{output.bad(f'{severity}[{finding.rule}]:')} {_plain(finding.message)}"
    for advice in inspection.advice:
        yield f"{output.faint(f'advice[{advice.check}]:')} {_plain(advice.message)}"


# --- members ---


def _members(members: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in members.items():
        if value == {}:
            continue
        word = _WORDS.get(name, _plain(name))
        if name in _SECRET and value:
            yield f"{indent}{word}: (not shown)"
        elif isinstance(value, Mapping):
            yield f"{indent}{word}:"
            yield from _members(_dated(value) if name == "revocations" else value, indent + "  ")
        elif isinstance(value, list) and any(isinstance(item, (Mapping, list)) for item in value):
            yield f"{indent}{word}:"
            yield from _items(value, indent + "  ")
        else:
            yield f"{indent}{word}: {_value(name, value)}"


def _dated(revocations: Mapping[str, Any]) -> dict[str, Any]:
    """Return revocations with dates; a generic token may mean something else by the word."""
    return {key: _date(v) if isinstance(v, int) else v for key, v in revocations.items()}


def _items(items: list[Any], indent: str) -> Iterator[str]:
    for item in items:
        lines = list(_members(item, indent + "  ")) if isinstance(item, Mapping) else [_value("", item)]
        first, *rest = lines or ["(empty)"]
        yield f"{indent}- {first.strip()}"
        yield from rest


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_value(name, item) for item in value)
    if isinstance(value, int):
        return _number(name, value)
    return _plain(str(value)) if value is not None else "null"


def _number(name: str, value: int) -> str:
    if value == -1 and name in _BYTES | _COUNTS:
        return "unlimited"
    if name in _BYTES:
        return _in_units(value, _SIZES, "B")
    return _in_units(value, _DURATIONS, "ns") if name in _NANOSECONDS else str(value)


def _in_units(value: int, units: tuple[tuple[str, int], ...], smallest: str = "") -> str:
    """Write a number in the largest unit that divides it, so that nothing is rounded."""
    for unit, size in units:
        if value and value % size == 0:
            return f"{value // size}{unit}"
    return f"{value}{smallest}"


def _plain(text: str) -> str:
    return text if text.isprintable() else quoted(text)[1:-1]


# --- times ---


def _date(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} seconds after 1970, which is no date"


def moment(seconds: int, now: int) -> str:
    """Return a moment in Unix seconds as a date, and how far it is from now: `… (in 14 minutes)`."""
    away = abs(seconds - now)
    unit, size = next(((unit, size) for unit, size in _AGES if away >= size), _AGES[-1])
    count = away // size
    span = f"{count} {unit}{'' if count == 1 else 's'}"
    relative = "now" if not away else f"in {span}" if seconds > now else f"{span} ago"
    return f"{_date(seconds)} ({relative})"
