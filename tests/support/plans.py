"""Values of plans, for tests: what a golden spec wants, and a target that holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from natsbackend.claims.build import build
from natsbackend.claims.codec import Claims, Token, TokenKind, claims_digest, decode, sign
from natsbackend.claims.sharing import activations
from natsbackend.claims.unsigned import Unsigned
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.plan.values import Desired, Snapshot, Wanted
from natsbackend.project import Project
from natsbackend.workflow.tree import Tree
from support.golden import NOW, tree


def planned(folder: Path, project: Project) -> tuple[Desired, Snapshot]:
    """Return what a golden spec wants, and a live target that holds all of it."""
    made = tree(folder, project)
    return desired_of(made), held_of(made)


def desired_of(made: Tree) -> Desired:
    """Return what a tree wants, as `plan` sees it."""
    keyring = made.lock.keyring()
    given = {each.path: made.tokens[each.path] for each in activations(made.backend, keyring)}
    claims = {each.path: each for each in build(made.backend, keyring, given, made.lock.revoked)}
    accounts = []
    for account in made.backend.accounts.values():
        unsigned = claims[account.path]
        digest = claims_digest(unsigned.claims, unsigned.issuer)
        accounts.append(Wanted(name=account.name, unsigned=unsigned, digest=digest, at=account.at))
    return Desired(
        operator=claims["operator"],
        accounts=tuple(accounts),
        system_account=keyring[made.backend.system_account.path],
        names={keyring[path]: path for path in keyring},
    )


def held_of(made: Tree) -> Snapshot:
    """Return a live target that holds a tree."""
    keyring = made.lock.keyring()
    tokens = {keyring[a.path]: decode(made.tokens[a.path]) for a in made.backend.accounts.values()}
    operator = decode(made.tokens["operator"])
    return Snapshot(source='target "main"', accounts=tokens, operators=(operator,), is_live=True)


def wanted(
    name: str, nats: Mapping[str, object], *, key: KeyPair, issuer: KeyPair, **envelope: Any
) -> Wanted:
    """Return an account that is wanted with these claims."""
    claims = Claims(kind=TokenKind.ACCOUNT, subject=key.public, name=name, nats=nats, **envelope)
    unsigned = Unsigned(
        path=f"accounts/{name}", claims=claims, issuer_path="operator/signing/main", issuer=issuer.public
    )
    return Wanted(name=name, unsigned=unsigned, digest=claims_digest(claims, issuer.public))


def token_of(each: Wanted, issuer: KeyPair, *, issued_at: int = NOW) -> Token:
    """Return the JWT that has the claims of a wanted account."""
    return decode(sign(each.unsigned.claims, issuer, issued_at))


def pair(role: KeyRole, number: int) -> KeyPair:
    """Return the same key pair for the same number."""
    return KeyPair(role, number.to_bytes(32, "big"))


def copied(value: object) -> Any:
    """Return a deep copy of plain JSON."""
    return json.loads(json.dumps(value))
