"""The golden corpus: what a spec comes to, byte for byte, with keys that a counter makes."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Callable, Mapping
from contextlib import chdir
from pathlib import Path

from natsbackend.claims.build import build
from natsbackend.claims.sharing import activations
from natsbackend.cli.output import render_diagnostics
from natsbackend.errors import Diagnostic, SpecError
from natsbackend.lock import render_lock
from natsbackend.project import Project
from natsbackend.workflow.opening import Opened, open_spec
from natsbackend.workflow.tree import Tree, plan_tree

GOLDEN = Path(__file__).parent.parent / "golden"
SPEC = "spec.yaml"
NOW = 1_760_000_000
"""When everything in the corpus is issued."""

FOLDERS = tuple(sorted(path.parent for path in GOLDEN.glob(f"*/{SPEC}")))
BAD = "diagnostics.txt"
"""What a spec with errors comes to."""

SOUND = tuple(folder for folder in FOLDERS if folder.name < "1")


def counted_entropy() -> Callable[[int], bytes]:
    """Return a source of entropy that gives the same in every run: the digests of 0, 1, 2, …."""
    counter = itertools.count()
    return lambda size: hashlib.sha512(str(next(counter)).encode()).digest()[:size]


def opened(folder: Path) -> Opened:
    """Open the spec of a folder, by a path that is the same on every machine."""
    with chdir(folder):
        return open_spec(SPEC)


def tree(folder: Path, project: Project) -> Tree:
    """Return what `generate` would write for the spec of a folder; nothing is written."""
    return plan_tree(opened(folder), project, now=NOW, entropy=counted_entropy())


def produced(folder: Path, project: Project) -> dict[str, str]:
    """Return the content of each golden file of a folder, as this release makes it."""
    try:
        made = tree(folder, project)
    except SpecError as e:
        return {BAD: shown(folder, e.diagnostics)}
    files = {path.name: content for path, (content, _) in made.files.items()}
    out = {
        "claims.json": json.dumps(readable_claims(made), indent=1, ensure_ascii=False) + "\n",
        "nats-server.conf": files["nats-server.conf"],
        "natsbackend.lock": render_lock(made.lock),
    }
    if made.warnings:
        out["warnings.txt"] = shown(folder, made.warnings)
    return out


def shown(folder: Path, diagnostics: tuple[Diagnostic, ...]) -> str:
    """Return findings as a person sees them."""
    with chdir(folder):
        return "\n".join(render_diagnostics(diagnostics)) + "\n"


def readable_claims(made: Tree) -> Mapping[str, object]:
    """Return every unsigned claim by path. A public key is shown as the path it belongs to, in angle brackets."""
    keyring = made.lock.keyring()
    names = {keyring[path]: f"<{path}>" for path in keyring}
    given = tuple(activations(made.backend, keyring))
    names |= {made.tokens[each.path]: f"<{each.path}>" for each in given}

    def readable(value: object) -> object:
        if isinstance(value, Mapping):
            return {key: readable(member) for key, member in value.items()}
        if isinstance(value, list):
            return [readable(member) for member in value]
        return names.get(value, value) if isinstance(value, str) else value

    return {
        unsigned.path: {
            "signed by": f"<{unsigned.issuer_path}>",
            "sub": names[unsigned.claims.subject],
            "name": unsigned.claims.name,
            **({"exp": unsigned.claims.expires} if unsigned.claims.expires else {}),
            **({"nbf": unsigned.claims.not_before} if unsigned.claims.not_before else {}),
            "nats": readable(unsigned.claims.nats),
        }
        for unsigned in (*given, *build(made.backend, keyring, made.tokens, made.lock.revoked))
    }


def expected(folder: Path) -> dict[str, str]:
    """Return the golden files of a folder."""
    return {
        path.name: path.read_bytes().decode("utf-8")
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != SPEC
    }


def rewrite(folder: Path, files: Mapping[str, str]) -> None:
    """Make these the golden files of a folder."""
    for name in expected(folder).keys() - files.keys():
        (folder / name).unlink()
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8", newline="")


def updating() -> bool:
    """Tell whether the corpus is to be written anew."""
    return bool(os.environ.get("UPDATE_GOLDEN"))
