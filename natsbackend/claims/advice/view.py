"""What advice is given about: a token, its claims as the server has them, and the moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from natsbackend.claims.envelope import Token
from natsbackend.claims.validate import decoded
from natsbackend.claims.validate.subjects import subject_issues
from natsbackend.subjects import why_invalid

Members = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One thing that the official validator has nothing against, and that goes wrong all the same."""

    check: str
    """Stable kebab-case id, a key of `ADVICE`."""
    message: str
    """It quotes claims, never a token or a password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A token that was decoded, and when it is judged."""

    token: Token
    claims: Members
    """As Go has them after decoding (`decoded`)."""
    now: int
    """Unix seconds."""

    @property
    def nats(self) -> Members:
        """The member `nats` of the claims."""
        nats: Members = self.claims.get("nats", {})
        return nats

    @property
    def exports(self) -> list[Members]:
        """The exports of an account, without nulls."""
        return [export for export in self.nats.get("exports", ()) if export is not None]

    @property
    def imports(self) -> list[Members]:
        """The imports of an account, without nulls."""
        return [imported for imported in self.nats.get("imports", ()) if imported is not None]

    @property
    def scopes(self) -> list[Members]:
        """The scoped signing keys of an account, which are its roles."""
        return [key for key in self.nats.get("signing_keys", ()) if isinstance(key, dict)]


Check = Callable[[View], Iterable[str]]
"""Returns the messages of one check."""


def view(token: Token, now: int) -> View:
    """Return the view of a token at a moment in Unix seconds."""
    return View(token=token, claims=decoded(token), now=now)


def bearer_of(nats: Members) -> bool:
    """Tell whether a user, or the template of a role, makes bearer tokens."""
    return bool(nats.get("bearer_token"))


def is_role_user(nats: Members) -> bool:
    """Tell whether a user says nothing of its own, as one that a role's key signs must (`HasEmptyPermissions`).

    One that a plain signing key signs may do so too; then it has zero of everything.
    """
    own = set(nats) - {"pub", "sub", "issuer_account", "tags", "type", "version"}
    return not own and not nats.get("pub") and not nats.get("sub") and bool(nats.get("issuer_account"))


def why_dropped(subject: str) -> str | None:
    """Say what is wrong with a subject that the official validator takes; None for what it reports itself."""
    return None if any(subject_issues(subject)) else why_invalid(subject)
