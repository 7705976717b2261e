"""Every rule fires on what it is for, and keeps silent on what is close to it and sound."""

from __future__ import annotations

import pytest
from support.findings import codes, findings, with_head
from support.rules import EXPORTS, RULES, SHARING

from natsbackend.errors import Severity
from natsbackend.model.checks import CHECKS, SWITCHABLE, WARNINGS, Judged, judge
from natsbackend.model.resolve import resolve
from natsbackend.spec.load import parse_spec


def test_every_rule_is_tried_here() -> None:
    assert set(RULES) == set(CHECKS)
    assert all(rule.breaks and rule.keeps for rule in RULES.values())


@pytest.mark.parametrize(
    ("code", "text"), [(code, text) for code, rule in RULES.items() for text in rule.breaks]
)
def test_a_rule_fires(code: str, text: str) -> None:
    found = [f for f in findings(with_head(text)) if f.code == code]
    assert found
    assert {f.severity for f in found} == {Severity.WARNING if code in WARNINGS else Severity.ERROR}
    assert all(f.at is not None for f in found)


@pytest.mark.parametrize(
    ("code", "text"), [(code, text) for code, rule in RULES.items() for text in rule.keeps]
)
def test_a_rule_keeps_silent_about_a_near_miss(code: str, text: str) -> None:
    found = codes(with_head(text))
    assert code not in found
    assert not found & {"yaml-syntax", "unknown-word", "spec-value", "spec-null", "missing-word"}


@pytest.mark.parametrize(("code", "check"), CHECKS.items())
def test_a_rule_reports_under_its_own_id(code: str, check: object) -> None:
    for text in RULES[code].breaks:
        found = {f.code for f in findings(with_head(text))}
        assert code in found
        assert found <= {*CHECKS}


def test_findings_come_in_the_order_of_the_spec() -> None:
    text = with_head(
        "accounts:\n  web: {users: {one: {publish: [a..b]}}}\n  WEB: {}\nserver: {name: 'a b'}\n"
    )
    assert [f.code for f in findings(text)] == ["permission-subject", "name-collision", "server-name"]


def test_two_equal_exports_are_one_finding() -> None:
    text = with_head(EXPORTS % "{stream: a}, {stream: a}")
    assert [(f.code, f.at and f.at.col) for f in findings(text)] == [("export-overlap", 42)]


def test_a_circle_is_reported_once() -> None:
    found = [f for f in findings(with_head(RULES["import-cycle"].breaks[0])) if f.code == "import-cycle"]
    assert len(found) == 1


def test_an_export_is_found_among_thousands_in_time_that_grows_with_their_number_alone() -> None:
    exports = ", ".join(f"{{stream: s.{i}.>}}" for i in range(3000))
    imports = ", ".join(f"{{from: back, stream: s.{i}.x}}" for i in range(3000))
    assert codes(with_head(SHARING % (exports, imports))) == set()


# --- checks that are switched off ---


def judged(text: str) -> Judged:
    return judge(resolve(parse_spec(with_head(text), "spec.yaml")).backend)


def test_only_rules_are_said_to_warn() -> None:
    assert CHECKS.keys() >= WARNINGS


@pytest.mark.parametrize("code", sorted(SWITCHABLE & CHECKS.keys()))
def test_a_warning_that_is_switched_off_is_silenced_with_its_reason(code: str) -> None:
    text = with_head(RULES[code].breaks[0]) + f"\nchecks: {{off: {{{code}: 'it is known'}}}}\n"
    before, after = judged(RULES[code].breaks[0]), judged(text)
    assert [f.message for f in after.findings] == [f.message for f in before.findings if f.code != code]
    assert [s.finding.message for s in after.silenced] == [
        f.message for f in before.findings if f.code == code
    ]
    assert {(s.off.code, s.off.reason) for s in after.silenced} == {(code, "it is known")}


def test_an_error_is_said_whatever_is_switched_off() -> None:
    text = "accounts: {web: {imports: [{from: shop, stream: a}]}}\nchecks: {off: {import-unknown-account: known}}"
    assert {f.code for f in judged(text).findings} == {"import-unknown-account", "check-off"}
    assert judged(text).silenced == ()


def test_what_is_switched_off_without_a_reason_is_said_all_the_same() -> None:
    assert {"role-without-ttl", "check-off"} <= codes(with_head(RULES["check-off"].breaks[-1]))
    assert "check-off-unused" not in codes(with_head(RULES["check-off"].breaks[-1]))


@pytest.mark.parametrize(
    ("off", "message", "hint"),
    [
        ("role-without-tll: x", "there is no check 'role-without-tll'", "did you mean 'role-without-ttl'?"),
        ("frobnicate: x", "there is no check 'frobnicate'", "the id stands in brackets behind `warning`"),
        (
            "import-cycle: x",
            '"import-cycle" finds errors, which cannot be switched off',
            "mend what it finds, and take this line out",
        ),
    ],
)
def test_what_cannot_be_switched_off_is_said_with_the_way_out(off: str, message: str, hint: str) -> None:
    (found,) = findings(with_head(f"checks: {{off: {{{off}}}}}"))
    assert (found.message, found.hint) == (message, hint)
    assert str(found.at) == "spec.yaml:3:16"
