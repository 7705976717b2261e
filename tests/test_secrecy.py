"""No finding and no error shows a secret, wherever somebody wrote one into the spec."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli import natsbackend_here
from support.findings import with_head

from natsbackend.errors import Diagnostic
from natsbackend.secrecy import masked, masked_line

SEED = "SUAMK2FG4MI6UE3ACF3FK3OIQBCEIEZV7NSWFFEW63UXMRLFM2XLAXK4GY"
JWT = "eyJ0eXAiOiJKV1QifQ.eyJqdGkiOiJ4In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "line",
    [
        "password: hunter2",
        "  pasword: hunter2 # mine",
        "server: {jetstream: {encryption: {key: hunter2, cipher: aes}}}",
        "{user: me, 'password': 'hunter2 or ''hunter2'' # 7'}",
        '"token": "hunter2 \\" hunter2"',
        "previous_key: &anchor hunter2",
        "client_secret: !!str hunter2",
        "PASSWORD:   hunter2 hunter2",
        "url: nats://me:hunter2@n1:4222",
    ],
)
def test_the_value_of_a_word_for_a_secret_is_starred_out_and_no_column_moves(line: str) -> None:
    shown = masked_line(line)
    assert "hunter2" not in shown
    assert len(shown) == len(line)
    assert all(a in (b, "*") for a, b in zip(shown, line, strict=True))
    assert shown != "*" * len(line)


@pytest.mark.parametrize(
    "line",
    [
        "key: {env: NATS_KEY}",
        "key_file: server.key",
        "account_token_position: 2",
        "public_key: AAKITHNHHVYXTUAGIEG2K5IIC63XHHECSYUTAG5XFEAWMPQBHF3PC3DB",
        "cookie: {name: nats_token}",
        "signing_key: main",
        "bearer_token: true",
        "hint: write nats://USER:PASSWORD@HOST:PORT",
        "publish: [orders.token, key]",
        "url: https://app.example.com",
    ],
)
def test_what_is_no_secret_is_shown(line: str) -> None:
    assert masked_line(line) == line


@pytest.mark.parametrize("above", ["key:", "  password:", "{token: >-"])
def test_a_value_on_the_line_below_its_word_is_starred_out(above: str) -> None:
    assert masked_line("    hunter2 and more", above) == "    ******* *** ****"
    assert masked_line("    env: NATS_KEY", above) == "    env: NATS_KEY"


@pytest.mark.parametrize("secret", [SEED, SEED.replace("SU", "SX"), SEED[:40], JWT, JWT[:30]])
def test_seeds_and_tokens_are_starred_out_of_messages(secret: str) -> None:
    found = Diagnostic(code="x", message=f"there is no {secret!r} here", hint=f"not {secret}, but this")
    stars = "*" * len(secret)
    assert (found.message, found.hint) == (f"there is no '{stars}' here", f"not {stars}, but this")


def test_public_keys_and_words_stay() -> None:
    key = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"
    for text in (key, f"A{key}", "SUBSCRIPTIONS", "$SYS.REQ.USER.INFO", "the key eyJ", "nats://n1:4222"):
        assert masked(text) == text


@pytest.mark.parametrize("form", ["human", "json", "sarif", "github", "junit"])
@pytest.mark.parametrize(
    "spec",
    [
        "server: {jetstream: {encryption: {key: hunter2}}}",
        "server:\n  jetstream:\n    encryption:\n      key:\n        hunter2",
        f"server: {{default_sentinel: {JWT}}}",
        f"accounts: {{web: {{users: {{one: {{role: {SEED}}}}}}}}}",
        f"accounts: {{web: {{users: {{{SEED}: {{role: none}}}}}}}}",
    ],
)
def test_check_shows_no_secret_in_any_format(tmp_path: Path, spec: str, form: str) -> None:
    (tmp_path / "natsbackend.yaml").write_text(with_head(spec), encoding="utf-8")
    ran = natsbackend_here("check", "--format", form, cwd=tmp_path, code=1)
    shown = f"{ran.out}{ran.err}"
    assert shown
    for secret in ("hunter2", SEED, SEED[:30], JWT, JWT.split(".")[1]):
        assert secret not in shown
