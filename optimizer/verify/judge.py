"""Builds a file before and after its changes, and says of every change what became of it.

The original is built cold twice, so that what differs by chance is known (A/A), then the text
with all changes (A/B). Only where that breaks a promise are the texts in between built, and the one
before a change once more: an earlier change may have brought what differs by chance.
"""

from __future__ import annotations

import posixpath
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from optimizer.journal import Applied, ContextAnswer
from optimizer.model.stages import Invocation
from optimizer.proposal import Safety
from optimizer.verify.builders import Builder, Built, EngineFault, Failed, Order, Watch
from optimizer.verify.compare import Chance
from optimizer.verify.origin import with_origin
from optimizer.verify.promises import Check, Promise, judge
from optimizer.verify.verdict import Finding, Verdict
from optimizer.verify.verdict import Outcome as VerdictOutcome

Announce: TypeAlias = Callable[[str], Watch]
"""Is told what is built next, and returns what watches it."""

_MOST_CONTROLS = 4
"""Builds of the original, for one judge or several."""

_APART_SECONDS = 1.1
"""Between the starts of two builds of one text: what tools write down in whole seconds has to
differ in order to count as chance."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of the changes of one file in one of the ways in which it is built.

    ``verdicts`` stand in the order of ``changes``; ``kept_images`` are the names under which the
    engine still has what was built; ``line`` is that of the step at which the original fails.
    """

    path: str
    way: ContextAnswer
    invocation: Invocation
    builder: str
    changes: tuple[Applied, ...]
    verdicts: tuple[Verdict, ...]
    seconds: float
    kept_images: tuple[str, ...] = ()
    line: int = 1

    @property
    def outcome(self) -> VerdictOutcome:
        """The worst of the verdicts."""
        return max((each.outcome for each in self.verdicts), key=RANKS.index, default="kept")


RANKS: Sequence[VerdictOutcome] = ("kept", "unverifiable", "before-broken", "broken")
"""From the best to the worst."""


@dataclass
class Builds:
    """The builds of one run. Use it in a ``with``: what they left on the engine goes at its end,
    unless ``keep`` is set. Raises `EngineFault`."""

    builder: Builder
    announce: Announce
    keep: bool = False
    made: list[Built] = field(default_factory=list)
    """All of them, in order."""
    _orders: list[Order] = field(default_factory=list)

    def __enter__(self) -> Builds:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.keep:
            return
        for built in self.made:
            try:
                self.builder.remove(built)
            except EngineFault:
                # An engine that is gone cannot be tidied up; why it is gone matters more.
                if kind is None:
                    raise

    @property
    def kept_images(self) -> tuple[str, ...]:
        """The names under which the engine still has what was built when this is over."""
        names = (built.reference for built in self.made)
        return tuple(name for name in names if name is not None) if self.keep else ()

    def make(self, order: Order, which: str) -> Built:
        """Builds ``order``, which reports call ``which``."""
        built = self.builder.build(order, self.announce(which))
        self.made.append(built)
        self._orders.append(order)
        return built

    def order_of(self, built: Built) -> Order | None:
        """Returns how something was built here; None for what was not."""
        pairs = zip(self.made, self._orders, strict=True)
        return next((order for made, order in pairs if made is built), None)


@dataclass
class Baseline:
    """The original, built again and again to see what differs by chance."""

    builds: Builds
    order: Order
    built: list[Built] = field(default_factory=list)
    _started: float = -_APART_SECONDS

    def build(self) -> Built:
        """Builds the original once more and returns what came of it."""
        time.sleep(max(0.0, self._started + _APART_SECONDS - time.monotonic()))
        self._started = time.monotonic()
        which = "original, once more" if self.built else "original"
        self.built.append(self.builds.make(self.order, which))
        return self.built[-1]

    @property
    def first(self) -> Built:
        return self.built[0] if self.built else self.build()

    @property
    def failure(self) -> Verdict | None:
        """What is to be said of every change where the original cannot be built twice."""
        if self.first.failed is not None:
            return _before_broken(self.first.failed, "")
        second = self.built[1] if len(self.built) > 1 else self.build()
        if second.failed is not None:
            return _before_broken(second.failed, " the second time")
        return None

    @property
    def chance(self) -> Chance:
        return Chance.of([each.image for each in self.built if each.image is not None])


