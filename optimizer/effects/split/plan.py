"""What becomes of each step of a stage that is split: in the builder, in the runtime, or both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Literal, TypeAlias

from optimizer.effects.copies import CopyStep, is_below
from optimizer.effects.effects import CommandEffects
from optimizer.effects.paths import Paths
from optimizer.effects.split.manifests import manifests_of
from optimizer.effects.split.output import Kept, Output, kept_by_step
from optimizer.effects.split.packages import Packages, is_for_building, removes_packages
from optimizer.effects.split.runs import Rerun, Runs
from optimizer.effects.split.site import Site
from optimizer.effects.split.sources import Rest, build_only, rest_of
from optimizer.effects.split.tasks import Above, Task, products_of, read_tasks
from optimizer.knowledge.commands import SYSTEM
from optimizer.knowledge.installs import HOLE, Obstacle
from optimizer.knowledge.manifests import resolve
from optimizer.knowledge.products import Product
from optimizer.model.stages import Step
from optimizer.model.values import Known

Fate: TypeAlias = Literal["builder", "runtime", "both"]
"""In which of the two stages a step is."""

_ONLY_CONFIGURES = frozenset(
    ("CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "STOPSIGNAL", "VOLUME")
)
"""Instructions that no build step sees (the Dockerfile reference; BuildKit leaves the files below
a VOLUME alone, dockerfile2llb/convert.go, dispatchVolume)."""

MOST_STEPS = 300
"""Steps of a stage that are weighed against each other, so that time stays linear."""

MOST_FILES = 200
"""Files of one COPY, at most, that are looked for in a later one."""

LONGEST_SCRIPT = 64 * 1024
"""Bytes of a script, at most, in which a compiler is looked for."""

_SHARED = (
    "/bin", "/etc", "/lib", "/sbin", "/usr/bin", "/usr/lib", "/usr/local", "/usr/share", "/var",
)  # fmt: skip
"""Directories of the system (FHS 3.0): a COPY to one of them is no part of what is made there."""

_NOTHING_AGAIN = Rerun()


@dataclass(frozen=True, slots=True)
class Part:
    """One step in the two stages, and the ``reason``. ``rerun`` is what the runtime stage does of a
    RUN, and ``kept`` what it copies in its place; ``rest`` is what it copies of the sources that a
    COPY brings, None where that is all of them. ``manifests`` are the lines with which the builder
    copies what it needs of sources that are for the runtime stage alone."""

    step: Step
    fate: Fate
    reason: str
    rerun: Rerun = _NOTHING_AGAIN
    kept: tuple[Kept, ...] = ()
    rest: Rest | None = None
    manifests: str = ""


@dataclass(frozen=True)
class Plan:
    """How a stage comes apart: ``parts`` are its steps down to the last one that builds, which
    the builder ends with; what is below stays as it is."""

    parts: tuple[Part, ...]
    prunes: tuple[tuple[str, str], ...]
    """Commands that end the builder, each with its directory."""
    drops: tuple[str, ...]
    assumes: tuple[str, ...]
    products: tuple[Product, ...]
    packages: Packages = field(repr=False)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The packages of the distribution that the runtime stage goes without."""
        return tuple(self.packages.left_out)


def read_plan(site: Site) -> Plan | Obstacle | None:
    """Returns how the stage of ``site`` comes apart. None: it leaves nothing, or has too many steps
    to look at. `Obstacle`: it does, and something in it cannot be told apart."""
    if len(site.stage.steps) > MOST_STEPS:
        return None
    tasks: dict[Step, tuple[Task, ...]] = {}
    above = Above()
    held: Obstacle | None = None
    for step in site.stage.steps:
        if step.instruction.keyword != "RUN":
            continue
        found = read_tasks(site, step, above)
        if isinstance(found, Obstacle):
            held = held or found
            continue
        tasks[step] = found
    builds = [step for step, found in tasks.items() if any(products_of(found))]
    if held is not None and (
        builds
        or held.code != "opaque-command"
        or _has_tools(site, tasks)
        or any(_is_build_script(site, step) for step in site.stage.steps)
    ):
        return held
    if not builds:
        return None
    cleared = [step for step, found in tasks.items() if any(map(removes_packages, found))]
    last = max((builds[-1], *cleared), key=lambda step: step.number)
    return _Planning(site, tasks, last).plan()


