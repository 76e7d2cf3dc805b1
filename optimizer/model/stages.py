"""Stages, their steps, and the graph that FROM, ``--from`` and mounts draw.

The rules are BuildKit's (frontend/dockerfile/dockerfile2llb/convert.go). A FROM
line sees the stages above it; a ``--from`` sees all stages, and where a name is
given twice it means the last one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from optimizer.cst.golang import lower
from optimizer.cst.lex import LexError, go_quote
from optimizer.cst.nodes import Diagnostic, Dockerfile, Instruction
from optimizer.knowledge.images import base_image, is_windows
from optimizer.model.graph import circle, reachable
from optimizer.model.predefined import platform_args
from optimizer.model.reference import ImageReference, ReferenceError_, parse_reference
from optimizer.model.state import Scope, State, after, empty_state, expand, image_state, inherited
from optimizer.model.values import Known, Unknown, Value

_STAGE_NAME = re.compile("[a-z][a-z0-9-_.]*")
_NOTHING = Scope({}, {})
_INDEX = re.compile("[+-]?[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Invocation:
    """The words of the build command that change what the file means.

    None as the value of a build argument: it is given, but with what is not known.
    """

    target: str | None = None
    build_args: Mapping[str, str | None] = field(default_factory=dict)
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class StageBase:
    """Another stage of the file."""

    stage: Stage


@dataclass(frozen=True, slots=True)
class ImageBase:
    """An image. ``text`` is the reference as it stands after expansion."""

    reference: ImageReference
    text: str

    @property
    def image(self) -> tuple[str, str] | None:
        """The familiar name and the tag, None where it is named by digest alone."""
        reference = self.reference
        if reference.tag is None and reference.digest is not None:
            return None
        return reference.familiar, reference.tag or "latest"


@dataclass(frozen=True, slots=True)
class ScratchBase:
    """The empty file system."""


@dataclass(frozen=True, slots=True)
class UnknownBase:
    """Something that the file does not settle, or that BuildKit refuses."""

    reason: str


Base: TypeAlias = StageBase | ImageBase | ScratchBase | UnknownBase


@dataclass(frozen=True, eq=False)
class Step:
    """One instruction of a stage and the state before it.

    ``number`` counts the instructions of the stage from 1, FROM not included; ``id``
    puts the stage in front: ``builder/4``, or ``0/4`` for a stage that has no name of
    its own. ``sources`` is what ``--from`` and mounts name, in their order.
    """

    id: str
    stage_index: int
    number: int
    instruction: Instruction
    state: State = field(repr=False)
    sources: tuple[Base, ...] = field(default=(), repr=False)

    @property
    def depends_on(self) -> tuple[Stage, ...]:
        """The stages whose files this step takes."""
        return tuple(source.stage for source in self.sources if isinstance(source, StageBase))


@dataclass(frozen=True, eq=False)
class Stage:
    """A FROM and the instructions below it.

    ``name`` is in lower case, None where there is none or BuildKit refuses it.
    ``platform`` is what ``--platform`` says. ``start`` is the state below FROM and
    ``end`` the one behind the last step.
    """

    index: int
    name: str | None
    label: str
    """What step ids call this stage: its name, or its index where the name is not its own."""
    instruction: Instruction
    base: Base = field(repr=False)
    platform: Value | None
    start: State = field(repr=False)
    end: State = field(repr=False)
    steps: tuple[Step, ...] = field(repr=False)

    @cached_property
    def triggers(self) -> tuple[Instruction, ...]:
        """The ONBUILD instructions of the stage below, which run before the steps
        (convert.go, initOnBuildTriggers). ``start`` is the state behind them."""
        if not isinstance(self.base, StageBase):
            return ()
        instructions = (step.instruction for step in self.base.stage.steps)
        return tuple(inner.inner for inner in instructions if inner.inner is not None)


@dataclass(frozen=True, eq=False)
class Stages:
    """All stages of a file.

    ``target`` is the stage that the command builds, None where there is no such
    stage. ``preamble`` holds the instructions above the first FROM, ``global_args``
    the arguments that FROM lines see. ``problems`` are BuildKit's refusals that
    need this much understanding of the file.
    """

    stages: tuple[Stage, ...]
    target: Stage | None
    needed: tuple[Stage, ...]
    """The stages that the target needs, the target included, in the file's order."""
    preamble: tuple[Instruction, ...]
    global_args: Mapping[str, Value]
    problems: tuple[Diagnostic, ...]
    circle: Diagnostic | None = None
    """The refusal of stages that take files from each other, among ``problems``: no target of
    such a file can be built."""

    def stage_named(self, name: str) -> Stage | None:
        """Returns the stage that ``--from=name`` and ``--target name`` mean."""
        wanted = lower(name)
        return next((stage for stage in reversed(self.stages) if stage.name == wanted), None)


