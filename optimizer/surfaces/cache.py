"""`dockopt cache`: what runs the steps of one file again, how often it did, and what it cost."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from optimizer.catalog import transforms
from optimizer.context.gopath import inside
from optimizer.context.tree import ContextError
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.journal import Failure, Outcome
from optimizer.model.stages import Step
from optimizer.pipeline import run
from optimizer.proposal import Safety
from optimizer.report.cache import CacheReport, as_json, as_text
from optimizer.report.words import errors
from optimizer.step_table import step_table
from optimizer.surfaces.console import WRONG, commits_progress, is_terminal, put, screen, tell
from optimizer.surfaces.load import (
    Repository,
    Request,
    Task,
    builds,
    plan,
    plan_input,
    read_file,
    read_source,
)
from optimizer.view import View


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about one file. ``changed`` are paths as the user writes them."""

    file: Path
    changed: tuple[Path, ...] = ()
    form: Literal["text", "json"] = "text"


def cache(question: Question, request: Request) -> int:
    """Prints the answer and returns the exit code."""
    task = _task(question.file, request)
    if isinstance(task, Failure):
        return _refuse(task)
    try:
        with commits_progress() as told:
            answer = _report(task, question, request, Repository(task.root, told))
    except ContextError as error:
        answer = Failure(task.path, f"the build context cannot be read: {error}")
    if not isinstance(answer, CacheReport):
        return _refuse(answer)
    _print(answer, question)
    return 0


def _task(file: Path, request: Request) -> Task | Failure:
    if file == Path("-"):
        return plan_input(sys.stdin.buffer.read(), request)
    if file.is_dir():
        return Failure(str(file), "is a folder; name a Dockerfile")
    return plan([file], request)[0]


def _report(
    task: Task, question: Question, request: Request, repository: Repository
) -> CacheReport | Failure | Outcome:
    data = task.data if task.data is not None else read_file(task.file)
    source = read_source(task.path, data)
    if isinstance(source, Failure):
        return source
    ways, notes = builds(task, request, repository, {})
    config = task.config
    outcome = run(
        task.path,
        source,
        ways,
        transforms(config.select, config.without),
        config.safety or Safety.CHANGES_IMAGE,
        requested=config.select,
    )
    if outcome.diagnostics:
        return outcome
    sound = [way for way in ways if way.answer in outcome.contexts] or [*ways]
    before = View(parse(source), sound[0])
    changed = tuple(_in_context(path, before.context.root) for path in question.changed)
    after = _after(before, outcome, task) if outcome.changed else None
    return CacheReport(
        path=task.path,
        context=sound[0].answer,
        before=step_table(before, changed),
        after=step_table(after, changed) if after else None,
        applied=tuple(dict.fromkeys(each.transform for each in outcome.applied)),
        others=tuple({way.answer: None for way in sound if way.answer != sound[0].answer}),
        changed=changed,
        ignored=tuple(path for path in changed if before.context.excluded(path)),
        notes=(*notes, *outcome.notes, *_log_notes(before, request)),
    )


def _after(before: View, outcome: Outcome, task: Task) -> View:
    """Returns the view of what `dockopt fix` would make of the file."""
    context = before.context
    for file in outcome.files:
        path = os.path.relpath(task.base / file.path, context.root).replace(os.sep, "/")
        context = context.with_file(path, Source(file.path, file.after).data)
    build = replace(before.build, context=context) if outcome.files else before.build
    return View(parse(Source(outcome.path, outcome.after)), build)


def _in_context(path: Path, root: Path) -> str:
    """Reads a path from the current folder if that lies in the context, else from the context."""
    here = Path(os.path.normpath(Path.cwd() / path))
    if here.is_relative_to(root):
        return here.relative_to(root).as_posix().removeprefix(".")
    return inside(path.as_posix())


def _log_notes(view: View, request: Request) -> Iterator[str]:
    """Says what of a build's log and of the file do not belong together."""
    if request.timings is None:
        return
    steps: list[Step] = [each.step for each in view.rebuilds]
    for step in steps:
        if view.cost(step).basis != "measured":
            yield f"line {step.instruction.line} is not in the log, or came from cache there"
    for timing in request.timings.unknown(view.dockerfile, steps):
        yield f"the log times a step that is not in the file: {timing.text}"


def _print(report: CacheReport, question: Question) -> None:
    if question.form == "json":
        import json

        put((json.dumps(as_json(report), indent=2) + "\n").encode("ascii"))
        return
    encoding = sys.stdout.encoding if is_terminal(sys.stdout) else "utf-8"
    bars = is_terminal(sys.stdout) and encoding.lower().startswith("utf")
    text = as_text(report, screen(sys.stdout), bars=bars)
    put(text.encode(encoding, "backslashreplace"))


def _refuse(what: Failure | Outcome) -> int:
    tell("".join(f"{line}\n" for line in errors(what)))
    return WRONG
