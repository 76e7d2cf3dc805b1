"""Which commits change what a step takes from the build context.

With the history of the repository these are real commits. Without one they are
`ASSUMED` ones, a fixed number with stated weights, and everything that is
concluded from them says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from posixpath import basename, dirname
from typing import Literal, TypeAlias

from optimizer.cache.keys import Selection
from optimizer.context.tree import BuildContext
from optimizer.effects.effects import ContextReads
from optimizer.history.commits import History
from optimizer.knowledge.manifest_names import is_manifest
from optimizer.model.stages import Step

ASSUMED = {"source": 75, "manifest": 20, "base": 5}
"""How many of a hundred commits edit sources, dependency manifests, or get a new base image.

Three in four: in real histories about 75 % of the install rebuilds below ``COPY . .`` come from
commits that touch no manifest. That a base image moves with every twentieth is an assumption.
"""

FEWEST_COMMITS = 20
"""A history in which fewer commits touch the build context is too short to judge by."""

MOST_FILES = 20_000
"""Files of the context that are looked at where there is no history."""

Basis: TypeAlias = Literal["history", "assumed"]


@dataclass(frozen=True)
class Changes:
    """For each path of the build context that is sent, the commits that change it, as bits.

    ``count`` is how many commits there are; ``always`` are those that change no file and make
    every step run again (a new base image). ``note`` says what is missing.
    """

    masks: Mapping[str, int]
    count: int
    basis: Basis
    always: int = 0
    note: str | None = None

    @cached_property
    def below(self) -> Mapping[str, int]:
        """For each path and each directory, ``""`` for the context, the commits that change it
        or anything below it."""
        below: dict[str, int] = {}
        for changed, mask in self.masks.items():
            path = changed
            while below.get(path, -1) | mask != below.get(path):
                below[path] = below.get(path, 0) | mask
                path = dirname(path)
        return below

    @property
    def every(self) -> int:
        """The commits that change anything at all in the context."""
        return self.below.get("", 0)

    @property
    def words(self) -> str:
        """What the commits are, for people: ``the last 200 commits``."""
        if self.basis == "history":
            return "the last commit" if self.count == 1 else f"the last {self.count} commits"
        return (
            f"{self.count} assumed commits ({ASSUMED['source']} edit sources, "
            f"{ASSUMED['manifest']} dependency manifests, {ASSUMED['base']} move the base image)"
        )

    def touching(self, reads: ContextReads) -> int:
        """Returns the commits that change what a step takes from the context."""
        if reads.opaque is not None:
            return self.every
        found = 0
        for pattern in reads.patterns:
            if not _has_wildcard(pattern):
                found |= self.below.get(pattern, 0)
            elif "[" in pattern:
                found |= self._asked(ContextReads((pattern,)))
            else:
                found |= self._matching(pattern)
        return found

    def within(self, selection: Selection) -> int:
        """Returns the commits that change any of ``selection``, what it excludes left out."""
        if selection.excludes:
            return self._asked(selection)
        return self.touching(ContextReads(selection.patterns))

    def _matching(self, pattern: str) -> int:
        """A wildcard stays within one name, so it names only paths of as many names; what lies
        below them counts as they do."""
        one = ContextReads((pattern,))
        found = 0
        for path in self._by_depth.get(pattern.count("/"), ()):
            mask = self.below[path]
            if mask & ~found and one.selects(path):
                found |= mask
        return found

    @cached_property
    def _by_depth(self) -> Mapping[int, Sequence[str]]:
        depths: dict[int, list[str]] = {}
        for path in self.below:
            if path:
                depths.setdefault(path.count("/"), []).append(path)
        return depths

    def _asked(self, reads: ContextReads | Selection) -> int:
        found = 0
        for path, mask in self.masks.items():
            if mask & ~found and reads.selects(path):
                found |= mask
        return found


@dataclass(frozen=True)
class Volatility:
    """How often the inputs of steps change. ``reads`` says what a step takes from the build
    context."""

    changes: Changes
    reads: Callable[[Step], ContextReads]
    _known: dict[ContextReads, int] = field(default_factory=dict, repr=False)

    @property
    def basis(self) -> Basis:
        """Whether the commits are real."""
        return self.changes.basis

    @property
    def count(self) -> int:
        """How many commits there are: masks have so many bits."""
        return self.changes.count

    @property
    def words(self) -> str:
        """What the commits are, for people."""
        return self.changes.words

    def mask(self, step: Step) -> int:
        """Returns the commits that change what ``step`` takes from the context; bit ``i`` is
        commit ``i``, the newest first. What a commit does to the Dockerfile does not count."""
        reads = self.reads(step)
        if reads not in self._known:
            self._known[reads] = self.changes.touching(reads)
        return self._known[reads]


def changes(
    context: BuildContext, history: History | None, fewest: int = FEWEST_COMMITS
) -> Changes:
    """Returns which commits of ``history`` change which files that ``context`` would send.

    The ignore file counts as it is now. Without commits, where the context does not lie in
    the repository, and where fewer than ``fewest`` commits touch it, they are the assumed ones.
    Raises `ContextError` where the ignore file is one that BuildKit refuses.
    """
    if history is None:
        return _assumed(context, None)
    lead = _lead(context.root, history.root)
    if not history.commits or lead is None:
        return _assumed(context, history.note or "the build context is not in the repository")
    masks: dict[str, int] = {}
    for path, mask in history.masks.items():
        inside = _inside(path, lead)
        if inside is not None and not context.excluded(inside):
            masks[inside] = mask
    found = Changes(masks, len(history.commits), "history", note=history.note)
    touching = found.every.bit_count()
    if touching >= fewest:
        return found
    few = f"only {touching} of {found.words} touch the build context, too few to judge by"
    return _assumed(context, f"{history.note}; {few}" if history.note else few)


def _lead(root: Path, top: Path) -> str | None:
    """Returns where the context lies in the repository: ``app/``; or, where it holds the
    repository, the way down to it: ``>work/repo/``. None where they are apart."""
    context, repository = os.path.realpath(root), os.path.realpath(top)
    way = os.path.relpath(context, repository).replace(os.sep, "/")
    if way == ".":
        return ""
    if not way.startswith(".."):
        return way + "/"
    down = os.path.relpath(repository, context).replace(os.sep, "/")
    return None if down.startswith("..") else f">{down}/"


def _inside(path: str, lead: str) -> str | None:
    """Returns a path of the repository as one of the context."""
    if lead.startswith(">"):
        return lead[1:] + path
    return path[len(lead) :] if path.startswith(lead) else None


def _assumed(context: BuildContext, note: str | None) -> Changes:
    """One scenario for each class of files, as bits side by side."""
    sources, manifests, base = (_bits(*place) for place in _places())
    masks = {
        entry.path: manifests if is_manifest(basename(entry.path)) else sources
        for entry in islice(context.files(), MOST_FILES)
        if entry.kind != "dir"
    }
    return Changes(masks, sum(ASSUMED.values()), "assumed", always=base, note=note)


def _places() -> list[tuple[int, int]]:
    places, at = [], 0
    for number in ASSUMED.values():
        places.append((at, number))
        at += number
    return places


def _bits(at: int, number: int) -> int:
    return ((1 << number) - 1) << at


def _has_wildcard(pattern: str) -> bool:
    return any(mark in pattern for mark in "*?[\\")
