"""The rules a backend must keep, one function each, by a stable kebab-case id.

`check` runs them all and returns every finding. A new rule is a function in the module of its subject and a line
in `CHECKS`. Rules look at the whole backend, so an import is held against the export it names, which no single
JWT can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from natsbackend.errors import Diagnostic
from natsbackend.model.checks import (
    browsers,
    cookies,
    details,
    effects,
    jetstream_api,
    leaks,
    listeners,
    names,
    offers,
    permissions,
    private,
    resolver,
    server,
    sharing,
    templates,
    trust,
    users,
)
from natsbackend.model.entities import Backend
from natsbackend.model.names import printable

Check = Callable[[Backend], Iterable[Diagnostic]]

CHECKS: Mapping[str, Check] = {
    "name-unusable": names.unusable,
    "name-collision": names.collision,
    "was-still-here": names.was_still_here,
    "duplicate-key-name": names.duplicate_key_name,
    "export-subject": sharing.export_subject,
    "export-response": sharing.export_response,
    "export-overlap": sharing.export_overlap,
    "export-service-word": offers.export_service_word,
    "export-threshold-lost": offers.export_threshold_lost,
    "export-latency": offers.export_latency,
    "export-token-position": offers.export_token_position,
    "export-info": offers.export_info,
    "import-subject": sharing.import_subject,
    "import-unknown-account": sharing.import_unknown_account,
    "import-without-export": sharing.import_without_export,
    "import-duplicate": sharing.import_duplicate,
    "import-overlap": sharing.import_overlap,
    "import-cycle": sharing.import_cycle,
    "export-private-account": private.export_private_account,
    "export-private-position": private.export_private_position,
    "import-private": private.import_private,
    "import-other-kind": offers.import_other_kind,
    "import-account-token": offers.import_account_token,
    "limit-exceeded": sharing.limit_exceeded,
    "permission-subject": permissions.subject,
    "permission-template": permissions.template,
    "permission-queue-template": permissions.queue_with_template,
    "permission-star": permissions.star_at_the_end,
    "role-unknown": permissions.role_unknown,
    "role-user-own-words": permissions.role_user_own_words,
    "role-user-name": permissions.role_user_name,
    "role-without-ttl": permissions.role_without_ttl,
    "role-user-tag-denied": users.role_user_tag_denied,
    "role-user-tag-missing": users.role_user_tag_missing,
    "bearer-everywhere": users.bearer_everywhere,
    "bearer-without-expiry": users.bearer_without_expiry,
    "time-zone-missing": users.time_zone_missing,
    "signing-key-unknown": users.signing_key_unknown,
    "signing-key-needed": trust.signing_key_needed,
    "system-account-jetstream": trust.system_account_jetstream,
    "operator-url": details.operator_url,
    "operator-version": details.operator_version,
    "account-text": details.account_text,
    "validity-order": details.validity_order,
    "jetstream-tiers": details.jetstream_tiers,
    "account-mapping": details.account_mapping,
    "account-trace": details.account_trace,
    "external-authorization": details.external_authorization,
    "revocation-key": details.revocation_key,
    "bearer-disallowed": details.bearer_disallowed,
    "jetstream-off": server.jetstream_off,
    "same-address": server.same_address,
    "server-name": server.server_name,
    "jetstream-domain": server.jetstream_domain,
    "resolver-delete": server.resolver_delete,
    "resolver-option": resolver.resolver_option,
    "resolver-url": resolver.resolver_url,
    "resolver-pinned": resolver.resolver_pinned,
    "resolver-push": resolver.resolver_push,
    "websocket-origins": server.websocket_origins,
    "websocket-origin": server.websocket_origin,
    "websocket-cookie": server.websocket_cookie,
    "websocket-unused": server.websocket_unused,
    "websocket-header": listeners.websocket_header,
    "websocket-other-cookie": listeners.websocket_other_cookie,
    "websocket-same-origin": listeners.websocket_same_origin,
    "tls-verify": listeners.tls_verify,
    "server-limits": listeners.server_limits,
    "server-max-payload": listeners.server_max_payload,
    "monitor-open": listeners.monitor_open,
    "monitor-tls": listeners.monitor_tls,
    "browser-open": browsers.browser_open,
    "browser-system": browsers.browser_system,
    "browser-responses": browsers.browser_responses,
    "inbox-open": browsers.inbox_open,
    "permissions-all": browsers.permissions_all,
    "permissions-default-missing": browsers.permissions_default_missing,
    "deny-queue-group": browsers.deny_queue_group,
    "role-ttl-long": browsers.role_ttl_long,
    "system-account-bearer": browsers.system_account_bearer,
    "system-export-tokens": leaks.system_export_tokens,
    "import-share-bearer": leaks.import_share_bearer,
    "jetstream-admin-open": jetstream_api.jetstream_admin_open,
    "jetstream-api-open": jetstream_api.jetstream_api_open,
    "jetstream-consumer-open": jetstream_api.jetstream_consumer_open,
    "template-first": templates.template_first,
    "template-ambiguous": templates.template_ambiguous,
    "template-account-value": templates.template_account_value,
    "account-tag-missing": templates.account_tag_missing,
    "account-tag-denied": templates.account_tag_denied,
    "cookie-same-site": cookies.cookie_same_site,
    "cookie-domain": cookies.cookie_domain,
    "cookie-too-large": cookies.cookie_too_large,
    "cookie-nearly-full": cookies.cookie_nearly_full,
    "token-too-long": cookies.token_too_long,
    "origin-plain": cookies.origin_plain,
    "origin-local": cookies.origin_local,
    "limit-without-effect": effects.limit_without_effect,
    "jetstream-overcommitted": effects.jetstream_overcommitted,
    "resolver-limit": effects.resolver_limit,
    "sources-behind-proxy": effects.sources_behind_proxy,
    "test-subject": permissions.test_subject,
}


def check(backend: Backend) -> tuple[Diagnostic, ...]:
    """Return every finding of every rule, in the order of the spec; names are shown without control characters."""
    found = [
        replace(found, message=printable(found.message), hint=found.hint and printable(found.hint))
        for rule in CHECKS.values()
        for found in rule(backend)
    ]
    return tuple(sorted(found, key=lambda d: (d.at is None, d.at, d.code, d.message)))
