"""How one file changed over the last commits: its text before and after each of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from optimizer.history.commits import Commit, History
from optimizer.history.git import Git, GitError
from optimizer.history.read import TIMEOUT

MOST_VERSIONS = 100
"""Commits that are looked at, at most, the newest first."""

LARGEST = 1 << 20
"""Bytes of a text; a larger one counts as not there."""


@dataclass(frozen=True, slots=True)
class PastChange:
    """One commit that changed the file: its id, the first line of its message, and the texts
    before and after it. A commit that made or removed the file is left out."""

    id: str
    subject: str
    before: str
    after: str


def past_changes(history: History, path: str) -> tuple[PastChange, ...]:
    """Returns what the commits of ``history`` did to the file at ``path``, newest first.

    ``path`` is relative to the root of the history. Never raises for the state of the
    repository: what cannot be read is left out.
    """
    commits = [commit for commit in history.commits if path in commit.paths][:MOST_VERSIONS]
    if not commits or "\n" in path:
        return ()
    try:
        return tuple(_read(Git(history.root, TIMEOUT), commits, path))
    except GitError:
        return ()


def _read(git: Git, commits: list[Commit], path: str) -> Iterator[PastChange]:
    names = [(each.id, f"{each.id}^:{path}", f"{each.id}:{path}") for each in commits]
    given = "".join(f"{name}\n" for three in names for name in three)
    with git.stream(("cat-file", "--batch"), os.fsencode(given)) as output:
        for commit in commits:
            message, before, after = (_object(output) for _ in range(3))
            if message is not None and before is not None and after is not None:
                yield PastChange(commit.id, _subject(message), before, after)


def _object(output: IO[bytes]) -> str | None:
    """Reads the next answer of git-cat-file: a line with id, type and size, then the content; or
    one line that ends in ``missing``."""
    *_, size = output.readline().split() or [b""]
    if not size.isdigit():
        return None
    content = output.read(int(size))
    output.read(1)
    return None if len(content) > LARGEST else content.decode("utf-8", "surrogateescape")


def _subject(message: str) -> str:
    """Returns the first line of a commit's message: it stands behind the first blank line."""
    _, _, text = message.partition("\n\n")
    return text.strip().partition("\n")[0]
