"""A URL that is taken in a spec is one to Go, too: held against the reader that is as Go's is."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from natsbackend.claims.gourl import parse_url
from natsbackend.model.checks.links import url_parts

PIECES = st.sampled_from(
    [
        "http",
        "nats",
        "://",
        ":",
        "/",
        "//",
        "@",
        "h",
        "a.example",
        "[::1]",
        "[",
        "]",
        "%",
        "%41",
        "%zz",
        "?",
        "#",
        "é",
        "4222",
        "port",
        "<",
        "\\",
        "^",
        "|",
        "&",
        "-",
        "_",
        "~",
        "1.2.3.4",
        "::",
        ".",
        "%25en0",
    ]
)


@given(
    st.lists(PIECES | st.sampled_from(" \t"), max_size=9).map("".join)
    | st.text(max_size=20).map("https://".__add__)
)
@example("https://[fe80::1%25en0]/")
@example("https://h:99999/")
@example("https://a:b:c/")
@example("https://\\@0")
@example("https://é@h")
@settings(max_examples=2000)
def test_what_is_taken_here_go_takes(text: str) -> None:
    if url_parts(text) is not None:
        url = parse_url(text)
        assert url.scheme
        assert url.hostname


@pytest.mark.parametrize(
    "text",
    [
        "https://docs.example.com/a?b=c#d",
        "nats://h:4222",
        "wss://[::1]:443",
        "https://user:secret@h",
        "https://bücher.example/%C3%A9",
    ],
)
def test_an_ordinary_one_is_taken(text: str) -> None:
    assert url_parts(text) is not None
