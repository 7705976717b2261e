"""The subjects of a spec looked through quickly: what is taken for plain is plain by the slow rules."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from natsbackend.model.entities import Account, Export, Grant, Import, Kind, Permissions, Rules, User
from natsbackend.model.written import Written
from natsbackend.subjects import split_queue, template_functions, why_invalid

characters = st.sampled_from(
    ["a", "b1", ".", "*", ">", " ", "{{", "}}", "name()", "{", "/", "\n", "\t", "é", "\x7f"]
)
subjects = st.lists(characters, max_size=6).map("".join)


def written_by(*texts: str, local: str | None = None) -> Written:
    account = Account(
        name="a",
        path="accounts/a",
        exports=tuple(Export(kind=Kind.STREAM, subject=text) for text in texts[::3]),
        imports=tuple(
            Import(kind=Kind.STREAM, subject=text, account="b", local_subject=local) for text in texts[1::3]
        ),
        users={
            "u": User(
                name="u",
                path="accounts/a/users/u",
                permissions=Permissions(
                    subscribe=Rules(
                        allow=tuple(Grant(subject=text, origin="subscribe") for text in texts[2::3])
                    )
                ),
            )
        },
    )
    return Written({"a": account})


@given(texts=st.lists(subjects, max_size=4))
@example(texts=["a\n", "b"])
@example(texts=["", ""])
@example(texts=["a.>", "*", ">"])
def test_what_is_taken_for_plain_is_valid_and_plain(texts: list[str]) -> None:
    written = written_by(*texts)
    if not written.doubtful_accounts():
        assert not written.odd_subjects()
        for text in texts:
            assert why_invalid(text) is None
            assert not template_functions(text)
            assert split_queue(text) == (text, None)


def odd_of(*texts: str) -> list[str]:
    return sorted(subject for subject, _ in written_by(*texts).odd_subjects())


@given(texts=st.lists(subjects, min_size=3, max_size=3))
@example(texts=["a.{{x", "b", "c}}"])
def test_whether_a_subject_is_odd_is_its_own_affair(texts: list[str]) -> None:
    first, second, third = texts
    alone = odd_of(first) + odd_of("a", second) + odd_of("a", "a", third)
    assert odd_of(first, second, third) == sorted(alone)


@pytest.mark.parametrize("text", ["a", "a.b", "a.*.b", "*", ">", "a.>", "*.>", "$SYS.REQ-1_x"])
def test_plain_subjects_need_no_second_look(text: str) -> None:
    assert written_by(text, text, text).doubtful_accounts() == ()
    assert written_by().doubtful_accounts() == ()


def test_a_renamed_import_is_looked_at() -> None:
    assert len(written_by("a", "b.*", local="c.$2").doubtful_accounts()) == 1


def test_odd_subjects_have_a_letter_for_each_template() -> None:
    odd = written_by("time*", "b", "user.{{name()}}.>", "a/b", "x", "{{name()}}* queue").odd_subjects()
    assert [subject for subject, _ in odd] == ["x*", "time*", "a/b"]
