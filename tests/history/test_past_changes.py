"""What the commits of real repositories did to one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.history import versions
from optimizer.history.read import read_history
from optimizer.history.versions import past_changes
from tests.history.repository import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def texts(repository: Repository, path: str = "app/Dockerfile") -> list[tuple[str, str]]:
    found = past_changes(read_history(repository.root, 100), path)
    return [(each.before, each.after) for each in found]


def test_newest_first_with_both_texts(repository: Repository) -> None:
    repository.commit({"app/Dockerfile": "FROM a\n", "b": "1"})
    repository.commit({"app/Dockerfile": "FROM b\n"})
    repository.commit({"b": "2"})
    last = repository.commit({"app/Dockerfile": "FROM c\n"})

    found = past_changes(read_history(repository.root, 100), "app/Dockerfile")

    assert texts(repository) == [("FROM b\n", "FROM c\n"), ("FROM a\n", "FROM b\n")]
    assert found[0].id == last
    assert found[0].subject


def test_a_file_that_comes_or_goes_has_no_two_texts(repository: Repository) -> None:
    repository.commit({"app/Dockerfile": "FROM a\n"})
    repository.commit({"app/Dockerfile": None})
    repository.commit({"app/Dockerfile": "FROM b\n"})

    assert texts(repository) == []


def test_bytes_that_are_no_text_are_kept(repository: Repository) -> None:
    repository.commit({"app/Dockerfile": "FROM a\n"})
    (repository.root / "app/Dockerfile").write_bytes(b"FROM \xff\x00\n")
    repository.commit({})
    repository.commit({"app/Dockerfile": "FROM c\n"})

    assert texts(repository)[0] == ("FROM \udcff\x00\n", "FROM c\n")


def test_a_text_that_is_too_large_is_left_out(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "LARGEST", 500)
    for text in ("FROM a\n", "FROM " + "b" * 900, "FROM c\n", "FROM d\n"):
        repository.commit({"app/Dockerfile": text})

    assert texts(repository) == [("FROM c\n", "FROM d\n")]


def test_only_so_many_commits_are_looked_at(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "MOST_VERSIONS", 2)
    for number in range(5):
        repository.commit({"app/Dockerfile": f"FROM {number}\n"})

    assert texts(repository) == [("FROM 3\n", "FROM 4\n"), ("FROM 2\n", "FROM 3\n")]


def test_a_path_that_no_commit_touches_and_one_git_cannot_be_asked_for(
    repository: Repository,
) -> None:
    repository.commit({"app/Dockerfile": "FROM a\n", "a\nb": "1"})
    repository.commit({"a\nb": "2"})

    assert texts(repository, "Dockerfile") == []
    assert texts(repository, "a\nb") == []
