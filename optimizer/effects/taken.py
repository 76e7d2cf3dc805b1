"""Which files of a stage can reach the image of the target."""

from __future__ import annotations

import re
from collections.abc import Iterator

from optimizer.effects.copies import is_below
from optimizer.model.stages import Stage, StageBase, Stages, Step
from optimizer.model.values import Known


def reach_the_image(stages: Stages, stage: Stage, paths: tuple[str, ...]) -> tuple[str, ...]:
    """Returns those of ``paths``, prefixes that ``stage`` writes, that may lie in the image that
    the target makes: all of them where the image is built on the stage, else those that a COPY
    of another stage may take along.

    What such a step computes from them is not asked for.
    """
    if is_built_on(stages, stage):
        return paths
    found: set[str] = set()
    for step in (step for other in stages.needed for step in other.steps):
        if any(stage in chain(source) for source in step.depends_on):
            takes = list(taken(step))
            found.update(path for path in paths if any(_meet(path, each) for each in takes))
    return tuple(path for path in paths if path in found)


def is_built_on(stages: Stages, stage: Stage) -> bool:
    """Tells whether the layers of ``stage`` may be layers of the image that the target makes."""
    return stages.target is None or stage in chain(stages.target)


def chain(stage: Stage) -> Iterator[Stage]:
    """Yields a stage and those that it is built on."""
    yield stage
    while isinstance(stage.base, StageBase):
        stage = stage.base.stage
        yield stage


def taken(step: Step) -> Iterator[str]:
    """Yields the paths that a step takes from another stage, cut at the first wildcard; a mount
    counts as taking everything below its source."""
    instruction = step.instruction
    words = [word.value for word in instruction.words[:-1]]
    if instruction.keyword == "RUN":
        words = [m.options.get("source", "/") for m in instruction.mounts if m.options.get("from")]
    for word in words:
        value = step.state.expand(word)
        text = value.text if isinstance(value, Known) else ""
        plain = re.split(r"[*?\[]", text, maxsplit=1)[0]
        yield "/" + (plain if plain == text else plain.rpartition("/")[0]).strip("/")


def _meet(one: str, other: str) -> bool:
    return is_below(one, other) or is_below(other, one)
