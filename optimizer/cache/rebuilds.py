"""What the commits of a history make BuildKit run again: steps, times and seconds.

The cache model decides, for all commits at once: sets of commits, as bits, stand where a
comparison of two versions has keys.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from optimizer.cache.contents import Algebra
from optimizer.cache.keys import Selection, Vertex
from optimizer.cache.model import CacheModel
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
    known: dict[Selection, int] = {}

    def context(_: Vertex, selection: Selection) -> int:
        if selection not in known:
            known[selection] = changes.within(selection)
        return known[selection]

    def combine(name: Hashable, children: Sequence[int]) -> int:
        bits = changes.always if _is_image(name) else 0
        for child in children:
            bits |= child
        return bits

    found = model.evaluate(Algebra(combine, context))
    return tuple(
        Rebuild(vertex.step, volatility.mask(vertex.step), runs, seconds(vertex.step))
        for vertex, runs in zip(model.vertices, found.results, strict=True)
    )


def _is_image(name: Hashable) -> bool:
    """Tells whether the model asks for an image: what lies in it, or a step that starts on it."""
    if not isinstance(name, tuple) or not name:
        return False
    kind, *rest = name
    return kind in ("base", "image") or any(_is_image(each) for each in rest)
