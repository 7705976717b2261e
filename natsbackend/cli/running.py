"""`up`: the main job, end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from natsbackend.cli import output
from natsbackend.cli.options import (
    EnvOption,
    FileOption,
    FormatOption,
    QuietOption,
    ReportFormat,
    SpecArgument,
    either,
    spec_and_project,
)
from natsbackend.wording import counted

if TYPE_CHECKING:
    from natsbackend.live.proof import Proof
    from natsbackend.workflow.up import Running

NOT_CLEAN = 3


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("up")(up)


def up(
    spec: SpecArgument = None,
    file: FileOption = None,
    env: EnvOption = None,
    once: Annotated[bool, typer.Option("--once", help="Prove and exit: 0, or 3 if a proof failed.")] = False,
    server: Annotated[
        str | None, typer.Option("--nats-server", metavar="PATH", help="The nats-server to run.")
    ] = None,
    report: FormatOption = ReportFormat.HUMAN,
    quiet: QuietOption = False,
) -> None:
    """Bring a spec up on this machine and prove it.

    Keys, JWTs, a server, the push, the login through a cookie, and each policy test. Identities are throwaway ones
    below .natsbackend/up, listeners are on loopback.

    Example: natsbackend up examples/quickstart/natsbackend.yaml
    """
    import contextlib
    import signal
    import time

    from natsbackend.workflow.up import up as bring_up

    path, project = spec_and_project(either(spec, file), env)
    listener = _Shown(quiet=quiet or report is ReportFormat.JSON)
    # whoever asks us to end (a supervisor, `docker stop`, a terminal that closes) gets the orderly end of ^C
    for asked in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(asked, signal.getsignal(signal.SIGINT))
    with contextlib.ExitStack() as stack:
        with listener.progress.running():
            story = bring_up(path, project, clock=lambda: int(time.time()), listener=listener, server=server)
            running = stack.enter_context(story)
        if report is ReportFormat.JSON:
            output.answer_json(_running_json(running))
        else:
            output.show_diagnostics(running.warnings)
            if not quiet:
                output.answer(_verdict(running))
                if not once:
                    output.answer(_how_to_reach(running, str(path), env))
        if not once:
            _wait(running)
    if not running.proven:
        raise typer.Exit(NOT_CLEAN)


def _wait(running: Running) -> None:
    """Stay up until ^C; if the server ends by itself, that is an error."""
    from natsbackend.errors import LiveServerError

    try:
        output.say("up; ^C stops it")
        running.server.wait()
    except KeyboardInterrupt:
        output.say("stopping")
        return
    raise LiveServerError(f"nats-server ended by itself: {running.server.last_words}")


class _Shown:
    """Shows each step; proofs go to stdout, since they are the answer."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.progress = output.Progress(quiet=quiet)

    def step(self, text: str) -> None:
        self.progress.step(text)

    def done(self, text: str) -> None:
        self.progress.done(text)

    def note(self, text: str) -> None:
        self.progress.note(text)

    def proof(self, proof: Proof) -> None:
        if self.quiet:
            return
        if proof.passed:
            output.answer(f"{output.good('✓')} {proof.title}")
            return
        where = f"{proof.at}: " if proof.at else ""
        output.answer(f"{output.bad('✗')} {where}{proof.title}")
        output.answer(f"    expected {proof.expected}; saw {proof.observed}")


def _verdict(running: Running) -> str:
    failed = sum(not proof.passed for proof in running.proofs)
    if failed:
        of = counted(len(running.proofs), "proof")
        return f"\n{output.bad(f'{failed} of {of} failed')}"
    return f"\n{output.good('all proofs passed')} ({len(running.proofs)})"


def _how_to_reach(running: Running, spec: str, env: str | None) -> str:
    import shlex

    from natsbackend.tokens import DEFAULT_TTL, span

    lines = ["", f"  nats       {running.nats_url}"]
    if running.websocket_url:
        lines.append(f"  websocket  {running.websocket_url}   from pages of {', '.join(running.origins)}")
    roles = running.websocket_roles()
    lines += [f"  role       {name}   tokens live {span(role.ttl or DEFAULT_TTL)}" for name, role in roles]
    if roles:
        lines += ["", "a token for a browser, as a Set-Cookie line:"]
        where = shlex.join(["-f", spec, *(("--env", env) if env else ())])
        role = shlex.quote(roles[0][0])
        lines.append(f"  natsbackend token mint {role} --name alice --up {where} --format set-cookie")
    lines += ["", f"files, keys and log: {running.project.root}"]
    return "\n".join(lines)


def _running_json(running: Running) -> dict[str, Any]:
    return {
        "format": 1,
        "proven": running.proven,
        "nats": running.nats_url,
        "websocket": running.websocket_url,
        "origin": running.origin,
        "origins": list(running.origins),
        "server_version": running.server_version,
        "jwts_signed": running.jwts_signed,
        "substitutions": list(running.substitutions),
        "directory": str(running.project.root),
        "proofs": [_proof_json(proof) for proof in running.proofs],
    }


def _proof_json(proof: Proof) -> dict[str, Any]:
    return {
        "id": proof.id,
        "title": proof.title,
        "passed": proof.passed,
        "expected": proof.expected,
        "observed": proof.observed,
        "at": str(proof.at) if proof.at else None,
    }
