"""Laws of the cache model over random triples, without an engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optimizer.cache.model import CacheModel, ContextChange
from optimizer.cache.rerun import rerun, touched
from tests.cache.models import Built, model_of
from tests.cache.triples import make

SEEDS = st.integers(0, 100_000)
PATHS = st.sampled_from(
    ("a.txt", "other", "only", "dir/a", "dir/sub/b", "dir/ignored", "src/x.c", "src/lib/z.c",
     "Dockerfile", ".dockerignore", "nowhere/at/all")
)  # fmt: skip
LAW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _model(seed: int, folder: Path) -> CacheModel:
    triple = make(seed)
    triple.write(folder)
    return model_of(Built.of(folder))


@given(seed=SEEDS, path=PATHS)
@LAW
def test_sets_of_scenarios_and_keys_agree(seed: int, path: str, tmp_path: Path) -> None:
    model = _model(seed, tmp_path / "context")
    found = {each.vertex.number for each in rerun(model, model.after(ContextChange((path,))))}
    hit = not model.context.excluded(path)
    bits = touched(model, lambda selection: int(hit and selection.selects(path)))
    assert {vertex.number for vertex, scenarios in bits.items() if scenarios} == found


@given(seed=SEEDS)
@LAW
def test_nothing_runs_again_without_a_change(seed: int, tmp_path: Path) -> None:
    model = _model(seed, tmp_path / "context")
    assert rerun(model, model) == ()
    assert rerun(model, replace(model)) == ()


@given(seed=SEEDS, path=PATHS)
@LAW
def test_what_stands_on_a_step_that_runs_again_runs_again(
    seed: int, path: str, tmp_path: Path
) -> None:
    from optimizer.cache.keys import Above

    model = _model(seed, tmp_path / "context")
    found = {each.vertex.number for each in rerun(model, model.after(ContextChange((path,))))}
    for vertex in model.vertices:
        for part in vertex.key:
            if isinstance(part.value, Above) and part.value.number in found:
                assert vertex.number in found
