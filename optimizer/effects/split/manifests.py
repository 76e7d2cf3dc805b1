"""What building needs of copied sources where it only installs dependencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optimizer.effects.copies import CopyStep
from optimizer.effects.effects import CommandEffects
from optimizer.effects.manifests import copy_lines, unspeakable
from optimizer.effects.paths import Paths
from optimizer.effects.split.site import Site
from optimizer.effects.split.tasks import Task
from optimizer.model.stages import Step


def manifests_of(
    site: Site, copy: CopyStep, below: Sequence[Step], tasks: Mapping[Step, tuple[Task, ...]]
) -> str | None:
    """Returns the lines that copy what the builder's steps ``below`` read of what ``copy`` brings,
    "" where that is nothing; None where one of them may read or change something else of it."""
    brought = Paths(copies=(copy,))
    files: dict[str, None] = {}
    trees: dict[str, None] = {}
    for step in below:
        if step.instruction.keyword in ("COPY", "ADD"):
            continue
        if any(mount.type == "bind" for mount in step.instruction.mounts):
            return None
        for task in tasks.get(step, ()):
            if not _meets(task.command, brought):
                continue
            inputs = task.command.inputs
            if inputs is None:
                return None
            files.update(dict.fromkeys(path for path in inputs.reads if copy.find(path)))
            trees.update(dict.fromkeys(path for path in inputs.trees if copy.find(path)))
    named = (entry.path for path in (*files, *trees) if (entry := copy.find(path)) is not None)
    return (
        None if unspeakable(named) is not None else copy_lines(site.tree, copy, [*files], [*trees])
    )


def _meets(command: CommandEffects, brought: Paths) -> bool:
    if command.obstacle is not None or command.refused is not None:
        return True
    touched = (command.reads, command.writes)
    return any(paths.meets(brought) is not None for paths in touched)
