"""Random triples of Dockerfile, context and edit: what the model predicts, the engine does."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from optimizer.cache.rerun import rerun
from tests.cache.models import Built, model_of
from tests.cache.triples import Triple, make, shrink
from tests.engine.build import build
from tests.engine.daemon import Engine
from tests.engine.measure import Rebuild

pytestmark = pytest.mark.engine

FIRST = int(os.environ.get("DOCKOPT_TRIPLES_FROM", "0"))
TRIPLES = int(os.environ.get("DOCKOPT_TRIPLES", "300"))
BATCH = 20
AT_ONCE = 2
RUN = f"r{os.getpid()}-"
"""Part of every first step, so that a run never hits what another run left in an engine."""


@dataclass(frozen=True)
class Outcome:
    """What was predicted and what ran; ``ran`` is None where a build failed."""

    predicted: frozenset[str]
    ran: frozenset[str] | None
    log: str = ""

    @property
    def agrees(self) -> bool:
        return self.ran is None or self.ran == self.predicted


def measure(engine: Engine, triple: Triple, folder: Path) -> Outcome:
    """Builds before and after, and predicts."""
    triple.write(folder)
    options = [{"build_args": dict(given)} for given in triple.build_args]
    before = Built.of(folder, options[0])
    first = build(engine, folder, build_args=triple.build_args[0])
    triple.apply(folder)
    after = Built.of(folder, options[1])
    found = rerun(model_of(before), model_of(after, before))
    predicted = frozenset(each.vertex.text for each in found)
    if not first.ok:
        return Outcome(predicted, None, first.log)
    second = build(engine, folder, build_args=triple.build_args[1])
    if not second.ok:
        return Outcome(predicted, None, second.log)
    return Outcome(predicted, Rebuild(first, second).ran)


def reproducer(engine: Engine, triple: Triple, outcome: Outcome, folder: Path) -> str:
    """Shrinks a triple on which the two disagree, and says how."""
    marks = iter(range(1000))
    whole = _difference(outcome)

    def fails(smaller: Triple) -> bool:
        nonlocal outcome
        # A mark of its own keeps the cache of the larger triple out.
        other = _remarked(smaller, f"m{next(marks)}-")
        found = measure(engine, other, folder)
        return not found.agrees

    small = _remarked(shrink(triple, fails), "last-")
    outcome = measure(engine, small, folder)
    return f"{triple}\n{whole}\nsmaller: {small}\n{_difference(outcome)}\n{outcome.log[-500:]}"


def _difference(outcome: Outcome) -> str:
    ran = outcome.ran or frozenset()
    return (
        f"predicted only: {sorted(outcome.predicted - ran)}\n"
        f"ran only: {sorted(ran - outcome.predicted)}"
    )


def _remarked(triple: Triple, mark: str) -> Triple:
    again = make(triple.seed, mark + RUN)
    kept = {line.id for line in (*triple.before, *triple.after)}
    for line in {*again.before, *again.after}:
        if line.id not in kept:
            again = again.without(line.id)
    return again


@pytest.fixture(scope="module")
def warm(engine: Engine, busybox: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The base image after its first use: an engine into which it was just loaded runs the
    steps of its very first builds once more, whatever changed."""
    folder = tmp_path_factory.mktemp("warm")
    for number in range(3):
        (folder / "Dockerfile").write_text(f"FROM {busybox}\nRUN echo {RUN}{number}\n")
        assert build(engine, folder).ok
    return busybox


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize("batch", range((TRIPLES + BATCH - 1) // BATCH))
def test_the_engine_runs_what_the_model_predicts(
    batch: int, engine: Engine, tmp_path: Path
) -> None:
    seeds = range(FIRST + batch * BATCH, FIRST + min((batch + 1) * BATCH, TRIPLES))
    triples = [make(seed, RUN) for seed in seeds]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(
            pool.map(lambda triple: measure(engine, triple, tmp_path / f"c{triple.seed}"), triples)
        )
    wrong = [
        (triple, outcome)
        for triple, outcome in zip(triples, outcomes, strict=True)
        if not outcome.agrees
    ]
    texts = [
        reproducer(engine, triple, outcome, tmp_path / f"small{triple.seed}")
        for triple, outcome in wrong[:2]
    ]
    built = sum(outcome.ran is not None for outcome in outcomes)
    print(f"batch {batch}: {built} of {len(outcomes)} built, {len(wrong)} disagree")
    assert not wrong, f"{len(wrong)} of {len(outcomes)} disagree\n" + "\n".join(texts)
    assert built * 4 >= len(outcomes) * 3, "most triples have to build"
