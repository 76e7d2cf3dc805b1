"""What an install would read if all of the project lay above it, and does not find there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from posixpath import basename, dirname

from optimizer.effects.copies import CopyStep, ForeignCopy, StageFiles, is_below, join, workdir_of
from optimizer.effects.effects import Effects
from optimizer.effects.manifests import PLAIN, place_in_list, staying_files
from optimizer.effects.read import mount_targets
from optimizer.knowledge import ecosystems
from optimizer.knowledge.installs import Inputs, Obstacle
from optimizer.model.stages import Step

_COMPARED = 200
"""Files of a copy that are looked at, at most, to see whether two copies agree."""

_FOLDERS = (".", "./")
"""How people write the working directory as a target, beside a slash at the end."""


@dataclass(frozen=True)
class Missing:
    """``title`` names the installs; ``files`` and ``trees`` are image paths that they read and
    that the copies ``brought_by`` bring only below them."""

    title: str
    files: tuple[str, ...]
    trees: tuple[str, ...]
    brought_by: Mapping[CopyStep, tuple[list[str], list[str]]]

    @property
    def paths(self) -> tuple[str, ...]:
        return (*self.files, *self.trees)

    @property
    def entries(self) -> tuple[str, ...]:
        """The paths of the same in the build context, in the order in which people list files."""
        paths = [
            (path, copy)
            for copy, (files, trees) in self.brought_by.items()
            for path in (*files, *trees)
        ]
        found = (copy.find(path) for path, copy in sorted(paths, key=_by_path))
        return tuple(entry.path for entry in found if entry is not None)


def _by_path(pair: tuple[str, CopyStep]) -> tuple[int, bool, bool, str]:
    return place_in_list(pair[0])


def missing_inputs(
    effects: Effects,
    above: Sequence[CopyStep | ForeignCopy],
    below: Sequence[CopyStep],
    made_above: Iterable[Effects],
) -> Missing | Obstacle | None:
    """Returns what the RUN with these ``effects`` misses, None where that is nothing or not known,
    and an obstacle where something above it that nobody knows may make it.

    ``above`` are the copies above it, ``below`` those below it and in stages that take its
    files; of these only such count as put a file of ``above`` to the same place. ``made_above`` are
    the effects of the RUNs above it, which may make what no copy brings.
    """
    installs = [command.install for command in effects.commands if command.install is not None]
    copied = [copy for copy in above if isinstance(copy, CopyStep)]
    agreeing = [copy for copy in below if _agrees(copy, copied, effects.step)]
    if not installs or not agreeing or effects.context:
        return None
    here, everywhere = StageFiles(tuple(copied)), StageFiles((*agreeing, *copied))
    known = [ecosystems.inputs(install, everywhere) for install in installs]
    if any(isinstance(each, Obstacle) for each in known):
        return None
    found = [each for each in known if isinstance(each, Inputs)]
    lacks = {p for each in found for p in (*each.reads, *each.trees) if not here.kind(p)}
    lacks.difference_update(*(each.optional for each in found))
    mounted = tuple(mount_targets(effects.step, effects.step.instruction.mounts))
    lacks = {p for p in lacks if not any(is_below(p, target) for target in mounted)}
    files = tuple(dict.fromkeys(p for each in found for p in each.reads if p in lacks))
    trees = tuple(dict.fromkeys(p for each in found for p in each.trees if p in lacks))
    made = _made((*files, *trees), above, made_above)
    if not (files or trees) or made is True:
        return None
    if isinstance(made, Obstacle):
        return made
    brought = staying_files(agreeing, agreeing, Inputs(files, (), trees))
    if isinstance(brought, Obstacle):
        return None
    title = "` and `".join(dict.fromkeys(install.title for install in installs))
    used = {copy: paths for copy, paths in brought.items() if any(paths)}
    return Missing(title, files, trees, used)


def _agrees(copy: CopyStep, copied: Sequence[CopyStep], step: Step) -> bool:
    """Tells whether ``copy`` puts what ``copied`` bring to the same places, and its own spelling
    means the same where ``step`` stands."""
    target = copy.step.instruction.words[-1].value
    if "$" in target or not (target.startswith("/") or workdir_of(copy.step) == workdir_of(step)):
        return False
    pairs = [
        (copy.find(path), entry)
        for other in copied
        for path, entry in islice(other.files(), _COMPARED)
    ]
    both = [(found.path, entry.path) for found, entry in pairs if found is not None]
    return bool(both) and all(one == other for one, other in both)


def _made(
    paths: Sequence[str], above: Sequence[CopyStep | ForeignCopy], made_above: Iterable[Effects]
) -> bool | Obstacle:
    """Tells whether a step above brings one of ``paths``; an obstacle where that is not known."""
    for copy in above:
        if isinstance(copy, ForeignCopy) and (
            copy.target is None or any(is_below(path, copy.target) for path in paths)
        ):
            return True
    opaque: Effects | None = None
    for effects in made_above:
        if effects.writes.opaque is not None:
            opaque = opaque or effects
        elif any(effects.writes.covers(path) for path in paths):
            return True
    return False if opaque is None or not paths else _may_be_made(paths[0], opaque)


def _may_be_made(path: str, by: Effects) -> Obstacle:
    line = by.step.instruction.line
    return Obstacle(
        "may-be-made-above",
        f"{path} is read and not copied above, but line {line} may make it: {by.writes.opaque}.",
        f"Say what line {line} writes in a comment above it: `# dockopt: writes=PATH,...`.",
    )


def list_to_extend(path: str, entry: str, copies: Iterable[CopyStep]) -> CopyStep | None:
    """Returns the one of ``copies``, a COPY of single files, to which the context file ``entry``
    can be added so that it lands at the image path ``path``; one of its folder goes first."""
    fitting = [
        copy
        for copy in copies
        if copy.step.instruction.keyword == "COPY"
        and (copy.step.instruction.exec_form is not None or PLAIN.match(entry))
        and _takes_more(copy)
        and join(copy.target, basename(entry)) == path
    ]
    return max(fitting, default=None, key=lambda copy: _same_folder(copy, entry))


def _takes_more(copy: CopyStep) -> bool:
    target = copy.step.instruction.words[-1].value
    return (target.endswith("/") or target in _FOLDERS) and all(
        not source.is_dir and source.target == join(copy.target, basename(source.entry.path))
        for source in copy.sources
    )


def _same_folder(copy: CopyStep, entry: str) -> int:
    return sum(dirname(source.entry.path) == dirname(entry) for source in copy.sources)


def added_words(copy: CopyStep, entries: Sequence[str]) -> str:
    """Returns the text that names the context paths ``entries`` behind the sources of ``copy``, in
    its form and spelling."""
    instruction = copy.step.instruction
    dotted = all(word.value.startswith("./") for word in instruction.words[:-1])
    named = [f"./{entry}" if dotted else entry for entry in entries]
    if instruction.exec_form is not None:
        return "".join(f", {json.dumps(entry, ensure_ascii=False)}" for entry in named)
    return "".join(f" {entry}" for entry in named)
