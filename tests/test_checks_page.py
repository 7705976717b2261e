"""`docs/checks.md` has a section for every id, and each section shows what gives rise to its id.

`UPDATE_GOLDEN=1 pytest tests/test_checks_page.py` writes the list of contents anew; the sections are written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

import pytest
from support.checks_page import (
    PAGE,
    Section,
    anchor,
    ids_of_advice,
    ids_of_specs,
    official_rules,
    rules_in,
    sections,
    with_contents,
)
from support.golden import updating
from test_inspect import ACCOUNT, FIRES, LIMITS, NOW, USER, creds_text, user

from natsbackend.claims.codec import Claims, TokenKind, sign
from natsbackend.errors import Diagnostic, SpecError
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.model.checks.life import Moment
from natsbackend.workflow.inspect import inspect_text
from natsbackend.workflow.opening import examined

TEXT = PAGE.read_text(encoding="utf-8")
SECTIONS = list(sections(TEXT))
OF_SPECS = [section for section in SECTIONS if section.kind != "advice"]
OF_ADVICE = [section for section in SECTIONS if section.kind == "advice"]


MOMENT = Moment(now=1_790_000_000)  # 2026-09-21; the specs about time are written for it
BESIDE: Mapping[str, frozenset[str]] = {"validity-order": frozenset({"not-yet-valid"})}
"""Ids that come along with the one that a section's spec is for, where no spec has that one alone."""

ELSEWHERE: Mapping[str, str] = {
    "import-dropped": "test_push_dropped.py",
    "import-token-expired": "test_import_tokens.py",
    "secret-file": "test_secret_files.py",
    "secret-missing": "test_secret_files.py",
    "spec-unreadable": "test_reports.py",
    "was-unknown": "test_new_identities.py",
}
"""Ids that no spec gives rise to by itself, and the test that fires them; their sections show the message."""


def _title(section: Section) -> str:
    return section.title


def test_every_id_about_a_spec_has_one_section_and_no_other_is_there() -> None:
    ids = ids_of_specs()
    assert {"yaml-tag", "listen", "unknown-principal", "import-cycle"} <= ids
    assert sorted(section.code for section in OF_SPECS) == sorted(ids)


def test_every_id_about_a_token_has_one_section_and_no_other_is_there() -> None:
    ids = ids_of_advice()
    assert {"token-jti", "creds-seed"} <= ids
    assert sorted(section.code for section in OF_ADVICE) == sorted(ids)


def test_every_heading_of_an_id_was_read() -> None:
    assert len(re.findall(r"^###", TEXT, re.MULTILINE)) == len(SECTIONS)


@pytest.mark.parametrize("section", SECTIONS, ids=_title)
def test_a_section_says_what_why_and_how_to_fix_it(section: Section) -> None:
    parts = section.parts
    is_message = section.kind == "advice" or section.code in ELSEWHERE
    assert parts["language"] == ("text" if is_message else "yaml")
    for part in ("what", "why", "fix"):
        said = str(parts[part])
        assert said.endswith((".", ":", "`")), part
        assert "\n\n" not in said, part
        assert "**" not in said, part


def _findings(file: Path) -> tuple[Diagnostic, ...]:
    try:
        return examined(str(file), MOMENT).judged.findings
    except SpecError as e:
        return e.diagnostics


@pytest.mark.parametrize(("code", "file"), ELSEWHERE.items())
def test_what_no_spec_gives_rise_to_is_tried_elsewhere(code: str, file: str) -> None:
    assert code in (Path(__file__).parent / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("section", [s for s in OF_SPECS if s.code not in ELSEWHERE], ids=_title)
def test_the_spec_of_a_section_gives_rise_to_its_id_and_to_nothing_else(
    section: Section, tmp_path: Path
) -> None:
    file = tmp_path / "natsbackend.yaml"
    file.write_bytes(section.example)
    found = {(f.code, str(f.severity)) for f in _findings(file)}
    assert {pair for pair in found if pair[0] not in BESIDE.get(section.code, ())} == {
        (section.code, section.kind)
    }


def _messages() -> Mapping[str, set[str]]:
    """The messages that tokens which give rise to an id of advice get, by id."""
    account = Claims(kind=TokenKind.ACCOUNT, subject=ACCOUNT.public, name="a", nats={"limits": LIMITS})
    creds = creds_text(user())
    operator = KeyPair(KeyRole.OPERATOR, b"o" * 32)
    tokens = [wrong for wrong, _ in FIRES.values()]
    tokens += [creds.replace(USER.reveal_seed(), ""), creds.replace(user(), sign(account, operator, 1))]
    told = sorted((a.check, a.message) for token in tokens for a in inspect_text(token, now=NOW).advice)
    return {
        code: {message for _, message in pairs} for code, pairs in groupby(told, key=lambda pair: pair[0])
    }


MESSAGES = _messages()


@pytest.mark.parametrize("section", OF_ADVICE, ids=_title)
def test_the_message_of_a_section_is_what_is_really_said(section: Section) -> None:
    shown = section.example.decode().rstrip("\n").removeprefix(f"advice[{section.code}]: ")
    pattern = re.compile(re.escape(shown).replace("…", ".+"))
    assert any(pattern.fullmatch(message) for message in MESSAGES[section.code]), MESSAGES[section.code]


def test_the_contents_name_every_section_in_order() -> None:
    wanted = with_contents(TEXT)
    assert all(f"[`{section.code}`](#{section.code}-{section.kind})" in wanted for section in SECTIONS)
    if updating():
        PAGE.write_text(wanted, encoding="utf-8", newline="")
    else:
        assert wanted == TEXT, "run this test with UPDATE_GOLDEN=1"


def test_every_link_within_the_page_leads_to_a_heading() -> None:
    plain = re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)
    anchors = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", plain, re.MULTILINE)}
    assert {target for target in re.findall(r"\]\(#([^)]+)\)", plain) if target not in anchors} == set()


def test_the_table_of_official_rules_is_complete() -> None:
    assert sorted(rules_in(TEXT)) == sorted(official_rules())


def test_a_section_without_one_of_its_parts_is_found() -> None:
    parts = "It finds.\n**Why.** So.\n**Fix.** Thus.\n```yaml\nversion: 1\n```\n"
    good = f"## G\n\n### `a-b` (error)\n{parts}\n### `c` (advice)\n"
    first, second = sections(good)
    assert (first.code, first.kind, first.example, second.code) == ("a-b", "error", b"version: 1\n", "c")
    bad = next(sections(good.replace("**Fix.** Thus.\n", "")))
    with pytest.raises(AssertionError, match="a-b error"):
        _ = bad.parts
