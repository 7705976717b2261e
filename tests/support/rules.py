"""For each rule, specs that break it, and near misses that do not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from support.lints import LINTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Specs that break a rule, and near misses that do not. Version and operator are added where missing."""

    breaks: Sequence[str]
    keeps: Sequence[str]


WEBSOCKET = "server: {websocket: {no_tls: true, allowed_origins: [%s], cookie: {%s}}}"
LISTENER = "server: {websocket: {no_tls: true, %s}}"
RESOLVER = "server: {resolver: {%s}}"
TARGET = "targets: {main: {nats: ['nats://n1']}}"
LIMITS = "server: {limits: {%s}}"
SERVER = "server: {%s}"
CLUSTER = "server: {name: n1, cluster: {name: eu, %s}}"
GATEWAYS = "server: {gateway: {name: eu, gateways: [%s]}}"
REMOTE = (
    "accounts: {web: {users: {edge: {connection_types: [leafnode]}, viewer: {connection_types: [standard]}}}}\n"
    "server: {leafnodes: {remotes: [{account: web, %s}]}}"
)
SUITE = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
OLD_SUITE = f"min_version: '1.3', cipher_suites: [{SUITE}]"
LOGIN = (
    "accounts: {web: {users: {%s}}}\n"
    "server: {leafnodes: {%s, authorization: {account: web, user: edge, password: {env: PASSWORD}}}}"
)
LEAFNODE_LOGIN = "accounts: {web: {}}\nserver: {leafnodes: {listen: 7422, authorization: {account: web, %s}}}"
LEAF = "connection_types: [leafnode, leafnode_ws]"
TLS = "cert_file: a, key_file: b"
ROLE = "accounts: {web: {roles: {viewer: {ttl: 15m, %s}}}}"
ROLE_USER = "accounts: {web: {roles: {viewer: {ttl: 15m}}, users: {%s}}}"
USER = "accounts: {web: {users: {one: {%s}}}}"
TAGGED = "accounts: {web: {roles: {viewer: {ttl: 15m, %s}}, users: {one: %s}}}"
TIER = "accounts: {web: {jetstream: {tiers: {%s: {disk: 1GiB}}}}}"
EXPORTS = "accounts: {back: {exports: [%s]}}"
SHARING = "accounts: {back: {exports: [%s]}, web: {imports: [%s]}}"
OPERATOR = "version: 1\noperator: {name: acme, %s}"
ACCOUNT = "accounts: {web: {%s}}"
DEFAULTS = "accounts: {web: {default_permissions: {%s}}}"
MAPPING = "accounts: {web: {mappings: {'%s': '%s'}}}"
NAMED = "accounts: {%s: {}}"
SENTINEL = "accounts: {web: {users: {guest: {%s}}}}\nserver: {default_sentinel: '%s'}"
PROXY_KEY = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"
PROXIES = "server: {proxies: {trusted: [%s]}}"
EXTRA = "server: {extra: {%s}}"
CALLOUT = "accounts: {web: {external_authorization: {users: [decider]}, users: {decider: {}}}}\n"
LONG = "x" * 201
OFF = "checks: {off: {%s}}"
ROLE_WITHOUT_TTL = "accounts: {web: {roles: {viewer: {websocket: true}}}}"

BILLING = "AAKITHNHHVYXTUAGIEG2K5IIC63XHHECSYUTAG5XFEAWMPQBHF3PC3DB"
PARTNER = "ABHHA4VWQYSGCEWQ2DFPOBNEQ6BYBADQ6BCVTJ2NMYFP7MPQLMT4ZUNT"
OUTSIDE = "outside: {billing: {public_key: %s}}\n"

