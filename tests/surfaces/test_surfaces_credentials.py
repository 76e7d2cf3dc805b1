"""``--secret`` and ``--ssh`` are judged before anything is built, and nobody sees a secret."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from optimizer.surfaces.commands import app
from optimizer.surfaces.credentials import wrong_secret, wrong_ssh
from optimizer.verify.archive import Reader
from optimizer.verify.builders import Order
from optimizer.verify.buildkit import Buildx
from optimizer.verify.podman import Podman

ENVIRONMENT = {"TOKEN": "hunter2"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token.txt").write_text("hunter2")
    (tmp_path / "key").write_text("hunter2")


@pytest.mark.parametrize(
    "word",
    [
        "id=npm,src=token.txt",
        "id=npm,source=token.txt",
        "type=file,id=npm,src=token.txt",
        "id=npm,env=TOKEN",
        "type=env,id=npm,src=TOKEN",
        "id=TOKEN",
        "id=token.txt",
        "type=env,id=TOKEN",
        '"id=npm","src=token.txt"',
    ],
)
def test_secrets_of_every_form(word: str) -> None:
    assert wrong_secret(word, ENVIRONMENT) is None


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("npm", "a secret is written id=NAME,src=FILE or id=NAME,env=VARIABLE"),
        ("src=token.txt", "a secret is written id=NAME,src=FILE or id=NAME,env=VARIABLE"),
        ("id=npm,src=gone.txt", "the file of the secret npm is not there"),
        ("id=npm,env=GONE", "the variable of the secret npm is not set"),
        ("id=GONE", "no secret GONE is there"),
    ],
)
def test_a_secret_that_is_not_there(word: str, message: str) -> None:
    assert wrong_secret(word, ENVIRONMENT) == message


@pytest.mark.parametrize(
    ("word", "environment", "message"),
    [
        ("default", {"SSH_AUTH_SOCK": "/x"}, None),
        ("git=key", {}, None),
        ("git=key,other", {}, None),
        ("default", {}, "ssh default: SSH_AUTH_SOCK is not set, so there is no agent"),
        ("git=gone", {}, "ssh git: its key or socket is not there"),
        ("=key", {}, "ssh is written default, or ID=SOCKET or ID=KEY"),
    ],
)
def test_ssh(word: str, environment: Mapping[str, str], message: str | None) -> None:
    assert wrong_ssh(word, environment) == message


@given(st.text())
def test_no_word_crashes(word: str) -> None:
    wrong_secret(word, ENVIRONMENT)
    wrong_ssh(word, ENVIRONMENT)


@pytest.mark.parametrize("command", [["verify"], ["bisect"], ["fix", "--verify"]])
def test_every_command_that_builds_takes_them(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    words = ["--secret", "id=npm,src=token.txt", "--ssh", "git=key"]
    assert CliRunner().invoke(app, [*command, "Dockerfile", *words]).exit_code == 0
    wrong = CliRunner().invoke(app, [*command, "Dockerfile", "--secret", "id=npm,src=gone.txt"])
    assert wrong.exit_code == 2
    assert "the file of the secret npm is not there" in wrong.output


def test_builders_get_them_as_they_are() -> None:
    order = Order("", Path("c"), secrets=("id=npm,src=token.txt", "id=TOKEN"), ssh=("default",))
    options = ["--secret=id=npm,src=token.txt", "--secret=id=TOKEN", "--ssh=default"]
    buildx = Buildx(Reader())._build_command(order, Path("f"), Path("c"), "r")
    podman = Podman(Reader())._build_command(order, Path("f"), Path("c"), "r")
    for words in (buildx, podman):
        assert [word for word in words if word.startswith(("--secret", "--ssh"))] == options
        assert words[-1] == "c"
