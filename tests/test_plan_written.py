"""Plans as they are written down: as JSON and back, for a terminal, and for a pull request."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.golden import NOW
from support.plans import pair, token_of, wanted

from natsbackend.errors import Diagnostic, Location, PlanError, Severity
from natsbackend.keys import KeyRole
from natsbackend.plan.diff import diff
from natsbackend.plan.digests import digest, snapshot_digest
from natsbackend.plan.document import from_json, to_json
from natsbackend.plan.markdown import LIMIT, render_markdown
from natsbackend.plan.text import render_text
from natsbackend.plan.values import (
    AccountChange,
    Action,
    Change,
    Consequence,
    Desired,
    Digests,
    IdentityChange,
    Impact,
    Plan,
    SeedNeed,
    Snapshot,
    UserChange,
)

FOLDER = Path(__file__).parent / "golden_plans"
ISSUER = pair(KeyRole.OPERATOR, 1)
TELEMETRY, WEB, OLD, SHOP = (pair(KeyRole.ACCOUNT, n) for n in (2, 3, 4, 5))
ALICE, VIEWER = pair(KeyRole.USER, 6), pair(KeyRole.ACCOUNT, 7)
LIMITS = {
    "subs": -1,
    "data": -1,
    "payload": -1,
    "imports": -1,
    "exports": -1,
    "wildcards": True,
    "conn": -1,
    "leaf": -1,
}


def scope(**template: Any) -> dict[str, object]:
    unlimited = {"subs": -1, "data": -1, "payload": -1, "bearer_token": True}
    return {
        "kind": "user_scope",
        "key": VIEWER.public,
        "role": "viewer",
        "template": {"pub": {"deny": [">"]}, **template, **unlimited},
        "description": "",
    }


def a_real_one() -> Plan:
    """Return a plan of what people do to a backend: a bit of everything."""
    service = {"name": "history.query", "subject": "history.query", "type": "service"}
    taken = [
        {"name": "s", "subject": "sensors.>", "account": TELEMETRY.public, "type": "stream"},
        {"name": "history.query", "subject": "history.query", "account": TELEMETRY.public, "type": "service"},
    ]
    before = [
        wanted("telemetry", {"exports": [service], "limits": LIMITS}, key=TELEMETRY, issuer=ISSUER),
        wanted(
            "web",
            {
                "imports": taken,
                "limits": {
                    **LIMITS,
                    "conn": 500,
                    "disk_storage": 10 * 1024**3,
                    "streams": -1,
                    "consumer": -1,
                },
                "signing_keys": [scope(sub={"allow": ["sensors.>", "user.{{name()}}.>"]})],
            },
            key=WEB,
            issuer=ISSUER,
        ),
        wanted("old", {"limits": LIMITS}, key=OLD, issuer=ISSUER),
        wanted("shop", {"imports": taken[1:], "limits": LIMITS}, key=SHOP, issuer=ISSUER),
    ]
    after = [
        wanted(
            "telemetry",
            {
                "exports": [{**service, "response_type": "Stream"}],
                "limits": LIMITS,
                "description": "All sensors",
            },
            key=TELEMETRY,
            issuer=ISSUER,
        ),
        wanted(
            "web",
            {
                "imports": taken[1:],
                "limits": {**LIMITS, "conn": 100, "disk_storage": 1024**3, "streams": -1, "consumer": -1},
                "signing_keys": [scope(sub={"allow": ["sensors.eu.>", "user.{{name()}}.>"]})],
                "revocations": {ALICE.public: NOW},
                "later": {"than": "this"},
            },
            key=WEB,
            issuer=ISSUER,
        ),
        before[3],
        wanted(
            "billing", {"exports": [service], "limits": {**LIMITS, "conn": 10}}, key=VIEWER, issuer=ISSUER
        ),
    ]
    desired = Desired(
        operator=after[0].unsigned,
        accounts=tuple(after),
        system_account="",
        names={ALICE.public: "accounts/web/users/alice", ISSUER.public: "operator/signing/main"},
        owned=frozenset((OLD.public,)),
    )
    held = Snapshot(
        source='target "main"',
        accounts={each.unsigned.claims.subject: token_of(each, ISSUER) for each in before},
        is_live=True,
    )
    return Plan(source=held.source, is_live=True, accounts=diff(desired, held), unchanged=12)


def everything() -> Plan:
    """Return a plan in which every member is set."""
    text = Change(where="", word="require_signing_keys", action=Action.CHANGED, before="false", after="true")
    restart = Consequence(impact=Impact.NOT_EFFECTIVE, text="restart the servers")
    return replace(
        a_real_one(),
        operator=(text,),
        operator_consequences=(restart,),
        server=(
            Change(
                where="websocket",
                word="allowed_origins",
                action=Action.CHANGED,
                before="[https://a.example]",
                after="[https://a.example, https://b.example]",
            ),
            Change(where="", word="name", action=Action.ADDED, after="n1"),
        ),
        server_consequences=(restart,),
        users=(UserChange(path="accounts/web/users/kiosk", action=Action.ADDED, consequences=(restart,)),),
        keys_to_make=("accounts/billing", "accounts/billing/signing/main"),
        seeds=(
            SeedNeed(
                path="operator/signing/main",
                public_key=ISSUER.public,
                is_here=True,
                purposes=("accounts/web",),
            ),
            SeedNeed(
                path="accounts/SYS/roles/pusher",
                public_key=WEB.public,
                is_here=False,
                purposes=("push", "a", "b", "c", "d"),
            ),
        ),
        identities=(IdentityChange(path="accounts/web", before=OLD.public, after=WEB.public),),
        guards=("5 of 12 accounts would be changed or removed (1 removed): more than a third",),
        problems=(
            Diagnostic(
                code="import-not-offered",
                message='account "web" imports stream x from partner, which it does not export',
                at=Location("natsbackend.yaml", 41, 9),
                hint="ask whoever runs that account",
                severity=Severity.ERROR,
            ),
        ),
        digests=Digests(spec="a", lock="b", snapshot="c", accounts={"web": "d"}),
    )


PLANS = {
    "changes": a_real_one(),
    "everything": everything(),
    "nothing": Plan(source="build/", is_live=False, unchanged=3),
}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_is_written_as_it_was_looked_at(name: str) -> None:
    plan = PLANS[name]
    files = {
        f"{name}.txt": render_text(plan),
        f"{name}.md": render_markdown(plan),
        f"{name}.json": json.dumps(to_json(plan), indent=1, ensure_ascii=False) + "\n",
    }
    for file, content in files.items():
        if os.environ.get("UPDATE_GOLDEN"):
            FOLDER.mkdir(exist_ok=True)
            (FOLDER / file).write_text(content, encoding="utf-8")
        assert (FOLDER / file).read_text(encoding="utf-8") == content, file


# --- JSON ---


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_comes_back_as_it_was(name: str) -> None:
    assert from_json(json.loads(json.dumps(to_json(PLANS[name])))) == PLANS[name]


def paths(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, each in inside for deeper in paths(each, (*path, key)))]


def test_a_member_that_is_missing_unknown_or_of_another_type_is_named() -> None:
    document = json.dumps(to_json(everything()))
    for path in paths(json.loads(document))[1:]:
        for spoil in ("delete", "retype", "add"):
            spoiled = json.loads(document)
            parent = spoiled
            for step in path[:-1]:
                parent = parent[step]
            name = path[-1]
            if path[:2] == ("digests", "accounts") and len(path) > 2 and spoil != "retype":
                continue  # names of accounts
            if spoil == "delete" and isinstance(parent, dict):
                del parent[name]
            elif spoil == "retype":
                parent[name] = 1.5
            elif spoil == "add" and isinstance(parent[name], dict) and name != "accounts":
                parent[name]["more"] = 1
            else:
                continue
            with pytest.raises(PlanError, match="plan"):
                from_json(spoiled)


@pytest.mark.parametrize("document", [None, [], {}, "x", {"format": 2}, {"format": True}, {"format": "1"}])
def test_what_is_no_plan_is_refused(document: object) -> None:
    with pytest.raises(PlanError) as refused:
        from_json(document)
    assert refused.value.hint


def test_an_unknown_action_says_what_there_is() -> None:
    document = to_json(everything())
    document["accounts"][0]["action"] = "destroyed"
    with pytest.raises(PlanError, match=r"`accounts\[0\].action` is none of added, changed"):
        from_json(document)


# --- digests ---


def test_a_digest_knows_where_texts_end() -> None:
    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest("abc", "")}) == 4


def test_a_snapshots_digest_is_of_what_it_holds() -> None:
    one, other = (token_of(wanted(n, {}, key=k, issuer=ISSUER), ISSUER) for n, k in (("a", WEB), ("b", OLD)))
    held = Snapshot(source="x", accounts={one.subject: one, other.subject: other})
    turned = Snapshot(source="y", accounts={other.subject: other, one.subject: one}, is_live=True)
    assert snapshot_digest(held) == snapshot_digest(turned)
    newer = token_of(wanted("a", {}, key=WEB, issuer=ISSUER), ISSUER, issued_at=NOW + 1)
    for changed in (
        replace(held, accounts={one.subject: newer, other.subject: other}),
        replace(held, accounts={one.subject: one}),
        replace(held, operators=(one,)),
        replace(held, unreadable=("x",)),
    ):
        assert snapshot_digest(changed) != snapshot_digest(held)


# --- what others wrote ---

HOSTILE = [
    "@octocat",
    "<script>alert(1)</script>",
    "</details><h1>x",
    "[x](https://evil.example)",
    "```\n# big",
    "````` long",
    "a|b",
    "\x1b[31mred",
    "a\nb",
    "![i](x)",
    "#1",
    "&lt;",
    "\u202egnp",
    "www.evil.example",
    "`",
]


def hostile(text: str) -> Plan:
    change = Change(where=f"roles: {text}", word=text, action=Action.CHANGED, before=text, after=f"{text}2")
    said = Consequence(impact=Impact.DISCONNECTS, text=f'"{text}" is disconnected')
    account = AccountChange(
        name=text,
        public_key="A",
        action=Action.CHANGED,
        changes=(change,),
        consequences=(said,),
        because=(text,),
    )
    problem = Diagnostic(code="x", message=text)
    user = UserChange(path=text, action=Action.ADDED)
    return Plan(
        source=text,
        is_live=True,
        accounts=(account,),
        guards=(text,),
        problems=(problem,),
        users=(user,),
        keys_to_make=(text,),
        operator=(change,),
        identities=(IdentityChange(path=text, before=text, after=text),),
        seeds=(SeedNeed(path=text, public_key=text, is_here=False, purposes=(text,)),),
    )


def outside_of_code(markdown: str) -> str:
    """Return what GitHub would read as Markdown or HTML: fences and `<code>` cut out, as CommonMark finds them."""
    out: list[str] = []
    fence = ""
    for line in markdown.split("\n"):
        if fence:
            fence = "" if re.fullmatch(rf" {{0,3}}`{{{len(fence)},}}\s*", line) else fence
        elif opened := re.match(r" {0,3}(`{3,})[^`]*$", line):
            fence = opened[1]
        else:
            out.append(re.sub(r"<code>[^<`@\n]*</code>", "", line))
    assert not fence
    return "\n".join(out)


@pytest.mark.parametrize("text", HOSTILE)
def test_names_of_others_are_only_shown(text: str) -> None:
    markdown = render_markdown(hostile(text))
    plain = outside_of_code(markdown.replace("<code>@octocat</code>", "").replace("<code>`</code>", ""))
    plain = re.sub(r"<code>[^<\n]*</code>", "", plain)
    for piece in ("@octocat", "<script", "<h1", "evil", "big", "\x1b", "![", "#1", "\u202e", "red", "long"):
        assert piece not in plain, piece
    for rendering in (markdown, render_text(hostile(text))):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]", rendering)


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=30))
def test_no_text_at_all_leaves_its_place(text: str) -> None:
    usual = outside_of_code(render_markdown(hostile("x")))
    plain = re.sub(r"<code>[^<\n]*</code>", "", outside_of_code(render_markdown(hostile(text))))
    assert plain == re.sub(r"<code>[^<\n]*</code>", "", usual)


def test_a_comment_is_never_too_long_and_says_what_it_left_out() -> None:
    (one,) = hostile("→" * 100).accounts
    accounts = tuple(
        replace(one, name=f"account {n}", changes=one.changes, consequences=() if n % 2 else one.consequences)
        for n in range(400)
    )
    markdown = render_markdown(Plan(source="x", is_live=True, accounts=accounts))
    assert LIMIT * 0.9 < len(markdown.encode()) <= LIMIT
    assert "did not fit" in markdown
    assert "account 0<" in markdown  # those whose connections end come first
    assert "account 1<" not in markdown


def test_new_accounts_are_a_line_each_where_there_are_many() -> None:
    new = AccountChange(
        name="tenant",
        public_key="",
        action=Action.ADDED,
        changes=(Change(where="exports: stream a", word="", action=Action.ADDED),),
    )
    plan = Plan(
        source="x", is_live=True, accounts=tuple(replace(new, name=f"tenant {n}") for n in range(10_000))
    )
    assert render_text(plan).count("\n") == 10_000 + 2
    assert "+ account tenant 9999  1 export\n" in render_text(plan)
    assert len(render_markdown(plan)) < 10_000


def test_colours_are_those_of_what_is_said() -> None:
    text = render_text(everything(), colour=lambda text, style: f"<{style}>{text}</>")
    for style in (
        "added",
        "changed",
        "removed",
        "renewed",
        "disconnects",
        "refuses",
        "not effective",
        "problem",
        "bold",
    ):
        assert f"<{style}>" in text, style
    assert re.sub(r"</>|<[a-z ]+>", "", text) == render_text(everything())


def test_nothing_in_a_plan_is_a_token() -> None:
    token = token_of(wanted("x", {}, key=WEB, issuer=ISSUER), ISSUER).text
    taken = {"name": "s", "subject": "s", "account": OLD.public, "type": "stream", "token": token}
    new = wanted(
        "web",
        {"imports": [taken], "later": token, "info_url": f"https://a:{token}@b"},
        key=WEB,
        issuer=ISSUER,
    )
    desired = Desired(operator=new.unsigned, accounts=(new,), system_account="", names={})
    old = token_of(wanted("web", {}, key=WEB, issuer=ISSUER), ISSUER)
    for accounts in ({}, {WEB.public: old}):
        plan = Plan(source="x", is_live=True, accounts=diff(desired, Snapshot(source="x", accounts=accounts)))
        assert plan.accounts
        for text in (json.dumps(to_json(plan)), render_text(plan), render_markdown(plan)):
            assert token[:20] not in text
