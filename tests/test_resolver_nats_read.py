"""What servers hold, read in bulk and server by server, against real servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.resolvers import NOW, World, full_resolvers, key

from natsbackend.errors import InvalidKey, ResolverRejected
from natsbackend.keys import KeyRole
from natsbackend.resolvers.interface import Effect
from natsbackend.resolvers.nats import NatsResolver
from natsbackend.resolvers.nats_replies import dropped_imports, is_complete
from natsbackend.resolvers.nats_subjects import LOAD, PUSHER_PUBLISH, READER_PUBLISH

EXPORT = {"name": "e", "subject": "e.>", "type": "stream"}


@pytest.fixture(scope="module")
def world() -> World:
    return World(publish=(*PUSHER_PUBLISH, *READER_PUBLISH, LOAD))


@pytest.fixture(scope="module")
def url(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with full_resolvers(world, tmp_path_factory.mktemp("shared")) as running:
        yield running["n1"][0]


@pytest.fixture
def resolver(world: World, url: str) -> Iterator[NatsResolver]:
    with world.open([url]) as opened:
        yield opened


def test_everything_is_fetched_in_one_go(world: World, tmp_path: Path) -> None:
    pushes = world.accounts(700)
    with full_resolvers(world, tmp_path) as running, world.open([running["n1"][0]]) as resolver:
        assert resolver.fetch() == {world.system.public: world.system_jwt()}
        resolver.push(pushes)
        held = resolver.fetch()
        assert held == {p.account: p.jwt for p in pushes} | {world.system.public: world.system_jwt()}
        assert resolver.fetch() == held


def test_one_server_of_a_cluster_answers_a_fetch(world: World, tmp_path: Path) -> None:
    with (
        full_resolvers(world, tmp_path, names=("n1", "n2")) as running,
        world.open([running["n1"][0]], expected=2) as resolver,
    ):
        resolver.push(world.accounts(3))
        assert len(resolver.fetch()) == 4


def test_of_a_cache_what_it_works_with_is_fetched(world: World, tmp_path: Path) -> None:
    account, unused = world.account(1), world.account(2)
    with (
        full_resolvers(world, tmp_path, cache=("n1",), preload=[account, unused]) as running,
        world.open([running["n1"][0]]) as resolver,
    ):
        resolver._run(lambda wire: wire.exchange([], each=1, take=lambda *_: None))
        assert resolver.fetch() == {world.system.public: world.system_jwt()}
        # somebody uses one of them
        body = json.dumps({"acc": account.account, "subject": "_"}).encode()
        resolver._run(
            lambda wire: wire.exchange(
                [("$SYS.REQ.SERVER.PING.STATSZ", b"")], each=1, take=lambda *_: None, before=[(LOAD, body)]
            )
        )
        assert resolver.fetch()[account.account] == account.jwt
        (holding,) = resolver.inspect([account.account]).values()
        assert (holding.tokens, holding.effective) == ({"n1": account.jwt}, {"n1": Effect.COMPLETE})


def test_a_memory_resolver_has_nothing_to_fetch(world: World, tmp_path: Path) -> None:
    with (
        full_resolvers(world, tmp_path, memory=("n1",)) as running,
        world.open([running["n1"][0]]) as resolver,
        pytest.raises(ResolverRejected, match="nobody listens"),
    ):
        resolver.fetch()


@pytest.mark.parametrize("left_out", ["$SYS.REQ.CLAIMS.PACK", "$SYS.REQ.CLAIMS.LIST"])
def test_the_observer_needs_each_of_its_permissions(left_out: str, tmp_path: Path) -> None:
    less = World(publish=[subject for subject in READER_PUBLISH if subject != left_out])
    with full_resolvers(less, tmp_path) as running, less.open([running["n1"][0]]) as resolver:
        ask = resolver.fetch if left_out.endswith("PACK") else lambda: resolver.inspect([])
        with pytest.raises(ResolverRejected, match="Permissions Violation"):
            ask()


def test_an_account_is_inspected_from_missing_to_in_effect(world: World, resolver: NatsResolver) -> None:
    account = world.account(10)
    (nothing,) = resolver.inspect([account.account]).values()
    assert (nothing.tokens, nothing.effective) == ({"n1": None}, {"n1": Effect.NOT_LOADED})
    resolver.push([account])
    (stored,) = resolver.inspect([account.account]).values()
    assert (stored.tokens, stored.effective) == ({"n1": account.jwt}, {"n1": Effect.NOT_LOADED})
    newer = world.account(10, iat=NOW + 1)
    resolver.push([newer], probe=True)
    (used,) = resolver.inspect([account.account]).values()
    assert (used.tokens, used.effective, used.dropped) == ({"n1": newer.jwt}, {"n1": Effect.COMPLETE}, {})


def test_what_is_no_account_is_not_inspected(resolver: NatsResolver) -> None:
    with pytest.raises(InvalidKey):
        resolver.inspect([key(KeyRole.USER, 1).public])


def test_servers_that_hold_different_tokens_are_told_apart(world: World, tmp_path: Path) -> None:
    unused, used, missing = world.account(1), world.account(2), world.account(3)
    with full_resolvers(world, tmp_path, names=("n1", "n2")) as running:
        url = running["n1"][0]
        with world.open([url], expected=2) as resolver:
            resolver.push([unused])
            resolver.push([used], probe=True)
        # written into the store of one server, as by somebody's hand or a sync that is yet to come
        store = tmp_path / "n2" / "jwt"
        changed = {one.account: world.account(n, iat=NOW + 9) for n, one in ((1, unused), (2, used))}
        for account, push in changed.items():
            (store / f"{account}.jwt").write_text(push.jwt)
        (store / f"{missing.account}.jwt").write_text(missing.jwt)
        with world.open([url], expected=2) as resolver:
            held = resolver.inspect([unused.account, used.account, missing.account])
    tokens = {account: holding.tokens for account, holding in held.items()}
    assert tokens[used.account] == {"n1": used.jwt, "n2": changed[used.account].jwt}
    assert set(tokens[unused.account]) == {"n1 or n2", "n1 or n2 (2)"}
    assert set(tokens[unused.account].values()) == {unused.jwt, changed[unused.account].jwt}
    assert held[used.account].effective == {"n1": Effect.COMPLETE, "n2": Effect.STALE}
    assert set(tokens[missing.account].values()) == {None, missing.jwt}


def test_each_dropped_import_is_named(world: World, resolver: NatsResolver) -> None:
    service = {"name": "s", "subject": "q.*.x", "type": "service"}
    exporter = world.account(20, exports=[EXPORT, service])
    key_of = exporter.account
    imports = [
        {"name": "a", "subject": "e.a", "account": key_of, "type": "stream"},
        {"name": "b", "subject": "e.a", "account": key_of, "type": "stream", "local_subject": "other"},
        {"name": "c", "subject": "f", "account": key_of, "type": "stream"},
        {"name": "d", "subject": "q.*.x", "account": key_of, "type": "service", "local_subject": "my.$1"},
        {"name": "e", "subject": "local", "account": key_of, "type": "service", "to": "q.1.x"},
        {"name": "f", "subject": "local.2", "account": key_of, "type": "service", "to": "nothing"},
        {"name": "g", "subject": "q.a.y", "account": key_of, "type": "service"},
    ]
    importer = world.account(21, imports=imports)
    _, result = resolver.push([exporter, importer], probe=True)
    assert result.effective == {"n1": Effect.INCOMPLETE}
    lost = {f"stream e.a from {key_of}", f"stream f from {key_of}"}
    lost |= {f"service nothing from {key_of}", f"service q.a.y from {key_of}"}
    assert set(result.dropped["n1"]) == lost
    (holding,) = resolver.inspect([importer.account]).values()
    assert set(holding.dropped["n1"]) == lost


def test_texts_of_an_account_do_not_pass_for_what_the_server_says(world: World) -> None:
    token = b"eyJ.e.s"
    about = {"jwt": token.decode(), "complete": False, "expired": False}
    assert not is_complete(json.dumps({"data": about | {"name_tag": '"complete":true'}}).encode(), token)
    whole = json.dumps({"data": about | {"complete": True}}, separators=(",", ":")).encode()
    assert is_complete(whole, token)
    assert not is_complete(whole, b"eyJ.e.t")
    assert dropped_imports({"data": {"jwt": "no token", "imports": "none"}}) == ()
