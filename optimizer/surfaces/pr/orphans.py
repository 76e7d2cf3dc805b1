"""Branches that were made for a Dockerfile that is no more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from optimizer.journal import Outcome
from optimizer.report.pull_request import Check
from optimizer.surfaces.pr.clone import Clone
from optimizer.surfaces.pr.seal import is_ours
from optimizer.surfaces.pr.unit import Unit, branch_name

_WHERE = re.compile(rb"^In (?P<path>[^\n]+):$", re.MULTILINE)


def orphans(clone: Clone, branches: Mapping[str, str]) -> Iterator[Unit]:
    """Yields, as units without a change, the ``branches`` (names with their commits) whose own
    commits name a Dockerfile that the base does not have. Raises `GitError`."""
    for branch, commit in branches.items():
        clone.fetch(branch)
        read = clone.read(commit)
        found = _WHERE.search(read.message) if is_ours(read) else None
        if found is None:
            continue
        path = found["path"].decode("utf-8", "replace")
        if branch_name(path, clone.base, clone.default) != branch:
            continue
        if clone.blob(clone.commit, path) is None:
            gone = Outcome(path, (), "", "")
            yield Unit(branch, (gone,), Check(False, ""))
