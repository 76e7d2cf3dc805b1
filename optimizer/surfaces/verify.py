"""`dockopt verify`: builds a file before and after its changes and holds every promise to it."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Literal, TypeAlias

from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.journal import Applied, Denied, Failure, Outcome, Record
from optimizer.model.stages import ImageBase, Invocation, read_stages
from optimizer.report import verification
from optimizer.report.words import errors, printable
from optimizer.surfaces.console import NO_ENGINE, WRONG, build_progress, put, screen, tell
from optimizer.surfaces.load import Engine, Repository, Request, Shown, Task, builds, plan
from optimizer.surfaces.run import Overlay, look_at
from optimizer.surfaces.version import version
from optimizer.verify.archive import Reader
from optimizer.verify.builders import Builder, EngineFault, Order
from optimizer.verify.buildkit import Buildx
from optimizer.verify.checks import checks, read_manifests, smoke_check
from optimizer.verify.facts import facts
from optimizer.verify.judge import RANKS, Announce, Baseline, Builds, Judge, Verification
from optimizer.verify.measure import Unmeasured, edited_most, measured
from optimizer.verify.podman import Podman
from optimizer.verify.stage_images import StageImages
from optimizer.verify.verdict import Verdict
from optimizer.view import Build

BROKEN = 1
"""The exit code where a promise broke."""

Format: TypeAlias = Literal["text", "json"]

_NOTHING_CHANGED: Overlay = {}


def verify(file: Path, request: Request, engine: Engine, form: Format) -> int:
    """Judges every change, prints the verdicts, and returns the exit code."""
    return _run(file, request, engine, form, bisect=False)


def bisect(file: Path, request: Request, engine: Engine, form: Format) -> int:
    """Finds the first change that breaks a promise, prints it, and returns the exit code."""
    return _run(file, request, engine, form, bisect=True)


def confirmed(
    task: Task,
    request: Request,
    outcome: Outcome,
    engine: Engine,
    announce: Announce,
    overlay: Overlay = _NOTHING_CHANGED,
) -> Record:
    """Returns what is left of ``outcome`` when every change that no build confirms is held back.
    ``overlay`` is what it was found with.

    The changes that are left are built again without the others, and measured in the first way
    in which the file is built. Where all that an image lacks are packages whose names are known,
    the file is planned again with them first. Raises `EngineFault`.
    """
    ways = [*_ways(task, request, outcome, engine, announce, overlay)]
    plan = Plan(task, request, overlay)
    record: Record = plan.with_sizes(outcome, ways)
    with ExitStack() as stack:
        for way in ways:
            stack.callback(_tell_kept, stack.enter_context(way.baseline.builds))
        while ways and isinstance(record, Outcome) and record.applied:
            judges = [way.judge(record) for way in ways]
            worst = [*map(_worst, zip(*(each.verdicts() for each in judges), strict=True))]
            if all(verdict.outcome == "kept" for verdict in worst):
                changes = ways[0].measured(judges[0], engine.measure)
                applied = [
                    replace(change, confirmed=True, notes=(*plan.notes(change), *verdict.notes))
                    for change, verdict in zip(changes, worst, strict=True)
                ]
                return replace(record, applied=tuple(applied))
            record = plan.again(record, worst)
    return record


MOST_REPAIRS = 3
"""Times that a file is planned again because a build has shown that an image lacks packages."""


@dataclass
class Plan:
    """One file, planned as often as builds show something: ``shown`` is what they have shown,
    ``denied`` the changes that they did not confirm."""

    task: Task
    request: Request
    overlay: Overlay = field(default_factory=dict)
    shown: Shown = field(default_factory=Shown)
    denied: list[Denied] = field(default_factory=list)
    _repairs: list[tuple[str, str]] = field(default_factory=list)
    _tries: int = 0

    def with_sizes(self, outcome: Outcome, ways: Sequence[_Way]) -> Record:
        """Plans again with the sizes of the base images that the engine has."""
        if not ways:
            return outcome
        found = ways[0].base_bytes(outcome)
        if not found:
            return outcome
        self.shown = replace(self.shown, base_bytes=found)
        return self._look()

    def again(self, outcome: Outcome, worst: Sequence[Verdict]) -> Record:
        """Plans again after ``worst`` was said of the changes of ``outcome``: with the packages
        that an image lacks, else without the changes that no build confirmed."""
        return self._repaired(outcome, worst) or self._without(outcome, worst)

    def notes(self, change: Applied) -> tuple[str, ...]:
        """Returns what builds have shown that made ``change`` what it is."""
        return tuple(note for transform, note in self._repairs if transform == change.transform)

    def _look(self) -> Record:
        return look_at(
            self.task, self.request, {}, self.overlay, denied=self.denied, shown=self.shown
        )

    def _without(self, outcome: Outcome, worst: Sequence[Verdict]) -> Record:
        self.denied += _unconfirmed(outcome.applied, worst)
        return self._look()

    def _repaired(self, outcome: Outcome, worst: Sequence[Verdict]) -> Record | None:
        """Returns the plan with what the changes that broke lack; None where that does not make
        another one of them."""
        lacking = list(_lacking(outcome.applied, worst))
        needed = tuple(dict.fromkeys((*self.shown.needed, *(package for _, package, _ in lacking))))
        if not lacking or needed == self.shown.needed or self._tries == MOST_REPAIRS:
            return None
        self._tries += 1
        before, self.shown = self.shown, replace(self.shown, needed=needed)
        record = self._look()
        if not isinstance(record, Outcome) or record.after == outcome.after:
            self.shown = before
            return None
        self._repairs += [
            (transform, f"{package} was added because a build showed that it is needed: {message}")
            for transform, package, message in lacking
        ]
        return record


def _lacking(
    changes: Sequence[Applied], verdicts: Sequence[Verdict]
) -> Iterator[tuple[str, str, str]]:
    """Yields what images lack, as the transform, the package and what was found; nothing where a
    change broke its promise in another way too."""
    for change, verdict in zip(changes, verdicts, strict=True):
        if verdict.outcome != "broken":
            continue
        if any(found.package is None for found in verdict.findings):
            return
        for found in verdict.findings:
            yield change.transform, found.package or "", found.message


def _tell_kept(builds: Builds) -> None:
    if builds.kept_images:
        tell(f"kept: {', '.join(builds.kept_images)}\n")


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


_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, what a supervisor sends, and a terminal that is closed."""


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Lets a run that is ended from outside clean up, and then end: a second Ctrl-C would leave
    builds and images behind, and what cleans up has time limits of its own."""

    def interrupt(_: int, __: FrameType | None) -> None:
        for each in heard:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    # What the one who started this process wants ignored (nohup) stays so.
    before = {each: signal.getsignal(each) for each in _ENDS}
    heard = [each for each, handler in before.items() if handler is not signal.SIG_IGN]
    for each in heard:
        signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each in heard:
            if signal.getsignal(each) is interrupt:
                signal.signal(each, before[each])


@dataclass(frozen=True)
class _Way:
    """One way in which a file is built, and the builds of its original."""

    build: Build
    baseline: Baseline
    smoke: tuple[str, ...] = ()

    @cached_property
    def manifests(self) -> Mapping[str, str]:
        return read_manifests(self.build.context)

    def base_bytes(self, outcome: Outcome) -> Mapping[str, int]:
        """Returns the sizes of the images that FROM lines name, as far as the engine has them."""
        builder = self.baseline.builds.builder
        sizes = {
            image: builder.image_bytes(image)
            for image in _base_images(outcome, self.build.invocation)
        }
        return {image: size for image, size in sizes.items() if size is not None}

    def judge(self, outcome: Outcome) -> Judge:
        builds = self.baseline.builds
        return Judge(
            self.baseline,
            outcome.applied,
            self.build.answer.path,
            checks(builds.builder, self.manifests, StageImages(builds)),
            smoke_check(builds.builder, self.smoke),
        )

    def verified(self, outcome: Outcome, repetitions: int) -> Verification:
        """Judges every change. What keeps its promise is measured, ``repetitions`` times."""
        started = time.monotonic()
        judge = self.judge(outcome)
        verdicts = judge.verdicts()
        kept = all(verdict.outcome == "kept" for verdict in verdicts)
        changes = self.measured(judge, repetitions) if kept else outcome.applied
        return self._verification(outcome, changes, verdicts, started)

    def measured(self, judge: Judge, repetitions: int) -> tuple[Applied, ...]:
        """Returns the changes of ``judge`` with what was measured, as far as it could be."""
        if repetitions == 0:
            return (*judge.changes,)
        edited = _edited_most(self.build)
        try:
            return measured(judge, self.build.context, edited, repetitions, _unmeasured)
        except Unmeasured as failure:
            _unmeasured(str(failure))
            return (*judge.changes,)

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
        return Verification(
            outcome.path,
            self.build.answer,
            self.build.invocation,
            builds.builder.name,
            changes,
            verdicts,
            time.monotonic() - started,
            builds.kept_images,
            self._line(outcome),
        )

    def _line(self, outcome: Outcome) -> int:
        """Returns the line of the step at which the original fails; 1 where that is not known."""
        failed = self.baseline.first.failed
        step = _words(failed.step or "") if failed is not None else []
        tree = parse(Source(outcome.path, outcome.before))
        lines = (
            each.line for each in tree.instructions if step and _words(each.logical.text) == step
        )
        return next(lines, 1)


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
            ways = [*_ways(task, request, outcome, engine, announce)]
            sized = Plan(task, request).with_sizes(outcome, ways)
            outcome = sized if isinstance(sized, Outcome) else outcome
            for way in ways if outcome.applied else ():
                with way.baseline.builds:
                    found.append(
                        way.bisected(outcome) if bisect else way.verified(outcome, engine.measure)
                    )
    except EngineFault as fault:
        return blame(fault)
    _print(found, form)
    tell("".join(f"{line}\n" for line in dict.fromkeys(map(_error, found)) if line))
    return exit_code(found)


def _ways(
    task: Task,
    request: Request,
    outcome: Outcome,
    engine: Engine,
    announce: Announce,
    overlay: Overlay = _NOTHING_CHANGED,
) -> Iterator[_Way]:
    """Yields the ways in which a file with changes is built. Raises `EngineFault`."""
    if not outcome.applied:
        return
    builder = _builder(engine.builder)
    builder.check()
    found, _ = builds(task, request, Repository(task.root), overlay)
    for build in found:
        if build.answer not in outcome.contexts:
            continue
        order = Order(
            outcome.before,
            build.context.root,
            build.invocation,
            build.context.ignore_text,
            files=_written(build),
            seconds=engine.seconds,
            network=engine.network,
            secrets=engine.secrets,
            ssh=engine.ssh,
        )
        baseline = Baseline(Builds(builder, announce, engine.keep), order)
        yield _Way(build, baseline, task.config.smoke)


def _written(build: Build) -> Mapping[str, str]:
    """Returns the files that others changed, but the ignore file, which is given apart."""
    return {
        path: data.decode("utf-8", "surrogateescape")
        for path, data in build.context.written.items()
        if not path.endswith(".dockerignore")
    }


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


def missing(engine: Engine) -> EngineFault | None:
    """Returns what is wrong with the engine; None where it is there."""
    try:
        _builder(engine.builder).check()
    except EngineFault as fault:
        return fault
    return None


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


def _base_images(outcome: Outcome, invocation: Invocation) -> Iterator[str]:
    """Yields the images that stages start from, before and after the changes."""
    for text in (outcome.before, outcome.after):
        stages = read_stages(parse(Source(outcome.path, text)), invocation)
        yield from (stage.base.text for stage in stages.stages if isinstance(stage.base, ImageBase))


def _words(text: str) -> list[str]:
    """Returns the words of a step, with the keyword as BuildKit writes it."""
    keyword, *rest = text.split() or [""]
    return [keyword.upper(), *rest]


def _worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Returns the verdict that counts where a change was judged in several ways."""
    return max(verdicts, key=lambda verdict: RANKS.index(verdict.outcome))


