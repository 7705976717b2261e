"""A directory of account JWTs: what is odd about it, and what a real server makes of what is written there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.resolvers import NOW, World, full_resolvers, key

from natsbackend.claims.codec import sign
from natsbackend.claims.permits import permits
from natsbackend.errors import ResolverRejected, ResolverUnavailable
from natsbackend.keys import KeyRole
from natsbackend.resolvers.directory import open_directory_resolver
from natsbackend.resolvers.interface import Effect, PushInterrupted
from natsbackend.resolvers.nats_subjects import LOAD, PUSHER_PUBLISH, READER_PUBLISH

WORLD = World(publish=(*dict.fromkeys((*PUSHER_PUBLISH, *READER_PUBLISH, LOAD)),))
ACCOUNT = WORLD.account(1)


def test_a_server_finds_a_new_account_and_keeps_to_one_that_it_has_loaded(tmp_path: Path) -> None:
    with full_resolvers(WORLD, tmp_path) as running:
        store = tmp_path / "n1" / "jwt"
        with open_directory_resolver(store) as directory, WORLD.open([running["n1"][0]]) as server:
            assert WORLD.system.public in directory.fetch()  # the server's own file
            assert directory.push([ACCOUNT])[0].ok
            assert server.lookup([ACCOUNT.account]) == {ACCOUNT.account: ACCOUNT.jwt}
            assert server.push([ACCOUNT])[0].is_unchanged
            server.push([WORLD.account(1, iat=NOW + 1)], probe=True)  # which loads it
            (result,) = directory.push([WORLD.account(1, iat=NOW + 2)])
            assert (result.ok, result.effective) == (True, {})
            (holding,) = server.inspect([ACCOUNT.account]).values()
            assert holding.effective == {"n1": Effect.STALE}


def test_a_file_is_whole_readable_by_the_server_and_alone(tmp_path: Path) -> None:
    with open_directory_resolver(tmp_path) as resolver:
        resolver.push([ACCOUNT, WORLD.account(2)])
    file = tmp_path / f"{ACCOUNT.account}.jwt"
    assert file.read_text() == ACCOUNT.jwt
    assert file.stat().st_mode & 0o777 == 0o644
    assert len(list(tmp_path.iterdir())) == 2


def test_what_is_deleted_is_put_aside_as_a_server_does_it(tmp_path: Path) -> None:
    (permit,) = [sign(one, WORLD.signer, NOW) for one in permits([ACCOUNT.account], WORLD.signer.public)]
    with open_directory_resolver(tmp_path) as resolver:
        resolver.push([ACCOUNT])
        assert resolver.remove([ACCOUNT.account], permit).ok
        assert resolver.remove([ACCOUNT.account], permit).ok  # once more: it is gone already
    assert [file.name for file in tmp_path.iterdir()] == [f"{ACCOUNT.account}.jwt.deleted"]


def test_a_directory_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with (
        pytest.raises(ResolverUnavailable, match="there is no directory") as caught,
        open_directory_resolver(tmp_path / "unmounted"),
    ):
        pytest.fail("it was open")
    assert "mount" in str(caught.value.hint)
    assert not (tmp_path / "unmounted").exists()


def _link(file: Path, secret: Path) -> None:
    file.symlink_to(secret)


def _dangling(file: Path, secret: Path) -> None:
    file.symlink_to(secret.with_name("nothing"))


def _folder(file: Path, secret: Path) -> None:
    file.mkdir()


def _pipe(file: Path, secret: Path) -> None:
    os.mkfifo(file)


def _huge(file: Path, secret: Path) -> None:
    with file.open("wb") as opened:
        opened.truncate(2 << 20)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_link, "a link, which is not followed"),
        (_dangling, "a link, which is not followed"),
        (_folder, "no plain file"),
        (_pipe, "no plain file"),
        (_huge, "larger than"),
    ],
)
def test_what_stands_in_the_place_of_a_jwt_is_named_and_not_read(
    tmp_path: Path, make: Callable[[Path, Path], None], words: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("SUSECRET")
    store = tmp_path / "jwt"
    store.mkdir()
    make(store / f"{ACCOUNT.account}.jwt", secret)
    with open_directory_resolver(store) as resolver:
        for ask in (
            lambda: resolver.lookup([ACCOUNT.account]),
            resolver.fetch,
            lambda: resolver.push([ACCOUNT]),
        ):
            with pytest.raises(ResolverRejected, match=words) as caught:
                ask()
            assert ACCOUNT.account in caught.value.message
            assert "SUSECRET" not in str(caught.value)
    assert secret.read_text() == "SUSECRET"


def test_what_else_lies_around_is_told_and_left_alone(tmp_path: Path) -> None:
    user = key(KeyRole.USER, 1).public
    for name in (f"{user}.jwt", "x.jwt", "README", f"{ACCOUNT.account}.jwt.deleted", ".jwt"):
        (tmp_path / name).write_text("who knows")
    with open_directory_resolver(tmp_path) as resolver:
        resolver.push([ACCOUNT])
        assert resolver.strays() == (".jwt", f"{user}.jwt", "x.jwt")
        assert resolver.fetch() == {ACCOUNT.account: ACCOUNT.jwt}
    assert (tmp_path / "x.jwt").read_text() == "who knows"


def test_garbage_is_given_back_as_it_is_and_replaced(tmp_path: Path) -> None:
    file = tmp_path / f"{ACCOUNT.account}.jwt"
    file.write_bytes(b"\xff\x00 no token")
    with open_directory_resolver(tmp_path) as resolver:
        assert resolver.lookup([ACCOUNT.account])[ACCOUNT.account] == "\ufffd\x00 no token"
        assert resolver.push([ACCOUNT])[0].ok
    assert file.read_text() == ACCOUNT.jwt


def test_a_write_that_fails_says_what_is_there(tmp_path: Path) -> None:
    """A directory that goes away between the look and the write, as a volume does."""
    store = tmp_path / "jwt"
    store.mkdir()
    with open_directory_resolver(store) as resolver:

        def gone(step: object, done: int, total: int) -> None:
            if store.exists():
                store.rename(tmp_path / "away")
                store.write_text("no directory any more")

        with pytest.raises(PushInterrupted, match="cannot write") as caught:
            resolver.push([ACCOUNT], on_progress=gone)
    (result,) = caught.value.results
    assert (result.ok, result.missing) == (False, (str(store),))
