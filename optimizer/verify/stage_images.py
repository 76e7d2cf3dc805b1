"""The images of the stages that a build takes its files from.

Where an image lacks a library, the package database of the stage that had it says which package
brings it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.model.stages import Stage, read_stages
from optimizer.verify.builders import Built, Order
from optimizer.verify.image import Image
from optimizer.verify.judge import Builds

MOST_STAGES = 4
"""Stages of one build that are asked, the last ones first: most files come from there."""


@dataclass(frozen=True)
class StageImages:
    """Builds the stages below the target of what ``builds`` made before, out of the cache."""

    builds: Builds

    def __call__(self, built: Built) -> Mapping[str, Image]:
        """Returns images by what to call them (``stage `build```), the last stage first.

        A stage that does not build is left out. Raises `EngineFault`.
        """
        order = self.builds.order_of(built)
        if order is None:
            return {}
        found: dict[str, Image] = {}
        for stage in below_target(order)[:MOST_STAGES]:
            image = self._image(order, stage)
            if image is not None:
                found[f"stage `{stage.label}`"] = image
        return found

    def _image(self, order: Order, stage: Stage) -> Image | None:
        name = stage.name or str(stage.index)
        invocation = replace(order.invocation, target=name)
        which = f"stage {name}, to find whose file is missing"
        return self.builds.make(replace(order, invocation=invocation, cold=False), which).image


def below_target(order: Order) -> tuple[Stage, ...]:
    """Returns the stages whose files or steps the target of a build takes, the last one first."""
    tree = parse(Source("Dockerfile", order.dockerfile))
    stages = read_stages(tree, order.invocation)
    return tuple(stage for stage in reversed(stages.needed) if stage is not stages.target)
