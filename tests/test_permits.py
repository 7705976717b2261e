"""The permit to delete accounts. What a real server makes of it: `test_resolver_nats_remove`."""

from __future__ import annotations

import pytest
from support.resolvers import NOW, key

from natsbackend.claims.codec import TokenKind, read_unverified, sign
from natsbackend.claims.permits import permits
from natsbackend.errors import InvalidKey
from natsbackend.keys import KeyRole

SIGNER = key(KeyRole.OPERATOR, 2)
ACCOUNTS = [key(KeyRole.ACCOUNT, number).public for number in range(10, 15)]


def test_a_permit_is_a_generic_token_that_a_key_issues_to_itself() -> None:
    (claims,) = permits(ACCOUNTS, SIGNER.public)
    token = read_unverified(sign(claims, SIGNER, NOW))
    assert token.signature_is_valid
    assert (token.kind, token.issuer, token.subject) == (TokenKind.GENERIC, SIGNER.public, SIGNER.public)
    assert token.nats == {"accounts": ACCOUNTS, "version": 2}


def test_many_accounts_take_several_permits_and_each_account_stands_in_one() -> None:
    made = permits([*ACCOUNTS, ACCOUNTS[0]], SIGNER.public, most=2)
    assert [claims.nats["accounts"] for claims in made] == [ACCOUNTS[:2], ACCOUNTS[2:4], ACCOUNTS[4:]]
    assert permits([], SIGNER.public) == ()


@pytest.mark.parametrize("role", [KeyRole.ACCOUNT, KeyRole.USER])
def test_only_an_operators_key_permits(role: KeyRole) -> None:
    with pytest.raises(InvalidKey, match="operator"):
        permits(ACCOUNTS, key(role, 9).public)


def test_what_is_no_account_is_refused_as_the_server_would_refuse_all() -> None:
    with pytest.raises(InvalidKey, match="not the public key of an account"):
        permits([*ACCOUNTS, SIGNER.public], SIGNER.public)
