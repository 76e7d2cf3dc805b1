"""Which steps run again after one file of the build context changed.

A step runs again when its own inputs changed or a step above it in its stage
ran again; a stage that starts ``FROM`` a stage inherits that. ``COPY --from`` is
decided by content, which is not known before a build: it is counted as run
again whenever its stage ran anything again, so a figure is an upper bound.
``LABEL``, ``ENV`` and the other steps without a file system of their own are
no vertices and are not counted.
"""

from __future__ import annotations

from optimizer.context.tree import BuildContext
from optimizer.effects.copies import CopyStep, read_copy
from optimizer.model.stages import Stage, StageBase, Stages, Step

VERTICES = frozenset({"ADD", "COPY", "RUN", "WORKDIR"})
"""Instructions that BuildKit solves as a vertex of their own (``dispatch*`` in
``dockerfile2llb/convert.go``)."""


def steps_rerun(stages: Stages, context: BuildContext, path: str) -> tuple[Step, ...]:
    """Returns the steps, among those the target needs, that run again when ``path`` changes."""
    if context.excluded(path):
        return ()
    rerun: list[Step] = []
    touched: set[int] = set()
    for stage in stages.needed:
        steps = _stage_rerun(stage, context, path, touched)
        if steps:
            touched.add(stage.index)
            rerun.extend(steps)
        elif isinstance(stage.base, StageBase) and stage.base.stage.index in touched:
            touched.add(stage.index)
    return tuple(rerun)


def _stage_rerun(
    stage: Stage, context: BuildContext, path: str, touched: set[int]
) -> tuple[Step, ...]:
    broken = isinstance(stage.base, StageBase) and stage.base.stage.index in touched
    steps: list[Step] = []
    for step in stage.steps:
        if step.instruction.keyword not in VERTICES:
            continue
        broken = broken or _reads(step, context, path) or _depends(step, touched)
        if broken:
            steps.append(step)
    return tuple(steps)


def _depends(step: Step, touched: set[int]) -> bool:
    return any(stage.index in touched for stage in step.depends_on)


def _reads(step: Step, context: BuildContext, path: str) -> bool:
    instruction = step.instruction
    if instruction.keyword in ("COPY", "ADD"):
        copy = read_copy(step, context)
        if not isinstance(copy, CopyStep):
            return False
        return any(
            path == source.entry.path or (source.is_dir and _within(path, source.entry.path))
            for source in copy.sources
        )
    return any(
        mount.type == "bind"
        and "from" not in mount.options
        and _within(path, mount.options.get("source", "").strip("./"))
        for mount in instruction.mounts
    )


def _within(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(folder + "/")
