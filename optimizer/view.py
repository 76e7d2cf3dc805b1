"""One version of one file with everything that is known about it.

The tree never changes, so an analysis is computed at most once for a view, on
first asking; a new text gets a new view and starts clean. `Build` holds what
outlives versions: one way in which the file is built.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from optimizer.context.tree import BuildContext
from optimizer.cst.edit import Edit, apply
from optimizer.cst.nodes import Dockerfile
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.effects.calls import StepCalls, read_calls
from optimizer.effects.copies import CopyStep, StageFiles, read_copy
from optimizer.journal import ContextAnswer
from optimizer.model.stages import Invocation, Stage, Stages, Step, read_stages
from optimizer.proposal import Evidence
from optimizer.cache.rerun import steps_rerun


@dataclass(frozen=True)
class Build:
    """One way in which a Dockerfile is built: its context and the words of the command.

    ``neighbours`` returns the other Dockerfiles of the repository that may share
    the context's ignore file; it is called only when a change touches that file.
    """

    context: BuildContext
    invocation: Invocation
    answer: ContextAnswer
    neighbours: Callable[[], Sequence[Dockerfile]] = tuple


@dataclass(frozen=True)
class View:
    """One version of one file, seen through one `Build`."""

    dockerfile: Dockerfile
    build: Build

    @property
    def context(self) -> BuildContext:
        return self.build.context

    @cached_property
    def stages(self) -> Stages:
        return read_stages(self.dockerfile, self.build.invocation)
