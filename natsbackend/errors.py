"""What can go wrong, as values and as exceptions.

Two kinds. A `Diagnostic` is a value about the user's text; diagnostics are collected and shown all at once.
An exception stops work. Nothing here prints or exits; `cli` turns both into text and an exit code.

```
NatsBackendError (exit 1)       .hint: str | None
├─ SpecError                    .diagnostics: tuple[Diagnostic, ...]
├─ InvalidKey                    not an nkey · wrong checksum · wrong role
├─ KeyStoreError                missing · permissions too open · would overwrite · half-written
├─ ClaimsError                  does not decode · bad signature · wrong issuer · expired
├─ LockError                    unreadable lock · an identity changed without a record
├─ ProjectError                 a path that cannot be used · somebody else is writing
├─ TokenError                   a token that must not be minted
├─ ResolverError
│  ├─ ResolverUnavailable       nobody answered (worth trying again)
│  └─ ResolverRejected          the server's own words
└─ LiveServerError              no nats-server found · port taken · config refused (the server's own line)
```

Messages say what, where and the way out; lower case, no full stop; values quoted; never a seed, a token or creds
(`secrecy` stars out what looks like one).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple

from natsbackend.secrecy import masked


class Location(NamedTuple):
    """A place in a text the user wrote. Lines and columns count from 1.

    A tuple, since every element of a spec holds one, and a frozen dataclass takes four times as long to make.
    """

    file: str
    line: int
    col: int
    width: int = 1
    """How many characters the caret underlines."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.col}"


class Severity(enum.StrEnum):
    """How bad a diagnostic is. Errors stop `generate`; warnings do not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding about the user's text."""

    code: str
    """Stable kebab-case id, as in `docs/checks.md`."""
    message: str
    at: Location | None = None
    hint: str | None = None
    severity: Severity = Severity.ERROR

    def __post_init__(self) -> None:
        """Star out what looks like a secret: a message may quote a value that should never have stood there."""
        object.__setattr__(self, "message", masked(self.message))
        if self.hint is not None:
            object.__setattr__(self, "hint", masked(self.hint))

    def __str__(self) -> str:
        where = f"{self.at}: " if self.at else ""
        tail = f"\nhint: {self.hint}" if self.hint else ""
        return f"{where}{self.severity}[{self.code}]: {self.message}{tail}"


class NatsBackendError(Exception):
    """Base of every expected error. The command line ends with exit code 1."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SpecError(NatsBackendError):
    """The spec has errors; `diagnostics` holds all of them, warnings too."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n".join(str(d) for d in diagnostics))
        self.diagnostics = diagnostics


class InvalidKey(NatsBackendError):
    """A text that should be an nkey is not one, or is one of another role."""


class KeyStoreError(NatsBackendError):
    """A seed is missing, unreadable, too open, half-written or would be overwritten."""


class ClaimsError(NatsBackendError):
    """A token does not decode, does not verify, or was not made by who should have made it.

    `rule` is the id of the broken rule, for instance `decode-signature-v2`.
    """

    def __init__(self, message: str, *, rule: str = "claims", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.rule = rule


class LockError(NatsBackendError):
    """The lock cannot be read, or contradicts what is here."""


class ProjectError(NatsBackendError):
    """A path cannot be used, or another process is writing."""


class TokenError(NatsBackendError):
    """A token that must not be minted: a name that is not template-safe, a ttl above the role's, too large."""


class PlanError(NatsBackendError):
    """A plan that was written down cannot be read: of another format, changed, or not a plan at all."""


class ResolverError(NatsBackendError):
    """Base of what a resolver can answer other than yes."""


class ResolverUnavailable(ResolverError):
    """Nobody answered in time; trying again may help."""


class ResolverRejected(ResolverError):
    """The server said no, or did not do what it was asked; the message quotes it."""


class LiveServerError(NatsBackendError):
    """nats-server is missing, its port is taken, or it refused its config; the message quotes its own line."""
