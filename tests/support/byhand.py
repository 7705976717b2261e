"""What somebody with the keys does to a running server by hand, with another tool: no lock, no questions."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from natsbackend.claims.codec import Claims, Token, TokenKind, decode, sign
from natsbackend.keys import KeyPair
from natsbackend.live.wire import Deadline, connect_tcp
from natsbackend.workflow.opening import open_spec
from natsbackend.workflow.signing import RoleSigner
from natsbackend.workflow.tree import plan_tree
from support.workspaces import Workspace

NAME = "someone"


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """A login as the pusher of a project, at one server."""

    space: Workspace
    port: int

    def request(self, subject: str, payload: str = "") -> str:
        """Ask the server, and return its first answer."""
        tree = plan_tree(
            open_spec(str(self.space.file)),
            self.space.project,
            now=int(time.time()),
            frozen=True,
            users=False,
        )
        system = tree.backend.system_account
        signer = RoleSigner(tree.backend, tree.lock.keyring(), tree.store)
        login = signer.mint(system, system.roles["pusher"], name=NAME, now=int(time.time()))
        with connect_tcp("127.0.0.1", self.port, jwt=login.jwt, key=login.key, timeout=5) as connection:
            connection.subscribe(f"_INBOX.{NAME}.>")
            connection.publish(subject, payload.encode(), reply=f"_INBOX.{NAME}.1")
            message = connection.wait_for(lambda _: True, Deadline(5))
        assert message is not None
        return message.payload.decode()

    def held(self, public: str) -> Token | None:
        """Return the JWT that this server has of an account."""
        text = self.request(f"$SYS.REQ.ACCOUNT.{public}.CLAIMS.LOOKUP")
        return decode(text) if text else None

    def update(self, jwt: str) -> None:
        """Store an account JWT."""
        answer = json.loads(self.request("$SYS.REQ.CLAIMS.UPDATE", jwt))
        assert answer["data"]["message"] == "jwt updated", answer

    def edit(self, public: str, *, later: int = 1, signer: KeyPair | None = None, **nats: object) -> Token:
        """Change members of the account that this server has, and store it; an `iat` so many seconds later."""
        token = self.held(public)
        assert token is not None
        members: Mapping[str, Any] = {
            k: v for k, v in token.nats.items() if k not in ("type", "version") and k not in nats
        }
        claims = Claims(kind=TokenKind.ACCOUNT, subject=public, name=token.name, nats={**members, **nats})
        pair = signer or KeyPair.from_seed(self.space.seed_file("operator/signing/main").read_text())
        jwt = sign(claims, pair, token.issued_at + later)
        self.update(jwt)
        return decode(jwt)

    def store(self, public: str, like: Token) -> None:
        """Store an account that says what another does."""
        members: Mapping[str, Any] = {k: v for k, v in like.nats.items() if k not in ("type", "version")}
        claims = Claims(kind=TokenKind.ACCOUNT, subject=public, name="another", nats=members)
        pair = KeyPair.from_seed(self.space.seed_file("operator/signing/main").read_text())
        self.update(sign(claims, pair, like.issued_at))
