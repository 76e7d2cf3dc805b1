"""pipenv: which commands install, and what they read."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.knowledge.installs import Inputs, Install, Obstacle, Touch
from optimizer.knowledge.python import pipenv

PIPFILE = (
    '[[source]]\nurl = "https://h"\n[packages]\nsix = "*"\n[requires]\npython_version="3.11"\n'
)
LOCK = {"_meta": {"hash": {"sha256": "0"}}, "default": {"six": {"version": "==1"}}, "develop": {}}
DEPLOY = "pipenv install --system --deploy"


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (DEPLOY, Install), ("pipenv sync --dev", Install), ("pipenv install", Install),
        ("pipenv install --ignore-pipfile -d", Install), ("pipenv requirements", Install),
        ("pipenv lock", Install), ("pipenv install flask", Obstacle), ("pipenv update", Obstacle),
        ("pipenv install -r r.txt", Obstacle), ("pipenv install -e .", Obstacle),
        ("pipenv install --frobnicate", Obstacle), ("pipenv --version", Touch),
        ("pipenv run x", type(None)), ("pipenv --rm", type(None)), ("pipenv", Touch),
    ],
)  # fmt: skip
def test_commands(recognise: Any, command: str, kind: type) -> None:
    assert isinstance(recognise(pipenv, command), kind)


@pytest.mark.parametrize(
    ("reason", "command", "files", "reads", "rewrites"),
    [
        ("locked", DEPLOY, {"Pipfile": PIPFILE, "Pipfile.lock": LOCK, "setup.py": "", "a.py": ""},
         ["Pipfile", "Pipfile.lock"], []),
        ("variables", "pipenv sync", {"Pipfile": PIPFILE, "Pipfile.lock": LOCK, ".env": "A=1"},
         [".env", "Pipfile", "Pipfile.lock"], []),
        ("not locked", "pipenv install", {"Pipfile": PIPFILE, "Pipfile.lock": LOCK},
         ["Pipfile", "Pipfile.lock"], ["Pipfile.lock"]),
        ("no lock", "pipenv install", {"Pipfile": PIPFILE}, ["Pipfile"], []),
        ("skipped lock", "pipenv install --skip-lock", {"Pipfile": PIPFILE}, ["Pipfile"], []),
        ("wheel", DEPLOY, {"Pipfile": PIPFILE.replace('"*"', '{path = "w/six.whl"}'),
         "w/six.whl": b"", "Pipfile.lock": LOCK}, ["Pipfile", "Pipfile.lock", "w/six.whl"], []),
    ],
)  # fmt: skip
def test_reads(
    ask: Any, reason: str, command: str, files: Any, reads: list[str], rewrites: list[str]
) -> None:
    answer = ask(pipenv, command, files)

    assert isinstance(answer, Inputs), answer
    assert answer.reads == tuple(f"/app/{name}" for name in reads)
    assert answer.rewrites == tuple(f"/app/{name}" for name in rewrites)


def test_a_variable_names_the_pipfile(ask: Any) -> None:
    files = {"deploy/Pipfile": PIPFILE, "deploy/Pipfile.lock": LOCK, "Pipfile": PIPFILE}
    answer = ask(pipenv, "pipenv sync", files, env={"PIPENV_PIPFILE": "deploy/Pipfile"})

    assert answer.reads == ("/app/deploy/Pipfile", "/app/deploy/Pipfile.lock")


@pytest.mark.parametrize(
    ("reason", "command", "files", "code"),
    [
        ("nothing", DEPLOY, {"a.py": ""}, "manifest-outside-copy"),
        ("no lock", DEPLOY, {"Pipfile": PIPFILE}, "missing-lockfile"),
        ("no lock to sync", "pipenv sync", {"Pipfile": PIPFILE}, "missing-lockfile"),
        ("the project", DEPLOY, {"Pipfile": PIPFILE.replace('"*"', '{path=".", editable=true}'),
         "Pipfile.lock": LOCK}, "project-install"),
        ("the project, in the lock only", "pipenv sync", {"Pipfile": PIPFILE, "Pipfile.lock":
         {"default": {"app": {"path": ".", "editable": True}}}}, "project-install"),
        ("a directory", DEPLOY, {"Pipfile": PIPFILE.replace('"*"', '{path = "lib"}'),
         "lib/setup.py": "print()", "Pipfile.lock": LOCK}, "local-dependency"),
        ("missing wheel", DEPLOY, {"Pipfile": PIPFILE.replace('"*"', '{file = "x.whl"}'),
         "Pipfile.lock": LOCK}, "manifest-outside-copy"),
        ("truncated lock", DEPLOY, {"Pipfile": PIPFILE, "Pipfile.lock": '{"default": {'},
         "unreadable-manifest"),
        ("local index", DEPLOY, {"Pipfile": PIPFILE.replace("https://h", "file:///app/w"),
         "Pipfile.lock": LOCK}, "config-reads-source"),
        ("broken", DEPLOY, {"Pipfile": "[packages", "Pipfile.lock": LOCK}, "unreadable-manifest"),
        ("committed lock", "pipenv lock", {"Pipfile": PIPFILE, "Pipfile.lock": LOCK},
         "install-edits-manifest"),
    ],
)  # fmt: skip
def test_holds(ask: Any, reason: str, command: str, files: Any, code: str) -> None:
    answer = ask(pipenv, command, files)

    assert isinstance(answer, Obstacle), answer
    assert answer.code == code


def test_an_environment_in_the_context_counts_unless_the_system_is_meant(ask: Any) -> None:
    files = {"Pipfile": PIPFILE, "Pipfile.lock": LOCK, ".venv/pyvenv.cfg": ""}

    assert ask(pipenv, "pipenv sync", files).code == "installed-packages-in-context"
    assert isinstance(ask(pipenv, "pipenv sync --system", files), Inputs)
