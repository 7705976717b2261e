"""Rules about what operators and accounts say besides keys, limits, sharing and users."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from natsbackend.errors import Diagnostic, Location, Severity
from natsbackend.keys import KeyRole, is_public
from natsbackend.model.checks.links import url_parts
from natsbackend.model.checks.texts import info_problems
from natsbackend.model.details import ANY_ACCOUNT, MappingTarget, Places
from natsbackend.model.entities import Account, Backend, JetStreamLimits
from natsbackend.subjects import why_invalid_publish
from natsbackend.subjects.mapping import why_invalid_mapping

KNOWN_SERVER = (2, 15)
"""Major and minor version of the newest nats-server that this release was tried with."""
_VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")
_LIKE_A_KEY = re.compile(r"U[A-Z2-7]{55}")
_TIER = re.compile(r"R[1-5]")


def _place(places: Places, fallback: Location | None, *path: str | int) -> Location | None:
    return places.get(path) or places.get(path[:1]) or fallback


def _accounts(backend: Backend, word: str) -> Iterator[tuple[Account, Location | None]]:
    for account in backend.accounts.values():
        yield account, _place(account.details.places, account.at, word)


def operator_url(backend: Backend) -> Iterable[Diagnostic]:
    """A service URL or account server URL that the Go library refuses."""
    operator = backend.operator
    details = operator.details
    for index, url in enumerate(details.service_urls):
        why = _why_no_service_url(url)
        if why:
            at = _place(details.places, operator.at, "service_urls", index)
            yield Diagnostic(code="operator-url", message=f"{url[:80]!r} {why}", at=at)
    if details.account_server_url and url_parts(details.account_server_url) is None:
        at = _place(details.places, operator.at, "account_server_url")
        message = f"{details.account_server_url[:80]!r} is no URL with a scheme and a host"
        yield Diagnostic(
            code="operator-url", message=message, at=at, hint="write nats://HOST:PORT or https://HOST/jwt/v1"
        )


def _why_no_service_url(url: str) -> str | None:
    parts = url_parts(url)
    if parts is None or parts.scheme not in ("nats", "tls", "ws", "wss"):
        return "is not a URL of a NATS server: nats://, tls://, ws:// or wss:// and a host"
    if parts.username is not None:
        return "holds credentials"
    return "has a path; write scheme, host and port alone" if parts.path else None


def operator_version(backend: Backend) -> Iterable[Diagnostic]:
    """`assert_server_version` is not three numbers: no server would start with it."""
    operator = backend.operator
    version = operator.details.assert_server_version
    if version and not _VERSION.fullmatch(version):
        at = _place(operator.details.places, operator.at, "assert_server_version")
        message = f"{version[:40]!r} is not a version of nats-server"
        yield Diagnostic(
            code="operator-version", message=message, at=at, hint="write MAJOR.MINOR.PATCH: 2.12.0"
        )


def operator_version_newer(backend: Backend) -> Iterable[Diagnostic]:
    """`assert_server_version` asks for a newer nats-server than this release knows: an older one does not start."""
    operator = backend.operator
    version = operator.details.assert_server_version
    if _VERSION.fullmatch(version) and tuple(int(n) for n in version.split(".")[:2]) > KNOWN_SERVER:
        known = ".".join(str(n) for n in KNOWN_SERVER)
        yield Diagnostic(
            code="operator-version-newer",
            message=f"no nats-server older than {version} starts with it, and {known} is the newest known here",
            at=_place(operator.details.places, operator.at, "assert_server_version"),
            hint=f"write {known}.0 or an older one, unless all servers are newer",
            severity=Severity.WARNING,
        )


def account_text(backend: Backend) -> Iterable[Diagnostic]:
    """A description or info URL that the server refuses: longer than 8192 bytes, or no URL with a host."""
    for account in backend.accounts.values():
        details = account.details
        for word, message, hint in info_problems(details.description, details.info_url):
            at = _place(details.places, account.at, word)
            yield Diagnostic(code="account-text", message=message, at=at, hint=hint)


def validity_order(backend: Backend) -> Iterable[Diagnostic]:
    """What expires before it begins is never valid."""
    operator = backend.operator
    holders = [(operator.details.validity, _place(operator.details.places, operator.at, "expires"))]
    holders += [(account.details.validity, at) for account, at in _accounts(backend, "expires")]
    for validity, at in holders:
        if validity.expires and validity.not_before and validity.expires <= validity.not_before:
            message = "`expires` is not after `not_before`, so it is never valid"
            yield Diagnostic(code="validity-order", message=message, at=at)


def jetstream_tiers(backend: Backend) -> Iterable[Diagnostic]:
    """Tiers beside flat JetStream limits (the server drops the flat ones), or tiers of no number of replicas."""
    for account, at in _accounts(backend, "jetstream"):
        tiers = account.details.tiers
        if tiers and account.jetstream != JetStreamLimits():
            yield Diagnostic(
                code="jetstream-tiers",
                message=f'account "{account.name}" has JetStream limits by tier and flat ones, which the server drops',
                at=at,
                hint="keep one of the two",
            )
        for tier in tiers:
            if not _TIER.fullmatch(tier):
                message = f"{tier[:40]!r} is not a tier"
                yield Diagnostic(
                    code="jetstream-tiers", message=message, at=at, hint="write R1 to R5, by replicas"
                )


def account_mapping(backend: Backend) -> Iterable[Diagnostic]:
    """A mapping that the server refuses or installs as something else."""
    for account in backend.accounts.values():
        for source, targets in account.details.mappings.items():
            at = _place(account.details.places, account.at, "mappings", source)
            for why in _mapping_problems(source, targets):
                yield Diagnostic(code="account-mapping", message=f'mapping "{source[:80]}": {why}', at=at)


def _mapping_problems(source: str, targets: tuple[MappingTarget, ...]) -> Iterator[str]:
    if not targets:
        yield "it has no destination"
    for target in targets:
        why = why_invalid_mapping(source, target.subject)
        if why:
            yield why
    shares: Counter[str] = Counter()
    for target in targets:
        shares[target.cluster] += 100 if target.weight is None else target.weight
    for cluster, share in shares.items():
        if share > 100:
            where = f' in cluster "{cluster}"' if cluster else ""
            yield f"its weights{where} come to {share}, above 100"
    for subject, count in Counter(target.subject for target in targets).items():
        if count > 1:
            yield f'"{subject}" is there {count} times; the server takes a destination once, whatever its cluster'


def account_trace(backend: Backend) -> Iterable[Diagnostic]:
    """Traces that go to a subject nobody can publish to."""
    for account, at in _accounts(backend, "trace"):
        trace = account.details.trace
        why = why_invalid_publish(trace.to) if trace else None
        if why:
            yield Diagnostic(code="account-trace", message=f"traces cannot go there: {why}", at=at)


def external_authorization(backend: Backend) -> Iterable[Diagnostic]:
    """An auth callout without a user to answer it, or that names what is not in the spec."""
    for account, at in _accounts(backend, "external_authorization"):
        external = account.details.external_authorization
        if external is None:
            continue
        if not external.users:
            message = "an auth callout needs at least one user that answers it"
            yield Diagnostic(code="external-authorization", message=message, at=at)
        accounts = () if external.accounts == (ANY_ACCOUNT,) else external.accounts
        for name, known, what in [
            *((name, account.users, "user of this account") for name in external.users),
            *((name, {*backend.accounts, *backend.outside}, "account") for name in accounts),
        ]:
            if name not in known:
                close = get_close_matches(name, known, 1, 0.6)
                yield Diagnostic(
                    code="external-authorization",
                    message=f'"{name[:80]}" is no {what}',
                    at=at,
                    hint=f"did you mean {close[0]!r}?" if close else None,
                )


def revocation_key(backend: Backend) -> Iterable[Diagnostic]:
    """A revocation of what looks like a user's public key and is none; the server takes any text there."""
    for account, at in _accounts(backend, "revocations"):
        for name in account.details.revocations:
            if _LIKE_A_KEY.fullmatch(name) and not is_public(name, KeyRole.USER):
                yield Diagnostic(
                    code="revocation-key",
                    message=f"{name} looks like a user's public key, and its checksum does not fit",
                    at=at,
                    hint="copy it again; a person is revoked by the name on the tokens",
                )


def bearer_disallowed(backend: Backend) -> Iterable[Diagnostic]:
    """An account that disallows bearer tokens and has a role or user whose tokens are nothing else."""
    for account, at in _accounts(backend, "disallow_bearer"):
        bearers = [f'role "{role.name}" makes them' for role in account.roles.values() if role.bearer]
        bearers += [f'user "{user.name}" has one' for user in account.users.values() if user.bearer]
        if account.details.disallow_bearer and bearers:
            yield Diagnostic(
                code="bearer-disallowed",
                message=f'account "{account.name}" disallows bearer tokens, and its {bearers[0]}',
                at=at,
                hint="take out `disallow_bearer`, or move it to another account",
            )
