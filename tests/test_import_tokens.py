"""Activations from outside: which are taken, what is said about others, and what a real server makes of them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from support.cli import natsbackend
from support.running import Running, running
from support.workspaces import Workspace
from test_sharing_on_server import connect, key, restore, smuggle

from natsbackend.claims.codec import Claims, TokenKind, read_unverified, sign
from natsbackend.claims.creds import decorate
from natsbackend.claims.imported import expiries
from natsbackend.claims.sharing import import_nats
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.model.entities import Target
from natsbackend.resolvers.interface import AccountPush
from natsbackend.workflow.opening import open_spec
from natsbackend.workflow.push import pushing


def pair(name: str) -> KeyPair:
    return KeyPair(KeyRole.ACCOUNT, hashlib.sha256(name.encode()).digest())


BILLING, MAIN = pair("billing"), pair("billing main")
NOW = 1_760_000_000


def activation(
    to: str,
    *,
    by: KeyPair = MAIN,
    of: KeyPair = BILLING,
    subject: str = "pay.>",
    until: int = 0,
    since: int = 0,
) -> str:
    nats: Mapping[str, object] = {"subject": subject, "kind": "service"}
    if by is not of:
        nats = {**nats, "issuer_account": of.public}
    claims = Claims(
        kind=TokenKind.ACTIVATION, subject=to, name=subject, nats=nats, expires=until, not_before=since
    )
    return sign(claims, by, NOW)


def importing(token: object) -> dict[str, object]:
    taken = {"from": "billing", "service": "pay.card", "token": token}
    web = {"imports": [taken], "users": {"shop": {"request": ["pay.card"]}}}
    return {
        "version": 1,
        "operator": {"name": "acme"},
        "outside": {"billing": {"public_key": BILLING.public}},
        "accounts": {"web": web},
    }


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    """A project whose account `web` has a key, and no import yet."""
    spec = importing("")
    spec["accounts"] = {"web": {"users": {"shop": {"request": ["pay.card"]}}}}
    made = Workspace(root=tmp_path, spec=spec)
    made.generate()
    return made


def with_token(space: Workspace, token: object) -> Workspace:
    space.spec.clear()
    space.spec.update(importing(token))
    space.save()
    return space


def carried(space: Workspace) -> object:
    jwt = space.project.account_jwt("web").read_text(encoding="utf-8")
    imports = read_unverified(jwt).nats["imports"]
    assert isinstance(imports, list)
    return imports[0].get("token")


@pytest.mark.parametrize("by", [MAIN, BILLING])
def test_an_activation_stands_in_the_jwt_as_it_came(space: Workspace, by: KeyPair) -> None:
    token = activation(space.key("accounts/web"), by=by)
    natsbackend("generate", cwd=with_token(space, f"{token}\n").root)
    assert carried(space) == token


def test_a_file_is_read_with_its_decoration_and_again_when_it_changes(space: Workspace) -> None:
    (space.root / "given").mkdir()
    file = space.root / "given" / "pay.jwt"
    for subject in ("pay.>", "pay.card"):
        token = activation(space.key("accounts/web"), subject=subject)
        file.write_text(decorate(TokenKind.ACTIVATION, token), encoding="utf-8")
        natsbackend("generate", cwd=with_token(space, {"file": "given/pay.jwt"}).root)
        assert carried(space) == token


def test_a_link_does_not_lead_out_of_the_folder(
    space: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "pay.jwt"
    secret.write_text(activation(space.key("accounts/web")), encoding="utf-8")
    (space.root / "link.jwt").symlink_to(secret)
    ran = natsbackend("check", cwd=with_token(space, {"file": "link.jwt"}).root, code=1)
    assert "error[spec-file]: link.jwt leads out of the folder of the spec" in ran.out + ran.err


def test_an_activation_for_another_account_is_refused_where_the_keys_are_known(space: Workspace) -> None:
    with_token(space, activation(pair("other").public))
    natsbackend("check", cwd=space.root)
    ran = natsbackend("generate", cwd=space.root, code=1)
    assert f'is for {pair("other").public}, not for account "web"' in ran.err
    assert f"ask for one for {space.key('accounts/web')}" in ran.err


def test_an_account_without_a_key_is_told_to_make_one_first(tmp_path: Path) -> None:
    space = Workspace(root=tmp_path, spec=importing(activation(pair("other").public)))
    space.save()
    ran = natsbackend("generate", cwd=tmp_path, code=1)
    assert 'account "web" has no key yet' in ran.err
    assert not space.project.lock.exists()


@pytest.mark.parametrize(
    ("until", "since", "said"),
    [(NOW, 0, "ended on 2025-10-09T08:53:20Z"), (0, 2**40, "begins on"), (0, 2**62, "begins on second")],
)
def test_one_that_does_not_hold_now_is_a_warning(space: Workspace, until: int, since: int, said: str) -> None:
    with_token(space, activation(space.key("accounts/web"), until=until, since=since))
    for _ in range(2):  # said each time, so no stamp hides it
        ran = natsbackend("generate", cwd=space.root)
        assert "warning[import-token-expired]" in ran.err
        assert said in ran.err


def test_when_it_ends_is_known(space: Workspace) -> None:
    with_token(space, activation(space.key("accounts/web"), until=2**40))
    backend = open_spec(str(space.root / "natsbackend.yaml")).backend
    assert [(a.name, i.subject, at) for a, i, at in expiries(backend)] == [("web", "pay.card", 2**40)]


# --- on a server ---


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The spec without its import, on a server that has the other account, too."""
    root = tmp_path_factory.mktemp("tokens")
    spec = importing("")
    spec["accounts"] = {"web": {"users": {"shop": {"request": ["pay.card"]}}}}
    Workspace(root=root, spec=spec).save()
    with running(open_spec(str(root / "natsbackend.yaml")), root) as started:
        export = {
            "name": "pay",
            "subject": "pay.>",
            "type": "service",
            "token_req": True,
            "response_type": "Singleton",
        }
        limits = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1)
        nats = {"exports": [export], "limits": {**limits, "wildcards": True}, "signing_keys": [MAIN.public]}
        claims = Claims(kind=TokenKind.ACCOUNT, subject=BILLING.public, name="billing", nats=nats)
        jwt = sign(claims, started.key_of("operator/signing/main"), started.now)
        target = Target(name="test", urls=(f"nats://127.0.0.1:{started.port}",), servers=1)
        with pushing(started.tree, target, now=started.now) as resolver:
            pushed = AccountPush(account=BILLING.public, jwt=jwt, name="billing")
            assert [r.problems() for r in resolver.push((pushed,), expected=1)] == [()]
        yield started


def is_installed(live: Running, token: str) -> bool:
    """Push `web` with the import that the spec says, and ask the server whether all of it is in effect."""
    root = live.tree.project.root
    Workspace(root=root, spec=importing(token)).save()
    account = open_spec(str(root / "natsbackend.yaml")).backend.accounts["web"]
    (taken,) = account.imports
    claims = import_nats(account, taken, live.tree.lock.keyring(), taken.token)
    with connect(live, "web", "shop"):  # so that the account is loaded
        try:
            return smuggle(live, "web", imports=[claims]).problems() == ()
        finally:
            restore(live, "web")


def test_the_server_takes_what_is_taken_here(live: Running) -> None:
    web, now = key(live, "web"), int(time.time())
    assert is_installed(live, activation(web))
    assert is_installed(live, activation(web, by=BILLING, subject="pay.card"))
    assert is_installed(live, activation(web, until=now + 3600))


def test_the_server_drops_what_is_refused_or_warned_of_here(live: Running) -> None:
    web, now = key(live, "web"), int(time.time())
    assert not is_installed(live, activation(pair("other").public))
    assert not is_installed(live, activation(web, until=now - 1))
    assert not is_installed(live, activation(web, since=now + 3600))
