"""The writer of nats-server's config language, without a server: exact texts, and what it refuses."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsbackend.errors import NatsBackendError
from natsbackend.render.conf import HEADER, ConfError, Variable, duration, write_conf

LEGAL_STRING = re.compile(r'"(?:[^"\\\x00-\x1f\x7f-\x9f\u2028\u2029]|\\[\\"nrt]|\\x[0-9a-f]{2})*"')


def body(config: dict[str, Any]) -> str:
    text = write_conf(config)
    assert text.startswith(HEADER)
    return text.removeprefix(HEADER)


def test_a_config_is_written_in_order_with_one_item_a_line() -> None:
    config = {
        "server_name": "n1",
        "max_payload": 1048576,
        "websocket": {
            "listen": "127.0.0.1:-1",
            "no_tls": True,
            "tls": {},
            "allowed_origins": ["https://a.example", "https://b.example"],
        },
        "numbers": (1, [2], []),
        "users": [{"user": "a"}, {"user": "b"}],
        "debug": False,
    }
    assert body(config) == (
        'server_name: "n1"\n'
        "max_payload: 1048576\n"
        "websocket: {\n"
        '  listen: "127.0.0.1:-1"\n'
        "  no_tls: true\n"
        "  tls: {\n"
        "  }\n"
        "  allowed_origins: [\n"
        '    "https://a.example"\n'
        '    "https://b.example"\n'
        "  ]\n"
        "}\n"
        "numbers: [\n"
        "  1\n"
        "  [\n"
        "    2\n"
        "  ]\n"
        "  [\n"
        "  ]\n"
        "]\n"
        "users: [\n"
        "  {\n"
        '    user: "a"\n'
        "  }\n"
        "  {\n"
        '    user: "b"\n'
        "  }\n"
        "]\n"
        "debug: false\n"
    )


def test_an_empty_config_is_the_header_alone() -> None:
    assert write_conf({}) == HEADER


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", '""'),
        ("$HOME", '"$HOME"'),
        ("$2a$11$abc", '"$2a$11$abc"'),
        ("true", '"true"'),
        ("30m", '"30m"'),
        ("-1", '"-1"'),
        ('a" }\nhttp: 1', r'"a\" }\nhttp: 1"'),
        ("back\\slash", r'"back\\slash"'),
        ("\\x41", r'"\\x41"'),
        ("tab\tcr\r", r'"tab\tcr\r"'),
        ("\x01\x1f\x7f", r'"\x01\x1f\x7f"'),
        ("\x85\u2028", r'"\xc2\x85\xe2\x80\xa8"'),
        ("\u202etxt.exe", r'"\xe2\x80\xaetxt.exe"'),
        ("it's # not // {a} [comment];", '"it\'s # not // {a} [comment];"'),
        ("naïve 🦜 日本", '"naïve 🦜 日本"'),
    ],
)
def test_a_string_is_quoted_with_the_legal_escapes_only(text: str, written: str) -> None:
    assert body({"key": text}) == f"key: {written}\n"


@given(st.text())
def test_any_string_is_one_line_of_legal_characters_or_refused(text: str) -> None:
    if "\0" in text or re.search("[\ud800-\udfff]", text):
        with pytest.raises(ConfError):
            write_conf({"key": text})
        return
    (line,) = body({"key": text}).removesuffix("\n").split("\n")
    assert LEGAL_STRING.fullmatch(line.removeprefix("key: "))


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("A" * 56, "A" * 56),
        ("max_payload", "max_payload"),
        ("x-y", "x-y"),
        ("include", '"include"'),
        ("InClude", '"InClude"'),
        ("", '""'),
        ("a b", '"a b"'),
        ("$x", '"$x"'),
        ("# x", '"# x"'),
        ("}", '"}"'),
        ("a:b=c", '"a:b=c"'),
        ("a\\", '"a\\"'),
        ('say "hi"', "'say \"hi\"'"),
        ("it's", '"it\'s"'),
        ("naïve", '"naïve"'),
    ],
)
def test_a_key_is_bare_only_where_it_cannot_be_anything_else(key: str, written: str) -> None:
    assert body({key: 1}) == f"{written}: 1\n"


@pytest.mark.parametrize("key", ["a\nb", "a\tb", "a\0b", "\x7f", "\u202e", "\ud800", "'\""])
def test_a_key_that_quotes_cannot_hold_is_refused_by_name(key: str) -> None:
    with pytest.raises(ConfError, match=r'^config key "server_metadata\..*": a ') as caught:
        write_conf({"server_metadata": {key: "value"}})
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("hostile", ["\0", chr(0xD800), chr(0xDFFF)])
def test_a_nul_or_a_lone_surrogate_is_refused_with_the_key_and_without_the_value(hostile: str) -> None:
    with pytest.raises(ConfError) as caught:
        write_conf({"websocket": {"allowed_origins": ["fine", f"hush{hostile}hush"]}})
    message = str(caught.value)
    assert message.startswith('config key "websocket.allowed_origins[1]": ')
    assert "hush" not in message


@pytest.mark.parametrize("value", [None, 1.5, b"bytes", {"set"}, object()])
def test_a_value_of_another_type_is_refused(value: object) -> None:
    with pytest.raises(ConfError, match=r'^config key "a\.b": a \w+ has no form'):
        body({"a": {"b": value}})


def test_a_variable_is_written_bare_and_only_in_upper_case() -> None:
    comment = '# read as config: the text of this variable needs double quotes of its own, "..."\n'
    assert body({"key": Variable("JS_KEY2")}) == f"{comment}key: $JS_KEY2\n"
    for name in ("", "key", "JS KEY", "2A", "A\n", "A}", "Ä"):
        with pytest.raises(ConfError, match="a variable's name"):
            write_conf({"key": Variable(name)})


def test_integers_have_64_bits() -> None:
    assert body({"a": 2**63 - 1, "b": -(2**63)}) == "a: 9223372036854775807\nb: -9223372036854775808\n"
    for value in (2**63, -(2**63) - 1):
        with pytest.raises(ConfError, match="64 bits"):
            write_conf({"a": value})


def test_a_conf_error_is_an_expected_error() -> None:
    assert issubclass(ConfError, NatsBackendError)


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (2_500, "2us500ns"),
        (250_000_000, "250ms"),
        (1_900_000_000, "1s900ms"),
        (2_000_000_000, "2s"),
        (60_000_000_000, "1m"),
        (90_000_000_000, "1m30s"),
        (3_600_000_000_000, "1h"),
        (86_400_000_000_000, "24h"),
    ],
)
def test_a_duration_is_written_as_go_reads_it(ns: int, text: str) -> None:
    assert duration(ns) == text


@pytest.mark.parametrize("ns", [-1, 2**63])
def test_a_duration_that_go_cannot_hold_is_refused(ns: int) -> None:
    with pytest.raises(ConfError, match="not a duration"):
        duration(ns)
