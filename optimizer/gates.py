"""What every change has to pass before it counts, whatever its transform believes.

The gates run in the product, on the user's file, as Black checks its own output.
Each returns None, or a sentence that says what broke.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from optimizer.cst.edit import Remove, Replace
from optimizer.cst.nodes import Dockerfile
from optimizer.model.stages import Step
from optimizer.model.state import State
from optimizer.proposal import Proposal, Safety
from optimizer.view import View

_CONFIG = frozenset(
    {
        "CMD",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    }
)
"""Instructions that end up in the image's configuration."""


def parses(before: View, after: View, proposal: Proposal) -> str | None:
    """The new text has no diagnostic that the old one had not."""
    known = {d.message for d in before.dockerfile.diagnostics}
    for diagnostic in after.dockerfile.diagnostics:
        if diagnostic.message not in known:
            return f"The result would not parse: {diagnostic.message}."
    return None


def prints_back(before: View, after: View, proposal: Proposal) -> str | None:
    """The new tree, joined, is the new text."""
    tree = after.dockerfile
    if "".join(tree.text(node.span) for node in tree.nodes) != tree.source.text:
        return "The result does not print back byte for byte."
    return None


def keeps_comments(before: View, after: View, proposal: Proposal) -> str | None:
    """Every comment is still there."""
    lost = _comments(before.dockerfile) - _comments(after.dockerfile)
    return f"A comment would be lost: {next(iter(lost))}" if lost else None


def keeps_instructions(before: View, after: View, proposal: Proposal) -> str | None:
    """A change that only inserts and moves loses no instruction."""
    if any(isinstance(edit, Remove | Replace) for edit in proposal.edits):
        return None
    lost = _codes(before.dockerfile) - _codes(after.dockerfile)
    return f"An instruction would be lost: {next(iter(lost))}" if lost else None


def keeps_target(before: View, after: View, proposal: Proposal) -> str | None:
    """The target stage exists and ends in the same state; the instructions that its configuration
    comes from are the same, those of one kind in the same order."""
    old, new = before.stages.target, after.stages.target
    if old is None or new is None:
        return None if old is new else "The target stage would be lost."
    if proposal.safety == Safety.CHANGES_IMAGE:
        return None
    if _config(old.steps) != _config(new.steps) or _state(old.end) != _state(new.end):
        return "The image configuration of the target stage would change."
    return None


Gate = Callable[[View, View, Proposal], str | None]

GATES: Sequence[Gate] = (
    parses,
    prints_back,
    keeps_comments,
    keeps_instructions,
    keeps_target,
)


def first_failure(before: View, after: View, proposal: Proposal) -> str | None:
    """Returns what the first gate that fails says, or None when all are passed."""
    for gate in GATES:
        if (failure := gate(before, after, proposal)) is not None:
            return failure
    return None


def _comments(tree: Dockerfile) -> Counter[str]:
    return Counter(
        line.strip() for line in tree.source.text.split("\n") if line.lstrip().startswith("#")
    )


def _codes(tree: Dockerfile) -> Counter[str]:
    return Counter(tree.text(instruction.code) for instruction in tree.instructions)


def _config(steps: Sequence[Step]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for step in steps:
        if step.instruction.keyword in _CONFIG:
            found.setdefault(step.instruction.keyword, []).append(step.instruction.logical.text)
    return found


def _state(state: State) -> tuple[object, ...]:
    return dict(state.env), state.workdir, state.user, state.shell
