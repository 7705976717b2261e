"""The part of a spec by which its targets are reached, as a small spec of its own.

Whoever only wants to look at a target needs its address and the system account's roles, and not the thousands of
accounts beside them.
"""

from __future__ import annotations

import json

from natsbackend.errors import SpecError
from natsbackend.spec import nodes
from natsbackend.spec.load import Spec
from natsbackend.spec.tree import Plain

_OF_OPERATOR = ("name", "system_account", "signing_keys")
_OF_SYSTEM_ACCOUNT = ("roles", "signing_keys")


def gist(spec: Spec) -> str:
    """Return a spec of the operator, the system account's roles and the targets; empty if it cannot be written."""
    plain = spec.node.plain
    if not isinstance(plain, dict):
        return ""
    accounts = {}
    system = _some(plain.get("accounts"), (spec.model.operator.system_account,))
    for name, account in system.items():
        accounts[name] = _some(account, _OF_SYSTEM_ACCOUNT)
    wanted: dict[str, Plain] = {
        "version": plain["version"],
        "operator": dict(_some(plain.get("operator"), _OF_OPERATOR)),
        **({"accounts": dict(accounts)} if accounts else {}),
        **({"targets": plain["targets"]} if "targets" in plain else {}),
    }
    text = json.dumps(wanted, ensure_ascii=False)
    try:
        document = nodes.parse(text, "gist")  # not every text of JSON is the same in YAML
    except SpecError:
        return ""
    return text if document.root.plain == wanted and not document.findings else ""


def _some(plain: Plain, names: tuple[str, ...]) -> dict[str, Plain]:
    return {name: plain[name] for name in names if name in plain} if isinstance(plain, dict) else {}
