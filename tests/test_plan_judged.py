"""What a plan says against itself: what cannot work, and what is seldom meant."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from support.golden import NOW
from support.plans import pair, token_of, wanted

from natsbackend.claims.codec import Claims, Token, TokenKind, decode, sign
from natsbackend.errors import Location
from natsbackend.keys import KeyRole
from natsbackend.plan.diff import diff
from natsbackend.plan.guards import find_guards
from natsbackend.plan.problems import find_problems
from natsbackend.plan.values import Action, Desired, Snapshot, Wanted

OPERATOR, SIGNING, STRANGE = (pair(KeyRole.OPERATOR, n) for n in (1, 2, 3))
WEB, OTHER = pair(KeyRole.ACCOUNT, 4), pair(KeyRole.ACCOUNT, 5)
LINE = Location("natsbackend.yaml", 7, 9)


def operator(*, strict: bool) -> Token:
    nats = {"signing_keys": [SIGNING.public], "strict_signing_key_usage": strict}
    claims = Claims(kind=TokenKind.OPERATOR, subject=OPERATOR.public, name="acme", nats=nats)
    return decode(sign(claims, OPERATOR, NOW))


def desired(*accounts: Wanted, **more: Any) -> Desired:
    return Desired(operator=accounts[0].unsigned, accounts=accounts, system_account="", names={}, **more)


def live(*tokens: Token, strict: bool = True) -> Snapshot:
    accounts = {token.subject: token for token in tokens}
    return Snapshot(
        source='target "main"', accounts=accounts, operators=(operator(strict=strict),), is_live=True
    )


def codes(want: Desired, held: Snapshot, **more: Any) -> list[str]:
    return [each.code for each in find_problems(want, held, diff(want, held), **more)]


def test_an_issuer_that_the_servers_do_not_trust() -> None:
    strange = wanted("web", {}, key=WEB, issuer=STRANGE)
    (found,) = find_problems(desired(strange), live(), diff(desired(strange), live()))
    assert (found.code, "operator/signing/main" in found.message) == ("issuer-not-trusted", True)
    assert codes(desired(wanted("web", {}, key=WEB, issuer=SIGNING)), live()) == []


def test_the_operators_identity_signs_where_it_is_not_strict() -> None:
    web = wanted("web", {}, key=WEB, issuer=OPERATOR)
    assert codes(desired(web), live(strict=True)) == ["issuer-not-trusted"]
    assert codes(desired(web), live(strict=False)) == []


def test_what_stays_as_it_is_has_no_problem_with_its_issuer() -> None:
    web = wanted("web", {}, key=WEB, issuer=STRANGE)
    assert codes(desired(web), live(token_of(web, STRANGE))) == []


def test_a_jwt_that_is_not_newer_than_the_held_one() -> None:
    web = wanted("web", {"description": "new"}, key=WEB, issuer=SIGNING)
    held = live(token_of(wanted("web", {}, key=WEB, issuer=SIGNING), SIGNING))
    assert codes(desired(web), held, issued={WEB.public: NOW}) == ["issued-earlier"]
    assert codes(desired(web), held, issued={WEB.public: NOW + 1}) == []


def judged(taken: dict[str, object], *exports: dict[str, object]) -> list[str]:
    """Return why an import from an account that others run does not work."""
    web = wanted("web", {"imports": [{**taken, "account": OTHER.public}]}, key=WEB, issuer=SIGNING)
    web = replace(web, imports_at=(LINE,))
    other = token_of(wanted("partner", {"exports": list(exports)}, key=OTHER, issuer=SIGNING), SIGNING)
    found = find_problems(desired(web), live(other), diff(desired(web), live(other)))
    assert all((each.code, each.at) == ("import-not-offered", LINE) for each in found)
    return [each.message for each in found]


def test_imports_from_accounts_that_others_run_are_held_against_what_is_live() -> None:
    stream = {"type": "stream", "subject": "s.a"}
    assert judged(stream, {"type": "stream", "subject": "s.>"}) == []
    assert judged(stream, {"type": "stream", "subject": "s.a"}) == []
    for export in ({"type": "service", "subject": "s.>"}, {"type": "stream", "subject": "s.b"}):
        (message,) = judged(stream, export)
        assert "stream s.a from partner, which it does not export" in message
    assert judged({"type": "stream", "subject": "s.>"}, {"type": "stream", "subject": "s.a"}) != []
    assert judged(stream) != []


def test_an_exporter_that_the_target_does_not_hold() -> None:
    taken = {"type": "stream", "subject": "s", "account": OTHER.public}
    web = wanted("web", {"imports": [taken]}, key=WEB, issuer=SIGNING)
    assert codes(desired(web), live()) == ["import-not-offered"]
    assert codes(desired(web), replace(live(), is_live=False)) == []  # build/ holds no account of others


def activation(issued_at: int) -> str:
    nats = {"subject": "s.>", "kind": "stream"}
    claims = Claims(kind=TokenKind.ACTIVATION, subject=WEB.public, name="s", nats=nats)
    return sign(claims, OTHER, issued_at)


def test_a_private_export_wants_an_activation_that_is_not_revoked() -> None:
    stream = {"type": "stream", "subject": "s.a"}
    private = {"type": "stream", "subject": "s.>", "token_req": True}
    assert "activation" in judged(stream, private)[0]
    carried = {**stream, "token": activation(NOW)}
    assert judged(carried, private) == []
    for key in (WEB.public, "*"):
        (message,) = judged(carried, {**private, "revocations": {key: NOW}})
        assert "revoked" in message
        assert carried["token"] not in message
        assert judged(carried, {**private, "revocations": {key: NOW - 1}}) == []


def test_the_importers_key_stands_where_the_export_wants_it() -> None:
    export = {"type": "service", "subject": "jobs.*.add", "account_token_position": 2}
    for position, key in ((2, WEB.public), (2, OTHER.public)):
        found = judged({"type": "service", "subject": f"jobs.{key}.add"}, export)
        assert bool(found) is (key != WEB.public), position


def test_the_old_form_of_a_service_import_names_the_exporters_subject_in_to() -> None:
    export = {"type": "service", "subject": "theirs"}
    assert judged({"type": "service", "subject": "ours", "to": "theirs"}, export) == []
    assert judged({"type": "service", "subject": "theirs", "to": "ours"}, export) != []


def test_an_unchanged_importer_of_an_exporter_that_no_longer_offers() -> None:
    taken = {"type": "stream", "subject": "s", "account": OTHER.public}
    web = wanted("web", {"imports": [taken]}, key=WEB, issuer=SIGNING)
    before = wanted("other", {"exports": [{"type": "stream", "subject": "s"}]}, key=OTHER, issuer=SIGNING)
    held = live(token_of(web, SIGNING), token_of(before, SIGNING))
    assert codes(desired(web, before), held) == []
    assert codes(desired(web, wanted("other", {}, key=OTHER, issuer=SIGNING)), held) == ["import-not-offered"]


# --- guards ---


def many(count: int, *, changed: int) -> tuple[Desired, Snapshot]:
    """Return a backend of which some accounts differ from what a target holds."""
    keys = [pair(KeyRole.ACCOUNT, 100 + n) for n in range(count)]
    old = [wanted(f"a{n}", {}, key=key, issuer=SIGNING) for n, key in enumerate(keys)]
    new = [
        wanted(f"a{n}", {"description": "x"} if n < changed else {}, key=key, issuer=SIGNING)
        for n, key in enumerate(keys)
    ]
    return desired(*new), live(*(token_of(each, SIGNING) for each in old))


def guards(want: Desired, held: Snapshot, **more: Any) -> tuple[str, ...]:
    return find_guards(diff(want, held), want, held, **more)


def test_more_than_a_third_is_dangerous_and_a_few_are_not() -> None:
    assert guards(*many(30, changed=10)) == ()
    assert guards(*many(30, changed=11)) == (
        "11 of 30 accounts would be changed or removed (0 removed): more than a third",
    )
    assert guards(*many(3, changed=3)) == ()


def test_a_first_push_to_an_empty_resolver_is_no_danger() -> None:
    want, held = many(30, changed=30)
    assert guards(want, replace(held, accounts={})) == ()


def test_removals_count_where_they_are_pruned() -> None:
    want, held = many(30, changed=0)
    gone = replace(want, accounts=want.accounts[:15], owned=frozenset(held.accounts))
    assert len(guards(gone, held)) == 1
    assert "(15 removed)" in guards(gone, held)[0]
    assert guards(gone, held, prune=False) == ()


def test_the_system_account_has_a_sentence_of_its_own() -> None:
    want, held = many(2, changed=1)
    system = want.accounts[0].unsigned.claims.subject
    (said,) = guards(replace(want, system_account=system), held)
    assert '"a0"' in said
    other = want.accounts[1].unsigned.claims.subject
    assert guards(replace(want, system_account=other), held) == ()


def test_renewed_accounts_are_no_danger() -> None:
    want, held = many(30, changed=11)
    renewed = tuple(replace(each, action=Action.RENEWED) for each in diff(want, held))
    assert find_guards(renewed, want, held) == ()


# --- the page ---


def test_every_problem_of_a_plan_stands_on_its_page() -> None:
    root = Path(__file__).parents[1]
    tree = ast.parse((root / "natsbackend" / "plan" / "problems.py").read_text(encoding="utf-8"))
    codes = {
        word.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg == "code" and isinstance(word.value, ast.Constant)
    }
    page = (root / "docs" / "plan.md").read_text(encoding="utf-8")
    section = page.partition("## What cannot work")[2].partition("\n## ")[0]
    assert codes >= {"issuer-not-trusted", "import-not-offered"}
    assert set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)) == codes
