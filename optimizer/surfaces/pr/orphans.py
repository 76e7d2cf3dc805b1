"""Branches of earlier runs that this one makes no change on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from optimizer.journal import Outcome
from optimizer.report.pull_request import Check
from optimizer.surfaces.pr.clone import Clone
from optimizer.surfaces.pr.seal import is_ours
from optimizer.surfaces.pr.unit import Unit, branch_name

_WHERE = re.compile(rb"^In (?P<path>[^\n]+):$", re.MULTILINE)


def orphans(
    clone: Clone, branches: Mapping[str, str], answered: Mapping[str, bool], *, every: bool
) -> Iterator[Unit]:
    """Yields, as units without a change, those of ``branches`` (names with their commits) that
    nothing stands for any more. ``answered`` are the Dockerfiles that this run has a branch for,
    each with whether that branch changes it; ``every`` says that they are all there are.

    A branch for one Dockerfile goes where the base does not have that file, or where one for all
    answers for it; the one for all goes where each has its own. Raises `GitError`.
    """
    for branch, commit in branches.items():
        clone.fetch(branch)
        read = clone.read(commit)
        found = _WHERE.search(read.message) if is_ours(read) else None
        if found is None:
            continue
        path = found["path"].decode("utf-8", "replace")
        if branch == branch_name(None, clone.base, clone.default):
            if every:
                yield Unit(branch, (), Check(False, ""), replaced=any(answered.values()))
            continue
        if branch_name(path, clone.base, clone.default) != branch:
            continue
        if path in answered or clone.blob(clone.commit, path) is None:
            gone = Outcome(path, (), "", "")
            yield Unit(branch, (gone,), Check(False, ""), replaced=answered.get(path, False))
