"""One version of one file with everything that is known about it.

The tree never changes, so an analysis is computed at most once for a view, on
first asking; a new text gets a new view and starts clean. `Build` holds what
outlives versions: one way in which the file is built.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from optimizer.cache.rerun import steps_rerun
from optimizer.context.tree import BuildContext
from optimizer.cst.edit import Edit, apply
from optimizer.cst.nodes import Dockerfile
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.effects.calls import StepCalls, read_calls
from optimizer.effects.copies import CopyStep, ForeignCopy, StageFiles, read_copy
from optimizer.effects.installs import InstallStep, read_install
from optimizer.journal import ContextAnswer
from optimizer.knowledge.ecosystems import names_installer
from optimizer.knowledge.installs import Obstacle
from optimizer.model.stages import Invocation, Stage, StageBase, Stages, Step, read_stages
from optimizer.proposal import Evidence, Proposal

MOST_INHERITED = 200
"""COPY and ADD steps of parent stages that are looked at; what is above them counts as missing."""


@dataclass(frozen=True)
class Build:
    """One way in which a Dockerfile is built: its context and the words of the command.

    ``chosen`` says that the user named the target; else it was found in the repository
    and may be out of date. ``neighbours`` returns the other Dockerfiles that may be built
    with the same ignore file; it is called only when a change touches that file.
    """

    context: BuildContext
    invocation: Invocation
    answer: ContextAnswer
    chosen: bool = False
    neighbours: Callable[[], Sequence[Dockerfile]] = tuple


@dataclass(frozen=True)
class View:
    """One version of one file, seen through one `Build`."""

    dockerfile: Dockerfile
    build: Build
    _calls: dict[str, StepCalls] = field(default_factory=dict, repr=False)
    _copies: dict[str, CopyStep | ForeignCopy] = field(default_factory=dict, repr=False)
    _copying_steps: dict[int, list[Step]] = field(default_factory=dict, repr=False)

    @property
    def context(self) -> BuildContext:
        """The build context, after the ignore file."""
        return self.build.context

    @cached_property
    def stages(self) -> Stages:
        """The stages, their steps, and the state in force at each."""
        return read_stages(self.dockerfile, self.build.invocation)

    def calls(self, step: Step) -> StepCalls:
        """Returns the commands of a RUN step."""
        if step.id not in self._calls:
            self._calls[step.id] = read_calls(self.dockerfile, step)
        return self._calls[step.id]

    def copy(self, step: Step) -> CopyStep | ForeignCopy:
        """Returns what a COPY or ADD step brings."""
        if step.id not in self._copies:
            self._copies[step.id] = read_copy(step, self.context)
        return self._copies[step.id]

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

    def install(self, stage: Stage, step: Step) -> InstallStep | Obstacle | None:
        """Says what the RUN ``step`` installs, as `read_install` does."""
        return read_install(
            self.calls(step),
            lambda: StageFiles(
                tuple(copy for copy in self.copies_above(stage, step) if isinstance(copy, CopyStep))
            ),
        )

    def edited(self, edits: Sequence[Edit]) -> Dockerfile:
        """Returns the tree of the text that ``edits`` make."""
        return parse(Source(self.dockerfile.source.path, apply(self.dockerfile, edits)))

    def after(self, tree: Dockerfile, proposal: Proposal) -> View:
        """Returns the view of ``tree``, which ``proposal`` makes of this one's."""
        context = self.context
        for file in proposal.files:
            context = context.with_file(file.path, file.after.encode("utf-8", "surrogateescape"))
        return View(tree, replace(self.build, context=context))

    def steps_rerun(self, after: View, edited: str) -> Evidence:
        """Returns how many steps run again after the context file ``edited`` changed, here and
        in ``after``. The count is the cache model's, not a build's."""
        return Evidence(
            "steps_rerun",
            f"edit {edited}",
            before=len(steps_rerun(self.stages, self.context, edited)),
            after=len(steps_rerun(after.stages, after.context, edited)),
            basis="model",
        )