def _unconfirmed(changes: Sequence[Applied], verdicts: Sequence[Verdict]) -> Iterator[Denied]:
    """Yields the changes to hold back. Those that broke a promise go first: they may be why
    the others could not be judged."""
    broken = any(verdict.outcome == "broken" for verdict in verdicts)
    for change, verdict in zip(changes, verdicts, strict=True):
        if verdict.outcome == "broken" or not (broken or verdict.outcome == "kept"):
            yield held_back(change, verdict)


def held_back(change: Applied, verdict: Verdict) -> Denied:
    """Returns what is said of a change that no build confirmed: why, and what would help."""
    code = "build-broke-promise" if verdict.outcome == "broken" else "build-could-not-tell"
    why = verdict.findings[0].message if verdict.findings else verdict.outcome
    package = next((each.package for each in verdict.findings if each.package), None)
    by_hand = "Change the file by hand" if package is None else f"Install {package} in the image"
    unblock = {
        "broken": f"{by_hand}, or report it: `dockopt verify` shows all of it.",
        "before-broken": "Make the original build.",
        "unverifiable": "Give the builds what they lack, or leave out --verify.",
    }[verdict.outcome]
    reason = f"{change.title}: {why}."
    return Denied(change.transform, change.title, change.origin, code, reason, unblock)


def _unmeasured(why: str) -> None:
    tell(f"not measured: {why}\n")


def _error(found: Verification) -> str | None:
    """Returns the line that names an original that does not build, as for any file that is no
    good."""
    if found.outcome != "before-broken":
        return None
    (verdict, *_) = (each for each in found.verdicts if each.outcome == "before-broken")
    message = verdict.findings[0].message
    return f"{printable(found.path)}:{found.line}:1: error: {printable(message)}"


def _print(found: Sequence[Verification], form: Format) -> None:
    if form == "json":
        put((json.dumps(verification.as_json(found, version()), indent=2) + "\n").encode("ascii"))
        return
    if not found:
        tell("nothing to verify: no change is proposed\n")
    put(verification.as_text(found, screen(sys.stdout)).encode("utf-8", "backslashreplace"))
