"""Where in a stage a RUN that is not there yet can stand, so that the sources follow below it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from optimizer.effects.conflict import Conflict, conflict
from optimizer.effects.copies import ALWAYS_THERE, CopyStep, ForeignCopy, is_below
from optimizer.effects.dependencies import DependencyStep, changes_modes_only
from optimizer.effects.effects import Effects
from optimizer.effects.manifests import staying_files
from optimizer.effects.sources import brings_sources
from optimizer.knowledge.installs import Inputs, Obstacle
from optimizer.model.stages import Stage, Step


@dataclass(frozen=True)
class Place:
    """A place above the sources: right below the step ``after``, or right above ``top``, the first
    copy of sources, where that is None.

    ``below`` are the copies that then stand below it, and ``sunk`` those of them that have to
    move there. ``stays`` says what of each has to be copied above the RUN: files and directories;
    ``in_place`` are those of ``sunk`` whose lines for that take their place, since a step between
    needs some of it.
    """

    top: Step
    after: Step | None
    sunk: tuple[CopyStep, ...]
    below: tuple[CopyStep, ...]
    stays: Mapping[CopyStep, tuple[list[str], list[str]]]
    in_place: frozenset[CopyStep]


def place_for(
    stage: Stage,
    step: Step,
    lacking: DependencyStep,
    above: Sequence[CopyStep | ForeignCopy],
    effects: Callable[[Step], Effects],
) -> Place | Obstacle | None:
    """Returns the highest place above ``step`` where ``lacking`` finds what it finds there.

    ``above`` are the copies above ``step``, those of parent stages included. None: there are no
    sources above it, or another stage brings what it would download. `Obstacle`: something keeps
    it below the sources.
    """
    if any(_brings_downloads(copy, lacking.inputs) for copy in above):
        return None
    copies = [c for c in above if isinstance(c, CopyStep) and c.step.stage_index == stage.index]
    sources = [copy for copy in copies if brings_sources(copy, lacking.inputs)]
    if not sources:
        return inherited_sources(stage, above, lacking.install.title, lacking.inputs)
    top = sources[0].step
    copies = [copy for copy in copies if copy.step.number >= top.number]
    between = stage.steps[top.number - 1 : step.number - 1]
    last = _last_conflict([s for s in between if all(s is not c.step for c in copies)],
                          lacking, effects)  # fmt: skip
    after = None if last is None else last.first
    sunk = tuple(copy for copy in sources if after is not None and copy.step.number < after.number)
    below = (*sunk, *(c for c in copies if after is None or c.step.number > after.number))
    stays = staying_files(above, below, lacking.inputs)
    if isinstance(stays, Obstacle):
        return stays
    in_place: set[CopyStep] = set()
    for copy in below:
        passed = (*_passed(between, copy, sunk, after, effects), lacking.beside)
        settled = settled_above(copy, above, below, lacking.inputs)
        found = lines_in_place(effects(copy.step), passed, settled, frozenset(stays[copy][0]))
        if isinstance(found, Conflict):
            return found.as_obstacle()
        if found and copy in sunk:
            in_place.add(copy)
    return Place(top, after, sunk, below, stays, frozenset(in_place))


def inherited_sources(
    stage: Stage, above: Iterable[CopyStep | ForeignCopy], title: str, inputs: Inputs
) -> Obstacle | None:
    """Returns what keeps an install below the sources of the stage that ``stage`` is built on:
    the other stages on top of that one have them from there. None where it has none."""
    for copy in above:
        own = copy.step.stage_index == stage.index
        if isinstance(copy, CopyStep) and not own and brings_sources(copy, inputs):
            line = copy.step.instruction.line
            return Obstacle(
                "sources-of-parent-stage",
                f"Line {line} of the stage that this one is built on copies the sources.",
                f"Run `{title}` in that stage above line {line}, or copy the sources in this "
                "stage.",
            )
    return None


def settled_above(
    copy: CopyStep,
    above: Iterable[CopyStep | ForeignCopy],
    moved: Container[CopyStep],
    inputs: Inputs,
) -> frozenset[str]:
    """Returns those of the files that an install reads which a copy above ``copy`` brings just as
    ``copy`` does, and goes on to: it is none of those that are ``moved``."""
    staying = [
        other
        for other in above
        if isinstance(other, CopyStep) and other not in moved and _place(other) < _place(copy)
    ]
    return frozenset(
        path
        for path in inputs.reads
        if (entry := copy.find(path)) and any(other.find(path) == entry for other in staying)
    )


def _place(copy: CopyStep) -> tuple[int, int]:
    """Returns what tells which of two copies of a stage and its parents stands above."""
    return copy.step.stage_index, copy.step.number


def lines_in_place(
    own: Effects, passed: Sequence[Effects], settled: Set[str], kept: Set[str]
) -> Conflict | bool:
    """Says whether a copy with the effects ``own`` may go below ``passed`` only where the lines
    for the files ``kept`` of it take its place; the conflict where not even so. The files
    ``settled`` are there in any case."""
    if all(conflict(own, each, settled) is None for each in passed):
        return False
    found = (conflict(own, each, settled | kept) for each in passed)
    return next(filter(None, found), None) or True


def _brings_downloads(copy: CopyStep | ForeignCopy, known: Inputs) -> bool:
    """Tells whether a copy of another stage's files fills a directory that an install writes: it
    lies there, or right around it, and is neither the project's nor the system's."""
    if not isinstance(copy, ForeignCopy) or copy.target is None:
        return False
    around = copy.target not in ALWAYS_THERE and not any(
        is_below(path, copy.target) for path in known.reads
    )
    return any(
        is_below(copy.target, path) or (around and is_below(path, copy.target))
        for path in known.writes
    )


def _last_conflict(
    steps: Sequence[Step], lacking: DependencyStep, effects: Callable[[Step], Effects]
) -> Conflict | None:
    """Returns what keeps the new RUN below the last of ``steps`` that it may not pass."""
    found = (_stands_above(effects(step), lacking) for step in reversed(steps))
    return next(filter(None, found), None)


def _stands_above(other: Effects, lacking: DependencyStep) -> Conflict | None:
    wanted = lacking.effects
    if changes_modes_only(other.commands):
        wanted = replace(wanted, reads=lacking.beside.reads)
    return conflict(other, wanted)


def _passed(
    between: Sequence[Step],
    copy: CopyStep,
    sunk: Sequence[CopyStep],
    after: Step | None,
    effects: Callable[[Step], Effects],
) -> Iterator[Effects]:
    """Yields what ``copy`` comes to stand below beside the new RUN: where it sinks, all that is
    between it and there."""
    if copy in sunk:
        assert after is not None
        for step in between:
            if copy.step.number < step.number <= after.number and all(
                step is not other.step for other in sunk
            ):
                yield effects(step)
