"""What ends soon, what has ended, what has not begun: of the spec, and of what was issued."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cli import natsbackend_here
from support.findings import with_head
from support.golden import counted_entropy

from natsbackend.claims.codec import Claims, TokenKind, read_unverified, sign
from natsbackend.errors import Severity
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.model.checks import Judged, judge
from natsbackend.model.checks.life import LIFE, Ending, Moment, judge_endings, span_of, when
from natsbackend.model.entities import Backend
from natsbackend.model.resolve import resolve
from natsbackend.project import Project
from natsbackend.spec.load import parse_spec
from natsbackend.workflow.expiring import built_endings
from natsbackend.workflow.generate import generate

DAY = 86400
NOW = 1_790_000_000
"""2026-09-21T14:13:20Z."""
TOMORROW, NEXT_YEAR, YESTERDAY = "2026-09-22", "2027-09-21", "2026-09-20"
PLACES = [
    "version: 1\noperator: {{name: acme, {0}: {1}}}",
    "accounts: {{web: {{{0}: {1}}}}}",
    "accounts: {{web: {{users: {{one: {{{0}: {1}}}}}}}}}",
]
"""Where an end or a beginning can be written."""


def backend(text: str) -> Backend:
    return resolve(parse_spec(with_head(text), "spec.yaml")).backend


def judged(text: str, within: int = 30 * DAY) -> Judged:
    return judge(backend(text), Moment(now=NOW, within=within))


def codes(text: str, within: int = 30 * DAY) -> list[str]:
    return [found.code for found in judged(text, within).findings]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("word", "date", "code"),
    [
        ("expires", TOMORROW, "expires-soon"),
        ("expires", YESTERDAY, "expired"),
        ("not_before", TOMORROW, "not-yet-valid"),
    ],
)
def test_an_end_or_a_beginning_is_said_wherever_it_is_written(
    place: str, word: str, date: str, code: str
) -> None:
    (found,) = judged(place.format(word, date)).findings
    assert (found.code, found.severity) == (code, Severity.WARNING)
    assert date in found.message
    assert found.at is not None


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("word", "date"), [("expires", NEXT_YEAR), ("not_before", YESTERDAY)])
def test_what_is_far_away_or_has_begun_is_not_said(place: str, word: str, date: str) -> None:
    assert codes(place.format(word, date)) == []


def test_without_a_moment_nothing_is_said_about_time() -> None:
    assert judge(backend(PLACES[1].format("expires", YESTERDAY))).findings == ()


def test_the_place_is_that_of_the_word() -> None:
    found = judged(
        "accounts:\n  web:\n    expires: 2026-09-22\n    not_before: 2026-09-21T20:00:00Z\n"
    ).findings
    assert [(f.code, f.at and f.at.line) for f in found] == [("expires-soon", 5), ("not-yet-valid", 6)]


@given(st.integers(-100 * DAY, 100 * DAY), st.integers(1, 60 * DAY))
def test_an_end_is_past_or_soon_or_far_and_never_two_of_them(left: int, within: int) -> None:
    ending = Ending(what="x", expires=NOW + left)
    found = [f.code for f in judge_endings([ending], Moment(now=NOW, within=within))]
    expected = ["expired"] if left <= 0 else ["expires-soon"] if left <= within else []
    assert found == expected


@pytest.mark.parametrize("code", LIFE)
def test_what_is_about_time_can_be_switched_off_for_good(code: str) -> None:
    off = f"\nchecks: {{off: {{{code}: 'a robot renews it'}}}}"
    text = "accounts: {a: {expires: 2026-09-22}, b: {expires: 2026-09-20}, c: {not_before: 2026-09-22}}"
    assert sorted([*codes(text + off), code]) == sorted(LIFE)
    assert [s.finding.code for s in judged(text + off).silenced] == [code]
    # a day on which it finds nothing says nothing about the line
    assert codes("accounts: {a: {}}" + off) == []


def test_the_words_of_a_time() -> None:
    assert [span_of(s) for s in (0, 1, 119, 120, 7199, 7200, 2 * DAY - 1, 2 * DAY)] == [
        "0 seconds",
        "1 second",
        "119 seconds",
        "2 minutes",
        "119 minutes",
        "2 hours",
        "47 hours",
        "2 days",
    ]
    assert when(NOW) == "2026-09-21T14:13:20Z"
    assert when(2**63 - 1) == "unix second 9223372036854775807"


# --- what was issued ---


def issued(tmp_path: Path, text: str) -> Project:
    """Generate a spec; return its project."""
    spec = tmp_path / "natsbackend.yaml"
    spec.write_text(with_head(text), encoding="utf-8")
    project = Project(tmp_path)
    generate(spec, project, now=NOW, entropy=counted_entropy())
    return project


def said(text: str, project: Project) -> list[tuple[str, str]]:
    now = backend(text)
    found = judge(now, Moment(now=NOW), built_endings(now, project)).findings
    return [(f.code, f.message.partition(" exp")[0].partition(" has")[0]) for f in found]


def test_what_was_issued_before_the_spec_gave_it_more_time_is_said(tmp_path: Path) -> None:
    project = issued(tmp_path, "accounts: {web: {expires: 2026-09-22}}")
    later = "accounts: {web: {expires: 2027-09-22}}"
    assert said(later, project) == [("expires-soon", str(project.account_jwt("web")))]


def test_the_operator_that_was_issued_is_looked_at_too(tmp_path: Path) -> None:
    project = issued(tmp_path, "version: 1\noperator: {name: acme, expires: 2026-09-20}")
    assert said("accounts: {}", project) == [("expired", str(project.operator_jwt))]


def test_what_ends_when_the_spec_says_is_said_once(tmp_path: Path) -> None:
    text = "accounts: {web: {expires: 2026-09-22}}"
    assert said(text, issued(tmp_path, text)) == [("expires-soon", 'account "web"')]


def test_an_activation_that_an_account_carries_and_that_ends_is_said(tmp_path: Path) -> None:
    text = "accounts: {web: {imports: [{from: back, stream: a}]}, back: {exports: [{stream: a, private: [web]}]}}"
    project = issued(tmp_path, text)
    assert said(text, project) == []
    file = project.account_jwt("web")
    account = read_unverified(file.read_text(encoding="utf-8"))
    imports = account.nats["imports"]
    assert isinstance(imports, list)
    key, operator = KeyPair(KeyRole.ACCOUNT, bytes(32)), KeyPair(KeyRole.OPERATOR, bytes(32))
    ends = Claims(
        kind=TokenKind.ACTIVATION, subject=account.subject, name="a", nats={"subject": "a"}, expires=NOW + DAY
    )
    carried = {"imports": [{**imports[0], "token": sign(ends, key, NOW)}]}
    again = Claims(kind=TokenKind.ACCOUNT, subject=account.subject, name="web", nats=carried)
    file.write_text(sign(again, operator, NOW), encoding="utf-8")
    what = f'the activation of import 1 of account "web" ({file})'
    assert said(text, project) == [("expires-soon", what)]


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff", b"a.e30.b"])
def test_a_build_that_cannot_be_read_ends_nothing(tmp_path: Path, content: bytes) -> None:
    project = issued(tmp_path, "accounts: {web: {}}")
    project.account_jwt("web").write_bytes(content)
    assert said("accounts: {web: {}}", project) == []


# --- the command ---


def test_check_looks_as_far_ahead_as_it_is_told(tmp_path: Path) -> None:
    import time

    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 10 * DAY))
    (tmp_path / "natsbackend.yaml").write_text(with_head(f"accounts: {{web: {{expires: '{soon}'}}}}"))
    assert "warning[expires-soon]" in natsbackend_here("check", cwd=tmp_path).out
    assert natsbackend_here("check", "--expires-within", "9d", "--strict", cwd=tmp_path).out == ""
    natsbackend_here("check", "--expires-within", "11d", "--strict", cwd=tmp_path, code=1)
    wrong = natsbackend_here("check", "--expires-within", "soon", cwd=tmp_path, code=2)
    assert "--expires-within: 'soon' is not a duration" in wrong.err
