"""What a stage that is new in a file has to leave alone: the names that mean something already, and
the numbers by which others are named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from optimizer.cst.edit import Edit, Replace
from optimizer.cst.nodes import Dockerfile, Instruction
from optimizer.cst.source import Span
from optimizer.model.stages import Stage, Stages
from optimizer.model.values import Known

_INDEX = re.compile(r"[0-9]{1,9}", re.ASCII)


def free_name(tree: Dockerfile, stages: Stages, wanted: Sequence[str]) -> str:
    """Returns the first of ``wanted``, or of these with a number, that nothing in the file means
    already: no stage, and no image that a FROM, a ``--from`` or a mount names."""
    taken = {stage.name for stage in stages.stages}
    for instruction in tree.instructions:
        inner = instruction.inner or instruction
        words = (inner.words[0].value,) if inner.keyword == "FROM" and inner.words else ()
        mounts = (mount.options.get("from", "") for mount in inner.mounts)
        taken.update(word.lower() for word in (*words, inner.flag("from") or "", *mounts))
    for value in stages.global_args.values():
        taken.add(value.text.lower() if isinstance(value, Known) else "")
    numbered = (f"{wanted[0]}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (*wanted, *numbered) if name not in taken)


def named(top: Instruction, name: str, as_: str) -> Edit:
    """Returns the edit that gives the stage which the FROM ``top`` begins the name ``name``, with
    ``as_`` as the author spells AS."""
    if len(top.words) == 3:
        return Replace(top.words[2].span, name)
    end = top.words[0].span.end
    return Replace(Span(end, end), f" {as_} {name}")


def renumbered(
    stages: Stages, stage: Stage, by: int, but: Sequence[Instruction] = ()
) -> Iterator[Edit]:
    """Yields the edits of each ``--from`` that names ``stage`` or one below it by its number, when
    ``by`` new stages come to stand above it; ``but`` are instructions that are left alone."""
    for other in stages.stages[stage.index + 1 :]:
        for step in other.steps:
            instruction = step.instruction.inner or step.instruction
            for flag in instruction.flags if instruction not in but else ():
                number = flag.value or ""
                if flag.name != "from" or not _INDEX.fullmatch(number):
                    continue
                if int(number) >= stage.index:
                    yield Replace(flag.span, f"--from={int(number) + by}")
