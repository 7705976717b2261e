"""A memory resolver's config on a real server: what a reload brings, what fails it, and what is never written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.memory import MemoryServer, memory_server
from support.resolvers import NOW, USER, World, key

from natsbackend.claims.codec import Claims, TokenKind, sign
from natsbackend.claims.permits import permits
from natsbackend.errors import ResolverError, ResolverRejected, ResolverUnavailable
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.resolvers.conf_text import read_conf
from natsbackend.resolvers.holder import HolderResolver
from natsbackend.resolvers.interface import PushInterrupted, PushRejected
from natsbackend.resolvers.memory import cannot_reload, open_memory_resolver
from natsbackend.resolvers.nats import open_nats_resolver

WORLD = World()
SIGNER = key(KeyRole.ACCOUNT, 60)
ACCOUNT = WORLD.account(60, signing_keys=[SIGNER.public])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MemoryServer]:
    with memory_server(WORLD, tmp_path) as running:
        yield running


@pytest.fixture
def resolver(server: MemoryServer) -> Iterator[HolderResolver]:
    with open_memory_resolver(server.config, server.pid_file) as opened:
        yield opened


def gets_in(url: str, signer: KeyPair = SIGNER) -> bool:
    """Tell whether a user of the account gets in."""
    user = key(KeyRole.USER, 7)
    nats = {"subs": -1, "data": -1, "payload": -1, "issuer_account": ACCOUNT.account}
    jwt = sign(Claims(kind=TokenKind.USER, subject=user.public, name="u", nats=nats), signer, NOW)
    try:
        with open_nats_resolver([url], jwt=jwt, key=user, inbox_prefix="_INBOX", timeout=5):
            return True
    except ResolverRejected:
        return False


def test_what_is_pushed_is_in_effect_at_once_and_gone_when_removed(
    server: MemoryServer, resolver: HolderResolver
) -> None:
    assert not gets_in(server.url)
    (result,) = resolver.push([ACCOUNT])
    assert (result.ok, result.said) == (True, {str(server.config): "written and reloaded"})
    assert gets_in(server.url)
    other = key(KeyRole.ACCOUNT, 61)
    resolver.push([WORLD.account(60, iat=NOW + 1, signing_keys=[other.public])])
    assert (gets_in(server.url), gets_in(server.url, other)) == (False, True)
    (permit,) = [sign(one, WORLD.signer, NOW) for one in permits([ACCOUNT.account], WORLD.signer.public)]
    assert resolver.remove([ACCOUNT.account], permit).ok
    assert not gets_in(server.url, other)


def test_the_rest_of_the_config_stays_as_it_is(server: MemoryServer, resolver: HolderResolver) -> None:
    before = server.config.read_text()
    server.config.chmod(0o640)
    resolver.push([ACCOUNT])
    after = server.config.read_text()
    assert after.partition("resolver_preload")[0] == before.partition("resolver_preload")[0]
    assert after.partition("pid_file")[1:] == before.partition("pid_file")[1:]
    assert server.config.stat().st_mode & 0o777 == 0o640
    assert [file.name for file in server.config.parent.iterdir() if ".tmp" in file.name] == []


def test_a_server_that_fails_to_reload_leaves_the_config_as_it_was(
    server: MemoryServer, resolver: HolderResolver
) -> None:
    edited = server.config.read_text().replace("server_name: n1", "server_name: n2")
    server.config.write_text(edited)  # by somebody who does not know that it needs a restart
    with pytest.raises(
        PushRejected, match="did not reload: config reload not supported for ServerName"
    ) as caught:
        resolver.push([ACCOUNT])
    assert not caught.value.results[0].ok
    assert server.config.read_text() == edited
    server.config.write_text(edited.replace("server_name: n2", "server_name: n1"))
    assert resolver.push([ACCOUNT])[0].ok  # a second run finishes it
    assert gets_in(server.url)


def test_without_a_log_it_is_said_that_nobody_knows(tmp_path: Path) -> None:
    with (
        memory_server(WORLD, tmp_path, logs=False) as server,
        open_memory_resolver(server.config, server.pid_file) as resolver,
    ):
        (result,) = resolver.push([ACCOUNT])
    assert "whether it took it is not known" in result.said[str(server.config)]


def test_a_server_that_is_down_is_said_before_anything_is_written(server: MemoryServer) -> None:
    server.process.terminate()
    server.process.wait(10)
    before = server.config.read_text()
    for text, words in (
        (str(server.process.pid), "cannot be reached: no such process"),
        ("-1", "no process id"),
    ):
        server.pid_file.unlink(missing_ok=True)
        server.pid_file.write_text(text)
        with (
            open_memory_resolver(server.config, server.pid_file) as resolver,
            pytest.raises(PushInterrupted, match=words),
        ):
            resolver.push([ACCOUNT])
    assert server.config.read_text() == before


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="only /proc tells the name of a process")
def test_a_process_that_is_another_gets_no_signal(server: MemoryServer) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        server.pid_file.write_text(str(other.pid))
        before = server.config.read_text()
        with (
            open_memory_resolver(server.config, server.pid_file) as resolver,
            pytest.raises(PushInterrupted, match="is no nats-server, and gets no signal"),
        ):
            resolver.push([ACCOUNT])
        assert other.poll() is None
        other.communicate(b"\n")
    assert server.config.read_text() == before


def _link(config: Path) -> None:
    config.rename(config.with_name("real.conf"))
    config.symlink_to("real.conf")


def _edited(before: str, after: str) -> Callable[[Path], None]:
    def edit(config: Path) -> None:
        text = config.read_text()
        assert before in text
        config.write_text(text.replace(before, after))

    return edit


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_link, "it is a link; name the file itself"),
        (_edited("resolver: MEMORY", "resolver: { type: full, dir: x }"), "has no memory resolver"),
        (_edited("resolver_preload {", "accounts {"), "has no `resolver_preload` of its own"),
        (_edited("resolver_preload {", "Resolver_Preload {}\nresolver_preload {"), "just once"),
        (_edited("resolver_preload {", "resolver_preload { include more.conf\n"), "without `include`"),
        (_edited("pid_file: '", "pid_file: "), "is not understood"),
        (_edited("# by hand", "log: ("), "line 1 of the config is not understood"),
        (_edited("# by hand", "}"), "line 1 of the config is not understood: a bracket too many"),
        (os.unlink, "no such file"),
    ],
    ids=["link", "full", "none", "twice", "include", "quote", "block", "bracket", "gone"],
)
def test_a_config_that_is_not_understood_is_not_touched(
    server: MemoryServer, resolver: HolderResolver, spoil: Callable[[Path], None], words: str
) -> None:
    spoil(server.config)
    before = server.config.read_text() if server.config.exists() else None
    with pytest.raises(ResolverError, match=words) as caught:
        resolver.push([ACCOUNT])
    assert "eyJ" not in str(caught.value)
    assert (server.config.read_text() if server.config.exists() else None) == before


def test_an_operator_in_another_file_is_not_known(server: MemoryServer, resolver: HolderResolver) -> None:
    (server.config.parent / "operator.jwt").write_text(WORLD.operator_jwt())
    _edited(f"operator: {WORLD.operator_jwt()}", "operator: operator.jwt")(server.config)
    assert resolver.servers()[0].operator_jwts == ()


# --- what a reload cannot bring ---

CHANGES = {
    "operator": ("", "", "TrustedOperators"),
    "server_name": ("server_name: n1", "server_name: n2", "ServerName"),
    "listen": ("listen: 127.0.0.1:", "listen: 127.0.0.2:", "Host|Port"),
    "http": ("# by hand", "http: 127.0.0.1:-1", "HTTP"),
    "websocket": ("# by hand", "websocket { listen: '127.0.0.1:-1', no_tls: true }", "Websocket"),
    "gateway": ("# by hand", "gateway { name: eu, listen: '127.0.0.1:7222' }", "Gateway"),
    "resolver": ("resolver: MEMORY", "resolver: { type: full, dir: jwt }", ""),
}


@pytest.mark.parametrize("option", CHANGES)
def test_what_a_reload_cannot_bring_is_what_the_server_refuses(
    server: MemoryServer, resolver: HolderResolver, option: str
) -> None:
    old, new, words = CHANGES[option]
    if option == "operator":
        claims = Claims(
            kind=TokenKind.OPERATOR,
            subject=WORLD.operator.public,
            name="acme",
            nats={
                "signing_keys": [WORLD.signer.public],
                "system_account": WORLD.system.public,
                "strict_signing_key_usage": True,
            },
        )
        old, new = WORLD.operator_jwt(), sign(claims, WORLD.operator, NOW + 1)
    before = server.config.read_text()
    after = before.replace(old, new)
    assert after != before
    assert cannot_reload(before, after) == (option,)
    server.config.write_text(after)
    if words:
        with pytest.raises(PushRejected, match=words):
            resolver.push([ACCOUNT])
    else:  # which the server takes by half: the handlers of the old resolver stay
        with pytest.raises(ResolverRejected, match="no memory resolver"):
            resolver.push([ACCOUNT])


def test_what_a_reload_brings_is_not_named() -> None:
    before = 'listen: "0.0.0.0:4222"\nmax_payload: 1024\nresolver: MEMORY\nwebsocket { listen: 8080 }'
    after = 'listen = 0.0.0.0:4222 # same\ndebug: true; resolver: "mem"\nwebsocket {\n listen: 8080\n}'
    assert cannot_reload(before, after) == ()


def test_a_config_is_read_as_the_server_reads_it() -> None:
    text = (
        'a: 1, b = \'x y\'; c { d: [1, {e: f}], "g": "\\"}" } // end }\n'
        "URL nats://h/a#b\ninclude 'x.conf'\n\"include\": y"
    )
    entries = read_conf(text)
    assert [(e.key, e.is_include) for e in entries] == [
        ("a", False),
        ("b", False),
        ("c", False),
        ("url", False),
        ("include", True),
        ("include", False),
    ]
    assert [e.value for e in entries] == ["1", "x y", "", "nats://h/a#b", "x.conf", "y"]
    assert [e.key for e in entries[2].entries or ()] == ["d", "g"]
    assert text[entries[1].start : entries[1].end] == "b = 'x y'"


def test_the_login_of_a_memory_server_is_still_that_of_its_users(server: MemoryServer) -> None:
    with open_nats_resolver(
        [server.url], jwt=WORLD.user_jwt(), key=WORLD.user, inbox_prefix=f"_INBOX.{USER}"
    ) as live:
        assert live.servers()[0].name == "n1"
    with (
        pytest.raises(ResolverUnavailable, match="cannot read"),
        open_memory_resolver(server.config.with_name("no"), server.pid_file) as resolver,
    ):
        resolver.servers()
