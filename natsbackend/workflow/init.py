"""`init`: write a commented starter spec."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from natsbackend.errors import ProjectError
from natsbackend.files import Batch, make_directory
from natsbackend.project import SPEC_FILE

TEMPLATES = ("minimal", "dashboard")


def init(template: str, directory: Path) -> Path:
    """Write a template's spec into a directory and return its path.

    Raises:
        ProjectError: there is no such template, or a spec is there already; it is never written over.
    """
    if template not in TEMPLATES:
        raise ProjectError(
            f"there is no template {template!r}", hint=f"the templates: {', '.join(TEMPLATES)}"
        )
    path = directory / SPEC_FILE
    try:
        if path.exists() or path.is_symlink():
            hint = "name another directory: natsbackend init TEMPLATE DIR"
            raise ProjectError(f"{path} is already here", hint=hint)
        make_directory(directory)
    except OSError as e:
        raise ProjectError(f"cannot make {directory}: {e.strerror}") from e
    text = (resources.files("natsbackend") / "templates" / f"{template}.yaml").read_text(encoding="utf-8")
    batch = Batch()
    batch.add(path, text, exclusive=True)
    batch.write()
    return path
