"""Where a file of an image is from: whether the build context has it."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from optimizer.verify.image import Entry, Image
from optimizer.verify.verdict import Finding

LARGEST = 64 << 20
"""Bytes of a file that is compared."""

_MOST_FOLDERS = 40
_BLOCK = 1 << 20


def with_origin(found: Finding, before: Image, after: Image, context: Path) -> Finding:
    """Returns a finding about a file with other content, or a new one, that says which file of
    the build context it is; any other as it is.

    A host's own ``node_modules`` that a COPY laid over the installed one is known by that.
    """
    old, new = before.files.get(found.where), after.files.get(found.where)
    if new is None or new.kind != "file" or (old is not None and old.digest == new.digest):
        return found
    origin = in_context(found.where, new, context)
    if origin is None:
        return found
    return replace(found, message=f"{found.message}: it is {origin} of the build context")


def in_context(path: str, entry: Entry, context: Path) -> str | None:
    """Returns the path in the context of the file that lies at ``path`` in the image with the
    same bytes: the longest end of that path for which there is one, None for none."""
    return next((end for end in _ends(path) if _is_same(context / end, entry)), None)


def _ends(path: str) -> Iterator[str]:
    names = [name for name in path.split("/") if name][-_MOST_FOLDERS:]
    return ("/".join(names[start:]) for start in range(len(names)))


def _is_same(file: Path, entry: Entry) -> bool:
    try:
        status = file.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size != entry.size:
            return False
        return entry.size <= LARGEST and _digest(file) == entry.digest
    except (OSError, ValueError):
        return False


def _digest(file: Path) -> str:
    found = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            found.update(block)
    return found.hexdigest()
