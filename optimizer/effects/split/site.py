"""The stage that is to be split, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from optimizer.cst.nodes import Dockerfile
from optimizer.effects.copies import CopyStep, ForeignCopy, StageFiles
from optimizer.effects.effects import Effects
from optimizer.knowledge.distribution.packages import releases_of
from optimizer.knowledge.installs import Call
from optimizer.knowledge.products import Made
from optimizer.knowledge.released import Release
from optimizer.knowledge.running import Running
from optimizer.model.stages import ImageBase, Stage, Stages, Step
from optimizer.model.values import Known


@dataclass(frozen=True)
class Site:
    """``stage`` of ``tree``, which starts from the image ``base``; ``running`` is what its
    containers run. ``effects``, ``copy`` and ``files`` answer for its steps: what one touches,
    what one copies, and what was copied above one. ``at_end`` is what is copied from the context in
    all, None where something else is copied too."""

    tree: Dockerfile
    stages: Stages
    stage: Stage
    base: ImageBase
    running: Running
    effects: Callable[[Step], Effects]
    copy: Callable[[Step], CopyStep | ForeignCopy]
    files: Callable[[Step], StageFiles]
    at_end: StageFiles | None

    @property
    def image(self) -> tuple[str, str] | None:
        """The familiar name and the tag of the base, None where it is named by digest alone."""
        return self.base.image

    @property
    def releases(self) -> tuple[Release, ...]:
        """The releases of a distribution that the base may be made of."""
        return releases_of(*self.image) if self.image is not None else ()

    @property
    def workdirs(self) -> frozenset[str]:
        """The working directories of the stage that are known."""
        found = (step.state.workdir for step in self.stage.steps)
        return frozenset(each.text for each in found if isinstance(each, Known))

    def made(self, step: Step, paths: Sequence[str] = (), before: Sequence[Call] = ()) -> Made:
        """Returns what the stage has when ``step`` runs; ``paths`` are those that commands above
        left, ``before`` are those commands."""
        user = step.state.user
        name = user.text.partition(":")[0] if isinstance(user, Known) else None
        return Made(
            self.image,
            self.files(step),
            self.running,
            tuple(paths),
            "root" if name in ("", "0", "root") else name,
            tuple(before),
            self.at_end,
        )
