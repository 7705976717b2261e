"""`generate`: idempotent, the same bytes anywhere, nothing signed again without need, nothing half-done."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.workspaces import NOW, Workspace

from natsbackend.claims.codec import decode, expected_jti
from natsbackend.claims.creds import parse_creds
from natsbackend.errors import KeyStoreError, NatsBackendError, ProjectError, SpecError
from natsbackend.files import Batch
from natsbackend.keys import KeyPair
from natsbackend.model.names import escape
from natsbackend.workflow import generate as generate_module
from natsbackend.workflow import stamp

LATER = NOW + 100
Clone = Callable[[Workspace], Workspace]


def without_stamp(space: Workspace) -> None:
    """Make the next run take the long way."""
    space.project.stamp.unlink(missing_ok=True)


# --- the first run ---


def test_the_first_run_makes_everything(workspace: Workspace) -> None:
    done = workspace.generate()
    assert done.changed
    assert set(done.signed) == {
        "operator",
        "accounts/shop",
        "accounts/shop/users/clerk",
        "accounts/shop/users/temp",
        "accounts/lab",
        "accounts/lab/users/robot",
        "accounts/SYS",
    }
    assert len(workspace.seeds()) == len(done.keys_made) == 14
    files = set(workspace.tree())
    assert {
        "natsbackend.lock",
        "build/operator.jwt",
        "build/nats-server.conf",
        "build/accounts/shop.jwt",
        "build/accounts/lab.jwt",
        "build/accounts/SYS.jwt",
        ".natsbackend/creds/shop/clerk.creds",
    } <= files
    assert not any(name.endswith(".tmp") for name in files)


def test_every_token_is_signed_by_whom_the_lock_says_and_at_the_time_it_says(generated: Workspace) -> None:
    keyring = generated.lock().keyring()
    operator = decode(generated.project.operator_jwt.read_text())
    assert (operator.subject, operator.issuer) == (keyring["operator"], keyring["operator"])
    for name in ("shop", "lab", "SYS"):
        token = generated.account(name)
        assert token.subject == keyring[f"accounts/{name}"]
        assert token.issuer == keyring["operator/signing/main"]
        assert token.issued_at == NOW == generated.lock().issued[f"accounts/{name}"].issued_at
        assert token.claims["jti"] == expected_jti(token)
    assert generated.user("shop", "clerk").issuer == keyring["accounts/shop/signing/main"]
    assert generated.user("shop", "temp").issuer == keyring["accounts/shop/roles/worker"]


def test_creds_hold_the_seed_of_their_user_and_are_private(generated: Workspace) -> None:
    file = generated.project.creds("shop", "clerk")
    creds = parse_creds(file.read_text())
    assert creds.seed is not None
    assert KeyPair.from_seed(creds.seed).public == generated.user("shop", "clerk").subject
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_nothing_secret_is_readable_by_others_under_any_umask(workspace: Workspace, mask: int) -> None:
    before = os.umask(mask)
    try:
        workspace.generate()
    finally:
        os.umask(before)
    private = workspace.project.private
    modes = {p: stat.S_IMODE(p.stat().st_mode) for p in [private, *private.rglob("*")]}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_what_goes_to_git_holds_no_seed_and_no_users_token(generated: Workspace) -> None:
    public = {n: c.decode() for n, c in generated.tree().items() if not n.startswith(".natsbackend")}
    users = [p.read_text() for p in generated.project.creds_dir.rglob("*.creds")]
    for name, text in public.items():
        assert not any(seed in text for seed in generated.seeds()), name
        assert not any(str(parse_creds(creds).jwt) in text for creds in users), name


# --- the second run ---


@pytest.mark.parametrize("prepare", [lambda _: None, without_stamp], ids=["stamp", "long way"])
def test_a_second_run_writes_nothing_and_says_so(
    generated: Workspace, prepare: Callable[[Workspace], None]
) -> None:
    prepare(generated)
    times = {p: p.stat().st_mtime_ns for p in generated.root.rglob("*") if p.is_file()}
    before = generated.tree()
    done = generated.generate(now=LATER)
    assert not done.changed
    assert (done.written, done.keys_made, done.signed, done.retired) == ((), (), (), ())
    assert generated.tree() == before
    aside = {generated.project.stamp, generated.file, generated.project.private / "mutex"}
    assert all(p.stat().st_mtime_ns == at for p, at in times.items() if p not in aside)


def test_a_spec_written_differently_that_means_the_same_changes_nothing(generated: Workspace) -> None:
    before = generated.tree()
    text = generated.file.read_text()
    generated.file.write_text(f"# a comment\n\n{text}\n")
    done = generate_module.generate(generated.file, generated.project, now=LATER)
    assert not done.changed
    assert generated.tree() == before


def test_the_order_of_accounts_does_not_matter(generated: Workspace) -> None:
    before = generated.tree()
    generated.spec["accounts"] = dict(reversed(generated.accounts.items()))
    assert not generated.generate(now=LATER).changed
    assert generated.tree() == before


# --- the same bytes ---


def test_a_fresh_clone_with_the_seeds_makes_the_same_bytes(generated: Workspace, clone: Clone) -> None:
    other = clone(generated)
    done = other.generate(now=LATER, frozen=True)
    assert done.keys_made == ()
    assert other.build() == generated.build()
    assert other.project.lock.read_bytes() == generated.project.lock.read_bytes()


def test_a_fresh_clone_after_many_changes_makes_the_same_bytes(generated: Workspace, clone: Clone) -> None:
    for step in range(1, 4):
        generated.accounts["shop"]["roles"]["visitor"]["subscribe"].append(f"step{step}.>")
        generated.accounts[f"new{step}"] = {"users": {"u": {"publish": [f"{step}"]}}}
        generated.generate(now=NOW + step % 2)  # the clock stands still and goes back
    other = clone(generated)
    other.generate(now=LATER * 2)
    assert other.build() == generated.build()


def test_the_same_entropy_and_time_make_the_same_project(tmp_path: Path, generated: Workspace) -> None:
    trees = []
    for name in ("one", "other"):
        numbers = iter(range(1000))
        space = Workspace(root=tmp_path / name, spec=generated.spec)
        space.root.mkdir()
        space.generate(entropy=lambda size, n=numbers: next(n).to_bytes(size, "big"))
        trees.append(space.tree())
    assert trees[0] == trees[1]


def test_a_clone_without_any_seed_keeps_a_build_that_came_along(generated: Workspace, clone: Clone) -> None:
    other = clone(generated)
    shutil.rmtree(other.project.keys)
    shutil.copytree(generated.project.build, other.project.build)
    done = other.generate(now=LATER, frozen=True)
    assert not done.changed
    assert len(done.without_creds) == 3


# --- what is signed again ---


def _grant(space: Workspace) -> None:
    space.accounts["shop"]["roles"]["visitor"]["subscribe"].append("news.>")


def _limit(space: Workspace) -> None:
    space.accounts["lab"]["limits"] = {"connections": 5}


def _export(space: Workspace) -> None:
    space.accounts["shop"]["exports"].append({"service": "help"})


def _user(space: Workspace) -> None:
    space.accounts["shop"]["users"]["clerk"]["publish"].append("more")


def _operator(space: Workspace) -> None:
    space.spec["operator"]["require_signing_keys"] = False


def _listen(space: Workspace) -> None:
    space.spec["server"]["listen"] = "127.0.0.1:4333"


@pytest.mark.parametrize(
    ("change", "signed"),
    [
        (_grant, {"accounts/shop"}),
        (_limit, {"accounts/lab"}),
        (_export, {"accounts/shop"}),
        (_user, {"accounts/shop/users/clerk"}),
        (_listen, set()),
    ],
)
def test_exactly_what_changed_is_signed_again(
    generated: Workspace, change: Callable[[Workspace], None], signed: set[str]
) -> None:
    before = generated.build()
    change(generated)
    done = generated.generate(now=LATER)
    assert done.changed
    assert set(done.signed) == signed
    expected = {
        f".natsbackend/creds/{p.split('/')[1]}/{p.split('/')[3]}.creds"
        if "/users/" in p
        else f"build/{p}.jwt"
        for p in signed
    }
    changed = {name for name, content in generated.build().items() if before.get(name) != content}
    assert changed - {"build/nats-server.conf"} == expected


def test_a_changed_jwt_is_newer_and_has_an_id_of_its_own(generated: Workspace) -> None:
    before = generated.account("shop")
    _grant(generated)
    generated.generate(now=LATER)
    after = generated.account("shop")
    assert after.issued_at == LATER > before.issued_at
    assert after.claims["jti"] != before.claims["jti"]
    assert after.subject == before.subject


@pytest.mark.parametrize("now", [NOW, NOW - 1, NOW - 10**6, 1])
def test_with_a_clock_that_stands_or_goes_back_a_changed_jwt_is_still_newer(
    generated: Workspace, now: int
) -> None:
    ids, times = set(), []
    for step in range(3):
        generated.accounts["shop"]["roles"]["visitor"]["subscribe"].append(f"step{step}")
        generated.generate(now=now)
        ids.add(generated.account("shop").claims["jti"])
        times.append(generated.account("shop").issued_at)
    assert times == [NOW + 1, NOW + 2, NOW + 3]
    assert len(ids) == 3


def test_a_change_taken_back_is_a_change_again(generated: Workspace) -> None:
    original = copy.deepcopy(generated.accounts)
    _grant(generated)
    generated.generate(now=LATER)
    generated.spec["accounts"] = original
    assert generated.generate(now=LATER).signed == ("accounts/shop",)
    assert generated.account("shop").issued_at == LATER + 1


def test_a_lock_older_than_the_build_still_leads_to_a_newer_jwt(generated: Workspace) -> None:
    """A lock restored from an older commit, while the build was pushed already."""
    old = generated.project.lock.read_text()
    _grant(generated)
    generated.generate(now=LATER)
    generated.project.lock.write_text(old)
    generated.accounts["shop"]["roles"]["visitor"]["subscribe"].append("third")
    generated.generate(now=NOW)
    assert generated.account("shop").issued_at == LATER + 1


def test_a_build_older_than_the_lock_is_replaced_by_what_the_lock_says(generated: Workspace) -> None:
    old = generated.project.account_jwt("shop").read_text()
    _grant(generated)
    generated.generate(now=LATER)
    new = generated.project.account_jwt("shop").read_text()
    generated.project.account_jwt("shop").write_text(old)
    generated.generate(now=LATER * 2)
    assert generated.project.account_jwt("shop").read_text() == new


def test_a_new_account_leaves_the_others_as_they_are(generated: Workspace) -> None:
    before = generated.build()
    generated.accounts["extra"] = {"users": {"u": {"publish": ["x"]}}}
    done = generated.generate(now=LATER)
    assert set(done.signed) == {"accounts/extra", "accounts/extra/users/u"}
    assert {n: c for n, c in generated.build().items() if n in before} == before


def test_what_the_spec_no_longer_has_is_gone_from_the_build(generated: Workspace) -> None:
    del generated.accounts["lab"]
    generated.generate(now=LATER)
    assert "build/accounts/lab.jwt" not in generated.build()


@pytest.mark.parametrize("gone", ["account", "user", "renamed"])
def test_the_creds_of_a_user_the_spec_no_longer_has_are_gone(generated: Workspace, gone: str) -> None:
    if gone == "user":
        del generated.accounts["lab"]["users"]["robot"]
    else:
        lab = generated.accounts.pop("lab")
        if gone == "renamed":
            generated.accounts["den"] = {**lab, "was": "lab"}
    generated.generate(now=LATER)
    assert not generated.project.creds("lab", "robot").exists()
    assert generated.project.creds("den", "robot").exists() == (gone == "renamed")
    assert generated.project.creds("shop", "clerk").exists()


def test_creds_whose_seed_is_nowhere_else_are_never_removed(generated: Workspace) -> None:
    generated.seed_file("accounts/lab/users/robot").unlink()
    foreign = generated.project.creds("lab", "by hand")
    foreign.write_text("somebody put this here")
    del generated.accounts["lab"]
    generated.generate(now=LATER)
    assert generated.project.creds("lab", "robot").exists()
    assert foreign.exists()


# --- what somebody did to the tree ---


def _damaged(content: str) -> list[str]:
    middle = len(content) // 2
    flipped = content[:middle] + ("A" if content[middle] != "A" else "B") + content[middle + 1 :]
    return ["", content[:-20], flipped, content + "\n", "garbage", "a.b.c", "\0"]


@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize("name", ["operator", "shop", "lab"])
def test_a_jwt_that_somebody_changed_is_restored_to_the_same_bytes(
    generated: Workspace, name: str, number: int
) -> None:
    project = generated.project
    file = project.operator_jwt if name == "operator" else project.account_jwt(name)
    before = file.read_text()
    file.write_text(_damaged(before)[number])
    done = generated.generate(now=LATER)
    assert file in done.written
    assert file.read_text() == before


def test_a_build_that_is_gone_is_made_again_with_the_same_bytes(generated: Workspace) -> None:
    before = generated.tree()
    shutil.rmtree(generated.project.build)
    shutil.rmtree(generated.project.creds_dir)
    assert generated.generate(now=LATER).changed
    assert generated.tree() == before


def test_a_config_and_creds_that_somebody_changed_are_restored(generated: Workspace) -> None:
    before = generated.tree()
    generated.project.server_conf.write_text("port: 1\n")
    generated.project.creds("shop", "clerk").write_text("nothing")
    generated.generate(now=LATER)
    assert generated.tree() == before


def test_creds_that_others_can_read_are_made_private_again(generated: Workspace) -> None:
    file = generated.project.creds("shop", "clerk")
    file.chmod(0o644)
    generated.generate(now=LATER)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_jwt_of_another_operator_in_the_build_is_not_taken_over(
    generated: Workspace, tmp_path: Path
) -> None:
    foreign = Workspace(root=tmp_path / "foreign", spec=generated.spec)
    foreign.root.mkdir()
    foreign.generate()
    before = generated.build()
    shutil.copy(foreign.project.account_jwt("shop"), generated.project.account_jwt("shop"))
    generated.generate(now=LATER)
    assert generated.build() == before


@pytest.mark.parametrize("place", ["build/accounts/shop.jwt", "build/nats-server.conf", "natsbackend.lock"])
def test_a_directory_in_the_place_of_a_file_is_an_error_that_names_it(
    generated: Workspace, place: str
) -> None:
    (generated.root / place).unlink()
    (generated.root / place).mkdir()
    with pytest.raises(ProjectError, match=Path(place).name):
        generated.generate(now=LATER)


def test_a_directory_among_the_jwts_is_no_crash(generated: Workspace) -> None:
    (generated.project.build / "accounts/mine.jwt").mkdir()
    without_stamp(generated)
    with contextlib.suppress(ProjectError):  # to be refused is as good as to be left alone
        generated.generate(now=LATER)
    assert (generated.project.build / "accounts/mine.jwt").is_dir()


def test_a_link_in_the_place_of_a_jwt_is_replaced_and_not_written_through(generated: Workspace) -> None:
    victim = generated.root / "victim"
    victim.write_text("keep me")
    file = generated.project.account_jwt("shop")
    before = file.read_text()
    file.unlink()
    file.symlink_to(victim)
    generated.generate(now=LATER)
    assert victim.read_text() == "keep me"
    assert not file.is_symlink()
    assert file.read_text() == before


# --- the stamp ---


def _touch(path: Path) -> None:
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1))


def _edit_and_hide(path: Path) -> None:
    """Change a byte and put size and times back, as a restored backup may look."""
    found, raw = path.stat(), path.read_bytes()
    path.write_bytes(bytes([raw[0] ^ 1]) + raw[1:])
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def _replace(path: Path) -> None:
    other = path.with_name("other")
    shutil.copy2(path, other)
    other.rename(path)


def _remove(path: Path) -> None:
    path.unlink()


def _open_up(path: Path) -> None:
    path.chmod(0o666)


@pytest.mark.parametrize("damage", [_touch, _edit_and_hide, _replace, _remove, _open_up])
@pytest.mark.parametrize(
    "name",
    [
        "build/operator.jwt",
        "build/accounts/lab.jwt",
        "build/nats-server.conf",
        ".natsbackend/creds/lab/robot.creds",
    ],
)
def test_the_fast_path_sees_that_an_output_was_touched(
    generated: Workspace, name: str, damage: Callable[[Path], None]
) -> None:
    generated.generate()  # a copied tree has other inodes: this writes a stamp of its own
    assert stamp.is_current(generated.file, generated.project) is not None
    before = generated.tree()
    damage(generated.root / name)
    assert stamp.is_current(generated.file, generated.project) is None
    generated.generate(now=LATER)
    assert generated.tree() == before
    assert stamp.is_current(generated.file, generated.project) is not None


def test_the_fast_path_sees_an_edited_spec_and_an_edited_lock(generated: Workspace) -> None:
    generated.generate()
    spec, lock = generated.file.read_bytes(), generated.project.lock.read_bytes()
    generated.file.write_bytes(spec + b" ")
    assert stamp.is_current(generated.file, generated.project) is None
    generated.file.write_bytes(spec)
    assert stamp.is_current(generated.file, generated.project) is not None
    generated.project.lock.write_bytes(lock + b"\n")
    assert stamp.is_current(generated.file, generated.project) is None


@pytest.mark.parametrize(
    "content", ["", "[]", "null", "{}", '{"inputs": 1, "files": 2}', '{"inputs": null, "files": {}}', "\xff"]
)
def test_a_stamp_that_means_nothing_costs_time_and_nothing_else(generated: Workspace, content: str) -> None:
    before = generated.tree()
    generated.project.stamp.write_bytes(content.encode("latin-1"))
    assert not generated.generate(now=LATER).changed
    assert generated.tree() == before


def test_a_stamp_without_a_spec_or_lock_is_never_current(generated: Workspace) -> None:
    generated.project.stamp.write_text('{"inputs": null, "files": {}}')
    generated.file.unlink()
    assert stamp.is_current(generated.file, generated.project) is None


def test_the_stamp_of_a_run_without_all_creds_is_not_kept_so_that_it_is_said_again(
    generated: Workspace,
) -> None:
    generated.seed_file("accounts/lab/users/robot").unlink()
    generated.project.creds("lab", "robot").unlink()
    for _ in range(2):
        assert generated.generate(now=LATER).without_creds == ("accounts/lab/users/robot",)


# --- dry ---


def test_a_dry_run_writes_nothing_and_says_what_it_would(workspace: Workspace) -> None:
    before = workspace.tree()
    done = workspace.generate(dry=True)
    assert done.changed
    assert "operator" in done.keys_made
    assert workspace.project.lock in done.written
    assert workspace.tree() == before
    assert not workspace.project.private.exists()


def test_a_dry_run_over_what_is_up_to_date_is_clean(generated: Workspace) -> None:
    without_stamp(generated)
    assert not generated.generate(dry=True, now=LATER).changed


@pytest.mark.parametrize("change", [_grant, _limit, _user, _listen])
def test_a_dry_run_sees_every_change(generated: Workspace, change: Callable[[Workspace], None]) -> None:
    before = generated.tree()
    change(generated)
    assert generated.generate(dry=True, now=LATER).changed
    assert generated.tree() == before


# --- a crash ---


@pytest.mark.parametrize("phase", range(1, 4))
def test_a_crash_between_two_phases_is_completed_by_the_next_run(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, phase: int
) -> None:
    """Seeds, lock, results: whatever was there at the crash, the next run ends in one consistent tree."""
    write, count = Batch.write, 0

    def crash(batch: Batch) -> int:
        nonlocal count
        count += len(batch) > 0 and not any(".gitignore" in str(f) for f in batch._files)
        if count > phase - 1:
            raise KeyboardInterrupt
        return write(batch)

    monkeypatch.setattr(Batch, "write", crash)
    with pytest.raises(KeyboardInterrupt):
        workspace.generate()
    monkeypatch.undo()
    assert workspace.project.keys.exists() == (phase > 1)
    assert workspace.project.lock.exists() == (phase > 2)
    assert not workspace.project.build.exists()
    recorded = workspace.project.lock.read_bytes() if phase > 2 else None
    workspace.generate(now=LATER)
    assert recorded in (None, workspace.project.lock.read_bytes())
    without_stamp(workspace)
    assert not workspace.generate(now=LATER + 1).changed
    for path, public in workspace.lock().keyring().public.items():
        assert (workspace.project.keys / public[0] / public[1:3] / f"{public}.nk").exists(), path


def test_a_key_store_that_cannot_be_written_leaves_no_lock(workspace: Workspace) -> None:
    workspace.project.private.mkdir()
    workspace.project.keys.write_text("a file")
    with pytest.raises(KeyStoreError):
        workspace.generate()
    assert not workspace.project.lock.exists()
    assert not workspace.project.build.exists()


# --- hostile names ---

_NAMES = [
    "../x",
    "../../../../tmp/x",
    "..",
    ".",
    "a/b",
    "a\\b",
    "/abs",
    "%2F",
    "%2e%2e%2f",
    "%",
    "~",
    "été",
    "日本語",
    "👩‍🚀",
    "a b",
    "a'b\"c",
    "$HOME",
    "{{name()}}",
    "include x",
    "#no",
    "*",
    ">",
    "a.b",
    ".hidden",
    "x" * 200,
    "CON",
    "-rf",
    "SYS2",
    "null",
    "1",
]


@pytest.fixture
def hostile(workspace: Workspace) -> Workspace:
    user: dict[str, Any] = {"publish": ["x"]}
    workspace.spec["accounts"] = {name: {"users": {name: user, "u": user}} for name in _NAMES}
    return workspace


def test_hostile_names_stay_inside_the_project_and_apart_from_each_other(
    hostile: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "canary").write_text("here")
    hostile.generate()
    outside = [p for p in tmp_path.rglob("*") if not p.is_relative_to(hostile.root) and p != hostile.root]
    assert outside == [tmp_path / "canary"]
    project = hostile.project
    assert len(list((project.build / "accounts").iterdir())) == len(_NAMES) + 1
    assert len(list(project.creds_dir.rglob("*.creds"))) == 2 * len(_NAMES)
    for name in _NAMES:
        assert hostile.account(name).claims["name"] == name
        assert hostile.user(name, name).claims["name"] == name
        assert hostile.key(f"accounts/{escape(name)}") == hostile.account(name).subject


def test_hostile_names_are_idempotent_and_reproducible(hostile: Workspace, clone: Clone) -> None:
    hostile.generate()
    without_stamp(hostile)
    assert not hostile.generate(now=LATER).changed
    other = clone(hostile)
    other.generate(now=LATER)
    assert other.build() == hostile.build()


@pytest.mark.parametrize(
    "name", ["", " ", " a", "a ", "a\nb", "a\0b", "\x7f", "x" * 201, "é" * 40, "\ud800", "\t"]
)
@pytest.mark.parametrize("kind", ["account", "user", "role", "operator"])
def test_a_name_that_cannot_be_used_is_a_finding(workspace: Workspace, kind: str, name: str) -> None:
    holder = {
        "account": workspace.accounts,
        "user": workspace.accounts["lab"]["users"],
        "role": workspace.accounts["shop"]["roles"],
    }
    if kind == "operator":
        workspace.spec["operator"]["name"] = name
    else:
        holder[kind][name] = {}
    workspace.file.write_text(
        json.dumps(workspace.spec)
    )  # ASCII: half of a surrogate is written as an escape
    with pytest.raises(SpecError):
        generate_module.generate(workspace.file, workspace.project, now=NOW)
    assert not workspace.project.lock.exists()
    assert not workspace.project.keys.exists()


@pytest.mark.parametrize("names", [("A", "a"), ("été", "ÉTÉ"), ("straße", "STRASSE")])
def test_names_that_would_be_one_file_on_many_disks_are_refused(
    workspace: Workspace, names: tuple[str, str]
) -> None:
    for name in names:
        workspace.accounts["lab"]["users"][name] = {"publish": ["x"]}
    if escape(names[0]).casefold() == escape(names[1]).casefold():
        with pytest.raises(SpecError, match="name-collision"):
            workspace.generate()
    else:  # their escaped forms differ, so their files do
        workspace.generate()
        assert workspace.user("lab", names[0]).subject != workspace.user("lab", names[1]).subject


def test_every_error_is_one_of_ours(workspace: Workspace) -> None:
    workspace.file.unlink()
    with pytest.raises(NatsBackendError):
        generate_module.generate(workspace.file, workspace.project, now=NOW)
