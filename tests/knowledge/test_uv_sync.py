"""uv's projects: which commands install, what they read, and the step that brings in the rest."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.knowledge.installs import Call, Inputs, Install, Obstacle, Touch
from optimizer.knowledge.python import uv
from tests.knowledge.conftest import MemoryFiles

PACKAGE = """
[project]
name = "app"
version = "1"
dependencies = ["six"]
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
"""
PLAIN = '[project]\nname = "app"\nversion = "1"\ndependencies = ["six"]\n'
SIX = '[[package]]\nname = "six"\nsource = { registry = "https://h/simple" }\n'
OWN = '[[package]]\nname = "app"\nsource = { editable = "." }\n'
VIRTUAL = '[[package]]\nname = "app"\nsource = { virtual = "." }\n'
FROZEN = "uv sync --frozen --no-install-project"


def step(command: str, files: dict[str, Any], env: Any = None) -> Install | Obstacle | None:
    content = {f"/app/{name}": text for name, text in files.items()}
    return uv.dependency_step(Call(tuple(command.split()), "/app", env or {}), MemoryFiles(content))


@pytest.mark.parametrize(
    "command",
    ["uv sync", "uv sync --frozen --no-dev", "uv --quiet sync --extra a -p 3.12", "uv lock",
     "uv export -o r.txt --no-hashes", "uv sync --no-install-package=x -nq"],
)  # fmt: skip
def test_installs_are_recognised(recognise: Any, command: str) -> None:
    assert isinstance(recognise(uv, command), Install)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("uv add flask", "install-edits-manifest"),
        ("uv remove flask", "install-edits-manifest"),
        ("uv sync --frobnicate", "unknown-install-flag"),
        ("uv sync flask", "unknown-install-flag"),
        ("uv sync --script x.py", "install-reads-source"),
    ],
)
def test_commands_that_do_more_are_obstacles(recognise: Any, command: str, code: str) -> None:
    answer = recognise(uv, command)

    assert isinstance(answer, Obstacle)
    assert answer.code == code


@pytest.mark.parametrize(
    "command", ["uv venv", "uv run x.py", "uv pip install x", "uv", "uv python install", "uvx x"]
)
def test_other_commands_are_not_ours(recognise: Any, command: str) -> None:
    assert recognise(uv, command) is None


def test_help_reads_nothing(recognise: Any) -> None:
    answer = recognise(uv, "uv sync --help")

    assert isinstance(answer, Touch)
    assert answer.reads == ()


@pytest.mark.parametrize(
    ("reason", "command", "files", "reads"),
    [
        ("no package", "uv sync --locked", {"pyproject.toml": PLAIN, "uv.lock": VIRTUAL,
         "a.py": ""},
         ["pyproject.toml", "uv.lock"]),
        ("no lock and no package", "uv sync", {"pyproject.toml": PLAIN, "a.py": ""},
         ["pyproject.toml"]),
        ("told to be no package", "uv sync",
         {"pyproject.toml": PACKAGE + "[tool.uv]\npackage=false"},
         ["pyproject.toml"]),
        ("project left out", FROZEN, {"pyproject.toml": PACKAGE, "uv.lock": OWN + SIX,
         "README": ""},
         ["pyproject.toml", "uv.lock"]),
        ("settings and versions", FROZEN,
         {"pyproject.toml": PACKAGE, "uv.lock": OWN, "uv.toml": "", ".python-version": "3.12",
          "src/.python-version": ""}, [".python-version", "pyproject.toml", "uv.lock", "uv.toml"]),
        ("only a group", "uv sync --only-group docs --locked",
         {"pyproject.toml": PACKAGE, "uv.lock": OWN}, ["pyproject.toml", "uv.lock"]),
        ("a wheel", FROZEN,
         {"pyproject.toml": PACKAGE, "v/x.whl": b"", "v/y.whl": b"", "uv.lock": OWN +
          '[[package]]\nname = "x"\nsource = { path = "v/x.whl" }\n'},
         ["pyproject.toml", "uv.lock", "v/x.whl"]),
        ("members", "uv sync --locked --no-install-workspace",
         {"pyproject.toml": PLAIN + '[tool.uv.workspace]\nmembers = ["libs/*", "x"]\nexclude = '
          '["libs/c"]\n', "libs/a/pyproject.toml": PACKAGE, "libs/a/a.py": "",
          "libs/b/pyproject.toml": PACKAGE, "libs/c/pyproject.toml": PACKAGE, "libs/d/x": "",
          "uv.lock": VIRTUAL + '[[package]]\nname = "a"\nsource = { editable = "libs/a" }\n'},
         ["libs/a/pyproject.toml", "libs/b/pyproject.toml", "pyproject.toml", "uv.lock"]),
        ("export", "uv export --frozen -o r.txt", {"pyproject.toml": PACKAGE, "uv.lock": OWN},
         ["pyproject.toml", "uv.lock"]),
    ],
)  # fmt: skip
def test_reads(ask: Any, reason: str, command: str, files: Any, reads: list[str]) -> None:
    answer = ask(uv, command, files)

    assert isinstance(answer, Inputs), answer
    assert answer.reads == tuple(f"/app/{name}" for name in reads)
    assert answer.trees == ()


def test_a_member_finds_its_workspace(ask: Any) -> None:
    files = {
        "pyproject.toml": PLAIN + '[tool.uv.workspace]\nmembers = ["libs/*"]\n',
        "libs/a/pyproject.toml": PLAIN, "uv.lock": VIRTUAL, "libs/a/uv.lock": "",
    }  # fmt: skip
    answer = ask(uv, "uv sync --locked", files, directory="/app/libs/a")

    assert isinstance(answer, Inputs)
    assert answer.reads == ("/app/libs/a/pyproject.toml", "/app/pyproject.toml", "/app/uv.lock")
    assert "/app/.venv" in answer.writes


@pytest.mark.parametrize(
    ("reason", "command", "files", "code"),
    [
        ("nothing copied", "uv sync", {"a.py": ""}, "manifest-outside-copy"),
        ("the project is built", "uv sync --frozen", {"pyproject.toml": PACKAGE, "uv.lock": OWN},
         "project-install"),
        ("the project is built, no lock", "uv sync", {"pyproject.toml": PACKAGE},
         "project-install"),
        ("no lock", "uv sync --frozen", {"pyproject.toml": PLAIN}, "missing-lockfile"),
        ("no lock, by a variable", "uv sync", {"pyproject.toml": PLAIN}, "missing-lockfile"),
        ("truncated lock", FROZEN, {"pyproject.toml": PACKAGE, "uv.lock": '[[package]]\nname = "a'},
         "unreadable-manifest"),
        ("broken manifest", FROZEN, {"pyproject.toml": "[project", "uv.lock": OWN},
         "unreadable-manifest"),
        ("too large", FROZEN, {"pyproject.toml": None, "uv.lock": OWN}, "unreadable-manifest"),
        ("path dependency", FROZEN, {"pyproject.toml": PACKAGE, "lib/pyproject.toml": PACKAGE,
         "uv.lock": OWN + '[[package]]\nname = "l"\nsource = { directory = "lib" }\n'},
         "local-dependency"),
        ("missing wheel", FROZEN, {"pyproject.toml": PACKAGE,
         "uv.lock": OWN + '[[package]]\nname = "l"\nsource = { path = "l.whl" }\n'},
         "manifest-outside-copy"),
        ("dependencies computed", "uv sync --locked --no-install-project",
         {"pyproject.toml": PACKAGE.replace("dependencies", 'dynamic = ["dependencies"] #'),
          "uv.lock": OWN}, "project-install"),
        ("environment in the context", FROZEN,
         {"pyproject.toml": PACKAGE, "uv.lock": OWN, ".venv/pyvenv.cfg": ""},
         "installed-packages-in-context"),
        ("local index", FROZEN, {"pyproject.toml": PACKAGE, "uv.lock": OWN,
         "uv.toml": '[[index]]\nurl = "./wheels"\n'}, "config-reads-source"),
        ("deep pattern", "uv sync", {"pyproject.toml":
         PLAIN + '[tool.uv.workspace]\nmembers = ["**/x"]\n'}, "unsupported-workspace-glob"),
        ("member outside", "uv sync", {"pyproject.toml":
         PLAIN + '[tool.uv.workspace]\nmembers = ["../x"]\n'}, "workspace-outside-root"),
        ("lock is committed", "uv lock", {"pyproject.toml": PLAIN, "uv.lock": VIRTUAL},
         "install-edits-manifest"),
    ],
)  # fmt: skip
def test_holds(ask: Any, reason: str, command: str, files: Any, code: str) -> None:
    env = {"UV_LOCKED": "1"} if "variable" in reason else {}
    answer = ask(uv, command, files, env=env)

    assert isinstance(answer, Obstacle), answer
    assert answer.code == code


def test_a_broken_manifest_is_named_with_its_line(ask: Any) -> None:
    answer = ask(uv, FROZEN, {"pyproject.toml": "[project]\nname = \n", "uv.lock": OWN})

    assert (answer.path, answer.line) == ("/app/pyproject.toml", 2)


def test_an_unpinned_sync_may_change_the_lock(ask: Any) -> None:
    answer = ask(uv, "uv sync", {"pyproject.toml": PLAIN, "uv.lock": VIRTUAL})

    assert answer.rewrites == ("/app/uv.lock",)


@pytest.mark.parametrize(
    ("command", "files", "expected"),
    [
        ("uv sync --frozen --no-dev", {"pyproject.toml": PACKAGE, "uv.lock": OWN},
         "uv sync --no-install-project --frozen --no-dev"),
        ("uv sync", {"pyproject.toml": PACKAGE}, "uv sync --no-install-project"),
        ("uv sync", {"pyproject.toml": PLAIN}, None),
        ("uv sync --no-install-project", {"pyproject.toml": PACKAGE, "uv.lock": OWN}, None),
        ("uv sync --locked --extra x",
         {"pyproject.toml": PACKAGE.replace("dependencies", 'dynamic = ["dependencies"] #'),
          "uv.lock": OWN}, "uv sync --no-install-project --frozen --extra x"),
        ("uv sync --locked",
         {"pyproject.toml": PACKAGE + '[tool.uv.workspace]\nmembers = ["a"]\n',
          "a/pyproject.toml": PACKAGE, "lib/pyproject.toml": PACKAGE, "uv.lock": OWN +
          '[[package]]\nname = "a"\nsource = { editable = "a" }\n'
          '[[package]]\nname = "My_Lib"\nsource = { directory = "lib" }\n'},
         "uv sync --no-install-workspace --no-install-package my-lib --locked"),
        ("uv run x", {"pyproject.toml": PACKAGE}, None),
        ("uv export", {"pyproject.toml": PACKAGE, "uv.lock": OWN}, None),
    ],
)  # fmt: skip
def test_dependency_step(command: str, files: Any, expected: str | None) -> None:
    found = step(command, files)

    assert (found.title if isinstance(found, Install) else found) == expected
    if isinstance(found, Install):
        content = MemoryFiles({f"/app/{name}": text for name, text in files.items()})
        assert isinstance(uv.inputs(found, content), Inputs)


def test_dependency_step_says_why_there_is_none() -> None:
    found = step("uv sync --frozen", {"pyproject.toml": PACKAGE})

    assert isinstance(found, Obstacle)
    assert found.code == "missing-lockfile"
