"""What every resolver promises, held against each of them; what only one kind does has a file of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.contract import KINDS, Subject
from support.resolvers import NOW, World, full_resolvers, key

from natsbackend.claims.codec import sign
from natsbackend.claims.permits import permits
from natsbackend.errors import ClaimsError, InvalidKey, ResolverRejected, ResolverUnavailable
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.resolvers.interface import AccountPush, CannotRemove, PushRejected, Step
from natsbackend.resolvers.nats_subjects import DELETE, LOAD, PUSHER_PUBLISH, READER_PUBLISH

STRANGER = key(KeyRole.OPERATOR, 99)
_numbers = itertools.count(100, 10)


@pytest.fixture(scope="module", params=KINDS)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """Run one kind for all tests of it; each test has accounts of its own."""
    world = World(publish=(*dict.fromkeys((*PUSHER_PUBLISH, *READER_PUBLISH, LOAD, DELETE)),))
    with KINDS[request.param](world, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def number() -> int:
    """Return the first of ten numbers of accounts that no other test has."""
    return next(_numbers)


def permitted(ids: list[str], signer: KeyPair) -> list[str]:
    return [sign(claims, signer, NOW) for claims in permits(ids, signer.public)]


def test_what_is_pushed_is_read_back(subject: Subject, number: int) -> None:
    pushes = [subject.world.account(number + n) for n in range(5)]
    ids = [push.account for push in pushes]
    with subject.open() as resolver:
        assert resolver.lookup(ids) == dict.fromkeys(ids)
        results = resolver.push(pushes)
        assert [(r.account, r.name) for r in results] == [(p.account, p.name) for p in pushes]
        assert all(r.ok and r.read_back_ok and not r.is_unchanged for r in results)
        assert {r.stored for r in results} == {subject.holders}
    with subject.open() as another:
        assert another.lookup(ids) == {push.account: push.jwt for push in pushes}


def test_a_second_push_sends_nothing(subject: Subject, number: int) -> None:
    pushes = [subject.world.account(number + n) for n in range(3)]
    with subject.open() as resolver:
        resolver.push(pushes[:2])
        again = resolver.push(pushes)
    assert [(r.ok, r.is_unchanged, r.stored) for r in again] == [
        (True, True, subject.holders),
        (True, True, subject.holders),
        (True, False, subject.holders),
    ]
    assert [bool(r.said) for r in again] == [False, False, True]


def test_the_newer_replaces_the_older_and_never_the_other_way_round(subject: Subject, number: int) -> None:
    old, new = subject.world.account(number), subject.world.account(number, iat=NOW + 5)
    with subject.open() as resolver:
        resolver.push([old])
        (result,) = resolver.push([new])
        assert (result.ok, result.is_unchanged) == (True, False)
        other = subject.world.account(number, iat=NOW + 5, description="as new, and another")
        for late in (old, other):
            with pytest.raises(ResolverRejected, match=f'as new or newer for account "acc-{number}"'):
                resolver.push([late, subject.world.account(number + 1)])
        assert resolver.lookup([new.account]) == {new.account: new.jwt}
        assert resolver.lookup([subject.world.account(number + 1).account]).popitem()[1] is None


def test_an_unknown_account_is_none_and_another_key_is_a_mistake(subject: Subject, number: int) -> None:
    unknown = subject.world.account(number).account
    with subject.open() as resolver:
        assert resolver.lookup([unknown]) == {unknown: None}
        assert set(resolver.inspect([unknown])[unknown].tokens.values()) == {None}
        assert resolver.lookup([]) == {}
        for wrong in (key(KeyRole.USER, 1).public, "../../etc/passwd", ""):
            with pytest.raises(InvalidKey, match="is not the public key of an account"):
                resolver.lookup([wrong])


def test_a_fetch_gives_all_of_them(subject: Subject, number: int) -> None:
    pushes = [subject.world.account(number + n) for n in range(9)]
    with subject.open() as resolver:
        resolver.push(pushes)
        held = resolver.fetch()
        holdings = resolver.inspect([push.account for push in pushes])
    assert {push.account: push.jwt for push in pushes}.items() <= held.items()
    for push in pushes:
        assert holdings[push.account].tokens == dict.fromkeys(subject.holders, push.jwt)


def test_effects_are_told_by_running_servers_alone(subject: Subject, number: int) -> None:
    with subject.open() as resolver:
        (result,) = resolver.push([subject.world.account(number)], probe=True)
        (holding,) = resolver.inspect([subject.world.account(number).account]).values()
    expected = set(subject.holders) if subject.has_effects else set()
    assert set(result.effective) == set(holding.effective) == expected


def test_one_who_is_not_trusted_signs_nothing_that_is_stored(subject: Subject, number: int) -> None:
    good = subject.world.account(number)
    bad = subject.world.account(number, iat=NOW + 1, issuer=STRANGER)
    with subject.open() as resolver:
        resolver.push([good])
        issuers = {issuer for server in resolver.servers() for issuer in server.operator_issuers}
        if not subject.trust_is_known:
            assert not issuers  # and whoever pushes there has to know
            return
        assert issuers == {subject.world.signer.public}
        with pytest.raises(ResolverRejected, match=f"does not trust {STRANGER.public}"):
            resolver.push([bad])
        assert resolver.lookup([good.account]) == {good.account: good.jwt}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda push: push.jwt + "\n", "not one JWT of"),
        (lambda push: World().account(9).jwt, "not one JWT of"),
        (lambda push: "no.jwt", "three"),
    ],
    ids=["line-end", "of-another", "none"],
)
def test_what_is_no_jwt_of_the_account_is_not_sent(
    subject: Subject, number: int, spoil: Callable[[AccountPush], str], message: str
) -> None:
    push = subject.world.account(number)
    spoilt = AccountPush(account=push.account, jwt=spoil(push), name=push.name)
    with subject.open() as resolver:
        with pytest.raises((ResolverRejected, ClaimsError), match=message):
            resolver.push([subject.world.account(number + 1), spoilt])
        assert resolver.lookup([subject.world.account(number + 1).account]).popitem()[1] is None


def test_an_account_that_is_there_twice_is_a_mistake(subject: Subject, number: int) -> None:
    twice = [subject.world.account(number), subject.world.account(number, iat=NOW + 1)]
    with subject.open() as resolver, pytest.raises(ResolverRejected, match="there twice"):
        resolver.push(twice)


def test_more_are_expected_than_there_are(subject: Subject, number: int) -> None:
    account = subject.world.account(number)
    with subject.open() as resolver:
        (result,) = resolver.push([account], expected=len(subject.holders) + 2)
        assert (result.ok, result.unheard) == (False, 2)
        assert "2 of" in result.problems()[0]
        assert resolver.lookup([account.account]) == {account.account: account.jwt}


def test_progress_is_told_to_the_end(subject: Subject, number: int) -> None:
    told: list[tuple[Step, int, int]] = []
    with subject.open() as resolver:
        pushes = [subject.world.account(number + n) for n in range(4)]
        resolver.push(pushes, on_progress=lambda *step: told.append(step))
    for step in (Step.LOOKUP, Step.UPDATE, Step.READ_BACK):
        assert (step, 4, 4) in told


def test_nothing_to_push_is_no_error(subject: Subject) -> None:
    with subject.open() as resolver:
        assert resolver.push([]) == ()


def test_what_is_removed_is_gone_or_refused_in_clear_words(subject: Subject, number: int) -> None:
    pushes = [subject.world.account(number + n) for n in range(3)]
    ids = [push.account for push in pushes]
    with subject.open() as resolver:
        resolver.push(pushes)
        if not subject.removes:
            with pytest.raises(CannotRemove, match="deletes nothing"):
                resolver.remove(ids[:2], permitted(ids[:2], subject.world.signer))
            assert resolver.lookup(ids) == {push.account: push.jwt for push in pushes}
            return
        result = resolver.remove(ids[:2], permitted(ids[:2], subject.world.signer))
        assert (result.ok, sorted(result.removed)) == (True, sorted(subject.holders))
        assert resolver.lookup(ids) == {ids[0]: None, ids[1]: None, ids[2]: pushes[2].jwt}
        assert ids[0] not in resolver.fetch()


def test_a_permit_for_something_else_removes_nothing(subject: Subject, number: int) -> None:
    pushes = [subject.world.account(number + n) for n in range(2)]
    ids = [push.account for push in pushes]
    with subject.open() as resolver:
        resolver.push(pushes)
        with pytest.raises(ResolverRejected, match=r"name other accounts|deletes nothing"):
            resolver.remove(ids[:1], permitted(ids, subject.world.signer))
        assert resolver.lookup(ids) == {push.account: push.jwt for push in pushes}


def test_nothing_is_removed_while_a_holder_is_missing(subject: Subject, number: int) -> None:
    account = subject.world.account(number)
    with subject.open() as resolver:
        resolver.push([account])
        if subject.removes:
            permit = permitted([account.account], subject.world.signer)
            result = resolver.remove([account.account], permit, expected=len(subject.holders) + 1)
            assert (result.ok, result.unheard, result.removed) == (False, 1, ())
        assert resolver.lookup([account.account]) == {account.account: account.jwt}


def test_it_is_closed_once_and_says_so(subject: Subject) -> None:
    with subject.open() as resolver:
        resolver.close()
        resolver.close()
        with pytest.raises(ResolverUnavailable, match="closed"):
            resolver.servers()


def test_a_cache_is_read_and_takes_no_push(tmp_path: Path) -> None:
    """Of a cache that nobody used an account of: it answers 200, and that it skipped the JWT."""
    world = World(publish=(*dict.fromkeys((*PUSHER_PUBLISH, *READER_PUBLISH)),))
    account = world.account(1)
    with (
        full_resolvers(world, tmp_path, cache=("n1",), preload=[account]) as running,
        world.open([running["n1"][0]]) as resolver,
    ):
        with pytest.raises((ResolverRejected, PushRejected), match="nobody listens") as caught:
            resolver.push([world.account(1, iat=NOW + 1)])
        assert "type full" in str(caught.value.hint)
        assert resolver.fetch() == {world.system.public: world.system_jwt()}
        assert resolver.inspect([world.system.public])[world.system.public].tokens == {
            "n1": world.system_jwt()
        }
