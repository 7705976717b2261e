"""`activation`: let accounts outside the spec import a private export."""

from __future__ import annotations

from typing import Annotated

import typer

from natsbackend.cli import output
from natsbackend.cli.options import EnvOption, FileOption, read_duration, spec_and_project
from natsbackend.model.sharing import Kind

app = typer.Typer(
    help="Activations: let accounts outside the spec import a private export.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _group() -> None:
    """Activations: let accounts outside the spec import a private export."""


@app.command("mint")
def mint(
    exporter: Annotated[str, typer.Argument(metavar="EXPORTER", help="The exporting account.")],
    subject: Annotated[
        str, typer.Argument(metavar="SUBJECT", help="The subject of a private export, or a narrower one.")
    ],
    importer: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="NAME_OR_KEY",
            help="The importing account: its name under `outside`, or its public key.",
        ),
    ],
    kind: Annotated[
        Kind | None,
        typer.Option("--kind", help="Needed where a stream and a service have it.", show_default=False),
    ] = None,
    ttl: Annotated[
        str | None, typer.Option("--ttl", metavar="30d", help="How long it holds. Default: for good.")
    ] = None,
    file: FileOption = None,
    env: EnvOption = None,
) -> None:
    """Mint an activation for an account that is not in the spec.

    It is signed with the exporter's first signing key. Accounts of the spec need none: name them in `private`.

    Example: natsbackend activation mint telemetry 'sensors.>' --for ABWM… --ttl 30d
    """
    import time

    from natsbackend.keystore.directory import DirectoryKeyStore
    from natsbackend.workflow.activating import ActivationSigner
    from natsbackend.workflow.opening import open_spec
    from natsbackend.workflow.tree import read_lock

    spec, project = spec_and_project(file, env)
    backend = open_spec(str(spec)).backend
    signer = ActivationSigner(backend, read_lock(project).keyring(), DirectoryKeyStore(project.keys))
    output.answer(
        signer.mint(exporter, subject, kind=kind, importer=importer, now=int(time.time()), ttl=_seconds(ttl))
    )


def _seconds(text: str | None) -> int | None:
    return None if text is None else read_duration(text, "--ttl")
