"""What is written about the project stays true: generated files are fresh, links lead somewhere, commands exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from natsbackend.cli.output import render_diagnostics
from natsbackend.cli.reference import commands, options, reference
from natsbackend.errors import SpecError
from natsbackend.spec.load import parse_spec
from natsbackend.spec.schema import json_schema
from natsbackend.workflow.opening import examine

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
_IDS = [page.name for page in PAGES]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROGRAM = "natsbackend"


def fenced(page: Path, *languages: str) -> Iterator[str]:
    """Return the content of each fenced block in one of the languages."""
    for match in _FENCE.finditer(page.read_text(encoding="utf-8")):
        if match[1] in languages:
            yield match[2]


def calls(page: Path) -> Iterator[list[str]]:
    """Return each call of the program as its words: in shell blocks, and in code within a line."""
    text = page.read_text(encoding="utf-8")
    code = re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))
    lines = [line for block in fenced(page, "sh", "console") for line in block.splitlines()]
    for line in (*code, *lines):
        for part in re.split(r"&&|[|;>&]", line):
            words = part.removeprefix("$").split()
            if words and words[0].rpartition("/")[2] == _PROGRAM:
                yield words[1:]


def wrong_with(call: list[str]) -> str | None:
    """Say which word of a call is no command or option, or return None."""
    known = {context.command_path: (command, context) for command, context in commands()}
    path, rest = _PROGRAM, list(call)
    while rest and f"{path} {rest[0]}" in known:
        path = f"{path} {rest.pop(0)}"
    command, context = known[path]
    if hasattr(command, "commands") and rest and not rest[0].startswith("-") and rest[0].islower():
        return f"{path} has no command {rest[0]!r}"
    unknown = [w for w in rest if w.startswith("-") and w.partition("=")[0] not in options(command, context)]
    return f"{path} has no option {unknown[0]}" if unknown else None


def test_a_command_or_option_that_does_not_exist_is_found() -> None:
    assert wrong_with(["up", "--once", "x.yaml"]) is None
    assert wrong_with(["token", "mint", "a/b", "--name", "alice"]) is None
    assert wrong_with(["frobnicate"]) == "natsbackend has no command 'frobnicate'"
    assert wrong_with(["token", "burn"]) == "natsbackend token has no command 'burn'"
    assert wrong_with(["up", "--twice"]) == "natsbackend up has no option --twice"


@pytest.mark.parametrize("page", PAGES, ids=_IDS)
def test_every_command_and_option_that_a_page_shows_exists(page: Path) -> None:
    assert [wrong for call in calls(page) if (wrong := wrong_with(call))] == []


def test_the_readme_shows_every_command() -> None:
    shown = {" ".join([_PROGRAM, *call]) for call in calls(ROOT / "README.md")}
    wanted = {c.command_path for command, c in commands() if not hasattr(command, "commands")}
    assert {path for path in wanted if not any(s.startswith(path) for s in shown)} == set()


def test_the_examples_in_the_help_run_what_exists() -> None:
    examples = [e.split() for e in re.findall(rf"Example: `{_PROGRAM} ([^`]+)`", reference())]
    assert len(examples) > 5
    assert [wrong for example in examples if (wrong := wrong_with(example))] == []


@pytest.mark.parametrize("page", PAGES, ids=_IDS)
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    targets = _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))
    relative = [t.partition("#")[0] for t in targets if "://" not in t and not t.startswith("#")]
    assert [t for t in relative if not (page.parent / t).exists()] == []


def test_a_document_that_the_code_names_is_there() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "natsbackend").rglob("*.py")]
    named = {name for text in texts for name in re.findall(r"docs/[a-z.]+\.(?:md|json)\b", text)}
    assert "docs/architecture.md" in named
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_the_reference_of_the_commands_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == reference(), "run `make docs`"


def test_the_schema_is_fresh() -> None:
    kept = json.loads((ROOT / "docs" / "natsbackend.schema.json").read_text(encoding="utf-8"))
    assert kept == json_schema(), "run `make docs`"


def test_the_spec_in_the_readme_has_no_findings(tmp_path: Path) -> None:
    specs = [block for block in fenced(ROOT / "README.md", "yaml") if block.startswith("version:")]
    assert len(specs) == 1
    file = tmp_path / "natsbackend.yaml"
    file.write_text(specs[0], encoding="utf-8")
    assert examine(str(file))[1] == ()


def test_the_error_in_the_readme_is_what_is_really_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = next(b for b in fenced(ROOT / "README.md", "text") if b.startswith("natsbackend.yaml:"))
    spec = "version: 1\noperator: {name: x}\naccounts:\n  app:\n    roles:\n      visitor:\n" + "\n" * 6
    spec += "        subscrib: [time.>]\n"
    Path("natsbackend.yaml").write_text(spec, encoding="utf-8")
    with pytest.raises(SpecError) as raised:
        parse_spec(spec, "natsbackend.yaml")
    assert "\n".join(render_diagnostics(raised.value.diagnostics)) == shown.rstrip("\n")


@pytest.mark.parametrize("spec", sorted((ROOT / "examples").glob("*/natsbackend.yaml")), ids=str)
def test_every_example_is_sound(spec: Path) -> None:
    assert examine(str(spec))[1] == ()


def test_the_dashboard_template_is_the_dashboard_example() -> None:
    template = ROOT / "natsbackend" / "templates" / "dashboard.yaml"
    assert template.read_bytes() == (ROOT / "examples" / "dashboard" / "natsbackend.yaml").read_bytes()
