"""`dockopt pr --fleet`: many repositories, one after the other and several at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from optimizer.forge.address import BadAddress, read_address
from optimizer.forge.connect import access, owner
from optimizer.forge.forge import ForgeFault
from optimizer.report.words import count, printable
from optimizer.surfaces.console import NO_ENGINE, WRONG, progress, put, stop, tell
from optimizer.surfaces.pr.clone import password
from optimizer.surfaces.pr.journal import Journal, JournalFault, journal
from optimizer.surfaces.pr.visit import Options, Visit
from optimizer.surfaces.pr.workers import in_cluster, in_processes
from optimizer.surfaces.verify import ended_in_order

MOST_LISTED = 1_000_000
"""Lines of a list."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Which repositories: a file with one on a line, ``-`` for standard input, or the address of
    an organisation. ``scheduler`` is that of a Dask cluster, None for this machine."""

    list: str
    journal: Path
    jobs: int = 4
    scheduler: str | None = None


def visit_all(fleet: Fleet, options: Options) -> int:
    """Visits what the journal does not know to be done, and returns the exit code."""
    try:
        with ended_in_order(), journal(fleet.journal, fleet.list) as notes:
            if not notes.waiting():
                notes.expect(listed(fleet.list, options, os.environ))
            _visit(fleet, options, notes)
            _say(notes)
            failed = bool(notes.counts().get("failed"))
            notes.end()
    except ForgeFault as fault:
        tell(f"dockopt: error: {printable(fault.what)}\n{printable(fault.remedy)}\n")
        return NO_ENGINE
    except (JournalFault, BadAddress) as error:
        tell(f"dockopt: error: {printable(str(error))}\n")
        return WRONG
    return NO_ENGINE if failed else 0


def listed(name: str, options: Options, environment: Mapping[str, str]) -> Sequence[str]:
    """Returns the repositories of a list. Raises `ForgeFault` and `BadAddress`."""
    if "://" not in name:
        return _lines(name)
    address = read_address(name)
    found = access(address, options.wanted, environment, password)
    if found is None:
        raise BadAddress(f"dockopt does not know what {address.host} is; say it with --forge")
    return owner(found, address.path).repositories()


def _lines(name: str) -> Sequence[str]:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        stop(f"cannot read the list {name}: {getattr(error, 'strerror', 'it is no text')}")
    lines = (line.strip() for line in text.splitlines()[:MOST_LISTED])
    return [*dict.fromkeys(line for line in lines if line and not line.startswith("#"))]


def _visit(fleet: Fleet, options: Options, notes: Journal) -> None:
    waiting = notes.waiting()
    with progress(len(waiting)) as done:
        for found in _found(fleet, options, waiting):
            notes.record(found)
            done(1)


def _found(fleet: Fleet, options: Options, sources: Sequence[str]) -> Iterator[Visit]:
    if fleet.scheduler is not None:
        return in_cluster(sources, options, fleet.scheduler)
    return in_processes(sources, options, fleet.jobs)


def _say(notes: Journal) -> None:
    """Prints the table of the round, and its sums on standard error."""
    rows = [("repository", "Dockerfile", "what", "where")]
    rows += [
        (source, path, action, url or detail) for source, path, action, url, detail in notes.rows()
    ]
    shown = [tuple(printable(cell) for cell in row) for row in rows]
    widths = [max(len(row[at]) for row in shown) for at in range(3)]
    for row in shown:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        put(("  ".join([*cells, row[3]]).rstrip() + "\n").encode("utf-8"))
    visits = sum(notes.counts().values())
    sums = ", ".join(f"{number} {action}" for action, number in sorted(notes.actions().items()))
    tell(f"{count(visits, 'repository', 'repositories')}: {sums or 'nothing'}\n")
