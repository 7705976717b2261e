"""A login that somebody has stored: a creds file, or a context of the `nats` command line."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from natsbackend.claims.codec import Token, TokenKind, decode
from natsbackend.claims.creds import parse_creds
from natsbackend.errors import ClaimsError, InvalidKey, KeyStoreError, ProjectError
from natsbackend.keys import KeyPair, Keyring
from natsbackend.model.entities import Backend, Target
from natsbackend.model.permissions import ROLE_INBOX

_INBOX = "_INBOX"
_MOST = 1 << 20
_OTHER_LOGINS = ("user", "password", "token", "nkey", "nsc", "user_jwt", "user_seed")
"""Logins of a context that no user of an operator's system account has, or that no file of creds holds."""
_FILES = ("creds", "ca", "cert", "key")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLogin:
    """What to log in with."""

    jwt: str = field(repr=False)
    key: KeyPair
    inbox_prefix: str
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


def stored_login(target: Target, backend: Backend, keyring: Keyring) -> StoredLogin | None:
    """Return the login that a target names; None if it names none.

    Raises:
        ProjectError: the context is not there, or has no creds.
        KeyStoreError: the creds cannot be read, or are of somebody who cannot push.
    """
    if target.creds is not None:
        return _of_creds(Path(target.creds), backend, keyring)
    if target.context is None:
        return None
    words = _context(target.context)
    files = {word: _path(target.context, word, words[word]) for word in _FILES if words.get(word)}
    if "creds" not in files:
        other = next((word for word in _OTHER_LOGINS if words.get(word)), None)
        raise ProjectError(
            f'the context "{target.context}" has no creds'
            + (f", and `{other}` is no login of the system account" if other else ""),
            hint=f"nats context save {target.context} --creds FILE",
        )
    login = _of_creds(files["creds"], backend, keyring)
    return StoredLogin(
        jwt=login.jwt,
        key=login.key,
        inbox_prefix=str(words.get("inbox_prefix") or login.inbox_prefix),
        ca_file=files.get("ca"),
        cert_file=files.get("cert"),
        key_file=files.get("key"),
    )


def _context(name: str) -> dict[str, object]:
    """Read a context; see `nats context` (natscli, jsm.go `natscontext`)."""
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    file = Path(home) / "nats" / "context" / f"{name}.json"
    try:
        words = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise ProjectError(
            f'there is no context "{name}" ({file})', hint="`nats context ls` lists them"
        ) from None
    except OSError as e:
        raise ProjectError(f"cannot read {file}: {e.strerror}") from e
    except (ValueError, RecursionError) as e:
        raise ProjectError(f"{file} is not JSON") from e
    if not isinstance(words, dict):
        raise ProjectError(f"{file} is not a context")
    return words


def _path(context: str, word: str, value: object) -> Path:
    """Read a path of a context; the CLI takes variables and URLs there, too, which are refused here."""
    if not isinstance(value, str) or "$" in value or ":" in value:
        raise ProjectError(
            f'`{word}` of the context "{context}" is not a plain path', hint="write the path of a file there"
        )
    return Path(value).expanduser()


def _of_creds(file: Path, backend: Backend, keyring: Keyring) -> StoredLogin:
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST).decode("utf-8", "replace")
    except OSError as e:
        reason = "it is not there" if isinstance(e, FileNotFoundError) else (e.strerror or "").lower()
        raise KeyStoreError(
            f'cannot read the creds "{file}": {reason}', hint="they are those of a user of the system account"
        ) from e
    creds = parse_creds(text)
    if creds.jwt is None or creds.seed is None:
        raise KeyStoreError(
            f'"{file}" holds no creds: a user\'s JWT and its seed', hint="write the file anew"
        )
    try:
        token, key = decode(creds.jwt), KeyPair.from_seed(creds.seed)
    except (ClaimsError, InvalidKey) as e:
        raise KeyStoreError(f'"{file}" holds no creds that can be used: {e.message}') from e
    if token.kind is not TokenKind.USER or token.subject != key.public:
        raise KeyStoreError(f'"{file}" holds a JWT and a seed that do not belong together')
    return StoredLogin(jwt=creds.jwt, key=key, inbox_prefix=inbox_of(token, backend, keyring))


def inbox_of(token: Token, backend: Backend, keyring: Keyring) -> str:
    """Return where a user may receive replies: by its role, if it is one of the spec, else by its own permissions."""
    for role in backend.system_account.roles.values():
        if role.path in keyring and keyring[role.path] == token.issuer:
            return (role.permissions.inbox or ROLE_INBOX).replace("{{name()}}", token.name)
    permissions = token.nats.get("sub")
    allowed = permissions.get("allow") if isinstance(permissions, dict) else None
    subjects = [each for each in allowed or () if isinstance(each, str)] if isinstance(allowed, list) else []
    inboxes = [
        each.removesuffix(".>") for each in subjects if each.startswith(_INBOX) and each.endswith(".>")
    ]
    return inboxes[0] if inboxes and _INBOX not in inboxes else _INBOX
