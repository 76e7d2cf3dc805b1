"""Stages of a file that no build which is known reaches."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from optimizer.cst.nodes import Dockerfile
from optimizer.model.stages import Invocation, Stage, StageBase, Stages, read_stages

MOST_STAGES = 200
"""Stages, at most, that may be of no use; of a file with more of them nothing is said."""

MOST_WORK = 200_000
"""Instructions that are read, at most, to follow all targets; where it takes more, nothing is
said."""

_VARIABLE = re.compile(r"\$(?:\{[^}]*\}?|\w+)")


@dataclass(frozen=True, slots=True)
class Unreached:
    """A stage that no build reaches and no stage takes anything of, but perhaps such that are not
    reached themselves; ``alone_for_it`` are those that only it needs, in the file's order."""

    stage: Stage
    alone_for_it: tuple[Stage, ...]


def unreached(
    dockerfile: Dockerfile, stages: Stages, invocation: Invocation, targets: Collection[str]
) -> tuple[Unreached, ...]:
    """Returns the stages that are needed by none of ``targets``, not by the target of
    ``invocation`` and not by the last stage, which is built where nobody names a target.

    ``stages`` are those of ``dockerfile`` as ``invocation`` builds it. A stage that the value of an
    argument may choose (``FROM build-$MODE``) counts as needed. Those that another one of the
    answer needs have no answer of their own.
    """
    if len(stages.needed) == len(stages.stages):
        return ()
    wanted = {*targets, *_chosen(stages)}
    if len(wanted) * len(dockerfile.instructions) > MOST_WORK:
        return ()
    reached = {stage.index for stage in stages.needed}
    for target in (None, *sorted(wanted)):
        found = read_stages(dockerfile, replace(invocation, target=target))
        reached.update(stage.index for stage in found.needed)
    left = [stage for stage in stages.stages if stage.index not in reached]
    if len(left) > MOST_STAGES:
        return ()
    below = {other.index for stage in left for other in _direct(stage)}
    return tuple(_with_its_own(stage, left) for stage in left if stage.index not in below)


def _chosen(stages: Stages) -> Iterator[str]:
    """Yields the stages that a FROM with a variable may mean."""
    words = (stage.instruction.words[:1] for stage in stages.stages)
    written = dict.fromkeys(word.value for first in words for word in first if "$" in word.value)
    for pieces in map(_VARIABLE.split, written):
        for stage in stages.stages:
            if stage.name is not None and _fits(pieces, stage.name):
                yield stage.name


def _fits(pieces: Sequence[str], name: str) -> bool:
    """Tells whether ``name`` is made of ``pieces``, with anything between them."""
    if not name.startswith(pieces[0]) or not name.endswith(pieces[-1]):
        return False
    at = len(pieces[0])
    for piece in pieces[1:]:
        found = name.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _with_its_own(stage: Stage, left: list[Stage]) -> Unreached:
    needed = _closure(stage)
    others = (each for each in left if each.index not in needed)
    elsewhere = {index for other in others for index in _closure(other)}
    own = (each for each in left if each is not stage and each.index in needed - elsewhere)
    return Unreached(stage, tuple(own))


def _closure(stage: Stage) -> set[int]:
    found = {stage.index}
    waiting = [stage]
    while waiting:
        for other in _direct(waiting.pop()):
            if other.index not in found:
                found.add(other.index)
                waiting.append(other)
    return found


def _direct(stage: Stage) -> Iterator[Stage]:
    if isinstance(stage.base, StageBase):
        yield stage.base.stage
    for step in stage.steps:
        yield from step.depends_on
