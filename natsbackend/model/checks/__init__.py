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
    about,
    addresses,
    browsers,
    clusters,
    cookies,
    details,
    effects,
    extra,
    habits,
    jetstream_api,
    leafnodes,
    leaks,
    life,
    listeners,
    mappings,
    mqtt,
    names,
    offers,
    outside,
    peers,
    permissions,
    private,
    resolver,
    sentinel,
    server,
    sharing,
    switches,
    templates,
    trust,
    users,
)
from natsbackend.model.checks.life import Ending, Moment
from natsbackend.model.checks.switches import Judged as Judged
from natsbackend.model.entities import Backend
from natsbackend.model.names import printable

Check = Callable[[Backend], Iterable[Diagnostic]]


def check_off(backend: Backend) -> Iterable[Diagnostic]:
    """A check is switched off that does not exist, that finds errors, or for which no reason is given."""
    return switches.wrong(backend, {*CHECKS, *life.LIFE}, SWITCHABLE)


def check_off_unused(backend: Backend) -> Iterable[Diagnostic]:
    """A check is switched off and would find nothing: what it finds one day would not be heard."""
    return switches.unused(backend, CHECKS, SWITCHABLE)


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
    "outside-account": outside.outside_account,
    "export-revocation": outside.export_revocation,
    "import-token-needless": outside.import_token_needless,
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
    "sharing-template": habits.sharing_template,
    "subject-star-in-text": habits.subject_star_in_text,
    "subject-slash": habits.subject_slash,
    "subject-braces": habits.subject_braces,
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
    "operator-version-newer": details.operator_version_newer,
    "account-text": details.account_text,
    "validity-order": details.validity_order,
    "jetstream-tiers": details.jetstream_tiers,
    "account-mapping": details.account_mapping,
    "mapping-overlap": mappings.mapping_overlap,
    "account-trace": details.account_trace,
    "external-authorization": details.external_authorization,
    "revocation-key": details.revocation_key,
    "bearer-disallowed": details.bearer_disallowed,
    "jetstream-off": server.jetstream_off,
    "same-address": addresses.same_address,
    "advertise": addresses.advertise,
    "server-name": server.server_name,
    "jetstream-domain": server.jetstream_domain,
    "resolver-delete": server.resolver_delete,
    "resolver-option": resolver.resolver_option,
    "resolver-url": resolver.resolver_url,
    "resolver-tls": resolver.resolver_tls,
    "resolver-pinned": resolver.resolver_pinned,
    "resolver-push": resolver.resolver_push,
    "resolver-outside": resolver.resolver_outside,
    "log-word-alone": about.log_word_alone,
    "log-trace": about.log_trace,
    "proxy-key": about.proxy_key,
    "proxy-untrusted": about.proxy_untrusted,
    "proxy-unneeded": about.proxy_unneeded,
    "extra-option": extra.extra_option,
    "extra-value": extra.extra_value,
    "extra-secret": extra.extra_secret,
    "extra-profiling": extra.extra_profiling,
    "default-sentinel": sentinel.default_sentinel,
    "default-sentinel-open": sentinel.default_sentinel_open,
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
    "mqtt-jetstream": mqtt.mqtt_jetstream,
    "mqtt-replicas": mqtt.mqtt_replicas,
    "mqtt-plain": mqtt.mqtt_plain,
    "mqtt-bearer": mqtt.mqtt_bearer,
    "mqtt-account": mqtt.mqtt_account,
    "peer-url": peers.peer_url,
    "peer-url-secret": peers.peer_url_secret,
    "peer-websocket-port": peers.peer_websocket_port,
    "leafnode-account": leafnodes.leafnode_account,
    "leafnode-user": leafnodes.leafnode_user,
    "leafnode-login": leafnodes.leafnode_login,
    "leafnode-limit": leafnodes.leafnode_limit,
    "leafnode-mixed-urls": leafnodes.leafnode_mixed_urls,
    "leafnode-duplicate": leafnodes.leafnode_duplicate,
    "leafnode-subject": leafnodes.leafnode_subject,
    "leafnode-tls": leafnodes.leafnode_tls,
    "leafnode-proxy": leafnodes.leafnode_proxy,
    "leafnode-websocket-word": leafnodes.leafnode_websocket_word,
    "leafnode-version": leafnodes.leafnode_version,
    "cluster-server-name": clusters.cluster_server_name,
    "cluster-jetstream": clusters.cluster_jetstream,
    "cluster-name": clusters.cluster_name,
    "cluster-account": clusters.cluster_account,
    "cluster-ping-interval": clusters.cluster_ping_interval,
    "cluster-route-login": clusters.cluster_route_login,
    "gateway-name": clusters.gateway_name,
    "gateway-duplicate": clusters.gateway_duplicate,
    "gateway-unreachable": clusters.gateway_unreachable,
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
    "limit-shuts-out": effects.limit_shuts_out,
    "limit-without-effect": effects.limit_without_effect,
    "jetstream-overcommitted": effects.jetstream_overcommitted,
    "tier-without-cluster": effects.tier_without_cluster,
    "resolver-limit": effects.resolver_limit,
    "sources-behind-proxy": effects.sources_behind_proxy,
    "test-subject": permissions.test_subject,
    "check-off": check_off,
    "check-off-unused": check_off_unused,
}

