"""Secrets from the user's files, as the quoted files that the config includes.

A file holds the bare secret, since that is what secret stores and `openssl rand` write, and quoting it is what goes
wrong. What is written lies below `.natsbackend/`, mode 0600; `build/`, which may be in Git, only names it.
"""

from __future__ import annotations

from pathlib import Path

from natsbackend.errors import Diagnostic, Severity, SpecError
from natsbackend.model.checks.places import place
from natsbackend.model.entities import Backend
from natsbackend.project import Project
from natsbackend.render.secrets import SecretFile, secret_files

_MOST = 64 * 1024
"""Bytes of the largest secret; whatever is larger is another file."""


def included_secrets(
    backend: Backend, project: Project
) -> tuple[dict[Path, tuple[str, int]], tuple[Diagnostic, ...]]:
    """Return content and mode of each included file, and a warning of each secret that is not here.

    Raises:
        SpecError: files cannot be read, or what they hold cannot be a secret; nothing of it is repeated.
    """
    files: dict[Path, tuple[str, int]] = {}
    missing: list[Diagnostic] = []
    unfit: list[Diagnostic] = []
    for each in secret_files(backend.server):
        try:
            text = _bare(project.root / each.source)
        except _UnfitError as e:
            unfit.append(_unfit(backend, each, e))
            continue
        if text is None:
            missing.append(_missing(backend, each, project))
        else:
            files[project.secrets / each.name] = (each.content(text), 0o600)
    if unfit:
        raise SpecError(tuple(unfit))
    return files, tuple(missing)


def old_secrets(backend: Backend, project: Project) -> tuple[Path, ...]:
    """Return the included files of secrets that the spec does not name any more."""
    names = {each.name for each in secret_files(backend.server)}
    return tuple(path for path in sorted(project.secrets.glob("*.conf")) if path.name not in names)


def _missing(backend: Backend, each: SecretFile, project: Project) -> Diagnostic:
    target = project.secrets / each.name
    assert backend.server is not None  # it has the secret
    return Diagnostic(
        code="secret-missing",
        message=f"there is no {each.source[:200]} here: the config includes {target.relative_to(project.root)}",
        at=place(backend.server, *each.word),
        hint="write the secret into the file and run `natsbackend generate` again, here or where the server runs",
        severity=Severity.WARNING,
    )


class _UnfitError(ValueError):
    """Why a file cannot be the secret; what it holds is not repeated."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why)
        self.hint = hint


def _unfit(backend: Backend, each: SecretFile, error: _UnfitError) -> Diagnostic:
    assert backend.server is not None  # it has the secret
    return Diagnostic(
        code="secret-file",
        message=f"{each.source[:200]} {error}",
        at=place(backend.server, *each.word),
        hint=error.hint,
    )


def _bare(path: Path) -> str | None:
    """Read a secret, less one line end; None if there is no such file."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST + 1)
        text = content.decode("utf-8")
    except FileNotFoundError:
        return None
    except OSError as e:
        why = (e.strerror or "it is no file").lower()
        raise _UnfitError(f"cannot be read: {why}", "name a file that holds the secret alone") from None
    except UnicodeDecodeError:
        hint = "a secret of bytes has to be encoded, for instance as base64"
        raise _UnfitError("holds no text", hint) from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text or "\0" in text or len(content) > _MOST:
        why = "is empty" if not text else "holds a NUL" if "\0" in text else f"has more than {_MOST} bytes"
        raise _UnfitError(why, "it must hold the secret and nothing else")
    return text
