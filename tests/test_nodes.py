"""YAML to located nodes: what is read, where it stands, and that no text does more than be refused."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.yamltext import FILE, all_nodes, place, plain, read, refused

from natsbackend.errors import SpecError
from natsbackend.spec.nodes import parse

YAML_BITS = [
    ": ",
    "- ",
    "\n",
    "  ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "<<",
    '"',
    "'",
    "|",
    ">",
    "#",
    "!",
    "!!str ",
    "%YAML",
]
YAML_BITS += [
    "---",
    "...",
    "? ",
    "\t",
    "\r\n",
    "\ufeff",
    "\0",
    "\ud800",
    "\u2028",
    "\x85",
    "null",
    "true",
    "1",
    "é",
    "a",
    "\\",
]
fragments = st.lists(st.sampled_from(YAML_BITS), max_size=40).map("".join)


# --- any text ---

STOPPING = {"yaml-syntax", "yaml-alias", "yaml-key", "yaml-documents", "yaml-encoding", "yaml-too-deep"}


@given(st.one_of(st.text(), st.text(alphabet=st.characters()), fragments, st.binary()))
@settings(max_examples=1000)
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    try:
        document = parse(text, FILE)
    except SpecError as e:
        found = e.diagnostics
        assert {f.code for f in found} <= STOPPING
        return
    lines = 2 + (text.count("\n") if isinstance(text, str) else text.count(b"\n"))
    lines += len(text)  # YAML ends lines at \r, NEL, LS and PS, too
    for node in all_nodes(document.root):
        assert 1 <= node.at.line <= lines
        assert node.at.col >= 1
        assert node.at.width >= 1


# --- agreement with PyYAML ---

NUMBER_OF_1_2 = re.compile(r"0o[0-7]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
"""Texts that `safe_dump` may leave without quotes because they are no numbers in YAML 1.1."""

texts = st.text(alphabet=st.characters(codec="utf-8"), max_size=20).filter(
    lambda text: not NUMBER_OF_1_2.fullmatch(text)
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    texts,
    st.sampled_from(["yes", "12:30", "~"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=20,
)


@given(
    values,
    st.sampled_from([None, True, False]),
    st.sampled_from([None, '"', "'", "|", ">"]),
    st.integers(2, 9),
    st.sampled_from([20, 80, math.inf]),
    st.booleans(),
)
@settings(max_examples=500)
def test_a_document_means_what_pyyaml_reads(
    value: Any, flow: bool | None, style: str | None, indent: int, width: float, unicode: bool
) -> None:
    text = yaml.safe_dump(
        value, default_flow_style=flow, default_style=style, indent=indent, width=width, allow_unicode=unicode
    )
    assert _same(parse(text, FILE).root.plain, yaml.safe_load(text)), text


def _same(ours: Any, theirs: Any) -> bool:
    """Compare what YAML 1.2 and YAML 1.1 make of one text that `safe_dump` wrote."""
    if isinstance(theirs, dict):
        return (
            isinstance(ours, dict)
            and list(ours) == list(theirs)
            and all(_same(a, b) for a, b in zip(ours.values(), theirs.values(), strict=True))
        )
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(_same, ours, theirs))
    return type(ours) is type(theirs) and ours == theirs


@given(values, st.sampled_from([None, True, False]))
@settings(max_examples=200)
def test_a_scalar_stands_where_its_node_says(value: Any, flow: bool | None) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True, width=math.inf)
    lines = [line for part in text.split("\n") for line in part.split("\x85")]
    lines = [line for part in lines for line in part.replace("\u2029", "\u2028").split("\u2028")]
    document = parse(text, FILE)
    for node in all_nodes(document.root):
        if isinstance(node.plain, bool | int) and not isinstance(node.plain, str):
            at = node.at
            written = lines[at.line - 1][at.col - 1 : at.col - 1 + at.width]
            assert yaml.safe_load(written) == node.plain


# --- what a text means ---


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("off", "off"),
        ("true", True),
        ("FALSE", False),
        ("tRUE", "tRUE"),
        ("~", None),
        ("null", None),
        ("", None),
        ("nil", "nil"),
        ("2027-01-31", "2027-01-31"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b1", "0b1"),
        ("-5", -5),
        ("+5", 5),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("1.2.3", "1.2.3"),
        ("--", "--"),
        ("9" * 300, int("9" * 300)),
        ("'5'", "5"),
        ('"true"', "true"),
        ("! 5", "5"),
        ("!!str 5", "5"),
        ("!!int 5", 5),
        ("$SYS.>", "$SYS.>"),
        ("a.b.>", "a.b.>"),
        ("nats://n1:4222", "nats://n1:4222"),
    ],
)
def test_a_scalar_is_of_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    found = plain(f"k: {text}")
    assert found == {"k": value}
    assert type(found["k"]) is type(value)


def test_not_a_number_is_one() -> None:
    found = plain("[.nan]")
    assert isinstance(found, list)
    assert math.isnan(found[0])


@pytest.mark.parametrize("text", ["9" * 401, "1" * 100_000, "-" + "9" * 5000])
def test_a_huge_integer_is_no_crash(text: str) -> None:
    assert isinstance(plain(text), float)


def test_keys_are_text() -> None:
    assert plain("5: a\nnull: b\ntrue: c\n1.5: d\n~: e\n") == {
        "5": "a",
        "null": "b",
        "true": "c",
        "1.5": "d",
        "~": "e",
    }


def test_an_alias_that_brings_no_text_is_no_key() -> None:
    assert plain("- &a x\n- {*a : 1}") == ["x", {"x": 1}]
    assert refused("- &a 5\n- {*a : 1}").code == "yaml-key"
    assert refused("- &a [x]\n- {*a : 1}").code == "yaml-key"


@pytest.mark.parametrize("text", ["[a, b]: 1", "{a: b}: 1", "? - a\n: 1", "? [a]"])
def test_a_collection_is_no_key(text: str) -> None:
    assert refused(text).code == "yaml-key"


def test_aliases_share_a_value() -> None:
    assert plain("a: &x [1, 2]\nb: *x\nc: &x 5\nd: *x\n") == {"a": [1, 2], "b": [1, 2], "c": 5, "d": 5}


def test_a_merge_key_adds_what_the_map_does_not_have() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: *a, x: 9}\nd: {<<: [*a, *b], w: 0}\ne: {x: 8, <<: *a}\n"
    assert plain(text) == yaml.safe_load(text)


def test_a_merged_key_is_where_it_was_written() -> None:
    root = read("a: &a\n  x: 1\nb:\n  <<: *a\n")
    b = root.get("b")
    assert b is not None
    assert str(b.key_at("x")) == "spec.yaml:2:3"


def test_a_quoted_merge_key_is_a_key() -> None:
    assert plain('a: {"<<": 1}') == {"a": {"<<": 1}}


@pytest.mark.parametrize("text", ["{<<: 5}", "{<<: [5]}", "{<<: ~}", "[&a 1, {<<: [*a]}]"])
def test_a_merge_key_takes_maps_only(text: str) -> None:
    assert refused(text).code == "yaml-key"


def test_line_ends_of_every_system() -> None:
    assert plain("a: 1\r\nb:\r\n  - 2\r\n") == plain("a: 1\rb:\r  - 2\r") == {"a": 1, "b": [2]}


def test_a_byte_order_mark_is_passed_over_and_moves_nothing() -> None:
    for text in ("\ufeffa: 1", "\ufeffa: 1".encode()):
        root = read(text)
        assert root.plain == {"a": 1}
        assert root.key_at("a").col == 1


# --- places ---


def test_places_count_characters_from_one() -> None:
    root = read('ключ: {"a b": [x, "ÿ💥", z]}\n')
    values = root.find(("ключ", "a b"))
    assert str(root.key_at("ключ")) == "spec.yaml:1:1"
    assert (root.key_at("ключ").width, values.at.col, values.at.width) == (4, 15, 12)
    assert [(n.at.col, n.at.width) for n in (values.item(0), values.item(1), values.item(2)) if n] == [
        (16, 1),
        (19, 4),
        (25, 1),
    ]


def test_a_value_of_several_lines_is_marked_at_its_first_character() -> None:
    root = read("a: |\n  x\n  y\nb: [\n 1]\nc: 'x\n  y'\n")
    assert [(n.at.line, n.at.col, n.at.width) for n in (root.find((k,)) for k in "abc")] == [
        (1, 4, 1),
        (4, 4, 1),
        (6, 4, 1),
    ]


def test_a_walk_goes_as_far_as_the_path_does() -> None:
    root = read("a:\n  - b: 1\n  - c: 2\n")
    node, at = root.walk(("a", 1, "c"))
    assert (node.plain, str(at)) == (2, "spec.yaml:3:5")
    assert root.walk(("a", "<list>", 1, "x"))[0].plain == {"c": 2}
    assert root.walk((3, "x"))[0] is root
    assert root.find(("a", 7)).plain == [{"b": 1}, {"c": 2}]
    assert str(root.key_at("nothing")) == "spec.yaml:1:1"


# --- findings that do not stop the reading ---


def test_every_duplicate_key_is_found() -> None:
    document = parse("a: 1\nb: {c: 1, 'c': 2, \"c\": 3}\na: 2\n", FILE)
    assert [(f.code, place(f), f.hint) for f in document.findings] == [
        ("duplicate-key", (2, 11), "the first one is on line 2; keep one of them"),
        ("duplicate-key", (2, 19), "the first one is on line 2; keep one of them"),
        ("duplicate-key", (3, 1), "the first one is on line 1; keep one of them"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "!x 5",
        "!!python/object:os.system []",
        "!!binary aGk=",
        "!<tag:x> {}",
        "{!x a: 1}",
        "!!set {a}",
        "!!timestamp x",
    ],
)
def test_a_tag_without_a_meaning_is_found_and_nothing_is_made_of_it(text: str) -> None:
    (found,) = parse(text, FILE).findings
    assert found.code == "yaml-tag"


def test_every_null_inside_is_noted() -> None:
    document = parse("a:\nb: [~, 1, null]\nc: {d: }\ne: ''\n", FILE)
    assert [(key, at.line, at.col) for key, at in document.nulls] == [
        ("a", 1, 1),
        (None, 2, 5),
        (None, 2, 11),
        ("d", 3, 5),
    ]
