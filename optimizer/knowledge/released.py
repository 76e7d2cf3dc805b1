"""Which release of which distribution an image is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Release:
    """A release of a distribution: ``debian`` with ``name`` ``bookworm``, ``alpine`` with ``3.20``,
    ``ubuntu`` with ``noble``."""

    distribution: Literal["debian", "ubuntu", "alpine"]
    name: str
