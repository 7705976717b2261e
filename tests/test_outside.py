"""Accounts that the spec does not make: on the wire they are accounts like others, and nobody makes them here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from support.cli import natsbackend
from support.findings import codes, with_head
from support.golden import GOLDEN, opened, tree
from support.livebackend import key_of

from natsbackend.claims.build import Unsigned, account_claims, key_paths
from natsbackend.keys import Keyring
from natsbackend.model.entities import Backend
from natsbackend.model.resolve import resolve
from natsbackend.project import Project
from natsbackend.spec.load import parse_spec
from natsbackend.workflow.loopback import LoopbackPorts, on_loopback

IMPORTING = (
    "web: {imports: [{from: billing, service: pay}, {from: billing, stream: 'a.{{account-subject()}}'}]}"
)


def backend_of(text: str) -> Backend:
    assert codes(with_head(text)) == set()
    return resolve(parse_spec(with_head(text), "spec.yaml")).backend


def web_of(backend: Backend) -> Unsigned:
    keyring = Keyring({path: key_of(path).public for path in key_paths(backend)})
    return account_claims(backend, backend.accounts["web"], keyring)


def test_an_import_from_outside_is_on_the_wire_what_one_from_inside_is() -> None:
    exports = "exports: [{service: pay}, {stream: 'a.*', account_token_position: 2}]"
    inside = backend_of(f"accounts: {{billing: {{{exports}}}, {IMPORTING}}}")
    billing = key_of("accounts/billing").public
    outside = backend_of(f"outside: {{billing: {{public_key: {billing}}}}}\naccounts: {{{IMPORTING}}}")
    assert web_of(outside) == web_of(inside)
    assert json.dumps(web_of(outside).claims.nats).count(billing) == 2


def test_an_auth_callout_may_place_users_in_an_account_outside() -> None:
    billing = key_of("accounts/billing").public
    callout = "external_authorization: {users: [auth], accounts: [shop, billing]}, users: {auth: {}}"
    backend = backend_of(
        f"outside: {{billing: {{public_key: {billing}}}}}\naccounts: {{web: {{{callout}}}, shop: {{}}}}"
    )
    authorization = web_of(backend).claims.nats["authorization"]
    assert isinstance(authorization, dict)
    assert authorization["allowed_accounts"] == [key_of("accounts/shop").public, billing]


def test_an_account_outside_is_neither_made_nor_written(tmp_path: Path) -> None:
    made = tree(GOLDEN / "072-outside", Project(tmp_path))
    assert not [path for path in made.lock.keys if "billing" in path or "partner" in path]
    assert {path.stem for path in made.files if path.suffix == ".jwt"} == {
        "operator",
        "SYS",
        "telemetry",
        "web",
    }
    assert not [path for path in made.lock.issued if "partner" in path]


def test_up_leaves_imports_from_outside_out_and_says_so(tmp_path: Path) -> None:
    backend = opened(GOLDEN / "072-outside").backend
    local = on_loopback(backend, LoopbackPorts(nats=1, websocket=2), spec_dir=tmp_path, data=tmp_path)
    assert "no imports from billing: accounts outside the spec are not here" in local.substitutions
    web = local.backend.accounts["web"]
    assert [taken.account for taken in web.imports] == ["telemetry"]
    assert replace(web, imports=()) == replace(backend.accounts["web"], imports=())


def test_a_typo_is_held_against_names_outside_too(tmp_path: Path) -> None:
    ran = natsbackend("check", str(GOLDEN / "162-outside" / "spec.yaml"), cwd=tmp_path, code=1)
    assert "did you mean 'billing'?" in ran.out + ran.err
