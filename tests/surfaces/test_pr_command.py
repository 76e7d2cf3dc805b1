"""The command `dockopt pr`: its words, its streams, its exit codes, and what it never says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forge.server import TOKEN, Fault, ForgeServer, forge_server
from tests.surfaces.shops import Shop
from tests.surfaces.test_surfaces_cli import dockopt, process

WORDS = ("pr", "--no-verify", "--history", "0", "--author", "Bot <bot@example.com>")


@pytest.fixture(autouse=True)
def _nobody(nobody: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of the one who runs the tests counts."""
    for name in ("DOCKOPT_TOKEN", "GITHUB_TOKEN", "GH_TOKEN", "GH_ENTERPRISE_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ForgeServer]:
    with forge_server(tmp_path / "repositories") as found:
        Shop.at(found.bare)
        yield found


def test_text_and_json(server: ForgeServer, tmp_path: Path) -> None:
    words = (*WORDS, server.address, "--forge", "github", "--api", server.api)
    done = dockopt(tmp_path, *words, DOCKOPT_TOKEN=TOKEN)
    assert (done.code, done.out.decode()) == (
        0,
        f"opened     Dockerfile  {server.web}/team/shop/pulls/1\n",
    )
    again = dockopt(tmp_path, *words, "--format", "json", DOCKOPT_TOKEN=TOKEN)
    (repository,) = again.json["repositories"]
    (found,) = repository["pull_requests"]
    assert (found["action"], found["path"]) == ("unchanged", "Dockerfile")
    assert len(repository["commit"]) == 40


def test_a_process_says_no_token_and_leaves_nothing(
    server: ForgeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = tmp_path / "room"
    room.mkdir()
    words = (*WORDS, server.address.replace("://", f"://x:{TOKEN}@"), "--forge", "github")
    server.faults.append(Fault("POST", "", 403, body=f'{{"message": "{TOKEN} may not"}}'))
    done = process(
        tmp_path, *words, "--api", server.api, DOCKOPT_TOKEN=TOKEN, TMPDIR=str(room),
        GIT_TRACE="1", GIT_CURL_VERBOSE="1", GIT_TRACE_CURL="1",
    )  # fmt: skip
    assert done.code == 3
    assert b"*** may not" in done.out
    assert TOKEN not in done.out.decode() + done.err
    assert [*room.iterdir()] == []


def test_a_credential_helper_may_have_the_token(
    server: ForgeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text(
        f'[credential "{server.web}"]\n'
        f'  helper = "!f() {{ test $1 = get && echo username=a && echo password={TOKEN}; }}; f"\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    words = (*WORDS, server.address, "--forge", "github", "--api", server.api)
    done = dockopt(tmp_path, *words)
    assert (done.code, len(server.pulls)) == (0, 1)
    assert TOKEN not in done.out.decode() + done.err


def test_no_token_is_told(server: ForgeServer, tmp_path: Path) -> None:
    done = dockopt(tmp_path, *WORDS, server.address, "--forge", "github", "--api", server.api)
    assert done.code == 3
    assert "DOCKOPT_TOKEN" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--author", "no mail"], "Name <mail@example.org>"),
        (["--author", "A <a@b>\nSigned-off-by: B <b@c>"], "Name <mail@example.org>"),
        (["nowhere"], "neither a folder nor an address"),
        (["ext::sh -c date"], "no address"),
        (["."], "no clone"),
    ],
)
def test_bad_usage(tmp_path: Path, words: list[str], said: str) -> None:
    done = dockopt(tmp_path, *WORDS, *words)
    assert done.code == 2
    assert said in " ".join(done.err.split())
