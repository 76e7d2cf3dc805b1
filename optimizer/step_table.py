"""The steps of one version of a file: what runs each again, how often, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.cache.costs import CostBasis
from optimizer.cache.model import ContextChange
from optimizer.cache.rebuilds import Rebuild
from optimizer.cache.rerun import rerun
from optimizer.cache.volatility import Basis
from optimizer.view import View


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step that BuildKit solves.

    ``inputs`` are the patterns that it takes from the build context (``""`` is all of it),
    ``unknown`` says why they are not known. ``arguments`` are the build arguments in force above
    a RUN, which it depends on whether it names them or not. ``own`` is in how many commits its
    inputs changed, ``runs`` in how many it runs again; ``below`` is the line of the step above
    that makes it run most often, None where none above does. ``seconds`` are those of one run.
    ``reruns`` says whether one of the changes that were asked for runs it again.
    """

    id: str
    line: int
    text: str
    inputs: tuple[str, ...]
    unknown: str | None
    arguments: tuple[str, ...]
    own: int
    runs: int
    below: int | None
    seconds: float
    basis: CostBasis
    reruns: bool

    @property
    def total(self) -> float:
        """The seconds of all runs."""
        return self.seconds * self.runs


@dataclass(frozen=True, slots=True)
class StepTable:
    """The steps that the target needs, in the file's order, over ``commits`` commits of which
    ``touching`` change a file of the context. ``words`` say what commits they are."""

    rows: tuple[StepRow, ...]
    basis: Basis
    commits: int
    touching: int
    words: str
    note: str | None

    @property
    def seconds(self) -> float:
        """The seconds of all runs of all steps."""
        return sum((row.total for row in self.rows), 0.0)


def step_table(view: View, changed: Sequence[str] = ()) -> StepTable:
    """Returns the table of ``view``; ``changed`` are paths of the context that are edited."""
    found = view.rebuilds
    change = ContextChange(changed=tuple(changed))
    reruns = {each.vertex.step.id for each in rerun(view.cache, view.cache.after(change))}
    rows = tuple(
        _row(view, each, found[:number], each.step.id in reruns)
        for number, each in enumerate(found)
    )
    changes = view.volatility.changes
    touching = (changes.every | changes.always).bit_count()
    return StepTable(rows, changes.basis, changes.count, touching, changes.words, changes.note)


def _row(view: View, rebuild: Rebuild, above: Sequence[Rebuild], reruns: bool) -> StepRow:
    step = rebuild.step
    reads = view.volatility.reads(step)
    cost = view.cost(step)
    names = (*step.state.args, *step.state.overrides) if step.instruction.keyword == "RUN" else ()
    return StepRow(
        id=step.id,
        line=step.instruction.line,
        text=" ".join(step.instruction.logical.text.split()),
        inputs=reads.patterns,
        unknown=reads.opaque,
        arguments=tuple(dict.fromkeys(names)),
        own=rebuild.own.bit_count(),
        runs=rebuild.times,
        below=_cause(rebuild, above),
        seconds=cost.seconds,
        basis=cost.basis,
        reruns=reruns,
    )


def _cause(rebuild: Rebuild, above: Sequence[Rebuild]) -> int | None:
    """Returns the line of the step above whose own changes run this one again most often; of
    equals the first one in the same stage, else in a stage that this step copies from."""
    step = rebuild.step
    taken = {stage.index for stage in step.depends_on}

    def weight(each: Rebuild) -> tuple[int, bool, bool]:
        share = (each.own & rebuild.runs).bit_count()
        place = each.step.stage_index
        return share, place == step.stage_index, place in taken

    most = max(above, key=weight, default=None)
    if most is None or weight(most)[0] <= rebuild.own.bit_count():
        return None
    return most.step.instruction.line