@dataclass
class Judge:
    """Holds the changes of one file to what they promise, in one way of building it.

    ``changes`` were applied one after the other. Every method raises `EngineFault`.
    """

    baseline: Baseline
    changes: Sequence[Applied]
    root: str = "."
    """The path of the context from where the paths of the changes start."""
    checks: Sequence[Check] = ()
    """What is asked where the bytes of two images may differ."""
    smoke: Check | None = None
    """The user's own command, which is asked whatever was promised."""
    _built: dict[int, Built] = field(default_factory=dict)
    _again: dict[int, Built] = field(default_factory=dict)

    def verdicts(self) -> tuple[Verdict, ...]:
        """Returns a verdict for each change."""
        if (failure := self.baseline.failure) is not None:
            return (failure,) * len(self.changes)
        return self._judge(0, len(self.changes))

    def guilty(self) -> tuple[int, Verdict] | None:
        """Returns the first change, as an index, with which the promises made up to it do not
        hold, and the verdict on them; None where all hold. Builds about log2 as many texts as
        there are changes."""
        if (failure := self.baseline.failure) is not None:
            return 0, failure
        good, bad = 0, len(self.changes)
        verdict = self._together(good, bad)
        if verdict.outcome != "broken":
            return None if verdict.outcome == "kept" else (bad - 1, verdict)
        while bad - good > 1:
            middle = (good + bad) // 2
            found = self._together(0, middle)
            if found.outcome == "kept":
                good = middle
            else:
                bad, verdict = middle, found
        return bad - 1, verdict

    def built(self, number: int) -> Built:
        """Returns the build of the text after ``number`` changes, made once."""
        if number == 0:
            return self.baseline.first
        if number not in self._built:
            self._built[number] = self.baseline.builds.make(self.order(number), self.label(number))
        return self._built[number]

    def label(self, number: int) -> str:
        """Returns what reports call the text after ``number`` changes."""
        if number == 0:
            return "original"
        count = len(self.changes)
        return "rewrite" if number == count else f"rewrite, {number} of {count} changes"

    def cold_builds(self, number: int) -> Sequence[Built]:
        """Returns the builds of the text after ``number`` changes that have been made."""
        made = self.baseline.built if number == 0 else [self._built.get(number)]
        return [built for built in made if built is not None]

    def order(self, number: int) -> Order:
        """Returns how the text after ``number`` changes is built."""
        original = self.baseline.order
        if number == 0:
            return original
        files: dict[str, str] = dict(original.files)
        for change in self.changes[:number]:
            files.update(self._in_context(change))
        ignore = original.ignore
        for name in [name for name in files if name.rpartition("/")[2].endswith(".dockerignore")]:
            ignore = files.pop(name)
        text = self.changes[number - 1].after
        return replace(original, dockerfile=text, ignore=ignore, files=files)

    def _in_context(self, change: Applied) -> Mapping[str, str]:
        """Returns the other files of a change by their paths in the context."""
        return {posixpath.relpath(file.path, self.root): file.after for file in change.files}

    def _judge(self, low: int, high: int) -> tuple[Verdict, ...]:
        """Judges the changes ``low`` to ``high``, together first."""
        if low == high:
            return ()
        alone = high - low == 1
        promises = {change.safety for change in self.changes[low:high]}
        if alone or Safety.CHANGES_IMAGE not in promises:
            verdict = self._together(low, high)
            if alone or verdict.outcome == "kept":
                return (verdict,) * (high - low)
        middle = (low + high) // 2
        return (*self._judge(low, middle), *self._judge(middle, high))

    def _together(self, low: int, high: int) -> Verdict:
        before, after = self.built(low), self.built(high)
        if before.failed is not None:
            what = Finding("build", "it could not be judged: a change before it breaks the build")
            return Verdict("unverifiable", (what,))
        if after.failed is not None:
            return _after_fails(after.failed)
        promise = self._promise(low, high)
        verdict = self._judged(promise, before, after, low)
        if verdict.outcome == "broken" and low > 0 and low not in self._again:
            # A change before these may have brought a step that makes something else each time.
            once_more = f"{self.label(low)}, once more"
            self._again[low] = self.baseline.builds.make(self.order(low), once_more)
            verdict = self._judged(promise, before, after, low)
        if verdict.outcome != "broken" or len(self.baseline.built) >= _MOST_CONTROLS:
            return verdict
        # What changes with the minute or the day looks like the rewrite's doing: the original is
        # built again, after it.
        self.baseline.build()
        return self._judged(promise, before, after, low)

    def _judged(self, promise: Promise, before: Built, after: Built, low: int) -> Verdict:
        assert before.image is not None
        assert after.image is not None
        chance = self.baseline.chance
        if low in self._again and (again := self._again[low].image) is not None:
            chance = chance.joined(Chance.of([before.image, again]))
        verdict = judge(promise, before, after, chance, self.checks, self.smoke)
        context = self.baseline.order.context
        found = [with_origin(each, before.image, after.image, context) for each in verdict.findings]
        return replace(verdict, findings=tuple(found))

    def _promise(self, low: int, high: int) -> Promise:
        changes = self.changes[low:high]
        return Promise(
            min(change.safety for change in changes),
            tuple(drop for change in changes for drop in change.drops),
            tuple(path for change in changes for path in self._in_context(change)),
        )


def _before_broken(failed: Failed, again: str) -> Verdict:
    if failed.why == "time":
        what = Finding("build", f"the original has {failed.message}{again}{_at(failed)}")
        return Verdict("unverifiable", (what,))
    what = Finding("build", f"the original does not build{again}{_at(failed)}: {_words(failed)}")
    return Verdict("before-broken", (what,), failed.log)


def _after_fails(failed: Failed) -> Verdict:
    if failed.why == "time":
        what = Finding("build", f"the rewrite has {failed.message}{_at(failed)}")
        return Verdict("unverifiable", (what,))
    what = Finding("build", f"the rewrite does not build{_at(failed)}: {_words(failed)}")
    return Verdict("broken", (what,), failed.log)


def _at(failed: Failed) -> str:
    if failed.step is None:
        return ""
    first, *more = failed.step.splitlines() or [""]
    return f" at `{first}{' ...' if more else ''}`"


def _words(failed: Failed) -> str:
    """Returns the last thing that the step said, with the error."""
    said = next((line.strip() for line in reversed(failed.log) if line.strip()), "")
    error = failed.message.strip().splitlines()[-1] if failed.message.strip() else ""
    code = error.rpartition("did not complete successfully: ")[2]
    return f"{said} ({code})" if said else code
