"""What a build compiles each time although no edit changes it, so that a step above the sources can
compile it once.

What such a step leaves lies in the build cache of the language, under the hash of all that went in:
the build takes what is right and compiles the rest. So the step can be of no use, but not do harm,
as long as it succeeds wherever the build does.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from optimizer.effects.commands import short
from optimizer.effects.copies import CopyStep, ForeignCopy, StageFiles, is_below, workdir_of
from optimizer.effects.effects import CommandEffects, Effects, Variables
from optimizer.effects.read import mount_targets
from optimizer.effects.sources import brings_sources, sample_edit
from optimizer.effects.taken import chain, is_built_on
from optimizer.effects.version import Version
from optimizer.knowledge import ecosystems, producers
from optimizer.knowledge.installs import HOLE, Call, Install, Obstacle
from optimizer.knowledge.manifests import ancestors, resolve
from optimizer.knowledge.products import Made, Precompiled
from optimizer.knowledge.running import Running
from optimizer.knowledge.variables import matches
from optimizer.model.stages import ImageBase, Stage, Step
from optimizer.model.values import Known

MOST_STEPS: Final = 200
"""Steps of a stage that are looked at, so that time stays linear."""

LONGEST_LINE: Final = 90
"""Characters of a new line, about."""

_GO = re.compile(r"\bgo\s")
_USED = re.compile(r"\$\{?(\w+)\}?")
_LITERAL = r"""(?:^|[\s;&]){name}=("[^"\n]*"|'[^'\n]*'|[^\s;&|]+)"""


class Seen(Version, Protocol):
    """What of a view is asked; `optimizer.view.View` is one."""

    @property
    def copy(self) -> Callable[[Step], CopyStep | ForeignCopy]: ...

    @property
    def files_above(self) -> Callable[[Step], StageFiles]: ...

    @property
    def running(self) -> Callable[[Stage], Running]: ...


@dataclass(frozen=True)
class Precompiling:
    """A step that is not there yet: ``line`` is its RUN, to stand right above the step ``top``,
    which brings the first sources. ``build`` is the command that takes what it leaves, and
    ``edited`` a source whose edit lets that compile all again now."""

    top: Step
    build: str
    line: str
    edited: str


@dataclass(frozen=True)
class NotPrecompiled:
    """Why the RUN ``step`` has to compile all of it itself."""

    step: Step
    obstacle: Obstacle


def precompiling(seen: Seen, stage: Stage) -> Precompiling | NotPrecompiled | None:
    """Says what ``stage`` could compile above its sources. None: nothing, or it does so already, or
    its layers are layers of the image, which would keep what is compiled apart."""
    if stage not in seen.stages.needed:
        return None
    if len(stage.steps) > MOST_STEPS or stage.end.is_windows or is_built_on(seen.stages, stage):
        return None
    if not any(_GO.search(each.instruction.arguments) for each in stage.steps):
        return None
    top = _first_sources(seen, stage)
    image = next((each.base for each in chain(stage) if isinstance(each.base, ImageBase)), None)
    if top is None or image is None or _is_done(seen, stage):
        return None
    found: list[_Wanted] = []
    held: NotPrecompiled | None = None
    for step in (s for s in stage.steps[top.step.number :] if s.instruction.keyword == "RUN"):
        for command in seen.effects(step).commands:
            answer = _command(seen, stage, top, step, command, image)
            if isinstance(answer, _Wanted):
                found.append(answer)
            elif answer is not None:
                held = held or NotPrecompiled(step, answer)
    alike = [each for each in found if each.words == found[0].words]
    return _new_step(seen, stage, top, alike) if alike else held


@dataclass(frozen=True)
class _Wanted:
    """What ``build`` compiles: ``words`` come in front of the packages of ``known``."""

    build: str
    words: tuple[str, ...]
    known: Precompiled


def _command(
    seen: Seen, stage: Stage, top: CopyStep, step: Step, command: CommandEffects, image: ImageBase
) -> _Wanted | Obstacle | None:
    call = ecosystems.unwrapped(command.call) if command.call is not None else None
    if call is None or call.program != "go":
        return None
    made = Made(image.image, seen.files_above(step), seen.running(stage))
    known = producers.precompiled(call, made)
    if not isinstance(known, Precompiled):
        return known
    return _Place(seen, stage, top, step, command, call, known).answer()


def _new_step(
    seen: Seen, stage: Stage, top: CopyStep, alike: Sequence[_Wanted]
) -> Precompiling | None:
    edited = sample_edit(top)
    packages = producers.together([each.known for each in alike]).packages
    lines = _broken(seen, stage, (*alike[0].words, *packages))
    line = "\n".join(lines) + "\n"
    return Precompiling(top.step, alike[0].build, line, edited) if edited is not None else None


def _broken(seen: Seen, stage: Stage, words: Sequence[str]) -> Iterator[str]:
    """Yields the lines of a RUN, none of them long."""
    small = seen.dockerfile.text(stage.instruction.keyword_span).islower()
    line = "run" if small else "RUN"
    for word in words:
        if len(line) + len(word) > LONGEST_LINE:
            yield f"{line} {stage.instruction.escape}"
            line = "   "
        line = f"{line} {word}"
    yield line


