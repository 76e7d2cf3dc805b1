"""What becomes one pull request: one Dockerfile, or all of a repository together."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from optimizer.cst.source import Source
from optimizer.journal import Applied, Outcome
from optimizer.report.pull_request import Check, message
from optimizer.surfaces.pr.clone import Blob, Clone
from optimizer.surfaces.pr.seal import sealed

PREFIX = "dockopt/"
"""What the names of all branches of dockopt start with."""


@dataclass(frozen=True, slots=True)
class Author:
    """Whom commits are by; with ``signs_off`` they say so in a trailer."""

    name: str
    mail: str
    signs_off: bool = False

    @property
    def sign_off(self) -> str | None:
        return f"{self.name} <{self.mail}>" if self.signs_off else None


@dataclass(frozen=True, slots=True)
class Unit:
    """The answers that become one pull request, from one branch. ``check`` says what builds
    said; ``unconfirmed`` that changes were found and no build confirmed them; ``replaced`` that
    another branch makes the changes of this one now."""

    branch: str
    outcomes: tuple[Outcome, ...]
    check: Check
    unconfirmed: bool = False
    replaced: bool = False

    @property
    def path(self) -> str:
        """What people call it."""
        return ", ".join(each.path for each in self.outcomes) or "all Dockerfiles"

    @property
    def changed(self) -> bool:
        return any(each.changed for each in self.outcomes)


class NotAsStored(Exception):
    """A file of the clone that is not what the commit holds; the message is one sentence."""


def branch_name(path: str | None, base: str, default: str) -> str:
    """Returns the branch for a Dockerfile, or for all of them where ``path`` is None.

    It is made of letters, digits, dots and dashes whatever the path holds, and no two paths and
    bases share one.
    """
    if path is None:
        return f"{PREFIX}all" + _suffix(base if base != default else None)
    words = re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-").lower()[:40].strip("-") or "file"
    return f"{PREFIX}{words}{_suffix(path, base if base != default else None)}"


def _suffix(*parts: str | None) -> str:
    said = [part for part in parts if part is not None]
    if not said:
        return ""
    digest = hashlib.sha256("\0".join(said).encode("utf-8", "surrogatepass")).hexdigest()
    return f"-{digest[:8]}"


def commits(clone: Clone, unit: Unit, author: Author) -> list[str]:
    """Makes one commit for each change, on top of the commit that was cloned, and returns them in
    order. Raises `NotAsStored` and `GitError`."""
    made: list[str] = []
    parent = clone.commit
    for outcome in unit.outcomes:
        for applied in outcome.applied:
            files = dict(_files(clone, parent, outcome.path, applied))
            tree = clone.tree(parent, files)
            said = message(outcome.path, applied, author.sign_off)
            parent = clone.add_commit(
                tree, parent, sealed(said, tree, parent), (author.name, author.mail)
            )
            made.append(parent)
    return made


def _files(clone: Clone, commit: str, path: str, applied: Applied) -> Iterator[tuple[str, Blob]]:
    """Yields the files that a change leaves, each checked to be what the change started from."""
    edits: Sequence[tuple[str, str | None, str]] = [
        (path, applied.before, applied.after),
        *((each.path, each.before, each.after) for each in applied.files),
    ]
    for path_read, before, after in edits:
        if before == after:
            continue
        name = clone.behind_links(path_read)
        stored = clone.blob(commit, name)
        held = None if stored is None else clone.content(stored)
        if held != (None if before is None else Source(name, before).data):
            raise NotAsStored(f"{name} is not what the repository holds under this name")
        data = Source(name, after).data
        yield name, Blob(stored.mode if stored else "100644", clone.store(data))
