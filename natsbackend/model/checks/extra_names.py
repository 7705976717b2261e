"""Rules about names in `extra` that the server looks up: of features, and of accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from natsbackend.errors import Diagnostic, Severity
from natsbackend.keys import KeyRole, is_public
from natsbackend.model.checks.places import place
from natsbackend.model.entities import Backend
from natsbackend.model.serving import Server

FEATURES = ("js_ack_fc_v2", "js_api_reply_v2", "js_raft_delete_range", "js_snapshot_sources")
"""The feature flags of nats-server 2.15 (`feature_flags.go`; 2.15.1 says them in `$SYS.REQ.SERVER.PING`)."""


def _names(backend: Backend, option: str) -> Iterator[tuple[Server, str]]:
    """Each name in an option of `extra` that is a map."""
    server = backend.server
    value: Any = server.extra.get(option) if server else None
    if server is not None and isinstance(value, Mapping):
        yield from ((server, str(name)) for name in value)


def extra_feature_flag(backend: Backend) -> Iterable[Diagnostic]:
    """A feature flag that nats-server 2.15 does not know: it says so in a line of its log, and that is all."""
    for server, name in _names(backend, "feature_flags"):
        if name not in FEATURES:
            close = get_close_matches(name, FEATURES, 1, 0.6)
            yield Diagnostic(
                code="extra-feature-flag",
                message=f"nats-server 2.15 has no feature {name[:60]!r}",
                at=place(server, "extra", "feature_flags", name),
                hint=f"did you mean {close[0]}?" if close else f"it knows {', '.join(FEATURES)}",
                severity=Severity.WARNING,
            )


def extra_js_domain(backend: Backend) -> Iterable[Diagnostic]:
    """A JetStream domain for an account that is not named by its key: the server does not start.

    nats-server 2.15 `jetstream.go`, validateJetStreamOptions.
    """
    for server, name in _names(backend, "default_js_domain"):
        if not is_public(name, KeyRole.ACCOUNT):
            yield Diagnostic(
                code="extra-js-domain",
                message=f"{name[:60]!r} is not the public key of an account, which `default_js_domain` goes by",
                at=place(server, "extra", "default_js_domain", name),
                hint="take the key from natsbackend.lock: A…"
                if name in backend.accounts
                else "write the key: A…",
            )
