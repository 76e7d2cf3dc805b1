"""The measured table judges the model: it predicts every row of the engine's."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.cache.rerun import rerun
from tests.cache.models import Built, model_of
from tests.engine.test_engine_cache import LINK_ROWS, ROWS, Row, prepare


def _predicted(row: Row, folder: Path, *, merges: bool = False) -> frozenset[str]:
    context = folder / "context"
    context.mkdir(parents=True)
    prepare(context, row)
    before = Built.of(context, row.before)
    row.change(context)
    after = Built.of(context, row.after)
    found = rerun(model_of(before, merges=merges), model_of(after, before, merges=merges))
    return frozenset(each.vertex.text for each in found)


@pytest.mark.parametrize("reason", ROWS)
def test_the_model_says_what_the_engine_did(reason: str, tmp_path: Path) -> None:
    assert _predicted(ROWS[reason], tmp_path) == ROWS[reason].ran


@pytest.mark.parametrize("reason", LINK_ROWS)
def test_linked_copies_with_merges(reason: str, tmp_path: Path) -> None:
    assert _predicted(LINK_ROWS[reason], tmp_path, merges=True) == LINK_ROWS[reason].ran


@pytest.mark.parametrize("reason", LINK_ROWS)
def test_linked_copies_without_merges_are_copies(reason: str, tmp_path: Path) -> None:
    row = LINK_ROWS[reason]
    linked = _predicted(row, tmp_path / "linked")
    text = row.dockerfile.replace("--link ", "")
    plain = _predicted(Row(text, row.change), tmp_path / "plain")
    assert {step.replace("--link ", "") for step in linked} == plain
