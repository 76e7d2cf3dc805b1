"""`dockopt pr` with a real engine, and the image that dockopt itself comes in."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from optimizer.context.tree import BuildContext
from tests.engine.bases import provide, stand_ins_named_in
from tests.engine.build import build
from tests.engine.daemon import Engine
from tests.engine.users import HONEST, NOSY, ROOT, User, dockerfile, project
from tests.forge.server import TOKEN, ForgeServer, forge_server
from tests.surfaces.shops import Shop

pytestmark = pytest.mark.engine


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ForgeServer]:
    with forge_server(tmp_path / "repositories") as found:
        yield found


@pytest.fixture
def user(engine: Engine, busybox: str, tmp_path: Path) -> User:
    for name in ("here", "scratch"):
        (tmp_path / name).mkdir()
    more = {"DOCKOPT_TOKEN": TOKEN, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    return User(engine, tmp_path / "here", tmp_path / "scratch", more)


def shop(bare: Path, folder: Path, npm: str) -> Shop:
    """Makes a repository of an application whose npm does ``npm``."""
    (folder / "files").mkdir()
    project(folder / "files", dockerfile(npm))
    paths = (path for path in (folder / "files").rglob("*") if path.is_file())
    files = {str(path.relative_to(folder / "files")): path.read_text() for path in paths}
    return Shop.at(bare, files)


def opened(user: User, server: ForgeServer, *words: str) -> tuple[int, str, str]:
    return user.run(
        *("pr", server.address, "--forge", "github", "--api", server.api),
        *("--history", "0", "--author", "Bot <bot@example.com>", *words),
    )


def test_what_builds_confirm_is_opened_with_what_they_measured(
    user: User, server: ForgeServer, tmp_path: Path
) -> None:
    found = shop(server.bare, tmp_path, HONEST)
    words = ("--select", "copy-manifests-first", "--measure", "1")
    code, out, err = opened(user, server, *words)
    assert (code, out[:10]) == (0, "opened    "), err
    (pull,) = server.pulls
    assert "Real builds have confirmed this" in pull.body
    predicted, _, measured = pull.body.partition("**Measured** in real builds")
    assert "**Predicted** by the cache model" in predicted
    assert "| edit src/index.js, steps rerun | 2 | 1 |" in predicted
    rows = [line for line in measured.split("\n") if line.endswith("| 1 each |")]
    assert "| edit src/index.js, steps rerun | 2 | 1 | 1 each |" in rows
    assert any(row.startswith("| cold build, build seconds |") for row in rows)
    assert "It held in a real build." in pull.body
    ((_, commit),) = found.branches.items()
    assert user.left_behind() == []
    code, out, err = opened(user, server, *words)
    assert (code, out[:10]) == (0, "unchanged "), err
    assert [*found.branches.values()] == [commit]


def test_what_breaks_in_a_build_is_not_pushed(
    user: User, server: ForgeServer, tmp_path: Path
) -> None:
    found = shop(server.bare, tmp_path, NOSY)
    code, out, err = user.run(
        *("pr", f"file://{found.bare}", "--history", "0", "--author", "Bot <bot@example.com>"),
        *("--measure", "0"),
    )
    assert (code, "pushed" in out) == (0, True), err
    ((branch, commit),) = found.branches.items()
    transforms = found.git("log", "--format=%(trailers:key=Dockopt-Transform)", f"main..{branch}")
    assert "ignore-noise" in transforms
    assert "copy-manifests-first" not in transforms
    assert "COPY package.json" not in found.show(f"{commit}:Dockerfile")
    found.git("update-ref", "-d", f"refs/heads/{branch}")
    code, out, err = opened(user, server, "--select", "copy-manifests-first", "--measure", "0")
    assert (code, out) == (0, "nothing to change in 1 Dockerfile\n"), err
    assert (found.branches, server.pulls) == ({}, [])
    assert user.left_behind() == []


def own_context(folder: Path) -> Path:
    """Copies what a build of dockopt's own image is sent. The stand-in knows no other frontend
    than the engine's own."""
    for file in BuildContext(ROOT, dockerfile=ROOT / "Dockerfile").files():
        if (ROOT / file.path).is_file():
            (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file.path, folder / file.path)
    text = (ROOT / "Dockerfile").read_text()
    (folder / "Dockerfile").write_text(text.replace("# syntax=docker/dockerfile:1\n", ""))
    return folder


def test_the_image_of_dockopt_builds_and_works(
    engine: Engine, context: Path, tmp_path: Path
) -> None:
    provide(engine, stand_ins_named_in((ROOT / "Dockerfile").read_text()))
    built = build(engine, own_context(context), tag="dockopt:test", seconds=600)
    assert built.ok, built.log
    said = engine.docker("run", "--rm", "--network", "none", "dockopt:test", "--version")
    assert said.stdout.decode().startswith("dockopt ")
    shop = ROOT / "fixtures" / "examples" / "shop"
    work = ["--network", "none", "--volume", f"{shop}:/work:ro"]
    found = engine.docker("run", "--rm", *work, "dockopt:test", "fix", "web")
    assert found.returncode == 0, found.stderr.decode()
    assert b"+COPY package.json package-lock.json ./\n" in found.stdout
    git = engine.docker("run", "--rm", "--entrypoint", "git", "dockopt:test", "--version")
    assert git.stdout.startswith(b"git version")
    subprocess.run(["git", "apply", "--check", "-p1", "-"], input=found.stdout,
                   cwd=shop, check=True)  # fmt: skip
