"""The application, and the one boundary where errors become text and an exit code.

Exit codes: 0 done · 1 expected error · 2 usage · 3 it worked and the answer is "not clean" · 70 a bug ·
130 interrupted.
"""

from __future__ import annotations

import signal
import sys
from contextvars import copy_context
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from natsbackend import __version__
from natsbackend.cli import activation, authoring, looking, output, planning, pulling, pushing, running, token
from natsbackend.cli.options import remember_given
from natsbackend.errors import NatsBackendError, SpecError

EXIT_BUG = 70
EXIT_INTERRUPTED = 130


class Boundary(TyperGroup):
    """The root group: nothing leaves it but an exit."""

    interrupted = False
    """Whether ^C came: a library may turn the KeyboardInterrupt into an error of its own."""

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = True
        signal.default_int_handler(number, frame)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; report whatever it raises."""
        self.interrupted = False
        remember_given(None, None)
        ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if ours:
            signal.signal(signal.SIGINT, self._interrupt)
        try:
            # in a context of its own: what one run was given is nothing to the next in this process
            return copy_context().run(self._reporting, ctx)
        finally:
            if ours:  # who calls the application from a program of their own finds ^C as it was
                signal.signal(signal.SIGINT, signal.default_int_handler)

    def _reporting(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except SpecError as e:
            output.show_diagnostics(e.diagnostics)
            raise typer.Exit(e.exit_code) from None
        except NatsBackendError as e:
            output.show_error(e.message, e.hint)
            raise typer.Exit(e.exit_code) from None
        except KeyboardInterrupt:
            output.say("interrupted")
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except BrokenPipeError:
            sys.stderr.close()
            raise typer.Exit(1) from None
        except OSError as e:
            # a full disk, a closed terminal: what the system says is all there is to say
            place = f"{e.filename}: " if e.filename else ""
            output.show_error(f"{place}{e.strerror or type(e).__name__}", None)
            output.abandon_stdout()
            raise typer.Exit(1) from None
        except typer.BadParameter as e:
            # pydantic reads option values for typer, and puts the class of its own error in front
            e.message = e.message.removeprefix("Value error, ")
            raise
        except (typer.Exit, typer.Abort):
            raise
        except Exception as e:
            if type(e).__module__.startswith("typer."):
                raise  # usage errors are typer's own to show
            if self.interrupted:
                output.say("interrupted")
                raise typer.Exit(EXIT_INTERRUPTED) from None
            _report_bug(e)
            raise typer.Exit(EXIT_BUG) from None


def _report_bug(error: Exception) -> None:
    """Say where it broke, without the values: an argument or local may be a secret."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "natsbackend" in f.filename] or list(frames)
    places = "\n".join(
        f"  {f.filename.rpartition('natsbackend')[2]}:{f.lineno} in {f.name}" for f in own[-8:]
    )
    output.show_error(
        f"a bug: {type(error).__name__} in natsbackend {__version__}\n{places}",
        "please report it with these lines; nothing is half-written, files are replaced whole",
    )


app = typer.Typer(
    cls=Boundary,
    name="natsbackend",
    help="NATS as the whole backend of a web application, from one YAML file.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        output.answer(f"natsbackend {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """NATS as the whole backend of a web application, from one YAML file."""


authoring.register(app)
running.register(app)
planning.register(app)
pushing.register(app)
looking.register(app)
pulling.register(app)
app.add_typer(token.app, name="token")
app.add_typer(activation.app, name="activation")
