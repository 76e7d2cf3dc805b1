"""Which copies bring files that people edit, and which of those files stands for an edit."""

from __future__ import annotations

from collections.abc import Set
from itertools import islice
from posixpath import basename, splitext

from optimizer.effects.copies import CopyStep
from optimizer.knowledge.sources import SOURCE_SUFFIXES

SAMPLE = 2000
"""Files of a copy that are looked at, at most, to find a source file among them."""


def brings_sources(copy: CopyStep) -> bool:
    """Tells whether ``copy`` brings the whole context, or source files among the first
    `SAMPLE` it brings."""
    if any(source.is_dir and not source.entry.path for source in copy.sources):
        return True
    return sample_edit(copy, frozenset()) is not None


def sample_edit(copy: CopyStep, but: Set[str]) -> str | None:
    """Returns the context path of a source file that ``copy`` brings, the shortest path of
    those looked at, leaving out the image paths in ``but``."""
    found = [
        entry.path
        for path, entry in islice(copy.files(), SAMPLE)
        if entry.kind == "file"
        and path not in but
        and splitext(basename(path))[1].lower() in SOURCE_SUFFIXES
    ]
    return min(found, key=lambda path: (path.count("/"), path), default=None)
