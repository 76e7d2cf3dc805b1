"""One version of one file with everything that is known about it.

The tree never changes, so an analysis is computed at most once for a view, on
first asking; a new text gets a new view and starts clean. `Build` holds what
outlives versions: one way in which the file is built.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from optimizer.cache.costs import Costs, StepCost, of_copy, of_other
from optimizer.cache.model import CacheModel, ContextChange
from optimizer.cache.rebuilds import Rebuild, rebuilds
from optimizer.cache.rerun import Rerun, rerun
from optimizer.cache.volatility import Changes, Volatility, changes
from optimizer.context.service import Service
from optimizer.context.tree import BuildContext
from optimizer.cst.edit import Edit, apply
from optimizer.cst.nodes import Dockerfile
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.effects.copies import CopyStep, ForeignCopy, StageFiles, read_copy
from optimizer.effects.copy_flags import CopyFlag, copy_flags
from optimizer.effects.copy_flags import Place as RunPlace
from optimizer.effects.cuts import install_halves
from optimizer.effects.dependencies import (
    DependencyStep,
    brought_in,
    dependency_step,
    taken_away,
)
from optimizer.effects.development import meant_to_be_fat
from optimizer.effects.effects import CommandEffects, ContextReads, Effects
from optimizer.effects.installs import InstallStep, read_install
from optimizer.effects.missing import Missing, missing_inputs
from optimizer.effects.own_code import OwnCode
from optimizer.effects.precompiled import (
    NotPrecompiled,
    Precompiling,
    compiled_above,
    precompiling,
)
from optimizer.effects.pruned_apart import PrunedApart, apart_edits, pruned_apart
from optimizer.effects.read import read_effects
from optimizer.effects.recommended import Recommended, skipped_recommended
from optimizer.effects.running import running
from optimizer.effects.runtime_base import RuntimeBase, runtime_twin
from optimizer.effects.shipped import Shipped
from optimizer.effects.sizes import Facts, Size, image_size
from optimizer.effects.split.lines import builder_name, split_edits
from optimizer.effects.split.plan import Plan, read_plan
from optimizer.effects.split.site import Site
from optimizer.effects.static_site import Look, StaticSite, static_site
from optimizer.effects.taken import is_built_on, reach_the_image
from optimizer.history.commits import History
from optimizer.history.versions import PastChange
from optimizer.journal import ContextAnswer
from optimizer.knowledge.ecosystems import names_installer
from optimizer.knowledge.installs import Install, Obstacle
from optimizer.knowledge.running import Running
from optimizer.model.stages import (
    ImageBase,
    Invocation,
    Stage,
    StageBase,
    Stages,
    Step,
    read_stages,
)
from optimizer.model.unreached import Unreached, unreached
from optimizer.proposal import Basis, Evidence, Proposal

MOST_INHERITED = 200
"""COPY and ADD steps of parent stages that are looked at; what is above them counts as missing."""


def _nothing() -> None:
    """The history of what lies in no repository."""


@dataclass(frozen=True)
class Build:
    """One way in which a Dockerfile is built: its context and the words of the command.

    ``chosen`` says that the user named the target; else it was found in the repository
    and may be out of date. ``neighbours`` returns the other Dockerfiles that may be built
    with the same ignore file; it is called only when a change touches that file. ``history``
    returns the commits of the repository, None where there is none or nobody wants them; it is
    called when somebody asks how often something changes. ``costs`` says what steps cost,
    ``past`` returns what those commits did to the file. ``services`` are the Compose services and
    the commands of CI that run the image, ``dependents`` the places where other Dockerfiles start
    from it, ``places`` all that say that it is built so; ``code`` holds the sources of the
    context that were read for what they start. ``base_bytes`` are the sizes of base images that an
    engine has, by the reference as it stands in FROM; ``shown_needed`` are packages of the
    distribution that a build has shown to be needed at run time. ``targets`` returns the stages
    that places of the repository build of this file, None where they may build any; it is called
    when a stage seems to be of no use.
    """

    context: BuildContext
    invocation: Invocation
    answer: ContextAnswer
    chosen: bool = False
    neighbours: Callable[[], Sequence[Dockerfile]] = tuple
    history: Callable[[], History | None] = _nothing
    costs: Costs = field(default_factory=Costs)
    past: Callable[[], Sequence[PastChange]] = tuple
    services: tuple[Service, ...] = ()
    dependents: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    code: OwnCode = field(default_factory=OwnCode, repr=False)
    base_bytes: Mapping[str, int] = field(default_factory=dict)
    shown_needed: tuple[str, ...] = ()
    targets: Callable[[], Collection[str] | None] = tuple

    def with_others(self, other: Build) -> Build:
        """Returns this build with the services and places of one that is done the same way."""
        return replace(
            self,
            services=tuple(dict.fromkeys(self.services + other.services)),
            dependents=tuple(dict.fromkeys(self.dependents + other.dependents)),
            places=tuple(dict.fromkeys(self.places + other.places)),
        )

    @cached_property
    def past_changes(self) -> Sequence[PastChange]:
        """What commits did to the file itself; read on first asking."""
        return self.past()

    @cached_property
    def changes(self) -> Changes:
        """The commits and what they change in the context; read on first asking."""
        return changes(self.context, self.history())


@dataclass(frozen=True, slots=True)
class Spared:
    """What an edit of the context file ``edited`` makes run again, before and after a change:
    the number of ``steps``, and the ``seconds`` that they take."""

    edited: str
    steps: tuple[int, int]
    seconds: tuple[float, float]
    is_measured: bool

    @property
    def evidence(self) -> Evidence | None:
        """The plainer of the two numbers that tells a gain, None where neither does."""
        scenario = f"edit {self.edited}"
        if self.steps[1] < self.steps[0]:
            return Evidence("steps_rerun", scenario, *self.steps, basis="model")
        if self.seconds[1] < self.seconds[0]:
            basis: Basis = "model" if self.is_measured else "estimate"
            return Evidence("rebuild_seconds", scenario, *self.seconds, basis=basis)
        return None


def _takes_from(other: Stage, stage: Stage) -> bool:
    """Tells whether ``other`` starts from ``stage``, or one of its steps takes files of it."""
    if isinstance(other.base, StageBase) and other.base.stage is stage:
        return True
    return any(stage in each.depends_on for each in other.steps)


@dataclass(frozen=True)
class View:
    """One version of one file, seen through one `Build`."""

    dockerfile: Dockerfile
    build: Build
    _copies: dict[str, CopyStep | ForeignCopy] = field(default_factory=dict, repr=False)
    _costs: dict[str, StepCost] = field(default_factory=dict, repr=False)
    _effects: dict[str, Effects] = field(default_factory=dict, repr=False)
    _copying_steps: dict[int, list[Step]] = field(default_factory=dict, repr=False)
    _reruns: dict[str, tuple[Rerun, ...]] = field(default_factory=dict, repr=False)
    _running: dict[int, Running] = field(default_factory=dict, repr=False)

    @property
    def context(self) -> BuildContext:
        """The build context, after the ignore file."""
        return self.build.context

    @property
    def shown_needed(self) -> tuple[str, ...]:
        """The packages of the distribution that a build has shown to be needed at run time."""
        return self.build.shown_needed

    @cached_property
    def stages(self) -> Stages:
        """The stages, their steps, and the state in force at each."""
        return read_stages(self.dockerfile, self.build.invocation)

    def copy(self, step: Step) -> CopyStep | ForeignCopy:
        """Returns what a COPY or ADD step brings."""
        if step.id not in self._copies:
            self._copies[step.id] = read_copy(step, self.context)
        return self._copies[step.id]

    def effects(self, step: Step) -> Effects:
        """Returns what a step reads and writes, and what it takes from the state it runs in."""
        if step.id not in self._effects:
            self._effects[step.id] = read_effects(
                self.dockerfile, step, lambda: self.copy(step), lambda: self.files_above(step)
            )
        return self._effects[step.id]

    def files_above(self, step: Step) -> StageFiles:
        """Returns the files of the context that lie in the image when ``step`` runs."""
        stage = self.stages.stages[step.stage_index]
        copies = self.copies_above(stage, step)
        return StageFiles(tuple(copy for copy in copies if isinstance(copy, CopyStep)))

    def copies_above(self, stage: Stage, step: Step) -> tuple[CopyStep | ForeignCopy, ...]:
        """Returns the COPY and ADD steps above ``step``, those of parent stages first."""
        steps = self._copying(stage)
        own = bisect_left(steps, step.number, key=lambda copying: copying.number)
        above = [*self._inherited(stage), *steps[:own]]
        return tuple(self.copy(copying) for copying in above)

    def _copying(self, stage: Stage) -> list[Step]:
        if stage.index not in self._copying_steps:
            self._copying_steps[stage.index] = [
                step for step in stage.steps if step.instruction.keyword in ("COPY", "ADD")
            ]
        return self._copying_steps[stage.index]

    def _inherited(self, stage: Stage) -> list[Step]:
        """Returns the copying steps of parent stages, of a long chain only the nearest."""
        steps: list[Step] = []
        base = stage.base
        while isinstance(base, StageBase) and len(steps) <= MOST_INHERITED:
            steps[:0] = self._copying(base.stage)
            base = base.stage.base
        return steps

    def may_install(self, step: Step) -> bool:
        """Tells whether ``step`` is a RUN whose text names a package manager at all."""
        instruction = step.instruction
        return instruction.keyword == "RUN" and names_installer(
            self.dockerfile.text(instruction.code)
        )

    def install(self, step: Step) -> InstallStep | Obstacle | None:
        """Says what the RUN ``step`` installs, as `read_install` does."""
        return read_install(self.effects(step))

    def install_halves(self, step: Step) -> Iterator[InstallStep | Obstacle]:
        """Yields the first halves of the RUN ``step`` that install, as `install_halves` does."""
        stage = self.stages.stages[step.stage_index]
        ships = is_built_on(self.stages, stage)
        return install_halves(self.dockerfile, self.effects(step), ships)

    def dependency_step(self, step: Step) -> DependencyStep | Obstacle | None:
        """Says which install the RUN ``step`` lacks above it, as `dependency_step` does."""
        stage = self.stages.stages[step.stage_index]
        runs = self._runs_above(stage, step)
        above = (self.effects(each) for each in runs if self.may_install(each))
        found = dependency_step(self.effects(step), self.files_above(step), above)
        if isinstance(found, DependencyStep) and is_built_on(self.stages, stage):
            return taken_away(self.effects(step), found) or found
        return found

    def missing_inputs(self, step: Step) -> Missing | Obstacle | None:
        """Says what the installs of the RUN ``step`` read and do not find, as `missing_inputs`
        does."""
        stage = self.stages.stages[step.stage_index]
        above = self.copies_above(stage, step)
        runs = (self.effects(each) for each in self._runs_above(stage, step))
        return missing_inputs(self.effects(step), above, self._copies_below(stage, step), runs)

    def copy_flags(self, stage: Stage, step: Step, program: str) -> Iterator[CopyFlag | Obstacle]:
        """Says which commands of the RUN ``step`` a flag of COPY can do, as `copy_flags` does."""
        if step.instruction.keyword != "RUN" or program not in step.instruction.arguments:
            return
        place = RunPlace(self.dockerfile, stage, step, self.effects, self.copy)
        yield from copy_flags(place, program)

    def _runs_above(self, stage: Stage, step: Step) -> Iterator[Step]:
        """Yields the RUNs above ``step``, those of its stage first."""
        steps: Sequence[Step] = stage.steps[: step.number - 1]
        for _ in range(MOST_INHERITED):
            yield from (each for each in steps if each.instruction.keyword == "RUN")
            if not isinstance(stage.base, StageBase):
                return
            stage = stage.base.stage
            steps = stage.steps

    def _copies_below(self, stage: Stage, step: Step) -> tuple[CopyStep, ...]:
        """Returns the copies from the context below ``step``, and those of the stages that take
        files of its stage or are built on it."""
        own = [each for each in self._copying(stage) if each.number > step.number]
        others = [
            each
            for other in self.stages.stages
            if _takes_from(other, stage)
            for each in self._copying(other)
        ]
        found = (self.copy(each) for each in (*own, *others))
        return tuple(copy for copy in found if isinstance(copy, CopyStep))

    def split(self, stage: Stage) -> Plan | Obstacle | None:
        """Returns how ``stage`` comes apart into a builder and a runtime stage, as `read_plan`
        does; None where it does not start from an image."""
        site = self._site(stage)
        return None if site is None else read_plan(site)

    def split_edits(self, stage: Stage, plan: Plan) -> tuple[Edit, ...]:
        """Returns the edits that carry out ``plan``, which `split` made of ``stage``."""
        site = self._site(stage)
        assert site is not None, "only a stage that starts from an image has a plan"
        return split_edits(site, plan)

    def pruned_apart(self, stage: Stage) -> PrunedApart | Obstacle | None:
        """Says how the pruning that ends ``stage`` can be a stage of its own, as `pruned_apart`
        does."""
        return pruned_apart(self, stage)

    def apart_edits(self, stage: Stage, apart: PrunedApart) -> tuple[Edit, ...]:
        """Returns the edits that carry out ``apart``, which `pruned_apart` made of ``stage``."""
        return apart_edits(self, stage, apart)

    def precompiling(self, stage: Stage) -> Precompiling | NotPrecompiled | None:
        """Says what ``stage`` could compile above its sources, as `precompiling` does."""
        return precompiling(self, stage)

    @property
    def targets(self) -> Collection[str]:
        """The stages that places of the repository are known to build of this file."""
        return self.build.targets() or ()

    def _site(self, stage: Stage) -> Site | None:
        if not isinstance(stage.base, ImageBase) or stage.end.is_windows:
            return None
        return Site(
            self.dockerfile,
            self.stages,
            stage,
            stage.base,
            self.running(stage),
            self.effects,
            self.copy,
            self.files_above,
            self._files_alone(stage),
        )

    def _files_alone(self, stage: Stage) -> StageFiles | None:
        """Returns the files of the context that lie in ``stage`` when it is done, None where it
        copies from elsewhere too."""
        files = self.files_at_end(stage)
        copying = len(self._inherited(stage)) + len(self._copying(stage))
        return files if len(files.copies) == copying else None

    def static_site(self, stage: Stage) -> StaticSite | Obstacle | None:
        """Says which static site ``stage`` builds and serves, as `static_site` does."""
        site = self._site(stage)
        if site is None:
            return None
        look = Look(
            self.stages,
            stage,
            builder_name(site),
            self.running(stage),
            self.context,
            self.effects,
            self.copy,
            self.files_above,
            self.files_at_end(stage),
        )
        return static_site(look)

    def files_at_end(self, stage: Stage) -> StageFiles:
        """Returns the files of the context that lie in ``stage`` when it is done."""
        copies = (*self._inherited(stage), *self._copying(stage))
        found = (self.copy(step) for step in copies)
        return StageFiles(tuple(copy for copy in found if isinstance(copy, CopyStep)))

    def running(self, stage: Stage) -> Running:
        """Returns what a container of ``stage`` runs, as `running` does."""
        if stage.index not in self._running:
            files = Shipped(stage, self.context, self.copy)
            self._running[stage.index] = running(
                self.dockerfile, stage, files, self._services(stage), self.build.code
            )
        return self._running[stage.index]

    def _services(self, stage: Stage) -> tuple[Service, ...]:
        return self.build.services if stage is self.stages.target else ()

    def meant_to_be_fat(self, stage: Stage) -> Obstacle | None:
        """Returns why the image of ``stage`` is meant to keep its tools, as `meant_to_be_fat`
        does."""
        is_target = stage is self.stages.target
        return meant_to_be_fat(
            stage,
            self.context,
            self.running(stage),
            self.files_at_end(stage),
            self._services(stage),
            self.build.places if is_target else (),
            self.build.dependents if is_target else (),
            is_top=self.build.answer.path == ".",
        )

    def runtime_twin(self, stage: Stage) -> RuntimeBase | Obstacle | None:
        """Returns the smallest image that ``stage`` can start from, as `runtime_twin` does."""
        return runtime_twin(self, stage)

    def recommended(self, stage: Stage, step: Step) -> Iterator[Recommended | Obstacle]:
        """Yields what the installs of the RUN ``step`` bring that is only recommended, as
        `skipped_recommended` does."""
        return skipped_recommended(self, stage, step)

    @cached_property
    def image_size(self) -> Size | None:
        """How large the image of the target will be; None where nothing can be said."""
        facts = Facts(self.effects, self.copy, self.files_above, self.build.base_bytes)
        return image_size(self.stages, facts)

    @cached_property
    def unreached(self) -> tuple[Unreached, ...]:
        """The stages that no known build needs, as `unreached` says; none where any may be."""
        if len(self.stages.needed) == len(self.stages.stages):
            return ()
        targets = self.build.targets()
        if targets is None:
            return ()
        return unreached(self.dockerfile, self.stages, self.build.invocation, targets)

    def reach_the_image(self, stage: Stage, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Returns those of ``paths``, which ``stage`` writes, that may reach the image."""
        return reach_the_image(self.stages, stage, paths)

    @cached_property
    def volatility(self) -> Volatility:
        """How often what each step takes from the build context changes."""
        return Volatility(self.build.changes, self._context_reads)

    def _context_reads(self, step: Step) -> ContextReads:
        instruction = step.instruction
        if instruction.keyword == "RUN" and not instruction.mounts:
            return ContextReads()
        return self.effects(step).context

    def cost(self, step: Step) -> StepCost:
        """Returns what it costs to run ``step``, and how that is known."""
        if step.id not in self._costs:
            stage = self.stages.stages[step.stage_index]
            measured = self.build.costs.measured(self.dockerfile, stage, step)
            self._costs[step.id] = measured or self._estimate(step)
        return self._costs[step.id]

    def _estimate(self, step: Step) -> StepCost:
        keyword = step.instruction.keyword
        if keyword == "RUN":
            spared = (*self.brought_in(step), *self._compiled_above(step))
            return self.build.costs.of_run(self.effects(step), spared)
        return of_copy(self.copy(step)) if keyword in ("COPY", "ADD") else of_other(step)

    def brought_in(self, step: Step) -> tuple[tuple[CommandEffects, Install], ...]:
        """Returns the commands of a RUN whose dependencies a step above brought in."""
        if not self.may_install(step):
            return ()
        runs = self._runs_above(self.stages.stages[step.stage_index], step)
        above = (self.effects(each) for each in runs if self.may_install(each))
        return brought_in(self.effects(step), self.files_above(step), above)

    def _compiled_above(self, step: Step) -> tuple[tuple[CommandEffects, Install], ...]:
        if not self.may_install(step):
            return ()
        runs = self._runs_above(self.stages.stages[step.stage_index], step)
        return compiled_above(self.effects(step), map(self.effects, runs))

    def seconds(self, step: Step) -> float:
        """Returns the seconds that ``step`` takes when it runs, measured or estimated."""
        return self.cost(step).seconds

    @cached_property
    def rebuilds(self) -> tuple[Rebuild, ...]:
        """What the commits of `volatility` make BuildKit run again, step by step."""
        return rebuilds(self.cache, self.volatility, self.seconds)

    def edited(self, edits: Sequence[Edit]) -> Dockerfile:
        """Returns the tree of the text that ``edits`` make."""
        return parse(Source(self.dockerfile.source.path, apply(self.dockerfile, edits)))

    def after(self, tree: Dockerfile, proposal: Proposal) -> View:
        """Returns the view of ``tree``, which ``proposal`` makes of this one's."""
        context = self.context
        for file in proposal.files:
            context = context.with_file(file.path, file.after.encode("utf-8", "surrogateescape"))
        build = replace(self.build, context=context) if proposal.files else self.build
        return View(tree, build)

    @cached_property
    def cache(self) -> CacheModel:
        """What BuildKit's layer cache makes of this version."""
        return CacheModel(
            self.dockerfile,
            self.stages,
            self.context,
            self.build.invocation,
            self.effects,
            self.copy,
        )

    def spared(self, after: View, edited: str) -> Spared:
        """Returns what runs again after the context file ``edited`` changed, here and in
        ``after``. The steps are the cache model's, not a build's."""
        here, there = self._rerun_after(edited), after._rerun_after(edited)
        before, then = (
            round(sum(view.seconds(each.vertex.step) for each in steps), 1)
            for view, steps in ((self, here), (after, there))
        )
        measured = all(self.cost(each.vertex.step).basis == "measured" for each in here)
        return Spared(edited, (len(here), len(there)), (before, then), measured)

    def _rerun_after(self, edited: str) -> tuple[Rerun, ...]:
        if edited not in self._reruns:
            change = ContextChange(changed=(edited,))
            self._reruns[edited] = rerun(self.cache, self.cache.after(change))
        return self._reruns[edited]
