"""The golden corpus: each folder's spec must come to exactly what lies beside it.

`UPDATE_GOLDEN=1 pytest tests/test_golden.py` writes the files anew; read the difference before it is committed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from support.golden import BAD, FOLDERS, SOUND, SPEC, expected, produced, rewrite, tree, updating

from natsbackend.project import Project
from natsbackend.spec.load import parse_spec
from natsbackend.spec.models import SpecModel


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_spec_comes_to_what_lies_beside_it(folder: Path, tmp_path: Path) -> None:
    files = produced(folder, Project(tmp_path))
    if updating():
        rewrite(folder, files)
        pytest.skip("written anew")
    assert files == expected(folder)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_folders_of_bad_specs_are_numbered_from_100(folder: Path) -> None:
    assert (folder.name >= "1") == (folder / BAD).exists()


@pytest.mark.parametrize("folder", SOUND, ids=lambda folder: folder.name)
def test_what_is_written_is_found_up_to_date_and_signed_no_more(folder: Path, tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.make_private()
    first = tree(folder, project)
    assert set(first.write()) == {project.lock, *first.files}
    again = tree(folder, project)
    assert again.stale() == ()
    assert (again.signed, again.new_keys, again.tokens) == ((), (), first.tokens)


def test_every_word_of_the_language_is_in_a_sound_spec() -> None:
    written: set[tuple[str, str]] = set()
    for folder in SOUND:
        written |= set(_written(parse_spec((folder / SPEC).read_bytes(), SPEC).model))
    assert {word for word in _known(SpecModel) if word not in written} == set()


def _written(model: BaseModel) -> Iterator[tuple[str, str]]:
    """Every word that stands in a spec, by the model it belongs to."""
    for name in model.model_fields_set:
        yield type(model).__name__, name
        yield from _within(getattr(model, name))


def _within(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, BaseModel):
        yield from _written(value)
    elif isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _within(member)


def _known(annotation: Any) -> Iterator[tuple[str, str]]:
    """Every word of a model and of those below it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield annotation.__name__, name
            yield from _known(field.annotation)
    for argument in get_args(annotation):
        yield from _known(argument)