RULES: Mapping[str, Rule] = {
    "name-unusable": Rule(
        breaks=[
            NAMED % '""',
            NAMED % '" web"',
            NAMED % '"we\\u0007b"',
            NAMED % '"we\\u009bb"',
            NAMED % '"we\\u202eb"',
            NAMED % LONG,
            NAMED % ("é" * 34),
            "version: 1\noperator: {name: ' '}",
            "version: 1\noperator: {name: acme, signing_keys: ['']}",
            ROLE_USER % '"": {role: viewer}',
        ],
        keeps=[NAMED % LONG[:200], NAMED % ("é" * 33), NAMED % '"we b"', NAMED % '".."', NAMED % '"🙂‍↔️/%00"'],
    ),
    "name-collision": Rule(
        breaks=[
            "accounts: {web: {}, WEB: {}}",
            "version: 1\noperator: {name: acme, signing_keys: [a, A]}",
            "accounts: {web: {users: {u: {}, U: {}}}}",
            "accounts: {web: {roles: {r: {}, R: {}}}}",
        ],
        keeps=[
            "accounts: {web: {roles: {one: {}}, users: {ONE: {}}, signing_keys: [One]}, WEB2: {}}",
            "accounts: {web: {users: {u: {}}}, shop: {users: {U: {}}}}",
            "accounts: {é: {}, É: {}}",
        ],
    ),
    "was-still-here": Rule(
        breaks=[
            "accounts: {web: {was: shop}, shop: {}}",
            "accounts: {web: {was: shop}, app: {was: shop}}",
            "accounts: {web: {was: web}}",
            "accounts: {web: {users: {a: {was: b}, b: {}}}}",
            "version: 1\noperator: {name: acme, signing_keys: {a: {was: b}, b: {}}}",
        ],
        keeps=[
            "accounts: {web: {was: shop, users: {a: {was: shop}}}, app: {users: {shop: {}, b: {was: a}}}}"
        ],
    ),
    "duplicate-key-name": Rule(
        breaks=[
            "version: 1\noperator: {name: acme, signing_keys: [a, a]}",
            "accounts: {web: {signing_keys: [a, b, a]}}",
        ],
        keeps=["accounts: {web: {signing_keys: [a, b]}, app: {signing_keys: [a]}}"],
    ),
    "export-subject": Rule(
        breaks=[EXPORTS % "{stream: a..b}", EXPORTS % "{service: 'a b'}", EXPORTS % "{stream: '*x'}"],
        keeps=[EXPORTS % "{stream: a.*.b.>}, {service: a*b}"],
    ),
    "export-response": Rule(
        breaks=[EXPORTS % "{stream: a, response: stream}"],
        keeps=[EXPORTS % "{service: a, response: stream}, {stream: a}"],
    ),
    "export-overlap": Rule(
        breaks=[
            EXPORTS % "{stream: a.b}, {stream: a.>}",
            EXPORTS % "{stream: a}, {stream: a}",
            EXPORTS % "{service: a.*}, {service: a.b}",
        ],
        keeps=[
            EXPORTS % "{stream: a.>}, {service: a.b}, {stream: b.>}",
            EXPORTS % "{stream: a.*.c}, {stream: a.b.*}",
            "accounts: {one: {exports: [{stream: a.>}]}, two: {exports: [{stream: a.b}]}}",
        ],
    ),
    "outside-account": Rule(
        breaks=[
            OUTSIDE % "billing",
            OUTSIDE % "UBILLING",
            OUTSIDE % (BILLING[:-1] + "A"),
            OUTSIDE % BILLING + "accounts: {billing: {}}",
            f"outside: {{a: {{public_key: {BILLING}}}, b: {{public_key: {BILLING}}}}}",
        ],
        keeps=[
            OUTSIDE % BILLING + "accounts: {web: {imports: [{from: billing, stream: a}]}}",
            f"outside: {{a: {{public_key: {BILLING}}}, b: {{public_key: {PARTNER}}}}}",
        ],
    ),
    "import-token-needless": Rule(
        breaks=[
            SHARING % ("{stream: a}", "{from: back, stream: a, token: x}"),
            SHARING % ("{stream: a, private: [web]}", "{from: back, stream: a, token: {file: x.jwt}}"),
        ],
        keeps=[
            SHARING % ("{stream: a, private: [web]}", "{from: back, stream: a}"),
            OUTSIDE % BILLING + SHARING % ("", "{from: billing, stream: a, token: x}"),
        ],
    ),
    "export-revocation": Rule(
        breaks=[
            EXPORTS % f"{{stream: a, revocations: {{accounts: {{{PARTNER}: 2025-01-01}}}}}}",
            EXPORTS % "{stream: a, private: true, revocations: {accounts: {partner: 2025-01-01}}}",
            EXPORTS
            % f"{{stream: a, private: true, revocations: {{accounts: {{{PARTNER[:-1]}A: 2025-01-01}}}}}}",
            "accounts: {web: {}, back: {exports: [{stream: a, private: [web], revocations: {accounts: {web: "
            "2025-01-01}}}]}}",
        ],
        keeps=[
            EXPORTS % f"{{stream: a, private: true, revocations: {{accounts: {{{PARTNER}: 2025-01-01}}}}}}",
            EXPORTS % "{stream: a, private: true, revocations: {all_before: 2025-01-01}}",
            EXPORTS % "{stream: a, revocations: {}}",
            OUTSIDE % BILLING
            + EXPORTS % "{stream: a, private: [billing], revocations: {accounts: {billing: 2025-01-01}}}",
        ],
    ),
    "mapping-overlap": Rule(
        breaks=[
            ACCOUNT % "mappings: {a.*: b.$1, a.b: c}",
            ACCOUNT % "mappings: {a.b: c, a.>: d.>}",
            ACCOUNT % "mappings: {'a.*': 'b.$1', '*.b': 'c.$1'}",
        ],
        keeps=[
            ACCOUNT % "mappings: {a.*: b.$1, a.b.c: c, b.>: d.>}",
            ACCOUNT % "mappings: {a: [{to: b, weight: 50}, {to: c, weight: 50}]}",
            "accounts: {one: {mappings: {a.*: b.$1}}, two: {mappings: {a.b: c}}}",
        ],
    ),
    "sharing-template": Rule(
        breaks=[
            EXPORTS % "{service: 'jobs.{{account-subject()}}.add'}",
            EXPORTS % "{stream: 'user.{{name()}}.>'}",
            SHARING % ("{stream: 'a.*'}", "{from: back, stream: 'a.{{account-name()}}'}"),
            SHARING % ("{stream: 'a.*'}", "{from: back, stream: 'a.{{ account-subject() }}'}"),
        ],
        keeps=[
            SHARING
            % (
                "{service: 'a.*', account_token_position: 2}",
                "{from: back, service: 'a.{{account-subject()}}'}",
            ),
            EXPORTS % "{service: 'a.{x}'}",
        ],
    ),
    "subject-star-in-text": Rule(
        breaks=[
            USER % "subscribe: ['time*']",
            USER % "publish: ['time>']",
            USER % "respond: ['a.b*c queue']",
            EXPORTS % "{stream: 'time*.>'}",
            SHARING % ("{stream: t}", "{from: back, stream: t, local_subject: 'time*'}"),
            MAPPING % ("time*", "other"),
            ACCOUNT % "default_permissions: {publish: ['time*']}",
        ],
        keeps=[
            USER % "subscribe: ['time.*', 'time.>', '>', '*', 'a.*.b']",
            ROLE % "subscribe: ['u.{{name()}}.*']",
            USER % "subscribe: ['time.*x']",  # an error already
            USER % "subscribe: ['time/*']",  # `subject-slash` says it
        ],
    ),
    "subject-slash": Rule(
        breaks=[
            USER % "publish: [/time/]",
            USER % "subscribe: [a/b]",
            USER % "subscribe: ['a/*']",
            EXPORTS % "{service: api/users}",
            MAPPING % ("a/b", "other"),
            ROLE % "subscribe: ['user/{{name()}}']",
        ],
        keeps=[
            USER % "publish: [$KV.settings.a/b]",
            USER % "respond: ['api.users v1/workers']",
            ROLE % "subscribe: ['user.{{tag(a/b)}}']",
        ],
    ),
    "subject-braces": Rule(
        breaks=[
            ROLE % "subscribe: ['user.{name}.>']",
            ROLE % "subscribe: ['user.${name}.>']",
            ROLE % "publish: ['user.{{name()}}.{id}']",
            EXPORTS % "{service: 'user.{id}'}",
        ],
        keeps=[
            ROLE % "subscribe: ['user.{{name()}}.>', 'user.{{ subject() }}.>']",
            MAPPING % ("a.*", "b.{{wildcard(1)}}"),
            ROLE % "subscribe: ['a.{b', 'a.}b']",
            ROLE % "subscribe: ['user.{{name}}']",  # an error already
        ],
    ),
    "import-subject": Rule(
        breaks=[
            SHARING % ("{stream: a.>}", "{from: back, stream: a..b}"),
            SHARING % ("{stream: a.>}", "{from: back, stream: a.>, local_subject: b}"),
            SHARING % ("{stream: a.*}", "{from: back, stream: a.*, local_subject: b.$2}"),
        ],
        keeps=[
            SHARING % ("{stream: a.>}", "{from: back, stream: a.>, local_subject: b.>}"),
            SHARING % ("{stream: a.*.*}", "{from: back, stream: a.*.*, local_subject: b.$2.$1}"),
        ],
    ),
    "export-service-word": Rule(
        breaks=[
            EXPORTS % f"{{stream: a, {word}}}"
            for word in ("response_threshold: 5s", "latency: {sampling: 1, to: b}", "allow_trace: true")
        ],
        keeps=[
            EXPORTS % "{service: a, response_threshold: 5s, latency: {sampling: 1, to: b}, allow_trace: true}"
        ],
    ),
    "export-threshold-lost": Rule(
        breaks=[EXPORTS % "{service: a, response_threshold: 5s}"], keeps=[EXPORTS % "{service: a}"]
    ),
    "export-latency": Rule(
        breaks=[
            EXPORTS % "{service: a, latency: {sampling: 50, to: b.*}}",
            EXPORTS % "{service: a, latency: {sampling: 50, to: b..c}}",
            EXPORTS % "{service: a, latency: {sampling: 50, to: b.c}}, {service: b.*}",
            EXPORTS % "{service: a, response: stream, latency: {sampling: headers, to: b}}",
        ],
        keeps=[
            EXPORTS % "{service: a, latency: {sampling: 100, to: b}}, {stream: b}",
            EXPORTS
            % "{service: a, response: singleton, latency: {sampling: headers, to: b.c}}, {service: b}",
        ],
    ),
    "export-token-position": Rule(
        breaks=[
            EXPORTS % "{service: a.*, account_token_position: 3}",
            EXPORTS % "{service: a.*, account_token_position: 1}",
            EXPORTS % "{stream: a.>, account_token_position: 2}",
            EXPORTS % "{stream: a, account_token_position: 1}",
        ],
        keeps=[
            EXPORTS % "{service: a.*, account_token_position: 2}, {stream: '*.>', account_token_position: 1}"
        ],
    ),
    "export-info": Rule(
        breaks=[
            EXPORTS % f"{{stream: a, description: {'x' * 8193}}}",
            EXPORTS % f"{{stream: a, description: {'é' * 4097}}}",
            EXPORTS % "{stream: a, info_url: docs.example.com/a}",
            EXPORTS % "{stream: a, info_url: 'https:///a'}",
            EXPORTS % "{stream: a, info_url: 'https://[::1'}",
            EXPORTS % "{stream: a, info_url: 'https://a.example/%zz'}",
            EXPORTS % f"{{stream: a, info_url: 'https://a.example/{'x' * 8192}'}}",
        ],
        keeps=[
            EXPORTS % f"{{stream: a, description: {'x' * 8192}, info_url: 'https://a.example:1/a%20?b#c'}}"
        ],
    ),
    "import-other-kind": Rule(
        breaks=[
            SHARING % ("{stream: a}", "{from: back, stream: a, share: true}"),
            SHARING % ("{service: a}", "{from: back, service: a, allow_trace: true}"),
        ],
        keeps=[
            SHARING
            % (
                "{stream: a}, {service: a}",
                "{from: back, stream: a, allow_trace: true}, {from: back, service: a, share: true}",
            )
        ],
    ),
    "import-account-token": Rule(
        breaks=[
            SHARING % ("{service: a.*.b, account_token_position: 2}", f"{{from: back, service: '{subject}'}}")
            for subject in ("a.*.b", "a.x.b", "a.x{{account-subject()}}.b")
        ]
        + [
            SHARING % ("{service: a.*}", "{from: back, service: 'a.{{account-subject()}}'}"),
            SHARING
            % (
                "{service: a.*.*, account_token_position: 2}",
                "{from: back, service: 'a.{{account-subject()}}.{{account-subject()}}'}",
            ),
        ],
        keeps=[
            SHARING
            % (
                "{service: a.*.*, account_token_position: 2}, {stream: '*.>', account_token_position: 1}",
                "{from: back, service: 'a.{{account-subject()}}.*'}, {from: back, stream: '{{account-subject()}}.>'}",
            )
        ],
    ),
    "export-private-account": Rule(
        breaks=[EXPORTS % "{stream: a, private: [bakc]}", EXPORTS % "{stream: a, private: [back]}"],
        keeps=[
            EXPORTS % "{stream: a, private: [SYS]}, {stream: b, private: []}, {stream: c, private: true}",
            SHARING % ("{stream: a, private: [web]}", "{from: back, stream: a}"),
            OUTSIDE % BILLING + EXPORTS % "{stream: a, private: [billing]}",
        ],
    ),
    "export-private-position": Rule(
        breaks=[
            EXPORTS % "{stream: a.*, private: true, account_token_position: 2}",
            EXPORTS % "{stream: a.*, private: [SYS], account_token_position: 2}",
        ],
        keeps=[
            EXPORTS
            % "{stream: a.*, private: false, account_token_position: 2}, {service: a.*, private: true}"
        ],
    ),
    "import-private": Rule(
        breaks=[
            SHARING % ("{stream: a, private: [SYS]}", "{from: back, stream: a}"),
            SHARING % ("{stream: a, private: true}", "{from: back, stream: a}"),
            SHARING % ("{service: a.>, private: []}", "{from: back, service: a.b}"),
        ],
        keeps=[
            SHARING % ("{service: a.>, private: [SYS, web]}", "{from: back, service: a.b}"),
            SHARING % ("{service: a, private: true}, {stream: a, private: false}", "{from: back, stream: a}"),
        ],
    ),
    "import-unknown-account": Rule(
        breaks=[
            SHARING % ("{stream: a}", "{from: bakc, stream: a}"),
            SHARING % ("{stream: a}", "{from: web, stream: a}"),
            SHARING % ("{stream: a}", "{from: BACK, stream: a}"),
        ],
        keeps=[
            SHARING % ("{stream: a}", "{from: back, stream: a}"),
            SHARING % ("{stream: a}", "{from: SYS, stream: a}"),
            OUTSIDE % BILLING + SHARING % ("{stream: a}", "{from: billing, stream: a}"),
        ],
    ),
    "import-without-export": Rule(
        breaks=[
            SHARING % ("{stream: a.b}", "{from: back, stream: a.>}"),
            SHARING % ("{stream: a}", "{from: back, service: a}"),
            SHARING % ("", "{from: back, stream: a}"),
            SHARING % ("{stream: a.*}", "{from: back, stream: a.b.c}"),
            SHARING % ("{stream: a.b}, {stream: a.c}", "{from: back, stream: a.*}"),
        ],
        keeps=[
            SHARING
            % ("{stream: a.>}, {service: a.>}", "{from: back, stream: a.b}, {from: back, service: a.>}"),
            SHARING % ("{stream: a.*}", "{from: back, stream: a.b}"),
        ],
    ),
    "import-duplicate": Rule(
        breaks=[
            SHARING % ("{stream: a}", "{from: back, stream: a}, {from: back, stream: a}"),
            SHARING % ("{stream: a}", "{from: back, stream: a}, {from: back, stream: a, local_subject: b}"),
            SHARING
            % ("{service: a}", "{from: back, service: a}, {from: back, service: a, local_subject: a}"),
        ],
        keeps=[
            SHARING % ("{stream: a}, {service: a}", "{from: back, stream: a}, {from: back, service: a}"),
            SHARING
            % ("{service: a}", "{from: back, service: a}, {from: back, service: a, local_subject: b}"),
            "accounts: {a: {exports: [{stream: x}]}, b: {exports: [{stream: x}]},"
            " c: {imports: [{from: a, stream: x}, {from: b, stream: x}]}}",
        ],
    ),
    "import-overlap": Rule(
        breaks=[
            SHARING
            % (
                "{service: a.>}, {service: b}",
                "{from: back, service: a.x, local_subject: q.x}, {from: back, service: b, local_subject: q.x}",
            ),
            SHARING % ("{service: a.>}", "{from: back, service: a.*}, {from: back, service: a.b}"),
            SHARING
            % (
                "{service: a.>}",
                "{from: back, service: a.>}, {from: back, service: a.>, local_subject: a.b.>}",
            ),
        ],
        keeps=[
            SHARING % ("{service: a.>}", "{from: back, service: a.c}, {from: back, service: a.b}"),
            SHARING
            % ("{service: a}", "{from: back, service: a}, {from: back, service: a, local_subject: b}"),
            SHARING % ("{stream: a.>}", "{from: back, stream: a.*}, {from: back, stream: a.b}"),
        ],
    ),
    "import-cycle": Rule(
        breaks=[
            "accounts: {a: {exports: [{stream: x}], imports: [{from: b, stream: x}]},"
            " b: {exports: [{stream: x}], imports: [{from: a, stream: x}]}}",
            "accounts: {a: {exports: [{service: x.>}], imports: [{from: b, service: y.1, local_subject: x.1}]},"
            " b: {exports: [{service: y.>}], imports: [{from: a, service: x.1, local_subject: y.1}]}}",
        ],
        keeps=[
            "accounts: {a: {exports: [{stream: x}], imports: [{from: b, stream: y}]},"
            " b: {exports: [{stream: y}], imports: [{from: a, stream: x}]}}",
            "accounts: {a: {exports: [{stream: x}], imports: [{from: b, service: x}]},"
            " b: {exports: [{service: x}], imports: [{from: a, stream: x}]}}",
        ],
    ),
    "limit-exceeded": Rule(
        breaks=[
            "accounts: {a: {limits: {exports: 1}, exports: [{stream: x}, {stream: y}]}}",
            "accounts: {a: {limits: {exports: 1, wildcard_exports: false}, exports: [{stream: x.*}]}}",
            "accounts: {a: {exports: [{stream: x}]}, b: {limits: {imports: 0}, imports: [{from: a, stream: x}]}}",
            "defaults: {limits: {exports: 0}}\n" + EXPORTS % "{stream: a}",
        ],
        keeps=[
            "accounts: {a: {limits: {exports: 2}, exports: [{stream: x}, {stream: y}]}}",
            "accounts: {a: {limits: {exports: unlimited, wildcard_exports: false}, exports: [{stream: x.*}]}}",
            "accounts: {a: {limits: {exports: 1, wildcard_exports: false}, exports: [{stream: x}]}}",
        ],
    ),
    "permission-subject": Rule(
        breaks=[
            USER % "publish: [a..b]",
            USER % "publish: ['a queue']",
            USER % "subscribe: {deny: ['>.a']}",
            USER % "request: ['']",
            USER % "respond: [{subject: a, queue: 'b c'}]",
            ROLE % 'subscribe: ["user.{{name().x"]',
            ACCOUNT % "default_permissions: {publish: ['a queue']}",
            ACCOUNT % "default_permissions: {subscribe: {deny: ['a.>.b']}}",
            DEFAULTS % "publish: [a..b]",
            DEFAULTS % "subscribe: {deny: ['a b c']}",
        ],
        keeps=[
            USER % "publish: [a.>, '*', '>'], subscribe: ['a.> queue', $SYS.x]",
            ROLE % 'publish: ["a.{{name()}}"]',
            ACCOUNT % "default_permissions: {publish: [a.>], subscribe: ['a queue']}",
            DEFAULTS % "publish: [a.>], subscribe: ['a q']",
        ],
    ),
    "permission-template": Rule(
        breaks=[
            USER % 'publish: ["user.{{name()}}.>"]',
            ROLE % 'publish: ["user.{{nome()}}.>"]',
            ROLE % 'publish: {deny: ["{{Tag(x)}}"]}',
            ACCOUNT % 'default_permissions: {publish: ["a.{{name()}}"]}',
            DEFAULTS % 'subscribe: ["user.{{name()}}.>"]',
        ],
        keeps=[
            ROLE % 'publish: ["{{NAME()}}.{{ tag(x) }}"], subscribe: ["{{account-tag(x)}}"]',
            USER % "publish: [name]",
        ],
    ),
    "permission-queue-template": Rule(
        breaks=[
            ROLE % 'subscribe: ["a q", "user.{{name()}}.>"]',
            ROLE % "respond: [{subject: a, queue: q}], request: [b]",
        ],
        keeps=[
            ROLE % 'subscribe: ["a q"], publish: ["user.{{name()}}.>"]',
            ROLE % "respond: [{subject: a, queue: q}], request: [b], inbox: _INBOX.fixed",
            USER % "respond: [{subject: a, queue: q}], request: [b]",
        ],
    ),
    "permission-star": Rule(
        breaks=[
            USER % "subscribe: [a.*]",
            ROLE % "subscribe: ['*']",
            USER % "subscribe: ['a.* q']",
            ACCOUNT % "default_permissions: {subscribe: [a.*]}",
            DEFAULTS % "subscribe: [a.*]",
        ],
        keeps=[
            USER % "subscribe: [a.*.b, a.>, 'a*', a.x*], publish: [a.*]",
            USER % "subscribe: {allow: [a], deny: [a.*]}",
        ],
    ),
    "role-unknown": Rule(
        breaks=[
            ROLE_USER % "one: {role: viewr}",
            "accounts: {a: {roles: {x: {}}}, b: {users: {u: {role: x}}}}",
        ],
        keeps=[ROLE_USER % "one: {role: viewer}"],
    ),
    "role-user-own-words": Rule(
        breaks=[
            ROLE_USER % "one: {role: viewer, publish: [a]}",
            ROLE_USER % "one: {role: viewer, permissions: all}",
            ROLE_USER % "one: {role: viewer, limits: {payload: 1}}",
            ROLE_USER % "one: {role: viewer, bearer: true}",
            ROLE_USER % "one: {role: viewer, proxy_required: true}",
            ROLE_USER % "one: {role: viewer, sources: [10.0.0.0/8]}",
            ROLE_USER % "one: {role: viewer, connection_types: [standard]}",
        ],
        keeps=[ROLE_USER % "one: {role: viewer, tags: [a], expires: 2034-01-01}, two: {publish: [a]}"],
    ),
    "role-user-name": Rule(
        breaks=[
            ROLE_USER % "'*': {role: viewer}",
            ROLE_USER % "a.b: {role: viewer}",
            ROLE_USER % "'a b': {role: viewer}",
            ROLE_USER % "one: {role: viewer, tags: ['team:>']}",
            ROLE_USER % "_INBOX: {role: viewer}",
            ROLE_USER % "one: {role: viewer, tags: ['team:_INBOX']}",
        ],
        keeps=[
            ROLE_USER % "one-1_X: {role: viewer, tags: ['team:red', 'b c']}, a.b: {publish: [a]}",
            ROLE_USER % "_INBOX: {publish: [a]}, _INBOX_1: {role: viewer}, inbox: {role: viewer}",
        ],
    ),
    "role-without-ttl": Rule(
        breaks=["accounts: {web: {roles: {viewer: {websocket: true}}}}"],
        keeps=[
            "accounts: {web: {roles: {viewer: {websocket: true, ttl: 1h}}}}",
            "accounts: {web: {roles: {viewer: {}}}}",
        ],
    ),
    "role-user-tag-denied": Rule(
        breaks=[
            TAGGED % ("publish: {allow: [a.>], deny: ['a.{{tag(team)}}']}", "{role: viewer}"),
            TAGGED % ("subscribe: {deny: ['a.{{tag(team)}}']}", "{role: viewer, tags: [team, 'other:x']}"),
        ],
        keeps=[
            TAGGED % ("subscribe: {deny: ['a.{{tag(Team)}}']}", "{role: viewer, tags: ['TEAM:red']}"),
            TAGGED % ("subscribe: ['a.{{tag(team)}}']", "{role: viewer}"),
            ROLE % "subscribe: {deny: ['a.{{tag(team)}}']}",
        ],
    ),
    "role-user-tag-missing": Rule(
        breaks=[
            TAGGED % ("subscribe: ['a.{{tag(team)}}', b]", "{role: viewer}"),
            TAGGED % ("request: ['{{tag(a)}}.{{tag(b)}}']", "{role: viewer, tags: ['a:x']}"),
        ],
        keeps=[
            TAGGED % ("request: ['{{tag(a)}}.{{tag(b)}}']", "{role: viewer, tags: ['A:x', 'b:y']}"),
            ROLE % "subscribe: ['a.{{tag(team)}}']",
        ],
    ),
    "bearer-everywhere": Rule(
        breaks=[
            ROLE % "bearer: true",
            ROLE % "bearer: true, connection_types: [websocket, standard]",
            USER % "bearer: true, expires: 2034-01-01",
        ],
        keeps=[
            ROLE % "bearer: true, connection_types: [websocket, mqtt_ws]",
            ROLE % "bearer: true, connection_types: [mqtt]",
            ROLE % "websocket: true",
            ROLE % "websocket: true, bearer: true, connection_types: [websocket]",
            USER % "bearer: false",
        ],
    ),
    "bearer-without-expiry": Rule(
        breaks=[
            USER % "bearer: true, connection_types: [websocket]",
            TAGGED % ("websocket: true", "{role: viewer}"),
        ],
        keeps=[
            USER % "bearer: true, expires: 2034-01-01",
            USER % "bearer: false",
            ROLE % "bearer: true",
            SENTINEL % ("bearer: true", "web/guest"),
            TAGGED % ("websocket: true", "{role: viewer, expires: 2034-01-01}"),
            TAGGED % ("subscribe: [a]", "{role: viewer}"),
        ],
    ),
    "time-zone-missing": Rule(
        breaks=[
            ROLE % "times: [{start: '08:00', end: '18:00'}]",
            USER % "times: [{start: '22:00', end: '06:00'}]",
        ],
        keeps=[
            USER % "times: [{start: '08:00', end: '18:00:30'}], time_zone: Europe/Berlin",
            USER % "sources: [10.0.0.0/8]",
        ],
    ),
    "signing-key-unknown": Rule(
        breaks=[
            "accounts: {web: {signing_keys: [day, night], users: {one: {signing_key: nihgt}}}}",
            "accounts: {web: {users: {one: {signing_key: night}}}, app: {signing_keys: [night]}}",
            "accounts: {web: {roles: {night: {}}, users: {one: {signing_key: night}}}}",
        ],
        keeps=[
            "accounts: {web: {signing_keys: [day, night], users: {one: {signing_key: night}, two: {}}}}",
            "accounts: {web: {users: {one: {signing_key: main}}}}",
        ],
    ),
    "signing-key-needed": Rule(
        breaks=[
            "version: 1\noperator: {name: acme, signing_keys: []}",
            "accounts: {web: {signing_keys: [], users: {one: {}}}}",
            "accounts: {web: {signing_keys: [], exports: [{stream: a, private: [SYS]}]}}",
        ],
        keeps=[
            "version: 1\noperator: {name: acme, signing_keys: [], require_signing_keys: false}\n"
            "accounts: {web: {signing_keys: [], users: {one: {}}}}",
            "accounts: {web: {signing_keys: [], roles: {r: {}}, users: {one: {role: r}}}}",
            "accounts: {web: {users: {one: {}}}}",
            "accounts: {web: {exports: [{stream: a, private: [SYS]}]}}",
            "accounts: {web: {signing_keys: [], exports: [{stream: a, private: true}]}}",
        ],
    ),
    "system-account-jetstream": Rule(
        breaks=[
            "accounts: {SYS: {jetstream: {disk: unlimited}}}",
            "version: 1\noperator: {name: acme, system_account: web}\naccounts: {web: {jetstream: {memory: 1}}}",
        ],
        keeps=[
            "accounts: {SYS: {jetstream: {streams: 5}}, web: {jetstream: {disk: 1GB}}}",
            "defaults: {jetstream: {disk: 1GB}}\naccounts: {SYS: {}}",
        ],
    ),
    "operator-url": Rule(
        breaks=[
            OPERATOR % "service_urls: ['http://h']",
            OPERATOR % "service_urls: ['nats://u:p@h:4222']",
            OPERATOR % "service_urls: ['nats://h/']",
            OPERATOR % "service_urls: ['nats://']",
            OPERATOR % "service_urls: ['nats://h:port']",
            OPERATOR % "service_urls: ['nats://a b']",
            OPERATOR % "account_server_url: example",
            OPERATOR % "account_server_url: 'localhost:4222'",
            OPERATOR % "account_server_url: 'https://%zz'",
            OPERATOR % "account_server_url: 'https://a b.example'",
            OPERATOR % "service_urls: ['nats://a b']",
        ],
        keeps=[
            OPERATOR % "service_urls: ['nats://h', 'wss://h:443'], account_server_url: 'https://h/jwt/v1'"
        ],
    ),
    "operator-version": Rule(
        breaks=[
            OPERATOR % f"assert_server_version: '{v}'"
            for v in ("2.12", "2.12.0.1", "v2.12.0", "2.-1.0", "2.012.0")
        ],
        keeps=[OPERATOR % "assert_server_version: 2.12.0"],
    ),
    "operator-version-newer": Rule(
        breaks=[OPERATOR % f"assert_server_version: {v}" for v in ("2.16.0", "3.0.0", "2.100.0")],
        keeps=[OPERATOR % f"assert_server_version: {v}" for v in ("2.15.9", "2.9.0", "1.99.0")],
    ),
    "account-text": Rule(
        breaks=[
            ACCOUNT % f"description: {'x' * 8193}",
            ACCOUNT % "info_url: example.com",
            ACCOUNT % "info_url: 'https://'",
            ACCOUNT % "info_url: 'https://a.example/%zz'",
            ACCOUNT % "info_url: 'https://a.example:port/'",
            ACCOUNT % "info_url: 'https://a b.example'",
            ACCOUNT % f"info_url: 'https://a.example/{'x' * 8192}'",
        ],
        keeps=[ACCOUNT % f"description: {'x' * 8192}, info_url: 'https://example.com'"],
    ),
    "validity-order": Rule(
        breaks=[
            ACCOUNT % "not_before: 2030-01-01, expires: 2030-01-01",
            OPERATOR % "not_before: 2031-01-01, expires: 2030-01-01",
        ],
        keeps=[ACCOUNT % "not_before: 2030-01-01, expires: 2030-01-02", ACCOUNT % "expires: 2030-01-01"],
    ),
    "jetstream-tiers": Rule(
        breaks=[
            ACCOUNT % "jetstream: {disk: 1GB, tiers: {R1: {disk: 1GB}}}",
            ACCOUNT % "jetstream: {tiers: {'': {disk: 1GB}}}",
            ACCOUNT % "jetstream: {tiers: {r1: {disk: 1GB}}}",
            ACCOUNT % "jetstream: {tiers: {R6: {disk: 1GB}}}",
        ],
        keeps=[ACCOUNT % "jetstream: {tiers: {R1: {disk: 1GB}, R5: {memory: unlimited}}}"],
    ),
    "account-mapping": Rule(
        breaks=[
            MAPPING % ("a.>", "b"),
            MAPPING % ("a", "b.>"),
            MAPPING % ("a.*", "b.*"),
            MAPPING % ("a.*", "b.$2"),
            MAPPING % ("a.*", "b.$0"),
            MAPPING % ("a", "b.$1"),
            MAPPING % ("a..b", "c"),
            MAPPING % ("a", "b..c"),
            MAPPING % ("a.*", "b.{{wildcard(2)}}"),
            MAPPING % ("a.*", "b.{{wildcard(1,1)}}"),
            MAPPING % ("a.*", "b.{{partition(0,1)}}"),
            MAPPING % ("a.*", "b.{{partition(3,2)}}"),
            MAPPING % ("a.*", "b.{{partition(3, 1)}}"),
            MAPPING % ("a.*", "b.{{nope(1)}}"),
            MAPPING % ("a.*", "b.{{left(1)}}"),
            MAPPING % ("a.*", "b.{{split(1,)}}"),
            MAPPING % ("a.*", "b.{{random(0)}}"),
            MAPPING % ("a.*", "b.{{wildcard(1)}"),
            ACCOUNT % "mappings: {a: []}",
            ACCOUNT % "mappings: {a: [{to: b, weight: 60}, {to: c, weight: 50}]}",
            ACCOUNT % "mappings: {a: [{to: b, weight: 60}, {to: b, weight: 20}]}",
            ACCOUNT % "mappings: {a: [{to: b, weight: 60}, {to: b, weight: 40, cluster: eu}]}",
            ACCOUNT % "mappings: {a: [{to: b, cluster: eu, weight: 60}, {to: c, cluster: eu}]}",
        ],
        keeps=[
            MAPPING % ("a.>", "b.>"),
            MAPPING % ("a.*.*", "b.$2.$1"),
            MAPPING % ("a.*", "b.{{Wildcard(1)}}.{{partition(3,1)}}.{{random(5)}}"),
            MAPPING % ("a", "b.{{partition(3)}}"),
            MAPPING % ("a.*", "b.{{split(1,-)}}.{{SplitFromLeft(1,2)}}.$JS"),
            ACCOUNT
            % "mappings: {a: [{to: b, weight: 60}, {to: c, weight: 40}, {to: d, weight: 90, cluster: eu}]}",
        ],
    ),
    "account-trace": Rule(
        breaks=[ACCOUNT % "trace: {to: a.*}", ACCOUNT % "trace: {to: ''}", ACCOUNT % "trace: {to: a..b}"],
        keeps=[ACCOUNT % "trace: {to: a.b, sampling: 1}"],
    ),
    "external-authorization": Rule(
        breaks=[
            ACCOUNT % "external_authorization: {users: []}",
            ACCOUNT % "external_authorization: {users: [nobody]}",
            ACCOUNT % "external_authorization: {users: [one], accounts: [nowhere]}, users: {one: {}}",
        ],
        keeps=[
            ACCOUNT % "external_authorization: {users: [one], accounts: [web]}, users: {one: {}}",
            ACCOUNT % "external_authorization: {users: [one], accounts: any}, users: {one: {}}",
            OUTSIDE % BILLING
            + ACCOUNT % "external_authorization: {users: [one], accounts: [billing]}, users: {one: {}}",
        ],
    ),
    "revocation-key": Rule(
        breaks=[ACCOUNT % f"revocations: {{users: {{{'U' + 'A' * 55}: 2030-01-01}}}}"],
        keeps=[ACCOUNT % "revocations: {users: {alice: 2030-01-01, U2: 2030-01-01}, all_before: 2029-01-01}"],
    ),
    "bearer-disallowed": Rule(
        breaks=[
            "accounts: {web: {disallow_bearer: true, roles: {viewer: {websocket: true, ttl: 15m}}}}",
            "accounts: {web: {disallow_bearer: true, users: {one: {bearer: true}}}}",
        ],
        keeps=[
            "accounts: {web: {disallow_bearer: true, roles: {viewer: {ttl: 15m}}, users: {one: {bearer: false}}}}"
        ],
    ),
    "jetstream-off": Rule(
        breaks=[
            "accounts: {a: {jetstream: {disk: 1GB}}}\nserver: {listen: 4222}",
            "accounts: {a: {jetstream: {tiers: {R1: {disk: 1GB}}}}}\nserver: {listen: 4222}",
        ],
        keeps=[
            "accounts: {a: {jetstream: {disk: 1GB}}}\nserver: {jetstream: true}",
            "accounts: {a: {jetstream: {disk: 1GB}}}",
            "accounts: {a: {}}\nserver: {listen: 4222}",
        ],
    ),
    "same-address": Rule(
        breaks=[
            "server: {listen: 8080, websocket: {listen: 8080, no_tls: true}}",
            "server: {websocket: {listen: 4222, no_tls: true}}",
            "server: {listen: '127.0.0.1:8080', websocket: {listen: 8080, no_tls: true}}",
            "server: {websocket: {no_tls: true}, monitor: {listen: 0.0.0.0:8080}}",
            "server: {leafnodes: {listen: 4222}}",
            "server: {cluster: {name: eu, listen: 7222}, gateway: {}}",
            "server: {jetstream: true, mqtt: {listen: '[::]:4222'}}",
        ],
        keeps=[
            "server: {listen: 8080, websocket: {listen: 8081, no_tls: true}}",
            "server: {listen: '127.0.0.1:8080', websocket: {listen: '127.0.0.2:8080', no_tls: true}}",
            "server: {listen: 127.0.0.1, websocket: {listen: 127.0.0.1, no_tls: true}}",
            "server: {jetstream: true, mqtt: {}, leafnodes: {listen: 7422}, cluster: {name: eu}, gateway: {}, "
            "monitor: {}, websocket: {no_tls: true}}",
            "server: {leafnodes: {listen: 0.0.0.0:0}, cluster: {name: eu, listen: 0.0.0.0:0}}",
        ],
    ),
    "advertise": Rule(
        breaks=[
            CLUSTER % "advertise: 'n1:x'",
            CLUSTER % "advertise: '::1'",
            CLUSTER % "advertise: ''",
            "server: {gateway: {name: eu, advertise: 'n1:70000'}}",
            "server: {leafnodes: {advertise: 'a b:1'}}",
            SERVER % "advertise: 'n1:x'",
            LISTENER % "advertise: '::1'",
        ],
        keeps=[
            CLUSTER % "advertise: 'n1:6222'",
            SERVER % "advertise: 'nats.example.com:4222'",
            LISTENER % "advertise: 'ws.example.com:443'",
            CLUSTER % "advertise: n1",
            CLUSTER % "advertise: 'n1:0'",
            CLUSTER % "advertise: '[::1]:6222'",
            "server: {leafnodes: {advertise: 'leaf.example.com:7422'}, gateway: {name: eu, advertise: '[::1]'}}",
        ],
    ),
    "mqtt-jetstream": Rule(
        breaks=[SERVER % "mqtt: {}"],
        keeps=[
            SERVER % "jetstream: true, mqtt: {}",
            SERVER % "name: n1, cluster: {name: eu}, mqtt: {}",
            SERVER % "leafnodes: {listen: 7422}, mqtt: {}",
        ],
    ),
    "mqtt-replicas": Rule(
        breaks=[SERVER % "jetstream: true, mqtt: {stream_replicas: 3}"],
        keeps=[
            SERVER % "jetstream: true, mqtt: {stream_replicas: 1}",
            SERVER % "name: n1, jetstream: true, cluster: {name: eu}, mqtt: {stream_replicas: 3}",
        ],
    ),
    "mqtt-plain": Rule(
        breaks=[SERVER % "jetstream: true, mqtt: {}", SERVER % "jetstream: true, mqtt: {listen: 'n1:1883'}"],
        keeps=[
            SERVER % "jetstream: true, mqtt: {tls: {cert_file: a, key_file: b}}",
            SERVER % "jetstream: true, mqtt: {listen: '127.0.0.1:1883'}",
            SERVER % "jetstream: true, mqtt: {listen: localhost}",
        ],
    ),
    "mqtt-bearer": Rule(
        breaks=[
            USER % "connection_types: [mqtt]",
            "accounts: {web: {roles: {viewer: {ttl: 15m, connection_types: [mqtt, mqtt_ws]}}}}",
        ],
        keeps=[
            USER % "connection_types: [mqtt], bearer: true, expires: 2030-01-01",
            USER % "connection_types: [mqtt, standard]",
            USER % "",
        ],
    ),
    "mqtt-account": Rule(
        breaks=[
            USER % "connection_types: [mqtt], bearer: true, expires: 2030-01-01"
            + "\nserver: {jetstream: true, mqtt: {listen: localhost}}"
        ],
        keeps=[
            USER % "connection_types: [mqtt], bearer: true, expires: 2030-01-01"
            + "\nserver: {jetstream: true}",
            USER % "connection_types: [mqtt, standard], bearer: true, expires: 2030-01-01"
            + "\nserver: {jetstream: true, mqtt: {listen: localhost}}",
            "accounts: {web: {jetstream: {disk: 1MiB}, users: {one: {connection_types: [mqtt], bearer: true, "
            "expires: 2030-01-01}}}}\nserver: {jetstream: true, mqtt: {listen: localhost}}",
        ],
    ),
    "peer-url": Rule(
        breaks=[
            *(
                CLUSTER % f"routes: [{url}]"
                for url in (
                    "'n2:6222'",
                    "'nats://n2'",
                    "'nats://n2:0'",
                    "'nats://n2:70000'",
                    "'nats://:6222'",
                    "'http://n2:6222'",
                    "'nats://n2:6222/a'",
                    "'nats://n2:6222?a=b'",
                    "'nats://n 2:6222'",
                    "'nats://n2:6222', 'nats://n2:6222'",
                )
            ),
            GATEWAYS % "{name: us, urls: []}",
            GATEWAYS % "{name: us, urls: ['ws://us:7222']}",
            REMOTE % "urls: []",
            REMOTE % "urls: ['ftp://hub']",
        ],
        keeps=[
            CLUSTER % "routes: ['nats://n2:6222', 'tls://n3:6222', 'nats-route://[::1]:6222', {env: ROUTE}]",
            GATEWAYS % "{name: us, urls: ['nats://us:7222']}",
            REMOTE % "urls: ['tls://connect.ngs.global', 'nats-leaf://hub:7422']",
            REMOTE % "urls: ['wss://hub.example.com:443/path']",
            REMOTE % "urls: [{env: HUB}]",
        ],
    ),
    "peer-url-secret": Rule(
        breaks=[
            CLUSTER % "routes: ['nats://u:p@n2:6222']",
            GATEWAYS % "{name: us, urls: ['nats://u@us:7222']}",
            REMOTE % "urls: ['nats://token@hub']",
        ],
        keeps=[CLUSTER % "routes: ['nats://n2:6222', {env: ROUTE}]", REMOTE % "urls: ['nats://hub']"],
    ),
    "peer-tls": Rule(
        breaks=[
            CLUSTER % "routes: ['nats://n2:6222', 'tls://n3:6222']",
            GATEWAYS % "{name: us, urls: ['tls://us:7222']}",
        ],
        keeps=[
            CLUSTER % f"routes: ['tls://n2:6222'], tls: {{{TLS}, ca_file: c}}",
            CLUSTER % "routes: ['nats://n2:6222', {env: ROUTE}]",
            GATEWAYS % f"{{name: us, urls: ['tls://us:7222'], tls: {{{TLS}, ca_file: c}}}}",
            f"server: {{gateway: {{name: eu, tls: {{{TLS}, ca_file: c}}, gateways: [{{name: us, urls: ['tls://u:1']}}]}}}}",
            REMOTE % "urls: ['tls://hub']",
        ],
    ),
    "peer-websocket-port": Rule(
        breaks=[REMOTE % "urls: ['wss://hub']", REMOTE % "urls: ['ws://hub/path']"],
        keeps=[REMOTE % "urls: ['wss://hub:443']", REMOTE % "urls: ['tls://hub']"],
    ),
    "leafnode-account": Rule(
        breaks=[
            "accounts: {web: {}}\nserver: {leafnodes: {remotes: [{urls: ['nats://hub'], account: wbe}]}}",
            "server: {leafnodes: {listen: 7422, authorization: {account: web, user: a, password: {env: P}}}}",
        ],
        keeps=[REMOTE % "urls: ['nats://hub']"],
    ),
    "leafnode-user": Rule(
        breaks=[
            REMOTE % "urls: ['nats://hub'], creds: web/egde",
            REMOTE % "urls: ['nats://hub'], creds: edge",
            REMOTE % "urls: ['nats://hub'], creds: web/viewer",
            REMOTE % "urls: ['wss://hub:443'], creds: web/edge",
        ],
        keeps=[
            REMOTE % "urls: ['nats://hub'], creds: web/edge",
            REMOTE % "urls: ['nats://hub'], creds: {file: ngs.creds}",
            "accounts: {a/b: {users: {c/d: {}}}}\n"
            "server: {leafnodes: {remotes: [{urls: ['nats://hub'], account: a/b, creds: a/b/c/d}]}}",
        ],
    ),
    "leafnode-login": Rule(
        breaks=[
            REMOTE % "urls: ['nats://hub'], creds: web/edge, nkey: {env: SEED}",
            REMOTE % "urls: ['nats://hub'], creds: {file: a}, nkey: {env: SEED}",
        ],
        keeps=[REMOTE % "urls: ['nats://hub'], nkey: {env: SEED}"],
    ),
    "leafnode-authorization": Rule(
        breaks=[
            LEAFNODE_LOGIN % login
            for login in (
                f"nkey: {BILLING}",
                f"nkey: {PROXY_KEY[:-1]}A",
                "nkey: edge",
                "timeout: 3s",
                "user: edge",
                "password: {env: P}",
                f"user: edge, nkey: {PROXY_KEY}",
                f"user: edge, password: {{env: P}}, nkey: {PROXY_KEY}",
            )
        ],
        keeps=[
            LEAFNODE_LOGIN % f"nkey: {PROXY_KEY}",
            LEAFNODE_LOGIN % "user: edge, password: {env: P}",
        ],
    ),
    "leafnode-login-unused": Rule(
        breaks=[LOGIN % ("", "remotes: []"), LOGIN % ("", "remotes: [{urls: ['nats://hub'], account: web}]")],
        keeps=[LOGIN % ("", "listen: 7422")],
    ),
    "leafnode-login-alone": Rule(
        breaks=[
            LOGIN % (f"far: {{{LEAF}}}", "listen: 7422"),
            LOGIN % (f"far: {{{LEAF}}}", "listen: 7422, remotes: [{urls: ['nats://hub'], account: web}]"),
        ],
        keeps=[
            LOGIN % ("far: {connection_types: [leafnode, standard]}, any: {}", "listen: 7422"),
            LOGIN % (f"far: {{{LEAF}}}", "remotes: []"),
            LOGIN
            % (
                f"far: {{{LEAF}}}",
                "listen: 7422, remotes: [{urls: ['nats://hub'], account: web, creds: web/far}]",
            ),
            "accounts: {web: {users: {far: {connection_types: [leafnode]}}}}\nserver: {leafnodes: {listen: 7422}}",
            "accounts: {web: {roles: {leaf: {ttl: 1h, connection_types: [leafnode]}}, users: {far: {role: leaf}}}}\n"
            "server: {leafnodes: {listen: 7422, authorization: {account: web, user: a, password: {env: P}}, "
            "remotes: [{urls: ['nats://hub'], account: web, creds: web/far}]}}",
        ],
    ),
    "leafnode-limit": Rule(
        breaks=[
            "accounts: {web: {limits: {leaf_nodes: 0}}}\n"
            "server: {leafnodes: {remotes: [{urls: ['nats://hub'], account: web}]}}",
            "accounts: {web: {limits: {leaf_nodes: 0}, users: {edge: {}}}, lab: {}}\n"
            "server: {leafnodes: {remotes: [{urls: ['nats://hub'], account: lab, creds: web/edge}]}}",
            "accounts: {web: {limits: {leaf_nodes: 0}, users: {edge: {connection_types: [leafnode]}}}}",
            "accounts: {web: {limits: {leaf_nodes: 0}}}\n"
            "server: {leafnodes: {listen: 7422, authorization: {account: web, user: a, password: {env: P}}}}",
        ],
        keeps=[
            "accounts: {web: {limits: {leaf_nodes: 1}, users: {edge: {connection_types: [leafnode]}}}}\n"
            "server: {leafnodes: {remotes: [{urls: ['nats://hub'], account: web, creds: web/edge}]}}",
            "accounts: {web: {limits: {leaf_nodes: 0}, users: {edge: {connection_types: [leafnode, standard]}}}}",
        ],
    ),
    "leafnode-mixed-urls": Rule(
        breaks=[REMOTE % "urls: ['wss://hub:443', 'tls://hub']"],
        keeps=[
            REMOTE % "urls: ['wss://hub:443', 'ws://hub:80']",
            REMOTE % "urls: ['ws://hub:80', {env: HUB}]",
        ],
    ),
    "leafnode-duplicate": Rule(
        breaks=[REMOTE % "urls: ['nats://hub']}, {account: web, urls: ['nats://hub'], hub: true"],
        keeps=[REMOTE % "urls: ['nats://hub']}, {account: web, urls: ['nats://hub'], creds: web/edge"],
    ),
    "leafnode-subject": Rule(
        breaks=[
            REMOTE % "urls: ['nats://hub'], deny_imports: [a..b]",
            REMOTE % "urls: ['nats://hub'], deny_exports: [a, '>.b']",
        ],
        keeps=[REMOTE % "urls: ['nats://hub'], deny_imports: [a.>], deny_exports: ['*.b']"],
    ),
    "leafnode-tls": Rule(
        breaks=[
            REMOTE % "urls: ['nats://hub'], tls: {cert_file: a}",
            REMOTE % "urls: ['nats://hub'], tls: {ca_file: c, key_file: b}",
        ],
        keeps=[
            REMOTE % "urls: ['nats://hub'], tls: {cert_file: a, key_file: b}",
            REMOTE % "urls: ['nats://hub'], tls: {ca_file: c}",
        ],
    ),
    "leafnode-proxy": Rule(
        breaks=[
            REMOTE % "urls: ['ws://hub:80'], proxy: {url: 'ftp://proxy:80'}",
            REMOTE % "urls: ['ws://hub:80'], proxy: {url: 'http://proxy'}",
            REMOTE % "urls: ['ws://hub:80'], proxy: {url: 'http://proxy:x'}",
            REMOTE % "urls: ['ws://hub:80'], proxy: {url: 'http://u:p@proxy:3128'}",
            REMOTE % "urls: ['ws://hub:80'], proxy: {url: 'http://proxy:3128', username: u}",
            REMOTE % "urls: ['nats://hub'], proxy: {url: 'http://proxy:3128'}",
            REMOTE % "urls: ['wss://hub:443'], proxy: {url: 'http://proxy:3128'}",
        ],
        keeps=[
            REMOTE % "urls: ['ws://hub:80'], proxy: {url: 'http://proxy:3128'}",
            REMOTE
            % "urls: ['wss://hub:443'], tls: {}, proxy: {url: 'https://proxy:1', username: u, password: {env: P}}",
        ],
    ),
    "leafnode-websocket-word": Rule(
        breaks=[
            REMOTE % "urls: ['nats://hub'], ws_compression: true",
            REMOTE % "urls: ['nats://hub'], ws_no_masking: true",
        ],
        keeps=[
            REMOTE % "urls: ['ws://hub:80'], ws_compression: true, ws_no_masking: true",
            REMOTE % "urls: [{env: HUB}], ws_no_masking: true",
        ],
    ),
    "leafnode-word-alone": Rule(
        breaks=[
            SERVER % "leafnodes: {no_advertise: true}",
            SERVER % "leafnodes: {min_version: 2.10.0}",
            SERVER % f"leafnodes: {{tls: {{{TLS}}}}}",
            SERVER % "leafnodes: {compression: fast}",
            SERVER % "leafnodes: {listen: 7422, reconnect: 5s}",
            SERVER % "leafnodes: {listen: 7422, dial_timeout: 5s}",
            REMOTE % "urls: ['nats://hub'], jetstream_cluster_migrate: true",
        ],
        keeps=[
            SERVER % f"leafnodes: {{listen: 7422, no_advertise: true, min_version: 2.10.0, tls: {{{TLS}}}}}",
            REMOTE.replace("remotes:", "reconnect: 5s, dial_timeout: 5s, remotes:") % "urls: ['nats://hub']",
            REMOTE.replace(
                "remotes:", f"tls: {{{TLS}, ca_file: c, verify: true, pinned_certs: [{'ab' * 32}]}}, remotes:"
            )
            % "urls: ['nats://hub']",
            SERVER % "leafnodes: {write_deadline: 5s, isolate: true}",
            "accounts: {web: {}}\nserver: {name: n1, jetstream: true, cluster: {name: eu, routes: ['nats://n2:1']}, "
            "leafnodes: {remotes: [{urls: ['nats://h'], account: web, jetstream_cluster_migrate: true}]}}",
        ],
    ),
    "leafnode-version": Rule(
        breaks=["server: {leafnodes: {min_version: 2.7.9}}", "server: {leafnodes: {min_version: '2.10'}}"],
        keeps=["server: {leafnodes: {min_version: 2.8.0}}", "server: {leafnodes: {min_version: v2.10.1}}"],
    ),
    "cluster-server-name": Rule(
        breaks=[
            SERVER % "jetstream: true, cluster: {name: eu}",
            SERVER % "cluster: {name: eu}, mqtt: {}",
            SERVER % "jetstream: true, gateway: {name: eu}, mqtt: {}",
        ],
        keeps=[
            SERVER % "name: n1, jetstream: true, cluster: {name: eu}, mqtt: {}",
            SERVER % "cluster: {name: eu}",
            SERVER % "jetstream: true, gateway: {name: eu}",
        ],
    ),
    "cluster-jetstream": Rule(
        breaks=[
            SERVER % "name: n1, jetstream: true, cluster: {name: eu}",
            SERVER % "name: n1, jetstream: true, gateway: {name: eu}",
        ],
        keeps=[
            SERVER % "name: n1, jetstream: true, cluster: {name: eu, routes: ['nats://n1:6222']}",
            SERVER % "name: n1, cluster: {name: eu}",
            SERVER % "name: n1, jetstream: true, cluster: {name: eu}, "
            "leafnodes: {remotes: [{account: SYS, urls: ['nats://hub']}]}",
        ],
    ),
    "cluster-name": Rule(
        breaks=[
            SERVER % "cluster: {name: e u}",
            SERVER % "cluster: {name: ''}",
            SERVER % 'gateway: {name: "e\\tu"}',
            GATEWAYS % "{name: u s, urls: ['nats://us:7222']}",
        ],
        keeps=[SERVER % "cluster: {name: e-u}", GATEWAYS % "{name: us, urls: ['nats://us:7222']}"],
    ),
    "cluster-permission-subject": Rule(
        breaks=[
            CLUSTER % "permissions: {import: {allow: [a..b]}}",
            CLUSTER % "permissions: {export: {deny: ['>.a', b]}}",
            CLUSTER % "permissions: {export: {deny: ['a queue']}}",
        ],
        keeps=[CLUSTER % "permissions: {import: {deny: [a.>]}, export: {deny: ['*.b']}}"],
    ),
    "cluster-permission-system": Rule(
        breaks=[
            CLUSTER % "permissions: {import: {allow: [orders.>]}}",
            CLUSTER % "permissions: {export: {allow: [$SYS.>, _INBOX.>]}}",
            CLUSTER % "permissions: {import: {deny: [$SYS.REQ.>]}}",
            CLUSTER % "permissions: {export: {allow: ['>'], deny: ['*.local']}}",
            "server: {name: n1, jetstream: true, cluster: {name: eu, routes: ['nats://n2:1'], "
            "permissions: {import: {allow: [$SYS.>, _INBOX.>, _R_.>]}}}}",
        ],
        keeps=[
            CLUSTER % "permissions: {import: {allow: [orders.>, $SYS.>, _INBOX.>, _R_.>]}}",
            CLUSTER % "permissions: {import: {deny: [orders.local]}, export: {allow: ['>']}}",
            CLUSTER % "permissions: {}",
        ],
    ),
    "gateway-name": Rule(
        breaks=[SERVER % "gateway: {}", SERVER % "cluster: {name: eu}, gateway: {name: us}"],
        keeps=[
            SERVER % "cluster: {name: eu}, gateway: {}",
            SERVER % "cluster: {name: eu}, gateway: {name: eu}",
            SERVER % "gateway: {name: eu}",
        ],
    ),
    "cluster-account": Rule(
        breaks=[CLUSTER % "accounts: [web]", CLUSTER % "accounts: [SYS, SYS]"],
        keeps=["accounts: {web: {}}\n" + CLUSTER % "accounts: [web, SYS]"],
    ),
    "cluster-ping-interval": Rule(
        breaks=[CLUSTER % "ping_interval: 31s"], keeps=[CLUSTER % "ping_interval: 30s"]
    ),
    "cluster-route-login": Rule(
        breaks=[CLUSTER % "authorization: {user: u, password: {env: P}}, routes: ['nats://n2:6222']"],
        keeps=[
            CLUSTER % "authorization: {user: u, password: {env: P}}, routes: [{env: ROUTE}]",
            CLUSTER % "routes: ['nats://n2:6222']",
        ],
    ),
    "gateway-duplicate": Rule(
        breaks=[GATEWAYS % "{name: us, urls: ['nats://a:7222']}, {name: us, urls: ['nats://b:7222']}"],
        keeps=[GATEWAYS % "{name: us, urls: ['nats://a:7222']}, {name: eu, urls: ['nats://a:7222']}"],
    ),
    "gateway-unreachable": Rule(
        breaks=[
            SERVER % "gateway: {name: eu, reject_unknown: true}",
            SERVER
            % "gateway: {name: eu, reject_unknown: true, gateways: [{name: eu, urls: ['nats://a:7222']}]}",
        ],
        keeps=[
            SERVER
            % "gateway: {name: eu, reject_unknown: true, gateways: [{name: us, urls: ['nats://a:7222']}]}"
        ],
    ),
    "server-name": Rule(
        breaks=["server: {name: ''}", "server: {name: 'a b'}", 'server: {name: "a\\tb"}'],
        keeps=["server: {name: a_b-1.example}", "server: {}"],
    ),
    "jetstream-unique-tag": Rule(
        breaks=[
            SERVER % "jetstream: {unique_tag: 'az:'}",
            SERVER % "jetstream: {unique_tag: 'az:'}, tags: ['zone:1']",
            SERVER % "jetstream: {unique_tag: ''}, tags: ['az:1']",
        ],
        keeps=[SERVER % "jetstream: {unique_tag: ' AZ:'}, tags: [ssd, 'az:1']", SERVER % "jetstream: true"],
    ),
    "resolver-delete": Rule(
        breaks=["server: {resolver: {hard_delete: true}}"],
        keeps=["server: {resolver: {hard_delete: true, allow_delete: true}}", "server: {resolver: {}}"],
    ),
    "websocket-origins": Rule(
        breaks=[WEBSOCKET % ("", "name: x")],
        keeps=[
            WEBSOCKET % ("https://a.example", "name: x"),
            "server: {websocket: {no_tls: true, same_origin: true, cookie: {name: x}}}",
            "server: {websocket: {no_tls: true}}",
        ],
    ),
    "websocket-origin": Rule(
        breaks=[
            WEBSOCKET % (f'"{origin}"', "name: x")
            for origin in (
                "",
                "*",
                "app.example.com",
                "//app.example.com",
                "ftp://app.example.com",
                "https://*.example.com",
                "https://app.example.com/admin",
                "https://app.example.com:0",
                "https://app.example.com:99999",
                "https://user@app.example.com",
                "https://[::1",
                "https://bücher.example",
                "https://a b",
            )
        ],
        keeps=[
            WEBSOCKET
            % (
                "https://a.example, http://localhost:3000, 'https://[::1]:8443', https://a.example/",
                "name: x",
            )
        ],
    ),
    "websocket-cookie": Rule(
        breaks=[
            WEBSOCKET % ("https://a.example", cookie)
            for cookie in (
                "name: ''",
                "name: 'a b'",
                "name: 'a;b'",
                "name: a=b",
                "name: __Host-x, domain: example.com",
                "name: __HOST-x, domain: example.com",
                "name: x, domain: ''",
                "name: x, domain: 'https://example.com'",
                "name: x, domain: 'example.com; Path=/x'",
            )
        ],
        keeps=[
            WEBSOCKET % ("https://a.example", cookie)
            for cookie in ("name: __Host-x", "name: __Secure-x, domain: .example.com", "name: a!b")
        ],
    ),
    "websocket-unused": Rule(
        breaks=[
            WEBSOCKET % ("https://a.example", "name: x"),
            ROLE % "websocket: true" + "\nserver: {}",
            ROLE % "websocket: true" + "\nserver: {websocket: {no_tls: true}}",
            ROLE % "websocket: true",
        ],
        keeps=[
            ROLE % "websocket: true" + "\n" + WEBSOCKET % ("https://a.example", "name: x"),
            "server: {websocket: {no_tls: true}}",
        ],
    ),
    "jetstream-domain": Rule(
        breaks=[f"server: {{jetstream: {{domain: '{domain}'}}}}" for domain in ("", "a.b", "*", "a>", "a b")],
        keeps=["server: {jetstream: {domain: hub-1}}", "server: {jetstream: {}}"],
    ),
    "resolver-option": Rule(
        breaks=[
            RESOLVER % words
            for words in (
                "type: cache, interval: 1m",
                "type: cache, allow_delete: false",
                "type: cache, hard_delete: false",
                "type: memory, dir: data",
                "type: memory, limit: 5",
                "type: full, ttl: 1h",
                "url: 'https://a.example'",
                "type: url, url: 'https://a.example', dir: data",
                "type: url, url: 'https://a.example', timeout: 1s",
                "tls: {ca_file: a}",
            )
        ],
        keeps=[
            RESOLVER % words
            for words in (
                "type: cache, dir: data, ttl: 1h, timeout: 1s, limit: unlimited",
                "type: memory, pinned: [SYS]",
                "interval: 1m, timeout: 1s, limit: 5, dir: data, allow_delete: true",
                "type: url, url: 'https://a.example'",
            )
        ],
    ),
    "resolver-url": Rule(
        breaks=[
            RESOLVER % "type: url",
            *(
                RESOLVER % f"type: url, url: {json.dumps(url)}"
                for url in (
                    "https://member.example.com/",
                    "https://a.example/MEMO/",
                    "",
                    "a.example",
                    "nats://a.example",
                    "https://",
                    "https://a.example:0/",
                    "https://a.example:x/",
                    "https://a.example/a b",
                    "https://a.example/)",
                    'https://a.example/"',
                    "https://u:p@a.example/",
                    "https://a.example/?a=b",
                )
            ),
        ],
        keeps=[
            RESOLVER % f"type: url, url: '{url}'"
            for url in ("https://a.example", "http://[::1]:9090/jwt/v1/accounts/")
        ],
    ),
    "resolver-tls": Rule(
        breaks=[
            RESOLVER % f"type: url, url: '{url}', tls: {{{tls}}}"
            for url, tls in (
                ("https://a.example", "cert_file: a"),
                ("https://a.example", "key_file: a, ca_file: b"),
                ("http://a.example", "ca_file: a"),
            )
        ],
        keeps=[
            RESOLVER % f"type: url, url: 'https://a.example', tls: {{{tls}}}"
            for tls in ("", "ca_file: a", "cert_file: a, key_file: b")
        ],
    ),
    "resolver-pinned": Rule(
        breaks=["accounts: {web: {}}\n" + RESOLVER % "pinned: [wbe]", RESOLVER % "pinned: ['']"],
        keeps=["accounts: {web: {}}\n" + RESOLVER % "pinned: [web, SYS]", RESOLVER % "pinned: []"],
    ),
    "resolver-push": Rule(
        breaks=[
            RESOLVER % "type: memory" + "\n" + TARGET,
            RESOLVER % "type: url, url: 'https://a.example'" + "\n" + TARGET,
        ],
        keeps=[
            RESOLVER % "type: cache" + "\n" + TARGET,
            RESOLVER % "type: memory",
            RESOLVER % "type: memory" + "\ntargets: {main: {config: a.conf, pid_file: a.pid}}",
            TARGET,
            RESOLVER % "type: url, url: 'https://a.example'"
            + "\ntargets: {main: {http: 'https://a.example'}}",
        ],
    ),
    "resolver-outside": Rule(
        breaks=[
            OUTSIDE % BILLING
            + ACCOUNT % "imports: [{from: billing, service: pay}]"
            + "\n"
            + RESOLVER % "type: memory"
        ],
        keeps=[
            OUTSIDE % BILLING
            + ACCOUNT % "imports: [{from: billing, service: pay}]"
            + "\n"
            + RESOLVER % "type: full",
            SHARING % ("{service: pay}", "{from: back, service: pay}") + "\n" + RESOLVER % "type: memory",
        ],
    ),
    "log-word-alone": Rule(
        breaks=[
            "server: {log: {size_limit: 1MiB}}",
            "server: {log: {file: a.log, max_files: 3}}",
            "server: {log: {trace_length: 5}}",
        ],
        keeps=["server: {log: {file: a.log, size_limit: 1MiB, max_files: 3}}", "server: {log: {utc: true}}"],
    ),
    "log-trace": Rule(breaks=["server: {log: {trace: true}}"], keeps=["server: {log: {debug: true}}"]),
    "proxy-key": Rule(
        breaks=[
            PROXIES % "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF5",
            PROXIES % "''",
            PROXIES % "proxy",
        ],
        keeps=[PROXIES % PROXY_KEY],
    ),
    "proxy-untrusted": Rule(
        breaks=[
            USER % "proxy_required: true" + "\nserver: {}",
            ROLE % "proxy_required: true" + "\nserver: {proxies: {trusted: []}}",
        ],
        keeps=[
            USER % "proxy_required: true" + "\n" + PROXIES % PROXY_KEY,
            USER % "proxy_required: true",
            USER % "proxy_required: false" + "\nserver: {}",
        ],
    ),
    "proxy-unneeded": Rule(
        breaks=[PROXIES % PROXY_KEY],
        keeps=[USER % "proxy_required: true" + "\n" + PROXIES % PROXY_KEY, "server: {}"],
    ),
    "extra-option": Rule(
        breaks=[
            EXTRA % option
            for option in (
                "max_payload: 1",
                "ws: {}",
                "Listen: x",
                "roots: x",
                "authorization: {}",
                "no_auth_user: x",
                "resolver_preload: {}",
                "pidfile: x",
                "Proxy_Protocol: true",
                "max_closed_client: 5",
                "include: x",
                "'': 1",
            )
        ],
        keeps=[EXTRA % "", EXTRA % "max_closed_clients: 5, write_timeout: retry"],
    ),
    "extra-value": Rule(
        breaks=[
            EXTRA % option
            for option in (
                "proxy_protocol: 'yes'",
                "max_closed_clients: -1",
                "max_closed_clients: true",
                "max_closed_clients: 1.5",
                "max_sub_tokens: 0",
                "max_sub_tokens: 256",
                "pid_file: 5",
                'pid_file: "a\\0"',
                "write_timeout: never",
                "feature_flags: {a: 1}",
                "default_js_domain: {a: true}",
                "ocsp: 1",
                "ocsp_cache: {a: 1.5}",
                "ocsp_cache: {a: [99999999999999999999]}",
                'ocsp_cache: {"\\"a\'": true}',
                'ocsp_cache: {"\\u2028": true}',
                'ocsp_cache: {"\\u202e": true}',
                'ocsp_cache: {"\\ufeff": true}',
            )
        ],
        keeps=[
            EXTRA % "max_sub_tokens: 255, feature_flags: {a: true}, ocsp: true, ocsp_cache: {type: local}",
            EXTRA % "unheard_of: 1.5",
        ],
    ),
    "extra-secret": Rule(
        breaks=[
            EXTRA % option
            for option in (
                "ocsp_cache: {password: hush}",
                "ocsp_cache: {Token: [hush]}",
                "ocsp_cache: {a: {seed: 5}}",
                "pid_file: SUAIBDPBAUTWCWBKIO6XHQNINK5FWJW4OHLXC3HQ2KFE4PEJUA44CNHTC4",
                "pid_file: eyJhbGciOiJlZDI1NTE5LW5rZXkifQ.e30.c2ln",
                "remote_syslog: 'udp://me:hush@logs'",
                "pid_file: '$2a$11$abc'",
            )
        ],
        keeps=[
            EXTRA % "remote_syslog: 'udp://logs:514', ocsp_cache: {preserve_revoked: true}, pid_file: key"
        ],
    ),
    "extra-profiling": Rule(
        breaks=[EXTRA % "prof_port: 6060"],
        keeps=[EXTRA % "prof_port: 0", "server: {listen: '127.0.0.1:4222', extra: {prof_port: 6060}}"],
    ),
    "default-sentinel": Rule(
        breaks=[
            SENTINEL % ("bearer: true", "web/gest"),
            SENTINEL % ("bearer: true", "guest"),
            SENTINEL % ("bearer: true", ""),
            SENTINEL % ("bearer: false", "web/guest"),
            "accounts: {web: {disallow_bearer: true, users: {guest: {bearer: true}}}}\n"
            "server: {default_sentinel: web/guest}",
            "accounts: {SYS: {users: {guest: {bearer: true}}}}\nserver: {default_sentinel: SYS/guest}",
            "accounts: {web: {users: {guest: {bearer: true}}}}\n"
            "server: {default_sentinel: web/guest, resolver: {pinned: []}}",
            ROLE % "bearer: true" + "\nserver: {default_sentinel: web/viewer}",
            ROLE_USER % "one: {role: viewer}" + "\nserver: {default_sentinel: web/one}",
        ],
        keeps=[
            SENTINEL % ("bearer: true", "web/guest"),
            "accounts: {web: {users: {guest: {bearer: true}}}}\n"
            "server: {default_sentinel: web/guest, resolver: {pinned: [web]}}",
            "accounts: {web: {roles: {viewer: {ttl: 15m, websocket: true}}, users: {one: {role: viewer}}}}\n"
            "server: {default_sentinel: web/one}",
            "accounts: {web: {users: {a/b: {bearer: true}}}, web/a: {}}\nserver: {default_sentinel: web/a/b}",
        ],
    ),
    "default-sentinel-open": Rule(
        breaks=[
            SENTINEL % ("bearer: true, subscribe: [news.>]", "web/guest"),
            SENTINEL % ("bearer: true, permissions: all", "web/guest"),
            SENTINEL % ("bearer: true, permissions: account_default", "web/guest"),
            "accounts: {web: {roles: {viewer: {ttl: 15m, websocket: true, publish: [a]}},"
            " users: {one: {role: viewer}}}}\nserver: {default_sentinel: web/one}",
        ],
        keeps=[
            SENTINEL % ("bearer: true", "web/guest"),
            "accounts: {web: {external_authorization: {users: [judge]},"
            " users: {judge: {}, guest: {bearer: true, publish: [a]}}}}\nserver: {default_sentinel: web/guest}",
        ],
    ),
    "websocket-header": Rule(
        breaks=[
            LISTENER % f"headers: {{{header}}}"
            for header in (
                "Host: x",
                "UPGRADE: x",
                "Sec-WebSocket-Protocol: x",
                "nats-no-masking: x",
                "'': x",
                "'a b': x",
                "'a:': x",
                'X-A: "1\\r\\nSet-Cookie: a=b"',
            )
        ],
        keeps=[LISTENER % 'headers: {X-Served-By: "n1, \\t ünd mehr", Sec-Websocket: x}'],
    ),
    "websocket-other-cookie": Rule(
        breaks=[
            LISTENER % "token_cookie: 'a b'",
            LISTENER % "user_cookie: a, pass_cookie: a",
            LISTENER % "allowed_origins: [https://a.example], cookie: {name: a}, token_cookie: a",
        ],
        keeps=[LISTENER % "user_cookie: a, pass_cookie: b, token_cookie: A"],
    ),
    "websocket-same-origin": Rule(
        breaks=[LISTENER % "same_origin: true"],
        keeps=[
            f"server: {{websocket: {{same_origin: true, tls: {{{TLS}}}}}}}",
            LISTENER % "same_origin: false",
        ],
    ),
    "tls-verify": Rule(
        breaks=[
            f"server: {{tls: {{{TLS}, verify: true}}}}",
            f"server: {{tls: {{{TLS}, ca_file: ca}}}}",
            f"server: {{websocket: {{tls: {{{TLS}, ca_file: ca}}}}}}",
            f"server: {{jetstream: true, mqtt: {{tls: {{{TLS}, verify: true}}}}}}",
            f"server: {{leafnodes: {{listen: 7422, tls: {{{TLS}, ca_file: ca}}}}}}",
        ],
        keeps=[
            f"server: {{tls: {{{TLS}}}}}",
            f"server: {{websocket: {{tls: {{{TLS}, ca_file: ca, verify: true}}}}}}",
        ],
    ),
    "tls-pinned": Rule(
        breaks=[
            f"server: {{tls: {{{TLS}, pinned_certs: [{'ab' * 32}]}}}}",
            f"server: {{leafnodes: {{listen: 7422, tls: {{{TLS}, ca_file: c, pinned_certs: [{'ab' * 32}]}}}}}}",
        ],
        keeps=[f"server: {{tls: {{{TLS}, ca_file: c, verify: true, pinned_certs: [{'ab' * 32}]}}}}"],
    ),
    "tls-cipher-suites": Rule(
        breaks=[
            f"server: {{tls: {{{TLS}, min_version: '1.3', cipher_suites: [{SUITE}]}}}}",
            f"server: {{websocket: {{tls: {{{TLS}, min_version: '1.3', cipher_suites: [{SUITE}]}}}}}}",
            CLUSTER % f"tls: {{{TLS}, ca_file: c, min_version: '1.3', cipher_suites: [{SUITE}]}}",
            GATEWAYS % f"{{name: u, urls: ['nats://u:1'], tls: {{{TLS}, ca_file: c, {OLD_SUITE}}}}}",
        ],
        keeps=[
            f"server: {{tls: {{{TLS}, min_version: '1.2', cipher_suites: [{SUITE}]}}}}",
            f"server: {{tls: {{{TLS}, cipher_suites: [{SUITE}]}}}}",
            f"server: {{tls: {{{TLS}, min_version: '1.3', curve_preferences: [X25519]}}}}",
        ],
    ),
    "target-words": Rule(
        breaks=[
            f"targets: {{main: {{{words}}}}}"
            for words in (
                "",
                "servers: 2",
                "nats: [n1], http: 'https://a'",
                "http: 'https://a', directory: jwt",
                "directory: jwt, servers: 1",
                "http: 'https://a', creds: a.creds",
                "directory: jwt, tls: {ca_file: a}",
                "nats: []",
                "directory: ''",
                "config: a.conf",
                "config: a.conf, pid_file: ''",
                "pid_file: a.pid, nats: [n1]",
                "config: a.conf, pid_file: a.pid, servers: 1",
                "nats: [n1], creds: a.creds, context: b",
                "nats: [n1], context: ../b",
                "nats: [n1], tls: {key_file: a}",
            )
        ],
        keeps=[
            f"targets: {{main: {{{words}}}}}"
            for words in (
                "nats: [n1], servers: 3, creds: a.creds, tls: {ca_file: a, cert_file: b, key_file: c}",
                "nats: [n1], context: a-b_c",
                "http: 'https://a', tls: {ca_file: a}",
                "directory: jwt",
                "config: a.conf, pid_file: a.pid",
            )
        ],
    ),
    "target-url": Rule(
        breaks=[
            f"targets: {{main: {{http: '{url}'}}}}"
            for url in ("nats://n1", "http://", "https://u:p@n1", "https://n1/jwt/v1?x", "n1")
        ]
        + [
            TARGET.replace("nats://n1", url)
            for url in (
                "ws://n1:8080",
                "wss://n1",
                "http://n1",
                "nats://",
                "nats://a b",
                "nats://n1:x",
                "tls://n1:0",
            )
        ]
        + [
            TARGET.replace("nats://n1", url)
            for url in ("nats://u:p@n1", "nats://n1/x", "nats://n1?x", "nats://n1#x")
        ],
        keeps=[
            TARGET.replace("nats://n1", url) for url in ("nats://n1", "n1", "n1:4222", "tls://[::1]:4222/")
        ]
        + ["targets: {main: {http: 'https://n1:9090/jwt/v1'}}"],
    ),
    "target-tls": Rule(
        breaks=[
            TARGET.replace("nats://", "tls://") + "\nserver: {}",
            TARGET + f"\nserver: {{tls: {{{TLS}}}}}",
            TARGET.replace("nats://n1", "n1:4222") + f"\nserver: {{tls: {{{TLS}}}}}",
            TARGET.replace("nats://", "tls://") + f"\nserver: {{tls: {{{TLS}, handshake_first: true}}}}",
        ],
        keeps=[
            TARGET + "\nserver: {}",
            TARGET.replace("nats://", "tls://"),
            TARGET.replace("nats://", "tls://") + f"\nserver: {{tls: {{{TLS}}}}}",
            TARGET.replace("nats://", "tls://") + f"\nserver: {{tls: {{{TLS}, handshake_first: auto}}}}",
            TARGET.replace("n1", "127.0.0.1") + f"\nserver: {{tls: {{{TLS}}}}}",
            TARGET.replace("n1", "localhost:4222") + f"\nserver: {{tls: {{{TLS}}}}}",
        ],
    ),
    "connection-type-listener": Rule(
        breaks=[
            "accounts: {web: {users: {one: {connection_types: [mqtt]}}}}\nserver: {websocket: {no_tls: true}}",
            "accounts: {web: {users: {one: {connection_types: [mqtt_ws]}}}}\nserver: {jetstream: true, mqtt: {}}",
            "accounts: {web: {roles: {one: {ttl: 1h, connection_types: [leafnode]}}}}\nserver: {}",
            "accounts: {web: {users: {one: {connection_types: [leafnode_ws]}}}}\nserver: {leafnodes: {listen: 7422}}",
            "accounts: {web: {users: {one: {connection_types: [websocket]}}}}\nserver: {}",
        ],
        keeps=[
            "accounts: {web: {users: {one: {connection_types: [mqtt, standard]}}}}\nserver: {}",
            "accounts: {web: {users: {one: {connection_types: [mqtt]}}}}",
            "accounts: {web: {users: {one: {connection_types: [mqtt_ws, leafnode]}, two: {}}}}\n"
            "server: {jetstream: true, mqtt: {}, websocket: {no_tls: true}}",
            REMOTE % "urls: ['nats://hub'], creds: web/edge",
            "accounts: {web: {roles: {leaf: {ttl: 1h, connection_types: [leafnode]}}, users: {far: {role: leaf}}}}\n"
            "server: {leafnodes: {remotes: [{urls: ['nats://hub'], account: web, creds: web/far}]}}",
            "accounts: {web: {roles: {viewer: {websocket: true, ttl: 15m}}}}\nserver: {}",
        ],
    ),
    "websocket-origin-never": Rule(
        breaks=[
            LISTENER % "same_origin: true, allowed_origins: [https://app.example.com]",
            f"server: {{websocket: {{tls: {{{TLS}}}, same_origin: true, allowed_origins: ['https://a', 'http://b']}}}}",
        ],
        keeps=[
            LISTENER % "same_origin: true, allowed_origins: [http://app.example.com]",
            f"server: {{websocket: {{tls: {{{TLS}}}, same_origin: true, allowed_origins: ['https://a']}}}}",
            LISTENER % "allowed_origins: [https://app.example.com]",
        ],
    ),
    "websocket-cookie-unused": Rule(
        breaks=[LISTENER % "token_cookie: session", LISTENER % "user_cookie: a, pass_cookie: b"],
        keeps=[
            CALLOUT + LISTENER % "token_cookie: session",
            LISTENER % "cookie: {name: nats}, allowed_origins: ['https://a']",
            OUTSIDE % BILLING + LISTENER % "token_cookie: session",
        ],
    ),
    "extra-feature-flag": Rule(
        breaks=[EXTRA % "feature_flags: {js_ack_fc_v3: true}", EXTRA % "feature_flags: {JS_ACK_FC_V2: true}"],
        keeps=[EXTRA % "feature_flags: {js_ack_fc_v2: true, js_raft_delete_range: false}"],
    ),
    "extra-js-domain": Rule(
        breaks=[
            "accounts: {web: {}}\n" + EXTRA % "default_js_domain: {web: hub}",
            EXTRA % f"default_js_domain: {{{PROXY_KEY}: hub}}",
        ],
        keeps=[EXTRA % f"default_js_domain: {{{BILLING}: hub}}"],
    ),
    "extra-proxy-protocol": Rule(
        breaks=[
            "server: {extra: {proxy_protocol: true}, websocket: {no_tls: true}}",
            "server: {extra: {proxy_protocol: true}, leafnodes: {listen: 7422}}",
        ],
        keeps=[
            EXTRA % "proxy_protocol: true",
            "server: {extra: {proxy_protocol: false}, websocket: {no_tls: true}}",
        ],
    ),
    "server-limits": Rule(
        breaks=[
            LIMITS % limit
            for limit in (
                "max_payload: 0",
                "max_control_line: 0B",
                "max_payload: 2GiB, max_pending: 4GiB",
                "max_payload: 65MiB",
                "max_payload: 2MiB, max_pending: 1MiB",
                "lame_duck_duration: 29s",
                "lame_duck_duration: 30s, lame_duck_grace_period: 30s",
                "lame_duck_grace_period: 2m",
            )
        ],
        keeps=[
            LIMITS % "max_payload: 1MiB, max_pending: 1MiB",
            LIMITS % "max_pending: 4GiB",
            LIMITS % "lame_duck_duration: 30s, lame_duck_grace_period: 29s",
            LIMITS % "max_connections: unlimited, max_subscriptions: 5",
        ],
    ),
    "auth-timeout-long": Rule(
        breaks=[
            LIMITS % "auth_timeout: 61s",
            LISTENER % "auth_timeout: 2m",
            SERVER % "jetstream: true, mqtt: {auth_timeout: 61s}",
            CLUSTER % "authorization: {user: u, password: {env: P}, timeout: 1h}",
            SERVER % "gateway: {name: eu, authorization: {user: u, password: {env: P}, timeout: 61s}}",
            LEAFNODE_LOGIN % "user: u, password: {env: P}, timeout: 61s",
        ],
        keeps=[LIMITS % "auth_timeout: 60s", LISTENER % "auth_timeout: 1m"],
    ),
    "server-max-payload": Rule(
        breaks=[LIMITS % "max_payload: 8388609"], keeps=[LIMITS % "max_payload: 8MiB"]
    ),
    "monitor-open": Rule(
        breaks=[
            "server: {monitor: {listen: '0.0.0.0:8222'}}",
            "server: {monitor: {listen: '[::]:8222'}}",
            "server: {monitor: {listen: example.com}}",
        ],
        keeps=[
            "server: {monitor: {}}",
            "server: {monitor: {listen: 8222}}",
            "server: {monitor: {listen: ':8222'}}",
            "server: {monitor: {listen: 'localhost:8222'}}",
            "server: {monitor: {listen: '[::1]:8222'}}",
        ],
    ),
    "monitor-tls": Rule(
        breaks=["server: {monitor: {https: true}}"],
        keeps=[f"server: {{monitor: {{https: true}}, tls: {{{TLS}}}}}"],
    ),
    "limit-shuts-out": Rule(
        breaks=[
            ACCOUNT % "limits: {connections: 0}, users: {one: {publish: [a]}}",
            ACCOUNT % "limits: {connections: 0}, roles: {viewer: {ttl: 1h}}",
            ACCOUNT % "limits: {subscriptions: 0}, users: {one: {subscribe: [a]}}",
        ],
        keeps=[
            ACCOUNT % "limits: {connections: 0, subscriptions: 0}",
            ACCOUNT % "limits: {connections: 1, subscriptions: 1}, users: {one: {subscribe: [a]}}",
            ACCOUNT % "limits: {connections: 0}, users: {edge: {connection_types: [leafnode], publish: [a]}}",
            ACCOUNT % "limits: {subscriptions: 0}, users: {one: {publish: [a], inbox: none}}",
        ],
    ),
    "tier-without-cluster": Rule(
        breaks=[
            TIER % "R3" + "\nserver: {jetstream: {}}",
            TIER % "R5" + "\nserver: {jetstream: {}}\n" + TARGET,
        ],
        keeps=[
            TIER % "R3",
            TIER % "R1" + "\nserver: {jetstream: {}}",
            TIER % "R3" + "\nserver: {name: n1, jetstream: {}, cluster: {name: eu}}",
            TIER % "R3" + "\nserver: {jetstream: {}}\ntargets: {main: {nats: ['nats://n1'], servers: 3}}",
        ],
    ),
    "test-subject": Rule(
        breaks=[
            USER % "publish: [a]" + "\ntests: [{as: web/one, can: {publish: [a..b]}}]",
            USER % "publish: [a]" + "\ntests: [{as: web/one, cannot: {request: ['a b']}}]",
            USER % "publish: [a]" + "\ntests: [{message: {from: web/one, subject: a.*}, reaches: [web/one]}]",
        ],
        keeps=[
            USER % "publish: [a]" + "\ntests: [{as: web/one, can: {publish: [a], subscribe: ['a q', '>']}}]",
            USER % "publish: [a]" + "\ntests: [{message: {from: web/one, subject: a}, reaches: [web/one]}]",
        ],
    ),
    "check-off": Rule(
        breaks=[
            OFF % "role-without-tll: because",
            OFF % "frobnicate: because",
            OFF % "import-cycle: because",
            OFF % "check-off-unused: because",
            OFF % "role-without-ttl: ''" + "\n" + ROLE_WITHOUT_TTL,
            OFF % "role-without-ttl: ' '" + "\n" + ROLE_WITHOUT_TTL,
        ],
        keeps=[
            OFF % "role-without-ttl: because" + "\n" + ROLE_WITHOUT_TTL,
            "checks: {off: {}}",
            "checks: {}",
        ],
    ),
    "check-off-unused": Rule(
        breaks=[
            OFF % "role-without-ttl: because",
            OFF % "role-without-ttl: because" + "\naccounts: {web: {roles: {viewer: {ttl: 15m}}}}",
        ],
        keeps=[
            OFF % "role-without-ttl: because" + "\n" + ROLE_WITHOUT_TTL,
            OFF % "import-cycle: because",
            OFF % "frobnicate: because",
        ],
    ),
    **{code: Rule(breaks=breaks, keeps=keeps) for code, (breaks, keeps) in LINTS.items()},
}
