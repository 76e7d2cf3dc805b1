"""What a transform answers: a proposal with reasons, or a refusal with a reason.

Nothing here is text for people beyond single sentences; how a journal is shown
is the business of `optimizer.report`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, TypeAlias

from optimizer.context.file_edit import FileEdit
from optimizer.cst.edit import Edit
from optimizer.cst.source import Span
from optimizer.knowledge.installs import Obstacle


class Safety(IntEnum):
    """How much a change promises to leave as it was. Ordered: more promise, higher value.

    There is no default: a proposal has to say what it promises.
    """

    CHANGES_IMAGE = 1
    """It builds; what differs in the image is shown."""
    SAME_BEHAVIOR = 2
    """Same image configuration; every path that changed or vanished is named in ``drops``."""
    SAME_IMAGE = 3
    """Same image configuration, same paths, contents, modes and owners."""

    @property
    def label(self) -> str:
        """The name used on the command line and in reports: ``same-image``."""
        return self.name.lower().replace("_", "-")


Basis: TypeAlias = Literal["text", "declared", "model", "estimate", "build"]
"""Where a number comes from; ``estimate`` is the cache model with estimated costs."""


@dataclass(frozen=True, slots=True)
class Spread:
    """One number as measured several times: the median, the least and the most."""

    median: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What builds on a real engine gave for one number, before and after a change.

    ``repetitions`` says how often each side was measured; the unit is that of the metric.
    """

    before: Spread
    after: Spread
    repetitions: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """One number before and after a change.

    ``metric`` names the number and its unit (``steps_rerun``; ``build_seconds`` of a cold
    build, ``rebuild_seconds`` after an edit, ``image_bytes``, ``push_bytes``), ``scenario``
    what happens (``edit src/index.js``), ``basis`` where the number comes from. ``measured``
    is what builds gave; ``basis`` is then ``build``. ``before`` and ``after`` stay what
    ``predicted_by`` predicted; where that is None, they are the medians of the builds.
    """

    metric: str
    scenario: str
    before: float
    after: float
    basis: Basis
    measured: Measured | None = None
    predicted_by: Basis | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that a transform offers on one version of one file.

    ``at`` is the place a reader is sent to. ``reason`` says why it pays here.
    ``shown_by`` is a file of the context whose edit shows the gain: what that edit
    makes run again, before and after, is counted when the change is applied.
    ``evidence`` are numbers that show it too.
    ``drops`` are the image paths it knowingly changes or removes, ``assumes`` are
    the conclusions a reviewer may want to check.
    """

    title: str
    at: Span
    edits: tuple[Edit, ...]
    safety: Safety
    reason: str
    shown_by: str | None = None
    evidence: tuple[Evidence, ...] = ()
    files: tuple[FileEdit, ...] = ()
    drops: tuple[str, ...] = ()
    assumes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The pattern is here, and something stands in the way.

    ``code`` is one of `optimizer.knowledge.obstacles.CODES` or of the
    transform's own page; ``unblock`` says what would change the answer.
    """

    code: str
    at: Span
    reason: str
    unblock: str

    @classmethod
    def of(cls, obstacle: Obstacle, at: Span) -> Refusal:
        """Turns what a lower room found in the way into an answer about ``at``."""
        return cls(obstacle.code, at, obstacle.reason, obstacle.unblock)


Answer: TypeAlias = Proposal | Refusal
