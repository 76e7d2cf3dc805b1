"""`dockopt verify`: builds a file before and after its changes and holds every promise to it."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Literal, TypeAlias

from optimizer.journal import Applied, Denied, Failure, Outcome, Record
from optimizer.report import verification
from optimizer.report.words import errors
from optimizer.surfaces.console import NO_ENGINE, WRONG, build_progress, put, screen, tell
from optimizer.surfaces.load import Engine, Repository, Request, Task, builds, plan
from optimizer.surfaces.run import look_at
from optimizer.surfaces.version import version
from optimizer.verify.archive import Reader
from optimizer.verify.builders import Builder, EngineFault, Order
from optimizer.verify.buildkit import Buildx
from optimizer.verify.checks import checks as checks_of
from optimizer.verify.checks import read_manifests
from optimizer.verify.facts import facts
from optimizer.verify.judge import RANKS, Announce, Baseline, Builds, Judge, Verification
from optimizer.verify.measure import Unmeasured, edited_most, measured
from optimizer.verify.podman import Podman
from optimizer.verify.verdict import Verdict
from optimizer.view import Build

BROKEN = 1
"""The exit code where a promise broke."""

Format: TypeAlias = Literal["text", "json"]


def verify(file: Path, request: Request, engine: Engine, form: Format) -> int:
    """Judges every change, prints the verdicts, and returns the exit code."""
    return _run(file, request, engine, form, bisect=False)


def bisect(file: Path, request: Request, engine: Engine, form: Format) -> int:
    """Finds the first change that breaks a promise, prints it, and returns the exit code."""
    return _run(file, request, engine, form, bisect=True)


def confirmed(
    task: Task, request: Request, outcome: Outcome, engine: Engine, announce: Announce
) -> Record:
    """Returns what is left of ``outcome`` when every change that no build confirms is held back.

    The changes that are left are built again without the others. Raises `EngineFault`.
    """
    ways = [*_ways(task, request, outcome, engine, announce)]
    denied: list[Denied] = []
    with ExitStack() as stack:
        for way in ways:
            stack.enter_context(way.baseline.builds)
        while ways and outcome.applied:
            verdicts = zip(*(way.judge(outcome).verdicts() for way in ways), strict=True)
            worst = [*map(_worst, verdicts)]
            if all(verdict.outcome == "kept" for verdict in worst):
                applied = tuple(replace(each, confirmed=True) for each in outcome.applied)
                return replace(outcome, applied=applied)
            denied += _unconfirmed(outcome.applied, worst)
            record = look_at(task, request, {}, denied=denied)
            if isinstance(record, Failure):
                return record
            outcome = record
    return outcome


def blame(fault: EngineFault) -> int:
    """Says in two lines what of the engine failed and what helps; returns the exit code."""
    tell(f"dockopt: error: {fault.what}\n{fault.remedy}\n")
    return NO_ENGINE


def exit_code(found: Sequence[Verification]) -> int:
    """Returns 0 where every promise held, 1 where one broke, 2 where the original does not
    build, 3 where no build could tell."""
    outcomes = {each.outcome for each in found}
    for outcome, code in (("broken", BROKEN), ("before-broken", WRONG)):
        if outcome in outcomes:
            return code
    return NO_ENGINE if "unverifiable" in outcomes else 0


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Lets a run that is terminated clean up as one that Ctrl-C ends."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@dataclass(frozen=True)
class _Way:
    """One way in which a file is built, and the builds of its original."""

    build: Build
    baseline: Baseline
    smoke: tuple[str, ...] = ()

    @cached_property
    def manifests(self) -> Mapping[str, str]:
        return read_manifests(self.build.context)

    def judge(self, outcome: Outcome) -> Judge:
        checks = checks_of(self.baseline.builds.builder, self.manifests, self.smoke)
        return Judge(self.baseline, outcome.applied, self.build.answer.path, checks)

    def verified(self, outcome: Outcome, repetitions: int) -> Verification:
        """Judges every change. What keeps its promise is measured, ``repetitions`` times."""
        started = time.monotonic()
        judge = self.judge(outcome)
        verdicts = judge.verdicts()
        changes = outcome.applied
        if repetitions and all(verdict.outcome == "kept" for verdict in verdicts):
            try:
                changes = measured(judge, self.build.context, _edited_most(self.build), repetitions)
            except Unmeasured as failure:
                tell(f"nothing is measured: {failure}\n")
        return self._verification(outcome, changes, verdicts, started)

    def bisected(self, outcome: Outcome) -> Verification:
        """Returns a verification of the guilty change alone; of all where none is guilty."""
        started = time.monotonic()
        guilty = self.judge(outcome).guilty()
        if guilty is None:
            verdicts = (Verdict("kept"),) * len(outcome.applied)
            return self._verification(outcome, outcome.applied, verdicts, started)
        index, verdict = guilty
        return self._verification(outcome, (outcome.applied[index],), (verdict,), started)

    def _verification(
        self,
        outcome: Outcome,
        changes: tuple[Applied, ...],
        verdicts: tuple[Verdict, ...],
        started: float,
    ) -> Verification:
        builds = self.baseline.builds
        names = [built.reference for built in builds.made if built.reference is not None]
        return Verification(
            outcome.path,
            self.build.answer,
            self.build.invocation,
            builds.builder.name,
            changes,
            verdicts,
            time.monotonic() - started,
            tuple(names) if builds.keep else (),
        )


def _run(file: Path, request: Request, engine: Engine, form: Format, *, bisect: bool) -> int:
    (task,) = plan([file], request)
    outcome = task if isinstance(task, Failure) else look_at(task, request, {})
    if wrong := errors(outcome):
        tell("".join(f"{line}\n" for line in wrong))
        return WRONG
    assert isinstance(task, Task)
    assert isinstance(outcome, Outcome)
    found: list[Verification] = []
    try:
        with ended_in_order(), build_progress() as announce:
            for way in _ways(task, request, outcome, engine, announce):
                with way.baseline.builds:
                    found.append(
                        way.bisected(outcome) if bisect else way.verified(outcome, engine.measure)
                    )
    except EngineFault as fault:
        return blame(fault)
    _print(found, form)
    return exit_code(found)


def _ways(
    task: Task, request: Request, outcome: Outcome, engine: Engine, announce: Announce
) -> Iterator[_Way]:
    """Yields the ways in which a file with changes is built. Raises `EngineFault`."""
    if not outcome.applied:
        return
    builder = _builder(engine.builder)
    builder.check()
    found, _ = builds(task, request, Repository(task.root), {})
    for build in found:
        if build.answer not in outcome.contexts:
            continue
        order = Order(
            outcome.before,
            build.context.root,
            build.invocation,
            build.context.ignore_text,
            seconds=engine.seconds,
            network=engine.network,
        )
        baseline = Baseline(Builds(builder, announce, engine.keep), order)
        yield _Way(build, baseline, task.config.smoke)


def _edited_most(build: Build) -> str | None:
    """Returns the context file that the history of the repository edits most often."""
    history = build.history()
    if history is None:
        return None
    root, top = build.context.root.resolve(), history.root.resolve()
    if not root.is_relative_to(top):
        return None
    prefix = root.relative_to(top).as_posix()
    return edited_most(history, build.context, "" if prefix == "." else prefix)


def _builder(name: str | None) -> Builder:
    """Returns the driver for what the user names: ``podman``, ``buildah``, else a builder of
    docker buildx. Where nothing is named and there is no docker, podman will do."""
    if name == "podman":
        return Podman(Reader(facts), "podman")
    if name == "buildah":
        return Podman(Reader(facts), "buildah")
    if name is None and shutil.which("docker") is None and shutil.which("podman") is not None:
        return Podman(Reader(facts))
    return Buildx(Reader(facts), name)


def _worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Returns the verdict that counts where a change was judged in several ways."""
    return max(verdicts, key=lambda verdict: RANKS.index(verdict.outcome))


