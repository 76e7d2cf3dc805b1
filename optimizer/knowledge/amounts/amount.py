"""What the modules of this room take and answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Amount:
    """``bytes`` at and below the absolute image path ``path``; None is not known.

    Where ``adds`` is False, nothing is written: it is what is left there once something was taken
    away (``npm prune``).
    """

    path: str
    bytes: int | None
    adds: bool = True


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a command runs: the ``image`` at the bottom of its stage as (familiar name, tag), the
    targets of ``mounts`` that keep no layer, and whether its RUN ``clears_lists`` of apt."""

    image: tuple[str, str] | None
    mounts: tuple[str, ...] = ()
    clears_lists: bool = False
