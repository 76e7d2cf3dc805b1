"""Somebody with a project and an engine, who runs dockopt's command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.engine.daemon import Engine
from tests.engine.measure import write

ROOT = Path(__file__).resolve().parents[2]
WAIT = 300

HONEST = "mkdir -p node_modules && cp package.json node_modules/"
NOSY = "mkdir -p node_modules && ls > node_modules/seen"


def dockerfile(npm: str = HONEST, more: str = "") -> str:
    """A Dockerfile that dockopt rewrites in one way; ``npm`` is what its npm does."""
    return (
        "FROM busybox:1.35\n"
        f"RUN printf '#!/bin/sh\\n{npm}\\n' > /bin/npm && chmod +x /bin/npm\n"
        "WORKDIR /app\nCOPY . .\n"
        f"# dockopt: ignore=mount-package-cache\nRUN npm ci\n{more}"
    )


@dataclass
class User:
    """``more`` are environment variables beside the engine's."""

    engine: Engine
    folder: Path
    scratch: Path
    more: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.there = frozenset(self._on_engine())

    @property
    def environment(self) -> Mapping[str, str]:
        own = {"TMPDIR": str(self.scratch), "NO_COLOR": "1"}
        return {**self.engine.environment, **own, **self.more}

    def start(self, *words: str) -> subprocess.Popen[str]:
        # A shell starts what runs in the background with Ctrl-C ignored.
        program = ["env", "--default-signal=INT", sys.executable, "-m", "optimizer"]
        return subprocess.Popen(
            [*program, *words, "--network", "host"],
            cwd=self.folder,
            env={**self.environment, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        """Runs dockopt; returns its exit code and what it said on both streams."""
        process = self.start(*words)
        out, err = process.communicate(timeout=WAIT)
        return process.returncode, out, err

    def left_behind(self) -> list[str]:
        """Returns what is on the engine, and of temporary files, that was not there before."""
        found = [each for each in self._on_engine() if each not in self.there]
        return [*found, *(path.name for path in self.scratch.iterdir())]

    def _on_engine(self) -> list[str]:
        images = self.engine.docker("images", "--all", "--quiet", "--filter", "dangling=true")
        made = self.engine.docker("images", "--quiet", "dockopt-verify")
        containers = self.engine.docker("ps", "--all", "--quiet")
        return (images.stdout + made.stdout + containers.stdout).decode().split()


def new_user(engine: Engine, folder: Path) -> User:
    """Returns a user whose project dockopt rewrites; ``folder`` is empty."""
    (folder / "project").mkdir()
    (folder / "scratch").mkdir()
    project(folder / "project", dockerfile())
    return User(engine, folder / "project", folder / "scratch")


def project(folder: Path, text: str) -> None:
    """Writes an application of npm, whose Dockerfile is ``text``."""
    write("Dockerfile", text)(folder)
    write("package.json", '{"name": "app", "version": "1.0.0"}')(folder)
    write(
        "package-lock.json",
        '{"name": "app", "version": "1.0.0", "lockfileVersion": 3, '
        '"packages": {"": {"name": "app", "version": "1.0.0"}}}',
    )(folder)
    write(".dockerignore", "node_modules\n")(folder)
    write("src/index.js", "1")(folder)
