"""Which files git would ignore: tables, and git's own answer on the same trees."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from optimizer.context.gitignore import GitIgnore
from optimizer.context.walk import walk

_CASES = [
    pytest.param("a", "a", False, True, id="a-name-anywhere"),
    pytest.param("a", "x/a", False, True, id="a-name-in-a-folder"),
    pytest.param("/a", "x/a", False, None, id="a-slash-anchors"),
    pytest.param("x/a", "y/x/a", False, None, id="an-inner-slash-anchors"),
    pytest.param("a/", "a", False, None, id="a-final-slash-wants-a-folder"),
    pytest.param("a/", "a", True, True, id="a-final-slash-and-a-folder"),
    pytest.param("*.log", "x/b.log", False, True, id="a-star"),
    pytest.param("x/*", "x/a/b", False, None, id="a-star-stops-at-slashes"),
    pytest.param("x/**", "x/a/b", False, True, id="two-stars-do-not"),
    pytest.param("x/**", "x", True, None, id="two-stars-want-something-inside"),
    pytest.param("**/a", "a", False, True, id="leading-stars-may-be-nothing"),
    pytest.param("x/**/a", "x/a", False, True, id="middle-stars-may-be-nothing"),
    pytest.param("x/**/b/a", "x/b/b/a", False, True, id="stars-take-another-folder"),
    pytest.param("?", "ab", False, None, id="a-question-mark-is-one"),
    pytest.param("[a-c]", "b", False, True, id="a-range"),
    pytest.param("[!a-c]", "b", False, None, id="a-negated-range"),
    pytest.param("[c-a]", "c", False, True, id="a-backward-range-has-its-first"),
    pytest.param("[]]", "]", False, True, id="a-bracket-in-brackets"),
    pytest.param("[[:digit:]]", "7", False, True, id="a-class"),
    pytest.param("[[:nope:]]", "n", False, None, id="no-such-class"),
    pytest.param("[a", "[a", False, None, id="an-open-bracket-never-matches"),
    pytest.param("a\\", "a", False, None, id="a-final-backslash-never-matches"),
    pytest.param("\\*", "*", False, True, id="an-escaped-star"),
    pytest.param("\\*", "a", False, None, id="an-escaped-star-is-no-star"),
    pytest.param("#a", "#a", False, None, id="a-comment"),
    pytest.param("\\#a", "#a", False, True, id="an-escaped-comment"),
    pytest.param("a  ", "a", False, True, id="trailing-spaces-go"),
    pytest.param("a\\ ", "a ", False, True, id="an-escaped-space-stays"),
    pytest.param("a\r", "a", False, True, id="carriage-return"),
    pytest.param("\ufeffa", "a", False, True, id="byte-order-mark"),
    pytest.param("a\n!a", "a", False, False, id="the-last-pattern-decides"),
    pytest.param("!a\na", "a", False, True, id="in-either-order"),
    pytest.param("*\n!a/", "a", True, False, id="folders-kept-out-of-everything"),
    pytest.param("", "a", False, None, id="an-empty-file"),
    pytest.param("/", "a", True, None, id="a-lone-slash"),
    pytest.param("!", "a", False, None, id="a-lone-mark"),
]


@pytest.mark.parametrize(("text", "path", "is_folder", "answer"), _CASES)
def test_a_pattern_decides(text: str, path: str, is_folder: bool, answer: bool | None) -> None:
    assert GitIgnore.parse(text).decides(path.split("/"), is_folder) is answer


def test_hostile_patterns_take_linear_time() -> None:
    file = GitIgnore.parse("*a" * 500 + "b\n" + "**/x/" * 500 + "y\n")
    started = time.process_time()
    assert file.decides(["a" * 255], False) is None
    assert file.decides(["x"] * 500, True) is None
    assert time.process_time() - started < 1


_TREES = [
    pytest.param({".gitignore": "*\n!*/\n!*.go\n"}, id="everything-but"),
    pytest.param({".gitignore": "a\n", "a/.gitignore": "!af\n"}, id="inside-an-ignored-folder"),
    pytest.param({".gitignore": "*f\n", "a/.gitignore": "!af\n"}, id="the-nearer-file-wins"),
    pytest.param({"a/.gitignore": "/b\n"}, id="anchored-in-a-folder"),
    pytest.param({".gitignore": "a/*\n!a/b\n"}, id="all-but-one"),
    pytest.param({".gitignore": "/*/b/**\n!**/b.b\n"}, id="stars"),
    pytest.param({".gitignore": "[!a]f\n[[:upper:]]f\n"}, id="brackets"),
    pytest.param({".gitignore": "b\\/a\n*.b/\n"}, id="an-escaped-slash"),
    pytest.param({".gitignore": "**/b/*\n!a/**/bf\r\n"}, id="exceptions"),
]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("ignore_files", _TREES)
def test_git_agrees(tmp_path: Path, ignore_files: dict[str, str]) -> None:
    names = ["a", "b", "ab", "b.b", "A"]
    for folder in [*names, *(f"{x}/{y}" for x in names for y in names)]:
        (tmp_path / folder).mkdir(exist_ok=True)
        for name in names:
            (tmp_path / folder / f"{name}f").touch()
            (tmp_path / folder / f"{name}.go").touch()
    for path, text in ignore_files.items():
        (tmp_path / path).write_bytes(text.encode())
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    command = ["git", "-c", "core.excludesFile=", "ls-files", "-o", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
    walked = {
        folder.join(name)
        for folder in walk(tmp_path, tmp_path)
        for name in folder.files
        if folder.keeps(name)
    }
    assert walked == {path for path in listed.decode().split("\0") if path}
