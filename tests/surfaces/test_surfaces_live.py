"""Builds drawn while they run, on a pseudo-terminal: what is seen, and what is left."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.measure import write
from tests.surfaces.terminals import ROOT, Session, start

LOCKFILE = (
    '{"name": "app", "version": "1.0.0", "lockfileVersion": 3, '
    '"packages": {"": {"name": "app", "version": "1.0.0"}}}'
)
NOW = "2026-01-01T00:00:00Z"
LONG = f"[2/3] RUN npm ci && {'x' * 300}"
SAID = "\x1b[31mred\x1b[0m\r10%\r20% [bold]of\x07 " + "y" * 300


def status(vertexes: list[dict[str, str]], said: str = "") -> str:
    logs = [{"vertex": "2", "data": base64.b64encode(said.encode()).decode()}] if said else []
    return json.dumps({"vertexes": vertexes, "logs": logs})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    write("Dockerfile", "FROM node:22-slim\nWORKDIR /app\nCOPY . .\nRUN npm ci\n")(folder)
    write("package.json", '{"name": "app", "version": "1.0.0"}')(folder)
    write("package-lock.json", LOCKFILE)(folder)
    (folder / "src").mkdir()
    (tmp_path / "bin").mkdir()
    return folder


def pretend_docker(project: Path) -> None:
    """Makes a ``docker`` whose builds show a step at work until there is a file ``go``, and then
    fail at it."""
    first = {"digest": "1", "name": "[1/3] FROM node:22-slim", "started": NOW, "completed": NOW}
    second = {"digest": "2", "name": LONG, "started": NOW}
    write("begun", f"{status([first, second], SAID)}\n")(project.parent)
    ended = status([{**second, "completed": NOW, "error": "exit code: 1"}])
    write("ended", f"{ended}\n")(project.parent)
    script = (
        "#!/bin/sh\ncd ..\n"
        'case "$2" in\n'
        "inspect) printf 'Name: default\\nDriver: docker\\n' ;;\n"
        "build) cat begun >&2; while ! [ -e go ]; do sleep 0.1; done; cat ended >&2; exit 1 ;;\n"
        "esac\n"
    )
    write("bin/docker", script)(project.parent)
    (project.parent / "bin/docker").chmod(0o755)


def environment(project: Path) -> dict[str, str]:
    """One in which the ``docker`` beside the project comes first."""
    folder = project.parent / "bin"
    path = f"{folder}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}


def begin(project: Path, columns: int, *words: str, name: str = "xterm") -> Session:
    pretend_docker(project)
    return start(project, columns, environment(project), *words, name=name)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_steps_at_work_are_drawn_and_nothing_of_them_stays(project: Path, columns: int) -> None:
    session = begin(project, columns, "verify", "Dockerfile")
    session.until(lambda screen: "20% [bold]of" in screen.text and screen.drawn > 5)
    assert not session.screen.cursor_shown
    heading, step, said = session.screen.text.splitlines()
    assert heading[1:].startswith(" building the original")
    assert re.search(r" 1/2  \d+ s$", heading.rstrip())
    assert step.startswith("  [2/3] RUN npm ci")
    assert re.search(r"… +\d+ s$", step.rstrip())
    assert said.startswith(r"    20% [bold]of\x07 yy")
    assert said.rstrip().endswith("…")
    (project.parent / "go").touch()
    assert session.end() == 2
    assert session.screen.cursor_shown
    assert "building" not in session.screen.text
    assert "the original does not build" in " ".join(session.screen.text.split())


def test_ctrl_c_ends_it_clean(project: Path) -> None:
    session = begin(project, 80, "fix", "--verify", "Dockerfile")
    session.until(lambda screen: "npm ci" in screen.text)
    os.write(session.master, b"\x03")
    assert session.end() == 130
    assert session.screen.cursor_shown
    assert "building" not in session.screen.text
    assert session.screen.text == ""
    assert {path.name for path in (project.parent / "bin").iterdir()} == {"docker"}


def test_a_terminal_that_cannot_draw_gets_plain_lines(project: Path) -> None:
    (project.parent / "go").touch()
    session = begin(project, 80, "verify", "Dockerfile", name="dumb")
    assert session.end() == 2
    assert session.screen.drawn == 0
    assert "building the original\n" in session.screen.text


def test_where_nobody_looks_every_build_is_one_line(project: Path) -> None:
    pretend_docker(project)
    (project.parent / "go").touch()
    done = subprocess.run(
        [sys.executable, "-m", "optimizer", "verify", "Dockerfile"],
        cwd=project,
        env=environment(project),
        capture_output=True,
        text=True,
        check=False,
    )
    first, *more = done.stderr.splitlines()
    assert (done.returncode, first) == (2, "building the original")
    assert not any("building" in line for line in more)
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "numbers",
    [
        [signal.SIGHUP],
        [signal.SIGTERM],
        [signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
    ],
)
def test_told_to_end_it_cleans_up_once(project: Path, numbers: list[signal.Signals]) -> None:
    pretend_docker(project)
    process = subprocess.Popen(
        # What a shell starts in the background ignores Ctrl-C.
        ["env", "--default-signal=INT", sys.executable, "-m", "optimizer", "verify", "Dockerfile"],
        cwd=project,
        env=environment(project),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "building the original\n"
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.1)
    assert process.wait(60) == 130
    assert "Traceback" not in process.stderr.read()
    assert {path.name for path in (project.parent / "bin").iterdir()} == {"docker"}
    assert not any(str(project.parent) in line for line in command_lines())


def command_lines() -> Iterator[str]:
    """Yields the words of every process."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_bytes().decode(errors="replace")
