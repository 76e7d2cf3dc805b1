"""The commands that a RUN executes, with the directory and variables each of them runs in."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.cst.source import Span
from optimizer.knowledge.installs import Call
from optimizer.model.stages import Step
from optimizer.model.values import Known
from optimizer.shell import Command, Script, read_run, unwrap


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """One command of a RUN. ``call`` is None where its words or its directory are not
    known before it runs; ``writes`` are the files it is redirected to."""

    span: Span
    text: str
    call: Call | None
    conditional: bool
    writes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepCalls:
    """All commands of one RUN, in order; ``opaque`` says why they cannot be listed."""

    calls: tuple[PlacedCall, ...]
    opaque: str | None = None
