"""What `check` found, as other programs read it: JSON, SARIF, GitHub's workflow commands, JUnit's XML.

Pure functions from a report to text; nothing here reads a file. Whatever characters a spec or a path holds, the
result is a sound document of its kind.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from natsbackend.errors import Diagnostic, Location, Severity

if TYPE_CHECKING:
    from natsbackend.cli.catalogue import Rule
    from natsbackend.model.switched import Silenced

_SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What cannot stand in XML 1.0, and the carriage return, which a parser would read as another character."""
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found in a spec."""

    spec: str
    """The file, as it was given."""
    root: PurePath
    """The directory that paths are shown from, if they are below it."""
    findings: tuple[Diagnostic, ...] = ()
    silenced: tuple[Silenced, ...] = ()
    strict: bool = False
    """Warnings count as errors do."""

    @property
    def sound(self) -> bool:
        """Whether there is no error."""
        return not any(found.severity is Severity.ERROR for found in self.findings)

    @property
    def clean(self) -> bool:
        """Whether the exit code is 0."""
        return self.sound and not (self.strict and self.findings)


# --- JSON ---


def to_json(report: Report) -> dict[str, Any]:
    """Return a report as the documented object; members may be added to it, none goes or changes."""
    return {
        "format": 1,
        "sound": report.sound,
        "findings": [finding_json(found) for found in report.findings],
        "switched_off": [
            {**finding_json(each.finding), "reason": _text(each.off.reason)} for each in report.silenced
        ],
    }


def finding_json(found: Diagnostic) -> dict[str, Any]:
    """Return a finding as a JSON object."""
    at = found.at
    return {
        "code": found.code,
        "severity": found.severity.value,
        "message": _text(found.message),
        "hint": found.hint and _text(found.hint),
        "file": _text(at.file) if at else None,
        "line": at.line if at else None,
        "column": at.col if at else None,
    }


# --- SARIF 2.1.0 ---


def to_sarif(report: Report, known: Iterable[Rule], version: str) -> dict[str, Any]:
    """Return a report as a SARIF 2.1.0 log of one run.

    What is switched off is there with a suppression, so that a viewer can show it with its reason. `known` are all
    kinds of findings: the log says what was looked for, too.
    """
    rules = [_sarif_rule(rule) for rule in known]
    index = {rule["id"]: position for position, rule in enumerate(rules)}
    results = [_sarif_result(report, found, index) | {"suppressions": []} for found in report.findings]
    for each in report.silenced:
        suppression: dict[str, Any] = {"kind": "inSource", "justification": _text(each.off.reason)}
        if each.off.at is not None:
            suppression["location"] = _sarif_location(report, each.off.at)
        results.append(_sarif_result(report, each.finding, index) | {"suppressions": [suppression]})
    driver = {"name": "natsbackend", "version": version, "semanticVersion": version, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "shortDescription": {"text": rule.title},
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _sarif_result(report: Report, found: Diagnostic, index: dict[str, int]) -> dict[str, Any]:
    result: dict[str, Any] = {"ruleId": found.code}
    if found.code in index:
        result["ruleIndex"] = index[found.code]
    return result | {
        "level": found.severity.value,
        "message": {"text": _text(_with_hint(found))},
        "locations": [_sarif_location(report, found.at)],
    }


def _sarif_location(report: Report, at: Location | None) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(report, at.file if at else report.spec)}}
    if at is not None:
        place["region"] = {"startLine": at.line, "startColumn": at.col, "endColumn": at.col + at.width}
    return {"physicalLocation": place}


def _uri(report: Report, file: str) -> str:
    """Return a file as a relative URI, as code scanning wants it; what lies elsewhere as an absolute one."""
    from urllib.parse import quote

    path = _shown_path(report, file)
    return path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))


def _shown_path(report: Report, file: str) -> PurePath:
    path = PurePath(file)
    return path.relative_to(report.root) if path.is_relative_to(report.root) else path


# --- GitHub ---


def to_github(report: Report) -> str:
    """Return a report as workflow commands, one line a finding: annotations at the lines of a pull request.

    The escapes are those of GitHub's own toolkit (`actions/toolkit`, `packages/core/src/command.ts`).
    """
    return "".join(f"{_command(report, found)}\n" for found in report.findings)


def _command(report: Report, found: Diagnostic) -> str:
    at = found.at
    properties: dict[str, object] = {"file": _shown_path(report, at.file if at else report.spec)}
    if at is not None:
        properties |= {"line": at.line, "col": at.col, "endColumn": at.col + at.width}
    properties["title"] = found.code
    written = ",".join(f"{name}={_github_property(str(value))}" for name, value in properties.items())
    return f"::{found.severity.value} {written}::{_github_data(_with_hint(found))}"


def _github_data(text: str) -> str:
    return _text(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _github_property(text: str) -> str:
    return _github_data(text).replace(":", "%3A").replace(",", "%2C")


# --- JUnit ---


def to_junit(report: Report) -> str:
    """Return a report as JUnit's XML: one suite, one test case for each finding.

    A case has failed where its finding makes the exit code 1, so that the two verdicts agree; another warning passes
    and stands in its output. What is switched off is a skipped case with its reason. Without any of these, one case
    passes: many readers take a suite without cases for one that did not run.
    """
    from xml.etree.ElementTree import Element, SubElement, indent, tostring

    root = Element("testsuites")
    suite = SubElement(root, "testsuite")
    for found in report.findings:
        case = _case(suite, found)
        if found.severity is Severity.ERROR or report.strict:
            failure = SubElement(case, "failure", type=_xml(found.code), message=_xml(found.message))
            failure.text = _xml(str(found))
        else:
            SubElement(case, "system-out").text = _xml(str(found))
    for each in report.silenced:
        SubElement(_case(suite, each.finding), "skipped", message=_xml(f"switched off: {each.off.reason}"))
    if not len(suite):
        SubElement(suite, "testcase", classname="natsbackend.check", name=_xml(report.spec), time="0")
    counts = {"tests": len(suite), "failures": len(suite.findall("*/failure")), "errors": 0}
    for name, count in counts.items():
        root.set(name, str(count))
        suite.set(name, str(count))
    suite.attrib |= {"name": "natsbackend check", "skipped": str(len(report.silenced)), "time": "0"}
    indent(root)
    # plain ASCII with references for the rest: right whatever encoding it is written in
    document: bytes = tostring(root, encoding="us-ascii", xml_declaration=True)
    return document.decode("ascii") + "\n"


def _case(suite: Any, found: Diagnostic) -> Any:
    from xml.etree.ElementTree import SubElement

    place = f"{found.at}: " if found.at else ""
    name = _xml(f"{place}{found.message}")
    return SubElement(suite, "testcase", classname=_xml(f"natsbackend.{found.code}"), name=name, time="0")


# --- text ---


def _with_hint(found: Diagnostic) -> str:
    return f"{found.message}\nhint: {found.hint}" if found.hint else found.message


def _text(text: str) -> str:
    """Return a text that has a UTF-8 form: the bytes of a file's name may come as half surrogate pairs."""
    return _SURROGATES.sub("\ufffd", text)


def _xml(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
