"""What becomes of accounts that nobody uses, or whose imports came too early, on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.resolvers import NOW, World, full_resolvers

from natsbackend.resolvers.interface import AccountPush, Effect, Step
from natsbackend.resolvers.nats import NatsResolver
from natsbackend.resolvers.nats_subjects import LOAD, PUSHER_PUBLISH


@pytest.fixture(scope="module")
def world() -> World:
    return World(publish=(*PUSHER_PUBLISH, LOAD))


@pytest.fixture(scope="module")
def url(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with full_resolvers(world, tmp_path_factory.mktemp("shared")) as running:
        yield running["n1"][0]


@pytest.fixture
def resolver(world: World, url: str) -> Iterator[NatsResolver]:
    with world.open([url]) as opened:
        yield opened


def imports(subject: str, exporter: AccountPush) -> list[dict[str, str]]:
    return [{"name": "i", "subject": subject, "account": exporter.account, "type": "stream"}]


def exports(subject: str) -> list[dict[str, str]]:
    return [{"name": "e", "subject": subject, "type": "stream"}]


def test_accounts_that_nobody_uses_are_in_effect_on_every_server(world: World, tmp_path: Path) -> None:
    names = ("n1", "n2", "n3")
    with (
        full_resolvers(world, tmp_path, names=names) as running,
        world.open([running["n1"][0]], expected=3) as resolver,
    ):
        told: list[tuple[Step, int, int]] = []
        results = resolver.push(world.accounts(40), probe=True, on_progress=lambda *step: told.append(step))
        assert all(r.ok for r in results)
        assert all(r.effective == dict.fromkeys(names, Effect.COMPLETE) for r in results)
        assert (Step.PROBE, 40, 40) in told
        # nobody has logged in, and none of it is an error to a server
        logs = "".join((tmp_path / name / "log").read_text() for name in names)
        assert [
            line for line in logs.splitlines() if "[ERR]" in line and "connect to route" not in line
        ] == []


def test_without_a_probe_nothing_is_loaded_and_unchanged_accounts_never_are(
    world: World, resolver: NatsResolver
) -> None:
    account = world.account(1)
    (unseen,) = resolver.push([account])
    (unchanged,) = resolver.push([account], probe=True)
    assert unseen.effective == unchanged.effective == {"n1": Effect.NOT_LOADED}
    assert unchanged.is_unchanged


def test_a_probe_finds_what_would_not_work_before_anybody_uses_it(
    world: World, resolver: NatsResolver
) -> None:
    exporter = world.account(10, exports=exports("a"))
    importer = world.account(11, imports=imports("b", exporter))
    _, result = resolver.push([exporter, importer], probe=True)
    assert result.problems() == (f'server "n1" has it incomplete, without stream b from {exporter.account}',)


def test_a_role_that_may_not_load_leaves_accounts_as_they_are(tmp_path: Path) -> None:
    less = World(publish=PUSHER_PUBLISH)
    with full_resolvers(less, tmp_path) as running, less.open([running["n1"][0]]) as resolver:
        results = resolver.push(less.accounts(3), probe=True)
        assert [(r.ok, r.effective) for r in results] == [(True, {"n1": Effect.NOT_LOADED})] * 3
        assert resolver.servers()  # and the connection is as good as before


def test_accounts_that_import_from_each_other_are_complete(world: World, resolver: NatsResolver) -> None:
    plain = [world.account(20), world.account(21)]
    resolver.push(plain, probe=True)  # both are loaded, so each update is applied when it arrives
    one = world.account(20, iat=NOW + 1, exports=exports("one"), imports=imports("two", plain[1]))
    two = world.account(21, iat=NOW + 1, exports=exports("two"), imports=imports("one", plain[0]))
    results = resolver.push([one, two])
    assert [(r.ok, r.effective) for r in results] == [(True, {"n1": Effect.COMPLETE})] * 2


def test_an_importer_is_mended_when_its_exporter_comes_at_last(world: World, resolver: NatsResolver) -> None:
    exporter = world.account(30, exports=exports("late"))
    importer = world.account(31, imports=imports("late", exporter))
    (before,) = resolver.push([importer], probe=True)
    assert before.effective == {"n1": Effect.INCOMPLETE}
    # the exporter is stored and nobody loads it, so the server does not look at the importer again
    stored, mended = resolver.push([exporter, importer])
    assert stored.ok
    assert (mended.ok, mended.effective, mended.dropped) == (True, {"n1": Effect.COMPLETE}, {})


def test_exporters_are_sent_first(world: World, resolver: NatsResolver) -> None:
    chain = [world.account(40)]
    for number in range(41, 46):
        chain.append(world.account(number, exports=exports("c"), imports=imports("c", chain[-1])))
    chain[0] = world.account(40, exports=exports("c"))
    resolver.push([world.account(n, iat=NOW - 1) for n in range(40, 46)], probe=True)
    results = resolver.push(list(reversed(chain)))
    assert [r.account for r in results] == [push.account for push in reversed(chain)]
    assert all(r.effective == {"n1": Effect.COMPLETE} for r in results)
