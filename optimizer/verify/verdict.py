"""What the judge says of one rewrite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Outcome: TypeAlias = Literal["before-broken", "kept", "broken", "unverifiable"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that differs or is missing. ``where`` is ``config Env`` or an image path;
    ``message`` is one line that a reader understands; ``package`` is the package of the
    builder image that owns what is missing, where that is known."""

    where: str
    message: str
    package: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """``findings`` say why, the first one first; empty for ``kept``. ``notes`` say what was
    checked and what could not be."""

    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
