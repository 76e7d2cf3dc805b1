"""Looks at many files: in this process or in several, with an answer for each."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from optimizer.catalog import transforms
from optimizer.context.tree import ContextError
from optimizer.cst.source import Source
from optimizer.journal import Denied, Failure, Outcome, Record
from optimizer.pipeline import run
from optimizer.proposal import Safety
from optimizer.surfaces.load import (
    Repository,
    Request,
    Shown,
    Task,
    builds,
    read_file,
    read_source,
    relative,
)

FILES_PER_PROCESS = 64
"""Fewer files than this are done before a second process has started."""

Progress = Callable[[int], None]
"""Is told how many more files are done."""

Overlay = Mapping[Path, bytes]
"""Files that the run has changed but not written, by their whole paths."""

Settle = Callable[[Task, Outcome, Overlay], Record]
"""Says what is left of what was found for a file, before the next one counts on it."""


def default_jobs(files: int) -> int:
    """Returns how many processes pay for so many files."""
    return max(1, min(os.cpu_count() or 1, files // FILES_PER_PROCESS))


def look_at_each(
    tasks: Sequence[Task], request: Request, jobs: int, progress: Progress
) -> list[Record]:
    """Returns what was found for each task as if there were no other."""
    if jobs > 1 and len(tasks) > 1:
        from optimizer.surfaces.processes import look_in_processes

        return look_in_processes(tasks, request, jobs, progress)
    records = []
    repositories: dict[Path, Repository] = {}
    for task in tasks:
        records.append(look_at(task, request, repositories))
        progress(1)
    return records


def look_at(
    task: Task,
    request: Request,
    repositories: dict[Path, Repository],
    overlay: Overlay | None = None,
    denied: Sequence[Denied] = (),
    shown: Shown | None = None,
) -> Record:
    """Returns what was found for one file. Changes that are ``denied`` are held back; ``shown`` is
    what an engine has shown of it.

    An exception that nobody expected concerns this file alone. It is raised only
    where the environment variable ``DOCKOPT_DEBUG`` is set.
    """
    try:
        return _look_at(task, request, repositories, overlay or {}, denied, shown or Shown())
    except ContextError as error:
        return Failure(task.path, f"the build context cannot be read: {error}")
    except Exception as error:
        if os.environ.get("DOCKOPT_DEBUG"):
            raise
        return internal_error(task, f"{type(error).__name__}: {error}")


def _look_at(
    task: Task,
    request: Request,
    repositories: dict[Path, Repository],
    overlay: Overlay,
    denied: Sequence[Denied],
    shown: Shown,
) -> Record:
    data = task.data if task.data is not None else read_file(task.file)
    source = read_source(task.path, data)
    if isinstance(source, Failure):
        return source
    repository = repositories.setdefault(task.root, Repository(task.root))
    ways, notes = builds(task, request, repository, overlay, shown)
    config = task.config
    select = request.select or config.select
    outcome = run(
        task.path,
        source,
        ways,
        transforms(select, request.without or config.without),
        request.safety or config.safety or Safety.CHANGES_IMAGE,
        denied,
        select,
    )
    return replace(outcome, notes=(*notes, *outcome.notes))


def internal_error(task: Task, what: str) -> Failure:
    """Returns the answer for a file on which dockopt itself failed."""
    return Failure(
        task.path,
        f"internal error: {what}; this is a defect of dockopt, please report it with the file "
        "(DOCKOPT_DEBUG=1 shows where)",
    )


def in_harmony(
    tasks: Sequence[Task],
    request: Request,
    records: Sequence[Record],
    settle: Settle | None = None,
) -> list[Record]:
    """Returns ``records``, which were made apart, as one row of changes.

    A file whose change touches a file that an earlier one has changed already,
    such as an ignore file that both use, is looked at again with that change.
    What ``settle`` leaves of a file is what later ones see.
    """
    overlay: dict[Path, bytes] = {}
    repositories: dict[Path, Repository] = {}
    result: list[Record] = []
    for task, first in zip(tasks, records, strict=True):
        seen = _seen(task, first, overlay) if isinstance(first, Outcome) else ()
        record = look_at(task, request, repositories, overlay) if seen else first
        if isinstance(record, Outcome) and seen:
            record = replace(record, rests_on=seen)
        if settle is not None and isinstance(record, Outcome) and record.applied:
            record = settle(task, record, {**overlay})
        for file in record.files if isinstance(record, Outcome) else ():
            overlay[task.base / file.path] = Source(file.path, file.after).data
        result.append(record)
    return result


MOST_LOOKS = 8
"""Times that a file is looked at again without what changes other files."""


def alone(task: Task, request: Request, record: Outcome) -> Outcome:
    """Returns what is left of ``record``, which was made apart, when no other file may change:
    what can be offered where one file is all that can be changed."""
    denied: list[Denied] = []
    repositories: dict[Path, Repository] = {}
    for _ in range(MOST_LOOKS):
        with_others = [change for change in record.applied if change.files]
        if not with_others:
            return record
        denied += (
            Denied(change.transform, change.title, change.origin, "other-file", "", "")
            for change in with_others
        )
        again = look_at(task, request, repositories, denied=denied)
        if not isinstance(again, Outcome):
            break
        record = again
    return replace(record, after=record.before, applied=())


def _seen(task: Task, outcome: Outcome, overlay: Overlay) -> tuple[str, ...]:
    """Returns the changed files that lie in a build context of ``outcome``."""
    contexts = [Path(os.path.normpath(task.base / each.path)) for each in outcome.contexts]
    return tuple(
        relative(path, task.base)
        for path in overlay
        if any(path.is_relative_to(context) for context in contexts)
    )