def _has_tools(site: Site, tasks: Mapping[Step, tuple[Task, ...]]) -> bool:
    """Tells whether the stage installs packages that are for building."""
    installed = (task for found in tasks.values() for task in found if task.role == "packages")
    words = (word for task in installed if task.command.call for word in task.command.call.words)
    return any(is_for_building(word, site.releases) for word in words)


_NAMES_COMPILER = re.compile(
    rb"^[ \t]*(?:exec |time |\./)?(?:javac|kotlinc|scalac|mvnw?|gradlew?|ant|sbt|gcc|g\+\+|cc|clang"
    rb"|make|cmake|meson|ninja|cargo|rustc|go (?:build|install)|dotnet (?:build|publish)|ghc|cabal"
    rb"|stack)(?=[ \t\r\n]|$)",
    re.MULTILINE,
)
_SHELLS = frozenset(("ash", "bash", "dash", "sh"))


def _is_build_script(site: Site, step: Step) -> bool:
    """Tells whether a RUN starts a script of the project, unread otherwise, that compiles."""
    if step.instruction.keyword != "RUN":
        return False
    for command in site.effects(step).commands:
        call = command.call
        if call is None or command.obstacle is None:
            continue
        words = call.words[1:] if call.program in _SHELLS else call.words
        script = next((word for word in words if not word.startswith("-")), "")
        content = site.files(step).read(resolve(call.directory, script)) if script else None
        if content is not None and _NAMES_COMPILER.search(content[:LONGEST_SCRIPT]):
            return True
    return False


