"""Which files of a folder are Dockerfiles, and where a repository begins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from optimizer.context.dockerfiles import (
    find_dockerfiles,
    has_dockerfile_name,
    repository_root,
)
from tests.context.repositories import lay_out


def _names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in find_dockerfiles(folder)]


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile", "dockerfile", "DOCKERFILE", "Containerfile", "containerfile",
        "Dockerfile.dev", "Dockerfile.prod.alpine", "Dockerfile-alpine", "Dockerfile_dev",
        "api.Dockerfile", "api.dockerfile", "api.v2.Dockerfile", "web.Containerfile",
        "Containerfile.dev", "Dockerfile.1809",
    ],
)  # fmt: skip
def test_usual_spellings(name: str) -> None:
    assert has_dockerfile_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile.dockerignore", "api.Dockerfile.dockerignore", "Dockerfile~", "Dockerfile.orig",
        "Dockerfile.bak", ".Dockerfile.swp", "#Dockerfile#", ".#Dockerfile", "Dockerfile.j2",
        "Dockerfile.tmpl", "Dockerfile.template", "Dockerfile.erb", "Dockerfile.in",
        "Dockerfile.J2", "Dockerfiles", "MyDockerfile", "Makefile", "dockerfile_", ".dockerignore",
        "compose.yaml", "Dockerfile.",
    ],
)  # fmt: skip
def test_other_names(name: str) -> None:
    assert not has_dockerfile_name(name)


@pytest.mark.parametrize(
    ("name", "text", "is_one"),
    [
        pytest.param("Dockerfile.go", "# a\n\nFROM golang\n", True, id="for-a-go-service"),
        pytest.param("dockerfile.go", "package docker\n", False, id="go-source"),
        pytest.param("Dockerfile.md", "# Dockerfile\n\nHow to\n", False, id="a-document"),
        pytest.param("Dockerfile.py", "arg V=1\nfrom x\n", True, id="lower-case-keywords"),
        pytest.param("Dockerfile.txt", "\ufeffFROM x\n", True, id="byte-order-mark"),
        pytest.param("Dockerfile.json", "", False, id="empty"),
    ],
)
def test_the_text_tells_where_the_name_does_not(
    tmp_path: Path, name: str, text: str, is_one: bool
) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    assert _names(tmp_path) == ([name] if is_one else [])


def test_parents_first_and_by_name(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        "== b/Dockerfile\n== a/z/Dockerfile\n== a/Dockerfile\n== Dockerfile.b\n== Dockerfile\n",
    )
    assert _names(tmp_path) == [
        "Dockerfile",
        "Dockerfile.b",
        "a/Dockerfile",
        "a/z/Dockerfile",
        "b/Dockerfile",
    ]


def test_ignored_and_foreign_folders_are_left_out(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        """
== .gitignore
/out/
Dockerfile.local
== Dockerfile
== Dockerfile.local
== out/Dockerfile
== a/.gitignore
!Dockerfile.local
== a/Dockerfile.local
== node_modules/x/Dockerfile
== .git/Dockerfile
== go/vendor/modules.txt
== go/vendor/x/Dockerfile
== shop/vendor/Dockerfile
== submodule/.git
gitdir: elsewhere
== submodule/Dockerfile
""",
    )
    assert _names(tmp_path) == ["Dockerfile", "a/Dockerfile.local", "shop/vendor/Dockerfile"]


def test_ignore_files_above_the_folder_count(tmp_path: Path) -> None:
    lay_out(tmp_path, "== .gitignore\n/a/b/\n== a/Dockerfile\n== a/b/Dockerfile\n")
    assert _names(tmp_path / "a") == ["Dockerfile"]


def test_an_ignored_folder_that_is_asked_for_is_searched(tmp_path: Path) -> None:
    lay_out(tmp_path, "== .gitignore\n/out/\n== out/Dockerfile\n== out/x/Dockerfile\n")
    assert _names(tmp_path / "out") == ["Dockerfile", "x/Dockerfile"]


def test_repositories_in_a_plain_folder_are_searched(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        lay_out(tmp_path / name, "== Dockerfile\n")
    assert _names(tmp_path) == ["one/Dockerfile", "two/Dockerfile"]


def test_links(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    lay_out(root, "== docker/prod\n== docker/Dockerfile\n")
    (tmp_path / "outside").touch()
    (root / "Dockerfile").symlink_to("docker/prod")
    (root / "Dockerfile.again").symlink_to("docker/Dockerfile")
    (root / "Dockerfile.out").symlink_to("../outside")
    (root / "Dockerfile.loop").symlink_to("Dockerfile.loop")
    (root / "Dockerfile.gone").symlink_to("nothing")
    (root / "around").symlink_to(".")
    assert _names(root) == ["Dockerfile", "docker/Dockerfile"]


def test_what_is_no_file_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").mkdir()
    os.mkfifo(tmp_path / "Dockerfile.pipe")
    assert _names(tmp_path) == []


def test_paths_are_as_the_folder_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path, "== sub/Dockerfile\n")
    (tmp_path / "link").symlink_to("sub")
    monkeypatch.chdir(tmp_path)
    assert list(find_dockerfiles(Path("sub"))) == [Path("sub/Dockerfile")]
    assert list(find_dockerfiles(Path("link"))) == [Path("link/Dockerfile")]
    assert list(find_dockerfiles(Path("nowhere"))) == []


@pytest.mark.parametrize(
    ("path", "root"),
    [
        pytest.param("a/b", ".", id="a-folder"),
        pytest.param("a/b/Dockerfile", ".", id="a-file"),
        pytest.param("a/b/missing", ".", id="a-file-that-is-not-there"),
        pytest.param("module/Dockerfile", "module", id="a-work-tree-with-a-git-file"),
        pytest.param(".", ".", id="the-root-itself"),
    ],
)
def test_the_root_is_where_git_is(tmp_path: Path, path: str, root: str) -> None:
    lay_out(tmp_path, "== a/b/Dockerfile\n== module/.git\ngitdir: x\n== module/Dockerfile\n")
    assert repository_root(tmp_path / path) == (tmp_path / root).resolve()


def test_without_git_the_folder_is_the_root(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert repository_root(tmp_path / "a") == (tmp_path / "a").resolve()
    assert repository_root(tmp_path / "a/Dockerfile") == (tmp_path / "a").resolve()
