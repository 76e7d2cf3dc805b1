"""What a layer really changed lies within what effects say that its RUN writes.

The RUN steps stand in ``fixtures/layers/<group>/Dockerfile``; each group is one build.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname

import pytest

from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.effects.effects import Effects
from optimizer.effects.paths import Paths, ancestors
from optimizer.journal import ContextAnswer
from optimizer.model.stages import Invocation
from optimizer.view import Build, View
from tests.cases import FIXTURES
from tests.engine.bases import provide, stand_ins_named_in
from tests.engine.build import build
from tests.engine.daemon import Engine
from tests.engine.image import ImageReader, StepChanges

pytestmark = pytest.mark.engine

GROUPS = sorted(folder.name for folder in (FIXTURES / "layers").iterdir())


@dataclass(frozen=True)
class Layered:
    """One RUN: what effects say, and what its layer changed."""

    effects: Effects
    changes: StepChanges

    @property
    def line(self) -> int:
        return self.effects.step.instruction.line

    @property
    def unforeseen(self) -> list[str]:
        """The paths that changed, and that neither the writes nor the directories made hold."""
        writes = self.effects.writes
        made = {top for path in writes.prefixes for top in ancestors(dirname(path))}
        return sorted(path for path in self.changes.paths - made if not writes.covers(path))


def view_of(folder: Path) -> View:
    source = Source("Dockerfile", (folder / "Dockerfile").read_text())
    context = BuildContext(folder / "context")
    return View(parse(source), Build(context, Invocation(), ContextAnswer(".", "the case")))


def runs(view: View) -> list[Effects]:
    (stage,) = view.stages.stages
    return [view.effects(step) for step in stage.steps if step.instruction.keyword == "RUN"]


@pytest.fixture(scope="module", params=GROUPS)
def layered(request: pytest.FixtureRequest, engine: Engine, images: ImageReader) -> list[Layered]:
    folder = FIXTURES / "layers" / request.param
    provide(engine, stand_ins_named_in((folder / "Dockerfile").read_text()))
    result = build(engine, folder / "context", folder / "Dockerfile", seconds=900)
    assert result.ok, result.log[-4000:]
    assert result.image_id is not None
    steps = images.read_steps(result.image_id)
    changes = [step for step in steps if step.created_by.startswith("RUN ")]
    effects = runs(view_of(folder))
    # The stand-in's own instructions stand in front.
    return [
        Layered(*pair) for pair in zip(effects, changes[len(changes) - len(effects) :], strict=True)
    ]


def test_a_layer_changes_nothing_but_what_its_step_writes(layered: list[Layered]) -> None:
    bad = {
        each.line: each.unforeseen[:12]
        for each in layered
        if each.effects.writes.opaque is None and each.unforeseen
    }
    assert not bad


def test_most_steps_are_understood() -> None:
    found = [effects for name in GROUPS for effects in runs(view_of(FIXTURES / "layers" / name))]
    known = [effects for effects in found if effects.writes.opaque is None]
    assert len(known) >= 60
    assert len(known) >= 0.9 * len(found)


def test_what_covers_nothing_would_be_found() -> None:
    """A step that is said to write nothing is caught by the first path that it changes."""
    (effects,) = runs(view_of(FIXTURES / "layers" / "files"))[:1]
    silent = Effects(effects.step, writes=Paths())
    assert Layered(silent, StepChanges("RUN", frozenset({"/data"}))).unforeseen == ["/data"]
