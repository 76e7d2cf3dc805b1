"""What the commits of a history make BuildKit run again: steps, times and seconds.

The cache model decides, for all commits at once: sets of commits, as bits, stand where a
comparison of two versions has keys.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from optimizer.cache.model import CacheModel
from optimizer.cache.rerun import touched
from optimizer.cache.volatility import Volatility
from optimizer.model.stages import Step


@dataclass(frozen=True)
class Rebuild:
    """One step: the commits that change its own inputs, those in which it runs again, as bits,
    and the seconds that one run takes."""

    step: Step
    own: int
    runs: int
    seconds: float

    @property
    def times(self) -> int:
        """In how many commits the step runs again."""
        return self.runs.bit_count()

    @property
    def total(self) -> float:
        """The seconds of all its runs."""
        return self.seconds * self.times


def rebuilds(
    model: CacheModel, volatility: Volatility, seconds: Callable[[Step], float]
) -> tuple[Rebuild, ...]:
    """Returns the steps that the target needs, in the order in which they are built."""
    changes = volatility.changes
    found = touched(model, changes.within, changes.always)
    return tuple(
        Rebuild(vertex.step, volatility.mask(vertex.step), runs, seconds(vertex.step))
        for vertex, runs in found.items()
    )
