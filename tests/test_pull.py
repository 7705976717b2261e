"""`pull` on a real server: everything that is sound is written as it is, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cluster import Cluster, cluster
from support.resolvers import key
from test_push_session import FOREIGNER, smuggle
from test_status import spec

from natsbackend.keys import KeyRole

STRANGER = key(KeyRole.ACCOUNT, 79)


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path, spec(), names=("n1",)) as running:
        running.run("push", "--to", "main", "--yes")
        yield running


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_what_the_server_stores_is_what_is_written(one: Cluster, tmp_path: Path) -> None:
    out = tmp_path / "backup"
    pulled = one.run("pull", "--to", "main", "--out", str(out))
    assert "3 accounts written, 0 unchanged" in pulled.out
    assert files(out) == {
        name: text for name, text in files(one.nodes["n1"].store).items() if name.endswith(".jwt")
    }
    assert len(files(out)) == 3
    again = one.run("pull", "--to", "main", "--out", str(out))
    assert "0 accounts written, 3 unchanged" in again.out


def test_what_a_stranger_signed_is_not_written(one: Cluster, tmp_path: Path) -> None:
    smuggle(one, STRANGER.public, FOREIGNER)
    out = tmp_path / "backup"
    pulled = one.run("pull", "--to", "main", "--out", str(out), "--format", "json", code=3)
    (refused,) = (each for each in json.loads(pulled.out)["accounts"] if each["problem"])
    assert refused["public_key"] == STRANGER.public
    assert "do not trust" in refused["problem"]
    assert len(files(out)) == 3
    assert f"{STRANGER.public}.jwt" not in files(out)


def test_files_of_others_stay(one: Cluster, tmp_path: Path) -> None:
    out = tmp_path / "backup"
    out.mkdir()
    (out / "mine.jwt").write_text("mine")
    pulled = one.run("pull", "--to", "main", "--out", str(out))
    assert "mine.jwt is of no account that the target holds" in pulled.err
    assert (out / "mine.jwt").read_text() == "mine"


def test_a_file_in_the_way_and_nobody_who_answers(one: Cluster, tmp_path: Path) -> None:
    out = tmp_path / "backup"
    out.write_text("a file")
    assert "is no directory" in one.run("pull", "--to", "main", "--out", str(out), code=1).err
    assert out.read_text() == "a file"
    one.stop("n1")
    one.run("pull", "--to", "main", "--out", str(tmp_path / "other"), code=1)
    assert not (tmp_path / "other").exists()
