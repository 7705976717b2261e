"""What of the servers' config would be another: `nats-server.conf` as it was generated last, against the spec."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from natsbackend.claims.codec import read_unverified
from natsbackend.errors import ClaimsError
from natsbackend.model.entities import OPERATOR_PATH
from natsbackend.model.names import unescape
from natsbackend.plan.server_words import Leaf, Reference, server_diff
from natsbackend.plan.values import Consequence, Impact, Plan
from natsbackend.project import Project
from natsbackend.render.conf import ConfError, Include, Value, Variable
from natsbackend.render.read_conf import read_conf
from natsbackend.workflow.reckoning import Reckoned
from natsbackend.workflow.tree import read_text, server_conf

Named = Callable[[str], str]
"""Returns the spec's name of what a text is the public key or the JWT of; any other text as it is."""

_PRELOAD = "resolver_preload"
_SAID_ELSEWHERE = ("operator", "system_account")
"""What the plan says of the operator."""


def with_server(plan: Plan, reckoned: Reckoned, project: Project) -> Plan:
    """Return a plan that also says what of the servers' config changes; without a config there is nothing to say."""
    text = read_text(project.server_conf)
    if text is None:
        return plan
    names = {public: path for path, keys in reckoned.lock.keys.items() for public in keys}
    backend = reckoned.backend
    paths = [OPERATOR_PATH, *(account.path for account in backend.accounts.values())]
    paths += [user.path for account in backend.accounts.values() for user in account.users.values()]
    # Nothing is signed here: the name of whose a JWT is stands in its place, and so it does for those on disk.
    unsigned = {path: _in_the_spec(path) for path in paths}
    wanted = read_conf(server_conf(backend, reckoned.lock, unsigned, project))
    try:
        held = read_conf(text)
    except ConfError as e:
        said = f"{project.server_conf.name} cannot be compared: {e.message}; `generate` writes it anew"
        return replace(plan, server_consequences=(Consequence(impact=Impact.NOTE, text=said),))
    old, new = (dict(_leaves(side, "", lambda text: _named(text, names))) for side in (held, wanted))
    changes, consequences = server_diff(old, new)
    return replace(plan, server=changes, server_consequences=consequences)


def _leaves(value: Value, path: str, named: Named) -> Iterator[tuple[str, Leaf]]:
    """Yield the options of a config by their path."""
    if isinstance(value, Mapping) and path != _PRELOAD:
        for key, each in value.items():
            below = f"{path}.{key}" if path else key
            if below in _SAID_ELSEWHERE:
                continue
            if isinstance(each, Include):  # the file has the name of its option (`render.secrets`)
                below = each.path.rpartition("/")[2].removesuffix(".conf")
            yield from _leaves(each, below, named)
    elif isinstance(value, list | tuple) and any(isinstance(each, Mapping) for each in value):
        for number, each in enumerate(value):
            yield from _leaves(each, f"{path}[{number}]", named)
    else:
        yield path, _leaf(value, named)


def _leaf(value: Value, named: Named) -> Leaf:
    if isinstance(value, Variable):
        return Reference(f"{{env: {value.name}}}")
    if isinstance(value, Include):
        return Reference("from a file")
    if isinstance(value, str):
        return named(value)
    if isinstance(value, bool | int):
        return value
    # Of accounts that are in the config itself, whose they are; what changes in them is said with the accounts.
    return tuple(_leaf(each, named) for each in value)


def _named(text: str, names: Mapping[str, str]) -> str:
    """Return what the spec calls that whose public key or JWT a text is."""
    if text.startswith("eyJ"):
        try:
            text = read_unverified(text).subject
        except ClaimsError:
            return "a JWT that cannot be read"
    return _in_the_spec(names[text]) if text in names else text


def _in_the_spec(path: str) -> str:
    """Return an account or user as the spec refers to it: `web`, `web/kiosk`."""
    _, *parts = path.split("/")
    return "/".join(unescape(part) for part in parts[::2]) if parts else path
