"""`dockopt fix`: look at the files, then print or write, then say what was found."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
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
from optimizer.surfaces.run import Overlay, alone, default_jobs, in_harmony, look_at_each

WOULD_CHANGE = 1
"""The exit code of --check."""

Format: TypeAlias = Literal["diff", "json", "sarif", "markdown", "github", "rdjson"]

ONE_FILE = ("sarif", "rdjson")
"""The formats whose readers are offered changes that they can make in one file."""


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
            and self.format in (None, "diff")
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
        apart = look_at_each(tasks, request, jobs or default_jobs(len(tasks)), done)
    if engine is None:
        looked: Iterator[Record] = iter(in_harmony(tasks, request, apart))
    else:
        from optimizer.surfaces.verify import blame
        from optimizer.verify.builders import EngineFault

        try:
            looked = iter(_confirmed(tasks, apart, request, engine))
        except EngineFault as fault:
            return blame(fault)
    if engine is None and mode.format in ONE_FILE:
        looked = map(partial(_with_alone, request), tasks, apart, looked)
    records = [each if isinstance(each, Failure) else next(looked) for each in planned]
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
    tasks: Sequence[Task], apart: Sequence[Record], request: Request, engine: Engine
) -> list[Record]:
    from optimizer.surfaces.verify import confirmed, ended_in_order

    with ended_in_order(), build_progress() as announce:

        def settle(task: Task, outcome: Outcome, overlay: Overlay) -> Record:
            return confirmed(task, request, outcome, engine, announce, overlay)

        return in_harmony(tasks, request, apart, settle)


def _with_alone(request: Request, task: Task, first: Record, record: Record) -> Record:
    """Adds what can be offered without any other file; ``first`` was found apart."""
    if not isinstance(record, Outcome) or not isinstance(first, Outcome):
        return record
    if not (record.files or record.rests_on):
        return record
    return replace(record, alone=alone(task, request, first))


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
    if mode.format is not None and mode.format != "diff":
        return _for_machines(records, mode.format, mode.explain_held)
    if mode.draws:
        from optimizer.report import terminal

        drawn = terminal.report(records, screen(sys.stdout), explain_held=mode.explain_held)
        return drawn.encode(sys.stdout.encoding, "backslashreplace")
    from optimizer.report.patch import patch

    return Source("", patch(records, explain_held=mode.explain_held)).data


def _for_machines(records: Sequence[Record], form: Format, explain_held: bool) -> bytes:
    from optimizer.surfaces.version import version

    if form == "json":
        from optimizer.report import json

        return json.render(records, version()).encode("ascii")
    if form == "sarif":
        from optimizer.catalog import transforms
        from optimizer.report import sarif

        rules = transforms()
        return sarif.render(records, version(), rules, explain_held=explain_held).encode("ascii")
    if form == "rdjson":
        from optimizer.report import rdjson

        return rdjson.render(records, explain_held=explain_held).encode("ascii")
    if form == "github":
        from optimizer.report import github

        return github.render(records, explain_held=explain_held).encode("utf-8")
    from optimizer.report import markdown

    return markdown.render(records).encode("utf-8")


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
