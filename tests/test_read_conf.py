"""Configs read back: exactly what `conf` writes, and nothing that it would not have written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.golden import SOUND

from natsbackend.render.conf import HEADER, ConfError, Include, Variable, write_conf
from natsbackend.render.read_conf import read_conf

KEYS = st.text("abc._-Zé :'#{}", min_size=1).filter(lambda key: key.strip() == key)
SCALARS = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    | st.builds(Variable, st.sampled_from(["A", "B_1"]))
)
VALUES = st.recursive(
    SCALARS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(KEYS, inside, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES))
def test_what_is_written_is_read_back(config: dict[str, Any]) -> None:
    assert read_conf(write_conf(config)) == config


@pytest.mark.parametrize(
    "conf",
    [path for folder in SOUND for path in folder.glob("nats-server.conf")],
    ids=lambda p: p.parent.name,
)
def test_every_config_of_the_golden_specs_is_read_back(conf: Any) -> None:
    text = conf.read_text(encoding="utf-8")
    assert write_conf(read_conf(text)) == text


def test_an_include_stays_one() -> None:
    config = {"jetstream": {"store_dir": "d", "key": Include("secrets/jetstream.key.conf")}}
    found = read_conf(write_conf(config))
    assert found == {
        "jetstream": {
            "store_dir": "d",
            "include secrets/jetstream.key.conf": Include("secrets/jetstream.key.conf"),
        }
    }


@pytest.mark.parametrize(
    "body",
    [
        "debug = true\n",
        "a: b\n",
        'a: "b" c\n',
        'a: "\\q"\n',
        'a: "\\xff"\n',
        "a: {\n",
        "a: [\n  1\n",
        "}\n",
        "a: 1m\n",
        "a: [1]\n",
        'include "x" y\n',
        'a: "b"',
    ],
)
def test_what_somebody_wrote_by_hand_is_refused(body: str) -> None:
    with pytest.raises(ConfError, match=r"line [0-9]+ of the config is not as it was generated"):
        read_conf(HEADER + body)


def test_another_file_is_refused_and_nothing_of_it_is_shown() -> None:
    with pytest.raises(ConfError) as refused:
        read_conf('password: "hunter2"\n')
    assert "hunter2" not in str(refused.value)
    with pytest.raises(ConfError) as refused:
        read_conf(f"{HEADER}password: hunter2\n")
    assert "hunter2" not in str(refused.value)
