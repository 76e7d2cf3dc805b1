"""`dockopt pr` killed for real, by SIGKILL, at one point of its way after the other."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.forge.server import TOKEN, ForgeServer
from tests.surfaces.shops import Shop, only, through

WORDS = ("--no-verify", "--history", "0", "--author", "Bot <bot@example.com>")


pytestmark = pytest.mark.usefixtures("nobody")


@dataclass
class Killer:
    """Puts a git in front that kills who started it, and who started that one where there is a
    fleet: before or behind a call of a command, or in the middle of a push, from a hook."""

    folder: Path

    def run(self, point: Sequence[str], words: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        """Runs dockopt, which is killed at ``point``: a command, its how manieth call, and when."""
        command, number, when = point
        programs, calls, victims = (self.folder / each for each in ("bin", "calls", "victims"))
        programs.mkdir(exist_ok=True)
        calls.unlink(missing_ok=True)
        victims.unlink(missing_ok=True)
        kill = f"kill -9 $(cat {victims})"
        here = {
            "before": f"{kill}; exit 1",
            "behind": f'"$real" "$@"; {kill}; exit 1',
            "within": 'exec "$real" "$@"',
        }[when]
        (programs / "git").write_text(
            f"#!/bin/sh\nreal={shutil.which('git')}\n"
            f'case " $* " in *" {command} "*) echo >> {calls}\n'
            f'if [ "$(wc -l < {calls})" -eq {number} ]; then\n'
            f"echo $PPID {'$(ps -o ppid= -p $PPID)' if '--fleet' in words else ''} > {victims}\n"
            f'{here}\nfi;; esac\nexec "$real" "$@"\n'
        )
        (programs / "git").chmod(0o755)
        return subprocess.run(
            [sys.executable, "-m", "optimizer", "pr", *words],
            env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
                 "DOCKOPT_TOKEN": TOKEN, "TMPDIR": str(self.folder)},
            capture_output=True, check=False,
        )  # fmt: skip

    def hook(self, bare: Path, code: int) -> None:
        """Lets the other side kill who pushes, and then take what is pushed, or not."""
        hook = bare / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\nkill -9 $(cat {self.folder}/victims)\nexit {code}\n")
        hook.chmod(0o755)


BEFORE_ANYTHING = [
    ("fetch", "1", "behind"),
    # Between two commits.
    ("commit-tree", "1", "behind"),
    ("push", "1", "before"),
]


def wait_for(what: Callable[[], bool]) -> None:
    """Waits for what a git does whose dockopt is dead."""
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_one_branch_and_one_pull_request_however_often_it_is_killed(
    server: ForgeServer, tmp_path: Path
) -> None:
    shop = Shop.at(server.bare)
    shop.edit({".dockerignore": None})
    killer = Killer(tmp_path)
    words = (server.address, "--forge", "github", "--api", server.api, *WORDS)
    for point in BEFORE_ANYTHING:
        done = killer.run(point, words)
        assert done.returncode == -signal.SIGKILL, (point, done.stderr)
        assert (shop.branches, server.pulls) == ({}, []), point
    for code in (1, 0):
        killer.hook(shop.bare, code)
        assert killer.run(("push", "1", "within"), words).returncode == -signal.SIGKILL
        assert server.pulls == []
    wait_for(lambda: len(shop.branches) == 1)
    (shop.bare / "hooks" / "pre-receive").unlink()
    shop.edit({"src/index.js": "2", "Dockerfile": "FROM node:22-slim\nWORKDIR /srv\nCOPY . .\n"
               "RUN --mount=type=cache,target=/root/.npm npm ci\n"})  # fmt: skip
    before = shop.branches
    assert killer.run(("push", "1", "behind"), words).returncode == -signal.SIGKILL
    assert (len(shop.branches), server.pulls) == (1, [])
    assert shop.branches != before
    assert only(through(server)).action == "opened"
    assert len(server.pulls) == len(shop.branches) == 1
    ((branch, _),) = shop.branches.items()
    assert shop.git("rev-list", "--count", f"main..{branch}") == "2"
    writes = server.writes()
    assert only(through(server)).action == "unchanged"
    assert server.writes() == writes


def test_a_fleet_that_is_killed_goes_on(tmp_path: Path) -> None:
    """It is killed where a push is done and nobody has noted it yet."""
    shops = [Shop.at(tmp_path / f"owner{at}" / "shop.git") for at in range(3)]
    (tmp_path / "list").write_text("".join(f"{each.bare}\n" for each in shops))
    killer = Killer(tmp_path)
    journal = tmp_path / "journal"
    words = ("--fleet", str(tmp_path / "list"), "--journal", str(journal), "--jobs", "1", *WORDS)
    done = killer.run(("push", "2", "behind"), words)
    assert done.returncode == -signal.SIGKILL, done.stderr
    with sqlite3.connect(journal) as notes:
        states = [state for (state,) in notes.execute("SELECT state FROM visits ORDER BY rowid")]
    assert states == ["done", "waiting", "waiting"]
    again = killer.run(("push", "9", "before"), words)
    assert again.returncode == 0, again.stderr
    assert [len(each.branches) for each in shops] == [1, 1, 1]
    with sqlite3.connect(journal) as notes:
        rows = notes.execute("SELECT source, COUNT(*) FROM pull_requests GROUP BY source")
        assert sorted(rows) == sorted((str(each.bare), 1) for each in shops)
        assert notes.execute("SELECT COUNT(*) FROM rounds").fetchone() == (1,)
