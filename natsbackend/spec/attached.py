"""Files that a spec names and that are part of it: activations from outside.

They are read through the reader that the loader was given. A path goes from the spec's folder down, never up or
elsewhere, since a spec may come from somebody else; whether a link on the way leads out is for the reader to see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from natsbackend.errors import Diagnostic, ProjectError
from natsbackend.spec.models import SpecModel
from natsbackend.spec.sharing_models import TokenFileSpec
from natsbackend.spec.tree import Node


def read_attached(
    model: SpecModel, root: Node, spec: str, read: Callable[[str], bytes]
) -> tuple[dict[str, str], tuple[Diagnostic, ...]]:
    """Return the text of each file that a spec names, by its path as written, and what is wrong with others."""
    folder = spec.rpartition("/")[0]
    texts: dict[str, str] = {}
    found: list[Diagnostic] = []
    for path, where in _named(model):
        if path in texts:
            continue
        why = _why_elsewhere(path)
        if why is None:
            try:
                texts[path] = read(f"{folder}/{path}" if folder else path).decode("utf-8")
                continue
            except ProjectError as e:
                why = e.message
            except UnicodeDecodeError:
                why = f"{path} is not UTF-8"
        hint = "the path begins at the folder of the spec, and what is there is part of it"
        found.append(Diagnostic(code="spec-file", message=why, at=root.find(where).at, hint=hint))
    return texts, tuple(found)


def _named(model: SpecModel) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Every path that is named, and where."""
    for name, account in model.accounts.items():
        for index, taken in enumerate(account.imports):
            if isinstance(taken.token, TokenFileSpec):
                yield taken.token.file, ("accounts", name, "imports", index, "token", "file")


def _why_elsewhere(path: str) -> str | None:
    if not path.isprintable() or "\\" in path or not path:
        return f"{path[:80]!r} is not a path with / between its parts"
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts:
        return f"{path[:80]!r} does not stay below the folder of the spec"
    return None
