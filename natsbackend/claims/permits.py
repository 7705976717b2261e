"""The permit to delete accounts from resolvers: a generic token that an operator's key issues to itself.

nats-server 2.15 takes it on `$SYS.REQ.CLAIMS.DELETE` if `sub` and `iss` are the same trusted operator key, and
deletes every account it names, or none (`handleDeleteRequest`, server/accounts.go). It looks at neither `iat`
nor `exp`: a permit works for ever, on every server that trusts the key. So keep it in memory, and show it to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

from natsbackend.claims.envelope import Claims, TokenKind
from natsbackend.errors import InvalidKey
from natsbackend.keys import KeyRole, is_public

MOST_ACCOUNTS = 5_000
"""So many accounts are named by a token of about 400 kB: half of what a server takes by default."""


def permits(accounts: Sequence[str], signer: str, *, most: int = MOST_ACCOUNTS) -> tuple[Claims, ...]:
    """Return the claims of the permits that delete accounts, each for at most so many; `signer` has to sign them.

    Args:
        accounts: public keys of accounts.
        signer: public key of an operator's signing key, or of its identity unless it is strict.
        most: accounts in one permit; fewer where `max_payload` is small (a permit has 80 bytes for each).

    Raises:
        InvalidKey: one of them is the key of something else: the server would refuse all.

    """
    if not is_public(signer, KeyRole.OPERATOR):
        raise InvalidKey("who permits to delete accounts is not the public key of an operator")
    wanted = tuple(dict.fromkeys(accounts))
    for account in wanted:
        if not is_public(account, KeyRole.ACCOUNT):
            raise InvalidKey(f'"{account}" is not the public key of an account')
    return tuple(
        Claims(
            kind=TokenKind.GENERIC,
            subject=signer,
            name="",
            nats={"accounts": list(wanted[start : start + most])},
        )
        for start in range(0, len(wanted), most)
    )
