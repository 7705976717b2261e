"""Deleting accounts from real servers, so that they stay deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.resolvers import NOW, World, full_resolvers, key

from natsbackend.claims.codec import sign
from natsbackend.claims.permits import permits
from natsbackend.errors import ClaimsError, InvalidKey, ResolverRejected
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.resolvers.nats import NatsResolver
from natsbackend.resolvers.nats_subjects import DELETE, PUSHER_PUBLISH


@pytest.fixture(scope="module")
def world() -> World:
    return World(publish=(*PUSHER_PUBLISH, DELETE))


@pytest.fixture(scope="module")
def shared(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with full_resolvers(world, tmp_path_factory.mktemp("shared")) as running:
        yield running["n1"][0]


@pytest.fixture
def resolver(world: World, shared: str) -> Iterator[NatsResolver]:
    with world.open([shared]) as opened:
        yield opened


def permitted(ids: list[str], signer: KeyPair, *, most: int = 5_000) -> list[str]:
    return [sign(claims, signer, NOW) for claims in permits(ids, signer.public, most=most)]


def test_accounts_are_gone_on_every_server(world: World, tmp_path: Path) -> None:
    pushes = world.accounts(5)
    ids = [push.account for push in pushes]
    with (
        full_resolvers(world, tmp_path, names=("n1", "n2")) as running,
        world.open([running["n1"][0]], expected=2) as resolver,
    ):
        resolver.push(pushes)
        result = resolver.remove(ids[:4], permitted(ids[:4], world.signer)[0])
        assert (result.ok, result.removed) == (True, ("n1", "n2"))
        assert set(resolver.lookup(ids[:4]).values()) == {None}
        assert resolver.lookup(ids[4:]) == {ids[4]: pushes[4].jwt}


def test_several_permits_are_one_deletion(world: World, resolver: NatsResolver) -> None:
    pushes = [world.account(100 + n) for n in range(7)]
    ids = [push.account for push in pushes]
    resolver.push(pushes)
    assert resolver.remove(ids, permitted(ids, world.signer, most=3)).ok
    assert set(resolver.lookup(ids).values()) == {None}


def test_nothing_is_sent_while_a_server_is_missing(world: World, shared: str) -> None:
    account = world.account(110)
    with world.open([shared], timeout=0.5) as resolver:
        resolver.push([account])
        result = resolver.remove([account.account], permitted([account.account], world.signer)[0], expected=2)
        assert (result.ok, result.removed, result.unheard) == (False, (), 1)
        assert resolver.lookup([account.account]) == {account.account: account.jwt}


def test_a_server_that_may_not_delete_says_so(world: World, tmp_path: Path) -> None:
    with (
        full_resolvers(world, tmp_path, allow_delete=False) as running,
        world.open([running["n1"][0]]) as resolver,
    ):
        resolver.push([world.account(1)])
        ids = [world.account(1).account]
        result = resolver.remove(ids, permitted(ids, world.signer)[0])
    assert not result.ok
    assert "delete must be enabled in server config" in result.refused["n1"]


def test_the_system_account_is_never_deleted(world: World, resolver: NatsResolver) -> None:
    ids = [world.system.public]
    with pytest.raises(ResolverRejected, match="system account"):
        resolver.remove(ids, permitted(ids, world.signer)[0])


def test_a_permit_of_a_stranger_is_not_sent(world: World, resolver: NatsResolver) -> None:
    ids, stranger = [world.account(120).account], key(KeyRole.OPERATOR, 99)
    with pytest.raises(ResolverRejected, match='"n1" does not trust O'):
        resolver.remove(ids, permitted(ids, stranger)[0])


def test_a_permit_must_name_what_is_to_be_deleted(world: World, resolver: NatsResolver) -> None:
    one, other = world.account(121).account, world.account(122).account
    for named in ([one, other], [other]):
        with pytest.raises(ResolverRejected, match="other accounts"):
            resolver.remove([one], permitted(named, world.signer)[0])


def test_a_permit_that_is_none_is_not_shown(world: World, resolver: NatsResolver) -> None:
    account = world.account(123)
    with pytest.raises(ResolverRejected, match="not signed by the key that it is for"):
        resolver.remove([account.account], account.jwt)
    forged = permitted([account.account], world.signer)[0]
    with pytest.raises(ResolverRejected, match="not signed") as caught:
        resolver.remove([account.account], forged[:-20] + "A" * 20)
    assert "eyJ" not in f"{caught.value}{caught.value.hint}"
    with pytest.raises(ClaimsError):
        resolver.remove([account.account], "nothing")
    with pytest.raises(InvalidKey):
        resolver.remove(["nothing"], forged)


def test_a_permit_larger_than_the_server_takes_is_refused(world: World, tmp_path: Path) -> None:
    ids = [world.account(n).account for n in range(60)]
    with (
        full_resolvers(world, tmp_path, extra="max_payload: 4096") as running,
        world.open([running["n1"][0]]) as resolver,
    ):
        with pytest.raises(ResolverRejected, match="the server takes 4096"):
            resolver.remove(ids, permitted(ids, world.signer))
        assert resolver.remove(ids, permitted(ids, world.signer, most=30)).ok
