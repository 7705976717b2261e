"""Writing files: whole or not at all, never over what must stay, never readable by others."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from natsbackend import files
from natsbackend.errors import ProjectError
from natsbackend.files import Batch, make_directory

OLD, NEW = b"old and whole\n", b"new, whole and longer\n"


class FaultyOs:
    """The `os` module as `files` sees it: it counts calls, and the one of a given number fails."""

    def __init__(self, fails_at: int | None = None, error: BaseException | None = None) -> None:
        self.calls: list[str] = []
        self.fails_at = fails_at
        self.error = error or OSError(errno.EIO, os.strerror(errno.EIO))

    def __getattr__(self, name: str) -> object:
        real = getattr(os, name)
        if name.isupper() or name in ("path", "fspath"):
            return real

        def call(*arguments: object, **options: object) -> object:
            self.calls.append(name)
            if len(self.calls) - 1 != self.fails_at:
                return real(*arguments, **options)
            if name == "close":
                real(*arguments)  # a close that fails has closed all the same
            raise self.error

        return call


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def batch_of(path: Path, content: bytes = NEW, mode: int = 0o644, *, exclusive: bool = False) -> Batch:
    batch = Batch()
    batch.add(path, content, mode, exclusive=exclusive)
    return batch


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refused(batch: Batch) -> str:
    with pytest.raises(ProjectError) as caught:
        batch.write()
    return caught.value.message


def refusal(batch: Batch) -> str | None:
    try:
        batch.write()
    except ProjectError as e:
        return e.message
    return None


def test_files_are_written_with_their_directories_and_counted(tmp_path: Path) -> None:
    batch = Batch()
    batch.add(tmp_path / "a/b/c", "text: ü")
    batch.add(str(tmp_path / "d"), b"\xff\0")
    assert len(batch) == 2
    assert batch.write() == 2
    assert (tmp_path / "a/b/c").read_text(encoding="utf-8") == "text: ü"
    assert (tmp_path / "d").read_bytes() == b"\xff\0"


def test_a_path_without_a_directory_is_in_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert batch_of(Path("natsbackend.lock")).write() == 1
    assert batch_of(Path("exclusive"), exclusive=True).write() == 1
    assert sorted(os.listdir(tmp_path)) == ["exclusive", "natsbackend.lock"]


def test_an_empty_batch_and_an_empty_file_are_fine(tmp_path: Path) -> None:
    assert Batch().write() == 0
    assert batch_of(tmp_path / "empty", b"").write() == 1
    assert (tmp_path / "empty").read_bytes() == b""


def test_a_large_batch_is_written_and_synced_as_a_whole(tmp_path: Path) -> None:
    batch = Batch()
    for n in range(40):
        batch.add(tmp_path / f"{n}.jwt", f"{n}")
    assert batch.write() == 40
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        f"{n}.jwt": f"{n}" for n in range(40)
    }


def test_a_file_that_is_already_so_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert batch_of(path).write() == 1
    before = path.stat()
    assert batch_of(path).write() == 0
    assert path.stat() == before


def test_a_file_of_the_same_length_and_other_content_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(NEW[::-1])
    assert batch_of(path).write() == 1
    assert path.read_bytes() == NEW


def test_an_exclusive_file_never_replaces_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "seed"
    path.write_bytes(OLD)
    assert str(path) in refused(batch_of(path, exclusive=True))
    assert path.read_bytes() == OLD
    assert os.listdir(tmp_path) == ["seed"]


@pytest.mark.parametrize("content", [OLD, NEW])
def test_an_exclusive_file_is_not_written_through_a_link_in_its_place(tmp_path: Path, content: bytes) -> None:
    target, path = tmp_path / "elsewhere", tmp_path / "seed"
    target.write_bytes(content)
    path.symlink_to(target)
    refused(batch_of(path, exclusive=True))
    assert target.read_bytes() == content
    path.unlink()
    path.symlink_to(tmp_path / "dangling")
    refused(batch_of(path, exclusive=True))
    assert not (tmp_path / "dangling").exists()


@pytest.mark.parametrize("content", [OLD, NEW])
def test_a_link_in_the_place_of_a_file_is_replaced_and_its_target_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    target, path = tmp_path / "elsewhere", tmp_path / "file"
    target.write_bytes(content)
    path.symlink_to(target)
    assert batch_of(path, mode=0o600).write() == 1
    assert not path.is_symlink()
    assert path.read_bytes() == NEW
    assert target.read_bytes() == content


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o027, 0o077])
@pytest.mark.parametrize("exclusive", [True, False])
def test_what_is_private_is_private_under_any_umask(tmp_path: Path, mask: int, exclusive: bool) -> None:
    path = tmp_path / "keys/A/BC/seed"
    with umask(mask):
        batch_of(path, mode=0o600, exclusive=exclusive).write()
    assert mode_of(path) == 0o600
    assert [mode_of(parent) for parent in list(path.parents)[:3]] == [0o700] * 3


def test_what_is_public_follows_the_umask(tmp_path: Path) -> None:
    with umask(0o027):
        batch_of(tmp_path / "build/file").write()
    assert mode_of(tmp_path / "build/file") == 0o640
    assert mode_of(tmp_path / "build") == 0o750


def test_a_private_file_that_others_can_read_is_made_private_again(tmp_path: Path) -> None:
    path = tmp_path / "creds"
    path.write_bytes(NEW)
    path.chmod(0o644)
    assert batch_of(path, mode=0o600).write() == 1
    assert mode_of(path) == 0o600


def test_a_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o755)
    make_directory(tmp_path / "there/new", 0o700)
    assert mode_of(tmp_path / "there") == 0o755
    assert mode_of(tmp_path / "there/new") == 0o700


def _in_a_file(tmp_path: Path) -> Path:
    (tmp_path / "plain").write_bytes(OLD)
    return tmp_path / "plain/file"


def _over_a_directory(tmp_path: Path) -> Path:
    (tmp_path / "directory/inside").mkdir(parents=True)
    return tmp_path / "directory"


def _in_a_directory_without_write_permission(tmp_path: Path) -> Path:
    (tmp_path / "locked").mkdir()
    return tmp_path / "locked/file"


def _of_too_long_a_name(tmp_path: Path) -> Path:
    return tmp_path / ("n" * 300)


def _in_a_circle_of_links(tmp_path: Path) -> Path:
    (tmp_path / "circle").symlink_to("circle")
    return tmp_path / "circle/file"


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize(
    "place",
    [
        _in_a_file,
        _over_a_directory,
        _in_a_directory_without_write_permission,
        _of_too_long_a_name,
        _in_a_circle_of_links,
    ],
)
def test_a_path_that_cannot_be_written_is_named_and_leaves_nothing(
    tmp_path: Path, place: Callable[[Path], Path], exclusive: bool
) -> None:
    path = place(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with _unprivileged(tmp_path):
        message = refused(batch_of(path, exclusive=exclusive))
    assert message.startswith("cannot write ")
    assert path.name in message
    assert sorted(tmp_path.rglob("*")) == before


@contextmanager
def _unprivileged(directory: Path) -> Iterator[None]:
    """Be somebody who may write into `directory` and not into `locked`; root could write anywhere."""
    (locked := directory / "locked").is_dir() and locked.chmod(0o555)
    if os.geteuid() != 0:
        yield
        return
    parents = [directory, *directory.parents]
    modes = [(path, mode_of(path)) for path in parents if not mode_of(path) & 0o001]
    for path, mode in modes:
        path.chmod(mode | 0o011)
    owner = directory.stat()
    os.chown(directory, 65534, -1)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.chown(directory, owner.st_uid, -1)
        for path, mode in modes:
            path.chmod(mode)


def test_what_was_written_before_a_failure_stays_whole(tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    batch = Batch()
    for name in ("first", "second", "third"):
        batch.add(tmp_path / name, NEW)
    assert "second" in refused(batch)
    assert (tmp_path / "first").read_bytes() == NEW
    assert sorted(os.listdir(tmp_path)) == ["first", "second"]


def _calls(directory: Path, monkeypatch: pytest.MonkeyPatch, *, exclusive: bool) -> list[str]:
    """Return the calls of `os` that one write makes."""
    counting = FaultyOs()
    monkeypatch.setattr(files, "os", counting)
    path = directory / "counted"
    if not exclusive:
        path.write_bytes(OLD)
    batch_of(path, exclusive=exclusive).write()
    path.unlink()
    return counting.calls


@pytest.mark.parametrize("exclusive", [True, False])
def test_an_error_of_any_call_leaves_the_old_file_or_the_new_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exclusive: bool
) -> None:
    calls = _calls(tmp_path, monkeypatch, exclusive=exclusive)
    assert {"open", "write", "close", "fsync"} <= set(calls)
    assert ("rename" in calls) is not exclusive
    path = tmp_path / "file"
    for number, name in enumerate(calls):
        path.unlink(missing_ok=True)
        if not exclusive:
            path.write_bytes(OLD)
        monkeypatch.setattr(files, "os", FaultyOs(number))
        message = refusal(batch_of(path, exclusive=exclusive))
        if number == 0 and not exclusive:  # only the look at what is there failed: it is written
            assert message is None
        else:
            assert message, name
            assert "Input/output error" in message, name
            assert "file" in message, name
        assert set(os.listdir(tmp_path)) <= {"file"}, f"{name} left something"
        if path.exists():
            assert path.read_bytes() in ((NEW,) if exclusive else (OLD, NEW)), name
        else:
            assert exclusive, name


@pytest.mark.parametrize("exclusive", [True, False])
def test_an_interrupt_at_any_call_leaves_the_old_file_or_the_new_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exclusive: bool
) -> None:
    calls = _calls(tmp_path, monkeypatch, exclusive=exclusive)
    path = tmp_path / "file"
    for number, name in enumerate(calls):
        path.unlink(missing_ok=True)
        if not exclusive:
            path.write_bytes(OLD)
        monkeypatch.setattr(files, "os", FaultyOs(number, KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            batch_of(path, exclusive=exclusive).write()
        assert set(os.listdir(tmp_path)) <= {"file"}, f"{name} left something"
        assert not path.exists() or path.read_bytes() in (OLD, NEW), name


class ShortWrites(FaultyOs):
    """An `os` that writes three bytes at a time."""

    @staticmethod
    def write(descriptor: int, content: memoryview) -> int:
        return os.write(descriptor, content[:3])


def test_a_disk_that_takes_few_bytes_at_a_time_gets_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "os", ShortWrites())
    batch_of(tmp_path / "file").write()
    assert (tmp_path / "file").read_bytes() == NEW
