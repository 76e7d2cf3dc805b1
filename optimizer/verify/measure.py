"""What people feel, measured: cold build, rebuild after an edit, image size, bytes that a push
sends.

The edit is one of the file that the history says is edited most, else of the file that a
transform names. It appends empty lines to the file in a copy of the context (of links, where the
disk takes them); the user's tree stays as it is. So a compiler may make the same of both versions
of a file, and what ``COPY --from`` then takes is the same too: what was measured is the least that
an edit costs.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from posixpath import splitext
from statistics import median

from optimizer.context.tree import BuildContext
from optimizer.history.commits import History
from optimizer.journal import Applied
from optimizer.knowledge.sources import SOURCE_SUFFIXES
from optimizer.proposal import Evidence, Measured, Spread
from optimizer.verify.builders import Builder, Built, Failed, Order, Watch
from optimizer.verify.image import Image
from optimizer.verify.judge import Announce, Judge

EDIT = "edit "
"""What the scenario of a predicted number starts with; the path follows."""

REPETITIONS = 1
"""Times that every build is made, unless the user says otherwise. The cold builds of the judge
count, so that one time costs a rebuild after an edit of each version and little more."""

LARGEST_SOURCE = 1 << 20
"""Bytes of a file that is edited, at most: larger ones are data."""


class Unmeasured(Exception):
    """A build that was to be measured failed. The message is one line that says which and why."""


@dataclass(frozen=True, slots=True)
class Rebuild:
    """One build after an edit, with all else in the cache: how long it took, how many steps of
    the file ran, and the bytes of the layers that the image before the edit has not."""

    seconds: float
    steps: int
    push_bytes: int


@dataclass(frozen=True, slots=True)
class Sample:
    """What one version of a file gave: the seconds of each cold build, the bytes of its image
    (its layers, as large as the engine exports them), and the rebuilds by edited path.
    ``failures`` say which builds after an edit failed, and why: a linter may not like the edit."""

    cold_seconds: tuple[float, ...]
    image_bytes: int
    rebuilds: Mapping[str, tuple[Rebuild, ...]]
    failures: tuple[str, ...] = ()


def edited_most(history: History, context: BuildContext, prefix: str = "") -> str | None:
    """Returns the context path of the source file that most commits touch, the first by name
    of several; None where the history knows none that a build sees.

    ``prefix`` is the path of the context from the root of the repository, without a slash at
    its end.
    """
    start = f"{prefix}/" if prefix else ""
    commits = {
        path.removeprefix(start): mask.bit_count()
        for path, mask in history.masks.items()
        if path.startswith(start) and _is_source(path)
    }
    for path in sorted(commits, key=lambda path: (-commits[path], path)):
        if not context.excluded(path) and _text(context, path) is not None:
            return path
    return None


def edited_paths(changes: Sequence[Applied], first: str | None = None) -> tuple[str, ...]:
    """Returns the files whose edit is measured: ``first`` and those of the predicted numbers."""
    named = [
        each.scenario.removeprefix(EDIT)
        for change in changes
        for each in change.evidence
        if each.scenario.startswith(EDIT)
    ]
    return tuple(dict.fromkeys([*([first] if first is not None else []), *named]))


def measured(
    judge: Judge,
    context: BuildContext,
    first: str | None,
    repetitions: int = REPETITIONS,
    note: Callable[[str], None] = lambda failure: None,
) -> tuple[Applied, ...]:
    """Returns the changes of ``judge`` with what was measured before and after each of them.

    ``first`` is the file whose edit counts most (`edited_most`). Cold builds that the judge has
    made count, the last ones first: before them bases were pulled. ``note`` is told which edits
    could not be measured. Raises `Unmeasured`, and `EngineFault` as the judge does.
    """
    builds = judge.baseline.builds
    paths = edited_paths(judge.changes, first)
    samples = [
        measure(
            builds.builder,
            judge.order(number),
            context,
            paths,
            partial(_announced, builds.announce, judge.label(number)),
            repetitions,
            [built.seconds for built in judge.cold_builds(number)],
        )
        for number in range(len(judge.changes) + 1)
    ]
    for failure in dict.fromkeys(each for sample in samples for each in sample.failures):
        note(failure)
    return tuple(
        filled(change, before, after)
        for change, (before, after) in zip(judge.changes, pairwise(samples), strict=True)
    )


def measure(
    builder: Builder,
    order: Order,
    context: BuildContext,
    paths: Sequence[str],
    announce: Announce,
    repetitions: int = REPETITIONS,
    known: Sequence[float] = (),
) -> Sample:
    """Builds one version of a file cold and after edits of ``paths``, each ``repetitions`` times.

    ``known`` are the seconds of cold builds that were made before; only what they lack is built.
    A path that is no text file of the context is left out, and so is one after whose edit a build
    fails. Raises `Unmeasured` where another build fails or takes too long, and what the builder
    raises.
    """
    cold = [*known[-repetitions:]]
    for number in range(len(cold) + 1, repetitions + 1):
        which = f"cold, {number} of {repetitions}"
        cold.append(_built(builder, replace(order, cold=True), which, announce)[0].seconds)
    # Cache mounts of a cold build are its own: another build does not find what was put there.
    warm = replace(order, cold=False)
    _, image = _built(builder, warm, "with what is in the cache", announce)
    rebuilds: dict[str, tuple[Rebuild, ...]] = {}
    failures: list[str] = []
    for path in paths:
        edits = _edits(context, path, repetitions) or ()
        try:
            found = tuple(_rebuilds(builder, warm, image, path, edits, announce))
        except Unmeasured as failure:
            failures.append(str(failure))
        else:
            rebuilds |= {path: found} if found else {}
    return Sample(tuple(cold), sum(image.layers.values()), rebuilds, tuple(failures))


def _announced(announce: Announce, text: str, which: str) -> Watch:
    return announce(f"{text}, measured {which}")


def filled(change: Applied, before: Sample, after: Sample) -> Applied:
    """Returns ``change`` with what was measured on the versions before and after it: beside each
    predicted number that was, and as numbers of their own."""
    evidence = [_beside(each, before, after) for each in change.evidence]
    known = {(each.metric, each.scenario) for each in evidence}
    felt = [each for each in _felt(before, after) if (each.metric, each.scenario) not in known]
    return replace(change, evidence=(*evidence, *felt))


def _built(builder: Builder, order: Order, which: str, announce: Announce) -> tuple[Built, Image]:
    built = builder.build(order, announce(which))
    builder.remove(built)
    if built.image is None:
        raise Unmeasured(f"the build {which} fails{_reason(built.failed)}")
    return built, built.image


def _reason(failed: Failed | None) -> str:
    if failed is None:
        return ""
    step = failed.step.splitlines()[0] if failed.step else ""
    last = failed.message.strip().rpartition("\n")[2]
    return f" at `{step}`: {last}" if step else f": {last}"


def _rebuilds(
    builder: Builder,
    warm: Order,
    base: Image,
    path: str,
    edits: Sequence[str],
    announce: Announce,
) -> Iterator[Rebuild]:
    for number, text in enumerate(edits, 1):
        order = replace(warm, files={**warm.files, path: text})
        which = f"after an edit of {path}, {number} of {len(edits)}"
        built, image = _built(builder, order, which, announce)
        yield Rebuild(built.seconds, _steps(built), _not_in(base, image))


def _steps(built: Built) -> int:
    """Returns how many steps of the Dockerfile ran. ``FROM`` names a base, it runs nothing."""
    return sum(
        each.step is not None
        and not each.step.startswith("FROM ")
        and not each.cached
        and each.completed is not None
        for each in built.vertexes
    )


def _not_in(base: Image, image: Image) -> int:
    return sum(size for layer, size in image.layers.items() if layer not in base.layers)


MOST_LINES = 10_000
"""Empty lines that an edit adds, at most."""


def _edits(context: BuildContext, path: str, repetitions: int) -> list[str] | None:
    """Returns as many versions of a file. Each ends in another number of empty lines, by chance,
    so that the cache has not seen it in an earlier run either."""
    text = _text(context, path)
    if text is None:
        return None
    counts = random.sample(range(1, MOST_LINES), repetitions)
    return [f"{text}{newlines * chr(10)}" for newlines in counts]


def _text(context: BuildContext, path: str) -> str | None:
    """Returns the text of a file of the context; None for anything else, and for data."""
    file = context.get(path)
    if file is None or file.kind != "file" or file.size > LARGEST_SOURCE:
        return None
    data = context.read_bytes(path)
    return None if b"\0" in data else data.decode("utf-8", "surrogateescape")


def _is_source(path: str) -> bool:
    return splitext(path)[1].lower() in SOURCE_SUFFIXES


def _beside(evidence: Evidence, before: Sample, after: Sample) -> Evidence:
    path = evidence.scenario.removeprefix(EDIT)
    if path == evidence.scenario or evidence.measured is not None:
        return evidence
    numbers = {
        "steps_rerun": lambda each: each.steps,
        "rebuild_seconds": lambda each: each.seconds,
        "push_bytes": lambda each: each.push_bytes,
    }.get(evidence.metric)
    if numbers is None or path not in before.rebuilds or path not in after.rebuilds:
        return evidence
    old, new = (list(map(numbers, each.rebuilds[path])) for each in (before, after))
    return replace(
        evidence, basis="build", measured=_measured(old, new), predicted_by=evidence.basis
    )


def _felt(before: Sample, after: Sample) -> Iterator[Evidence]:
    yield _number("build_seconds", "cold build", before.cold_seconds, after.cold_seconds)
    yield _number("image_bytes", "image", [before.image_bytes], [after.image_bytes])
    for path, old in before.rebuilds.items():
        new = after.rebuilds.get(path)
        if new is None:
            continue
        scenario = f"{EDIT}{path}"
        yield _number(
            "rebuild_seconds",
            scenario,
            [each.seconds for each in old],
            [each.seconds for each in new],
        )
        yield _number(
            "push_bytes",
            scenario,
            [each.push_bytes for each in old],
            [each.push_bytes for each in new],
        )


def _number(
    metric: str, scenario: str, before: Sequence[float], after: Sequence[float]
) -> Evidence:
    measured = _measured(before, after)
    return Evidence(
        metric, scenario, measured.before.median, measured.after.median, "build", measured
    )


def _measured(before: Sequence[float], after: Sequence[float]) -> Measured:
    return Measured(_spread(before), _spread(after), min(len(before), len(after)))


def _spread(numbers: Sequence[float]) -> Spread:
    return Spread(median(numbers), min(numbers), max(numbers))
