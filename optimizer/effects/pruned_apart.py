"""A stage that takes development dependencies out when its build is done: how that can be a stage
of its own, which an edit of the sources does not reach.

The stage comes apart below its install, into what both go on from, the pruning, and the build. Both
go on from the same files and neither sees the other: the build may write nothing that the pruning
reads or takes from, and whoever copies from the stage takes either what was pruned or the rest.

A stage that prunes alone, on top of the one that builds, starts from the one below that instead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from posixpath import normpath
from typing import Final, Literal, Protocol, TypeAlias

from optimizer.comments import blank_line_above, without_blank_line_below
from optimizer.cst.edit import Edit, Insert, Move, Replace
from optimizer.cst.nodes import Dockerfile, Instruction
from optimizer.cst.source import Span
from optimizer.effects.commands import PROGRAMS, short
from optimizer.effects.copies import CopyStep, ForeignCopy, StageFiles, is_below
from optimizer.effects.cuts import lower_half
from optimizer.effects.effects import (
    RUNS_A_SHELL,
    CommandEffects,
    ContextReads,
    Effects,
    Variables,
)
from optimizer.effects.paths import Paths
from optimizer.effects.placement import settled_above
from optimizer.effects.sources import brings_sources, sample_edit
from optimizer.effects.taken import chain
from optimizer.effects.version import Version
from optimizer.knowledge import ecosystems, producers
from optimizer.knowledge.cleaning import cleans_downloads
from optimizer.knowledge.installs import Call, Inputs, Obstacle
from optimizer.knowledge.products import Pruned
from optimizer.model.new_stages import free_name, named, renumbered
from optimizer.model.stages import Stage, StageBase, Step
from optimizer.model.values import Known
from optimizer.shell.cut import Cut

MOST_STEPS: Final = 200
"""Steps of a stage that are weighed against its pruning, so that time stays linear."""
MOST_FILES: Final = 2000
"""Files of a directory that is read whole, at most, that are compared with those there already."""

_WORKS = frozenset(("ADD", "COPY", "RUN", "WORKDIR"))
"""Instructions that change files."""

Part: TypeAlias = Literal["pruned", "rest", "both"]
"""What a COPY takes of the stage: of what is pruned, of everything else, or of both."""


class Seen(Version, Protocol):
    """What of a view is asked; `optimizer.view.View` is one."""

    @property
    def copy(self) -> Callable[[Step], CopyStep | ForeignCopy]: ...

    @property
    def copies_above(self) -> Callable[[Stage, Step], Sequence[CopyStep | ForeignCopy]]: ...

    @property
    def files_above(self) -> Callable[[Step], StageFiles]: ...

    @property
    def targets(self) -> Collection[str]: ...


@dataclass(frozen=True)
class PrunedApart:
    """How a stage comes apart: ``step`` is the RUN that prunes as ``pruned`` says, ``below`` the
    last step that it and the build both need, None where that is one of the stage that this one is
    built on. ``copies`` are the steps of other stages that take what was pruned, each with the
    place where that lands. ``edited`` is a file of the context whose edit makes the stage prune
    again, and ``put_back`` are the files that the install may rewrite and the build has from the
    context. ``cut`` parts the RUN where it builds as well.

    ``start`` is None but for a stage that prunes alone already, on top of those that build: it can
    start from what ``start`` starts from, or, where ``below`` is a step of that, from there."""

    step: Step
    pruned: Pruned
    below: Step | None
    copies: tuple[tuple[Step, str | None], ...]
    edited: str
    put_back: tuple[str, ...]
    cut: Cut | None
    start: Stage | None = None


def pruned_apart(seen: Seen, stage: Stage) -> PrunedApart | Obstacle | None:
    """Says how the pruning that ends ``stage`` can be a stage of its own. None: the stage prunes
    nothing, or nothing that is edited comes above that. `Obstacle`: something stands in the way."""
    if stage is seen.stages.target or len(stage.steps) > MOST_STEPS or stage.end.is_windows:
        return None
    if _has_triggers(stage):
        # Both new stages would run them.
        return None
    working = [each for each in stage.steps if each.instruction.keyword in _WORKS]
    if not working or working[-1].instruction.keyword != "RUN":
        return None
    first, pruned = _pruned(seen, working[-1])
    if pruned is None:
        return None
    inputs = _inputs(seen, stage, working[-1], pruned if isinstance(pruned, Pruned) else None)
    if inputs is None:
        return None
    if isinstance(pruned, Obstacle):
        above = (seen.copy(s) for s in working if s.instruction.keyword in ("ADD", "COPY"))
        edits = any(isinstance(each, CopyStep) and brings_sources(each, inputs) for each in above)
        return pruned if edits else None
    return _Stands(seen, stage, working[-1], first, pruned, inputs).answer()


def _pruned(seen: Seen, step: Step) -> tuple[int, Pruned | Obstacle | None]:
    """Says what the last commands of the RUN ``step`` prune, tidying up aside, and at which they
    begin: at the first where those above only change the directory."""
    commands = seen.effects(step).commands
    found: Pruned | Obstacle | None = None
    for number in range(len(commands) - 1, -1, -1):
        call = _call(commands[number])
        if call is not None and cleans_downloads(call):
            continue
        known = producers.pruned(call, seen.files_above(step)) if call is not None else None
        if known is None:
            moves = (_call(each) for each in commands[: number + 1])
            only_moves = all(each is not None and each.program == "cd" for each in moves)
            return 0 if only_moves else number + 1, found
        if found is not None:
            return 0, None
        found = known
    return 0, found


def _has_triggers(stage: Stage) -> bool:
    return any(each.instruction.keyword == "ONBUILD" for each in stage.steps)


def _call(command: CommandEffects) -> Call | None:
    return ecosystems.unwrapped(command.call) if command.call is not None else None


def _inputs(seen: Seen, stage: Stage, step: Step, pruned: Pruned | None) -> Inputs | None:
    """Returns what the nearest install above ``step`` reads and writes that brought in what is
    pruned, None where no install is known to."""
    for each in chain(stage):
        own = each.steps if each is not stage else stage.steps[: step.number - 1]
        for other in reversed(own[-MOST_STEPS:]):
            for command in reversed(seen.effects(other).commands):
                if command.inputs is None:
                    continue
                written = command.inputs.writes
                if pruned is None or any(module in written for module in pruned.modules):
                    return command.inputs
    return None


@dataclass(frozen=True)
class _Stands:
    """The RUN ``step`` that ends ``stage`` and prunes what the install with ``inputs`` brought;
    ``first`` is the number of its command with which that begins."""

    seen: Seen
    stage: Stage
    step: Step
    first: int
    pruned: Pruned
    inputs: Inputs

    @cached_property
    def reads(self) -> Inputs:
        """What the pruning looks into beside what it takes from."""
        files = (*self.pruned.reads, *self.inputs.reads)
        return Inputs(tuple(dict.fromkeys(files)), (), self.inputs.trees)

    @cached_property
    def touched(self) -> Paths:
        """Where nobody else may write: the packages, the manifests, and the package manager."""
        return Paths((*self.pruned.modules, *self.reads.reads, *self.reads.trees, *PROGRAMS))

    @cached_property
    def variables(self) -> Variables:
        """The variables that the pruning depends on."""
        commands = self.seen.effects(self.step).commands[self.first :]
        named = frozenset(name for each in commands for name in each.variables.names)
        return RUNS_A_SHELL | Variables(named, frozenset(self.pruned.variables))

    def answer(self) -> PrunedApart | Obstacle | None:
        above = self.stage.steps[: self.step.number - 1]
        below, obstacle = self._last_in_the_way(above)
        if below is None and not isinstance(self.stage.base, StageBase):
            return None
        between = above[below.number :] if below is not None else above
        edited = self._edited(between)
        if edited is None and below is None:
            return self._lower_start(above)
        if edited is None:
            brings = below is not None and self._edited(above[: below.number]) is not None
            return obstacle if brings and not self._installs(below) else None
        copies = self._copies(as_installed=False)
        if not isinstance(copies, tuple):
            return copies
        cut = self._cut() if self.first else None
        if isinstance(cut, Obstacle):
            return cut
        put_back = tuple(self._put_back(between))
        return PrunedApart(self.step, self.pruned, below, copies, edited, put_back, cut)

    def _lower_start(self, above: Sequence[Step]) -> PrunedApart | Obstacle | None:
        """Says what a stage that does nothing but prune can start from, ``above`` being its steps
        above that: the lowest place where it finds what it finds on top of the build."""
        if self.first or any(each.instruction.keyword in ("ADD", "COPY", "RUN") for each in above):
            return None
        start, last, skipped = None, None, list[Step]()
        obstacle: Obstacle | None = None
        for parent in islice(chain(self.stage), 1, None):
            if len(skipped) + len(parent.steps) > MOST_STEPS or self._is_special(parent):
                return None
            last, obstacle = self._last_in_the_way(parent.steps, above)
            below = parent.steps[last.number if last is not None else 0 :]
            skipped.extend(below)
            if last is not None:
                # A stage is not parted without an edit that is won by it.
                start = parent if self._edited(below) is not None else start
                last = last if start is parent else None
                break
            if not isinstance(parent.base, StageBase):
                return None
            start = parent
        edited = self._edited(skipped)
        if start is None or edited is None:
            steps = islice(self._above_the_install(), MOST_STEPS)
            return obstacle if self._edited(tuple(steps)) is not None else None
        copies = self._copies(as_installed=True)
        if not isinstance(copies, tuple):
            return copies
        put_back = tuple(self._put_back(skipped))
        return PrunedApart(self.step, self.pruned, last, copies, edited, put_back, None, start)

    def _above_the_install(self) -> Iterator[Step]:
        """Yields the steps of the stages below that follow the install, the last one first."""
        for parent in islice(chain(self.stage), 1, None):
            for step in reversed(parent.steps):
                if self._installs(step):
                    return
                yield step

    def _is_special(self, parent: Stage) -> bool:
        """Tells whether what starts from ``parent`` may get more of it than its files."""
        return (
            _has_triggers(parent) or parent.platform is not None or self.stage.platform is not None
        )

    def _last_in_the_way(
        self, steps: Sequence[Step], own: Sequence[Step] = ()
    ) -> tuple[Step, Obstacle] | tuple[None, None]:
        """Returns the last of ``steps`` that the pruning cannot do without, or the steps ``own`` of
        its stage cannot, and why."""
        found = (
            (step, self._assigned(step, own) or self.in_the_way(step)) for step in reversed(steps)
        )
        return next(((step, why) for step, why in found if why is not None), (None, None))

    def _assigned(self, step: Step, own: Sequence[Step]) -> Obstacle | None:
        assigned = self.seen.effects(step).assigns
        for other in own:
            reads = self.seen.effects(other).variables.reads
            if (name := next((n for n in assigned if n == "*" or reads(n)), None)) is not None:
                return self._between(step, f"${name}")
        return None

    def _cut(self) -> Cut | Obstacle:
        """Returns what parts the RUN that builds and prunes."""
        effects = self.seen.effects(self.step)
        for command in effects.commands[: self.first]:
            if (obstacle := self._command(self.step, command)) is not None:
                return obstacle
        cut = lower_half(self.seen.dockerfile, effects, self.first)
        if isinstance(cut, Cut):
            return cut
        return replace(cut, unblock=f"Give `{self.pruned.title}` a RUN of its own.")

    def _put_back(self, steps: Sequence[Step]) -> Iterator[str]:
        copies = [self.seen.copy(s) for s in steps if s.instruction.keyword in ("ADD", "COPY")]
        known = [each for each in copies if isinstance(each, CopyStep)]
        return (p for p in self.inputs.rewrites if any(each.find(p) for each in known))

    def _edited(self, steps: Sequence[Step]) -> str | None:
        """Returns a source file that one of ``steps`` brings."""
        copies = (self.seen.copy(s) for s in steps if s.instruction.keyword in ("ADD", "COPY"))
        samples = (
            sample_edit(copy, self.inputs)
            for copy in copies
            if isinstance(copy, CopyStep) and brings_sources(copy, self.inputs)
        )
        return next(filter(None, samples), None)

    def _installs(self, step: Step | None) -> bool:
        """Tells whether ``step`` is the install itself, which nobody expects below the pruning."""
        return step is not None and any(
            command.inputs is self.inputs for command in self.seen.effects(step).commands
        )

    def in_the_way(self, step: Step) -> Obstacle | None:
        """Returns why the pruning cannot go on from what is above ``step``, None where it can."""
        effects = self.seen.effects(step)
        keyword = step.instruction.keyword
        if (changed := self._state(step, effects)) is not None:
            return self._between(step, changed)
        if keyword == "RUN":
            return self._run(step, effects)
        settled = self._settled(step) if keyword in ("ADD", "COPY") else frozenset[str]()
        at = effects.writes.meets(self.touched, settled)
        return None if at is None else self._written(step, f"Line {step.instruction.line}", at)

    def _state(self, step: Step, effects: Effects) -> str | None:
        """Names what ``step`` sets that the pruning takes."""
        for name in effects.assigns:
            if name == "*" or self.variables.reads(name):
                return f"${name}"
        stage = self.seen.stages.stages[step.stage_index]
        below = stage.steps[step.number :]
        before, after = step.state, below[0].state if below else stage.end
        pairs = (
            ("WORKDIR", before.workdir, after.workdir),
            ("USER", before.user, after.user),
            ("SHELL", before.shell, after.shell),
        )
        return next((name for name, was, now in pairs if was != now), None)

    def _run(self, step: Step, effects: Effects) -> Obstacle | None:
        if not effects.commands:
            at = effects.writes.meets(self.touched)
            return None if at is None else effects.obstacle or self._written(step, "The RUN", at)
        for command in effects.commands:
            if (obstacle := self._command(step, command)) is not None:
                return obstacle
        return None

    def _command(self, step: Step, command: CommandEffects) -> Obstacle | None:
        if command.obstacle is None and command.refused is None:
            at = command.writes.meets(self.touched)
            return None if at is None else self._written(step, f"`{short(command.text)}`", at)
        call = _call(command)
        files = self.seen.files_above(step)
        if call is not None and producers.spares(call, files, self.pruned.modules):
            return None
        return Obstacle(
            "changes-installed-packages",
            f"`{short(command.text)}` may change what is installed, which `{self.pruned.title}` "
            "would not find in a stage of its own.",
            "Leave the file as it is, or let the build write to a directory of its own.",
        )

    def _settled(self, step: Step) -> frozenset[str]:
        """Returns what the pruning reads that is there above ``step`` just as it brings it."""
        copy = self.seen.copy(step)
        if not isinstance(copy, CopyStep):
            return frozenset()
        above = self.seen.copies_above(self.seen.stages.stages[step.stage_index], step)
        known = [each for each in above if isinstance(each, CopyStep)]
        whole = (tree for tree in self.reads.trees if _is_there(copy, known, tree))
        return settled_above(copy, above, (), self.reads) | frozenset(whole)

    def _between(self, step: Step, what: str) -> Obstacle:
        return Obstacle(
            "state-between",
            f"Line {step.instruction.line} sets {what}, which `{self.pruned.title}` takes.",
            f"Set {what} above the install.",
        )

    def _written(self, step: Step, who: str, at: str) -> Obstacle:
        return Obstacle(
            "changes-installed-packages",
            f"{who} writes {at}, which `{self.pruned.title}` would not find in a stage of its own.",
            f"Put line {step.instruction.line} above the sources.",
        )

    # Who takes files of the stage

    def _copies(
        self, *, as_installed: bool
    ) -> tuple[tuple[Step, str | None], ...] | Obstacle | None:
        """Returns the steps that take what was pruned; None where there are none. With
        ``as_installed`` they may take nothing else of the stage but what the install had read."""
        if self.stage.name in self.seen.targets:
            return _elsewhere(f"The stage `{self.stage.name}` is built by itself too")
        found: list[tuple[Step, str | None]] = []
        for other in self.seen.stages.stages:
            if isinstance(other.base, StageBase) and other.base.stage is self.stage:
                return _elsewhere(f"Line {other.instruction.line} starts from the stage")
            for step in (each for each in other.steps if self.stage in each.depends_on):
                if step.instruction.keyword == "RUN":
                    return _elsewhere(f"Line {step.instruction.line} mounts the stage")
                part = self._part(step)
                if part == "both":
                    return Obstacle(
                        "pruned-with-the-rest",
                        f"Line {step.instruction.line} copies what is pruned together with what "
                        "is built.",
                        f"Copy {self.pruned.modules[0]} in a line of its own.",
                    )
                if part == "pruned":
                    found.append((step, self._landing(step)))
                elif as_installed and not self._takes_manifests(step):
                    return Obstacle(
                        "pruned-with-the-rest",
                        f"Line {step.instruction.line} copies of the stage what the stages below "
                        "it build.",
                        "Copy that from the stage that builds it.",
                    )
        return tuple(found) or None

    def _part(self, step: Step) -> Part:
        words = step.instruction.words[:-1]
        parts = {self._taken(step, word.value) for word in words}
        return parts.pop() if len(parts) == 1 else "both"

    def _taken(self, step: Step, word: str) -> Part:
        path = _path(step, word)
        if path is None:
            return "both"
        if any(is_below(path, module) for module in self.pruned.modules):
            return "pruned"
        takes = ContextReads((path.lstrip("/"),))
        meets = any(takes.selects(module.lstrip("/")) for module in self.pruned.modules)
        return "both" if meets else "rest"

    def _takes_manifests(self, step: Step) -> bool:
        """Tells whether ``step`` takes nothing but files that no step between may write."""
        return all(_path(step, w.value) in self.reads.reads for w in step.instruction.words[:-1])

    def _landing(self, step: Step) -> str | None:
        copy = self.seen.copy(step)
        return copy.target if isinstance(copy, ForeignCopy) else None


def _path(step: Step, word: str) -> str | None:
    """Returns the path that a COPY of another stage names by ``word``, None where it is unknown."""
    value = step.state.expand(word)
    return normpath("/" + value.text.lstrip("/")) if isinstance(value, Known) else None


def _is_there(copy: CopyStep, above: Sequence[CopyStep], tree: str) -> bool:
    """Tells whether all that ``copy`` brings into ``tree`` is there by a copy of ``above``."""
    found = list(islice(copy.files(), MOST_FILES + 1))
    return len(found) <= MOST_FILES and all(
        any(other.find(path) == entry for other in above)
        for path, entry in found
        if is_below(path, tree)
    )


def _elsewhere(how: str) -> Obstacle:
    return Obstacle(
        "stage-is-used-elsewhere",
        f"{how}, and what is pruned now would not be.",
        "Prune in a stage of its own by hand.",
    )


def apart_edits(seen: Seen, stage: Stage, apart: PrunedApart) -> tuple[Edit, ...]:
    """Returns the edits that carry out ``apart``, which `pruned_apart` made of ``stage``."""
    return tuple(_edits(seen, stage, apart))


def _edits(seen: Seen, stage: Stage, apart: PrunedApart) -> Iterator[Edit]:
    tree = seen.dockerfile
    top, prune = stage.instruction, apart.step.instruction
    if apart.start is not None:
        yield from _started_lower(seen, top, apart.start, apart.below)
        return
    origin, as_ = _spelled(tree, top)
    name = free_name(tree, seen.stages, ("production-dependencies",))
    cut = apart.cut
    if apart.below is None:
        base = tree.text(top.words[0].span)
        yield Insert(f"{origin} {base} {as_} {name}\n", before=top)
        yield Move(prune, before=top) if cut is None else Insert(cut.rest, before=top)
        yield Insert("\n", before=top)
    else:
        both = free_name(tree, seen.stages, ("dependencies", "installed"))
        again = f" {as_} {tree.text(top.words[2].span)}" if len(top.words) == 3 else ""
        yield named(top, both, as_)
        anchor = apart.below.instruction
        yield Insert(f"\n{origin} {both} {as_} {name}\n", after=anchor)
        yield Move(prune, after=anchor) if cut is None else Insert(cut.rest, after=anchor)
        yield Insert(f"\n{origin} {both}{again}\n", after=anchor)
        yield from without_blank_line_below(tree, anchor)
    if cut is not None:
        yield Replace(cut.span, cut.tail)
    elif blank_line_above(tree, prune):
        yield from without_blank_line_below(tree, prune)
    copies = [step.instruction for step, _ in apart.copies]
    for instruction in copies:
        yield Replace(_from(instruction), f"--from={name}")
    yield from renumbered(seen.stages, stage, 1 if apart.below is None else 2, copies)


def _started_lower(
    seen: Seen, top: Instruction, start: Stage, below: Step | None
) -> Iterator[Edit]:
    tree, upper = seen.dockerfile, start.instruction
    if below is None:
        yield Replace(top.words[0].span, tree.text(upper.words[0].span))
        return
    both = free_name(tree, seen.stages, ("dependencies", "installed"))
    origin, as_ = _spelled(tree, upper)
    again = tree.text(upper.words[2].span)
    yield named(upper, both, as_)
    yield Insert(f"\n{origin} {both} {as_} {again}\n", after=below.instruction)
    yield from without_blank_line_below(tree, below.instruction)
    yield Replace(top.words[0].span, both)
    yield from renumbered(seen.stages, start, 1)


def _spelled(tree: Dockerfile, top: Instruction) -> tuple[str, str]:
    """Returns FROM and AS as the author writes the FROM ``top``."""
    return ("from", "as") if tree.text(top.keyword_span).islower() else ("FROM", "AS")


def _from(instruction: Instruction) -> Span:
    return next(flag.span for flag in instruction.flags if flag.name == "from")
