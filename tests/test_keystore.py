"""The key store: nsc's layout, private, written once, and every seed judged before it is trusted."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from natsbackend.errors import KeyStoreError
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.keystore.directory import DirectoryKeyStore

PATH = "accounts/web"
PAIR = KeyPair(KeyRole.ACCOUNT, b"k" * 32)
OTHER = KeyPair(KeyRole.ACCOUNT, b"o" * 32)
SEED = PAIR.reveal_seed()


@pytest.fixture
def store(tmp_path: Path) -> DirectoryKeyStore:
    return DirectoryKeyStore(tmp_path / "keys")


def refusal(store: DirectoryKeyStore, *, of: KeyPair = PAIR) -> KeyStoreError:
    """Return the error of looking for a seed; it tells the place, and never what it holds."""
    with pytest.raises(KeyStoreError) as caught:
        store.find(PATH, of.public)
    said = f"{caught.value} {caught.value.hint} {caught.value!r}"
    assert str(store.path_of(of.public)) in said
    for pair in (PAIR, OTHER):
        assert pair.reveal_seed()[:20] not in said
        assert pair.reveal_seed()[4:24] not in said
    return caught.value


def put(store: DirectoryKeyStore, content: bytes | str, *, mode: int = 0o600) -> Path:
    """Put something where the seed of `PAIR` belongs."""
    file = store.path_of(PAIR.public)
    file.parent.mkdir(parents=True, mode=0o700)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    file.chmod(mode)
    return file


@pytest.mark.parametrize("role", [KeyRole.OPERATOR, KeyRole.ACCOUNT, KeyRole.USER, KeyRole.CURVE])
def test_seeds_lie_where_nsc_looks_for_them(store: DirectoryKeyStore, role: KeyRole) -> None:
    pair = KeyPair(role, b"r" * 32)
    store.add([(PATH, pair)])
    public = pair.public
    file = store.root / public[0] / public[1:3] / f"{public}.nk"
    assert file.read_text() == pair.reveal_seed()  # nsc writes no newline
    found = store.find(PATH, public)
    assert found == pair
    assert found.reveal_seed() == pair.reveal_seed()


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_seeds_and_their_directories_are_private_under_any_umask(store: DirectoryKeyStore, mask: int) -> None:
    before = os.umask(mask)
    try:
        store.add([(PATH, PAIR)])
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(p.stat().st_mode) for p in [store.root, *store.root.rglob("*")] if p.is_dir()}
    assert modes == {0o700}
    assert stat.S_IMODE(store.path_of(PAIR.public).stat().st_mode) == 0o600


def test_a_seed_that_is_not_here_is_none_and_no_error(store: DirectoryKeyStore) -> None:
    assert store.find(PATH, PAIR.public) is None
    store.add([(PATH, OTHER)])
    assert store.find(PATH, PAIR.public) is None


def test_many_seeds_are_stored_at_once(store: DirectoryKeyStore) -> None:
    pairs = [(f"p/{n}", KeyPair(KeyRole.USER, n.to_bytes(32, "big"))) for n in range(100)]
    store.add(pairs)
    assert all(store.find(path, pair.public) == pair for path, pair in pairs)
    assert len(list(store.root.rglob("*"))) == 100 + len({p.public[1:3] for _, p in pairs}) + 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610, 0o666, 0o644])
def test_a_seed_that_others_can_touch_is_refused_with_the_remedy(store: DirectoryKeyStore, mode: int) -> None:
    file = put(store, SEED, mode=mode)
    error = refusal(store)
    assert error.hint == f"chmod 600 {file}"
    file.chmod(0o600)
    assert store.find(PATH, PAIR.public) == PAIR


def test_a_seed_made_read_only_is_taken(store: DirectoryKeyStore) -> None:
    put(store, SEED, mode=0o400)
    assert store.find(PATH, PAIR.public) == PAIR


def test_a_newline_that_an_editor_added_is_no_damage(store: DirectoryKeyStore) -> None:
    put(store, f"{SEED}\n")
    assert store.find(PATH, PAIR.public) == PAIR


def _one_character_changed() -> str:
    return SEED[:30] + ("A" if SEED[30] != "A" else "B") + SEED[31:]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        SEED[:29].encode(),
        SEED[:-1].encode(),
        f"{SEED}A".encode(),
        f" {SEED}".encode(),
        f"{SEED}\n\n".encode(),
        f"{SEED}\n{SEED}".encode(),
        SEED.lower().encode(),
        _one_character_changed().encode(),
        SEED.encode() + b"\0" * 200,
        SEED.encode("utf-16"),
        b"\xff" * 58,
        b"A" * 100_000,
        PAIR.public.encode(),
        f"-----BEGIN ACCOUNT NKEY SEED-----\n{SEED}\n".encode(),
    ],
    ids=[
        "empty",
        "newline",
        "half",
        "one-short",
        "one-more",
        "leading-blank",
        "two-newlines",
        "twice",
        "lower-case",
        "one-changed",
        "zeros-behind",
        "utf-16",
        "binary",
        "large",
        "public-key",
        "decorated",
    ],
)
def test_a_damaged_seed_is_refused_and_not_shown(store: DirectoryKeyStore, content: bytes) -> None:
    put(store, content)
    error = refusal(store)
    assert PATH in error.message
    assert error.hint


@pytest.mark.parametrize(
    "foreign", [OTHER, KeyPair(KeyRole.USER, b"k" * 32), KeyPair(KeyRole.OPERATOR, b"k" * 32)]
)
def test_the_seed_of_another_key_in_the_place_of_this_one_is_refused(
    store: DirectoryKeyStore, foreign: KeyPair
) -> None:
    put(store, foreign.reveal_seed())
    error = refusal(store)
    assert foreign.public in error.message


def test_an_existing_seed_is_never_written_over(store: DirectoryKeyStore) -> None:
    file = put(store, "something that somebody else put here")
    with pytest.raises(KeyStoreError) as caught:
        store.add([(PATH, PAIR)])
    assert str(file) in caught.value.message
    assert SEED not in str(caught.value)
    assert file.read_text() == "something that somebody else put here"
    assert os.listdir(file.parent) == [file.name]


def test_the_same_seed_is_not_stored_twice(store: DirectoryKeyStore) -> None:
    store.add([(PATH, PAIR)])
    with pytest.raises(KeyStoreError):
        store.add([(PATH, PAIR)])
    assert store.find(PATH, PAIR.public) == PAIR


def _link(file: Path) -> None:
    target = file.with_name("target")
    target.write_text(SEED)
    target.chmod(0o600)
    file.symlink_to(target)


def _dangling_link(file: Path) -> None:
    file.symlink_to(file.with_name("nowhere"))


def _directory(file: Path) -> None:
    file.mkdir(mode=0o700)


def _pipe(file: Path) -> None:
    os.mkfifo(file, 0o600)


@pytest.mark.parametrize("place", [_link, _dangling_link, _directory, _pipe])
def test_what_is_no_plain_file_is_refused_at_once_and_never_written_to(
    store: DirectoryKeyStore, place: Callable[[Path], None]
) -> None:
    file = store.path_of(PAIR.public)
    file.parent.mkdir(parents=True)
    place(file)
    refusal(store)
    before = sorted(file.parent.iterdir())
    with pytest.raises(KeyStoreError):
        store.add([(PATH, PAIR)])
    assert sorted(file.parent.iterdir()) == before


def test_a_file_in_the_place_of_a_directory_is_refused(store: DirectoryKeyStore) -> None:
    store.root.mkdir()
    (store.root / "A").write_text("a file")
    refusal(store)
    with pytest.raises(KeyStoreError):
        store.add([(PATH, PAIR)])
