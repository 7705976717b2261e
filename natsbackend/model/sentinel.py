"""The default sentinel: the user that whoever connects without a JWT comes in as."""

from __future__ import annotations

from natsbackend.model.entities import Account, Backend, User


def find_sentinel(backend: Backend) -> tuple[Account, User] | None:
    """Return the default sentinel with its account; None if the spec names none, or nobody that there is."""
    name = backend.server.default_sentinel if backend.server else None
    if name is None:
        return None
    for account in backend.accounts.values():
        user = account.users.get(name.removeprefix(f"{account.name}/"))
        if user is not None and name == f"{account.name}/{user.name}":
            return account, user
    return None


def is_bearer(account: Account, user: User) -> bool:
    """Tell whether the JWT of a user logs in without its key: its own word, or that of its role."""
    role = account.roles.get(user.role) if user.role is not None else None
    return user.bearer if role is None else role.bearer
