"""Measurements on the engine: that there are numbers, in the right unit, of the right builds."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from optimizer.context.tree import BuildContext
from optimizer.verify.archive import Reader
from optimizer.verify.builders import Order
from optimizer.verify.buildkit import Buildx
from optimizer.verify.measure import Sample, filled, measure
from tests.cases import CASES, Case
from tests.engine.bases import provide
from tests.engine.daemon import Engine

pytestmark = pytest.mark.engine

CASE = Case(
    CASES / "copy-manifests-first/pip-requirements-below-copy-everything", "Dockerfile", None, ()
)
EDITED = "app.py"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def builder(engine: Engine) -> Buildx:
    provide(engine, ["python:3.11-slim"])
    return Buildx(Reader(), environment=engine.environment)


def sampled(builder: Buildx, context: Path, dockerfile: str, repetitions: int) -> Sample:
    order = Order(dockerfile, context, seconds=300, network="host")
    tree = BuildContext(context)
    return measure(builder, order, tree, [EDITED], lambda which: lambda _: None, repetitions)


def test_install_runs_no_more_after_an_edit(builder: Buildx, context: Path) -> None:
    shutil.copytree(CASE.before, context, dirs_exist_ok=True)
    (change,) = CASE.outcome().applied
    before = sampled(builder, context, change.before, 2)
    after = sampled(builder, context, change.after, 2)
    assert [each.steps for each in before.rebuilds[EDITED]] == [2, 2]
    assert [each.steps for each in after.rebuilds[EDITED]] == [1, 1]
    for sample in (before, after):
        assert len(sample.cold_seconds) == 2
        assert all(0 < seconds < 300 for seconds in sample.cold_seconds)
        assert all(0 < each.seconds < 300 for each in sample.rebuilds[EDITED])
        # A Debian with Python: more than 10 MB and less than 1 GB.
        assert 10e6 < sample.image_bytes < 1e9
    # What pip installs is sent again before the change, and the copied sources alone after it.
    assert all(each.push_bytes > 30_000 for each in before.rebuilds[EDITED])
    assert all(0 < each.push_bytes < 30_000 for each in after.rebuilds[EDITED])
    measured = {
        each.metric: each.measured
        for each in filled(change, before, after).evidence
        if each.measured is not None
    }
    assert measured.keys() == {
        *("steps_rerun", "build_seconds", "image_bytes", "rebuild_seconds", "push_bytes")
    }
    assert measured["steps_rerun"].before.median == 2
    assert measured["steps_rerun"].after.median == 1
    assert (context / EDITED).read_bytes() == (CASE.before / EDITED).read_bytes()


def test_rebuild_without_an_edit_sends_nothing(builder: Buildx, context: Path) -> None:
    """Also after several cold builds, each of which leaves layers of its own in the cache."""
    shutil.copytree(CASE.before, context, dirs_exist_ok=True)
    dockerfile = (context / "Dockerfile").read_text()
    layers = []
    for cold in (True, True, False, False):
        order = Order(dockerfile, context, seconds=300, network="host", cold=cold)
        built = builder.build(order, lambda progress: None)
        builder.remove(built)
        assert built.image is not None
        layers.append(set(built.image.layers))
    assert layers[2] == layers[3]


def test_command_shows_what_was_measured(builder: Buildx, context: Path) -> None:
    shutil.copytree(CASE.before, context, dirs_exist_ok=True)
    command = [sys.executable, "-m", "optimizer", "verify", "--format", "json", "--measure", "1"]
    command += ["--select", "copy-manifests-first"]
    done = subprocess.run(
        [*command, "--network", "host", str(context / "Dockerfile")],
        cwd=ROOT,
        env=dict(builder.environment),
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    (change,) = json.loads(done.stdout)["verified"][0]["changes"]
    (steps,) = [each for each in change["evidence"] if each["metric"] == "steps_rerun"]
    assert (steps["before"], steps["after"]) == (2, 1)
    assert (steps["basis"], steps["predicted_by"]) == ("build", "model")
    assert steps["measured"]["before"] == {"median": 2, "least": 2, "most": 2}
    assert steps["measured"]["after"] == {"median": 1, "least": 1, "most": 1}
