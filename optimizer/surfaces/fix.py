"""`dockopt fix`: look at the files, then print or write, then say what was found."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from optimizer.cst.source import Source
from optimizer.journal import Failure, Outcome, Record
from optimizer.report.words import errors
from optimizer.surfaces.console import (
    WRONG,
    build_progress,
    is_terminal,
    progress,
    put,
    screen,
    stop,
    tell,
)
from optimizer.surfaces.load import Engine, Request, Task, plan, plan_input
from optimizer.surfaces.run import default_jobs, look_at_all

WOULD_CHANGE = 1
"""The exit code of --check."""

Format: TypeAlias = Literal["diff", "json"]


@dataclass(frozen=True, slots=True)
class Mode:
    """What becomes of the answer. Without a ``format`` it is a patch, and nobody needs that
    on standard output when the files are written or only checked."""

    write: bool = False
    check: bool = False
    format: Format | None = None
    output: Path | None = None
    explain_held: bool = False

    @property
    def reports(self) -> bool:
        return not (self.write or self.check) or self.format is not None or self.output is not None

    @property
    def draws(self) -> bool:
        """Whether the report is for somebody's eyes."""
        return (
            self.reports
            and self.format != "json"
            and self.output is None
            and is_terminal(sys.stdout)
        )


def fix(
    paths: Sequence[Path],
    request: Request,
    mode: Mode,
    jobs: int | None,
    engine: Engine | None = None,
) -> int:
    """Does the whole run and returns the exit code. With an ``engine`` only what it confirms
    is proposed."""
    planned = [plan_input(sys.stdin.buffer.read(), request)] if paths == [Path("-")] else []
    planned = planned or plan(paths, request)
    tasks = [each for each in planned if isinstance(each, Task)]
    with progress(len(tasks)) as done:
        looked = iter(look_at_all(tasks, request, jobs or default_jobs(len(tasks)), done))
    records = [each if isinstance(each, Failure) else next(looked) for each in planned]
    if engine is not None:
        from optimizer.surfaces.verify import blame
        from optimizer.verify.builders import EngineFault

        try:
            records = _confirmed(planned, records, request, engine)
        except EngineFault as fault:
            return blame(fault)
    if mode.write:
        records = [_written(each, record) for each, record in zip(planned, records, strict=True)]
    if mode.reports:
        _report(records, mode)
    _summarise(records, mode)
    if any(map(errors, records)):
        return WRONG
    changed = any(isinstance(record, Outcome) and record.changed for record in records)
    return WOULD_CHANGE if mode.check and changed else 0


def _confirmed(
    planned: Sequence[Task | Failure], records: Sequence[Record], request: Request, engine: Engine
) -> list[Record]:
    from optimizer.surfaces.verify import confirmed, ended_in_order

    with ended_in_order(), build_progress() as announce:
        return [
            confirmed(task, request, record, engine, announce)
            if isinstance(task, Task) and isinstance(record, Outcome)
            else record
            for task, record in zip(planned, records, strict=True)
        ]


def _written(planned: Task | Failure, record: Record) -> Record:
    from optimizer.surfaces.write import write_outcome

    if isinstance(planned, Task) and isinstance(record, Outcome) and record.changed:
        return write_outcome(planned.base, planned.root, record) or record
    return record


def _report(records: Sequence[Record], mode: Mode) -> None:
    data = _render(records, mode)
    if mode.output is None:
        put(data)
        return
    from optimizer.surfaces.write import write_report

    try:
        write_report(mode.output, data)
    except OSError as error:
        stop(f"cannot write {mode.output}: {error.strerror}")


def _render(records: Sequence[Record], mode: Mode) -> bytes:
    if mode.format == "json":
        from optimizer.report import json
        from optimizer.surfaces.version import version

        return json.render(records, version()).encode("ascii")
    if mode.draws:
        from optimizer.report import terminal

        drawn = terminal.report(records, screen(sys.stdout), explain_held=mode.explain_held)
        return drawn.encode(sys.stdout.encoding, "backslashreplace")
    from optimizer.report.patch import patch

    return Source("", patch(records, explain_held=mode.explain_held)).data


def _summarise(records: Sequence[Record], mode: Mode) -> None:
    from optimizer.report.terminal import summary

    for record in records:
        for line in errors(record):
            tell(f"{line}\n")
    if mode.draws:
        tell("\n")
    text = summary(
        records,
        screen(sys.stderr),
        detail=not mode.draws,
        explain_held=mode.explain_held,
        written=mode.write,
        hint=is_terminal(sys.stderr) and not mode.write,
    )
    tell(text)