WARNINGS = frozenset(
    {
        "export-threshold-lost",
        "subject-star-in-text",
        "subject-slash",
        "subject-braces",
        "permission-star",
        "role-without-ttl",
        "role-user-tag-missing",
        "bearer-everywhere",
        "bearer-without-expiry",
        "time-zone-missing",
        "jetstream-off",
        "operator-version-newer",
        "resolver-push",
        "resolver-outside",
        "log-word-alone",
        "log-trace",
        "proxy-untrusted",
        "proxy-unneeded",
        "extra-profiling",
        "default-sentinel-open",
        "websocket-unused",
        "websocket-same-origin",
        "tls-verify",
        "server-max-payload",
        "monitor-open",
        "mqtt-plain",
        "peer-websocket-port",
        "leafnode-websocket-word",
        "cluster-ping-interval",
        "gateway-unreachable",
        "browser-open",
        "browser-system",
        "browser-responses",
        "inbox-open",
        "permissions-all",
        "permissions-default-missing",
        "deny-queue-group",
        "role-ttl-long",
        "system-account-bearer",
        "system-export-tokens",
        "import-share-bearer",
        "jetstream-admin-open",
        "jetstream-api-open",
        "jetstream-consumer-open",
        "template-first",
        "template-ambiguous",
        "account-tag-missing",
        "cookie-same-site",
        "cookie-domain",
        "cookie-nearly-full",
        "origin-plain",
        "origin-local",
        "limit-shuts-out",
        "limit-without-effect",
        "jetstream-overcommitted",
        "tier-without-cluster",
        "sources-behind-proxy",
        "check-off-unused",
    }
)
"""The rules whose findings are warnings; those of all others are errors."""

SWITCHABLE = (WARNINGS - {"check-off-unused"}) | life.LIFE.keys()
"""The rules that a spec can switch off with a reason."""


def check(backend: Backend) -> tuple[Diagnostic, ...]:
    """Return every finding of every rule that is not switched off, in the order of the spec."""
    return judge(backend).findings


def judge(backend: Backend, moment: Moment | None = None, issued: Iterable[Ending] = ()) -> Judged:
    """Return what every rule finds, in the order of the spec, parted by what the spec switches off.

    With a moment the rules about time are asked, too, of the spec and of what was issued. Names are shown without
    control characters.
    """
    found = [found for rule in CHECKS.values() for found in rule(backend)]
    if moment is not None:
        found += life.judge_endings((*life.endings_of(backend), *issued), moment)
    shown = sorted(map(_shown, found), key=lambda d: (d.at is None, d.at, d.code, d.message))
    return switches.sift(shown, backend.checks_off)


def _shown(found: Diagnostic) -> Diagnostic:
    if found.message.isprintable() and (found.hint is None or found.hint.isprintable()):
        return found
    return replace(found, message=printable(found.message), hint=found.hint and printable(found.hint))
