"""Poetry: which commands install, what they read, and the step that brings in the rest."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.knowledge.installs import Call, Inputs, Install, Obstacle, Touch
from optimizer.knowledge.python import poetry
from tests.knowledge.conftest import MemoryFiles

POETRY = """
[tool.poetry]
name = "app"
version = "1"
readme = "README.md"
[tool.poetry.dependencies]
python = "^3.11"
six = "*"
"""
LOCK = '[[package]]\nname = "six"\nversion = "1"\n'
NO_PACKAGE = POETRY.replace("[tool.poetry.d", "package-mode = false\n[tool.poetry.d")
DIRECTORY = '[[package]]\nname = "lib"\n[package.source]\ntype = "directory"\nurl = "lib"\n'
STATIC = '[project]\nname = "lib"\nversion = "1"\n'


@pytest.mark.parametrize(
    "command",
    ["poetry install", "poetry install --no-root --only main -n --no-ansi", "poetry sync",
     "poetry install -vvv --with a,b --without=c -E x", "poetry -C sub install", "poetry lock",
     "poetry export -f requirements.txt --output r.txt --without-hashes"],
)  # fmt: skip
def test_installs_are_recognised(recognise: Any, command: str) -> None:
    assert isinstance(recognise(poetry, command), Install)


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("poetry add flask", Obstacle), ("poetry update", Obstacle),
        ("poetry install --frobnicate", Obstacle), ("poetry install x", Obstacle),
        ("poetry self add poetry-plugin-export", Touch), ("poetry install --help", Touch),
        ("poetry run python x.py", type(None)), ("poetry build", type(None)),
        ("poetry config virtualenvs.create false", type(None)), ("poetry", type(None)),
    ],
)  # fmt: skip
def test_other_commands(recognise: Any, command: str, kind: type) -> None:
    assert isinstance(recognise(poetry, command), kind)


@pytest.mark.parametrize(
    ("reason", "command", "files", "reads", "trees"),
    [
        ("no root", "poetry install --no-root", {"pyproject.toml": POETRY, "poetry.lock": LOCK,
         "README.md": "", "app/__init__.py": ""}, ["poetry.lock", "pyproject.toml"], []),
        ("settings", "poetry install --no-root", {"pyproject.toml": POETRY, "poetry.lock": LOCK,
         "poetry.toml": "[virtualenvs]\ncreate = false\n"},
         ["poetry.lock", "poetry.toml", "pyproject.toml"], []),
        ("no package", "poetry install", {"pyproject.toml": NO_PACKAGE, "poetry.lock": LOCK,
         "a.py": ""}, ["poetry.lock", "pyproject.toml"], []),
        ("no lock", "poetry install --no-root", {"pyproject.toml": POETRY}, ["pyproject.toml"], []),
        ("export", "poetry export -o r.txt", {"pyproject.toml": POETRY, "poetry.lock": LOCK},
         ["poetry.lock", "pyproject.toml"], []),
        ("lock", "poetry lock", {"pyproject.toml": POETRY, "a.py": ""}, ["pyproject.toml"], []),
        ("directory left out", "poetry install --no-root --no-directory",
         {"pyproject.toml": POETRY, "poetry.lock": LOCK + DIRECTORY, "lib/a.py": ""},
         ["poetry.lock", "pyproject.toml"], []),
        ("static directory", "poetry install --no-root", {"pyproject.toml": POETRY,
         "poetry.lock": LOCK + DIRECTORY, "lib/pyproject.toml": STATIC, "lib/a.py": "", "b.py": ""},
         ["poetry.lock", "pyproject.toml"], ["lib"]),
        ("wheel", "poetry install --no-root", {"pyproject.toml": POETRY, "w/x.whl": b"",
         "poetry.lock": DIRECTORY.replace('"directory"', '"file"').replace('"lib"', '"w/x.whl"')},
         ["poetry.lock", "pyproject.toml", "w/x.whl"], []),
        ("wheel without a lock", "poetry install --no-root", {"w/x.whl": b"", "pyproject.toml":
         POETRY + 'x = {path = "w/x.whl"}\n'}, ["pyproject.toml", "w/x.whl"], []),
        ("plain plugin", "poetry install --no-root", {"pyproject.toml": POETRY +
         '[tool.poetry.requires-plugins]\npoetry-plugin-export = ">1"\n', "poetry.lock": LOCK},
         ["poetry.lock", "pyproject.toml"], []),
        ("manifest above", "poetry -C sub install --no-root", {"pyproject.toml": POETRY,
         "poetry.lock": LOCK, "sub/x": ""}, ["poetry.lock", "pyproject.toml"], []),
    ],
)  # fmt: skip
def test_reads(
    ask: Any, reason: str, command: str, files: Any, reads: list[str], trees: list[str]
) -> None:
    answer = ask(poetry, command, files)

    assert isinstance(answer, Inputs), answer
    assert answer.reads == tuple(f"/app/{name}" for name in reads)
    assert answer.trees == tuple(f"/app/{name}" for name in trees)


@pytest.mark.parametrize(
    ("reason", "command", "files", "code"),
    [
        ("nothing copied", "poetry install", {"a.py": ""}, "manifest-outside-copy"),
        ("root", "poetry install", {"pyproject.toml": POETRY}, "project-install"),
        ("root of a group", "poetry install --only main", {"pyproject.toml": POETRY},
         "project-install"),
        ("no lock", "poetry sync", {"pyproject.toml": POETRY}, "missing-lockfile"),
        ("truncated", "poetry install --no-root", {"pyproject.toml": POETRY, "poetry.lock": "[[p"},
         "unreadable-manifest"),
        ("directory", "poetry install --no-root", {"pyproject.toml": POETRY,
         "poetry.lock": DIRECTORY, "lib/setup.py": "print()"}, "local-dependency"),
        ("directory without a lock", "poetry install --no-root", {"pyproject.toml":
         POETRY + 'lib = [{path = "lib"}]\n', "lib/setup.py": "print()"}, "local-dependency"),
        ("directory in a group", "poetry install --no-root", {"pyproject.toml":
         POETRY + '[tool.poetry.group.dev.dependencies]\nlib = {path = "lib"}\n',
         "lib/setup.py": "print()"}, "local-dependency"),
        ("directory by a standard", "poetry install --no-root", {"pyproject.toml":
         '[project]\nname = "a"\ndependencies = ["lib @ file:lib"]\n', "lib/setup.py": "print()"},
         "local-dependency"),
        ("missing wheel", "poetry install --no-root", {"pyproject.toml":
         POETRY + 'x = {path = "x.whl"}\n'}, "manifest-outside-copy"),
        ("local index", "poetry install --no-root", {"pyproject.toml":
         POETRY + '[[tool.poetry.source]]\nurl = "file:///app/w"\n'}, "config-reads-source"),
        ("plugin", "poetry install --no-root", {"pyproject.toml":
         POETRY + '[tool.poetry.requires-plugins]\nmine = "*"\n'}, "config-reads-source"),
        ("version from git", "poetry install --no-root", {"pyproject.toml":
         POETRY + "[tool.poetry-dynamic-versioning]\nenable = true\n"}, "version-from-git"),
        ("environment", "poetry install --no-root", {"pyproject.toml": POETRY,
         ".venv/pyvenv.cfg": ""}, "installed-packages-in-context"),
        ("committed lock", "poetry lock", {"pyproject.toml": POETRY, "poetry.lock": LOCK},
         "install-edits-manifest"),
    ],
)  # fmt: skip
def test_holds(ask: Any, reason: str, command: str, files: Any, code: str) -> None:
    answer = ask(poetry, command, files)

    assert isinstance(answer, Obstacle), answer
    assert answer.code == code


@pytest.mark.parametrize(
    ("files", "env", "written"),
    [
        ({}, {"POETRY_VIRTUALENVS_IN_PROJECT": "true"}, True),
        ({"poetry.toml": "[virtualenvs]\nin-project = true\n"}, {}, True),
        ({"poetry.toml": "[virtualenvs]\nin-project = true\ncreate = false\n"}, {}, False),
        ({"poetry.toml": "[virtualenvs]\nin-project = true\n"},
         {"POETRY_VIRTUALENVS_IN_PROJECT": "false"}, False),
        ({}, {}, False),
    ],
)  # fmt: skip
def test_settings_say_where_the_environment_lies(
    ask: Any, files: Any, env: Any, written: bool
) -> None:
    answer = ask(poetry, "poetry install --no-root", {"pyproject.toml": POETRY, **files}, env=env)

    assert isinstance(answer, Inputs)
    assert ("/app/.venv" in answer.writes) == written


@pytest.mark.parametrize(
    ("command", "files", "expected"),
    [
        ("poetry install --only main -n", {"pyproject.toml": POETRY},
         "poetry install --no-root --only main -n"),
        ("poetry sync", {"pyproject.toml": POETRY, "poetry.lock": LOCK}, "poetry sync --no-root"),
        ("poetry install", {"pyproject.toml": POETRY, "poetry.lock": DIRECTORY, "lib/setup.py": ""},
         "poetry install --no-root --no-directory"),
        ("poetry install --no-root",
         {"pyproject.toml": POETRY, "poetry.lock": DIRECTORY, "lib/setup.py": ""},
         "poetry install --no-directory --no-root"),
        ("poetry install", {"pyproject.toml": NO_PACKAGE}, None),
        ("poetry install --only-root", {"pyproject.toml": POETRY}, None),
        ("poetry build", {"pyproject.toml": POETRY}, None),
    ],
)  # fmt: skip
def test_dependency_step(command: str, files: Any, expected: str | None) -> None:
    content = MemoryFiles({f"/app/{name}": text for name, text in files.items()})
    found = poetry.dependency_step(Call(tuple(command.split()), "/app", {}), content)

    assert (found.title if isinstance(found, Install) else found) == expected
    if isinstance(found, Install):
        assert isinstance(poetry.inputs(found, content), Inputs)
