"""The command line as a process: exit codes, what goes where, and no input that makes it crash."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.cli import COMMAND, Ran, environment, natsbackend, natsbackend_here
from support.workspaces import Workspace

from natsbackend import __version__
from natsbackend.cli.options import as_given
from natsbackend.errors import NatsBackendError
from natsbackend.keys import derived_user_key
from natsbackend.model.names import MAX_ESCAPED

EXAMPLES = Path(__file__).parents[1] / "examples"
COMMANDS = [
    ("init",),
    ("check",),
    ("generate",),
    ("schema",),
    ("up",),
    ("push",),
    ("token", "mint"),
    ("migrate",),
]
READING = [
    ("check",),
    ("generate",),
    ("up", "--once"),
    ("push", "--yes", "--server", "nats://127.0.0.1:1"),
    ("token", "mint", "web/viewer", "--name", "alice"),
    ("migrate",),
]
"""Commands that read a spec; each takes -f."""


def words(command: tuple[str, ...]) -> str:
    return " ".join(command[:2])


# --- help and version ---


def test_the_version_is_data_and_nothing_else(tmp_path: Path) -> None:
    ran = natsbackend("--version", cwd=tmp_path)
    assert (ran.out, ran.err) == (f"natsbackend {__version__}\n", "")


@pytest.mark.parametrize("command", [(), ("token",), *COMMANDS], ids=words)
def test_every_command_has_help(tmp_path: Path, command: tuple[str, ...]) -> None:
    ran = natsbackend_here(*command, "--help", cwd=tmp_path)
    assert ran.out.startswith("Usage: ")
    assert ran.err == ""
    assert not list(tmp_path.iterdir())


def test_the_short_help_is_the_same(tmp_path: Path) -> None:
    assert (
        natsbackend_here("check", "-h", cwd=tmp_path).out
        == natsbackend_here("check", "--help", cwd=tmp_path).out
    )


@pytest.mark.parametrize("command", [(), ("token",)])
def test_without_a_command_help_is_shown_and_the_code_says_usage(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    ran = natsbackend(*command, cwd=tmp_path, code=2)
    assert "Usage: " in ran.out + ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("--frobnicate",),
        ("check", "--frobnicate"),
        ("check", "a", "b"),
        ("check", "--format", "xml"),
        ("generate", "a", "b"),
        ("generate", "a", "-f", "b"),
        ("push", "a", "b"),
        ("up", "a", "-f", "b"),
        ("check", "a", "-f", "b"),
        ("generate", "-f"),
        ("push", "--timeout", "0"),
        ("push", "--timeout", "soon"),
        ("token", "frobnicate"),
        ("token", "mint"),
        ("token", "mint", "web/viewer"),
        ("token", "mint", "--name", "alice"),
        ("token", "mint", "a/b", "--name", "x", "--format", "pdf"),
        ("schema", "extra"),
        ("init", "minimal", "dir", "extra"),
        ("up", "a", "b"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_2_and_said_on_stderr(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ran = natsbackend_here(*arguments, cwd=tmp_path, code=2)
    assert ran.out == ""
    assert "Error: " in ran.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("chekc",), "No such command 'chekc'. Did you mean 'check'?"),
        (("token", "mnit"), "No such command 'mnit'. Did you mean 'mint'?"),
        (("check", "--strit"), "No such option: --strit (Possible options: --strict)"),
        (("check", "--format", "xml"), "'xml' is not one of 'human', 'json', 'sarif', 'github', 'junit'."),
        (("push", "--timeout", "0"), "Input should be greater than or equal to 0.1"),
        (("check", "a", "-f", "b"), "the spec is given twice: a, and -f b"),
    ],
)
def test_wrong_usage_is_said_in_plain_words(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    err = natsbackend_here(*arguments, cwd=tmp_path, code=2).err
    assert said in err
    assert "Value error" not in err


@pytest.mark.parametrize(
    "command", [("check",), ("generate", "--check"), ("up", "--once"), ("push", "--yes"), ("migrate",)]
)
def test_a_spec_is_named_by_an_argument_or_by_its_option(tmp_path: Path, command: tuple[str, ...]) -> None:
    for named in (("x.yaml",), ("-f", "x.yaml"), ("x.yaml", "-f", "x.yaml")):
        assert "there is no x.yaml" in natsbackend_here(*command, *named, cwd=tmp_path, code=1).err


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ((), "`natsbackend generate`"),
        (("-f", "my spec.yaml"), "`natsbackend generate -f 'my spec.yaml'`"),
        (("--env", "prod"), "`natsbackend generate --env prod`"),
        (("-f", "my spec.yaml", "--env", "prod"), "`natsbackend generate -f 'my spec.yaml' --env prod`"),
    ],
)
def test_a_command_in_a_hint_is_for_the_spec_and_the_stage_that_were_given(
    tmp_path: Path, given: tuple[str, ...], shown: str
) -> None:
    for name in ("natsbackend.yaml", "my spec.yaml"):
        (tmp_path / name).write_text("version: 1\noperator: {name: acme}\n")
    asked = natsbackend_here("generate", "--frozen", *given, cwd=tmp_path, code=1)
    assert f"hint: run {shown} where the key store is" in asked.err
    mint = ("token", "mint", "SYS/pusher", "--name", "x")
    assert f"hint: run {shown}\n" in natsbackend_here(*mint, *given, cwd=tmp_path, code=1).err


def test_a_hint_in_a_report_names_the_stage_too(tmp_path: Path) -> None:
    (tmp_path / "natsbackend.yaml").write_text(
        "version: 1\noperator: {name: acme}\naccounts: {a: {expires: 2020-01-01}}\n"
    )
    ran = natsbackend_here("check", "--env", "prod", "--format", "json", cwd=tmp_path)
    assert "`natsbackend push --env prod`" in ran.json["findings"][0]["hint"]
    assert natsbackend_here("check", "--env", "prod", cwd=tmp_path).out.count("generate --env prod`") == 1


def test_one_of_a_thing_is_said_in_the_singular(tmp_path: Path) -> None:
    spec = tmp_path / "natsbackend.yaml"
    spec.write_text("version: 1\noperator: {name: acme}\n")
    natsbackend_here("generate", cwd=tmp_path)
    spec.write_text("version: 1\noperator: {name: acme}\naccounts: {web: {}}\n")
    asked = natsbackend_here("generate", "--check", cwd=tmp_path, code=3).err
    assert "not up to date: 1 key to make, 1 JWT to sign, " in asked
    assert "1 key made, 1 JWT signed, " in natsbackend_here("generate", cwd=tmp_path).err


# --- specs that cannot be read ---


@pytest.mark.parametrize("command", READING, ids=words)
def test_a_spec_that_is_not_here_is_an_error_with_the_way_out(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    ran = natsbackend(*command, cwd=tmp_path, code=1)
    assert ran.out == ""
    assert "error: there is no natsbackend.yaml" in ran.err
    assert "hint: `natsbackend init`" in ran.err


@pytest.mark.parametrize("command", READING, ids=words)
def test_a_mistyped_path_makes_no_directory(tmp_path: Path, command: tuple[str, ...]) -> None:
    natsbackend_here(*command, "-f", "mistyped/natsbackend.yaml", cwd=tmp_path, code=1)
    assert not list(tmp_path.iterdir())


def _directory(path: Path) -> None:
    path.mkdir()


def _circle(path: Path) -> None:
    path.symlink_to(path.name)


def _unreadable(path: Path) -> None:
    """A file whose first page cannot be read, even by root."""
    path.symlink_to("/proc/self/mem")


def _binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)))


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _brackets(path: Path) -> None:
    path.write_bytes(b"[" * 100_000)


def _aliases(path: Path) -> None:
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12))
    path.write_text(f"l0: &l0 x\n{levels}\n")


def _wrong(path: Path) -> None:
    path.write_text("version: 1\noperator: {name: x}\naccounts: {web: {frobnicate: 1}}\n")


def _newer(path: Path) -> None:
    path.write_text("version: 99\n")


def _not_a_map(path: Path) -> None:
    path.write_text("- one\n")


@pytest.mark.parametrize(
    "make",
    [_directory, _circle, _unreadable, _binary, _empty, _brackets, _aliases, _wrong, _newer, _not_a_map],
)
@pytest.mark.parametrize("command", READING, ids=words)
def test_a_spec_that_cannot_be_used_is_an_error_that_names_it(
    tmp_path: Path, command: tuple[str, ...], make: Callable[[Path], None]
) -> None:
    make(tmp_path / "odd.yaml")
    ran = natsbackend_here(*command, "-f", "odd.yaml", cwd=tmp_path, code=1)
    assert "odd.yaml" in ran.err + ran.out
    if command != ("check",):
        assert ran.out == ""


def test_a_finding_has_its_place_its_id_the_line_a_caret_and_a_hint(tmp_path: Path) -> None:
    (tmp_path / "natsbackend.yaml").write_text(
        "version: 1\noperator: {name: acme}\naccounts:\n  web:\n    expotrs: []\n"
    )
    ran = natsbackend("check", cwd=tmp_path, code=1)
    assert ran.out == (
        "natsbackend.yaml:5:5: error[unknown-word]: 'expotrs' has no meaning here\n"
        "    5 |     expotrs: []\n"
        "      |     ^^^^^^^\n"
        "hint: did you mean 'exports'?\n"
    )
    assert ran.err == "natsbackend.yaml: 1 error\n"


def test_findings_come_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "natsbackend.yaml").write_text(
        "version: 1\noperator: {name: acme, x: 1}\naccounts:\n  web: {y: 2}\nz: 3\n"
    )
    ran = natsbackend_here("generate", cwd=tmp_path, code=1)
    assert ran.out == ""
    assert ran.err.count("error[unknown-word]") == 3
    assert "3 errors" in ran.err


def test_control_characters_of_a_spec_do_not_reach_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "natsbackend.yaml").write_text('version: 1\noperator: {name: "a\\e[31mb"}\n')
    natsbackend_here("check", cwd=tmp_path, code=1)
    (tmp_path / "natsbackend.yaml").write_text('version: 1\n"\\e]0;title\\a": 1\noperator: {name: a}\n')
    natsbackend_here("check", cwd=tmp_path, code=1)


# --- check ---


def test_a_sound_spec_is_exit_0(workspace: Workspace) -> None:
    ran = natsbackend("check", cwd=workspace.root)
    assert ran.out == ""
    assert ran.err == "natsbackend.yaml: no findings\n"
    assert natsbackend("check", "-q", cwd=workspace.root).err == ""


@pytest.mark.parametrize("example", ["quickstart", "dashboard"])
def test_the_examples_are_sound(tmp_path: Path, example: str) -> None:
    ran = natsbackend_here("check", EXAMPLES / example / "natsbackend.yaml", "--strict", cwd=tmp_path)
    assert ran.out == ""


def test_check_needs_no_key_and_leaves_nothing(workspace: Workspace) -> None:
    natsbackend("check", cwd=workspace.root)
    assert os.listdir(workspace.root) == ["natsbackend.yaml"]


def test_check_as_json_lists_findings_with_their_places(tmp_path: Path) -> None:
    (tmp_path / "natsbackend.yaml").write_text(
        "version: 1\noperator: {name: acme}\naccounts:\n  web:\n    imports: [{from: nobody, stream: x}]\n"
    )
    ran = natsbackend_here("check", "--format", "json", cwd=tmp_path, code=1)
    assert set(ran.json) == {"format", "sound", "findings", "switched_off"}
    assert (ran.json["format"], ran.json["sound"]) == (1, False)
    (finding,) = [f for f in ran.json["findings"] if f["severity"] == "error"]
    assert set(finding) == {"code", "severity", "message", "hint", "file", "line", "column"}
    assert (finding["file"], finding["line"]) == ("natsbackend.yaml", 5)


def test_check_as_json_of_a_wrong_shape_is_json_too(tmp_path: Path) -> None:
    _wrong(tmp_path / "natsbackend.yaml")
    ran = natsbackend_here("check", "--format", "json", cwd=tmp_path, code=1)
    assert [f["code"] for f in ran.json["findings"]] == ["unknown-word"]
    assert ran.err == ""


def test_a_sound_spec_as_json_has_no_findings(workspace: Workspace) -> None:
    ran = natsbackend_here("check", "--format", "json", cwd=workspace.root)
    assert ran.json == {"format": 1, "sound": True, "findings": [], "switched_off": []}


def test_warnings_are_exit_0_and_with_strict_exit_1(workspace: Workspace) -> None:
    del workspace.accounts["shop"]["roles"]["visitor"]  # the cookie is for nobody now
    workspace.save()
    assert "warning[websocket-unused]" in natsbackend_here("check", cwd=workspace.root).out
    natsbackend_here("check", "--strict", cwd=workspace.root, code=1)


# --- init ---


@pytest.mark.parametrize("template", ["minimal", "dashboard"])
def test_init_writes_a_spec_that_is_sound_and_generates(tmp_path: Path, template: str) -> None:
    ran = natsbackend("init", template, "new/dir", cwd=tmp_path)
    assert ran.out == ""
    assert "natsbackend up new/dir/natsbackend.yaml" in ran.err
    natsbackend("check", "--strict", "new/dir/natsbackend.yaml", cwd=tmp_path)
    natsbackend("generate", cwd=tmp_path / "new/dir")


def test_init_without_words_writes_the_minimal_one_here(tmp_path: Path) -> None:
    natsbackend("init", cwd=tmp_path)
    assert os.listdir(tmp_path) == ["natsbackend.yaml"]
    natsbackend("check", cwd=tmp_path)


@pytest.mark.parametrize("content", [b"", b"mine"])
def test_init_never_writes_over_a_spec(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "natsbackend.yaml").write_bytes(content)
    for template in ("minimal", "dashboard"):
        ran = natsbackend_here("init", template, cwd=tmp_path, code=1)
        assert "already here" in ran.err
    assert (tmp_path / "natsbackend.yaml").read_bytes() == content


def test_init_does_not_write_through_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "natsbackend.yaml").symlink_to("nowhere")
    natsbackend_here("init", cwd=tmp_path, code=1)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing",), "no template 'nothing'"),
        (("../minimal",), "no template"),
        (("minimal", "file"), "file"),
        (("minimal", "file/below"), "file"),
        (("minimal", "n" * 300), "n" * 300),
    ],
    ids=["unknown", "traversal", "file", "below-file", "too-long"],
)
def test_init_where_it_cannot_be_is_an_error(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "file").write_text("a file")
    assert said in natsbackend_here("init", *arguments, cwd=tmp_path, code=1).err


# --- generate ---


def test_generate_in_the_current_directory(workspace: Workspace) -> None:
    ran = natsbackend("generate", cwd=workspace.root)
    assert ran.out == ""
    assert "14 keys made, 7 JWTs signed" in ran.err
    again = natsbackend("generate", cwd=workspace.root)
    assert again.err.startswith("nothing changed; ")
    assert natsbackend("generate", "-q", cwd=workspace.root).err == ""


def test_generate_as_json_says_what_was_done(workspace: Workspace) -> None:
    ran = natsbackend("generate", "--format", "json", cwd=workspace.root)
    assert set(ran.json) == {
        "format",
        "changed",
        "files",
        "written",
        "keys_made",
        "signed",
        "retired",
        "without_creds",
    }
    assert ran.json["format"] == 1
    assert ran.json["changed"] is True
    assert "accounts/shop" in ran.json["signed"]
    again = natsbackend("generate", "--format", "json", cwd=workspace.root)
    assert again.json == {
        "format": 1,
        "changed": False,
        "files": ran.json["files"],
        "written": [],
        "keys_made": [],
        "signed": [],
        "retired": [],
        "without_creds": [],
    }


def test_generate_check_is_exit_3_until_the_tree_is_up_to_date(workspace: Workspace) -> None:
    ran = natsbackend("generate", "--check", cwd=workspace.root, code=3)
    assert "not up to date" in ran.err
    assert os.listdir(workspace.root) == ["natsbackend.yaml"]
    natsbackend("generate", cwd=workspace.root)
    natsbackend("generate", "--check", cwd=workspace.root)
    workspace.accounts["extra"] = {}
    workspace.save()
    before = workspace.tree()
    natsbackend("generate", "--check", cwd=workspace.root, code=3)
    assert workspace.tree() == before


@pytest.mark.parametrize("how", [("--frozen",), ()])
def test_in_ci_or_frozen_no_key_is_made(workspace: Workspace, how: tuple[str, ...]) -> None:
    env = environment() if how else environment(CI="true")
    ran = natsbackend("generate", *how, cwd=workspace.root, code=1, env=env)
    assert "keys are missing" in ran.err
    assert "accounts/shop/roles/visitor" in ran.err
    assert not workspace.seeds()


def test_in_ci_no_frozen_makes_keys(workspace: Workspace) -> None:
    natsbackend("generate", "--no-frozen", cwd=workspace.root, env=environment(CI="true"))
    assert workspace.seeds()


def test_in_ci_check_still_answers(generated: Workspace) -> None:
    natsbackend("generate", "--check", cwd=generated.root, env=environment(CI="true"))


def test_a_possible_rename_is_asked_about_and_can_be_answered(generated: Workspace) -> None:
    generated.accounts["lab"]["users"] = {"android": {"subscribe": ["orders.>"]}}
    generated.save()
    ran = natsbackend_here("generate", cwd=generated.root, code=1)
    assert "was: robot" in ran.err
    natsbackend_here("generate", "--not-renamed", cwd=generated.root)


@pytest.mark.parametrize("command", [*READING[:-1], ("generate", "--check")], ids=words)
@pytest.mark.parametrize("env", ["", "../x", "a/b", ".", "é"])
def test_an_environment_name_that_could_escape_is_refused_everywhere(
    generated: Workspace, command: tuple[str, ...], env: str
) -> None:
    before = generated.tree()
    ran = natsbackend_here(*command, "--env", env, cwd=generated.root, code=1)
    assert "environment" in ran.err
    assert generated.tree() == before


def test_an_environment_has_its_own_files(workspace: Workspace) -> None:
    natsbackend("generate", "--env", "prod", cwd=workspace.root)
    assert sorted(os.listdir(workspace.root)) == [
        ".natsbackend",
        "build.prod",
        "natsbackend.prod.lock",
        "natsbackend.yaml",
    ]


# --- token ---


def mint(space: Workspace, *arguments: str, code: int = 0) -> Ran:
    return natsbackend_here("token", "mint", *arguments, cwd=space.root, code=code)


def test_a_browsers_token_is_printed_alone_on_stdout(generated: Workspace) -> None:
    ran = mint(generated, "shop/visitor", "--name", "alice")
    assert re.fullmatch(r"eyJ[\w-]+\.[\w-]+\.[\w-]+\n", ran.out)
    assert ran.err == ""


def test_every_form_of_a_token(generated: Workspace) -> None:
    cookie = mint(generated, "shop/visitor", "--name", "alice", "--format", "cookie").out
    assert re.fullmatch(r"nats_token=eyJ[\w.-]+\n", cookie)
    line = mint(generated, "shop/visitor", "--name", "alice", "--format", "set-cookie", "--ttl", "5m").out
    assert re.fullmatch(
        r"nats_token=eyJ[\w.-]+; Path=/; Max-Age=300; HttpOnly; Secure; SameSite=Strict\n", line
    )
    creds = mint(generated, "shop/worker", "--name", "w1").out
    assert "BEGIN NATS USER JWT" in creds
    assert "BEGIN USER NKEY SEED" in creds


def test_a_token_as_json(generated: Workspace) -> None:
    ran = mint(generated, "shop/visitor", "--name", "alice", "--format", "json", "--tag", "Team:red")
    assert set(ran.json) == {"format", "name", "subject", "issued_at", "expires", "jwt", "creds"}
    assert ran.json["format"] == 1
    assert ran.json["subject"] == derived_user_key(generated.key("accounts/shop"), "alice")
    assert ran.json["expires"] - ran.json["issued_at"] == 900
    assert ran.json["creds"] is None
    assert "BEGIN" in mint(generated, "shop/worker", "--name", "w", "--format", "json").json["creds"]


def test_a_token_is_written_to_a_new_private_file_and_never_over_one(generated: Workspace) -> None:
    file = generated.root / "w1.creds"
    ran = mint(generated, "shop/worker", "--name", "w1", "-o", "w1.creds")
    assert ran.out == ""
    assert file.stat().st_mode & 0o777 == 0o600
    content = file.read_bytes()
    assert "w1.creds" in mint(generated, "shop/worker", "--name", "w1", "-o", "w1.creds", code=1).err
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("shop/nobody", "--name", "a"), "no role 'shop/nobody'"),
        (("nobody/visitor", "--name", "a"), "no role"),
        (("visitor", "--name", "a"), "no role"),
        (("", "--name", "a"), "no role"),
        (("x" * 5000, "--name", "a"), "no role"),
        (("shop/visitor", "--name", ""), "plain subject token"),
        (("shop/visitor", "--name", "*"), "plain subject token"),
        (("shop/visitor", "--name", ">"), "plain subject token"),
        (("shop/visitor", "--name", "a.b"), "plain subject token"),
        (("shop/visitor", "--name", "al ice"), "plain subject token"),
        (("shop/visitor", "--name", "älice"), "plain subject token"),
        (("shop/visitor", "--name", "_INBOX"), "is where the replies to everybody come in"),
        (("shop/visitor", "--name", "a", "--tag", "team:*"), "plain subject token"),
        (("shop/visitor", "--name", "a", "--tag", ""), "plain subject token"),
        (("shop/visitor", "--name", "a", "--ttl", "16m"), "at most 15m; 16m was asked for"),
        (("shop/visitor", "--name", "a", "--format", "creds"), "no seed"),
        (("shop/worker", "--name", "a", "--format", "jwt"), "creds"),
        (("shop/worker", "--name", "a", "--format", "set-cookie"), "creds"),
        (("shop/visitor", "--name", "a", "-o", "no/such/../../natsbackend.yaml"), "natsbackend.yaml"),
        (("shop/visitor", "--name", "a" * 4000, "--format", "set-cookie"), "browsers keep"),
        (("shop/visitor", "--name", "a", "--env", "prod"), "generate"),
        (("shop/visitor", "--name", "a", "--up"), "natsbackend up"),
    ],
)
def test_a_token_that_must_not_be_is_refused_without_showing_any(
    generated: Workspace, arguments: tuple[str, ...], said: str
) -> None:
    ran = mint(generated, *arguments, code=1)
    assert ran.out == ""
    assert said in ran.err
    assert "eyJ" not in ran.err


@pytest.mark.parametrize("ttl", ["", "soon", "-5m", "0", "15", "1e3s", "9" * 400 + "s"])
def test_a_ttl_that_is_no_duration_is_refused(generated: Workspace, ttl: str) -> None:
    ran = mint(generated, "shop/visitor", "--name", "a", f"--ttl={ttl}", code=None)
    assert ran.code in (1, 2)
    assert ran.out == ""


def test_a_token_before_generate_says_what_to_run(workspace: Workspace) -> None:
    assert "natsbackend generate" in mint(workspace, "shop/visitor", "--name", "a", code=1).err


def test_a_token_needs_the_seed_of_its_role_and_no_other(generated: Workspace) -> None:
    keep = generated.seed_file("accounts/shop/roles/visitor")
    for file in list(generated.project.keys.rglob("*.nk")):
        if file != keep:
            file.unlink()
    mint(generated, "shop/visitor", "--name", "alice")
    ran = mint(generated, "shop/worker", "--name", "w", code=1)
    assert "the seed of accounts/shop/roles/worker" in ran.err


# --- schema ---


def _follow(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].removeprefix("#/$defs/")]
    return node


def test_the_schema_is_data_and_every_reference_in_it_leads_somewhere(tmp_path: Path) -> None:
    ran = natsbackend("schema", cwd=tmp_path)
    assert ran.err == ""
    schema = ran.json
    assert schema["$schema"].startswith("https://json-schema.org/")
    for name in re.findall(r'"#/\$defs/([\w-]+)"', ran.out):
        assert name in schema["$defs"]
    root = _follow(schema, schema)
    assert {"version", "operator"} <= set(root["required"])
    assert root["additionalProperties"] is False


@pytest.mark.parametrize("spec", sorted(EXAMPLES.glob("*/natsbackend.yaml")), ids=lambda p: p.parent.name)
def test_the_schema_knows_every_word_of_the_examples(tmp_path: Path, spec: Path) -> None:
    yaml = pytest.importorskip("yaml")
    schema = natsbackend_here("schema", cwd=tmp_path).json
    unknown = list(_unknown_words(schema, _follow(schema, schema), yaml.safe_load(spec.read_text()), "$"))
    assert unknown == []


def _unknown_words(schema: dict[str, Any], node: dict[str, Any], value: Any, path: str) -> list[str]:
    """Return the paths of words that no branch of the schema has a property for."""
    node = _follow(schema, node)
    branches = node.get("anyOf") or node.get("oneOf")
    if branches:
        return min((_unknown_words(schema, branch, value, path) for branch in branches), key=len)
    if isinstance(value, dict):
        if node.get("type") != "object":
            return [path]
        known, rest = node.get("properties", {}), node.get("additionalProperties", True)
        found: list[str] = []
        for key, item in value.items():
            if key in known:
                found += _unknown_words(schema, known[key], item, f"{path}.{key}")
            elif isinstance(rest, dict):
                found += _unknown_words(schema, rest, item, f"{path}.{key}")
            elif rest is False:
                found.append(f"{path}.{key}")
        return found
    if isinstance(value, list):
        if node.get("type") != "array":
            return [path]
        return [
            word
            for n, item in enumerate(value)
            for word in _unknown_words(schema, node["items"], item, f"{path}[{n}]")
        ]
    return [path] if node.get("type") in ("object", "array") else []


# --- what the shell does to it ---


def test_a_reader_that_stops_reading_is_no_crash(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "schema"], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        err = process.stderr.read().decode()
    assert "Traceback" not in err
    assert "a bug" not in err
    assert process.returncode != 70


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_without_unicode_is_no_crash(workspace: Workspace, encoding: str) -> None:
    workspace.spec["accounts"]["日本"] = {"frobnicate": 1}
    workspace.save()
    env = environment(PYTHONIOENCODING=encoding)
    for form in ("human", "json"):
        ran = natsbackend("check", "--format", form, cwd=workspace.root, code=1, env=env)
        assert "frobnicate" in ran.out


def test_a_path_that_is_no_utf8_is_no_crash(tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"d\xffr")
    root.mkdir()
    natsbackend("init", "minimal", root, cwd=tmp_path)
    spec = root / "natsbackend.yaml"
    natsbackend("check", spec, cwd=tmp_path)
    spec.write_text("version: 1\nx: 1\n")
    for form in ("human", "json"):
        natsbackend("check", spec, "--format", form, cwd=tmp_path, code=1)
    spec.unlink()
    natsbackend("init", "minimal", root, cwd=tmp_path)
    natsbackend("generate", "-f", spec, "--format", "json", cwd=tmp_path)


def test_a_bug_is_reported_without_the_values_that_led_to_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from natsbackend.cli import app
    from natsbackend.workflow import opening

    def broken(name: str, *rest: object) -> None:
        raise RuntimeError(f"secret-of-{name}")

    monkeypatch.setattr(opening, "examined", broken)
    with pytest.raises(SystemExit) as caught:
        app.app(["check", "a-secret-path"])
    assert caught.value.code == 70
    said = capsys.readouterr()
    assert said.out == ""
    assert "a bug: RuntimeError" in said.err
    assert "secret" not in said.err


def test_every_expected_error_is_exit_1() -> None:
    kinds = [NatsBackendError, *NatsBackendError.__subclasses__()]
    assert {kind.exit_code for kind in kinds} == {1}


def test_the_longest_name_still_has_room_for_its_file_name() -> None:
    assert MAX_ESCAPED + len(".creds") + len(".12345678.tmp") < 255


def test_what_a_run_was_given_is_forgotten_by_the_next_in_the_process(tmp_path: Path) -> None:
    natsbackend_here("check", "-f", "missing.yaml", "--env", "prod", cwd=tmp_path, code=1)
    assert as_given("run `natsbackend generate`") == "run `natsbackend generate`"


@pytest.mark.parametrize("arguments", [["--version"], ["check", "missing.yaml"]], ids=["done", "error"])
def test_a_caller_in_the_same_process_finds_its_interrupt_as_it_was(
    arguments: list[str], tmp_path: Path
) -> None:
    natsbackend_here(*arguments, cwd=tmp_path, code=None)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
