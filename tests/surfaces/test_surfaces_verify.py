"""`dockopt verify` without an engine: what it says and how it exits."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from optimizer.journal import Applied, ContextAnswer
from optimizer.model.stages import Invocation
from optimizer.proposal import Safety
from optimizer.surfaces.commands import app
from optimizer.surfaces.verify import exit_code, held_back
from optimizer.verify.judge import Verification
from optimizer.verify.verdict import Finding, Outcome, Verdict
from tests.engine.measure import write

ROOT = Path(__file__).resolve().parents[2]

DOCKERFILE = 'FROM node:22-slim\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD ["node", "src/index.js"]\n'
LOCKFILE = (
    '{"name": "app", "version": "1.0.0", "lockfileVersion": 3, '
    '"packages": {"": {"name": "app", "version": "1.0.0"}}}'
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    write("Dockerfile", DOCKERFILE)(folder)
    write("package.json", '{"name": "app", "version": "1.0.0"}')(folder)
    write("package-lock.json", LOCKFILE)(folder)
    write("src/index.js", "1")(folder)
    return folder


def dockopt(folder: Path, *words: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Runs dockopt on a machine on which only the programs in ``path`` exist."""
    return subprocess.run(
        [sys.executable, "-m", "optimizer", *words],
        cwd=folder,
        env={**os.environ, "PATH": str(path), "PYTHONPATH": str(ROOT), "TMPDIR": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


def pretend(path: Path, script: str) -> None:
    """Makes a ``docker`` that does what ``script`` says."""
    program = path / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.parametrize("words", [["verify"], ["bisect"], ["fix", "--verify"]])
@pytest.mark.parametrize(
    ("script", "first", "second"),
    [
        pytest.param(
            None,
            "docker is not installed",
            "Install Docker Engine with buildx, or choose a builder: --builder NAME.",
            id="no-docker",
        ),
        pytest.param(
            "echo 'docker: unknown command: docker buildx' >&2; exit 1",
            "docker has no buildx",
            "Install Docker Engine with buildx, or choose a builder: --builder NAME.",
            id="no-buildx",
        ),
        pytest.param(
            "echo 'ERROR: Cannot connect to the Docker daemon at unix:///x' >&2; exit 1",
            "no builder answers: Cannot connect to the Docker daemon at unix:///x",
            "Start the engine, or choose another builder: --builder NAME.",
            id="no-engine",
        ),
    ],
)
def test_without_an_engine_two_lines_say_how_to_get_one(
    words: list[str],
    script: str | None,
    first: str,
    second: str,
    project: Path,
    tmp_path: Path,
) -> None:
    path = tmp_path / "bin"
    path.mkdir()
    if script is not None:
        pretend(path, script)
    done = dockopt(project, *words, "Dockerfile", path=path)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.splitlines() == [f"dockopt: error: {first}", second]


def test_where_nothing_changes_no_engine_is_asked_for(project: Path, tmp_path: Path) -> None:
    write("Dockerfile", "FROM node:22-slim\n")(project)
    done = dockopt(project, "verify", "Dockerfile", path=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "nothing to verify: no change is proposed\n"


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ((), 0),
        (("kept", "kept"), 0),
        (("kept", "unverifiable"), 3),
        (("unverifiable", "before-broken"), 2),
        (("before-broken", "broken", "unverifiable"), 1),
    ],
)
def test_the_worst_verdict_is_the_exit_code(outcomes: Sequence[Outcome], code: int) -> None:
    found = [
        Verification(
            *("Dockerfile", ContextAnswer(".", "its own folder"), Invocation(), "none"),
            *((), (Verdict(outcome),), 1.0),
        )
        for outcome in outcomes
    ]
    assert exit_code(found) == code


def test_what_is_held_back_names_the_package_to_install() -> None:
    change = Applied(
        *("slim-base", "Take a slim base", Safety.SAME_BEHAVIOR, "", 1, 1),
        *((), (), (), (), "FROM python", "FROM python:slim"),
    )
    missing = "libpq.so.5 is missing: /app needs it; in stage `build` the package libpq5 owns it"
    held = held_back(change, Verdict("broken", (Finding("/app", missing, "libpq5"),)))
    assert held.code == "build-broke-promise"
    assert held.reason == f"Take a slim base: {missing}."
    assert held.unblock.startswith("Install libpq5 in the image,")
    other = held_back(change, Verdict("broken", (Finding("config Env", "Env lost A=1"),)))
    assert other.unblock.startswith("Change the file by hand,")


@pytest.mark.parametrize("command", ["fix", "verify", "bisect"])
def test_help_says_what_exit_codes_mean(command: str) -> None:
    said = " ".join(CliRunner().invoke(app, [command, "--help"]).output.split())
    if command == "bisect":
        assert "Exit codes are those of verify." in said
        return
    for code in range(4):
        assert f"{code}: " in said


@pytest.mark.parametrize("command", ["verify", "bisect"])
def test_what_is_no_dockerfile_is_told(command: str, project: Path, tmp_path: Path) -> None:
    write("Dockerfile", "FORM x\n")(project)
    done = dockopt(project, command, "Dockerfile", path=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Dockerfile:1:1: error: unknown instruction: FORM")
