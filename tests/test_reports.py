"""What `check` says to other programs: each format is a sound document, whatever stands in the spec."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cli import Ran, environment, natsbackend, natsbackend_here

from natsbackend.cli.catalogue import rules
from natsbackend.cli.options import CheckFormat
from natsbackend.cli.reports import Report, to_github, to_json, to_junit, to_sarif
from natsbackend.errors import Diagnostic, Location, Severity
from natsbackend.model.switched import Silenced, SwitchedOff

ROOT = PurePosixPath("/srv/project")
DOCUMENTS = [form.value for form in CheckFormat if form is not CheckFormat.HUMAN]
BAD = """\
version: 1
operator: {name: acme}
accounts:
  web:
    imports: [{from: shöp, stream: a}]
    roles: {viewer: {websocket: true}, other: {websocket: true, ttl: 15m}}
server: {websocket: {no_tls: true, cookie: {name: t}, allowed_origins: [https://app.example.com]}}
checks: {off: {role-without-ttl: "five minutes, each"}}
"""
WARNED = """\
version: 1
operator: {name: acme}
accounts: {web: {roles: {viewer: {websocket: true}}}}
server: {websocket: {no_tls: true, cookie: {name: t}, allowed_origins: [https://app.example.com]}}
"""


def found(message: str = "no", at: Location | None = None, **more: Any) -> Diagnostic:
    return Diagnostic(code="import-cycle", message=message, at=at, **more)


def report(*findings: Diagnostic, spec: str = "natsbackend.yaml", **more: Any) -> Report:
    return Report(spec=spec, root=ROOT, findings=findings, **more)


def sarif(made: Report) -> dict[str, Any]:
    """Return the one run of a log, as a reader of the text sees it."""
    log = json.loads(json.dumps(to_sarif(made, rules(), "1.2.3")))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert set(run) == {"tool", "columnKind", "results"}
    assert run["columnKind"] == "unicodeCodePoints"
    return dict(run)


def checked(tmp_path: Path, text: str, form: str, code: int, *more: str) -> Ran:
    (tmp_path / "natsbackend.yaml").write_text(text, encoding="utf-8")
    return natsbackend_here("check", "--format", form, *more, cwd=tmp_path, code=code)


# --- SARIF ---


def test_a_log_lists_every_rule_once_with_its_level() -> None:
    listed = sarif(report())["tool"]["driver"]["rules"]
    ids = [rule["id"] for rule in listed]
    assert len(ids) == len(set(ids))
    assert {"yaml-syntax", "import-cycle", "role-without-ttl"} <= set(ids)
    for rule in listed:
        assert rule["shortDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning")
    levels = {rule["id"]: rule["defaultConfiguration"]["level"] for rule in listed}
    assert (levels["role-without-ttl"], levels["import-cycle"]) == ("warning", "error")


def test_a_result_points_to_its_rule_its_file_and_its_columns() -> None:
    run = sarif(report(found("a circle", Location("sub/x.yaml", 3, 7, 5), hint="break it")))
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "import-cycle"
    assert result["level"] == "error"
    assert result["message"]["text"] == "a circle\nhint: break it"
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "sub/x.yaml"},
                "region": {"startLine": 3, "startColumn": 7, "endColumn": 12},
            }
        }
    ]
    assert result["suppressions"] == []


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("a b/ü#1%.yaml", "a%20b/%C3%BC%231%25.yaml"),
        ("c:d.yaml", "c%3Ad.yaml"),
        ("./x.yaml", "x.yaml"),
        ("../x.yaml", "../x.yaml"),
        ("/srv/project/sub/x.yaml", "sub/x.yaml"),
        ("/elsewhere/x y.yaml", "file:///elsewhere/x%20y.yaml"),
        ("\udcff.yaml", "%FF.yaml"),
    ],
)
def test_a_file_is_named_by_a_uri_from_the_root_of_the_project(file: str, uri: str) -> None:
    (result,) = sarif(report(found(at=Location(file, 1, 1))))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_a_finding_without_a_place_is_one_of_the_spec() -> None:
    (result,) = sarif(report(found(), spec="a.yaml"))["results"]
    assert result["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "a.yaml"}}}]


def test_what_is_switched_off_is_suppressed_with_its_reason_and_place() -> None:
    off = SwitchedOff(code="role-without-ttl", reason="five minutes", at=Location("x.yaml", 9, 3, 4))
    warning = Diagnostic(code="role-without-ttl", message="no ttl", severity=Severity.WARNING)
    (result,) = sarif(report(silenced=(Silenced(finding=warning, off=off),)))["results"]
    (suppression,) = result["suppressions"]
    assert (suppression["kind"], suppression["justification"]) == ("inSource", "five minutes")
    assert suppression["location"]["physicalLocation"]["region"]["startLine"] == 9


def test_columns_are_those_of_characters_not_bytes(tmp_path: Path) -> None:
    (tmp_path / "natsbackend.yaml").write_text(
        'version: 1\noperator: {name: "🙂🙂", systm_account: x}\n', encoding="utf-8"
    )
    run = natsbackend_here("check", "--format", "sarif", cwd=tmp_path, code=1).json["runs"][0]
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 2, "startColumn": 24, "endColumn": 37}


# --- GitHub ---


def test_a_finding_is_a_workflow_command_with_its_place() -> None:
    made = report(
        found("bad", Location("a.yaml", 3, 7, 5), hint="mend it"),
        found("hm", Location("/srv/project/b.yaml", 1, 1), severity=Severity.WARNING),
        found("nowhere"),
    )
    assert to_github(made).splitlines() == [
        "::error file=a.yaml,line=3,col=7,endColumn=12,title=import-cycle::bad%0Ahint: mend it",
        "::warning file=b.yaml,line=1,col=1,endColumn=2,title=import-cycle::hm",
        "::error file=natsbackend.yaml,title=import-cycle::nowhere",
    ]


def test_commands_are_escaped_as_the_toolkit_does() -> None:
    text = to_github(report(found("100%: a,b\r\n::warning::x", Location("a:b,c%\n.yaml", 1, 1))))
    assert text == (
        "::error file=a%3Ab%2Cc%25%0A.yaml,line=1,col=1,endColumn=2,title=import-cycle"
        "::100%25: a,b%0D%0A::warning::x\n"
    )


def test_a_clean_spec_gives_no_command(tmp_path: Path) -> None:
    ran = checked(tmp_path, "version: 1\noperator: {name: acme}\n", "github", 0)
    assert (ran.out, ran.err) == ("", "natsbackend.yaml: no findings\n")


# --- JUnit ---


def cases(text: str) -> list[Any]:
    """Return the cases of a document whose counts are right."""
    root = ET.fromstring(text)
    (suite,) = root
    listed = list(suite)
    for holder in (root, suite):
        assert holder.get("tests") == str(len(listed))
        assert holder.get("failures") == str(len(suite.findall("testcase/failure")))
    assert suite.get("skipped") == str(len(suite.findall("testcase/skipped")))
    assert all(case.tag == "testcase" and case.get("name") and case.get("classname") for case in listed)
    return listed


def test_a_clean_spec_is_one_case_that_passes() -> None:
    (case,) = cases(to_junit(report()))
    assert list(case) == []


def test_an_error_is_a_case_that_fails() -> None:
    (case,) = cases(to_junit(report(found("bad <&>", Location("x.yaml", 2, 3), hint="mend it"))))
    (failure,) = case
    assert case.get("name") == "x.yaml:2:3: bad <&>"
    assert (failure.tag, failure.get("type"), failure.get("message")) == (
        "failure",
        "import-cycle",
        "bad <&>",
    )
    assert failure.text == "x.yaml:2:3: error[import-cycle]: bad <&>\nhint: mend it"


@pytest.mark.parametrize(("strict", "tag"), [(False, "system-out"), (True, "failure")])
def test_a_warning_fails_only_where_it_makes_the_exit_code(strict: bool, tag: str) -> None:
    made = report(found(severity=Severity.WARNING), strict=strict)
    (case,) = cases(to_junit(made))
    assert [child.tag for child in case] == [tag]
    assert made.clean is not strict


def test_what_is_switched_off_is_skipped_with_its_reason() -> None:
    each = Silenced(
        finding=found(severity=Severity.WARNING), off=SwitchedOff(code="import-cycle", reason="known")
    )
    (case,) = cases(to_junit(report(silenced=(each,))))
    assert [(child.tag, child.get("message")) for child in case] == [("skipped", "switched off: known")]


# --- whatever stands there ---

_ANY = st.text(st.characters(), max_size=20)
_HOSTILE = st.one_of(_ANY, st.sampled_from(["\x00", "\x1b[31m", "\ud800", "]]>", "\r\n::", "\ufffe", "%0A"]))


_PATHS = st.binary(min_size=1, max_size=20).filter(lambda raw: b"\0" not in raw).map(os.fsdecode)


@given(message=_HOSTILE, file=_PATHS, reason=_HOSTILE)
def test_every_document_is_sound_whatever_the_texts_hold(message: str, file: str, reason: str) -> None:
    one = found(message, Location(file, 1, 1), hint=message)
    off = SwitchedOff(code="import-cycle", reason=reason)
    made = report(one, silenced=(Silenced(finding=one, off=off),), spec=file)
    cases(to_junit(made)[len("<?xml version='1.0' encoding='us-ascii'?>") :])
    for value in (to_sarif(made, rules(), "1"), to_json(made)):
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    for result in sarif(made)["results"]:
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9_.~/%:-]*", uri)
        unquote(uri)
    (line,) = to_github(made).encode("utf-8").splitlines()
    assert re.fullmatch(rb"::error file=[^:,\r\n]*,line=1,col=1,endColumn=2,title=import-cycle::.*", line)


# --- the command ---


@pytest.mark.parametrize("form", DOCUMENTS)
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "spec-unreadable"),
        (b"", "spec-shape"),
        (b"\xff\xfe\x00", "yaml-encoding"),
        (b"a: [\n", "yaml-syntax"),
        (b"%PDF-1.4\n\x00\x01", "yaml-syntax"),
    ],
    ids=["missing", "empty", "binary", "torn", "pdf"],
)
def test_what_is_no_spec_still_gives_a_sound_document(
    tmp_path: Path, form: str, content: bytes | None, code: str
) -> None:
    if content is not None:
        (tmp_path / "natsbackend.yaml").write_bytes(content)
    ran = natsbackend_here("check", "--format", form, "-q", cwd=tmp_path, code=1)
    assert ran.err == ""
    assert code in codes_in(ran, form)


def codes_in(ran: Ran, form: str) -> list[str]:
    """Return the ids of the findings in a document."""
    if form == "json":
        return [each["code"] for each in ran.json["findings"]]
    if form == "sarif":
        return [each["ruleId"] for each in ran.json["runs"][0]["results"] if not each["suppressions"]]
    if form == "junit":
        failed = [case for case in cases(ran.out) if case.find("failure") is not None]
        return [str(case.get("classname")).removeprefix("natsbackend.") for case in failed]
    return re.findall(r"title=([a-z-]+)::", ran.out)


@pytest.mark.parametrize("form", DOCUMENTS)
def test_every_format_says_the_same_with_the_same_exit_code(tmp_path: Path, form: str) -> None:
    assert codes_in(checked(tmp_path, BAD, form, 1), form) == ["import-unknown-account"]
    checked(tmp_path, WARNED, form, 0)
    assert codes_in(checked(tmp_path, WARNED, form, 1, "--strict"), form) == ["role-without-ttl"]


def test_json_lists_what_is_switched_off_with_its_reason(tmp_path: Path) -> None:
    answer = checked(tmp_path, BAD, "json", 1).json
    assert set(answer) == {"format", "sound", "findings", "switched_off"}
    (off,) = answer["switched_off"]
    assert (off["code"], off["severity"], off["reason"]) == (
        "role-without-ttl",
        "warning",
        "five minutes, each",
    )
    assert (off["file"], off["line"]) == ("natsbackend.yaml", 6)


def test_a_person_is_told_how_many_findings_are_switched_off(tmp_path: Path) -> None:
    ran = checked(tmp_path, BAD, "human", 1)
    assert ran.err == "natsbackend.yaml: 1 error, 1 switched off\n"
    assert "role-without-ttl" not in ran.out
    off = WARNED + "checks: {off: {role-without-ttl: known}}\n"
    assert checked(tmp_path, off, "human", 0, "--strict").err.endswith("no findings, 1 switched off\n")


def test_what_is_switched_off_is_not_said_by_generate_either(tmp_path: Path) -> None:
    (tmp_path / "natsbackend.yaml").write_text(WARNED, encoding="utf-8")
    assert "role-without-ttl" in natsbackend_here("generate", "--check", cwd=tmp_path, code=3).err
    off = WARNED + "checks: {off: {role-without-ttl: known}}\n"
    (tmp_path / "natsbackend.yaml").write_text(off, encoding="utf-8")
    assert "role-without-ttl" not in natsbackend_here("generate", "--check", cwd=tmp_path, code=3).err


def test_an_answer_that_the_terminal_has_no_characters_for_is_escaped(tmp_path: Path) -> None:
    (tmp_path / "natsbackend.yaml").write_text(BAD, encoding="utf-8")
    ran = natsbackend("check", cwd=tmp_path, code=1, env=environment(PYTHONIOENCODING="ascii"))
    assert "sh\\xf6p" in ran.out
