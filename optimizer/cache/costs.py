"""What it costs to run a step: seconds out of a build's log, or else an estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Literal, TypeAlias

from optimizer.cst.nodes import Dockerfile
from optimizer.effects.copies import CopyStep, ForeignCopy
from optimizer.effects.effects import CommandEffects, Effects
from optimizer.knowledge.costs import estimate
from optimizer.knowledge.installs import Install
from optimizer.model.stages import Stage, Step

if TYPE_CHECKING:
    from optimizer.cache.timings import Timings

UNREADABLE = 5.0
"""Seconds of a RUN whose commands cannot be listed: `estimate`'s answer for a command that
is not known."""

_VERTEX = 0.1
_PER_FILE = 0.0005
_MOST_FILES = 20_000
"""A COPY of a few files takes some 0.1 s on BuildKit, and of 10,000 small files some seconds
(measured on Docker 28 with the overlay2 store); its file count stands for its size."""

_DOWNLOADED = 2 / 3
"""Of a build that fetches its dependencies itself, what fetching them takes at most; an assumption:
compiling is never nothing."""

_SPARED = 5 / 6
"""Of a build, what all steps above may spare it at most; an assumption: the project itself has
to be compiled and linked."""

CostBasis: TypeAlias = Literal["measured", "configured", "estimate"]


@dataclass(frozen=True, slots=True)
class StepCost:
    """The seconds that a step takes when it runs, and where they come from."""

    seconds: float
    basis: CostBasis


@dataclass(frozen=True)
class Costs:
    """What is known of costs beside the estimates: a log, and the user's own figures.

    ``configured`` holds seconds by the first words of a command (``npm ci``); the longest
    match counts.
    """

    timings: Timings | None = None
    configured: Mapping[str, float] = field(default_factory=dict)

    def measured(self, tree: Dockerfile, stage: Stage, step: Step) -> StepCost | None:
        """Returns what ``step`` of ``stage`` in ``tree`` took by the log, if that says it."""
        seconds = self.timings.seconds(tree, stage, step) if self.timings else None
        return None if seconds is None else StepCost(seconds, "measured")

    def of_run(
        self, effects: Effects, brought_in: Sequence[tuple[CommandEffects, Install]] = ()
    ) -> StepCost:
        """Returns what a RUN costs: the sum of its commands, without what the installs that were
        ``brought_in`` above cost, of which a part of each command is left."""
        if not effects.commands and effects.obstacle is not None:
            return StepCost(UNREADABLE, "estimate")
        costs = [self._of_command(command.words, command.text) for command in effects.commands]
        known = any(cost.basis == "configured" for cost in costs)
        seconds = sum((cost.seconds for cost in costs), 0.0)
        for command, cost in zip(effects.commands, costs, strict=True):
            saved = (self._saved(other, each) for other, each in brought_in if other is command)
            seconds -= min(sum(saved), cost.seconds * _SPARED)
        return StepCost(max(seconds, _VERTEX), "configured" if known else "estimate")

    def _saved(self, command: CommandEffects, install: Install) -> float:
        """Returns the seconds that a command does not spend on dependencies that are there."""
        whole = self._of_command(command.words, command.text)
        if whole.basis == "configured":
            return 0.0
        words = tuple(install.call.words)
        return min(self._of_command(words, install.title).seconds, whole.seconds * _DOWNLOADED)

    def _of_command(self, words: tuple[str, ...] | None, text: str) -> StepCost:
        spelled = " ".join(words if words is not None else text.split())
        matching = [
            name
            for name in self.configured
            if f"{spelled} ".startswith(f"{' '.join(name.split())} ")
        ]
        if matching:
            return StepCost(self.configured[max(matching, key=len)], "configured")
        return StepCost(_estimated(words or tuple(text.split())), "estimate")


@lru_cache(maxsize=4096)
def _estimated(words: tuple[str, ...]) -> float:
    """The same commands stand in many files."""
    return estimate(words)


def of_copy(copy: CopyStep | ForeignCopy) -> StepCost:
    """Returns what a COPY or ADD costs, by the number of its files."""
    files = 1
    if isinstance(copy, CopyStep):
        files = sum(1 for _ in islice(copy.files(), _MOST_FILES))
    return StepCost(round(_VERTEX + files * _PER_FILE, 1), "estimate")


def of_other(step: Step) -> StepCost:
    """Returns what any other step costs: WORKDIR is one, the rest are no work at all."""
    return StepCost(_VERTEX if step.instruction.keyword == "WORKDIR" else 0.0, "estimate")
