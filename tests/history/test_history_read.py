"""The last commits of real repositories, in whatever state they are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from optimizer.history import read
from optimizer.history.read import read_history
from tests.history.repository import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def paths(root: Path, limit: int = 100) -> list[tuple[str, ...]]:
    history = read_history(root, limit)
    assert history.note is None
    return [commit.paths for commit in history.commits]


def test_newest_first_each_against_its_parent(repository: Repository) -> None:
    first = repository.commit({"a": "1", "src/b": "1"})
    second = repository.commit({"src/b": "2"})
    history = read_history(repository.root, 100)
    assert [(commit.id, commit.paths) for commit in history.commits] == [
        (second, ("src/b",)),
        (first, ("a", "src/b")),
    ]
    assert [commit.time for commit in history.commits] == [1_700_000_120, 1_700_000_060]
    assert history.root == repository.root
    assert history.masks == {"a": 0b10, "src/b": 0b11}


def test_what_went_what_came_and_what_moved(repository: Repository) -> None:
    repository.commit({"a": "a long enough text to be found again\n" * 9, "b": "1"})
    (repository.root / "a").rename(repository.root / "c")
    repository.commit({"b": None})
    assert paths(repository.root)[0] == ("a", "b", "c")


def test_a_mode_is_a_change(repository: Repository) -> None:
    repository.commit({"run.sh": "1"})
    (repository.root / "run.sh").chmod(0o755)
    repository.commit({})
    assert paths(repository.root) == [("run.sh",), ("run.sh",)]


def test_a_commit_without_changes_is_counted(repository: Repository) -> None:
    repository.commit({"a": "1"})
    repository.commit({})
    repository.commit({"a": "2"})
    assert paths(repository.root) == [("a",), (), ("a",)]


def test_a_merge_counts_once_with_all_it_brings(repository: Repository) -> None:
    repository.commit({"a": "1"})
    repository.git("checkout", "-q", "-b", "side")
    repository.commit({"b": "1"})
    repository.commit({"c": "1"})
    repository.git("checkout", "-q", "main")
    repository.commit({"a": "2"})
    repository.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    assert paths(repository.root) == [("b", "c"), ("a",), ("a",)]


def test_no_more_than_asked_for(repository: Repository) -> None:
    for number in range(5):
        repository.commit({"a": str(number)})
    assert len(paths(repository.root, limit=3)) == 3


def test_a_folder_of_the_repository_stands_for_all_of_it(repository: Repository) -> None:
    repository.commit({"app/a": "1", "b": "1"})
    history = read_history(repository.root / "app", 10)
    assert (history.root, history.commits[0].paths) == (repository.root, ("app/a", "b"))


ODD_NAMES = [
    b"two words",
    b"new\nline",
    b'"quoted"',
    b"tab\t",
    b"\xff\xfe",
    b"A",
    b"-n",
    b"\xc3\xa9",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_byte_for_byte(repository: Repository, name: bytes) -> None:
    repository.commit({"plain": "1"})
    with open(os.path.join(os.fsencode(repository.root), name), "wb"):  # noqa: PTH118, PTH123
        pass
    repository.commit({})
    assert paths(repository.root)[0] == (os.fsdecode(name),)


def test_a_name_like_a_commit(repository: Repository) -> None:
    first = repository.commit({"a": "1"})
    repository.commit({first: "1"})
    assert paths(repository.root) == [(first,), ("a",)]


def test_a_shallow_clone_says_so(repository: Repository, tmp_path: Path) -> None:
    for number in range(5):
        repository.commit({f"{number}": "1"})
    clone = tmp_path / "clone"
    repository.git("clone", "-q", "--depth", "3", f"file://{repository.root}", str(clone))
    history = read_history(clone, 100)
    assert [commit.paths for commit in history.commits] == [("4",), ("3",)]
    assert history.note == "a shallow clone: the 2 newest commits are all that is there"
    assert read_history(clone, 2).note is None


def test_the_window_ends_before_the_cut(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"a": "1"})
    clone = tmp_path / "clone"
    repository.git("clone", "-q", "--depth", "1", f"file://{repository.root}", str(clone))
    history = read_history(clone, 100)
    assert history.commits == ()
    assert history.note == "a shallow clone: the 0 newest commits are all that is there"


def test_a_work_tree_beside_the_repository(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"a": "1"})
    repository.git("worktree", "add", "-q", str(tmp_path / "other"))
    assert read_history(tmp_path / "other", 10).root == tmp_path / "other"
    assert paths(tmp_path / "other") == [("a",)]


def test_a_submodule_has_its_own_history(repository: Repository, tmp_path: Path) -> None:
    inner = Repository(tmp_path / "inner")
    inner.commit({"x": "1"})
    repository.commit({"a": "1"})
    repository.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.root), "sub"
    )
    repository.commit({})
    assert paths(repository.root)[0] == (".gitmodules", "sub")
    assert paths(repository.root / "sub") == [("x",)]


def test_a_detached_head(repository: Repository) -> None:
    first = repository.commit({"a": "1"})
    repository.commit({"a": "2"})
    repository.git("checkout", "-q", first)
    assert paths(repository.root) == [("a",)]


def note(root: Path, timeout: float = read.TIMEOUT) -> str | None:
    history = read_history(root, 100, timeout=timeout)
    assert history.commits == ()
    return history.note


def test_no_repository(tmp_path: Path) -> None:
    assert note(tmp_path) == "this is no git repository"


def test_no_folder(tmp_path: Path) -> None:
    assert note(tmp_path / "gone") == "git cannot be started: No such file or directory"


def test_an_empty_repository(repository: Repository) -> None:
    assert note(repository.root) == "the repository has no commits yet"


def test_a_bare_repository(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"a": "1"})
    repository.git("clone", "-q", "--bare", str(repository.root), str(tmp_path / "bare"))
    assert note(tmp_path / "bare") == "this is a bare repository, without files of its own"


def test_a_repository_whose_last_commit_is_gone(repository: Repository) -> None:
    last = repository.commit({"a": "1"})
    (repository.root / ".git/objects" / last[:2] / last[2:]).unlink()
    found = note(repository.root)
    assert found is not None
    assert found.startswith("git fails: missing object")


def test_a_repository_with_a_missing_tree(repository: Repository) -> None:
    repository.commit({"a": "1"})
    tree = repository.git("rev-parse", "HEAD^{tree}")
    (repository.root / ".git/objects" / tree[:2] / tree[2:]).unlink()
    found = note(repository.root)
    assert found is not None
    assert found.startswith("git fails: ")


def test_a_repository_of_somebody_else(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.name != "posix" or os.getuid() != 0:
        pytest.skip("only root can give files away")
    repository.commit({"a": "1"})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for path in (repository.root, repository.root / ".git"):
        os.chown(path, 12345, 12345)
    found = note(repository.root)
    assert found is not None
    assert "belongs to somebody else" in found
    assert "safe.directory" in found


def test_no_git(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert note(repository.root) == "git is not installed"


def fake_git(folder: Path, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "git").chmod(0o755)


def test_a_git_of_the_repository_is_not_run(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"a": "1"})
    fake_git(repository.root, f"touch {tmp_path}/ran")
    monkeypatch.setenv("PATH", "." + os.pathsep + os.environ["PATH"])
    monkeypatch.chdir(repository.root)
    read_history(repository.root, 10)
    assert not (tmp_path / "ran").exists()


def test_a_git_that_hangs(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_git(tmp_path / "bin", "sleep 1000")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    assert note(repository.root, timeout=0.2) == "git did not answer within 0.2 seconds"


def test_another_repository_named_by_a_hook(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"a": "1"})
    other = Repository(tmp_path / "other")
    other.commit({"b": "1"})
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.root))
    assert paths(repository.root) == [("a",)]


TRAPS = {
    "core.fsmonitor": "{trap}",
    "core.pager": "{trap}",
    "core.sshCommand": "{trap}",
    "core.editor": "{trap}",
    "diff.external": "{trap}",
    "diff.trap.textconv": "{trap}",
    "diff.trap.command": "{trap}",
    "filter.trap.clean": "{trap}",
    "filter.trap.process": "{trap}",
    "gpg.program": "{trap}",
    "log.showSignature": "true",
    "pager.diff-tree": "{trap}",
    "pager.rev-list": "{trap}",
    "alias.diff-tree": "!{trap}",
    "alias.rev-list": "!{trap}",
    "credential.helper": "!{trap}",
    "core.hooksPath": "{hooks}",
    "remote.origin.url": "ext::{trap}",
    "remote.origin.promisor": "true",
    "remote.origin.uploadpack": "{trap}",
    "extensions.partialClone": "origin",
    "protocol.ext.allow": "always",
    "uploadpack.packObjectsHook": "{trap}",
    "trace2.eventTarget": "{hooks}/trace",
}


@pytest.mark.parametrize("whole", [True, False], ids=["sound", "with objects to fetch"])
def test_nothing_that_the_repository_configures_is_run(
    repository: Repository, tmp_path: Path, whole: bool
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    trap.chmod(0o755)
    repository.commit({"a": "1", ".gitattributes": "* diff=trap filter=trap\n"})
    repository.commit({"a": "2"})
    for name in ("post-index-change", "reference-transaction", "post-checkout"):
        (hooks / name).write_text(trap.read_text())
        (hooks / name).chmod(0o755)
    tree = repository.git("rev-parse", "HEAD^{tree}")
    for key, value in TRAPS.items():
        repository.git("config", key, value.format(trap=trap, hooks=hooks))
    if not whole:
        (repository.root / ".git/objects" / tree[:2] / tree[2:]).unlink()
    history = read_history(repository.root, 100)
    assert not (tmp_path / "ran").exists()
    assert not (hooks / "trace").exists()
    assert (history.note is None) == whole


def test_the_trap_would_spring(repository: Repository, tmp_path: Path) -> None:
    """The test above can fail: plain git runs what it holds off."""
    repository.commit({"a": "1"})
    repository.git("config", "core.fsmonitor", f"touch {tmp_path}/ran; true")
    subprocess.run(["git", "status"], cwd=repository.root, capture_output=True, check=True)
    assert (tmp_path / "ran").exists()


def test_replaced_commits_do_not_count(repository: Repository) -> None:
    first = repository.commit({"a": "1"})
    second = repository.commit({"b": "1"})
    repository.git("replace", second, first)
    assert paths(repository.root) == [("b",), ("a",)]


def test_a_work_tree_elsewhere(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"a": "1"})
    (tmp_path / "away").mkdir()
    repository.git("config", "core.worktree", str(tmp_path / "away"))
    assert note(repository.root) is not None


def test_more_changes_than_are_counted(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        repository.commit({f"{number}/{name}": "1" for name in range(10)})
    monkeypatch.setattr(read, "MOST_PATHS", 25)
    history = read_history(repository.root, 100)
    assert [len(commit.paths) for commit in history.commits] == [10, 10]
    assert history.note == "of 4 commits only the last 2 are counted: they change too many files"


def test_progress_ends_at_the_total(repository: Repository) -> None:
    for number in range(3):
        repository.commit({"a": str(number)})
    told: list[tuple[int, int]] = []
    read_history(repository.root, 100, lambda done, total: told.append((done, total)))
    assert told[-1] == (3, 3)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
