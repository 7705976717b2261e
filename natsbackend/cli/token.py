"""`token`: mint tokens of a role, judge any token."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from natsbackend.cli import inspecting, output
from natsbackend.cli.options import EnvOption, FileOption, read_duration, spec_and_project

if TYPE_CHECKING:
    from natsbackend.model.entities import Backend
    from natsbackend.tokens import Minted

app = typer.Typer(
    help="Tokens: mint those of a role, judge any.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class TokenFormat(enum.StrEnum):
    """In which form a token is handed over."""

    JWT = "jwt"
    CREDS = "creds"
    COOKIE = "cookie"
    SET_COOKIE = "set-cookie"
    JSON = "json"


@app.callback()
def _group() -> None:
    """Tokens: mint those of a role, judge any."""


app.command("inspect")(inspecting.inspect)


@app.command("mint")
def mint(
    role: Annotated[str, typer.Argument(metavar="ACCOUNT/ROLE", help="The role.")],
    name: Annotated[str, typer.Option("--name", help="Who it is for: letters, digits, - and _.")],
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="KEY:VALUE", help="A tag for the role's templates. Repeatable."),
    ] = None,
    ttl: Annotated[
        str | None,
        typer.Option("--ttl", metavar="15m", help="How long it lives. Default: as long as the role lets it."),
    ] = None,
    form: Annotated[
        TokenFormat | None,
        typer.Option(
            "--format", help="Default: jwt for a browser's role, creds for any other.", show_default=False
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it to a new file, mode 0600.")
    ] = None,
    up: Annotated[bool, typer.Option("--up", help="Of the identities that `natsbackend up` made.")] = False,
    file: FileOption = None,
    env: EnvOption = None,
) -> None:
    """Mint a token of a role.

    It is signed with the role's scoped key. What is printed is a secret.

    Example: natsbackend token mint web/viewer --name alice --format set-cookie
    """
    import time

    from natsbackend.keystore.directory import DirectoryKeyStore
    from natsbackend.project import Project
    from natsbackend.workflow.opening import open_spec
    from natsbackend.workflow.signing import RoleSigner, find_role
    from natsbackend.workflow.tree import read_lock

    spec, project = spec_and_project(file, env)
    backend = open_spec(str(spec)).backend
    if up:
        project = Project(project.up)
    account, found = find_role(backend, role)
    keyring, store = read_lock(project).keyring(), DirectoryKeyStore(project.keys)
    signer = RoleSigner(backend, keyring, store, "natsbackend up" if up else "natsbackend generate")
    minted = signer.mint(
        account, found, name=name, now=int(time.time()), tags=tuple(tag or ()), ttl=_seconds(ttl)
    )
    text = _formed(minted, form, backend, up=up)
    if to is None:
        output.answer(text)
    else:
        _write_new(to, text)
        output.say(f"wrote {to}")


def _seconds(text: str | None) -> int | None:
    return None if text is None else read_duration(text, "--ttl")


def _formed(minted: Minted, form: TokenFormat | None, backend: Backend, *, up: bool) -> str:
    from natsbackend.errors import TokenError
    from natsbackend.workflow.loopback import COOKIE

    form = form or (TokenFormat.JWT if minted.key is None else TokenFormat.CREDS)
    if form is TokenFormat.CREDS:
        return minted.creds()
    if form is TokenFormat.JSON:
        return _as_json(minted)
    if minted.key is not None:
        raise TokenError(
            "this role's tokens are no bearers; without their seed they are of no use",
            hint="take creds: --format creds",
        )
    if form is TokenFormat.JWT:
        return minted.jwt
    websocket = backend.server.websocket if backend.server else None
    cookie = websocket.cookie if websocket else (COOKIE if up else None)
    if cookie is None:
        raise TokenError("the spec names no cookie", hint="add server.websocket.cookie: {name: nats_token}")
    return minted.set_cookie(cookie) if form is TokenFormat.SET_COOKIE else f"{cookie.name}={minted.jwt}"


def _as_json(minted: Minted) -> str:
    import json

    value = {
        "format": 1,
        "name": minted.name,
        "subject": minted.subject,
        "issued_at": minted.issued_at,
        "expires": minted.expires,
        "jwt": minted.jwt,
        "creds": minted.creds() if minted.key is not None else None,
    }
    return json.dumps(value, indent=2)


def _write_new(path: Path, text: str) -> None:
    from natsbackend.files import Batch

    batch = Batch()
    batch.add(path, text if text.endswith("\n") else f"{text}\n", 0o600, exclusive=True)
    batch.write()
