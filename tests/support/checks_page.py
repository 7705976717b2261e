"""`docs/checks.md` as data: its groups and sections, the contents it should have, and the ids that the code knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from natsbackend.claims.advice import ADVICE
from natsbackend.claims.imported import CODE, EXPIRED
from natsbackend.cli.catalogue import SHAPE
from natsbackend.model.checks import CHECKS
from natsbackend.model.checks.life import LIFE
from natsbackend.workflow.inspect import CREDS_CHECKS

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "checks.md"

_GROUP = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_SECTION = re.compile(
    r"^### `([a-z0-9-]+)` \((error|warning|advice)\)\n(.*?)(?=^### |\Z)", re.MULTILINE | re.DOTALL
)
_BODY = re.compile(
    r"\s*(?P<what>\S.*?)\n+\*\*Why\.\*\* (?P<why>\S.*?)\n+\*\*Fix\.\*\* (?P<fix>\S.*?)\n+"
    r"```(?P<language>yaml|text)(?: encoding=(?P<encoding>[\w-]+))?\n(?P<example>.+?)^```\s*",
    re.MULTILINE | re.DOTALL,
)
_CONTENTS = re.compile(r"(^## Contents\n\n).*?\n(?=## )", re.MULTILINE | re.DOTALL)
_GIVEN = re.compile(r'(?:code=|_stop\(|say\()\s*"([a-z]+(?:-[a-z]+)*)"')
_RULES = re.compile(r"^\| rule \|.*\n\|[-|]+\n((?:\|.*\n)+)", re.MULTILINE)
_OWN_RULE = re.compile(r'"(decode-[a-z0-9-]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What the page says about one id."""

    group: str
    code: str
    kind: str
    """`error`, `warning` or `advice`, as in the heading."""
    body: str

    @property
    def title(self) -> str:
        """Id and kind: an id can be both a check of specs and advice about tokens."""
        return f"{self.code} {self.kind}"

    @property
    def parts(self) -> Mapping[str, str | None]:
        """What, why, fix and example; the keys are the names of those parts."""
        match = _BODY.fullmatch(self.body)
        assert match, f"{self.title}: not what it finds, **Why.**, **Fix.** and a fenced block, in this order"
        return match.groupdict()

    @property
    def example(self) -> bytes:
        """The spec or message that is shown, in the encoding that the block asks for."""
        return str(self.parts["example"]).encode(self.parts["encoding"] or "utf-8")


def sections(text: str) -> Iterator[Section]:
    """Return the sections of a page, in its order."""
    for group in _GROUP.finditer(text):
        for found in _SECTION.finditer(group[2]):
            yield Section(group=group[1], code=found[1], kind=found[2], body=found[3])


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def contents(text: str) -> str:
    """Return the list of contents that a page should have: each group with its ids."""
    lines: dict[str, list[str]] = {group[1]: [] for group in _GROUP.finditer(text) if group[1] != "Contents"}
    for section in sections(text):
        target = anchor(f"`{section.code}` ({section.kind})")
        lines[section.group].append(f"[`{section.code}`](#{target})")
    return "".join(
        f"- [{group}](#{anchor(group)}){': ' if ids else ''}{', '.join(ids)}\n"
        for group, ids in lines.items()
    )


def with_contents(text: str) -> str:
    """Return a page with the contents it should have, and all else as it is."""
    return _CONTENTS.sub(lambda found: f"{found[1]}{contents(text)}\n", text)


def ids_of_specs() -> set[str]:
    """Return every id that the code gives a finding about a spec: rules, and what stands in the sources."""
    parts = ("spec", "model", "claims", "workflow")
    sources = [path for part in parts for path in (ROOT / "natsbackend" / part).rglob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in sources]
    return {code for text in texts for code in _GIVEN.findall(text)} | {*CHECKS, *LIFE, *SHAPE, CODE, EXPIRED}


def ids_of_advice() -> set[str]:
    """Return every id of advice about tokens and creds."""
    return {*ADVICE, *CREDS_CHECKS}


def rules_in(text: str) -> list[str]:
    """Return the ids that stand first in the rows of the tables of rules."""
    rows = (row for table in _RULES.findall(text) for row in table.splitlines())
    return [row.split("`")[1] for row in rows]


def official_rules() -> set[str]:
    """Return the rules that the vectors of the Go library know, and those of decoding that the code names."""
    known = rules_in((ROOT / "tests" / "vectors" / "README.md").read_text(encoding="utf-8"))
    sources = (ROOT / "natsbackend" / "claims").rglob("*.py")
    own = {rule for path in sources for rule in _OWN_RULE.findall(path.read_text(encoding="utf-8"))}
    return {*known, *own}
