"""Whether a repository has other commits than before, without starting git."""

from __future__ import annotations

import os
from pathlib import Path

_LARGEST = 4096
"""Bytes of a ``.git`` file that are read; it holds one path."""


def head_stamp(root: Path) -> object:
    """Returns a value that is another one once the checked-out commit of the work tree ``root``
    has changed; None where there is no repository.

    git writes every move of HEAD into ``logs/HEAD`` (gitrepository-layout(5)), and HEAD itself
    where another branch is checked out.
    """
    folder = _git_folder(root)
    if folder is None:
        return None
    return tuple(_stamp(folder / name) for name in ("HEAD", "logs/HEAD", "packed-refs"))


def _git_folder(root: Path) -> Path | None:
    """Returns the folder that holds HEAD; in a linked work tree a file names it."""
    path = root / ".git"
    try:
        if path.is_dir():
            return path
        with path.open("rb") as file:
            name, _, folder = file.read(_LARGEST).partition(b": ")
    except OSError:
        return None
    return root / os.fsdecode(folder.strip()) if name == b"gitdir" else None


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size