def _unconfirmed(changes: Sequence[Applied], verdicts: Sequence[Verdict]) -> Iterator[Denied]:
    """Yields the changes to hold back. Those that broke a promise go first: they may be why
    the others could not be judged."""
    broken = any(verdict.outcome == "broken" for verdict in verdicts)
    for change, verdict in zip(changes, verdicts, strict=True):
        if verdict.outcome == "broken" or not (broken or verdict.outcome == "kept"):
            yield _denied(change, verdict)


def _denied(change: Applied, verdict: Verdict) -> Denied:
    code = "build-broke-promise" if verdict.outcome == "broken" else "build-could-not-tell"
    why = verdict.findings[0].message if verdict.findings else verdict.outcome
    unblock = {
        "broken": "Change the file by hand, or report it: `dockopt verify` shows all of it.",
        "before-broken": "Make the original build.",
        "unverifiable": "Give the builds what they lack, or leave out --verify.",
    }[verdict.outcome]
    reason = f"{change.title}: {why}."
    return Denied(change.transform, change.title, change.origin, code, reason, unblock)


def _print(found: Sequence[Verification], form: Format) -> None:
    if form == "json":
        put((json.dumps(verification.as_json(found, version()), indent=2) + "\n").encode("ascii"))
        return
    if not found:
        tell("nothing to verify: no change is proposed\n")
    put(verification.as_text(found, screen(sys.stdout)).encode("utf-8", "backslashreplace"))
