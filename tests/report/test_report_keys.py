"""What ``dockopt print cache`` shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

import pytest

from optimizer.cache.model import CacheModel, ContextChange
from optimizer.cache.rerun import rerun
from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.journal import ContextAnswer
from optimizer.model.stages import Invocation
from optimizer.report.keys import as_json, as_text
from optimizer.view import Build, View

ANALYSES = Path(__file__).resolve().parents[2] / "fixtures" / "analyses" / "cache"
CASES = sorted(path.name for path in ANALYSES.iterdir())
FILES = {"src/main.c": b"", "src/lib.c": b"", "README.md": b"", "ignored": b""}


class Snapshot(Protocol):
    """The part of pytest-snapshot's fixture that is used here; the package has no types."""

    snapshot_dir: Path

    def assert_match(self, value: bytes, snapshot_name: str) -> None: ...


def model_of(case: str) -> CacheModel:
    data = (ANALYSES / case / "Dockerfile").read_bytes()
    files = {**FILES, ".dockerignore": b"ignored\n", "Dockerfile": data}
    context = BuildContext.from_listing(files)
    tree = parse(Source.from_bytes("Dockerfile", data))
    return View(tree, Build(context, Invocation(), ContextAnswer(".", "a test"))).cache


@pytest.mark.parametrize("case", CASES)
def test_text_and_json(case: str, snapshot: Snapshot) -> None:
    snapshot.snapshot_dir = ANALYSES / case
    model = model_of(case)
    changed = [(ANALYSES / case / "change").read_text().strip()]
    found = rerun(model, model.after(ContextChange(tuple(changed))))
    snapshot.assert_match(as_text(model, changed, found).encode(), "keys.txt")
    values = json.dumps(as_json(model, "Dockerfile", changed, found), indent=2) + "\n"
    snapshot.assert_match(values.encode(), "keys.json")
