"""Which copies bring files that people edit, and which of those files stands for an edit."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from posixpath import basename, splitext

from optimizer.effects.copies import CopyStep, is_below
from optimizer.knowledge.installs import Inputs
from optimizer.knowledge.sources import SOURCE_SUFFIXES

SAMPLE = 2000
"""Files of a copy that are looked at, at most, to find a source file among them."""


def brings_sources(copy: CopyStep, but: Inputs | None = None) -> bool:
    """Tells whether ``copy`` brings the whole context, or source files that are not in ``but``
    among the first `SAMPLE` files that it brings. Settings alone are no sources."""
    if any(source.is_dir and not source.entry.path for source in copy.sources):
        return True
    found = sample_edit(copy, but)
    return found is not None and not _is_setting(found)


def brings_a_folder(copy: CopyStep) -> bool:
    """Tells whether ``copy`` brings a directory, not single files alone."""
    return any(source.is_dir for source in copy.sources)


def brings_more(copy: CopyStep, but: Inputs) -> bool:
    """Tells whether ``copy`` brings a directory that holds more than what ``but`` reads."""
    if not brings_a_folder(copy):
        return False
    reads = frozenset(but.reads)
    return any(
        path not in reads and not any(is_below(path, tree) for tree in but.trees)
        for path, _ in islice(copy.files(), SAMPLE)
    )


def sample_edit(copy: CopyStep, but: Inputs | None = None) -> str | None:
    """Returns the context path of a source file that ``copy`` brings, leaving out what ``but``
    reads: of the kind that is most frequent among those looked at, in the uppermost folder."""
    reads = frozenset(but.reads) if but else frozenset()
    trees = but.trees if but else ()
    found = [
        entry.path
        for path, entry in islice(copy.files(), SAMPLE)
        if entry.kind == "file"
        and _suffix(entry.path) in SOURCE_SUFFIXES
        and path not in reads
        and not any(is_below(path, tree) for tree in trees)
    ]
    kinds = Counter(map(_suffix, found))
    return min(
        found,
        key=lambda path: (_is_setting(path), -kinds[_suffix(path)], path.count("/"), path),
        default=None,
    )


def _suffix(path: str) -> str:
    return splitext(basename(path))[1].lower()


def _is_setting(path: str) -> bool:
    name = basename(path)
    return name.startswith(".") or ".config." in name
