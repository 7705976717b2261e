"""Text to Backend: the words for each error, and that no text does more than be refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.findings import FILE, HEAD, findings
from support.golden import FOLDERS, NOW, counted_entropy, expected
from support.mutation import mutated

import natsbackend
from natsbackend.claims.codec import decode
from natsbackend.claims.validate import validate
from natsbackend.cli.output import render_diagnostics
from natsbackend.errors import Diagnostic, ProjectError, Severity, SpecError
from natsbackend.model.checks import CHECKS, check
from natsbackend.model.checks.life import LIFE
from natsbackend.model.entities import Decision, Delivery, Principal
from natsbackend.model.resolve import resolve
from natsbackend.model.serving import Listen
from natsbackend.project import Project
from natsbackend.spec.load import load, parse_spec
from natsbackend.workflow.opening import Opened
from natsbackend.workflow.tree import plan_tree

SHORT_CASES = 300
SLOW_CASES = SHORT_CASES + 20_000


def said(text: str) -> list[tuple[str, str, str]]:
    """Return place, id and message of each finding."""
    return [(f"{f.at.line}:{f.at.col}" if f.at else "", f.code, f.message) for f in findings(HEAD + text)]


# --- every id ---


def test_every_id_that_the_code_can_emit_is_in_the_golden_corpus_or_a_rule() -> None:
    package = Path(natsbackend.__file__).parent
    sources = [
        p.read_text(encoding="utf-8") for part in ("spec", "model") for p in (package / part).rglob("*.py")
    ]
    pattern = re.compile(r'(?:\bcode=|\bsay\(\s*|\b_stop\(\s*)"([a-z0-9-]+)"')
    emitted = {code for source in sources for code in pattern.findall(source)}
    golden = {
        code
        for folder in FOLDERS
        for text in expected(folder).values()
        for code in re.findall(r"\[([a-z0-9-]+)\]: ", text)
    }
    beyond_a_golden_file = {"yaml-too-large"}  # test_nodes_refusals.py
    assert len(emitted) > 40
    assert emitted - golden - CHECKS.keys() - LIFE.keys() == beyond_a_golden_file


# --- shape ---


@pytest.mark.parametrize(
    ("text", "expected_place", "code", "message"),
    [
        ("", "1:1", "spec-shape", "the spec is empty"),
        ("a", "1:1", "spec-shape", "the spec is not a map"),
        ("version: 3", "1:10", "spec-version", "version 3 of the spec is not known to this release"),
        ("version: true", "1:10", "spec-version", "this version of the spec is not known to this release"),
        ("version: 1.0", "1:10", "spec-version", "this version of the spec is not known to this release"),
        ("version: ~", "1:10", "spec-version", "this version of the spec is not known to this release"),
        ("operator: {name: a}", "1:1", "missing-word", '"version" is missing here'),
        ("version: 1", "1:1", "missing-word", '"operator" is missing here'),
    ],
)
def test_a_spec_that_is_none(text: str, expected_place: str, code: str, message: str) -> None:
    (found,) = findings(text)
    assert found.at is not None
    assert (f"{found.at.line}:{found.at.col}", found.code, found.message) == (expected_place, code, message)


def test_findings_of_every_stage_of_reading_come_together() -> None:
    text = "accounts:\n  a: {limits: ~, usres: {}}\n  a: {users: 5}\n  !x b: {}\n"
    assert [(place, code) for place, code, _ in said(text)] == [
        ("4:7", "spec-null"),
        ("5:3", "duplicate-key"),
        ("5:14", "spec-value"),
        ("6:3", "yaml-tag"),
    ]


@pytest.mark.parametrize("name", ["list", "map", "users", "roles", "limits", "text", "0", "accounts"])
def test_a_name_that_looks_like_a_word_misleads_nobody(name: str) -> None:
    text = f"accounts: {{{name}: {{roles: {{{name}: {{subscribe: {{alow: []}}}}}}}}}}\n"
    (found,) = findings(HEAD + text)
    assert found.at is not None
    assert found.at.col == text.index("alow") + 1
    assert (found.message, found.hint) == ("'alow' has no meaning here", "did you mean 'allow'?")


def test_the_hint_for_an_unknown_word_lists_the_words_of_its_place() -> None:
    (found,) = findings(HEAD + "server: {resolver: {qqq: 1}}")
    words = "allow_delete, dir, hard_delete, interval, limit, pinned, timeout, tls, ttl, type, url"
    assert found.hint == f"known here: {words}"


@pytest.mark.parametrize("value", ["yes", "no", "on", "off", "Yes", "'true'", "1", "~", "[]", "{}"])
def test_only_true_and_false_are_booleans(value: str) -> None:
    (found,) = findings(HEAD + f"server: {{websocket: {{compression: {value}}}}}")
    assert found.code == ("spec-null" if value == "~" else "spec-value")


def test_a_reader_that_cannot_read_is_heard() -> None:
    def read(name: str) -> bytes:
        raise ProjectError(f"there is no {name}")

    with pytest.raises(ProjectError, match=r"there is no x\.yaml"):
        load("x.yaml", read)
    assert load("x.yaml", lambda _: HEAD.encode()).model.operator.name == "acme"


def test_ten_thousand_errors_are_told_in_a_blink() -> None:
    accounts = "".join(f"  a{i}: {{usres: {{}}, limits: {{payload: {i}XB}}}}\n" for i in range(5000))
    assert len(findings(f"{HEAD}accounts:\n{accounts}")) == 10_000


# --- meaning ---


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        ("", Listen(host="0.0.0.0")),
        ("listen: 4333", Listen(host="0.0.0.0", port=4333)),
        ("listen: '4333'", Listen(host="0.0.0.0", port=4333)),
        ("listen: 0", Listen(host="0.0.0.0", port=0)),
        ("listen: ':4333'", Listen(host="0.0.0.0", port=4333)),
        ("listen: localhost", Listen(host="localhost")),
        ("listen: 10.0.0.1:1", Listen(host="10.0.0.1", port=1)),
        ("listen: my-host_1.example:65535", Listen(host="my-host_1.example", port=65535)),
        ("listen: '[::1]'", Listen(host="::1")),
        ("listen: '[fe80::1%eth0]:4333'", Listen(host="fe80::1%eth0", port=4333)),
    ],
)
def test_an_address_to_listen_on(text: str, listen: Listen) -> None:
    resolved = resolve(parse_spec(f"{HEAD}server: {{{text}}}", FILE))
    assert resolved.diagnostics == ()
    assert resolved.backend.server is not None
    assert resolved.backend.server.listen == listen


@pytest.mark.parametrize(
    "text",
    [
        "-1",
        "65536",
        "999999",
        "''",
        "'::1'",
        "'::1:4222'",
        "'[::1'",
        "'[::1]4222'",
        "'[::1]:'",
        "'host:'",
        "'host:x'",
        "'a b'",
        "'http://x'",
        "'x:1:2'",
        "'*'",
        "'[x]:1'",
        "'x:٤'",
        "'x\\n'",
        "'0.0.0.0:-1'",
        "' :1'",
    ],
)
def test_no_address_to_listen_on(text: str) -> None:
    found = findings(f"{HEAD}server: {{listen: {text}}}")
    assert [(f.code, f.at and f.at.col) for f in found] == [("listen", 18)]


def test_the_tests_section_becomes_decisions_and_deliveries() -> None:
    text = """accounts:
  a/b: {users: {u: {publish: [x]}, both: {}}, roles: {r: {}, both: {}}}
  a: {users: {b/u: {}, z: {}}}
