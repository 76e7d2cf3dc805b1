"""The proposals of both transforms that make a flag of COPY of what a RUN does."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.effects.copy_flags import CopyFlag
from optimizer.knowledge.installs import Obstacle
from optimizer.model.stages import Step
from optimizer.proposal import Evidence, Proposal, Refusal, Safety
from optimizer.view import View


def flag_proposals(view: View, program: str) -> Iterator[Proposal | Refusal]:
    """Yields what makes a flag of COPY of each call of ``program`` (``chmod`` or ``chown``) in a
    RUN of the file, or why none does; see `optimizer.effects.copy_flags`."""
    for stage in view.stages.stages:
        for step in stage.steps:
            for found in view.copy_flags(stage, step, program):
                if isinstance(found, Obstacle):
                    yield Refusal.of(found, step.instruction.code)
                else:
                    yield _proposal(step, found)


def _proposal(step: Step, found: CopyFlag) -> Proposal:
    scenario, size = f"the layer of `{found.named}`", found.bytes
    return Proposal(
        title=f"Let COPY do what `{found.named}` does",
        at=step.instruction.code,
        edits=found.edits,
        safety=Safety.SAME_IMAGE,
        reason=f"`{found.named}` puts what COPY brought into a layer once more.",
        evidence=(Evidence("copied_bytes", scenario, size, 0, "model"),) if size else (),
        assumes=found.assumes,
    )
