"""PDM: which commands install, what they read, and the step that brings in the rest."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.knowledge.installs import Call, Inputs, Install, Obstacle, Touch
from optimizer.knowledge.python import pdm
from tests.knowledge.conftest import MemoryFiles

PACKAGE = '[project]\nname = "app"\nversion = "1"\ndependencies = ["six"]\n'
PLAIN = PACKAGE + "[tool.pdm]\ndistribution = false\n"
LOCK = '[[package]]\nname = "six"\nversion = "1"\n'
SYNC = "pdm sync --prod --no-self"


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("pdm install --check --prod --no-editable", Install), (SYNC, Install),
        ("pdm lock", Install),
        ("pdm export -o r.txt --without-hashes", Install), ("pdm add x", Obstacle),
        ("pdm update", Obstacle), ("pdm install --frobnicate", Obstacle),
        ("pdm install --plugins", Obstacle), ("pdm --version", Touch),
        ("pdm config python.use_venv false", Touch), ("pdm run x", type(None)),
    ],
)  # fmt: skip
def test_commands(recognise: Any, command: str, kind: type) -> None:
    assert isinstance(recognise(pdm, command), kind)


@pytest.mark.parametrize(
    ("reason", "command", "files", "reads", "rewrites"),
    [
        ("self left out", SYNC, {"pyproject.toml": PACKAGE, "pdm.lock": LOCK, "README.md": ""},
         ["pdm.lock", "pyproject.toml"], []),
        ("no distribution", "pdm install --check", {"pyproject.toml": PLAIN, "pdm.lock": LOCK},
         ["pdm.lock", "pyproject.toml"], []),
        ("settings", SYNC, {"pyproject.toml": PACKAGE, "pdm.lock": LOCK, "pdm.toml": "",
         ".python-version": "3.12"}, [".python-version", "pdm.lock", "pdm.toml", "pyproject.toml"],
         []),
        ("may relock", "pdm install", {"pyproject.toml": PLAIN, "pdm.lock": LOCK},
         ["pdm.lock", "pyproject.toml"], ["pdm.lock"]),
        ("no lock", "pdm install", {"pyproject.toml": PLAIN}, ["pyproject.toml"], []),
        ("wheel", SYNC, {"pyproject.toml": PACKAGE.replace("six",
         "six @ file:///${PROJECT_ROOT}/w/six.whl"), "w/six.whl": b"", "pdm.lock": LOCK},
         ["pdm.lock", "pyproject.toml", "w/six.whl"], []),
        ("skipped script", SYNC + " -k post_install", {"pyproject.toml": PACKAGE +
         '[tool.pdm.scripts]\npost_install = "x"\n', "pdm.lock": LOCK},
         ["pdm.lock", "pyproject.toml"], []),
        ("chosen interpreter", SYNC, {"pyproject.toml": PACKAGE, "pdm.lock": LOCK,
         ".pdm-python": "/usr/bin/python3"}, [".pdm-python", "pdm.lock", "pyproject.toml"],
         [".pdm-python"]),
    ],
)  # fmt: skip
def test_reads(
    ask: Any, reason: str, command: str, files: Any, reads: list[str], rewrites: list[str]
) -> None:
    answer = ask(pdm, command, files)

    assert isinstance(answer, Inputs), answer
    assert answer.reads == tuple(f"/app/{name}" for name in reads)
    assert answer.rewrites == tuple(f"/app/{name}" for name in rewrites)


@pytest.mark.parametrize(
    ("reason", "command", "files", "code"),
    [
        ("nothing", SYNC, {"a.py": ""}, "manifest-outside-copy"),
        ("self", "pdm install", {"pyproject.toml": PACKAGE}, "project-install"),
        ("library", "pdm install", {"pyproject.toml": PACKAGE +
         '[tool.pdm]\npackage-type = "library"\n'}, "project-install"),
        ("no lock", SYNC, {"pyproject.toml": PACKAGE}, "missing-lockfile"),
        ("script", SYNC, {"pyproject.toml": PACKAGE + '[tool.pdm.scripts]\npost_install = "x"\n',
         "pdm.lock": LOCK}, "install-script-reads-source"),
        ("plugin", SYNC, {"pyproject.toml": PACKAGE + '[tool.pdm]\nplugins = ["x"]\n',
         "pdm.lock": LOCK}, "config-reads-source"),
        ("directory", SYNC, {"pyproject.toml": PACKAGE.replace("six", "l @ file:///${X}/lib"),
         "pdm.lock": LOCK}, "local-dependency"),
        ("locked directory", SYNC, {"pyproject.toml": PACKAGE,
         "pdm.lock": LOCK + '[[package]]\nname = "l"\npath = "./lib"\n'}, "local-dependency"),
        ("local index", SYNC, {"pyproject.toml": PACKAGE +
         '[[tool.pdm.source]]\nurl = "file:///app/wheels"\n', "pdm.lock": LOCK},
         "config-reads-source"),
        ("computed", "pdm install --no-self", {"pyproject.toml":
         '[project]\nname = "app"\ndynamic = ["dependencies"]\n'}, "project-install"),
        ("environment", SYNC, {"pyproject.toml": PACKAGE, "pdm.lock": LOCK, ".venv/x": ""},
         "installed-packages-in-context"),
        ("truncated", SYNC, {"pyproject.toml": PACKAGE, "pdm.lock": "[[p"}, "unreadable-manifest"),
        ("committed lock", "pdm lock", {"pyproject.toml": PACKAGE, "pdm.lock": LOCK},
         "install-edits-manifest"),
    ],
)  # fmt: skip
def test_holds(ask: Any, reason: str, command: str, files: Any, code: str) -> None:
    answer = ask(pdm, command, files)

    assert isinstance(answer, Obstacle), answer
    assert answer.code == code


@pytest.mark.parametrize(
    ("command", "files", "expected"),
    [
        ("pdm install --check --prod", {"pyproject.toml": PACKAGE, "pdm.lock": LOCK},
         "pdm install --no-self --check --prod"),
        ("pdm sync", {"pyproject.toml": PACKAGE, "pdm.lock": LOCK}, "pdm sync --no-self"),
        ("pdm sync", {"pyproject.toml": PLAIN, "pdm.lock": LOCK}, None),
        ("pdm run x", {"pyproject.toml": PACKAGE}, None),
    ],
)  # fmt: skip
def test_dependency_step(command: str, files: Any, expected: str | None) -> None:
    content = MemoryFiles({f"/app/{name}": text for name, text in files.items()})
    found = pdm.dependency_step(Call(tuple(command.split()), "/app", {}), content)

    assert (found.title if isinstance(found, Install) else found) == expected
    if isinstance(found, Install):
        assert isinstance(pdm.inputs(found, content), Inputs)
