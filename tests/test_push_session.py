"""A team's day on a real cluster of three, through the command line alone: push, change, plan, loss, repair, prune."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cluster import Cluster, cluster
from support.resolvers import LIMITS, key
from support.workspaces import Spec

from natsbackend.claims.codec import Claims, TokenKind, sign
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.live.wire import Deadline, connect_tcp
from natsbackend.model.system import PUSHER
from natsbackend.workflow.push import recorded_tree
from natsbackend.workflow.signing import RoleSigner

FOREIGNER = key(KeyRole.OPERATOR, 77)


def spec() -> Spec:
    """Return two accounts that share a stream, and one that nobody will miss."""
    viewer = {"websocket": True, "ttl": "15m", "subscribe": ["orders.>"]}
    return {
        "version": 1,
        "operator": {"name": "acme"},
        "accounts": {
            "shop": {"exports": [{"stream": "orders.>"}], "users": {"clerk": {"publish": ["orders.>"]}}},
            "lab": {"imports": [{"from": "shop", "stream": "orders.>"}], "roles": {"viewer": viewer}},
            "old": {"users": {"ghost": {"publish": ["boo"]}}},
        },
    }


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path, spec()) as running:
        running.run("push", "--to", "main", "--yes")
        yield running


def change(three: Cluster, subject: str) -> None:
    """Let viewers see another subject."""
    three.space.accounts["lab"]["roles"]["viewer"]["subscribe"] = [subject]
    three.space.save()


def stored(three: Cluster, node: str, account: str) -> str | None:
    """Return the JWT of an account in the store of a node."""
    file = three.nodes[node].store / f"{three.space.key(f'accounts/{account}')}.jwt"
    return file.read_text(encoding="utf-8") if file.exists() else None


def smuggle(three: Cluster, subject: str, signer: KeyPair, **nats: object) -> None:
    """Store a JWT on every server as somebody would by hand, past everything that `push` looks at."""
    now = int(time.time())
    space = three.space
    tree = recorded_tree(space.file, space.project, now=now)
    system = tree.backend.system_account
    minting = RoleSigner(tree.backend, tree.lock.keyring(), tree.store)
    login = minting.mint(system, system.roles[PUSHER], name="hand", now=now)
    claims = Claims(kind=TokenKind.ACCOUNT, subject=subject, name="by hand", nats={"limits": LIMITS, **nats})
    port = three.nodes["n1"].port
    with connect_tcp("127.0.0.1", port, jwt=login.jwt, key=login.key, timeout=5.0) as connection:
        connection.subscribe("_INBOX.hand.>")
        jwt = sign(claims, signer, now + 10).encode("ascii")
        connection.publish("$SYS.REQ.CLAIMS.UPDATE", jwt, reply="_INBOX.hand.1")
        for _ in three.running:
            answer = connection.wait_for(lambda _: True, Deadline(5.0))
            assert answer is not None
            assert b"jwt updated" in answer.payload  # whoever signed it


def operator_key(three: Cluster) -> KeyPair:
    """Return the operator's signing key."""
    return KeyPair.from_seed(three.space.seed_file("operator/signing/main").read_text(encoding="ascii"))


def test_a_change_is_planned_pushed_and_effective(three: Cluster) -> None:
    assert "nothing to change" in three.run("plan", "--to", "main", "--detailed-exitcode").out
    change(three, "orders.eu.>")
    planned = three.run("plan", "--to", "main", "--detailed-exitcode", code=3)
    for word in ("lab", "viewer", "orders.>", "orders.eu.>", "disconnect"):
        assert word in planned.out
    assert "shop" not in planned.out
    three.run("generate")
    three.run("plan", "--to", "main", "--detailed-exitcode", code=3)
    three.run("push", "--to", "main", "--yes")
    three.run("plan", "--to", "main", "--detailed-exitcode")
    three.run("status", "--to", "main")
    assert len({stored(three, name, "lab") for name in three.nodes}) == 1


def test_a_server_that_is_down_is_named_and_repaired_later(three: Cluster) -> None:
    three.stop("n3")
    change(three, "orders.us.>")
    three.run("generate")
    pushed = three.run("push", "--to", "main", "--yes", code=1)
    assert str(three.nodes["n3"].port) in pushed.out + pushed.err
    assert stored(three, "n1", "lab") == stored(three, "n2", "lab") != stored(three, "n3", "lab")
    lacking = three.run("status", "--to", "main", code=3)
    assert "server-missing" in lacking.out
    assert str(three.nodes["n3"].port) in lacking.out
    three.start("n3")
    drift = three.run("status", "--to", "main", code=3)
    assert "account-differs" in drift.out
    assert '"n3" holds another JWT of account "lab"' in drift.out
    assert "orders.us.>" in drift.out
    three.run("push", "--to", "main", "--yes")
    three.run("status", "--to", "main")
    assert stored(three, "n1", "lab") == stored(three, "n3", "lab")


def test_what_a_stranger_signs_is_refused_and_found(three: Cluster, tmp_path: Path) -> None:
    with cluster(tmp_path / "theirs", spec(), names=("x1",)) as theirs:
        theirs.run("push", "--server", three.urls[0], "--yes", code=1)
    ours = stored(three, "n1", "lab")
    smuggle(three, three.space.key("accounts/lab"), FOREIGNER)
    assert stored(three, "n1", "lab") != ours
    found = three.run("plan", "--to", "main", "--detailed-exitcode", code=3)
    assert "lab" in found.out
    assert "signed by" in found.out
    drift = three.run("status", "--to", "main", code=3)
    assert "issuer-not-trusted" in drift.out
    pushed = three.run("push", "--to", "main", "--yes")
    assert "nobody trusted has signed" in pushed.err
    three.run("status", "--to", "main")
    three.run("plan", "--to", "main", "--detailed-exitcode")


def test_an_import_that_nobody_exports_is_refused_and_found(three: Cluster) -> None:
    imports = three.space.accounts["lab"]["imports"]
    imports[0]["stream"] = "orderz.>"
    three.space.save()
    assert "import-without-export" in three.run("push", "--to", "main", "--yes", code=1).err
    imports[0]["stream"] = "orders.>"
    three.space.save()
    shop, lab = (three.space.key(f"accounts/{name}") for name in ("shop", "lab"))
    wrong = {"name": "i", "subject": "orderz.>", "account": shop, "type": "stream"}
    smuggle(three, lab, operator_key(three), imports=[wrong])
    found = three.run("plan", "--to", "main", "--detailed-exitcode", code=3)
    assert "orderz.>" in found.out
    drift = three.run("status", "--to", "main", code=3)
    assert "account-differs" in drift.out
    assert "orderz.>" in drift.out


def test_what_is_pruned_stays_removed(three: Cluster) -> None:
    old = three.space.key("accounts/old")
    del three.space.accounts["old"]
    three.stop("n3")
    three.space.save()
    three.run("generate")
    kept = three.run("push", "--to", "main", "--yes", code=1)
    assert "old" in kept.out + kept.err
    three.run("push", "--to", "main", "--yes", "--prune", code=1)
    assert (three.nodes["n1"].store / f"{old}.jwt").exists()  # its tombstone: one server does not have it yet
    three.start("n3")
    assert "tombstone" in three.run("status", "--to", "main", code=3).out
    three.run("push", "--to", "main", "--yes", "--prune")
    three.stop("n3")
    three.start("n3")  # servers that meet tell each other what they hold
    three.run("status", "--to", "main")
    three.run("push", "--to", "main", "--yes")
    assert not any((node.store / f"{old}.jwt").exists() for node in three.nodes.values())
