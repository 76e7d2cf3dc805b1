"""Reads the log of a build that --timings names."""

from __future__ import annotations

from pathlib import Path

from optimizer.cache.timings import LogError, Timings, read_timings
from optimizer.journal import Failure
from optimizer.surfaces.load import read_file


def read_log(path: Path) -> Timings | Failure:
    """Returns the times that the log holds, or why it holds none."""
    data = read_file(path)
    if isinstance(data, str):
        return Failure(str(path), data)
    try:
        return read_timings(data.decode("utf-8", "replace"))
    except LogError as error:
        return Failure(str(path), str(error), error.line)
