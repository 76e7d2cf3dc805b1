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
from optimizer.verify.progress import Progress

STEPS_SHOWN = 6
_PER_SECOND = 8
_ECHO = "^C"
"""What a terminal shows of Ctrl-C at the end of the last line. It has to have room there: on a
line of its own it would move what is then wiped out."""
_WIDEST = 120
"""Columns beyond which the eye no longer finds from a step to its time."""


class BuildDisplay:
    """One build at a time: its name and time, and below it the steps at work, each with its time
    and the last line it has said. Every line is cut where the terminal ends; nothing of it stays.
    """

    def __init__(self) -> None:
        self._title = ""
        self._started = 0.0
        self._progress: Progress | None = None
        self._seen: dict[str, float] = {}
        self._spinner = Spinner("dots")
        self._console = Console(stderr=True)
        # It draws at once: what it draws has to be there before it.
        self._live = Live(
            console=self._console,
            transient=True,
            refresh_per_second=_PER_SECOND,
            get_renderable=self._drawn,
        )

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
        self._seen = {}
        return self._watch

    def _watch(self, progress: Progress) -> None:
        self._progress = progress

    def _drawn(self) -> Table:
        table = Table.grid(padding=(0, 1), expand=True)
        table.width = min(self._console.width - len(_ECHO), _WIDEST)
        table.add_column(width=1)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        table.add_column(justify="right", no_wrap=True)
        if not self._title:
            return table
        now = time.monotonic()
        vertexes = self._progress.vertexes if self._progress is not None else ()
        done = sum(each.completed is not None for each in vertexes)
        count = f"{done}/{len(vertexes)}  {now - self._started:.0f} s"
        table.add_row(self._spinner, Text(f"building the {self._title}", style="bold"), count)
        for vertex in [each for each in vertexes if each.running][:STEPS_SHOWN]:
            # The builder's clock may be another machine's.
            seconds = now - self._seen.setdefault(vertex.digest, now)
            table.add_row("", _shown(vertex.name), f"{seconds:.0f} s")
            if vertex.log:
                table.add_row("", Text("  ", style="dim").append_text(_shown(vertex.log[-1])), "")
        return table


def _shown(line: str) -> Text:
    """Returns the first line of a text that came from a build, safe to show."""
    return Text(printable(next(iter(line.splitlines()), "")))
