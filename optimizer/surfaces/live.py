"""Builds while they run, drawn on a terminal."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from optimizer.report.words import printable
from optimizer.verify.builders import Watch
from optimizer.verify.progress import Progress, Vertex

STEPS_SHOWN = 6
_PER_SECOND = 8


class BuildDisplay:
    """One build at a time: its name and time, the steps at work, the last line each has said."""

    def __init__(self) -> None:
        self._live = Live(
            console=Console(stderr=True),
            transient=True,
            refresh_per_second=_PER_SECOND,
            get_renderable=self._drawn,
        )
        self._title = ""
        self._started = 0.0
        self._progress: Progress | None = None
        self._spinner = Spinner("dots")

    def __enter__(self) -> BuildDisplay:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def announce(self, which: str) -> Watch:
        """Begins to show another build."""
        self._title, self._started, self._progress = which, time.monotonic(), None
        return self._watch

    def _watch(self, progress: Progress) -> None:
        self._progress = progress

    def _drawn(self) -> Table:
        table = Table.grid(padding=(0, 1))
        if not self._title:
            return table
        seconds = time.monotonic() - self._started
        vertexes = self._progress.vertexes if self._progress is not None else ()
        done = sum(each.completed is not None for each in vertexes)
        title = f"building the {self._title}: {seconds:.0f} s, {done} of {len(vertexes)} done"
        table.add_row(self._spinner, Text(title, style="bold"))
        running = self._progress.running if self._progress is not None else ()
        for vertex in running[:STEPS_SHOWN]:
            table.add_row("", _one_line(vertex))
        return table


def _one_line(vertex: Vertex) -> Text:
    text = Text(printable(vertex.name), no_wrap=True, overflow="ellipsis")
    if vertex.log:
        text.append(f"  {printable(vertex.log[-1])}", style="dim")
    return text
