"""Commits as sets of changed paths, with an answer for many paths at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit against its first parent. ``paths`` are relative to the repository root and
    name every file whose content or mode changed, that came or went."""

    id: str
    time: int
    paths: tuple[str, ...]


@dataclass(frozen=True)
class History:
    """The last commits, newest first. ``root`` is the top of the work tree; ``note`` says what is
    missing of them (a shallow clone)."""

    root: Path
    commits: tuple[Commit, ...]
    note: str | None = None

    @cached_property
    def masks(self) -> Mapping[str, int]:
        """For each changed path the set of commits that touch it: bit ``i`` is ``commits[i]``."""
        masks: dict[str, int] = {}
        for number, commit in enumerate(self.commits):
            for path in commit.paths:
                masks[path] = masks.get(path, 0) | 1 << number
        return masks
