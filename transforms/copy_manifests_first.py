r"""Copy the dependency manifests before the source tree.

What it does
============
Copies only the files that an install of dependencies reads above that install,
and lets the COPY of the sources follow below it.

Why it pays
===========
A step runs again when anything it stands on has changed. Below `COPY . .` an
install runs again after every edit; below its manifests it runs again only when
the dependencies change.

Example
=======
```tree
package.json={"name": "app", "dependencies": {}}
package-lock.json={"name": "app", "lockfileVersion": 3, "packages": {"": {"name": "app"}}}
src/index.js
.dockerignore=node_modules
```
```dockerfile before
FROM node:22
WORKDIR /app
# all of it
COPY . .
RUN npm ci
CMD ["node", "src/index.js"]
```
```dockerfile after
FROM node:22
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
# all of it
COPY . .
CMD ["node", "src/index.js"]
```

When it holds back
==================
An install that runs code of the project reads more than manifests.
```tree
package.json={"name": "app", "scripts": {"postinstall": "node scripts/build.js"}}
package-lock.json={"name": "app", "lockfileVersion": 3, "packages": {"": {"name": "app"}}}
scripts/build.js
.dockerignore=node_modules
```
```dockerfile unchanged install-script-reads-source
FROM node:22
WORKDIR /app
COPY . .
RUN npm ci
```

So does an install that shares its RUN with a command whose reads are not known.
```tree
requirements.txt=flask==3.0.0
manage.py
```
```dockerfile unchanged install-inside-longer-run
FROM python:3.12
WORKDIR /app
COPY . .
RUN pip install -r requirements.txt && python manage.py collectstatic
```

Files that the host's own install left in the context would land on top of the
installed ones. Where nothing else needs them, a line in `.dockerignore` is part
of the change; where something does, it holds back (`ignored-path-is-copied`,
`shared-ignore-file`, `host-files-over-installed`).

Safety
======
same-image: neither step writes what the other reads or writes, so both orders
leave the same files. same-behavior where the install may rewrite a lockfile: the
COPY below puts the context's lockfile back, and `drops` names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from optimizer.facade import (
    CopyStep,
    Edit,
    FileEdit,
    ForeignCopy,
    Insert,
    InstallStep,
    Move,
    Obstacle,
    Proposal,
    Refusal,
    Replace,
    Safety,
    Stage,
    Step,
    Transform,
    View,
    blank_line_above,
    brings_more,
    brings_sources,
    conflict,
    copies_from_host,
    copy_lines,
    covered,
    hide,
    is_set_apart,
    line_below,
    place_in_list,
    runs_triggers,
    sample_edit,
    says_bust_cache,
    staying_files,
)

MOST_COPIES = 200
"""COPY and ADD steps of a stage that are weighed against each other, so that time stays linear."""

_TOO_LONG = Obstacle(
    "stage-too-long",
    f"The stage copies more than {MOST_COPIES} times; what comes below is not looked at.",
    "Copy directories instead of single files.",
)


class CopyManifestsFirst(Transform):
    id = "copy-manifests-first"
    best = Safety.SAME_IMAGE
    codes: ClassVar[Mapping[str, str]] = {
        "context-mounted": "The install mounts the build context, so every edit reruns it anyway.",
        "ignored-path-is-copied": "A step copies the files that would have to be ignored.",
        "intended-cache-bust": "A comment says that the cache is meant to be left unused here.",
        "onbuild-base": "The base image runs instructions of its own that are not in the file.",
        "shared-ignore-file": "Another Dockerfile copies the files that would have to be ignored.",
        "stage-too-long": "The stage has more COPY steps than are weighed against each other.",
        "state-between": "WORKDIR or a variable changes between the COPY and the install.",
        "unknown-target": "Where the COPY writes is not known before a build.",
    }

    def propose(self, view: View) -> Iterator[Proposal | Refusal]:
        for stage in view.stages.stages:
            copied, copies = False, 0
            for step in stage.steps:
                if step.instruction.keyword in ("COPY", "ADD"):
                    copied = copied or _may_bring_sources(view.copy(step))
                    copies += 1
                elif copied and view.may_install(step):
                    answer = self._below_sources(view, stage, step)
                    if isinstance(answer, Obstacle):
                        yield Refusal.of(answer, step.instruction.code)
                    elif answer is not None:
                        yield answer
                if copies > MOST_COPIES:
                    yield Refusal.of(_TOO_LONG, step.instruction.code)
                    break

    def _below_sources(self, view: View, stage: Stage, step: Step) -> Proposal | Obstacle | None:
        """Looks at one RUN below sources: does it install dependencies?"""
        install = view.install(step)
        if install is None or isinstance(install, Obstacle):
            return install
        above = [c for c in view.copies_above(stage, step) if c.step.stage_index == stage.index]
        lost = next((c for c in above if isinstance(c, ForeignCopy) and c.target is None), None)
        if lost is not None:
            reason = (
                f"Where line {lost.step.instruction.line} copies to is not known: {lost.reason}."
            )
            return Obstacle("unknown-target", reason, "Use an absolute target.")
        copies = [copy for copy in above if isinstance(copy, CopyStep)]
        sources = [copy for copy in copies if brings_sources(copy, install.inputs)]
        if not sources:
            return None
        # What else can follow does, so that copies that belong together stay together.
        moved = [
            copy
            for copy in copies
            if copy in sources
            or (
                brings_more(copy, install.inputs)
                and _in_the_way(view, stage, step, install, copy, copies) is None
            )
        ]
        return self._sink(view, stage, step, install, moved)

    def _sink(
        self, view: View, stage: Stage, step: Step, install: InstallStep, sources: list[CopyStep]
    ) -> Proposal | Obstacle | None:
        """Puts ``sources`` below the install, and what it reads of them in their place."""
        stays = staying_files(view.copies_above(stage, step), sources, install.inputs)
        if isinstance(stays, Obstacle):
            return stays
        for copy in sources:
            obstacle = _in_the_way(view, stage, step, install, copy, sources)
            if obstacle is not None:
                return obstacle
        ignore = _host_directories(view, install, sources)
        if isinstance(ignore, Obstacle):
            return ignore
        edits = tuple(_edits(view, stage, step, sources, stays))
        samples = (sample_edit(copy, install.inputs) for copy in sources)
        edited = [path for path in samples if path is not None]
        drops = tuple(p for p in install.inputs.rewrites if any(c.find(p) for c in sources))
        return Proposal(
            title=f"Copy what `{install.title}` reads before the sources",
            at=sources[0].step.instruction.code,
            edits=edits,
            safety=Safety.SAME_BEHAVIOR if drops else Safety.SAME_IMAGE,
            reason=_reason(view, install, sources),
            shown_by=edited[0] if edited else None,
            files=(ignore,) if ignore else (),
            drops=drops,
            assumes=install.inputs.assumes,
        )


def _may_bring_sources(copy: CopyStep | ForeignCopy) -> bool:
    return copy.target is None if isinstance(copy, ForeignCopy) else brings_sources(copy)


def _in_the_way(
    view: View,
    stage: Stage,
    step: Step,
    install: InstallStep,
    copy: CopyStep,
    sources: Sequence[CopyStep],
) -> Obstacle | None:
    """Returns the first thing between ``copy`` and the install that ``copy`` may not pass."""
    between = stage.steps[copy.step.number : step.number - 1]
    in_place = frozenset(install.inputs.reads)
    passed = (each for each in between if all(each is not other.step for other in sources))
    found = (conflict(view.effects(copy.step), view.effects(each), in_place) for each in passed)
    standing = next(filter(None, found), None)
    if standing is not None:
        return standing.as_obstacle()
    mounts = step.instruction.mounts
    if any(mount.type == "bind" and not mount.options.get("from") for mount in mounts):
        return Obstacle(
            "context-mounted",
            "The install mounts the build context, so every edit reruns it.",
            "Mount only the files that it reads.",
        )
    if runs_triggers(stage):
        return Obstacle(
            "onbuild-base",
            "The base image runs ONBUILD instructions that this file does not show.",
            "Use a base image without ONBUILD.",
        )
    instructions = [each.instruction for each in (copy.step, *between, step)]
    if says_bust_cache(view.dockerfile, instructions):
        return Obstacle(
            "intended-cache-bust",
            "A comment says that the cache is meant to be left unused here.",
            "Take the comment away if that is no longer so.",
        )
    standing = conflict(view.effects(copy.step), install.beside, in_place)
    return None if standing is None else standing.as_obstacle()


def _host_directories(
    view: View, install: InstallStep, sources: Sequence[CopyStep]
) -> FileEdit | Obstacle | None:
    """Returns the ignore file that keeps the host's own installs from covering the image's."""
    paths: dict[str, None] = {}
    for copy in sources:
        for written in install.inputs.writes:
            path = covered(copy, written)
            if isinstance(path, Obstacle):
                return path
            if path is not None:
                paths[path] = None
    if not paths:
        return None
    for path in paths:
        if copies_from_host(view.dockerfile, path):
            return Obstacle(
                "ignored-path-is-copied",
                f"{path} would have to be ignored, but a step of this file copies it.",
                f"Leave {path} to the install.",
            )
        if any(copies_from_host(other, path) for other in view.build.neighbours()):
            return Obstacle(
                "shared-ignore-file",
                f"{path} would have to be ignored, but another Dockerfile copies it.",
                f"Add `{path}` to an ignore file of this Dockerfile alone.",
            )
    return hide(view.context, tuple(paths)) or Obstacle(
        "host-files-over-installed",
        f"{next(iter(paths))} would land on top of what `{install.title}` installs, and the ignore "
        "file brings it back.",
        f"Ignore {next(iter(paths))}.",
    )


def _edits(
    view: View,
    stage: Stage,
    step: Step,
    sources: Sequence[CopyStep],
    stays: Mapping[CopyStep, tuple[list[str], list[str]]],
) -> Iterator[Edit]:
    """Yields, for each of ``sources``, the lines that stay and the move below the install.

    What stays takes the place of the COPY or, where another RUN would come to stand
    below it, stands right above the install. Blank lines follow the author's.
    """
    tree = view.dockerfile
    blank = blank_line_above(tree, step.instruction)
    for copy in sources:
        instruction = copy.step.instruction
        lines = copy_lines(tree, copy, *stays[copy])
        between = stage.steps[copy.step.number : step.number - 1]
        in_place = not any(other.instruction.keyword == "RUN" for other in between)
        if lines and in_place:
            yield Insert(lines, before=instruction)
        elif lines:
            yield Insert(lines + "\n" if blank else lines, before=step.instruction)
        if not (lines and in_place) and is_set_apart(tree, instruction):
            yield Replace(line_below(tree, instruction), "")
        apart = blank if copy is sources[0] else blank_line_above(tree, instruction)
        yield Move(instruction, after=step.instruction, lead="\n" if apart else "")


def _reason(view: View, install: InstallStep, sources: Sequence[CopyStep]) -> str:
    copies = ", ".join(
        f"`{' '.join(copy.step.instruction.logical.text.split())}`" for copy in sources
    )
    read = sorted((*install.inputs.reads, *install.inputs.trees), key=place_in_list)
    if not read:
        return (
            f"`{install.title}` reads nothing that {copies} brings, and every edit runs it again."
        )
    names = [path.rpartition("/")[2] for path in read]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"`{install.title}` reads only {shown}; below {copies} every edit runs it again."
