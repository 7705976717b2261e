"""For each rule, specs that break it, and near misses that do not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


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
TLS = "cert_file: a, key_file: b"
ROLE = "accounts: {web: {roles: {viewer: {ttl: 15m, %s}}}}"
ROLE_USER = "accounts: {web: {roles: {viewer: {ttl: 15m}}, users: {%s}}}"
USER = "accounts: {web: {users: {one: {%s}}}}"
TAGGED = "accounts: {web: {roles: {viewer: {ttl: 15m, %s}}, users: {one: %s}}}"
EXPORTS = "accounts: {back: {exports: [%s]}}"
SHARING = "accounts: {back: {exports: [%s]}, web: {imports: [%s]}}"
OPERATOR = "version: 1\noperator: {name: acme, %s}"
ACCOUNT = "accounts: {web: {%s}}"
DEFAULTS = "accounts: {web: {default_permissions: {%s}}}"
MAPPING = "accounts: {web: {mappings: {'%s': '%s'}}}"
NAMED = "accounts: {%s: {}}"
LONG = "x" * 201

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
            EXPORTS % f"{{stream: a, info_url: 'https://a.example/{'x' * 8192}'}}",
        ],
        keeps=[EXPORTS % f"{{stream: a, description: {'x' * 8192}, info_url: 'https://a.example:1/a?b#c'}}"],
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
            DEFAULTS % "publish: [a..b]",
            DEFAULTS % "subscribe: {deny: ['a b c']}",
        ],
        keeps=[
            USER % "publish: [a.>, '*', '>'], subscribe: ['a.> queue', $SYS.x]",
            ROLE % 'publish: ["a.{{name()}}"]',
            DEFAULTS % "publish: [a.>], subscribe: ['a q']",
        ],
    ),
    "permission-template": Rule(
        breaks=[
            USER % 'publish: ["user.{{name()}}.>"]',
            ROLE % 'publish: ["user.{{nome()}}.>"]',
            ROLE % 'publish: {deny: ["{{Tag(x)}}"]}',
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
        ],
        keeps=[ROLE_USER % "one-1_X: {role: viewer, tags: ['team:red', 'b c']}, a.b: {publish: [a]}"],
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
            ROLE % "websocket: true",
            ROLE % "websocket: true, bearer: true, connection_types: [websocket]",
            USER % "bearer: false",
        ],
    ),
    "bearer-without-expiry": Rule(
        breaks=[USER % "bearer: true, connection_types: [websocket]"],
        keeps=[USER % "bearer: true, expires: 2034-01-01", USER % "bearer: false", ROLE % "bearer: true"],
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
            OPERATOR % "account_server_url: example",
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
    "account-text": Rule(
        breaks=[
            ACCOUNT % f"description: {'x' * 8193}",
            ACCOUNT % "info_url: example.com",
            ACCOUNT % "info_url: 'https://'",
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
        ],
    ),
    "revocation-key": Rule(
        breaks=[ACCOUNT % f"revocations: {{users: {{{'U' + 'A' * 55}: 2030-01-01}}}}"],
        keeps=[ACCOUNT % "revocations: {users: {alice: 2030-01-01, U2: 2030-01-01}, all_before: 2029-01-01}"],
    ),
    "bearer-disallowed": Rule(
        breaks=["accounts: {web: {disallow_bearer: true, roles: {viewer: {websocket: true, ttl: 15m}}}}"],
        keeps=["accounts: {web: {disallow_bearer: true, roles: {viewer: {ttl: 15m}}}}"],
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
        ],
        keeps=[
            "server: {listen: 8080, websocket: {listen: 8081, no_tls: true}}",
            "server: {listen: '127.0.0.1:8080', websocket: {listen: '127.0.0.2:8080', no_tls: true}}",
            "server: {listen: 127.0.0.1, websocket: {listen: 127.0.0.1, no_tls: true}}",
        ],
    ),
    "server-name": Rule(
        breaks=["server: {name: ''}", "server: {name: 'a b'}", 'server: {name: "a\\tb"}'],
        keeps=["server: {name: a_b-1.example}", "server: {}"],
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
    "resolver-pinned": Rule(
        breaks=["accounts: {web: {}}\n" + RESOLVER % "pinned: [wbe]", RESOLVER % "pinned: ['']"],
        keeps=["accounts: {web: {}}\n" + RESOLVER % "pinned: [web, SYS]", RESOLVER % "pinned: []"],
    ),
    "resolver-push": Rule(
        breaks=[
            RESOLVER % "type: memory" + "\n" + TARGET,
            RESOLVER % "type: url, url: 'https://a.example'" + "\n" + TARGET,
        ],
        keeps=[RESOLVER % "type: cache" + "\n" + TARGET, RESOLVER % "type: memory", TARGET],
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
        ],
        keeps=[
            f"server: {{tls: {{{TLS}}}}}",
            f"server: {{websocket: {{tls: {{{TLS}, ca_file: ca, verify: true}}}}}}",
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
}

WARNINGS = {
    "export-threshold-lost",
    "jetstream-off",
    "role-user-tag-missing",
    "bearer-everywhere",
    "bearer-without-expiry",
    "time-zone-missing",
    "permission-star",
    "role-without-ttl",
    "websocket-unused",
    "websocket-same-origin",
    "tls-verify",
    "server-max-payload",
    "monitor-open",
    "resolver-push",
}
