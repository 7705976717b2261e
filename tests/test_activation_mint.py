"""`activation mint`: for accounts outside the spec, of private exports alone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from support.cli import natsbackend
from support.workspaces import Workspace

from natsbackend.claims.codec import TokenKind, decode
from natsbackend.keys import KeyPair, KeyRole

STRANGER = KeyPair(KeyRole.ACCOUNT, b"s" * 32).public
USER = KeyPair(KeyRole.USER, b"s" * 32).public


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    exports = [
        {"stream": "news.>", "private": True},
        {"stream": "both", "private": True},
        {"service": "both", "private": ["web"]},
        {"stream": "deals.>", "private": ["web", "partner"]},
        {"stream": "open"},
    ]
    spec = {
        "version": 1,
        "operator": {"name": "acme"},
        "outside": {"partner": {"public_key": STRANGER}},
        "accounts": {"back": {"exports": exports}, "web": {}},
    }
    made = Workspace(root=tmp_path_factory.mktemp("mint"), spec=spec)
    made.generate()
    return made


def test_an_activation_is_for_the_subject_and_the_account_that_were_asked_for(space: Workspace) -> None:
    ran = natsbackend("activation", "mint", "back", "news.eu", "--for", STRANGER, cwd=space.root)
    token = decode(ran.out.strip())
    assert (token.kind, token.subject, token.expires) == (TokenKind.ACTIVATION, STRANGER, 0)
    assert token.issuer == space.key("accounts/back/signing/main")
    assert token.nats["issuer_account"] == space.key("accounts/back")
    assert (token.nats["subject"], token.nats["kind"]) == ("news.eu", "stream")


def test_an_account_outside_goes_by_its_name(space: Workspace) -> None:
    ran = natsbackend("activation", "mint", "back", "deals.>", "--for", "partner", cwd=space.root)
    assert decode(ran.out.strip()).subject == STRANGER
    arguments = ("activation", "mint", "back", "both", "--kind", "service", "--for", "partner")
    ran = natsbackend(*arguments, cwd=space.root, code=1)
    assert "is not for 'partner'" in ran.err


def test_it_ends_where_that_was_asked_for(space: Workspace) -> None:
    ran = natsbackend(
        "activation", "mint", "back", "news.>", "--for", STRANGER, "--ttl", "1h", cwd=space.root
    )
    token = decode(ran.out.strip())
    assert token.expires - token.issued_at == 3600
    assert abs(token.issued_at - time.time()) < 60


def test_the_kind_is_asked_for_where_it_is_not_clear(space: Workspace) -> None:
    arguments = ("activation", "mint", "back", "both", "--for", STRANGER)
    assert "a stream and of a service" in natsbackend(*arguments, cwd=space.root, code=1).err
    token = decode(natsbackend(*arguments, "--kind", "service", cwd=space.root).out.strip())
    assert token.nats["kind"] == "service"


@pytest.mark.parametrize(
    ("exporter", "subject", "importer", "said"),
    [
        ("nobody", "news.>", STRANGER, "no account 'nobody'"),
        ("back", "news.>", USER, "is not the public key of an account"),
        ("back", "open", STRANGER, "is not private"),
        ("back", "news.>", "web", "name it in `private`"),
        ("back", "news.>", "nobody", "a name under `outside`"),
        ("back", ">", STRANGER, "does not export"),
        ("back", "news..x", STRANGER, "cannot be imported"),
    ],
)
def test_what_cannot_be_activated_is_refused(
    space: Workspace, exporter: str, subject: str, importer: str, said: str
) -> None:
    ran = natsbackend("activation", "mint", exporter, subject, "--for", importer, cwd=space.root, code=1)
    assert said in ran.err
    assert ran.out == ""


def test_it_needs_the_exporters_seed(space: Workspace, tmp_path: Path) -> None:
    copy = Workspace(root=tmp_path, spec=space.spec)
    copy.save()
    arguments = ("activation", "mint", "back", "news.>", "--for", STRANGER)
    assert "has no key yet" in natsbackend(*arguments, cwd=tmp_path, code=1).err
    copy.project.lock.write_bytes(space.project.lock.read_bytes())
    ran = natsbackend(*arguments, cwd=tmp_path, code=1)
    assert "the seed of accounts/back/signing/main must sign this activation" in ran.err
