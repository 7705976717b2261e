"""What the JSON Schema and `docs/spec.md` say of each word is complete, and true."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from support.golden import FOLDERS, SOUND, SPEC, tree
from support.schema import SCHEMA, VALIDATOR, WORDS, complaints, key, spec_with

from natsbackend.claims.build import build
from natsbackend.claims.sharing import activations
from natsbackend.cli.reference_spec import default_in_words, flow, spec_page
from natsbackend.errors import SpecError
from natsbackend.project import Project
from natsbackend.render.server_conf import server_config
from natsbackend.spec import nodes
from natsbackend.spec.load import parse_spec
from natsbackend.spec.schema_words import Word

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "spec.md"
UNIQUE = {(word.owner, word.name): word for word in WORDS}
"""Every word once, at its first place."""
_PLACES = {each: [word for word in WORDS if (word.owner, word.name) == each] for each in UNIQUE}


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == spec_page(), "run `make docs`"


def test_every_link_within_the_page_leads_to_a_heading() -> None:
    text = PAGE.read_text(encoding="utf-8")
    headings = re.findall(r"^##+ (.+)$", text, re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert len(set(anchors)) == len(anchors)
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) <= set(anchors)


def test_every_word_stands_on_the_page() -> None:
    shown = re.findall(r"^\*\*`(\w+)`\*\*", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(shown) == sorted(name for _, name in UNIQUE)


@pytest.mark.parametrize("word", list(UNIQUE.values()), ids=lambda word: word.path)
def test_a_word_is_described_with_an_example_its_default_and_what_it_becomes(word: Word) -> None:
    known = word.schema
    said, default = default_in_words(known)
    assert len(said) > 3
    assert said.endswith(".")
    assert "-1" not in said
    assert word.required or default
    assert "x-becomes" in known
    shows_its_values = known.get("type") == "boolean" or "enum" in known or "const" in known
    assert shows_its_values or known.get("examples")


_EXAMPLES = [(word, example) for word in WORDS for example in word.schema.get("examples", ())]


@pytest.mark.parametrize(
    ("word", "example"), _EXAMPLES, ids=[f"{word.path}={flow(e)[:20]}" for word, e in _EXAMPLES]
)
def test_an_example_is_taken_by_the_loader_and_by_the_schema(word: Word, example: Any) -> None:
    spec = spec_with(word, example)
    parse_spec(json.dumps(spec), "spec.yaml")
    assert [error.message for error in VALIDATOR.iter_errors(spec)] == []
    shown = f"{word.name}: {flow(example)}\n"
    assert nodes.parse(shown, "spec.yaml").root.plain == {word.name: example}


_DEFAULTS = [word for word in WORDS if "default" in word.schema]


@pytest.mark.parametrize("word", _DEFAULTS, ids=lambda word: word.path)
def test_a_default_may_be_written_out(word: Word) -> None:
    spec = spec_with(word, word.schema["default"])
    written = parse_spec(json.dumps(spec), "spec.yaml").model
    assert [error.message for error in VALIDATOR.iter_errors(spec)] == []
    del _parent(spec, word)[word.name]
    assert written == parse_spec(json.dumps(spec), "spec.yaml").model


def _parent(spec: Any, word: Word) -> Any:
    for step in word.path.split(".")[:-1]:
        spec = spec[key(step)]
        spec = spec[0] if step.endswith("[]") else spec
    return spec


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert '"null"' not in json.dumps(SCHEMA)
    maps = [SCHEMA, *SCHEMA["$defs"].values()]
    assert all(each["additionalProperties"] is False and each["description"] for each in maps)


@pytest.mark.parametrize(
    "spec",
    [*(folder / SPEC for folder in SOUND), *(ROOT / "examples").glob("*/*.yaml")],
    ids=lambda path: path.parent.name,
)
def test_the_schema_takes_every_sound_spec(spec: Path) -> None:
    plain = nodes.parse(spec.read_bytes(), SPEC).root.plain
    assert [(error.json_path, error.message) for error in VALIDATOR.iter_errors(plain)] == []


_BEYOND_A_SCHEMA = (
    "'1500ms' is not a number of whole seconds",
    "'2030-02-30' is not a date",
    "'10.0.0.0/33' is not a network",
    "'fe80::%eth0/64' is not a network",
    "is not a time zone",
    "is never open",
    "it expires before",
    "`websocket: true` means",
    "has a word",
    "is decided by the rest",
    "a number that JSON does not have",
    "'x' has no value",  # in raw claims
)
"""What arithmetic, a list outside the schema, or two values together decide."""


@pytest.mark.parametrize("folder", [f for f in FOLDERS if f not in SOUND], ids=lambda folder: folder.name)
def test_what_the_loader_refuses_the_schema_refuses_at_the_same_line(folder: Path) -> None:
    source = (folder / SPEC).read_bytes()
    try:
        parse_spec(source, SPEC)
    except SpecError as e:
        wrong = [each for each in e.diagnostics if each.code in _SHAPE]
    else:
        wrong = []
    if not wrong:
        return
    root = nodes.parse(source, SPEC).root
    lines = complaints(root.plain, root)
    missed = {each.message for each in wrong if each.at is None or each.at.line not in lines}
    assert {message for message in missed if not any(known in message for known in _BEYOND_A_SCHEMA)} == set()


_SHAPE = {"spec-value", "spec-null", "unknown-word", "missing-word", "spec-version"}


def _paths(value: object, path: str = "") -> Iterator[str]:
    """Every name in claims or a config, as `x-becomes` has it; a key of a map also as `*`."""
    if path:
        yield path
    if isinstance(value, Mapping):
        for name, member in value.items():
            for step in (name, "*"):
                yield from _paths(member, f"{path}.{step}" if path else step)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from _paths(member, f"{path}[]")


def _kind(path: str) -> str:
    """Which output a word at this place is found in."""
    if path.startswith("accounts.NAME.users.NAME."):
        return "user"
    return {"operator": "operator", "server": "config"}.get(path.partition(".")[0], "account")


@functools.cache
def _outputs(folder: Path) -> Mapping[str, frozenset[str]]:
    """Return every name in what a golden spec comes to, by kind of output."""
    with TemporaryDirectory() as empty:
        made = tree(folder, Project(Path(empty)))
    keyring, backend = made.lock.keyring(), made.backend
    found: dict[str, set[str]] = {"operator": set(), "account": set(), "user": set(), "config": set()}
    for one in (*activations(backend, keyring), *build(backend, keyring, made.tokens, made.lock.revoked)):
        claims = one.claims
        envelope = {"name": claims.name, "iss": one.issuer, "exp": claims.expires, "nbf": claims.not_before}
        members = {name: value for name, value in envelope.items() if value} | {"nats": claims.nats}
        found.setdefault(claims.kind.value, set()).update(_paths(members))
    config = server_config(
        backend,
        operator="",
        system_account=keyring[backend.system_account.path],
        preload={},
        accounts={name: keyring[account.path] for name, account in backend.accounts.items()},
        sentinel="eyJ" if backend.server and backend.server.default_sentinel else None,
        creds={
            user.path: "x.creds" for account in backend.accounts.values() for user in account.users.values()
        },
    )
    found["config"].update(_paths(config))
    return {kind: frozenset(paths) for kind, paths in found.items()}


@functools.cache
def _written(folder: Path) -> frozenset[str]:
    """Return the path of each word that a golden spec says something with."""
    return frozenset(_said(parse_spec((folder / SPEC).read_bytes(), SPEC).model, ""))


def _said(value: object, path: str) -> Iterator[str]:
    if isinstance(value, BaseModel):
        for name in value.model_fields_set:
            field = type(value).model_fields[name]
            here = f"{path}.{field.alias or name}".lstrip(".")
            yield here
            yield from _said(getattr(value, name), here)
    elif isinstance(value, dict | list):
        step = ".NAME" if isinstance(value, dict) else "[]"
        for member in value.values() if isinstance(value, dict) else value:
            yield from _said(member, path + step)


_NO_SERVER_READS_IT_BACK = {"accounts.NAME.users.NAME.proxy_required", "accounts.NAME.roles.NAME.claims"}
"""A server takes every golden spec: its users log in without a proxy, and it gives back no member it does not know.
Role and user share the code (`claims.build`), so the other of the two has its proof."""


@pytest.mark.parametrize("words", list(_PLACES.values()), ids=[f"{o or 'Spec'}.{n}" for o, n in _PLACES])
def test_a_word_becomes_what_is_said_where_it_is_written(words: list[Word]) -> None:
    """Held against the outputs of those golden specs that write the word at that place."""
    tried = 0
    for word in words:
        with_it = [folder for folder in SOUND if word.path in _written(folder)]
        kind = _kind(word.path)
        for name in word.becomes if with_it and word.path not in _NO_SERVER_READS_IT_BACK else ():
            where = "config" if (kind, name) == ("operator", "system_account") else kind
            assert any(name in _outputs(folder)[where] for folder in with_it), f"{word.path}: {name}"
            tried += 1
    assert tried or not any(word.becomes for word in words if word.path not in _NO_SERVER_READS_IT_BACK)
