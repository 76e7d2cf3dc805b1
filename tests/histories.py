"""Made-up histories: which paths each of the last commits changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from optimizer.history.commits import Commit, History


def history_of(root: Path, commits: Sequence[Sequence[str]]) -> History:
    """Returns a history of the repository at ``root`` from the paths that each commit changed,
    the newest first."""
    count = len(commits)
    return History(
        root,
        tuple(
            Commit(f"{count - at:040x}", (count - at) * 3600, tuple(paths))
            for at, paths in enumerate(commits)
        ),
    )
