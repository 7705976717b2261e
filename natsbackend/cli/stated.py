"""How `status` says what it found: for a person, as JSON, or as metrics for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from natsbackend.cli import output
from natsbackend.cli.options import as_given
from natsbackend.cli.pushed import short
from natsbackend.wording import counted

if TYPE_CHECKING:
    from natsbackend.workflow.drift import AccountState, Drift, Status

_PREFIX = "natsbackend_status"


def to_text(status: Status, *, verbose: bool) -> Iterator[str]:
    """Return lines for a person."""
    from natsbackend.model.names import printable

    if verbose:
        for server in status.servers:
            cluster = f", cluster {server.cluster}" if server.cluster else ""
            version = f": nats-server {server.version}" if server.version else ""
            yield f'server "{printable(short(server.name))}"{version}{cluster}'
        for account in status.accounts:
            yield from _account(account)
    for drift in status.drifts:
        yield from _drift(drift)
    yield _summary(status)


def _account(account: AccountState) -> Iterator[str]:
    from natsbackend.model.checks.life import when
    from natsbackend.model.names import printable

    issued = f"issued {when(account.issued_at)}" if account.issued_at >= 0 else "not issued yet"
    ends = f", expires {when(account.expires)}" if account.expires else ""
    yield f"account {printable(account.name)} {account.public_key}: {issued}{ends}"
    for server, is_same in sorted(account.in_sync.items()):
        effect = account.effective.get(server)
        state = "in sync" if is_same else "differs" if account.held.get(server) else "holds none"
        made = f", {effect.value}" if effect is not None else ", what it makes of it is not known"
        sign = output.good("✓") if is_same else output.bad("✗")
        yield f"  {sign} {printable(short(server))}: {state}{made}"


def _drift(drift: Drift) -> Iterator[str]:
    where = f"{drift.at}: " if drift.at else ""
    yield f"{output.bad('✗')} {where}{drift.code.value}: {drift.text}"
    yield from (f"    {line}" for line in drift.details)
    if drift.hint:
        yield output.faint(f"    hint: {as_given(drift.hint)}")


def _summary(status: Status) -> str:
    servers = counted(len(status.servers), "server")
    accounts = counted(len(status.accounts), "account")
    if status.is_clean:
        return f'{output.good("✓")} target "{status.target}": {accounts} on {servers}, all as the spec says'
    return f'target "{status.target}": {accounts} on {servers}, {counted(len(status.drifts), "difference")}'


def to_json(status: Status) -> dict[str, Any]:
    """Return the answer of `status --format json`."""
    return {
        "format": 1,
        "target": status.target,
        "at": status.at,
        "clean": status.is_clean,
        "servers": [
            {"name": each.name, "id": each.id, "version": each.version, "cluster": each.cluster}
            for each in status.servers
        ],
        "expected_servers": status.expected,
        "accounts": [
            {
                "account": each.name,
                "public_key": each.public_key,
                "issued_at": each.issued_at if each.issued_at >= 0 else None,
                "expires": each.expires,
                "in_sync": dict(each.in_sync),
                "held": dict(each.held),
                "effect": {server: effect.value for server, effect in each.effective.items()},
            }
            for each in status.accounts
        ],
        "drift": [
            {
                "id": each.code.value,
                "message": each.text,
                "account": each.account or None,
                "servers": list(each.servers),
                "details": list(each.details),
                "hint": as_given(each.hint) if each.hint else None,
                "at": str(each.at) if each.at else None,
            }
            for each in status.drifts
        ],
    }


def to_prometheus(status: Status) -> Iterator[str]:
    """Return lines in the text format of Prometheus; every metric is a gauge, and every kind of drift is there."""
    from natsbackend.workflow.drift import Code

    target = ("target", status.target)
    yield from _metric("clean", "1 if everything is as the spec says", [((target,), int(status.is_clean))])
    yield from _metric("time_seconds", "when this was looked at", [((target,), status.at)])
    yield from _metric("servers", "servers that answered", [((target,), len(status.servers))])
    if status.expected is not None:
        yield from _metric("servers_expected", "servers that should", [((target,), status.expected)])
    kinds = [each.code for each in status.drifts]
    drifts = [((target, ("id", code.value)), kinds.count(code)) for code in Code]
    yield from _metric("drift", "differences, by kind", drifts)
    in_sync = [
        ((target, ("account", each.name), ("server", server)), int(is_same))
        for each in status.accounts
        for server, is_same in sorted(each.in_sync.items())
    ]
    yield from _metric("account_in_sync", "1 if the server holds what the lock records", in_sync)
    ends = [
        ((target, ("account", each.name)), each.expires)
        for each in status.accounts
        if each.expires is not None
    ]
    yield from _metric("account_expires_seconds", "when the JWT of an account expires", ends)


_Labels = tuple[tuple[str, str], ...]


def _metric(name: str, about: str, values: Sequence[tuple[_Labels, int]]) -> Iterator[str]:
    if values:
        yield f"# HELP {_PREFIX}_{name} {about}"
        yield f"# TYPE {_PREFIX}_{name} gauge"
    for labels, value in values:
        written = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
        yield f"{_PREFIX}_{name}{{{written}}} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
