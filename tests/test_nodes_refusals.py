"""YAML that is refused: why, where, with which way out, and before it can do harm."""

from __future__ import annotations

import pytest
from support.yamltext import FILE, all_nodes, place, plain, refused

from natsbackend.spec import nodes
from natsbackend.spec.nodes import MAX_DEPTH, MAX_NODES, parse


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("a: [1", "yaml-syntax", (2, 1)),
        ("a: b: c", "yaml-syntax", (1, 5)),
        ("a:\n\tb: 1", "yaml-syntax", (2, 1)),
        ("a: @x", "yaml-syntax", (1, 4)),
        ("a: *", "yaml-syntax", (1, 5)),
        ("a: 'b\n", "yaml-syntax", (2, 1)),
        ("%YAML 2.0\n---\na", "yaml-syntax", (1, 1)),
        ("a: \0", "yaml-syntax", (1, 4)),
        ("a\nb: \x07", "yaml-syntax", (2, 4)),
        ("a: \ud800", "yaml-syntax", (1, 4)),
        ("é: *x", "yaml-alias", (1, 4)),
        ("&a [*a]", "yaml-alias", (1, 5)),
        ("a: &a {b: {c: [*a]}}", "yaml-alias", (1, 16)),
        ("a\n---\nb", "yaml-documents", (2, 1)),
        ("---\n---\nb", "yaml-documents", (2, 1)),
        ("[a]: 1", "yaml-key", (1, 1)),
        (b"\xff", "yaml-encoding", (1, 1)),
        ("ab: é\nc: ü".encode() + b"\xff", "yaml-encoding", (2, 5)),
        ("\ufeffé".encode() + b"\xff", "yaml-encoding", (1, 2)),
        ("a: 1".encode("utf-16"), "yaml-encoding", (1, 1)),
    ],
)
def test_a_refusal_says_where(text: str | bytes, code: str, at: tuple[int, int]) -> None:
    found = refused(text)
    assert (found.code, place(found)) == (code, at)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100000,
        "{a: " * 100000,
        "- " * 100000,
        "[" * 100000 + "]" * 100000,
        "".join(f"{' ' * i}a:\n" for i in range(1000)),
        "? " * 1000,
        "&a [" * 100000,
    ],
)
def test_deep_nesting_is_refused_at_once(text: str) -> None:
    found = refused(text)
    assert (found.code, found.message) == ("yaml-too-deep", f"nested more than {MAX_DEPTH} levels deep")


def test_the_deepest_that_is_read() -> None:
    assert plain("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None
    assert refused("[" * (MAX_DEPTH + 1)).code == "yaml-too-deep"


def _laughs(levels: int, merge: bool = False) -> str:
    lines = ["a0: &a0 {x: 1, y: 2}" if merge else "a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]"]
    for i in range(1, levels):
        names = ", ".join([f"*a{i - 1}"] * 9)
        lines.append(
            f"a{i}: &a{i} {{<<: [{names}], k{i}: *a{i - 1}, l{i}: *a{i - 1}}}"
            if merge
            else f"a{i}: &a{i} [{names}]"
        )
    return "\n".join(lines)


@pytest.mark.parametrize("text", [_laughs(10), _laughs(60), _laughs(40, merge=True)])
def test_a_billion_laughs_are_counted_before_anybody_walks_them(text: str) -> None:
    assert refused(text).code == "yaml-too-large"


def test_aliases_within_bounds_count_as_what_they_expand_to() -> None:
    document = parse(_laughs(4), FILE)
    assert document.root.size < MAX_NODES
    assert document.root.size == sum(1 for _ in all_nodes(document.root)) + 4  # a key counts, too


def test_too_many_values_and_too_large_a_file_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "MAX_NODES", 100)
    monkeypatch.setattr(nodes, "MAX_BYTES", 1000)
    assert refused("- a\n" * 101).code == "yaml-too-large"
    assert refused("#" * 1001).code == "yaml-too-large"
    assert refused(b"#" * 1001).code == "yaml-too-large"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a:\n\tb: 1", "indent with blanks"),
        ("a: [*.x]", "quotes"),
        ("a: [>]", "quotes"),
        ("a: [b.{{c}}.>]", "quotes"),
        ("a: b: c", "quotes"),
        ("- {{name()}}.x", "quotes"),
        ("a: *x", "quotes"),
        ("a: [\nb", "opened on line 1"),
        ("a: \x07", "U+0007"),
    ],
)
def test_a_refusal_tells_the_way_out(text: str, words: str) -> None:
    found = refused(text)
    assert words in f"{found.message} {found.hint}"


def test_an_overlong_name_is_cut_in_a_message() -> None:
    assert len(str(refused(f"a: *{'x' * 5000}"))) < 300
    (found,) = parse(f"{'x' * 1000}: 1\n{'x' * 1000}: 1", FILE).findings
    assert len(str(found)) < 300
