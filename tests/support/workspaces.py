"""Projects on a temporary disk, whose spec is a value and whose results can be looked at."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from natsbackend.claims.codec import Token, decode
from natsbackend.claims.creds import parse_creds
from natsbackend.lock import Lock, parse_lock
from natsbackend.project import SPEC_FILE, Project
from natsbackend.workflow.generate import Generated, generate

NOW = 1_750_000_000
Spec = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A project on disk whose spec is the value `spec`: change it, `save` it, `generate`."""

    root: Path
    spec: Spec
    env: str | None = field(default=None)

    @property
    def file(self) -> Path:
        """The spec's file."""
        return self.root / SPEC_FILE

    @property
    def project(self) -> Project:
        """Its paths."""
        return Project(self.root, self.env)

    @property
    def accounts(self) -> Spec:
        """The accounts of the spec."""
        accounts: Spec = self.spec["accounts"]
        return accounts

    def save(self) -> None:
        """Write the spec; JSON is YAML."""
        self.file.write_text(json.dumps(self.spec, indent=1, ensure_ascii=False), encoding="utf-8")

    def generate(self, *, now: int = NOW, **options: Any) -> Generated:
        """Save the spec and bring the tree up to date with it."""
        self.save()
        return generate(self.file, self.project, now=now, **options)

    def lock(self) -> Lock:
        """Return the lock on disk."""
        return parse_lock(self.project.lock.read_text(encoding="utf-8"), "lock")

    def key(self, path: str) -> str:
        """Return the active public key of a path."""
        return self.lock().keyring()[path]

    def account(self, name: str) -> Token:
        """Return the JWT of an account, decoded and verified."""
        return decode(self.project.account_jwt(name).read_text(encoding="utf-8"))

    def user(self, account: str, name: str) -> Token:
        """Return the JWT in the creds of a user, decoded and verified."""
        jwt = parse_creds(self.project.creds(account, name).read_text(encoding="utf-8")).jwt
        assert jwt is not None
        return decode(jwt)

    def seed_file(self, path: str) -> Path:
        """Return the file of the seed of a path."""
        public = self.key(path)
        return self.project.keys / public[0] / public[1:3] / f"{public}.nk"

    def tree(self) -> dict[str, bytes]:
        """Return every file but the spec, the mutex and the stamp, with its content."""
        aside = {self.file, self.project.private / "mutex", self.project.stamp}
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and path not in aside
        }

    def build(self) -> dict[str, bytes]:
        """Return the files of `build/` and of the creds."""
        return {n: c for n, c in self.tree().items() if n.startswith("build") or "/creds/" in n}

    def seeds(self) -> list[str]:
        """Return every seed of the key store."""
        return [path.read_text(encoding="ascii") for path in self.project.private.rglob("*.nk")]


def base_spec() -> Spec:
    """Return a spec with an export, an import, both kinds of role, and users with and without one."""
    return {
        "version": 1,
        "operator": {"name": "acme"},
        "accounts": {
            "shop": {
                "exports": [{"stream": "orders.>"}],
                "roles": {
                    "visitor": {"websocket": True, "ttl": "15m", "subscribe": ["user.{{name()}}.>"]},
                    "worker": {"publish": ["jobs.>"], "ttl": "1h"},
                },
                "users": {"clerk": {"publish": ["orders.>"]}, "temp": {"role": "worker"}},
            },
            "lab": {
                "imports": [{"from": "shop", "stream": "orders.>"}],
                "users": {"robot": {"subscribe": ["orders.>"]}},
            },
        },
        "server": {
            "listen": "127.0.0.1",
            "websocket": {
                "listen": "127.0.0.1",
                "no_tls": True,
                "cookie": {"name": "nats_token"},
                "allowed_origins": ["https://app.example.com"],
            },
        },
    }
