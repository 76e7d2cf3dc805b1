"""What goes wrong with one file stays with that file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from optimizer.journal import Failure, Outcome
from optimizer.surfaces import run
from optimizer.surfaces.config import Config
from optimizer.surfaces.load import Request, Task
from optimizer.surfaces.processes import look_in_processes
from optimizer.surfaces.run import default_jobs, look_at, look_at_each


def quiet(done: int) -> None:
    """Progress that nobody watches."""


def task(folder: Path, name: str, text: str = "FROM a\n") -> Task:
    (folder / name).write_text(text)
    return Task(folder / name, (folder / name,), folder, folder, Config())


@dataclass(frozen=True)
class Deadly(Task):
    """A file on which a process dies: the one that unpickles it ends at once."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (9,)


def deadly(folder: Path, name: str) -> Task:
    alive = task(folder, name)
    return Deadly(alive.file, alive.names, alive.root, alive.base, alive.config)


def test_process_that_dies_costs_its_file_alone(tmp_path: Path) -> None:
    tasks = [task(tmp_path, f"{number}.Dockerfile") for number in range(20)]
    tasks[3] = deadly(tmp_path, "3.Dockerfile")
    tasks[18] = deadly(tmp_path, "18.Dockerfile")
    counted: list[int] = []
    records = look_in_processes(tasks, Request(), 2, counted.append)
    assert [record.path for record in records] == [each.path for each in tasks]
    failed = [record for record in records if isinstance(record, Failure)]
    assert [failure.path for failure in failed] == ["3.Dockerfile", "18.Dockerfile"]
    assert "the process that looked at it died" in failed[0].message
    assert sum(counted) == 20


def test_exception_that_nobody_expected_costs_its_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: str, *_: object) -> Outcome:
        if path == "bad":
            raise KeyError("what")
        return Outcome(path, (), "", "")

    monkeypatch.setattr(run, "run", broken)
    monkeypatch.delenv("DOCKOPT_DEBUG", raising=False)
    tasks = [task(tmp_path, name) for name in ("good", "bad", "fine")]
    good, bad, fine = look_at_each(tasks, Request(), 1, quiet)
    assert isinstance(good, Outcome)
    assert isinstance(fine, Outcome)
    assert isinstance(bad, Failure)
    assert bad.message.startswith("internal error: KeyError: 'what'; this is a defect of dockopt")


def test_debugging_shows_the_exception(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Outcome:
        raise KeyError("what")

    monkeypatch.setattr(run, "run", broken)
    monkeypatch.setenv("DOCKOPT_DEBUG", "1")
    with pytest.raises(KeyError):
        look_at(task(tmp_path, "Dockerfile"), Request(), {})


@pytest.mark.parametrize(("files", "jobs"), [(0, 1), (1, 1), (127, 1), (100_000, os.cpu_count())])
def test_few_files_need_one_process(files: int, jobs: int) -> None:
    assert default_jobs(files) == jobs


SLEEPERS = """
import os, sys, time
from dataclasses import dataclass
from pathlib import Path
from optimizer.surfaces import cli, commands
from optimizer.surfaces.config import Config
from optimizer.surfaces.load import Request, Task
from optimizer.surfaces.processes import look_in_processes

@dataclass(frozen=True)
class Sleeper(Task):
    def __reduce__(self):
        return time.sleep, (60,)

def app(prog_name):
    here = Path()
    tasks = [Sleeper(here, (here,), here, here, Config()) for _ in range(64)]
    print("ready", flush=True)
    look_in_processes(tasks, Request(), 2, print)

if __name__ == "__main__":
    commands.app = app
    cli.main()
"""


@pytest.fixture
def sleepers(tmp_path: Path) -> subprocess.Popen[bytes]:
    """A run whose two processes never come back, in a process group of its own."""
    (tmp_path / "sleepers.py").write_text(SLEEPERS)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "sleepers.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    time.sleep(1)
    return process


def ends(group: int) -> bool:
    """Waits until no process of a group is left."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    os.killpg(group, signal.SIGKILL)
    return False


def test_interrupt_ends_all_processes_without_a_word(sleepers: subprocess.Popen[bytes]) -> None:
    os.killpg(sleepers.pid, signal.SIGINT)
    out, err = sleepers.communicate(timeout=20)
    assert (sleepers.returncode, out, err) == (130, b"", b"")
    assert ends(sleepers.pid)


def test_killed_run_leaves_no_process_behind(sleepers: subprocess.Popen[bytes]) -> None:
    sleepers.kill()
    sleepers.communicate(timeout=20)
    assert ends(sleepers.pid)
