"""The commands that a RUN executes, with the directory and variables each of them runs in."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.cst.nodes import Dockerfile
from optimizer.knowledge.ecosystems import STEERING
from optimizer.knowledge.installs import Call
from optimizer.model.stages import Step
from optimizer.model.values import Known
from optimizer.shell.run import read_run
from optimizer.shell.script import OpaqueScript
from optimizer.shell.walk import Visit, walk


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """One command of a RUN. ``call`` is None where its words or its directory are not
    known before it runs, ``words`` where they are not; ``writes`` are the files that it is
    redirected to."""

    text: str
    call: Call | None
    words: tuple[str, ...] | None = None
    writes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepCalls:
    """All commands of one RUN, in order; ``opaque`` says why they cannot be listed."""

    calls: tuple[PlacedCall, ...]
    opaque: str | None = None


def read_calls(tree: Dockerfile, step: Step) -> StepCalls:
    """Reads the RUN ``step`` of ``tree``."""
    state = step.state
    if not isinstance(state.shell, tuple):
        return StepCalls((), state.shell.reason)
    script = read_run(tree, step.instruction, state.shell)
    if isinstance(script, OpaqueScript):
        return StepCalls((), script.reason)
    env = {name: value.text for name, value in state.variables.items() if isinstance(value, Known)}
    directory = state.workdir.text if isinstance(state.workdir, Known) else None
    return StepCalls(tuple(_placed(visit) for visit in walk(script, directory, env)))


def _placed(visit: Visit) -> PlacedCall:
    """Turns one visited command into a call, as far as it is known before it runs."""
    text, directory, words = visit.command.text, visit.cwd, visit.argv
    if words is None or directory is None:
        return PlacedCall(text, None, words)
    env = visit.environment
    steered = any(value is None and STEERING.match(name) for name, value in env.items())
    if steered or None in visit.writes:
        return PlacedCall(text, None, words)
    known = {name: value for name, value in env.items() if value is not None}
    writes = tuple(path for path in visit.writes if path is not None and path != "/dev/null")
    return PlacedCall(text, Call(words or (":",), directory, known), words, writes)
