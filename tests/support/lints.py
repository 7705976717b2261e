"""Rules about browsers, tokens and what has no effect: specs that break each, and near misses that do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Specs = Sequence[str]

BROWSER = "accounts: {web: {roles: {viewer: {websocket: true, ttl: 15m, %s}}}}"
BESIDE = "accounts: {web: {roles: {viewer: {websocket: true, ttl: 15m, %s}}, users: {%s}}}"
OTHER = "accounts: {web: {roles: {other: {ttl: 15m, %s}}}}"
DEFAULTS = "accounts: {web: {default_permissions: {%s}, roles: {viewer: {websocket: true, ttl: 15m, %s}}}}"
SYSTEM = "accounts: {SYS: {%s}}"
SITE = "server: {websocket: {no_tls: true, cookie: {name: x, %s}, allowed_origins: [%s]}}"
PAGE = "https://a.example"
COOKIE = "server: {websocket: {no_tls: true, cookie: {name: x}, allowed_origins: ['https://a.example']}}"
SHARED = "accounts: {back: {exports: [{service: a}, {stream: b}]}, web: {imports: [%s], %s}}"
ACCOUNT_TAGS = "accounts: {web: {tags: [%s], roles: {viewer: {ttl: 15m, %s}}}}"


def _subjects(count: int) -> str:
    """Return a list of that many subjects, each of about 27 bytes in the token."""
    return ", ".join(f"a.long.subject.of.number.{i:03}" for i in range(count))


BROWSERS: Mapping[str, tuple[Specs, Specs]] = {
    "browser-open": (
        [
            BROWSER % "publish: ['>']",
            BROWSER % "subscribe: ['>']",
            BROWSER % "subscribe: ['*']",
            BROWSER % "publish: [a, '*.*.>']",
            BROWSER % "permissions: all",
            BROWSER % "permissions: account_default",
            BROWSER % "publish: {allow: ['>'], deny: [$SYS.>]}",
            DEFAULTS % ("publish: ['>']", "permissions: account_default"),
            "accounts: {web: {users: {one: {bearer: true, expires: 2034-01-01, publish: ['>']}}}}",
            "accounts: {web: {users: {one: {connection_types: [websocket], publish: ['>']}}}}",
        ],
        [
            BROWSER % "publish: [a.>, '*', '*.b.>'], subscribe: [a.>]",
            BROWSER % "publish: {allow: ['>'], deny: [$SYS.>, $JS.>]}",
            BROWSER % "subscribe: {allow: ['>'], deny: [_INBOX.>]}",
            DEFAULTS % ("publish: [a.>]", "permissions: account_default"),
            OTHER % "publish: ['>'], subscribe: ['>']",
            "accounts: {web: {roles: {a: {bearer: true, connection_types: [mqtt], ttl: 1h, publish: ['>']}}}}",
            "accounts: {web: {users: {one: {connection_types: [websocket, standard], publish: ['>']}}}}",
        ],
    ),
    "browser-system": (
        [
            BROWSER % "publish: [$SYS.>]",
            BROWSER % "request: [$SYS.REQ.*.PING.CONNZ]",
            BROWSER % "request: [$SYS.REQ.ACCOUNT.PING.>]",
        ],
        [
            BROWSER % "request: [$SYS.REQ.USER.INFO, $SYS.REQ.ACCOUNT.PING.STATZ]",
            BROWSER % "publish: {allow: [$SYS.REQ.>], deny: [$SYS.REQ.*.PING.>]}",
            OTHER % "publish: [$SYS.>]",
            "accounts: {SYS: {roles: {viewer: {websocket: true, ttl: 15m, publish: [$SYS.>]}}}}",
        ],
    ),
    "browser-responses": (
        [BROWSER % "subscribe: [a], allow_responses: {max: unlimited}"],
        [
            BROWSER % "subscribe: [a], allow_responses: {max: 100}",
            BROWSER % "respond: [a], allow_responses: {max: unlimited}",
            OTHER % "subscribe: [a], allow_responses: {max: unlimited}",
        ],
    ),
    "inbox-open": (
        [
            BESIDE % ("subscribe: [_INBOX.>]", "clerk: {request: [a]}"),
            BESIDE % ("subscribe: ['_INBOX.*']", "clerk: {request: [a]}"),
            BESIDE % ("subscribe: ['*.@clerk.>']", "clerk: {request: [a]}"),
            BESIDE % ("subscribe: [replies.>]", "clerk: {request: [a], inbox: replies.clerk}"),
            BROWSER % "request: [a], inbox: shared",
            BROWSER % "request: [a], inbox: _INBOX.web",
            BROWSER % "request: [a], subscribe: [_INBOX.>]",
        ],
        [
            BESIDE % ("request: [a]", "clerk: {request: [a]}"),
            BESIDE % ("request: [a]", "clerk: {request: [a], inbox: shared}"),
            BESIDE % ("subscribe: {allow: [_INBOX.>], deny: [_INBOX.@clerk.>]}", "clerk: {request: [a]}"),
            BESIDE % ("subscribe: [_INBOX.>]", "clerk: {publish: [a]}"),
            BROWSER % "request: [a], inbox: '_INBOX.web.{{name()}}'",
            OTHER % "request: [a], inbox: shared",
        ],
    ),
    "permissions-all": (
        [OTHER % "permissions: all", "accounts: {web: {users: {one: {permissions: all}}}}"],
        [OTHER % "publish: ['>'], subscribe: ['>']", BROWSER % "permissions: all"],
    ),
    "permissions-default-missing": (
        [OTHER % "permissions: account_default"],
        [
            "accounts: {web: {default_permissions: {}, users: {one: {permissions: account_default}}}}",
            OTHER % "permissions: all",
        ],
    ),
    "deny-queue-group": (
        [
            OTHER % "subscribe: {allow: [a.>], deny: [a.b q]}",
            OTHER % "subscribe: {allow: ['a.*'], deny: ['a.*.b q']}",
        ],
        [
            OTHER % "subscribe: {allow: [a.>], deny: [a.b]}",
            OTHER % "subscribe: {allow: [a.>], deny: [a.b q, a.b]}",
            OTHER % "subscribe: {allow: ['a.> q'], deny: [a.b q]}",
        ],
    ),
    "role-ttl-long": (
        [
            "accounts: {web: {roles: {viewer: {websocket: true, ttl: 2d}}}}",
            "accounts: {web: {roles: {viewer: {bearer: true, ttl: 25h}}}}",
        ],
        [
            "accounts: {web: {roles: {viewer: {websocket: true, ttl: 1d}}}}",
            "accounts: {web: {roles: {viewer: {ttl: 30d}}}}",
        ],
    ),
    "system-account-bearer": (
        [
            SYSTEM % "roles: {viewer: {websocket: true, ttl: 15m}}",
            SYSTEM % "users: {one: {bearer: true, expires: 2034-01-01}}",
            SYSTEM % "roles: {observer: {connection_types: [websocket], ttl: 15m}}",
        ],
        [
            SYSTEM % "users: {one: {request: [$SYS.REQ.SERVER.PING.CONNZ]}, two: {role: observer}}",
            BROWSER % "subscribe: [a]",
        ],
    ),
    "system-export-tokens": (
        [
            SYSTEM % "exports: [{stream: $SYS.ACCOUNT.*.>, account_token_position: 3}]",
            SYSTEM % "exports: [{stream: $SYS.ACCOUNT.*.CONNECT}]",
            SYSTEM
            % "exports: [{service: $SYS.REQ.ACCOUNT.*.*, response: stream, account_token_position: 4}]",
            SYSTEM % "exports: [{service: $SYS.REQ.SERVER.PING.CONNZ, response: stream}]",
            SYSTEM % "exports: [{stream: $SYS.>}]",
        ],
        [
            SYSTEM % "exports: [{stream: $SYS.ACCOUNT.*.SERVER.CONNS, account_token_position: 3}]",
            SYSTEM % "exports: [{service: $SYS.REQ.ACCOUNT.*.INFO, account_token_position: 4}]",
            "accounts: {web: {exports: [{stream: $SYS.>}]}}",
        ],
    ),
    "import-share-bearer": (
        [
            SHARED % ("{from: back, service: a, share: true}", "roles: {v: {websocket: true, ttl: 15m}}"),
            SHARED
            % ("{from: back, service: a, share: true}", "users: {v: {bearer: true, expires: 2034-01-01}}"),
        ],
        [
            SHARED % ("{from: back, service: a}", "roles: {v: {websocket: true, ttl: 15m}}"),
            SHARED % ("{from: back, service: a, share: true}", "roles: {v: {ttl: 15m}}"),
        ],
    ),
    "jetstream-admin-open": (
        [
            BROWSER % f"publish: ['{subject}']"
            for subject in (
                "$JS.API.>",
                "$JS.>",
                "$JS.hub.API.>",
                "*.API.>",
                "$JS.API.STREAM.*.*",
                "$JS.API.STREAM.CREATE.mine",
                "$JS.API.STREAM.PURGE.*",
                "$JS.API.CONSUMER.DELETE.*.*",
                "$JS.API.STREAM.MSG.DELETE.>",
            )
        ],
        [
            BROWSER % "publish: [$JS.API.STREAM.PURGE.OBJ_files, $JS.API.STREAM.INFO.orders, $JS.API.INFO]",
            BROWSER % "publish: {allow: [$JS.API.CONSUMER.*.*.*], deny: ['$JS.API.CONSUMER.*.*.*']}",
            OTHER % "publish: [$JS.API.>]",
        ],
    ),
    "jetstream-api-open": (
        [
            BROWSER % f"publish: ['{subject}']"
            for subject in (
                "$JS.API.CONSUMER.CREATE.>",
                "$JS.hub.API.CONSUMER.CREATE.>",
                "$JS.API.CONSUMER.MSG.NEXT.*.*",
                "$JS.API.DIRECT.GET.>",
                "$JS.API.DIRECT.GET.*.*.>",
                "$JS.API.STREAM.MSG.GET.*",
                "$JS.ACK.>",
            )
        ],
        [
            BROWSER % "publish: ['$JS.API.DIRECT.GET.KV_b.$KV.b.{{name()}}', $JS.API.STREAM.MSG.GET.orders]",
            BROWSER % "publish: [$JS.ACK.orders.mine.>, $JS.FC.>]",
            OTHER % "publish: [$JS.ACK.>]",
        ],
    ),
    "jetstream-consumer-open": (
        [
            BROWSER % f"publish: ['{subject}']"
            for subject in (
                "$JS.API.CONSUMER.CREATE.orders",
                "$JS.API.CONSUMER.CREATE.orders.*",
                "$JS.API.CONSUMER.CREATE.orders.>",
                "$JS.hub.API.CONSUMER.CREATE.orders.*.>",
                "$JS.API.CONSUMER.DURABLE.CREATE.orders.*",
                "$JS.API.CONSUMER.MSG.NEXT.orders.*",
                "$JS.ACK.orders.>",
            )
        ],
        [
            BROWSER % f"publish: ['{subject}']"
            for subject in (
                "$JS.API.CONSUMER.CREATE.orders.{{name()}}.orders.>",
                "$JS.API.CONSUMER.CREATE.orders.*.orders.>",
                "$JS.API.CONSUMER.MSG.NEXT.orders.{{name()}}",
                "$JS.ACK.orders.mine.>",
                "$JS.API.CONSUMER.INFO.orders.*",
            )
        ],
    ),
}

TEMPLATES: Mapping[str, tuple[Specs, Specs]] = {
    "template-first": (
        [OTHER % "publish: ['{{name()}}.>']", OTHER % "subscribe: ['{{tag(team)}}.x q', a]"],
        [
            OTHER % "publish: ['user.{{name()}}.>', 'u-{{name()}}.>', '{{subject()}}.>']",
            OTHER % "subscribe: {allow: [a.>], deny: ['{{name()}}.>']}",
        ],
    ),
    "template-ambiguous": (
        [
            OTHER % "publish: ['a.{{name()}}-{{tag(team)}}.b']",
            OTHER % "subscribe: ['a.{{tag(a)}}{{tag(b)}}']",
        ],
        [
            OTHER % "publish: ['a.{{name()}}.{{tag(team)}}', 'a.{{name()}}@{{tag(team)}}']",
            OTHER % "publish: ['a.{{name()}}-{{account-subject()}}']",
        ],
    ),
    "template-account-value": (
        [
            "accounts: {a.b: {roles: {r: {ttl: 1h, publish: ['x.{{account-name()}}']}}}}",
            "accounts: {'*': {roles: {r: {ttl: 1h, subscribe: {deny: ['x.{{account-name()}}']}}}}}",
            ACCOUNT_TAGS % ("'region:>'", "subscribe: ['x.{{account-tag(Region)}}']"),
        ],
        [
            ACCOUNT_TAGS % ("'region:eu', 'zone:>'", "subscribe: ['x.{{account-tag(region)}}']"),
            ACCOUNT_TAGS % ("", "subscribe: ['x.{{account-name()}}']"),
            "accounts: {a.b: {roles: {r: {ttl: 1h, publish: ['x.{{account-subject()}}']}}}}",
        ],
    ),
    "account-tag-missing": (
        [
            ACCOUNT_TAGS % ("", "publish: ['x.{{account-tag(region)}}']"),
            ACCOUNT_TAGS % ("region", "publish: ['x.{{account-tag(region)}}']"),
        ],
        [
            ACCOUNT_TAGS % ("'Region:eu'", "publish: ['x.{{account-tag(region)}}']"),
            ACCOUNT_TAGS % ("", "publish: ['x.{{tag(region)}}']"),
        ],
    ),
    "account-tag-denied": (
        [ACCOUNT_TAGS % ("'zone:a'", "publish: {allow: [x.>], deny: ['x.{{account-tag(region)}}']}")],
        [
            ACCOUNT_TAGS % ("'region:a'", "publish: {allow: [x.>], deny: ['x.{{account-tag(region)}}']}"),
            ACCOUNT_TAGS % ("", "publish: ['x.{{account-tag(region)}}']"),
        ],
    ),
}

COOKIES: Mapping[str, tuple[Specs, Specs]] = {
    "cookie-same-site": (
        [SITE % ("same_site: None", PAGE)],
        [SITE % ("same_site: Lax", PAGE), SITE % ("same_site: Strict", PAGE)],
    ),
    "cookie-domain": (
        [SITE % ("domain: a.example", PAGE)],
        [COOKIE, SITE % ("domain: 'https://a.example'", PAGE)],
    ),
    "cookie-too-large": (
        [
            f"{COOKIE}\naccounts: {{web: {{users: {{one: {{bearer: true, expires: 2034-01-01, {words}}}}}}}}}"
            for words in (f"publish: [{_subjects(110)}]", f"tags: [{_subjects(110)}]")
        ]
        + [
            f"{COOKIE}\n"
            + BESIDE
            % ("subscribe: [a]", f"one: {{role: viewer, expires: 2034-01-01, tags: [{_subjects(110)}]}}"),
            SITE.replace("name: x", f"name: {'x' * 3500}") % ("", PAGE) + "\n" + BROWSER % "subscribe: [a]",
        ],
        [
            f"accounts: {{web: {{users: {{one: {{bearer: true, publish: [{_subjects(110)}]}}}}}}}}",
            f"{COOKIE}\naccounts: {{web: {{users: {{one: {{bearer: true, publish: [{_subjects(70)}]}}}}}}}}",
            f"{COOKIE}\n" + BROWSER % f"publish: [{_subjects(200)}]",
        ],
    ),
    "cookie-nearly-full": (
        [f"{COOKIE}\naccounts: {{web: {{users: {{one: {{bearer: true, publish: [{_subjects(74)}]}}}}}}}}"],
        [
            f"{COOKIE}\naccounts: {{web: {{users: {{one: {{bearer: true, publish: [{_subjects(20)}]}}}}}}}}",
            f"{COOKIE}\naccounts: {{web: {{users: {{one: {{bearer: true, publish: [{_subjects(110)}]}}}}}}}}",
        ],
    ),
    "token-too-long": (
        [
            f"accounts: {{web: {{users: {{one: {{publish: [{_subjects(110)}]}}}}}}}}",
            f"accounts: {{web: {{users: {{one: {{subscribe: {{deny: [{_subjects(110)}]}}}}}}}}}}",
            "server: {limits: {max_control_line: 512B}}\naccounts: {web: {users: {one: {publish: [a]}}}}",
        ],
        [
            f"accounts: {{web: {{users: {{one: {{publish: [{_subjects(70)}]}}}}}}}}",
            f"server: {{limits: {{max_control_line: 8KiB}}}}\n"
            f"accounts: {{web: {{users: {{one: {{publish: [{_subjects(110)}]}}}}}}}}",
            f"{COOKIE}\naccounts: {{web: {{users: {{one: {{bearer: true, publish: [{_subjects(110)}]}}}}}}}}",
            OTHER % f"publish: [{_subjects(200)}]",
        ],
    ),
    "origin-plain": (
        [SITE % ("", "'http://a.example'"), SITE % ("", f"{PAGE}, 'http://10.0.0.1:3000'")],
        [
            SITE % ("", f"{PAGE}, 'http://localhost:3000', 'http://127.0.0.1', 'http://[::1]:1'"),
            "server: {websocket: {no_tls: true, allowed_origins: ['http://a.example']}}",
        ],
    ),
    "origin-local": (
        [SITE % ("", f"{PAGE}, 'http://localhost:3000'"), SITE % ("", f"{PAGE}, 'https://127.0.0.1'")],
        [SITE % ("", "'http://localhost:3000', 'http://127.0.0.1'"), SITE % ("", PAGE)],
    ),
}

EFFECTS: Mapping[str, tuple[Specs, Specs]] = {
    "limit-without-effect": (
        [
            "accounts: {web: {limits: {data: 1GiB}}}",
            OTHER % "limits: {data: 1GiB}",
            "accounts: {web: {users: {one: {limits: {data: 0}}}}}",
            "accounts: {web: {limits: {wildcard_exports: false}}}",
            "server: {}\naccounts: {web: {limits: {payload: 2MiB}}}",
            "server: {limits: {max_payload: 64KiB}}\n" + OTHER % "limits: {payload: 65KiB}",
        ],
        [
            "accounts: {web: {limits: {data: unlimited, exports: 5, wildcard_exports: false}}}",
            "server: {}\naccounts: {web: {limits: {payload: 1MiB}}}",
            "accounts: {web: {limits: {payload: 2MiB}}}",
            "server: {limits: {max_payload: 2MiB}}\n" + OTHER % "limits: {payload: 2MiB}",
        ],
    ),
    "jetstream-overcommitted": (
        [
            "server: {jetstream: {disk: 1GiB}}\naccounts: {a: {jetstream: {disk: 2GiB}}}",
            "server: {jetstream: {memory: 1GiB}}\n"
            "accounts: {a: {jetstream: {memory: 1GiB}}, b: {jetstream: {memory: 1}}}",
            "server: {jetstream: {disk: 1GiB}}\naccounts: {a: {jetstream: {tiers: {R1: {disk: 2GiB}}}}}",
        ],
        [
            "server: {jetstream: {disk: 1GiB}}\n"
            "accounts: {a: {jetstream: {disk: 1GiB}}, b: {jetstream: {disk: unlimited}}}",
            "server: {jetstream: true}\naccounts: {a: {jetstream: {disk: 2TiB}}}",
            "server: {jetstream: {disk: 1GiB}}\naccounts: {a: {jetstream: {disk: 2GiB}}}\n"
            "targets: {main: {nats: ['nats://n1', 'nats://n2']}}",
        ],
    ),
    "resolver-limit": (
        ["server: {resolver: {limit: 1}}\naccounts: {web: {}}"],
        [
            "server: {resolver: {limit: 2}}\naccounts: {web: {}}",
            "server: {resolver: {type: cache, limit: 1}}\naccounts: {web: {}}",
        ],
    ),
    "sources-behind-proxy": (
        [f"{COOKIE}\n" + BROWSER % "sources: [10.0.0.0/8, 8.8.8.0/24]"],
        [
            f"{COOKIE}\n" + BROWSER % "sources: [10.0.0.0/8, 'fd00::/8']",
            f"{COOKIE}\n" + OTHER % "sources: [8.8.8.0/24]",
            BROWSER % "sources: [8.8.8.0/24]",
        ],
    ),
}

LINTS: Mapping[str, tuple[Specs, Specs]] = {**BROWSERS, **TEMPLATES, **COOKIES, **EFFECTS}
"""By id: specs that break the rule, and near misses."""
