"""A change to another file of the build context, such as its ignore file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileEdit:
    """The whole new text of a second file. ``path`` is relative to the build context;
    ``before`` is None where the file is made."""

    path: str
    before: str | None
    after: str
