"""What an editor shows beside a Dockerfile: messages, lenses and hovers. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.cache.keys import Vertex
from optimizer.effects.effects import Effects
from optimizer.journal import Applied
from optimizer.proposal import Refusal
from optimizer.report.cache import causes
from optimizer.report.effects import rows_of
from optimizer.report.words import number, printable, promise, strongest
from optimizer.step_table import StepRow, StepTable

_ROWS = 40
"""Lines of one part of a hover that are shown."""

_WIDTH = 160
"""Characters of a line of a hover, and of what runs a step again in a lens."""


def proposal_message(change: Applied) -> str:
    """Returns what is said of a change: its title, its strongest number, and its promise."""
    best = strongest(change.evidence)
    gain = f" ({number(best)})" if best is not None else ""
    return f"{printable(change.title)}{gain}. Promise: {promise(change.safety)}."


def refusal_message(refusal: Refusal) -> str:
    """Returns why something was held back, and what would help."""
    return f"Held back: {printable(refusal.reason)} {printable(refusal.unblock)}"


def lens(row: StepRow, table: StepTable) -> str:
    """Returns how often a step runs again and what that takes, then what runs it again."""
    assumed = "" if table.basis == "history" else "assumed "
    often = f"rebuilds on {row.runs} of {table.commits} {assumed}commits"
    about = "" if row.basis == "measured" else "about "
    why = " or ".join(causes(row))
    return f"{often}, {about}{_seconds(row.seconds)} each" + (f": {_cut(why)}" if why else "")


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"


def hover(effects: Effects, vertex: Vertex | None, row: StepRow | None, table: StepTable) -> str:
    """Returns what a step reads and writes, what its cache key holds, and how often it runs again,
    in Markdown. ``vertex`` and ``row`` are None for what BuildKit does not solve as a step."""
    return "\n".join(_hover(effects, vertex, row, table))


def _hover(
    effects: Effects, vertex: Vertex | None, row: StepRow | None, table: StepTable
) -> Iterator[str]:
    step = effects.step
    yield f"**{step.instruction.keyword}**, step {printable(step.id)}"
    if row is not None:
        yield from ("", lens(row, table))
    yield from _block("Effects", [*rows_of(effects)] or ["reads and writes no file"])
    if vertex is not None:
        yield from _block("Cache key", [f"{part.name:<12}{part.words}" for part in vertex.key])
    else:
        yield from ("", "It makes no step of its own: what it sets is part of the keys below it.")


def _block(title: str, rows: list[str]) -> Iterator[str]:
    """Yields a block of lines that Markdown leaves as they are: none can end it."""
    yield from ("", f"{title}:", "", "~~~text")
    yield from (_cut(row).replace("~~~", "~~ ~") for row in rows[:_ROWS])
    if len(rows) > _ROWS:
        yield f"and {len(rows) - _ROWS} more"
    yield "~~~"


def _cut(text: str) -> str:
    shown = printable(text[: 2 * _WIDTH])
    return shown if len(shown) <= _WIDTH else shown[: _WIDTH - 3] + "..."
