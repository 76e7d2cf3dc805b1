"""Wrong rewrites, planted by hand: the judge finds each and names it in one line.

A case is ``fixtures/planted/<reason>/`` with ``before.Dockerfile``, ``after.Dockerfile`` (a
rewrite that breaks its promise), ``context/`` where the build wants files, ``finding.txt`` (the
line) and, where the promise is not ``same-image``, ``case.toml`` with ``safety`` and ``drops``.
"""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.journal import Applied
from optimizer.proposal import Safety
from optimizer.verify.archive import Reader
from optimizer.verify.builders import Order
from optimizer.verify.buildkit import Buildx
from optimizer.verify.closure import closure
from optimizer.verify.facts import facts
from optimizer.verify.judge import Baseline, Builds, Judge
from optimizer.verify.stage_images import StageImages
from optimizer.verify.verdict import Verdict
from tests.engine.bases import provide, stand_ins_named_in
from tests.engine.daemon import Engine

pytestmark = pytest.mark.engine

PLANTED = Path(__file__).resolve().parents[2] / "fixtures" / "planted"
REASONS = sorted(folder.name for folder in PLANTED.iterdir())


def planted_change(folder: Path) -> Applied:
    said = folder / "case.toml"
    options = tomllib.loads(said.read_text()) if said.is_file() else {}
    safety = options.get("safety", Safety.SAME_IMAGE.label)
    return Applied(
        transform="planted",
        title="A rewrite that is wrong",
        safety=Safety[safety.upper().replace("-", "_")],
        reason="",
        line=1,
        end_line=1,
        evidence=(),
        drops=tuple(options.get("drops", ())),
        assumes=(),
        files=(),
        before=(folder / "before.Dockerfile").read_text(),
        after=(folder / "after.Dockerfile").read_text(),
    )


def verdict_on(change: Applied, engine: Engine, context: Path) -> Verdict:
    provide(engine, stand_ins_named_in(change.before + change.after))
    order = Order(change.before, context, seconds=300, network="host")
    builder = Buildx(Reader(facts), environment=engine.environment)
    with Builds(builder, lambda which: lambda progress: None) as builds:
        checks = [closure(StageImages(builds))]
        (verdict,) = Judge(Baseline(builds, order), [change], checks=checks).verdicts()
    return verdict


@pytest.mark.parametrize("reason", REASONS)
def test_wrong_rewrite_is_found_and_named(reason: str, engine: Engine, context: Path) -> None:
    folder = PLANTED / reason
    if (folder / "context").is_dir():
        shutil.copytree(folder / "context", context, dirs_exist_ok=True)
    verdict = verdict_on(planted_change(folder), engine, context)
    assert verdict.outcome == "broken"
    assert verdict.findings[0].message == (folder / "finding.txt").read_text().rstrip("\n")


def test_rewrite_that_keeps_its_promise_is_not_named(engine: Engine, context: Path) -> None:
    change = planted_change(PLANTED / "lost-env")
    kept = replace(change, after=change.before.replace("ENV MODE", "# Said twice.\nENV MODE"))
    verdict = verdict_on(kept, engine, context)
    assert (verdict.outcome, verdict.findings) == ("kept", ())
