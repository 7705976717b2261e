"""Revocations of activations that are said in the spec: of accounts outside, and of everybody up to a moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from support.running import HOST, TIMEOUT, Running, running
from support.workspaces import NOW, Workspace
from test_activations import activation, space
from test_import_tokens import pair
from test_sharing_on_server import restore, smuggle

from natsbackend.claims.build import account_claims
from natsbackend.claims.codec import Claims, TokenKind, sign
from natsbackend.errors import SpecError
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.live.wire import connect_tcp
from natsbackend.model.entities import Target
from natsbackend.resolvers.interface import AccountPush
from natsbackend.workflow.activating import ActivationSigner
from natsbackend.workflow.opening import open_spec
from natsbackend.workflow.push import pushing

__all__ = ["space"]

LATER = NOW + 100
PARTNER, SIGNING, USER = pair("partner"), pair("partner main"), KeyPair(KeyRole.USER, b"p" * 32)


def at(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"


def revoke(space: Workspace, **words: object) -> None:
    space.accounts["back"]["exports"][0]["revocations"] = words


def revocations(space: Workspace) -> object:
    exports: Any = space.account("back").nats["exports"]
    return exports[0].get("revocations")


def test_all_before_makes_what_is_named_anew(space: Workspace) -> None:
    revoke(space, all_before=at(NOW))
    space.generate(now=LATER)
    assert revocations(space) == {"*": NOW}
    assert activation(space).issued_at == LATER
    text = activation(space).text
    assert space.generate(now=LATER + 1).signed == ()
    assert activation(space).text == text


def test_all_before_leaves_alone_what_is_younger(space: Workspace) -> None:
    before = activation(space).text
    revoke(space, all_before=at(NOW - 1))
    space.generate(now=LATER)
    assert activation(space).text == before


def test_all_before_cannot_lie_ahead_of_what_is_named(space: Workspace) -> None:
    revoke(space, all_before=at(LATER))
    with pytest.raises(SpecError, match='would revoke the new activation of "web"'):
        space.generate(now=LATER)
    space.accounts["back"]["exports"][0]["private"] = True
    space.accounts["web"]["imports"] = []
    space.generate(now=LATER)
    assert revocations(space) == {"*": LATER, space.key("accounts/web"): LATER}


def test_the_later_of_spec_and_lock_counts(space: Workspace) -> None:
    key = space.key("accounts/web")
    space.accounts["web"]["imports"] = []
    space.accounts["back"]["exports"][0]["private"] = True
    for said, holds in ((LATER - 1, LATER), (LATER + 50, LATER + 50)):
        revoke(space, accounts={key: at(said)})
        space.generate(now=LATER)
        assert revocations(space) == {key: holds}


# --- on a server ---


def spec_of(**export: object) -> dict[str, Any]:
    export = {"stream": "news.>", "private": ["partner"], **export}
    return {
        "version": 1,
        "operator": {"name": "acme"},
        "outside": {"partner": {"public_key": PARTNER.public}},
        "accounts": {"back": {"exports": [export], "users": {"press": {"publish": ["news.>"]}}}},
    }


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    root = tmp_path_factory.mktemp("revocations")
    Workspace(root=root, spec=spec_of()).save()
    with running(open_spec(str(root / "natsbackend.yaml")), root) as started:
        yield started


def partner_imports(live: Running, activation: str, issued_at: int) -> bool:
    """Push the account outside as its people would, and tell whether its import is in effect."""
    taken = {
        "name": "news",
        "subject": "news.>",
        "account": live.tree.lock.keyring()["accounts/back"],
        "token": activation,
        "type": "stream",
    }
    limits = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1)
    nats = {"imports": [taken], "limits": {**limits, "wildcards": True}, "signing_keys": [SIGNING.public]}
    claims = Claims(kind=TokenKind.ACCOUNT, subject=PARTNER.public, name="partner", nats=nats)
    jwt = sign(claims, live.key_of("operator/signing/main"), issued_at)
    unlimited = {"subs": -1, "data": -1, "payload": -1, "issuer_account": PARTNER.public}
    user = Claims(
        kind=TokenKind.USER, subject=USER.public, name="one", nats={"pub": {}, "sub": {}, **unlimited}
    )
    target = Target(name="test", urls=(f"nats://{HOST}:{live.port}",), servers=1)
    pushed = AccountPush(account=PARTNER.public, jwt=jwt, name="partner")
    with pushing(live.tree, target, now=live.now) as resolver:
        resolver.push((pushed,), expected=1)
        login = sign(user, SIGNING, live.now)
        with connect_tcp(HOST, live.port, jwt=login, key=USER, timeout=TIMEOUT):  # so that it is loaded
            (result,) = resolver.push((pushed,), expected=1)
    return result.problems() == ()


def test_an_account_outside_loses_its_import_with_the_revocation(live: Running) -> None:
    tree = live.tree
    signer = ActivationSigner(tree.backend, tree.lock.keyring(), tree.store)
    given = signer.mint("back", "news.>", kind=None, importer="partner", now=live.now)
    assert partner_imports(live, given, live.now)
    Workspace(
        root=tree.project.root, spec=spec_of(revocations={"accounts": {"partner": at(live.now)}})
    ).save()
    changed = open_spec(str(tree.project.root / "natsbackend.yaml")).backend
    exports = account_claims(changed, changed.accounts["back"], tree.lock.keyring()).claims.nats["exports"]
    try:
        assert smuggle(live, "back", exports=exports).problems() == ()
        assert not partner_imports(live, given, live.now + 1)
        newer = signer.mint("back", "news.>", kind=None, importer="partner", now=live.now + 1)
        assert partner_imports(live, newer, live.now + 2)
    finally:
        restore(live, "back")
