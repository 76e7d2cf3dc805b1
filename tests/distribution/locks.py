"""Lockfiles in clones of public projects."""

from __future__ import annotations

import subprocess
from pathlib import Path


def texts(clone: Path, name: str) -> list[str]:
    """Returns the files called ``name`` in the newest commit of a clone."""
    paths = _git(clone, "ls-tree", "-r", "--name-only", "HEAD").splitlines()
    return [
        _git(clone, "show", f"HEAD:{path}") for path in paths if path.rpartition("/")[2] == name
    ]


def source(clone: Path) -> str:
    """Returns the project's name and commit; a clone's folder is called after its project."""
    project = next(part for part in (clone.name, clone.parent.name) if part != "repo")
    return f"{project.replace('+', '/')} {_git(clone, 'log', '-1', '--format=%h').strip()}"


def _git(clone: Path, *arguments: str) -> str:
    command = ["git", "-C", str(clone), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
