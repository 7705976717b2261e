"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import natsbackend
from natsbackend.cli.reference import commands

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "natsbackend"
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 400
HEAVY = frozenset({"asyncio", "httpx", "jwt", "nacl", "pydantic", "rich", "websockets", "yaml"})
_TEXTS = {".cfg", ".json", ".jsonl", ".lock", ".md", ".py", ".toml", ".txt", ".yaml", ".yml", ""}
# written so that this file is not the first to be found
_INDEX_HOSTS = re.compile(r"pypi[.](?:org|python)|python[h]osted|npmjs[.](?:org|com)")
_MACHINE_PATHS = re.compile(r"(?<![\w.<}])/(?:[h]ome|[r]oot|[w]ork|[o]pt|[U]sers)/\w")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _files() -> Iterator[Path]:
    """Every text of the repository that Git does not ignore; without Git, those below the usual folders."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    names = os.fsdecode(listed.stdout).split("\0") if listed.returncode == 0 else []
    found = [ROOT / name for name in names if name] or [
        path for folder in ("natsbackend", "tests", "docs", "examples") for path in (ROOT / folder).rglob("*")
    ]
    return (path for path in found if path.is_file() and path.suffix in _TEXTS)


def _documented(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Every public function, class and method of a module, by name; not what stands inside a function."""
    level: list[tuple[str, ast.AST]] = [("", tree)]
    while level:
        prefix, node = level.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if child.name.startswith("_"):
                    continue
                name = f"{prefix}{child.name}"
                yield name, child
                if isinstance(child, ast.ClassDef):
                    level.append((f"{name}.", child))


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_is_short_and_says_what_it_owns(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") < MOST_LINES
    assert ast.get_docstring(ast.parse(text)), "a module or package begins with what it owns"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_everything_public_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    undocumented = [
        name
        for name, node in _documented(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not ast.get_docstring(node)
    ]
    assert undocumented == []


def test_every_folder_with_modules_is_a_package() -> None:
    assert {path.parent for path in MODULES} == {p.parent for p in MODULES if p.name == "__init__.py"}


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_the_hunt_for_hosts_and_paths_finds_them() -> None:
    assert _INDEX_HOSTS.search(".".join(("https://pypi", "org")))
    assert _MACHINE_PATHS.search("/".join(("see ", "home", "someone")))
    assert not _MACHINE_PATHS.search("https://example.com/work/x")


def test_no_file_names_a_package_index_or_a_place_on_one_machine() -> None:
    found = []
    for path in _files():
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{_name(path)}: {m[0]}" for p in (_INDEX_HOSTS, _MACHINE_PATHS) for m in p.finditer(text)]
    assert found == []


def loaded(*arguments: str) -> set[str]:
    """Return the modules that a call of the command line has imported when it ends."""
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('\\0' + ' '.join(sys.modules)))\n"
        "from natsbackend.__main__ import main\n"
        f"sys.argv = ['natsbackend', *{arguments!r}]\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("\0")[2].split())


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_load_nothing_heavy(option: str) -> None:
    modules = loaded(option)
    assert "typer" in modules
    assert HEAVY & modules == set()


@pytest.mark.parametrize("path", [c.command_path for _, c in commands() if c.parent is not None])
def test_the_help_of_a_command_loads_nothing_heavy(path: str) -> None:
    # typer itself reads the arguments of a command with pydantic
    assert (HEAVY - {"pydantic"}) & loaded(*path.split()[1:], "--help") == set()


def test_a_command_that_needs_yaml_loads_it() -> None:
    spec = ROOT / "examples" / "quickstart" / "natsbackend.yaml"
    assert {"yaml", "pydantic"} <= loaded("check", str(spec))


def test_the_version_has_three_numbers() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", natsbackend.__version__)
