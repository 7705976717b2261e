"""The sizes that checks go by, beside those of tokens that were signed."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.findings import with_head
from support.golden import SOUND, counted_entropy, tree

from natsbackend.keys import KeyPair, KeyRole
from natsbackend.model.resolve import resolve
from natsbackend.model.sizes import LONGEST_NAME, cookie_size, role_token_size, user_token_size
from natsbackend.project import Project
from natsbackend.spec.load import parse_spec
from natsbackend.tokens import mint

COOKIE = "server: {websocket: {no_tls: true, cookie: {name: nats, domain: a.example}, allowed_origins: ['https://a']}}"
ROLE = "accounts: {web: {roles: {viewer: {websocket: true, ttl: 15m, subscribe: [a]}}}}"


@pytest.mark.parametrize("folder", SOUND, ids=lambda folder: folder.name)
def test_the_size_of_a_users_token_is_known_before_there_is_a_key(folder: Path, tmp_path: Path) -> None:
    made = tree(folder, Project(tmp_path))
    for account in made.backend.accounts.values():
        for user in account.users.values():
            signed = len(made.tokens[user.path])
            assert signed - 20 <= user_token_size(user) <= signed + 200, user.path


def test_a_cookie_is_as_long_as_the_line_that_sets_it() -> None:
    backend = resolve(parse_spec(with_head(f"{ROLE}\n{COOKIE}"), "spec.yaml")).backend
    assert backend.server is not None
    assert backend.server.websocket is not None
    cookie, role = backend.server.websocket.cookie, backend.accounts["web"].roles["viewer"]
    assert cookie is not None
    minted = mint(
        role,
        account=KeyPair(KeyRole.ACCOUNT, b"a" * 32).public,
        signer=KeyPair(KeyRole.ACCOUNT, b"r" * 32),
        name="n" * LONGEST_NAME,
        now=1_760_000_000,
        entropy=counted_entropy(),
    )
    assert cookie_size(cookie, len(minted.jwt), 900) == len(minted.set_cookie(cookie))
    assert len(minted.jwt) <= role_token_size() <= len(minted.jwt) + 20
