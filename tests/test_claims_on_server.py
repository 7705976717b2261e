"""The official Go decoder reads back every field we meant, and every static user gets in.

Each sound spec of the golden corpus is generated, run on a real nats-server, and pushed. The server answers
`$SYS.REQ.ACCOUNT.<id>.INFO` with `decoded_jwt`: what its Go library made of our JWT, encoded again by it
(nats-server 2.15, `monitor.go`, `accountInfo`). So a member that it does not know, reads otherwise or drops shows.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.golden import SOUND, opened
from support.running import Running, in_order, running
from support.servers import PLAIN_WEBSOCKET

from natsbackend.claims.codec import read_unverified
from natsbackend.model.entities import Account, ConnectionType, User


@pytest.mark.parametrize("folder", SOUND, ids=lambda folder: folder.name)
def test_the_go_decoder_reads_what_was_meant_and_every_user_gets_in(folder: Path, tmp_path: Path) -> None:
    with running(opened(folder), tmp_path) as live:
        accounts = live.tree.backend.accounts.values()
        for account in accounts:
            for user in account.users.values():
                if speaks_nats(account, user):
                    with live.connect(account, user) as connection:
                        assert connection.flush() == []
        assert live.server.warnings() in ((), (PLAIN_WEBSOCKET,))
        for account in accounts:
            live.load(account)
        for account in accounts:
            assert_read_back(live, account)
        # a stranger is refused, and an auth callout that nobody answers makes it wait for that
        expected = ("authentication error", "Readloop processing time")
        noise = [line for line in live.server.warnings() if not any(words in line for words in expected)]
        assert noise in ([], [PLAIN_WEBSOCKET])


def speaks_nats(account: Account, user: User) -> bool:
    """Tell whether a user connects as clients and browsers do; MQTT and leaf nodes have tests of their own."""
    types = account.roles[user.role].connection_types if user.role is not None else user.connection_types
    return not types or bool({ConnectionType.STANDARD, ConnectionType.WEBSOCKET}.intersection(types))


def assert_read_back(live: Running, account: Account) -> None:
    """Hold what the server made of an account against what was meant, the order of members included.

    Of raw `claims` it makes nothing: its Go library reads over members that it does not know.
    """
    info = live.info(account)
    token = live.tree.tokens[account.path]
    meant = json.loads(json.dumps(read_unverified(token).claims), object_pairs_hook=in_order)
    for name, nats in meant:
        if name == "nats":
            nats[:] = [member for member in nats if member[0] not in account.details.claims]
    assert info["decoded_jwt"] == meant
    assert (info["jwt"], info["complete"], info["expired"]) == (token, True, False)
    share = account.jetstream.disk or account.jetstream.memory or account.details.tiers
    assert info["jetstream_enabled"] == bool(share)