def compiled_above(
    effects: Effects, above: Iterable[Effects]
) -> tuple[tuple[CommandEffects, Install], ...]:
    """Returns the commands of a RUN that build, each with the command of one of the steps ``above``
    that has compiled a part of it."""
    builds = [
        command
        for command in effects.commands
        if command.call is not None
        and command.call.program == "go"
        and {*command.call.words[1:2]} & {"build", "install", "test"}
        and not producers.is_precompiling(command.call)
    ]
    calls = (c.call for each in above for c in each.commands) if builds else iter(())
    done = next((c for c in calls if c is not None and producers.is_precompiling(c)), None)
    if done is None:
        return ()
    install = Install("go", " ".join(done.words), done)
    return tuple((command, install) for command in builds)


def _first_sources(seen: Seen, stage: Stage) -> CopyStep | None:
    for step in stage.steps:
        if step.instruction.keyword in ("ADD", "COPY"):
            copy = seen.copy(step)
            if isinstance(copy, CopyStep) and brings_sources(copy):
                return copy
    return None


def _is_done(seen: Seen, stage: Stage) -> bool:
    """Tells whether a step of the stage, or of those that it is built on, compiles apart."""
    for each in chain(stage):
        for step in each.steps[:MOST_STEPS]:
            if step.instruction.keyword != "RUN":
                continue
            calls = (command.call for command in seen.effects(step).commands)
            if any(call is not None and producers.is_precompiling(call) for call in calls):
                return True
    return False


@dataclass(frozen=True)
class _Place:
    """``command`` of the RUN ``step`` compiles what is ``known``; the step that does it before
    would stand above the sources that ``top`` brings."""

    seen: Seen
    stage: Stage
    top: CopyStep
    step: Step
    command: CommandEffects
    call: Call
    known: Precompiled

    @property
    def between(self) -> Sequence[Step]:
        return self.stage.steps[self.top.step.number - 1 : self.step.number - 1]

    def answer(self) -> _Wanted | Obstacle | None:
        if self._keeps_cache() or self._misses_modules() or self._needs_tools():
            return None
        if (changed := self._state()) is not None:
            return self._sets(changed)
        words: list[str] = []
        for each in self._assigned():
            if isinstance(each, Obstacle):
                return each
            words.append(each)
        words += ["go", "build", *self.known.flags]
        return _Wanted(short(self.command.text), tuple(words), self.known)

    def _keeps_cache(self) -> bool:
        """Tells whether a cache mount keeps what was compiled already, or an unknown place does."""
        home = self.call.env.get("HOME", HOLE)
        cache = self.call.env.get("GOCACHE") or f"{home}/.cache/go-build"
        caches = [mount for mount in self.step.instruction.mounts if mount.type == "cache"]
        targets = list(mount_targets(self.step, caches))
        if HOLE in cache or len(targets) < len(caches):
            return bool(caches)
        return any(is_below(cache, target) or is_below(target, cache) for target in targets)

    def _misses_modules(self) -> bool:
        """Tells whether a go.mod or a go.work lies above the place and its modules do not: then the
        Go command may look for them first."""
        above = self.stage.steps[: self.top.step.number - 1]
        calls = (c.install for s in above for c in self.seen.effects(s).commands)
        if any(install is not None and install.ecosystem == "go" for install in calls):
            return False
        files, workdir = self.seen.files_above(self.top.step), workdir_of(self.top.step)
        if workdir is None:
            return True
        places = list(ancestors(workdir))
        if any(files.kind(resolve(at, "go.work")) is not None for at in places):
            return True
        manifests = (files.read(resolve(at, "go.mod")) for at in places)
        return any(content is not None and b"require" in content for content in manifests)

    def _needs_tools(self) -> bool:
        """Tells whether a RUN between may install the C compiler that the build asks for."""
        runs = [each for each in self.between if each.instruction.keyword == "RUN"]
        return bool(runs) and self.call.env.get("CGO_ENABLED", "0") != "0"

    def _state(self) -> str | None:
        """Names what the file sets between the place and the build that counts for both."""
        reads = Variables(patterns=frozenset(self.known.variables))
        for each in self.between:
            for name in self.seen.effects(each).assigns:
                if name == "*" or reads.reads(name):
                    return f"${name}"
        here, there = self.top.step.state, self.step.state
        if here.user != there.user:
            return "USER"
        return "SHELL" if here.shell != there.shell else None

    def _assigned(self) -> Iterator[str | Obstacle]:
        """Yields the variables that the build has of its own and that count, as assignments."""
        for name, value in self.call.env.items():
            counts = matches(name, frozenset(self.known.variables))
            if name in ("HOME", "PATH") or not counts:
                continue
            if self.step.state.lookup(name) == Known(value):
                continue
            yield self._spelled(name) if HOLE in value else f"{name}={shlex.quote(value)}"

    def _spelled(self, name: str) -> str | Obstacle:
        """Returns an assignment as it stands in the file, where what it names is set above too."""
        match = re.search(_LITERAL.format(name=name), self.command.text)
        if match is None or "`" in match[1] or "$(" in match[1]:
            return self._sets(f"${name}")
        here, there = self.top.step.state, self.step.state
        for used in _USED.findall(match[1]):
            if here.lookup(used) is None or here.lookup(used) != there.lookup(used):
                return self._sets(f"${used}")
        return f"{name}={match[1]}"

    def _sets(self, what: str) -> Obstacle:
        return Obstacle(
            "state-between",
            f"`{short(self.command.text)}` runs with {what}, which is set below the sources.",
            f"Set {what} above line {self.top.step.instruction.line}.",
        )
