"""The nearest configuration counts, and what is wrong in one is shown at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.journal import Failure
from optimizer.proposal import Safety
from optimizer.surfaces.config import Config, Configs


def read(folder: Path) -> Config | Failure:
    return Configs().of(folder)


def test_everything_is_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[project]\nname = 'x'\n[tool.dockopt]\nselect = ['a']\nwithout = ['b', 'c']\n"
        "safety = 'same-image'\ncontext = 'sub'\nexclude = ['old/']\nsmoke = 'true'\n"
        "[tool.dockopt.costs]\n'npm ci' = 30\n"
    )
    config = read(tmp_path)
    assert isinstance(config, Config)
    assert config.path == tmp_path / "pyproject.toml"
    assert config.select == ("a",)
    assert config.without == ("b", "c")
    assert config.exclude == ("old/",)
    assert config.safety == Safety.SAME_IMAGE
    assert config.context == tmp_path / "sub"


def test_nothing_configured(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\ndependencies = ['dockopt==1']\n")
    assert read(tmp_path) == Config()


@pytest.mark.parametrize(
    ("above", "here", "found"),
    [
        ({"dockopt.toml": "select=['above']"}, {}, "above"),
        ({"dockopt.toml": "select=['above']"}, {"dockopt.toml": "select=['here']"}, "here"),
        (
            {"dockopt.toml": "select=['above']"},
            {"pyproject.toml": "[tool.dockopt]\nselect=['here']"},
            "here",
        ),
        ({"dockopt.toml": "select=['above']"}, {"pyproject.toml": "[tool.other]"}, "above"),
        ({"dockopt.toml": "select=['above']"}, {"pyproject.toml": "broken ["}, "above"),
        (
            {},
            {"dockopt.toml": "select=['own']", "pyproject.toml": "[tool.dockopt]\nselect=['py']"},
            "own",
        ),
    ],
    ids=[
        "from-above",
        "nearest-wins",
        "pyproject-nearer",
        "pyproject-of-others-passed-over",
        "broken-pyproject-of-others-passed-over",
        "own-file-before-pyproject",
    ],
)
def test_nearest_upward_counts(
    tmp_path: Path, above: dict[str, str], here: dict[str, str], found: str
) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    for place, files in ((tmp_path, above), (folder, here)):
        for name, text in files.items():
            (place / name).write_text(text)
    config = read(folder)
    assert isinstance(config, Config)
    assert config.select == (found,)


@pytest.mark.parametrize(
    ("name", "text", "line", "column", "message"),
    [
        ("dockopt.toml", "a = 1\n", 1, 1, "unknown key 'a'"),
        ("dockopt.toml", "select = []\n\nselct = []\n", 3, 1, "unknown key 'selct'"),
        (
            "pyproject.toml",
            "[tool.x]\nselct = 1\n[tool.dockopt]\nselct = 1\n",
            4,
            1,
            "unknown key 'selct'",
        ),
        ("pyproject.toml", "\n[tool.dockopt.odd]\na = 1\n", 2, 1, "unknown key 'odd'"),
        ("pyproject.toml", "[tool]\ndockopt = 3\n", 2, 1, "has to be a table"),
        ("dockopt.toml", "\nselect = 'a'\n", 2, 1, "select has to be a list of strings"),
        ("dockopt.toml", "exclude = [1]\n", 1, 1, "exclude has to be a list of strings"),
        ("dockopt.toml", "safety = 'safe'\n", 1, 1, "same-image, same-behavior, changes-image"),
        ("dockopt.toml", "safety = []\n", 1, 1, "same-image, same-behavior, changes-image"),
        ("dockopt.toml", "context = 1\n", 1, 1, "context has to be a folder"),
        ("dockopt.toml", "select = [\n'a',,\n]\n", 2, 5, ""),
        ("dockopt.toml", "select = [\n", 2, 1, ""),
        ("dockopt.toml", "x = " + "[" * 10_000, 1, 1, ""),
        ("dockopt.toml", "x = " + "1" * 10_000, 1, 1, ""),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_is_shown_at_its_place(
    tmp_path: Path, name: str, text: str, line: int, column: int, message: str
) -> None:
    (tmp_path / name).write_text(text)
    failure = read(tmp_path)
    assert isinstance(failure, Failure)
    assert (failure.path, failure.line, failure.column) == (str(tmp_path / name), line, column)
    assert message in failure.message
    assert failure.message


@pytest.mark.parametrize("data", [b"select = ['\xff']", b"\xff\xfe"])
def test_undecodable_configuration(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "dockopt.toml").write_bytes(data)
    failure = read(tmp_path)
    assert isinstance(failure, Failure)
    assert "cannot read" in failure.message
