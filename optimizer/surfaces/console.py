"""The two streams of the process: the report on one, everything else on the other."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress

    from optimizer.journal import Failure
    from optimizer.report.terminal import Screen
    from optimizer.verify.builders import Watch
    from optimizer.verify.judge import Announce

WRONG = 2
"""The exit code of bad usage, and of a file that could not be read or is no Dockerfile."""

NO_ENGINE = 3
"""The exit code where a part outside dockopt is missing or failed."""

MANY_FILES = 20
"""From so many files on a progress bar is worth the time its library takes to load."""

_WIDEST = 100
"""Columns beyond which prose is hard to read."""


def put(data: bytes) -> None:
    """Writes to standard output. A reader that has gone away is no error, and ends nothing."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _silence_output()
    except OSError as error:
        _silence_output()
        stop(f"cannot write to standard output: {error.strerror}")


def tell(text: str) -> None:
    """Writes to standard error, as far as anybody listens."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        pass


def stop(message: str) -> NoReturn:
    """Ends the run with a message."""
    tell(f"dockopt: error: {message}\n")
    sys.exit(WRONG)


def refuse(failure: Failure) -> NoReturn:
    """Ends the run with what is wrong with a file that the user named."""
    from optimizer.report.words import errors

    tell("".join(f"{line}\n" for line in errors(failure)))
    sys.exit(WRONG)


def is_terminal(stream: TextIO) -> bool:
    """Tells whether somebody looks at ``stream``."""
    return stream.isatty()


def screen(stream: TextIO, environment: Mapping[str, str] = os.environ) -> Screen:
    """Returns how to draw on ``stream``."""
    from optimizer.report.terminal import Screen

    columns = shutil.get_terminal_size().columns if is_terminal(stream) else _WIDEST
    return Screen(has_colour(is_terminal(stream), environment), min(columns, _WIDEST))


def has_colour(terminal: bool, environment: Mapping[str, str]) -> bool:
    """Tells whether to use colour: ``NO_COLOR`` beats ``FORCE_COLOR`` beats what the stream is.

    The patch that goes into a pipe or a file is no matter of this: it never has any.
    """
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return terminal and environment.get("TERM") != "dumb"


@contextmanager
def progress(files: int) -> Iterator[Callable[[int], None]]:
    """Shows a bar on a terminal while many files are looked at; gives what moves it."""
    if files < MANY_FILES or not is_terminal(sys.stderr):
        yield lambda done: None
        return
    with _bar() as bar:
        task = bar.add_task("", total=files)
        yield lambda done: bar.advance(task, done)


@contextmanager
def commits_progress() -> Iterator[Callable[[int, int], None] | None]:
    """Shows a bar on a terminal while commits are read; gives what is told how many are done,
    and of how many. None where nobody looks."""
    if not is_terminal(sys.stderr):
        yield None
        return
    with _bar() as bar:
        task = bar.add_task("commits", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield bar


@contextmanager
def build_progress() -> Iterator[Announce]:
    """Shows builds while they run: on a terminal that can draw over its lines the steps at work
    and the last line of their output, else one line for each build. Gives what announces a build
    and watches it."""
    if not is_terminal(sys.stderr) or os.environ.get("TERM") == "dumb":

        def announce(which: str) -> Watch:
            tell(f"building the {which}\n")
            return lambda progress: None

        yield announce
        return
    from optimizer.surfaces.live import BuildDisplay

    with BuildDisplay() as display:
        yield display.announce


def _silence_output() -> None:
    """Lets the flush at the end of the process find somebody who takes everything."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