@dataclass
class _Planning:
    """The work on one plan. ``last`` is the last step that builds."""

    site: Site
    tasks: Mapping[Step, tuple[Task, ...]]
    last: Step
    packages: Packages = field(init=False)

    def __post_init__(self) -> None:
        name = self.site.image[0].rpartition("/")[2] if self.site.image is not None else ""
        self.packages = Packages(
            self.site.releases, self.site.running.programs, name in ("python", "pypy")
        )

    @cached_property
    def output(self) -> Output:
        """What the builder makes."""
        return Output(tuple(p for found in self.tasks.values() for p in products_of(found)))

    @cached_property
    def spare(self) -> tuple[str, ...]:
        """The copied paths that only building needs."""
        return build_only(self.tasks)

    @cached_property
    def pruned(self) -> tuple[Product, ...]:
        """What is pruned in the end: not what another user made, who alone may be allowed to."""
        user = _user(self.last)
        made = (each for step, each in self.tasks.items() if user in (_user(step), "root"))
        return tuple(each for found in made for each in products_of(found) if each.prune)

    @property
    def upper(self) -> Sequence[Step]:
        """The steps down to the last one that builds."""
        return self.site.stage.steps[: self.last.number]

    @property
    def lower(self) -> Sequence[Step]:
        return self.site.stage.steps[self.last.number :]

    def plan(self) -> Plan | Obstacle | None:
        if not self.output.keeps:
            # A stage that nothing is taken from would not be built at all.
            return None
        runs = Runs(self.site, self.tasks, self.output, self.packages, self._gone())
        reruns = runs.reruns(self.upper)
        if isinstance(reruns, Obstacle):
            return reruns
        if (lost := runs.goes_on_with_lost(self.lower)) is not None:
            return lost
        kept = kept_by_step(self.output, self.upper, self.tasks)
        if isinstance(kept, Obstacle):
            return kept
        parts = self._settled([self._part(step, reruns, kept) for step in self.upper])
        products = self.output.products
        return Plan(
            tuple(parts),
            tuple(dict.fromkeys(self._prunes())),
            self._drops(parts),
            self._assumes(parts),
            products,
            self.packages,
        )

    def _gone(self) -> tuple[str, ...]:
        """The copied paths that the runtime stage goes without."""
        copies = (s for s in self.upper if s.instruction.keyword in ("COPY", "ADD"))
        rests = (self._copied(step).rest for step in copies)
        return tuple(path for rest in rests if rest is not None for path in rest.gone)

    def _prunes(self) -> Iterator[tuple[str, str]]:
        """Yields the commands that end the builder, without what the author prunes himself."""
        calls = (task.command.call for found in self.tasks.values() for task in found)
        found = [call.words for call in calls if call is not None]
        own = {words[:2] for words in found}
        installs = {(*words[:2], "--production") for words in found if "--production" in words}
        for product in self.pruned:
            words = [part.split() for part in (product.prune or "").split(" && ")]
            left = [w for w in words if w[1:2] != ["prune"] or tuple(w[:2]) not in own]
            left = [w for w in left if "--production" not in w or tuple(w[:3]) not in installs]
            if command := " && ".join(map(" ".join, left)):
                yield command, product.directory

    def _part(
        self, step: Step, reruns: Mapping[Step, Rerun], kept: Mapping[Step, tuple[Kept, ...]]
    ) -> Part:
        keyword = step.instruction.keyword
        if keyword == "RUN":
            fate: Fate = "both" if reruns[step] else "builder"
            reason = "both stages need it" if reruns[step] else "only building needs it"
            return Part(step, fate, reason, reruns[step], kept.get(step, ()))
        if keyword in _ONLY_CONFIGURES:
            return Part(step, "runtime", "only containers need it")
        if keyword in ("COPY", "ADD"):
            return self._copied(step)
        if self._builder_needs(step):
            return Part(step, "both", "both stages need it")
        return Part(step, "runtime", "no step that builds depends on it")

    def _builder_needs(self, step: Step) -> bool:
        """Tells whether a step further down in the builder may see what ``step`` sets."""
        effects = self.site.effects(step)
        for other in self.upper[step.number :]:
            if other.instruction.keyword in _ONLY_CONFIGURES:
                continue
            seen = self.site.effects(other)
            if effects.sets & seen.inherits:
                return True
            if any(name == "*" or seen.variables.reads(name) for name in effects.assigns):
                return True
        return False

    def _copied(self, step: Step) -> Part:
        copy = self.site.copy(step)
        if not isinstance(copy, CopyStep):
            return Part(step, "both", "both stages need it")
        if self._is_within_kept(copy):
            return Part(step, "builder", "what the builder leaves holds it")
        if self._is_brought_again(copy):
            return Part(step, "builder", "a later COPY brings the same files")
        rest = rest_of(self.site.tree, copy, self.spare) if self.spare else None
        if rest is not None and self._is_looked_at(copy):
            rest = None
        if rest is not None and not rest.lines:
            return Part(step, "builder", "only building needs what it brings", rest=rest)
        if rest is not None:
            return Part(step, "both", "a container needs a part of what it brings", rest=rest)
        below = self.upper[step.number :]
        manifests = manifests_of(self.site, copy, below, self.tasks)
        if manifests is None:
            return Part(step, "both", "a container may read what it brings")
        return Part(step, "runtime", "building reads manifests alone", manifests=manifests)

    def _is_within_kept(self, copy: CopyStep) -> bool:
        """Tells whether everything that ``copy`` brings is copied from the builder."""
        whole = [path for path in self.output.keeps if not any(is_below(path, s) for s in _SHARED)]
        return bool(copy.sources) and all(
            any(is_below(source.target, path) for path in whole) for source in copy.sources
        )

    def _is_brought_again(self, copy: CopyStep) -> bool:
        """Tells whether a later COPY of the runtime stage brings the same files to the same places
        in the same way, and nothing between looks at them."""
        files = list(islice(copy.files(), MOST_FILES + 1))
        if not files or len(files) > MOST_FILES:
            return False
        for step in self.site.stage.steps[copy.step.number :]:
            if step.instruction.keyword in ("COPY", "ADD"):
                later = self.site.copy(step)
                if isinstance(later, CopyStep) and _brings(later, copy, files):
                    return True
            elif step.instruction.keyword == "RUN" and self._looks_at(step, copy):
                return False
        return False

    def _is_looked_at(self, copy: CopyStep) -> bool:
        """Tells whether the runtime stage does something with what ``copy`` brings, whole."""
        steps = self.site.stage.steps[copy.step.number :]
        return any(step in self.tasks and self._looks_at(step, copy) for step in steps)

    def _looks_at(self, step: Step, copy: CopyStep) -> bool:
        """Tells whether the runtime stage does something with what ``copy`` brings."""
        brought = Paths(copies=(copy,))
        for task in self.tasks[step]:
            command = task.command
            if task.role in ("builds", "shell") or _marks_only(command):
                continue
            if command.reads.meets(brought) is not None or command.writes.meets(brought):
                return True
        return False

    def _settled(self, parts: Sequence[Part]) -> list[Part]:
        """Takes those ARGs out of the runtime stage that nothing there depends on."""
        below: list[Part | Step] = [*self.lower]
        settled: list[Part] = []
        for part in reversed(parts):
            names = self.site.effects(part.step).assigns
            is_spare = (
                part.step.instruction.keyword == "ARG"
                and part.fate == "both"
                and "*" not in names
                and not any(self._reads(other, name) for other in below for name in names)
            )
            if is_spare:
                settled.append(replace(part, fate="builder", reason="only building depends on it"))
            else:
                settled.append(part)
            below.append(settled[-1])
        return settled[::-1]

    def _reads(self, other: Part | Step, name: str) -> bool:
        """Tells whether a step of the runtime stage may see the variable ``name``."""
        if isinstance(other, Step):
            return self._may_read(other, name, self.tasks.get(other, ()))
        if other.fate == "builder":
            return False
        tasks = self.tasks.get(other.step, ())
        return self._may_read(other.step, name, [t for t in tasks if t.role != "builds"])

    def _may_read(self, step: Step, name: str, tasks: Sequence[Task]) -> bool:
        effects = self.site.effects(step)
        if step.instruction.keyword != "RUN":
            return effects.variables.reads(name)
        return any(task.command.variables.reads(name) for task in tasks) or (
            f"${name}" in self.site.tree.text(step.instruction.code).replace("{", "")
        )

    def _drops(self, parts: Sequence[Part]) -> tuple[str, ...]:
        """Returns the paths that the image loses, or has otherwise."""
        packages = _OF_PACKAGES if self.packages.left_out else ()
        sources = (path for part in parts if part.rest for path in part.rest.gone)
        pruned = (path for each in self.pruned for path in each.drops)
        found = (*self.output.drops, *pruned, *self._rewritten, *sources, *packages)
        return tuple(dict.fromkeys(_ANY_HOME.sub("/home/*", path) for path in found))

    @cached_property
    def _rewritten(self) -> tuple[str, ...]:
        """The files that only the builder brings up to date: no COPY below puts the author's image
        back to what the context has."""
        found: dict[str, None] = {}
        for step, tasks in self.tasks.items():
            below = self.site.stage.steps[step.number :]
            copies = [self.site.copy(s) for s in below if s.instruction.keyword in ("COPY", "ADD")]
            brought = [copy for copy in copies if isinstance(copy, CopyStep)]
            paths = (path for product in products_of(tasks) for path in product.rewrites)
            found.update(
                dict.fromkeys(
                    path
                    for path in paths
                    if not self.output.built.covers(path)
                    and not any(copy.find(path) is not None for copy in brought)
                )
            )
        return tuple(found)

    def _assumes(self, parts: Sequence[Part]) -> tuple[str, ...]:
        said = [sentence for product in self.output.products for sentence in product.assumes]
        if self._rewritten:
            named = ", ".join(self._rewritten)
            said.append(f"Containers do with the {named} of the build context.")
        if any(part.rest and part.rest.lines for part in parts):
            said.append("New files that a container needs are added to the COPY lines by hand.")
        if self.packages.left_out:
            said.append(f"Only building needs {', '.join(self.packages.left_out)}.")
            if self.site.running.opaque is not None:
                said.append(f"No container starts their programs: {self.site.running.opaque}.")
        return tuple(dict.fromkeys(said))


_OF_PACKAGES = tuple(path for path in SYSTEM if path not in ("/boot", "/run", "/usr/local"))
"""Where packages of a distribution have their files, their settings and what is known of them."""


_ANY_HOME = re.compile(rf"^/{HOLE}home(?=/|$)")
"""The home of a user of whom it is not known."""


def _user(step: Step) -> str | None:
    """Returns the name of the user that ``step`` runs as, None where it is not known."""
    user = step.state.user
    if not isinstance(user, Known):
        return "root" if user is None else None
    name = user.text.partition(":")[0]
    return "root" if name in ("", "0", "root") else name


def _marks_only(command: CommandEffects) -> bool:
    """Tells whether a command gives files an owner or a mode, which a later COPY sets anew."""
    return command.call is not None and command.call.program in ("chmod", "chown", "chgrp")


def _brings(later: CopyStep, copy: CopyStep, files: Sequence[tuple[str, object]]) -> bool:
    return later.attributes == copy.attributes and all(
        later.find(path) == entry for path, entry in files
    )
