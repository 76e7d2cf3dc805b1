"""``python -m tests.engine table [APPLICATION ...]``: what the little applications cost to build
before and after dockopt, as it predicts and as it is.

A row is one version of a Dockerfile of ``fixtures/apps``; where dockopt changes it, the rewrite has
a row of its own. Where two numbers stand beside each other the first is predicted (the seconds are
estimates by what a command is, without a log or a history of this machine) and the second
measured. A warm rebuild is one after an edit of the named file; ``push`` is what of the image a
registry would not have had before the edit.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.context.tree import BuildContext
from optimizer.knowledge.sources import SOURCE_SUFFIXES
from optimizer.verify.archive import Reader
from optimizer.verify.builders import Order
from optimizer.verify.buildkit import Buildx
from optimizer.verify.measure import EDIT, Sample, measure
from tests.engine.bases import provide, stand_ins_named_in
from tests.engine.daemon import Engine, start_engine

ROOT = Path(__file__).resolve().parents[2]
APPS = ROOT / "fixtures" / "apps"
HEADS = ("application", "edited", "cold s", "warm s", "steps", "image MB", "push kB")
WIDTHS = (20, 26, 12, 12, 7, 8, 8)


@dataclass(frozen=True)
class Version:
    """One text of a Dockerfile, and what the model says of it (``dockopt cache``): the seconds of
    all steps, and the seconds and the number of those that the edit makes run again."""

    name: str
    text: str
    cold_seconds: float
    warm_seconds: float
    steps: int


def table(names: Sequence[str]) -> int:
    """Builds the applications on an engine of its own and prints a row for each version."""
    unknown = sorted(set(names) - {folder.name for folder in APPS.iterdir()})
    if unknown:
        print(f"no such application: {', '.join(unknown)}", file=sys.stderr)
        return 2
    _print(HEADS)
    engine = start_engine()
    try:
        for app in names or sorted(folder.name for folder in APPS.iterdir()):
            for row in _rows(engine, app):
                _print(row)
    finally:
        engine.stop()
    return 0


def _print(row: Sequence[str]) -> None:
    """Prints a row at once: the next one may take minutes."""
    cells = (cell.ljust(width) for cell, width in zip(row, WIDTHS, strict=True))
    print("  ".join(cells).rstrip(), flush=True)


def _rows(engine: Engine, app: str) -> Iterator[tuple[str, ...]]:
    with tempfile.TemporaryDirectory(prefix="dockopt-table-") as name:
        context = Path(name) / app
        shutil.copytree(APPS / app, context, symlinks=True)
        provide(engine, stand_ins_named_in((context / "Dockerfile").read_text()))
        edited, versions = _versions(app, context)
        for version in versions:
            yield _row(version, edited, _sample(engine, version, context, edited))


def _versions(app: str, context: Path) -> tuple[str, list[Version]]:
    """Returns the file that is edited, and the texts before and after dockopt."""
    (file,) = _dockopt("fix", context)["files"]
    scenarios = [each["scenario"] for change in file["applied"] for each in change["evidence"]]
    predicted = [each.removeprefix(EDIT) for each in scenarios if each.startswith(EDIT)]
    edited = next(iter(predicted), None) or source_to_edit(context)
    cache = _dockopt("cache", context, "--change", edited)
    versions = [_version(app, file["before"], cache["before"])]
    if file["applied"]:
        versions.append(_version("  rewritten", file["after"], cache["after"]))
    return edited, versions


def _version(name: str, text: str, cache: dict[str, Any]) -> Version:
    again = [step["seconds"] for step in cache["steps"] if step["reruns"]]
    every = sum(step["seconds"] for step in cache["steps"])
    return Version(name, text, every, sum(again), len(again))


def _dockopt(command: str, context: Path, *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "optimizer", command, "--format", "json", *words, "Dockerfile"],
        cwd=context,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def source_to_edit(context: Path) -> str:
    """Returns the first source by name; where none looks like one, the first file in a folder."""
    paths = sorted(
        (path for path in context.rglob("*") if path.is_file() and path.parent != context),
        key=lambda path: (path.suffix not in SOURCE_SUFFIXES, path),
    )
    beside = sorted(path for path in context.iterdir() if path.suffix in SOURCE_SUFFIXES)
    return next(iter([*beside, *paths])).relative_to(context).as_posix()


def _sample(engine: Engine, version: Version, context: Path, edited: str) -> Sample:
    builder = Buildx(Reader(), environment=engine.environment)
    order = Order(version.text, context, network="host")
    tree = BuildContext(context)
    return measure(builder, order, tree, [edited], lambda which: lambda progress: None, 1)


def _row(version: Version, edited: str, sample: Sample) -> tuple[str, ...]:
    (rebuild,) = sample.rebuilds[edited]
    return (
        version.name,
        edited,
        f"{version.cold_seconds:.0f} / {sample.cold_seconds[0]:.1f}",
        f"{version.warm_seconds:.0f} / {rebuild.seconds:.1f}",
        f"{version.steps} / {rebuild.steps}",
        f"{sample.image_bytes / 1e6:.1f}",
        f"{rebuild.push_bytes / 1e3:.1f}",
    )
