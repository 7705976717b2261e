"""Escaped names: injective, readable back, and unable to leave a folder or end a subject token."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsbackend.model.entities import role_path, signing_path, user_path
from natsbackend.model.names import MAX_ESCAPED, escape, is_template_safe, unescape, why_unusable
from natsbackend.model.nearest import COMPARISONS, Nearest
from natsbackend.project import Project

names = st.one_of(st.text(), st.text(alphabet="ab./\\%~ Aé\0", max_size=8))
usable = names.filter(lambda name: why_unusable(name) is None)


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("web", "web"),
        ("a-b_C.9", "a-b_C.9"),
        ("", ""),
        (".", "%2E"),
        ("..", "%2E."),
        (".hidden", "%2Ehidden"),
        ("a/b", "a%2Fb"),
        ("a\\b", "a%5Cb"),
        ("a b", "a%20b"),
        ("a%20b", "a%2520b"),
        ("ü", "%C3%BC"),
        ("\0", "%00"),
        ("~root", "%7Eroot"),
        ("💥", "%F0%9F%92%A5"),
    ],
)
def test_escaping(name: str, escaped: str) -> None:
    assert escape(name) == escaped
    assert unescape(escaped) == name


@given(names, names)
def test_two_names_never_escape_to_one(one: str, other: str) -> None:
    assert (escape(one) == escape(other)) == (one == other)


@given(st.text(alphabet=st.characters()))
def test_half_surrogate_pairs_stay_apart_too(name: str) -> None:
    assert escape(name) != escape(name + "\ud800")


@given(usable)
def test_a_usable_name_is_read_back_from_its_escaped_form(name: str) -> None:
    assert unescape(escape(name)) == name


@given(usable)
def test_an_escaped_name_is_one_plain_step_of_a_path(name: str) -> None:
    escaped = escape(name)
    assert escaped.isascii()
    assert escaped not in ("", ".", "..")
    assert PurePosixPath(escaped).parts == (escaped,)
    assert PureWindowsPath(escaped).parts == (escaped,)
    assert len(escaped) <= MAX_ESCAPED
    assert not set(escaped) & set('/\\:*?"<>| \0\n')


@given(usable, usable)
def test_no_file_of_a_project_leaves_its_folder(account: str, user: str) -> None:
    project = Project(Path("/project"))
    creds, jwt = project.creds(account, user), project.account_jwt(account)
    assert creds.parent.parent == project.creds_dir
    assert jwt.parent == project.build / "accounts"
    assert ".." not in creds.parts + jwt.parts


@given(usable, usable)
def test_key_paths_of_different_kinds_never_meet(account: str, name: str) -> None:
    paths = {role_path(account, name), signing_path(account, name), user_path(account, name)}
    assert len(paths) == 3
    assert {path.count("/") for path in paths} == {3}


@given(names)
def test_what_is_template_safe_is_one_plain_token(text: str) -> None:
    assert is_template_safe(text) == (
        text not in ("", "_INBOX") and all(c.isascii() and (c.isalnum() or c in "-_") for c in text)
    )


@pytest.mark.parametrize("text", ["", "*", ">", "a.b", "a b", "ü", "a\n", "{{name()}}", "٣", "_INBOX"])
def test_what_could_widen_a_template_is_not_safe(text: str) -> None:
    assert not is_template_safe(text)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "\t",
        " a",
        "a ",
        "a\u00a0",
        "a\nb",
        "\x7f",
        "a\x9bb",
        "\u202ea",
        "\u2028",
        "\ud800",
        "x" * 201,
    ],
)
def test_an_unusable_name_is_told_why(name: str) -> None:
    why = why_unusable(name)
    assert why is not None
    assert why.startswith("a name c")


@pytest.mark.parametrize("name", ["a", "a b", "..", "CON", "x" * 200, "naïve", "日本", "🙂‍↔️", "-", "%"])
def test_a_usable_name(name: str) -> None:
    assert why_unusable(name) is None


def test_the_nearest_name_is_the_one_that_was_meant() -> None:
    assert Nearest().to("telemtry", ["web", "telemetry", "tele"]) == "telemetry"
    assert Nearest().to("zzz", ["web", "telemetry"]) is None


def test_hints_end_where_they_would_cost_more_than_they_are_worth() -> None:
    nearest, known = Nearest(), [f"tenant{n}" for n in range(COMPARISONS // 4)]
    assert [nearest.to("tenant7x", known) is None for _ in range(5)] == [False] * 4 + [True]
    assert nearest.to("tenant7x", ["tenant7"]) is None
