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

A build that fetches its dependencies itself gets a step of its own for them.
```tree
go.mod=module example.com/app\nrequire rsc.io/quote v1.5.2
go.sum=rsc.io/quote v1.5.2/go.mod h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=
main.go=package main
```
```dockerfile before
FROM golang:1.24 AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -o /app .
FROM scratch
COPY --from=build /app /app
CMD ["/app"]
```
```dockerfile after
FROM golang:1.24 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -o /app .
FROM scratch
COPY --from=build /app /app
CMD ["/app"]
```

An install inside a longer RUN gets a RUN of its own.
```tree
web/package.json={"name": "app"}
web/package-lock.json={"name": "app", "lockfileVersion": 3, "packages": {"": {"name": "app"}}}
web/src/index.js
.dockerignore=**/node_modules
```
```dockerfile before
FROM node:22
WORKDIR /app
COPY . .
RUN cd web && npm ci && npm run build
```
```dockerfile after
FROM node:22
WORKDIR /app
COPY web/package.json web/package-lock.json ./web/
RUN cd web && npm ci
COPY . .
RUN cd web && npm run build
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

A RUN that does more than install is cut where its install ends, and what its shell carries on
is said again. It stays whole where that cannot be done.
```tree
requirements.txt=flask==3.0.0
manage.py
```
```dockerfile unchanged shell-state-not-repeatable
FROM python:3.12
WORKDIR /app
COPY . .
RUN BUILD=$(date +%s) && pip install -r requirements.txt && python manage.py stamp "$BUILD"
```

Files that the host's own install left in the context would land on top of the
installed ones. Where nothing else needs them, a line in `.dockerignore` is part
of the change; where something does, it holds back (`ignored-path-is-copied`,
`shared-ignore-file`, `host-files-over-installed`).

Safety
======
same-image: neither step writes what the other reads or writes, so both orders
leave the same files. same-behavior where the install may rewrite a lockfile: the
COPY below puts the context's lockfile back, and `drops` names it. same-behavior too
where what a new step downloads can reach the image, and `drops` names the places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from posixpath import basename, commonpath, dirname
from typing import ClassVar

from optimizer.facade import (
    Conflict,
    CopyStep,
    DependencyStep,
    Edit,
    Evidence,
    FileEdit,
    ForeignCopy,
    Inputs,
    Insert,
    InstallStep,
    Move,
    Obstacle,
    Place,
    Proposal,
    Refusal,
    Replace,
    Safety,
    Stage,
    Step,
    Transform,
    View,
    blank_line_above,
    brings_a_folder,
    brings_more,
    brings_sources,
    conflict,
    copy_lines,
    covered,
    ignoring,
    inherited_sources,
    is_set_apart,
    keeps_downloads,
    line_below,
    lines_in_place,
    place_for,
    place_in_list,
    run_line,
    runs_triggers,
    sample_edit,
    says_bust_cache,
    settled_above,
    staying_files,
)

MOST_COPIES = 200
"""COPY and ADD steps of a stage that are weighed against each other, so that time stays linear."""

_FETCHED = {"dependencies": "its dependencies", "build tool": "the build tool"}
_DOWNLOADS = {"dependencies": "dependency_downloads", "build tool": "tool_downloads"}

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
        "downloads-in-cache-mount": "A cache mount keeps the downloads of the build already.",
        "intended-cache-bust": "A comment says that the cache is meant to be left unused here.",
        "onbuild-base": "The base image runs instructions of its own that are not in the file.",
        "setup-in-the-same-run": "A command of the same RUN readies what the build works with.",
        "shared-ignore-file": "Another Dockerfile copies the files that would have to be ignored.",
        "sources-of-parent-stage": "The stage is built on one that copies the sources.",
        "stage-too-long": "The stage has more COPY steps than are weighed against each other.",
        "state-between": "WORKDIR or a variable changes between the COPY and the install.",
        "unknown-target": "Where the COPY writes is not known before a build.",
    }

    def propose(self, view: View) -> Iterator[Proposal | Refusal]:
        for stage in view.stages.stages:
            inherited = view.copies_above(stage, stage.steps[0]) if stage.steps else ()
            copied, copies = any(map(_may_bring_sources, inherited)), 0
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
        """Looks at one RUN below sources: does it install, as a whole or in a part that may be cut
        off, or lack a step above that does?"""
        install = view.install(step)
        answer = self._above_sources(view, stage, step, install)
        for half in view.install_halves(step) if isinstance(answer, Obstacle) else ():
            answer = self._above_sources(view, stage, step, half)
            if not isinstance(answer, Obstacle):
                break
        if isinstance(install, InstallStep) or isinstance(answer, Proposal):
            return answer
        lacking = view.dependency_step(step)
        if isinstance(lacking, DependencyStep):
            return _with_dependency_step(view, stage, step, lacking)
        if any(command.refused == install for command, _ in view.brought_in(step)):
            return lacking
        return lacking or answer

    def _above_sources(
        self, view: View, stage: Stage, step: Step, install: InstallStep | Obstacle | None
    ) -> Proposal | Obstacle | None:
        """Returns what puts ``install``, which is ``step`` or its first half, above the sources."""
        if install is None or isinstance(install, Obstacle):
            return install
        known = view.copies_above(stage, step)
        above = [copy for copy in known if copy.step.stage_index == stage.index]
        if (lost := _lost_target(stage, above)) is not None:
            return lost
        copies = [copy for copy in above if isinstance(copy, CopyStep)]
        sources = [copy for copy in copies if brings_sources(copy, install.inputs)]
        if not sources:
            return inherited_sources(stage, known, install.title, install.inputs)
        everything = _Sinking(view, stage, step, install, tuple(copies))
        # What else can follow does, so that copies that belong together stay together.
        moved = [
            copy
            for copy in copies
            if copy in sources
            or (brings_more(copy, install.inputs) and everything.in_the_way(copy) is None)
        ]
        sinking = replace(everything, copies=tuple(moved))
        # Single files may stay above: they are edited less often than the folders that sink.
        if sinking.stuck and not any(map(brings_a_folder, sinking.stuck)):
            left = tuple(copy for copy in moved if copy not in sinking.stuck)
            if any(copy in sources for copy in left):
                sinking = replace(sinking, copies=left)
        return _sunk(sinking)


@dataclass(frozen=True)
class _Sinking:
    """``copies`` that are to go below ``install``, which is the RUN ``step`` or its first half."""

    view: View
    stage: Stage
    step: Step
    install: InstallStep
    copies: tuple[CopyStep, ...]

    @cached_property
    def above(self) -> tuple[CopyStep | ForeignCopy, ...]:
        """All copies above the install."""
        return self.view.copies_above(self.stage, self.step)

    @cached_property
    def stays(self) -> Mapping[CopyStep, tuple[list[str], list[str]]] | Obstacle:
        """What of each copy has to stay above the install: files and directories."""
        return staying_files(self.above, self.copies, self.install.inputs)

    @cached_property
    def stuck(self) -> Mapping[CopyStep, Obstacle]:
        """Those that may not go below the install, each with what it may not pass."""
        found = ((copy, self.in_the_way(copy)) for copy in self.copies)
        return {copy: obstacle for copy, obstacle in found if obstacle is not None}

    def between(self, copy: CopyStep) -> Sequence[Step]:
        """Returns the steps between ``copy`` and the install."""
        return self.stage.steps[copy.step.number : self.step.number - 1]

    def in_the_way(self, copy: CopyStep) -> Obstacle | None:
        """Returns the first thing between ``copy`` and the install that ``copy`` may not pass."""
        found = self.stays_in_place(copy)
        if isinstance(found, Conflict):
            return found.as_obstacle()
        around = (copy.step, *self.between(copy), self.step)
        if (held := _held(self.view, self.stage, self.step, around)) is not None:
            return held
        in_place = frozenset(self.install.inputs.reads)
        standing = conflict(self.view.effects(copy.step), self.install.beside, in_place)
        return None if standing is None else standing.as_obstacle()

    def stays_in_place(self, copy: CopyStep) -> Conflict | bool:
        """Says whether what the install reads of ``copy`` has to take its place, since a step
        between needs some of it; the conflict where ``copy`` may not pass such a step even so."""
        kept = frozenset() if isinstance(self.stays, Obstacle) else frozenset(self.stays[copy][0])
        moved = {other.step.number for other in self.copies}
        passed = [each for each in self.between(copy) if each.number not in moved]
        settled = settled_above(copy, self.above, frozenset(self.copies), self.install.inputs)
        effects = [self.view.effects(each) for each in passed]
        return lines_in_place(self.view.effects(copy.step), effects, settled, kept)


def _sunk(sinking: _Sinking) -> Proposal | Obstacle | None:
    """Puts copies below an install, and what that reads of them in their place."""
    view, install, copies = sinking.view, sinking.install, sinking.copies
    if isinstance(sinking.stays, Obstacle):
        return sinking.stays
    if sinking.stuck:
        return next(iter(sinking.stuck.values()))
    ignore = _host_directories(view, install, copies)
    if isinstance(ignore, Obstacle):
        return ignore
    samples = (sample_edit(copy, install.inputs) for copy in copies)
    edited = [path for path in samples if path is not None]
    drops = tuple(p for p in install.inputs.rewrites if any(c.find(p) for c in copies))
    return Proposal(
        title=f"Copy what `{install.title}` reads before the sources"
        + (", and cut its RUN behind it" if install.cut else ""),
        at=copies[0].step.instruction.code,
        edits=(*_edits(sinking, sinking.stays), *_cut_edits(view, sinking.step, install)),
        safety=Safety.SAME_BEHAVIOR if drops else Safety.SAME_IMAGE,
        reason=_reason(install, copies),
        shown_by=edited[0] if edited else None,
        files=(ignore,) if ignore else (),
        drops=drops,
        assumes=install.inputs.assumes,
    )


def _with_dependency_step(
    view: View, stage: Stage, step: Step, lacking: DependencyStep
) -> Proposal | Obstacle | None:
    """Puts a RUN that is not there yet above the sources, and what it reads above that."""
    above = view.copies_above(stage, step)
    place = _lost_target(stage, above) or place_for(stage, step, lacking, above, view.effects)
    if place is None or isinstance(place, Obstacle):
        return place
    between = stage.steps[place.top.number - 1 : step.number]
    obstacle = _held(view, stage, step, between) or _kept_in_mount(step, lacking)
    ignore = obstacle or _host_directories(view, lacking.step, place.below)
    if isinstance(ignore, Obstacle):
        return ignore
    samples = (sample_edit(copy, lacking.inputs) for copy in place.below)
    edited = next(filter(None, samples), None)
    # What a copy below brings is the context's again.
    kept = [p for p in lacking.inputs.rewrites if not any(c.find(p) for c in place.below)]
    written = (*lacking.leaves, *kept)
    drops = view.reach_the_image(stage, tuple(dict.fromkeys(written)))
    return Proposal(
        title=f"Run `{lacking.code}` before the sources",
        at=step.instruction.code,
        edits=tuple(_inserted(view, stage, step, lacking, place)),
        safety=Safety.SAME_BEHAVIOR if drops else Safety.SAME_IMAGE,
        reason=_why_above(lacking, place),
        shown_by=edited,
        evidence=(
            (Evidence(_DOWNLOADS[lacking.install.fetches], f"edit {edited}", 1, 0, "model"),)
            if edited
            else ()
        ),
        files=(ignore,) if ignore else (),
        drops=drops,
        assumes=lacking.assumes,
    )


def _inserted(
    view: View, stage: Stage, step: Step, lacking: DependencyStep, place: Place
) -> Iterator[Edit]:
    """Yields the manifests, the new RUN below them, and the sources below that."""
    tree = view.dockerfile
    apart = "\n" if blank_line_above(tree, step.instruction) else ""
    for copy in place.in_place:
        lines = copy_lines(tree, copy, *place.stays[copy])
        yield Insert(lines, before=copy.step.instruction)
    rest = [copy for copy in place.below if copy not in place.in_place]
    lines = "".join(copy_lines(tree, copy, *place.stays[copy]) for copy in rest)
    run = run_line(tree, step, lacking.code)
    text = f"{lines}{apart}{run}" if lines else run
    if place.after is None:
        yield Insert(text + apart, before=place.top.instruction)
        return
    yield Insert(f"{apart}{text}", after=place.after.instruction)
    for copy in place.sunk:
        yield Move(copy.step.instruction, after=place.after.instruction, lead=apart)
        if copy not in place.in_place and is_set_apart(tree, copy.step.instruction):
            yield Replace(line_below(tree, copy.step.instruction), "")


def _may_bring_sources(copy: CopyStep | ForeignCopy) -> bool:
    return copy.target is None if isinstance(copy, ForeignCopy) else brings_sources(copy)


def _lost_target(stage: Stage, above: Sequence[CopyStep | ForeignCopy]) -> Obstacle | None:
    """Returns the first copy of the stage that may write anywhere."""
    for copy in above:
        own = copy.step.stage_index == stage.index
        if own and isinstance(copy, ForeignCopy) and copy.target is None:
            line = copy.step.instruction.line
            reason = f"Where line {line} copies to is not known: {copy.reason}."
            return Obstacle("unknown-target", reason, "Use an absolute target.")
    return None


def _held(view: View, stage: Stage, step: Step, around: Sequence[Step]) -> Obstacle | None:
    """Returns what keeps the sources above the RUN ``step`` whatever the steps ``around`` do."""
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
    if says_bust_cache(view.dockerfile, [each.instruction for each in around]):
        return Obstacle(
            "intended-cache-bust",
            "A comment says that the cache is meant to be left unused here.",
            "Take the comment away if that is no longer so.",
        )
    return None


def _kept_in_mount(step: Step, lacking: DependencyStep) -> Obstacle | None:
    """Returns an obstacle where a cache mount keeps the downloads of a build already; one that
    keeps only what a build makes leaves them to the image."""
    if not keeps_downloads(step, lacking):
        return None
    return Obstacle(
        "downloads-in-cache-mount",
        f"`{lacking.needed_by}` keeps what it downloads in a cache mount, so an edit of the "
        "sources fetches nothing again.",
        f"Take the cache mount away if `{lacking.code}` is to be a layer of its own.",
    )


def _why_above(lacking: DependencyStep, place: Place) -> str:
    copies = _named(copy.step for copy in place.below)
    fetched = _FETCHED[lacking.install.fetches]
    return (
        f"Below {copies} every edit lets `{lacking.needed_by}` fetch {fetched} again; "
        f"`{lacking.install.title}` needs only {_listed(lacking.inputs)}."
    )


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
    tree, neighbours = view.dockerfile, view.build.neighbours
    otherwise = f"would land on top of what `{install.title}` installs"
    return ignoring(view.context, tree, neighbours, tuple(paths), otherwise)


def _edits(
    sinking: _Sinking, stays: Mapping[CopyStep, tuple[list[str], list[str]]]
) -> Iterator[Edit]:
    """Yields, for each copy that sinks, the lines that stay and the move below the install.

    What stays takes the place of the COPY or, where another RUN would come to stand
    below it that needs none of it, stands right above the install. Blank lines follow the
    author's.
    """
    tree, step = sinking.view.dockerfile, sinking.step
    blank = blank_line_above(tree, step.instruction)
    for copy in sinking.copies:
        instruction = copy.step.instruction
        lines = copy_lines(tree, copy, *stays[copy])
        runs = any(other.instruction.keyword == "RUN" for other in sinking.between(copy))
        in_place = not runs or sinking.stays_in_place(copy) is True
        if lines and in_place:
            yield Insert(lines, before=instruction)
        elif lines:
            yield Insert(lines + "\n" if blank else lines, before=step.instruction)
        if not (lines and in_place) and is_set_apart(tree, instruction):
            yield Replace(line_below(tree, instruction), "")
        apart = blank if copy is sinking.copies[0] else blank_line_above(tree, instruction)
        yield Move(instruction, after=step.instruction, lead="\n" if apart else "")


def _cut_edits(view: View, step: Step, install: InstallStep) -> Iterator[Edit]:
    """Yields, for the first half of a RUN, the edits that put the other half below what is moved
    below the first."""
    if install.cut is not None:
        lead = "\n" if blank_line_above(view.dockerfile, step.instruction) else ""
        yield Replace(install.cut.span, install.cut.tail)
        yield Insert(lead + install.cut.rest, after=step.instruction)


def _reason(install: InstallStep, sources: Sequence[CopyStep]) -> str:
    copies = _named(copy.step for copy in sources)
    shown = _listed(install.inputs)
    if not shown:
        return (
            f"`{install.title}` reads nothing that {copies} brings, and every edit runs it again."
        )
    return f"`{install.title}` reads only {shown}; below {copies} every edit runs it again."


def _named(steps: Iterable[Step]) -> str:
    return ", ".join(f"`{' '.join(step.instruction.logical.text.split())}`" for step in steps)


def _listed(inputs: Inputs) -> str:
    """Names the first of what an install reads, with their folders where the names alone would
    not tell them apart."""
    read = sorted((*inputs.reads, *inputs.trees), key=place_in_list)
    names = [basename(path) for path in read]
    if len(set(names)) < len(names):
        top = commonpath([dirname(path) for path in read]).rstrip("/")
        names = [path[len(top) :].lstrip("/") if top else path for path in read]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
