"""What a run did to one file: every change applied, every one held back, every one skipped.

The records are complete in themselves: a report needs nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from optimizer.context.file_edit import FileEdit
from optimizer.cst.nodes import Diagnostic
from optimizer.proposal import Evidence, Safety


@dataclass(frozen=True, slots=True)
class Applied:
    """One change that was made. ``line`` and ``end_line`` count in the text *before* it;
    ``before`` and ``after`` are the whole text on either side of it. ``origin`` is the line of
    the place that the change is about in the text as it was read, 0 where nobody asked.
    ``confirmed`` says that a real build held the promise, ``notes`` in sentences what was looked
    at then and what differed."""

    transform: str
    title: str
    safety: Safety
    reason: str
    line: int
    end_line: int
    evidence: tuple[Evidence, ...]
    drops: tuple[str, ...]
    assumes: tuple[str, ...]
    files: tuple[FileEdit, ...]
    before: str
    after: str
    origin: int = 0
    confirmed: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Denied:
    """A change that is not to be made: the one of ``transform`` with this ``title`` at the line
    ``origin`` of the text as it was read. The rest is what is said of it instead."""

    transform: str
    title: str
    origin: int
    code: str
    reason: str
    unblock: str


@dataclass(frozen=True, slots=True)
class Held:
    """One change that was not made. ``line`` counts in the text as it was read."""

    transform: str
    code: str
    line: int
    reason: str
    unblock: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A transform that could not look, and what it would have needed (``context``)."""

    transform: str
    needs: str


@dataclass(frozen=True, slots=True)
class ContextAnswer:
    """Which build context the file was read with, and how that was found out."""

    path: str
    found_by: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One file, before and after. ``path`` is relative to the repository root.

    ``contexts`` are all contexts for which the changes hold, the strongest
    first. ``diagnostics`` are what BuildKit would refuse: then nothing was tried. ``rests_on``
    are other files, changed for an earlier Dockerfile of the run, that this one was read with.
    ``alone`` is what is left where no other file may change and none has; None where nobody asked.
    """

    path: str
    contexts: tuple[ContextAnswer, ...]
    before: str
    after: str
    applied: tuple[Applied, ...] = ()
    held: tuple[Held, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    rests_on: tuple[str, ...] = ()
    alone: Outcome | None = None

    @property
    def files(self) -> tuple[FileEdit, ...]:
        """The other files, each once, with the text before the first and after the last change."""
        merged: dict[str, FileEdit] = {}
        for change in self.applied:
            for file in change.files:
                first = merged.get(file.path, file)
                merged[file.path] = FileEdit(file.path, first.before, file.after)
        return tuple(merged.values())

    @property
    def changed(self) -> bool:
        return self.before != self.after or bool(self.files)


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that nothing could be said about: it could not be read or written, or an
    analysis broke on it.

    ``path`` is as in `Outcome`, or as the user wrote it for what is no file of the
    repository; the place counts from 1.
    """

    path: str
    message: str
    line: int = 1
    column: int = 1


Record: TypeAlias = Outcome | Failure
"""What a report shows of one file."""