def read_stages(dockerfile: Dockerfile, invocation: Invocation) -> Stages:
    """Reads the stages of ``dockerfile`` as ``invocation`` builds them; never raises.

    A global or stage argument without a default that the command does not give has
    no value for BuildKit; here it is unknown, since such a line asks for a value.
    """
    return _Reader(dockerfile, invocation).read()


@dataclass(slots=True)
class _Open:
    """A stage while the file is read.

    ``takes`` lists the stages that ``--from`` and mounts name, each with its
    instruction and with BuildKit's words for the case that it is not built yet.
    ``refusals`` are errors that BuildKit meets only where the stage is needed.
    """

    index: int
    instruction: Instruction
    name: str | None
    body: list[Instruction] = field(default_factory=list)
    takes: list[tuple[int, Instruction, str]] = field(default_factory=list)
    refusals: list[tuple[Instruction, str]] = field(default_factory=list)
    below: State | None = None
    """The state in which stages start that are built on this one."""

    @property
    def called(self) -> str:
        """What BuildKit's messages call the stage."""
        return self.name or f"stage-{self.index}"


class _Reader:
    def __init__(self, dockerfile: Dockerfile, invocation: Invocation) -> None:
        self.dockerfile = dockerfile
        self.invocation = invocation
        self.problems: list[Diagnostic] = []
        self.circle: Diagnostic | None = None
        self.preamble: list[Instruction] = []
        self.open: list[_Open] = []
        self.stages: list[Stage] = []
        self.images = 0
        """Images that files were taken from so far; BuildKit numbers them behind the stages."""
        self._split()
        self.indexes = {opened.name: opened.index for opened in self.open if opened.name}
        """For each name the last stage that has it."""
        self.scope = self._read_globals()

    def read(self) -> Stages:
        names = Counter(opened.name for opened in self.open)
        above: dict[str, Stage] = {}
        for opened in self.open:
            is_own = opened.name is not None and names[opened.name] == 1
            stage = self._read_stage(opened, opened.called if is_own else str(opened.index), above)
            self.stages.append(stage)
            if stage.name is not None:
                above[stage.name] = stage
        target = self._target()
        needed = self._needed(target)
        self._check_order(needed)
        for index in needed:
            for instruction, message in self.open[index].refusals:
                self._refuse(instruction, message)
        return Stages(
            stages=tuple(self.stages),
            target=target,
            needed=tuple(stage for stage in self.stages if stage.index in needed),
            preamble=tuple(self.preamble),
            global_args=self.scope.global_args,
            problems=tuple(sorted(self.problems, key=lambda problem: problem.line)),
            circle=self.circle,
        )

    def _split(self) -> None:
        for instruction in self.dockerfile.instructions:
            if instruction.keyword == "FROM":
                self.open.append(_Open(len(self.open), instruction, _stage_name(instruction)))
            elif self.open:
                self.open[-1].body.append(instruction)
            else:
                self.preamble.append(instruction)

    def _read_globals(self) -> Scope:
        build_args = self.invocation.build_args
        target = self.invocation.target or (self.open[-1].name if self.open else None)
        given = platform_args(self.invocation.platform, target or "", build_args)
        scope = Scope(build_args, given)
        for instruction in self.preamble:
            if instruction.keyword == "ARG":
                try:
                    scope.declare(instruction)
                except LexError as error:
                    self._refuse(instruction, error.message)
        return scope

    def _refuse(self, instruction: Instruction, message: str) -> None:
        _, column = self.dockerfile.source.position(instruction.keyword_span.start)
        self.problems.append(Diagnostic(instruction.line, column, message))

    def _read_stage(self, opened: _Open, label: str, above: Mapping[str, Stage]) -> Stage:
        base = self._base(opened.instruction, above)
        platform = self._platform(opened.instruction)
        start = state = self._start(opened.instruction, base, platform)
        steps = []
        for number, instruction in enumerate(opened.body, 1):
            sources = tuple(self._sources(opened, instruction))
            steps.append(
                Step(f"{label}/{number}", opened.index, number, instruction, state, sources)
            )
            state = self._after(opened, state, instruction)
        return Stage(
            index=opened.index,
            name=opened.name,
            label=label,
            instruction=opened.instruction,
            base=base,
            platform=platform,
            start=start,
            end=state,
            steps=tuple(steps),
        )

    def _after(self, opened: _Open, state: State, instruction: Instruction) -> State:
        try:
            return after(state, instruction, self.scope)
        except LexError as error:
            opened.refusals.append((instruction, error.message))
            return state

    def _global_value(self, instruction: Instruction, word: str) -> Value:
        try:
            return self.scope.value("FROM", word, self.scope, instruction.escape)
        except LexError as error:
            self._refuse(instruction, error.message)
            return Unknown(error.message)

    def _base(self, instruction: Instruction, above: Mapping[str, Stage]) -> Base:
        words = instruction.words
        if len(words) not in (1, 3):
            return UnknownBase("FROM requires either one or three arguments")
        value = self._global_value(instruction, words[0].value)
        if isinstance(value, Unknown):
            return UnknownBase(value.reason)
        if value.text in above:
            return StageBase(above[value.text])
        if not value.text:
            message = f"base name ({words[0].value}) should not be blank"
            self._refuse(instruction, message)
            return UnknownBase(message)
        return self._image(instruction, value.text)

    def _image(self, instruction: Instruction, text: str) -> Base:
        if text == "scratch":
            return ScratchBase()
        try:
            return ImageBase(parse_reference(text), text)
        except ReferenceError_ as error:
            message = f"failed to parse stage name {go_quote(text)}: {error.message}"
            self._refuse(instruction, message)
            return UnknownBase(message)

    def _platform(self, instruction: Instruction) -> Value | None:
        written = instruction.flag("platform")
        if not written:
            return None
        value = self._global_value(instruction, written)
        if value == Known(""):
            message = f"empty platform value from expression {written}"
            self._refuse(instruction, message)
            return Unknown(message)
        return value

    def _start(self, instruction: Instruction, base: Base, platform: Value | None) -> State:
        escape = instruction.escape
        if isinstance(base, StageBase):
            return self._below(base.stage)
        for_windows = isinstance(platform, Known) and platform.text.startswith("windows")
        if platform is None:
            for_windows = (self.invocation.platform or "").startswith("windows")
        if isinstance(base, ScratchBase):
            return empty_state(escape, for_windows)
        if not isinstance(base, ImageBase):
            return image_state("the base image", None, escape, for_windows or escape == "`")
        reference, row = base.reference, None
        if reference.tag is not None or reference.digest is None:
            row = base_image(reference.familiar, reference.tag or "latest")
        # Files that escape with a backtick are written for Windows images.
        for_windows |= is_windows(reference.familiar, reference.tag or "")
        for_windows |= row is None and escape == "`"
        return image_state(base.text, row, escape, for_windows)

    def _below(self, stage: Stage) -> State:
        """The state in a stage that is built on ``stage``, behind the triggers of that."""
        opened = self.open[stage.index]
        if opened.below is None:
            state = inherited(stage.end)
            for instruction in opened.body:
                if instruction.inner is not None:
                    state = self._after(opened, state, instruction.inner)
            opened.below = state
        return opened.below

    def _sources(self, opened: _Open, instruction: Instruction) -> Iterator[Base]:
        if instruction.keyword == "COPY" and instruction.flag("from"):
            yield self._copied_from(opened, instruction, instruction.flag("from") or "")
        for mount in instruction.mounts:
            name = mount.options.get("from")
            if name and "$" in name[:-1]:
                yield UnknownBase("'from' doesn't support variable expansion")
            elif name:
                message = (
                    f"cannot mount from stage {go_quote(name)} to "
                    f"{go_quote(mount.options.get('target', ''))}, "
                    "stage needs to be defined before current command"
                )
                yield self._named(opened, instruction, name, message)

    def _copied_from(self, opened: _Open, instruction: Instruction, name: str) -> Base:
        if expand(name, _NOTHING, instruction.escape) != Known(name):
            message = (
                "variable expansion is not supported for --from, define a new stage with FROM "
                "using ARG from global scope as a workaround"
            )
            self._refuse(instruction, message)
            return UnknownBase(message)
        message = (
            f"cannot copy from stage {go_quote(name)}, it needs to be defined before "
            f"current stage {go_quote(opened.called)}"
        )
        if not _INDEX.fullmatch(name):
            return self._named(opened, instruction, name, message)
        if not 0 <= int(name) < len(self.open):
            if not 0 <= int(name) < len(self.open) + self.images:
                self._refuse(instruction, f"invalid stage index {int(name)}")
            return UnknownBase(f"invalid stage index {int(name)}")
        return self._numbered(opened, instruction, int(name), message)

    def _named(self, opened: _Open, instruction: Instruction, name: str, message: str) -> Base:
        index = self.indexes.get(lower(name))
        if index is None:
            self.images += 1
            return self._image(instruction, name)
        return self._numbered(opened, instruction, index, message)

    def _numbered(self, opened: _Open, instruction: Instruction, index: int, message: str) -> Base:
        opened.takes.append((index, instruction, message))
        if index < opened.index:
            return StageBase(self.stages[index])
        return UnknownBase(f"stage {self.open[index].called} is not built before this step")

    def _target(self) -> Stage | None:
        if not self.stages:
            return None
        wanted = self.invocation.target
        if not wanted:
            return self.stages[-1]
        index = self.indexes.get(lower(wanted))
        if index is None:
            message = f"target stage {go_quote(wanted)} could not be found"
            self._refuse(self.stages[-1].instruction, message)
            return None
        return self.stages[index]

    def _needed(self, target: Stage | None) -> frozenset[int]:
        """The stages that ``target`` needs, as convert.go, allReachableStages, finds them."""
        if target is None:
            return frozenset()
        edges: dict[int, list[int]] = {}
        for opened, stage in zip(self.open, self.stages, strict=True):
            edges[opened.index] = [index for index, _, _ in opened.takes]
            edges[-1 - opened.index] = self._triggered(opened)
            if isinstance(stage.base, StageBase):
                below = stage.base.stage.index
                edges[opened.index] += [below, -1 - below]
        return frozenset(index for index in reachable(edges, target.index) if index >= 0)

    def _triggered(self, opened: _Open) -> list[int]:
        """The stages that the ONBUILD instructions of ``opened`` take files from."""
        inner = (instruction.inner for instruction in opened.body)
        names = (trigger.flag("from") for trigger in inner if trigger and trigger.keyword == "COPY")
        return [self.indexes[lower(name)] for name in names if name and lower(name) in self.indexes]

    def _check_order(self, needed: frozenset[int]) -> None:
        """Refuses stages that take files from each other or from a stage further down."""
        edges = {opened.index: [take[0] for take in opened.takes] for opened in self.open}
        found = circle(edges, range(len(self.open)))
        if found is not None:
            root, node, at = found
            message = f"circular dependency detected on stage: {self.open[root].called}"
            self._refuse(self.open[node].takes[at][1], message)
            self.circle = self.problems[-1]
            return
        for opened in self.open:
            for index, instruction, message in opened.takes:
                if index >= opened.index and opened.index in needed:
                    self._refuse(instruction, message)


def _stage_name(instruction: Instruction) -> str | None:
    words = instruction.words
    if len(words) != 3 or lower(words[1].value) != "as":
        return None
    name = lower(words[2].value)
    return name if _STAGE_NAME.fullmatch(name) else None
