"""Lines of the spec that a finding shows: never with the secret that somebody put there by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from natsbackend.cli.app import app

SPEC = "version: 1\noperator: {name: acme}\nserver:\n"
CLUSTER = "  cluster: {name: c, authorization: "


@pytest.mark.parametrize(
    "lines",
    [
        "  jetstream: {encryption: {key: geheim}}\n",
        "  jetstream: {encryption: {key: {env: A}, previous_key: 'a geheim'}}\n",
        "  jetstream:\n    encryption:\n      key: a,}geheim\n",
        CLUSTER + "{user: a, password: geheim}}\n",
        CLUSTER + '{user: a, "password": "geheim", timout: 3s}}\n',
        "  leafnodes:\n    remotes: [{urls: [tls://h], account: SYS, nkey: geheim}]\n",
    ],
)
def test_a_secret_in_the_spec_is_refused_and_not_repeated(
    lines: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("natsbackend.yaml").write_text(SPEC + lines, encoding="utf-8")
    for form in ("human", "json", "sarif", "github", "junit"):
        result = CliRunner().invoke(app, ["check", "--format", form])
        assert result.exit_code == 1, result.output
        assert "geheim" not in result.output, form


def test_what_stands_around_a_secret_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    line = CLUSTER + "{user: a, password: geheim, timeout: 3}}"
    Path("natsbackend.yaml").write_text(f"{SPEC}{line}\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["check"])
    assert line.replace("geheim", "******") in result.output
