"""Reads the last commits of a repository."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

from optimizer.history.commits import Commit, History
from optimizer.history.git import Git, GitError

TIMEOUT = 60.0
"""Seconds that one git command may take."""

MOST_PATHS = 2_000_000
"""Changed paths of all commits together; older commits than fit are left out."""

MOST_BYTES = 512 << 20
"""What git may print of them."""

_LONGEST_PATH = 1 << 16
"""Bytes; far more than any system lets a path have."""

_CHUNK = 1 << 20

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how many commits are read, and how many there will be."""


def read_history(
    root: Path, limit: int, progress: Progress | None = None, timeout: float = TIMEOUT
) -> History:
    """Returns the last ``limit`` commits along first parents, each against its first parent.

    ``root`` is a folder of the work tree; the answer's ``root`` is the top of it. Never
    raises for the state of the repository: what cannot be read is not there, and ``note``
    says so. ``timeout`` is in seconds, for each of three git commands.
    """
    try:
        return _read(Git(root, timeout), root, limit, progress or (lambda done, total: None))
    except GitError as error:
        return History(root, (), str(error))


def _read(git: Git, root: Path, limit: int, progress: Progress) -> History:
    top = _top(git, root)
    heads, cut = _heads(git, limit)
    read = _Reader(heads, progress)
    given = "".join(f"{' '.join((head.id, *head.parents[:1]))}\n" for head in heads)
    words = ("diff-tree", "--stdin", "--root", "-r", "-z", "--name-status", "--no-renames",
             "--no-ext-diff", "--no-textconv", "--ignore-submodules=none")  # fmt: skip
    with git.stream(words, given.encode()) as output:
        changes = read.changes(output)
    found = tuple(
        Commit(head.id, head.time, changes.get(head.id, ())) for head in heads[: read.done]
    )
    progress(len(heads), len(heads))
    notes = [cut] if cut else []
    if read.done < len(heads):
        notes.append(f"of {len(heads)} commits only the last {read.done} are counted: "
                     "they change too many files")  # fmt: skip
    return History(top, found, "; ".join(notes) or None)


@dataclass(frozen=True, slots=True)
class _Head:
    """What git-rev-list says of one commit."""

    id: str
    time: int
    parents: tuple[str, ...]


def _top(git: Git, root: Path) -> Path:
    """Returns the top of the work tree that ``root`` lies in."""
    if git.text("rev-parse", "--is-inside-work-tree") != "true":
        raise GitError("this is a bare repository, without files of its own")
    top = Path(git.text("rev-parse", "--show-toplevel"))
    if not root.resolve().is_relative_to(top.resolve()):
        raise GitError(f"the repository says that its files are in {top}")
    return top


def _heads(git: Git, limit: int) -> tuple[Sequence[_Head], str | None]:
    """Returns the commits, newest first, and a note where a shallow clone cuts them off.

    What lies behind the cut is not there, so the last commit before it has no diff.
    """
    try:
        git.text("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except GitError:
        branch = git.text("symbolic-ref", "--quiet", "HEAD")
        if not git.text("for-each-ref", "--count=1", branch):
            raise GitError("the repository has no commits yet") from None
        raise GitError("git cannot read the last commit of the repository") from None
    listed = git.text(
        "rev-list", "--first-parent", "--parents", "--timestamp", f"--max-count={limit}", "HEAD"
    )
    heads = []
    for line in listed.split("\n"):
        time, name, *parents = line.split(" ")
        heads.append(_Head(name, int(time), tuple(parents)))
    boundary = _shallow(git)
    kept = [head for head in heads if head.id not in boundary]
    if len(kept) == len(heads):
        return heads, None
    return kept, f"a shallow clone: the {len(kept)} newest commits are all that is there"


def _shallow(git: Git) -> frozenset[str]:
    """Returns the commits whose parents a shallow clone has left out."""
    if git.text("rev-parse", "--is-shallow-repository") != "true":
        return frozenset()
    path = Path(git.text("rev-parse", "--path-format=absolute", "--git-path", "shallow"))
    try:
        return frozenset(path.read_text("ascii").split())
    except (OSError, UnicodeDecodeError) as error:
        raise GitError(f"git's list of shallow commits cannot be read: {error}") from None


class _Reader:
    """Takes git-diff-tree's output apart: a commit, then a status letter and a path for each
    file, all ended by NUL. Commits without changes are left out there."""

    def __init__(self, heads: Sequence[_Head], progress: Progress) -> None:
        self._number = {head.id: number for number, head in enumerate(heads)}
        self._progress = progress
        self.done = len(heads)
        """How many commits are known completely, from the newest on."""

    def changes(self, output: IO[bytes]) -> dict[str, tuple[str, ...]]:
        """Returns the changed paths of each commit that has any, within the limits."""
        found: dict[str, tuple[str, ...]] = {}
        paths: list[str] = []
        seen = 0
        commit = ""
        fields = _fields(output)
        for field in fields:
            if len(field) > 1:
                found[commit] = tuple(paths)
                commit, paths = field.decode("ascii", "replace"), []
                self._progress(self._number.get(commit, 0), len(self._number))
                continue
            path = next(fields, None) if field else None
            seen += 1
            if path is None or seen > MOST_PATHS:
                self.done = self._number.get(commit, 0)
                return found
            paths.append(os.fsdecode(path))
        found[commit] = tuple(paths)
        return found


def _fields(output: IO[bytes]) -> Iterator[bytes]:
    """Yields what NUL ends, and an empty field where a limit cuts the output off."""
    rest = b""
    size = 0
    while chunk := output.read(_CHUNK):
        size += len(chunk)
        *fields, rest = (rest + chunk).split(b"\0")
        yield from fields
        if size > MOST_BYTES or len(rest) > _LONGEST_PATH:
            yield b""
            return
