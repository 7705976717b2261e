"""Open a spec: read, validate, resolve and check it, with all findings at once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from natsbackend.errors import Diagnostic, ProjectError, Severity, SpecError
from natsbackend.model.checks import Judged, judge
from natsbackend.model.checks.life import Ending, Moment
from natsbackend.model.entities import Backend
from natsbackend.model.resolve import resolve
from natsbackend.project import SPEC_FILE, Project
from natsbackend.spec.gist import gist
from natsbackend.spec.load import Reader, load
from natsbackend.workflow.collecting import collection_paused


@dataclass(frozen=True, slots=True)
class Opened:
    """A backend, and the warnings its spec gives rise to."""

    backend: Backend
    warnings: tuple[Diagnostic, ...]
    gist: str = ""
    """See `spec.gist`."""


def read_file(name: str) -> bytes:
    """Read a file of the spec.

    Raises:
        ProjectError: it is not there or cannot be read.
    """
    try:
        return Path(name).read_bytes()
    except FileNotFoundError:
        hint = "`natsbackend init` writes a starter spec; -f FILE names another file"
        raise ProjectError(f"there is no {name}", hint=hint) from None
    except OSError as e:
        raise ProjectError(f"cannot read {name}: {e.strerror}") from e


def _reader(spec: str) -> Reader:
    """Return what reads a spec and the files below its folder, but nothing that a link leads out of it."""
    root = Path(os.path.realpath(spec)).parent

    def read(name: str) -> bytes:
        if name != spec and not Path(os.path.realpath(name)).is_relative_to(root):
            raise ProjectError(f"{name} leads out of the folder of the spec")
        return read_file(name)

    return read


@dataclass(frozen=True, slots=True)
class Examined:
    """A backend, and everything that was found in its spec."""

    backend: Backend
    judged: Judged
    gist: str = ""


def examined(name: str, moment: Moment | None = None, project: Project | None = None) -> Examined:
    """Return the backend of a spec, every finding, errors too, and what is switched off.

    Args:
        name: the file to read.
        moment: when it is, to find what ends soon or has ended; None: nothing is said about time.
        project: whose public JWTs are asked, too, when they end.

    Raises:
        SpecError: its shape is wrong, so that there is no backend.
        ProjectError: the file cannot be read.
    """
    with collection_paused():
        spec = load(name, _reader(name))
        resolved = resolve(spec)
        issued = _built_endings(resolved.backend, project) if moment and project else ()
        judged = judge(resolved.backend, moment, issued)
        of_tokens = _of_tokens(resolved.backend)
    findings = sorted(
        (*resolved.diagnostics, *judged.findings, *of_tokens), key=lambda d: (d.at is None, d.at, d.code)
    )
    return Examined(resolved.backend, Judged(findings=tuple(findings), silenced=judged.silenced), gist(spec))


# Both read JWTs, which most specs and pull requests have none of: the libraries for it are as much to load as pydantic.


def _of_tokens(backend: Backend) -> Iterable[Diagnostic]:
    if not backend.outside:
        return ()
    from natsbackend.claims.imported import judge as judge_imported

    return judge_imported(backend)


def _built_endings(backend: Backend, project: Project) -> Iterable[Ending]:
    if not project.build.is_dir():
        return ()
    from natsbackend.workflow.expiring import built_endings

    return built_endings(backend, project)


def examine(name: str) -> tuple[Backend, tuple[Diagnostic, ...]]:
    """Return the backend of a spec, and every finding, errors too.

    Raises:
        SpecError: its shape is wrong, so that there is no backend.
    """
    found = examined(name)
    return found.backend, found.judged.findings


def open_spec(name: str) -> Opened:
    """Return the backend of a spec that has no errors.

    Raises:
        SpecError: with every finding, warnings too, if one of them is an error.
        ProjectError: the file cannot be read.
    """
    found = examined(name)
    findings = found.judged.findings
    if any(f.severity is Severity.ERROR for f in findings):
        raise SpecError(findings)
    return Opened(found.backend, findings, found.gist)


def spec_file(given: str | None, root: Path | None = None) -> Path:
    """Return the spec to read: the one given, or `natsbackend.yaml` here."""
    return Path(given) if given else (root or Path()) / SPEC_FILE