tests:
  - {as: a/b/u, can: {publish: [x], subscribe: [y q]}, cannot: {request: [z]}}
  - {as: {role: a/b/both}, can: {publish: [x]}}
  - {message: {from: a/z, subject: s}, not_reaches: [{role: a/b/r, name: al, tags: [t:u]}, a/b/both]}
"""
    resolved = resolve(parse_spec(HEAD + text, FILE))
    assert resolved.diagnostics == ()
    sender = Principal(account="a", user="z")
    user = Principal(account="a/b", user="u")
    kinds = [
        (t.who, t.action, t.subject, t.allowed) for t in resolved.backend.tests if isinstance(t, Decision)
    ]
    assert kinds == [
        (user, "subscribe", "y q", True),
        (user, "publish", "x", True),
        (user, "request", "z", False),
        (Principal(account="a/b", role="both", name="someone"), "publish", "x", True),
    ]
    assert resolved.backend.tests[-1] == Delivery(
        sender=sender,
        subject="s",
        not_reaches=(
            Principal(account="a/b", role="r", name="al", tags=("t:u",)),
            Principal(account="a/b", user="both"),
        ),
    )


@pytest.mark.parametrize(
    ("test", "code"),
    [
        ("{}", "test-shape"),
        ("{as: web/one}", "test-shape"),
        ("{as: web/one, reaches: [web/one]}", "test-shape"),
        ("{as: web/one, can: {}, message: {from: web/one, subject: a}, reaches: []}", "test-shape"),
        ("{can: {}}", "test-shape"),
        ("{message: {from: web/one, subject: a}}", "test-shape"),
        ("{message: {from: web/one, subject: a}, reaches: [web/one], can: {}}", "test-shape"),
        ("{as: {}, can: {}}", "test-principal"),
        ("{as: {name: x}, can: {}}", "test-principal"),
        ("{as: {user: web/one, role: web/r}, can: {}}", "test-principal"),
        ("{as: {user: web/one, tags: [a]}, can: {}}", "test-principal"),
        ("{as: {role: web/r, name: '*'}, can: {}}", "test-principal"),
        ("{as: {role: web/r, tags: ['a:*']}, can: {}}", "test-principal"),
        ("{as: web/on, can: {}}", "unknown-principal"),
        ("{as: {user: web/r}, can: {}}", "unknown-principal"),
        ("{as: {role: web/one}, can: {}}", "unknown-principal"),
        ("{as: one, can: {}}", "unknown-principal"),
        ("{as: /one, can: {}}", "unknown-principal"),
        ("{as: web/, can: {}}", "unknown-principal"),
    ],
)
def test_a_policy_test_that_could_not_be_tried(test: str, code: str) -> None:
    text = f"accounts: {{web: {{users: {{one: {{}}}}, roles: {{r: {{ttl: 1m}}}}}}}}\ntests:\n  - {test}\n"
    assert [f.code for f in findings(HEAD + text)] == [code]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("accounts: {a: {exports: [{}]}}", 26),
        ("accounts: {a: {exports: [{stream: a, service: a}]}}", 26),
        ("accounts: {b: {}, a: {imports: [{from: b}]}}", 33),
    ],
)
def test_an_export_or_import_is_of_one_kind(text: str, column: int) -> None:
    assert [(f.code, f.at and f.at.col) for f in findings(HEAD + text)] == [("one-kind", column)]


@pytest.mark.parametrize("words", ["", "tls: {cert_file: a, key_file: b}, no_tls: true"])
def test_a_websocket_has_tls_or_says_that_it_has_none(words: str) -> None:
    assert [f.code for f in findings(f"{HEAD}server: {{websocket: {{{words}}}}}")] == ["websocket-tls"]


# --- mutation ---


def assert_handled(text: str, project: Project) -> bool:
    """Hold a spec to its promise: findings with places, or a tree that can be made and that the Go library takes.

    Tell whether it was sound.
    """
    try:
        resolved = resolve(parse_spec(text, FILE))
    except SpecError as e:
        assert_shown(e.diagnostics)
        return False
    found = (*resolved.diagnostics, *check(resolved.backend))
    assert_shown(found)
    if any(f.severity is Severity.ERROR for f in found):
        return False
    try:
        tree = plan_tree(Opened(resolved.backend, found), project, now=NOW, entropy=counted_entropy())
    except SpecError as e:  # what only keys and the time tell
        assert_shown(e.diagnostics)
        return False
    assert tree.tokens.keys() >= {account.path for account in resolved.backend.accounts.values()}
    for token in tree.tokens.values():
        assert [issue for issue in validate(decode(token), now=NOW) if issue.blocking] == []
    return True


def assert_shown(found: Iterable[Diagnostic]) -> None:
    """Every finding has a place, and few words on one line each."""
    for one in found:
        assert one.at is not None
        assert one.message.isprintable()
        assert (one.hint or "").isprintable()
        assert len(f"{one.message}{one.hint}") < 4000
    assert all(isinstance(text, str) for text in render_diagnostics(found))


def test_a_spec_that_is_almost_right_is_refused_or_can_be_generated(tmp_path: Path) -> None:
    sound = [assert_handled(mutated(seed), Project(tmp_path)) for seed in range(SHORT_CASES)]
    assert 0.02 < sum(sound) / SHORT_CASES < 0.9  # both ways are gone


@pytest.mark.slow
def test_a_spec_that_is_almost_right_is_refused_or_can_be_generated_at_length(tmp_path: Path) -> None:
    for seed in range(SHORT_CASES, SLOW_CASES):
        try:
            assert_handled(mutated(seed), Project(tmp_path))
        except BaseException as e:
            e.add_note(f"the seed of the mutation is {seed}")
            raise


@given(st.text(max_size=60))
@settings(max_examples=200)
def test_any_text_in_the_place_of_a_value_is_handled(text: str) -> None:
    value = json.dumps(text)
    spec = f"{HEAD}accounts: {{{value}: {{users: {{{value}: {{publish: [{value}], tags: [{value}]}}}}}}}}\n"
    spec += f"server: {{name: {value}, listen: {value}, resolver: {{dir: {value}}}}}\n"
    assert_shown(findings(spec))
