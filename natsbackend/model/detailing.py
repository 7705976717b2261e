"""An operator's and an account's words besides keys, limits, sharing and users, turned into entities."""

from __future__ import annotations

from collections.abc import Iterator

from natsbackend.errors import Location
from natsbackend.model.details import (
    ANY_ACCOUNT,
    AccountDetails,
    ExternalAuthorization,
    MappingTarget,
    OperatorDetails,
    Places,
    Trace,
    Validity,
)
from natsbackend.model.entities import JetStreamLimits, Permissions, xkey_path
from natsbackend.model.permissions import permissions
from natsbackend.spec.account_models import ExternalAuthorizationSpec, Mapping, MappingSpec, RevocationsSpec
from natsbackend.spec.limit_models import TieredJetStreamSpec
from natsbackend.spec.load import Spec, Step
from natsbackend.spec.models import AccountSpec
from natsbackend.spec.permission_models import DefaultPermissionsSpec, PermissionsSpec

_OPERATOR_WORDS = (
    "service_urls",
    "account_server_url",
    "assert_server_version",
    "tags",
    "not_before",
    "expires",
)
_ACCOUNT_WORDS = (
    "description",
    "info_url",
    "tags",
    "not_before",
    "expires",
    "disallow_bearer",
    "jetstream",
    "default_permissions",
    "mappings",
    "trace",
    "external_authorization",
    "revocations",
    "claims",
)


def operator_details(spec: Spec) -> OperatorDetails:
    """Turn the operator's words."""
    model = spec.model.operator
    base = ("operator",)
    written = tuple(word for word in _OPERATOR_WORDS if word in model.model_fields_set)
    return OperatorDetails(
        service_urls=tuple(model.service_urls),
        account_server_url=model.account_server_url or "",
        assert_server_version=model.assert_server_version or "",
        tags=tags(model.tags),
        validity=Validity(not_before=model.not_before, expires=model.expires),
        claims=model.claims,
        places=_places(spec, base, written, {"service_urls": range(len(model.service_urls))}),
    )


_NO_DETAILS = AccountDetails()


def account_details(spec: Spec, name: str, model: AccountSpec) -> AccountDetails:
    """Turn an account's words; most accounts have none, and cost nothing."""
    if model.cluster_traffic is None and model.model_fields_set.isdisjoint(_ACCOUNT_WORDS):
        return _NO_DETAILS
    written = tuple(word for word in _ACCOUNT_WORDS if word in model.model_fields_set)
    base = ("accounts", name)
    trace = model.trace
    return AccountDetails(
        description=model.description,
        info_url=model.info_url or "",
        tags=tags(model.tags),
        validity=Validity(not_before=model.not_before, expires=model.expires),
        cluster_traffic=model.cluster_traffic or "",
        disallow_bearer=model.disallow_bearer,
        tiers=_tiers(model.jetstream),
        default_permissions=_default_permissions(spec, name, model.default_permissions),
        mappings={source: tuple(_targets(target)) for source, target in model.mappings.items()},
        trace=Trace(to=trace.to, sampling=trace.sampling) if trace else None,
        external_authorization=_authorization(spec, name, model.external_authorization),
        revocations=_revocations(model.revocations),
        claims=model.claims,
        places=_places(spec, base, written, {"mappings": model.mappings}),
    )


def tags(written: list[str]) -> tuple[str, ...]:
    """Return tags as the Go library keeps them: trimmed, the key in lower case, each once."""
    out = []
    for tag in written:
        key, colon, value = tag.strip().partition(":")
        out.append(f"{key.lower()}{colon}{value}")
    return tuple(dict.fromkeys(out))


def _places(spec: Spec, base: tuple[Step, ...], written: tuple[str, ...], inner: dict[str, object]) -> Places:
    out: dict[tuple[Step, ...], Location] = {}
    for word in written:
        out[(word,)] = spec.key_at(*base, word)
        steps = inner.get(word)
        if isinstance(steps, range):
            out |= {(word, i): spec.at(*base, word, i) for i in steps}
        elif isinstance(steps, dict):
            out |= {(word, key): spec.key_at(*base, word, key) for key in steps}
    return out


def _tiers(spec: TieredJetStreamSpec | None) -> dict[str, JetStreamLimits]:
    if spec is None:
        return {}
    return {tier: JetStreamLimits(**limits.model_dump()) for tier, limits in spec.tiers.items()}


def _default_permissions(
    spec: Spec, account: str, model: DefaultPermissionsSpec | None
) -> Permissions | None:
    if model is None:
        return None
    words = PermissionsSpec(
        publish=model.publish, subscribe=model.subscribe, allow_responses=model.allow_responses
    )
    return permissions(words, spec.below("accounts", account, "default_permissions"), private_inbox="")


def _targets(mapping: Mapping) -> Iterator[MappingTarget]:
    if isinstance(mapping, str):
        yield MappingTarget(subject=mapping)
        return
    for target in [mapping] if isinstance(mapping, MappingSpec) else mapping:
        yield MappingTarget(subject=target.to, weight=target.weight, cluster=target.cluster or "")


def _authorization(
    spec: Spec, account: str, model: ExternalAuthorizationSpec | None
) -> ExternalAuthorization | None:
    if model is None:
        return None
    accounts = (ANY_ACCOUNT,) if model.accounts == "any" else tuple(model.accounts)
    others = spec.model.outside
    return ExternalAuthorization(
        users=tuple(model.users),
        accounts=accounts,
        outside={name: others[name].public_key for name in accounts if name in others},
        xkey_path=xkey_path(account) if model.encrypt else None,
    )


def _revocations(spec: RevocationsSpec | None) -> dict[str, int]:
    if spec is None:
        return {}
    everyone = {} if spec.all_before is None else {"*": spec.all_before}
    return {**everyone, **spec.users}
